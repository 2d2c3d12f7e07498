"""`make run`: the whole house in one terminal."""

from __future__ import annotations

import hashlib
import http.client
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from config.local.demonstration import Demonstration
from config.local.environment import ROOT, Instance, Servers, environment_for, keep_variables
from config.local.home import Home, write_private
from config.local.leftovers import Roll
from config.local.probes import check_servers, check_settings
from config.local.programs import Program
from config.local.refusals import StartRefused
from config.local.supervisor import Supervisor

_PYTHON = sys.executable


def run(environ: Mapping[str, str]) -> NoReturn:
    """Start everything, stay until Ctrl-C, end everything.

    Raises StartRefused, and Stopped in the end.
    """
    instance = Instance.of(environ)
    with occupied(instance.home) as roll:
        servers = Servers.missing_from(environ, instance.home)
        environment = environment_for(
            environ,
            home=instance.home,
            servers=servers,
            PORT=str(instance.port),
            FRONTDESK_LOCAL="1",
        )
        check_settings(environment)
        instance.check_port()
        with Supervisor(roll) as supervisor, supervisor.obeying_signals():
            supervisor.say(f"starting; everything is kept in {instance.home.path}")
            start_servers(supervisor, servers, environment)
            keep_variables(environment, instance.home)
            migrate(supervisor, environment)
            marker = marker_of(servers, instance.home, environment)
            demonstration = load_demonstration(supervisor, marker, environment)
            web, *others = applications(instance, environment)
            for program in others:
                supervisor.start(program)
            supervisor.start_and_wait(web, is_ready=lambda: answers(instance))
            lines = greeting(
                environment.get("PUBLIC_URL", instance.url),
                catches_mail=servers.mail is not None,
                demonstration=demonstration,
            )
            print(*lines, sep="\n", flush=True)
            supervisor.serve()


@contextmanager
def occupied(home: Home) -> Iterator[Roll]:
    """Have a home to oneself, without what a killed run has left in it.

    Raises StartRefused.
    """
    with home.locked():
        roll = Roll(home.path / "children.json")
        roll.end_leftovers()
        yield roll


def start_servers(supervisor: Supervisor, servers: Servers, environment: Mapping[str, str]) -> None:
    """Start the servers and wait until they answer.

    Raises StartRefused, Stopped.
    """
    for server in (servers.postgres, servers.redis):
        if server is None:
            continue
        supervisor.start_and_wait(server.program(), is_ready=server.is_ready)
    if servers.postgres is not None:
        servers.postgres.create_database()
    if servers.mail is not None:
        program = servers.mail.program(dict(environment))
        supervisor.start_and_wait(program, is_ready=servers.mail.is_ready)
    check_servers(environment)


def migrate(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Bring the database to the schema of this code.

    Raises StartRefused, Stopped.
    """
    program = management_command("migrate", "--no-input", environment=environment)
    if supervisor.run(program) != 0:
        raise StartRefused("The database could not be migrated; the reason stands above.")


def load_demonstration(
    supervisor: Supervisor, marker: Path, environment: Mapping[str, str]
) -> Demonstration | None:
    """Load the demonstration data, the first time, and give what is in it.

    Raises Stopped.
    """
    if not marker.exists():
        supervisor.say("loading the demonstration organisations")
        draft = marker.with_suffix(".draft")
        command = management_command("demo", "--json", environment=environment)
        status = supervisor.run(replace(command, answer=draft))
        if status != 0:
            supervisor.say("the demonstration data is not loaded; the next start tries again")
            return None
        write_private(marker, draft.read_text(encoding="utf-8"))
        draft.unlink()
    return Demonstration.read(marker)


def marker_of(servers: Servers, home: Home, environment: Mapping[str, str]) -> Path:
    """Give the file that says that a database has its demonstration data."""
    if servers.postgres is not None:
        # Thrown away together with the database.
        return servers.postgres.data.parent / "demo.json"
    address = environment.get("DATABASE_URL") or environment["DATABASE_URL_FILE"]
    return home.path / f"demo-{hashlib.sha256(address.encode()).hexdigest()[:12]}.json"


def management_command(*words: str, environment: Mapping[str, str]) -> Program:
    """Give a command of manage.py as a program."""
    return Program(
        name=words[0],
        command=(_PYTHON, "manage.py", *words),
        environment=environment,
        directory=ROOT,
    )


def applications(instance: Instance, environment: Mapping[str, str]) -> Iterator[Program]:
    """Give the processes of the house."""
    instance.home.directory("beat")
    instance.home.directory("media")
    # Celery warns of root on every start; this is one person's machine.
    celery = (_PYTHON, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet")
    commands = {
        "web": (
            *(_PYTHON, "-m", "config.local.web"),
            *("--host", instance.host, "--port", str(instance.port)),
        ),
        "worker": (
            *celery,
            *("--app", "config", "worker", "--loglevel", "INFO"),
            *("--pool", "threads", "--concurrency", "4"),
            # The port tells two instances apart that share a Redis.
            *("--hostname", f"worker-{instance.port}@%h"),
            *("--without-gossip", "--without-mingle"),
        ),
        "beat": (*celery, "--app", "config", "beat", "--loglevel", "INFO"),
    }
    for name, command in commands.items():
        yield Program(name=name, command=command, environment=environment, directory=ROOT)


def answers(instance: Instance) -> bool:
    """Say whether the web process answers, whatever it says."""
    host = instance.url.partition("//")[2]
    connection = http.client.HTTPConnection(host, timeout=2)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except OSError:
        return False
    else:
        return True
    finally:
        connection.close()


def greeting(url: str, *, catches_mail: bool, demonstration: Demonstration | None) -> Iterator[str]:
    """Give the lines that say where to look and how to log in."""
    yield ""
    yield "  Frontdesk is running. Ctrl-C ends it."
    yield f"    back office   {url}/"
    yield f"    admin         {url}/admin/"
    yield f"    API           {url}/api/schema/swagger/"
    if catches_mail:
        yield f"    mail          {url}/dev/mail/"
        yield f"    phone         {url}/dev/phone/"
    for login in demonstration.logins if demonstration else ():
        yield f"    log in as     {login.username}  {login.password}  ({login.organization})"
    yield ""
