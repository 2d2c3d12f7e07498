# Python 3.11 or newer and make are all that is needed. What the targets do is in config/local/.

.DEFAULT_GOAL := help
.PHONY: help run test bench gates chaos messages services lock

# Runs a file of ours with the first Python that is new enough; PYTHON=… names another.
python = for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		exec "$$python" -I $(1); \
	fi; \
done; \
echo "frontdesk: no Python 3.11 or newer found; PYTHON=/path/to/python3 make … names one." >&2; exit 2

install = @$(call python,config/local/install.py $(1))
local = @exec .venv/bin/python -m config.local --with-parent $(1)

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: ## start the whole house here, until Ctrl-C (PORT, FRONTDESK_HOME, DATABASE_URL, …)
	$(call install,local)
	$(call local,run)

test: ## run every check and the tests (ARGS="-k name" go to pytest)
	$(call install,test)
	$(call local,test)

bench: ## run the benchmarks (ARGS go to them)
	$(call install,test)
	$(call local,bench)

gates: ## run the drills at full size, half an hour (ARGS="--small", or names)
	$(call install,test)
	$(call local,gates)

chaos: ## kill workers and servers while 10,000 reminders go out (ARGS="--small", or names)
	$(call install,test)
	$(call local,chaos)

messages: ## bring the catalogues of texts up to date and compile them (ARGS="fr" begins another)
	$(call install,local)
	$(call local,messages)

services: ## start PostgreSQL, Redis and the mail catcher alone
	$(call install,local)
	$(call local,services)

lock: ## write requirements/*.txt anew (ARGS="--upgrade"; needs uv)
	@$(call python,config/local/lock.py)
