"""`make services`: the servers alone, for whoever starts the rest by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from config.local.environment import Instance, Servers, environment_for, keep_variables
from config.local.probes import check_settings
from config.local.run import occupied, start_servers
from config.local.supervisor import Supervisor


def serve(environ: Mapping[str, str]) -> NoReturn:
    """Start the servers, print the variables that lead to them, and stay until Ctrl-C.

    Raises StartRefused, and Stopped in the end.
    """
    instance = Instance.of(environ)
    with occupied(instance.home) as roll:
        servers = Servers.missing_from(environ, instance.home)
        environment = environment_for(
            environ, home=instance.home, servers=servers, FRONTDESK_LOCAL="1"
        )
        check_settings(environment)
        with Supervisor(roll) as supervisor, supervisor.obeying_signals():
            start_servers(supervisor, servers, environment)
            print(keep_variables(environment, instance.home), end="", flush=True)
            supervisor.serve()
