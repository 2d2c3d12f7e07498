"""`make bench`: servers of its own, and `python -m tests.bench` beside them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

from config.local.environment import ROOT, Instance, Servers, environment_for
from config.local.home import Home
from config.local.probes import check_settings
from config.local.programs import Output, Program
from config.local.run import migrate, occupied, start_servers
from config.local.supervisor import Supervisor


def bench(environ: Mapping[str, str]) -> int:
    """Run the benchmarks and give their exit status.

    Raises StartRefused.
    """
    instance = Instance.of(environ)
    home = Home.at(str(instance.home.path / "bench"))
    with occupied(home) as roll:
        servers = Servers.missing_from({**environ, "EMAIL_URL": ""}, home)
        environment = environment_for(
            environ, home=home, servers=servers, FRONTDESK_LOCAL="0", EMAIL_URL="smtp://127.0.0.1:9"
        )
        check_settings(environment)
        with Supervisor(roll) as supervisor, supervisor.obeying_signals():
            start_servers(supervisor, servers, environment)
            if servers.postgres is not None:
                print("PostgreSQL with its durable settings: a commit waits for the disk.")
            migrate(supervisor, environment)
            words = shlex.split(environ.get("ARGS", ""))
            return supervisor.run(
                Program(
                    name="bench",
                    command=(sys.executable, "-m", "tests.bench", *words),
                    environment=environment,
                    directory=ROOT,
                    output=Output.TERMINAL,
                )
            )
