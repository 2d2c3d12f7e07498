"""Start the local set-up: `python -m config.local run`."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from config.local import bench, checks, gates, messages, run, serve
from config.local.launch import end_with_parent
from config.local.refusals import StartRefused
from config.local.supervisor import Stopped

_COMMANDS = {
    "run": (run.run, "servers, web, worker and beat, until Ctrl-C"),
    "test": (checks.test, "every check, on servers of their own; ARGS go to pytest"),
    "bench": (bench.bench, "the benchmarks, on servers of their own; ARGS go to them"),
    "gates": (gates.gates, "the drills at full size, on servers of their own; ARGS go to them"),
    "chaos": (gates.chaos, "reminders while workers and servers are killed; ARGS go to it"),
    "messages": (messages.messages, "bring the catalogues of texts up to date; ARGS add languages"),
    "services": (serve.serve, "PostgreSQL, Redis and the mail catcher alone"),
}
_ENDLESS = {"run", "services"}
_VARIABLES = """\
variables:
  PORT            the port of the web process (8000)
  HOST            where it listens (127.0.0.1)
  FRONTDESK_HOME  the directory of database, Redis, mail and media (var/)
  DATABASE_URL, REDIS_URL, EMAIL_URL
                  servers to use instead of local ones
  SECRET_KEY      made once and kept, if it is not given
  and all others that config/settings.py reads
"""


def main() -> int:
    """Do what the command line says and give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m config.local",
        description="The local set-up.",
        epilog=_VARIABLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--with-parent", action="store_true", help="end when the caller does")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, description) in _COMMANDS.items():
        commands.add_parser(name, help=description)
    arguments = parser.parse_args()
    if arguments.with_parent:
        end_with_parent(os.getppid(), signal.SIGTERM)
    command, _ = _COMMANDS[arguments.command]
    try:
        return command(os.environ)
    except StartRefused as refusal:
        print(f"frontdesk: {refusal}", file=sys.stderr)
        return refusal.exit_status
    except Stopped:
        # That is how a run ends; checks and benchmarks are not done then.
        return 0 if arguments.command in _ENDLESS else 130
    except KeyboardInterrupt:
        # Before the supervisor listens; nothing has been started yet.
        return 130


if __name__ == "__main__":
    sys.exit(main())
