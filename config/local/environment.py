"""What the processes of the house see of the environment, and what is refused in it."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local.home import LOCALHOST, Home, why_taken, write_private
from config.local.mail import MailCatcher
from config.local.postgres import Postgres
from config.local.redis import Redis
from config.local.refusals import Malformed, StartRefused

ROOT = Path(__file__).resolve().parent.parent.parent


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Say whether the user has given a variable, or the file that holds it."""
    return name in environ or f"{name}_FILE" in environ


@dataclass(frozen=True)
class Instance:
    """Where one instance listens and what it keeps."""

    home: Home
    host: str
    port: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Instance:
        """Read PORT, HOST and FRONTDESK_HOME.

        Raises Malformed.
        """
        text = environ.get("PORT", "8000")
        # `isdecimal` alone takes the digits of every script.
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 65535):
            raise Malformed("PORT is not valid: expected a whole number from 1 to 65535.")
        home = Home.at(environ.get("FRONTDESK_HOME", str(ROOT / "var")))
        return cls(home=home, host=environ.get("HOST", LOCALHOST), port=int(text))

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the instance."""
        shown = LOCALHOST if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"

    def check_port(self) -> None:
        """Refuse a port that somebody else listens to.

        Raises StartRefused, Malformed.
        """
        try:
            reason = why_taken(self.host, self.port)
        except socket.gaierror:
            raise Malformed("HOST is not valid: expected an address of this machine.") from None
        if reason is not None:
            raise StartRefused(
                f"PORT {self.port} cannot be used on {self.host} ({reason.lower()}): choose"
                " another, for example `PORT=8080 make run`."
            )


@dataclass(frozen=True)
class Servers:
    """The servers that the user has not given."""

    postgres: Postgres | None
    redis: Redis | None
    mail: MailCatcher | None

    @classmethod
    def missing_from(cls, environ: Mapping[str, str], home: Home) -> Servers:
        """Give a server for each of DATABASE_URL, REDIS_URL and EMAIL_URL that is not set."""
        return cls(
            postgres=None if is_set(environ, "DATABASE_URL") else Postgres.of(home),
            redis=None if is_set(environ, "REDIS_URL") else Redis.of(home),
            mail=None if is_set(environ, "EMAIL_URL") else MailCatcher.of(home),
        )

    def variables(self) -> dict[str, str]:
        """Give the variables that lead to these servers."""
        servers = {
            "DATABASE_URL": self.postgres,
            "REDIS_URL": self.redis,
            "EMAIL_URL": self.mail,
        }
        return {name: server.url for name, server in servers.items() if server is not None}


def environment_for(
    environ: Mapping[str, str], *, home: Home, servers: Servers, **more: str
) -> dict[str, str]:
    """Give the whole environment of the house's processes."""
    environment = {
        **environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FRONTDESK_HOME": str(home.path),
        "PYTHONUNBUFFERED": "1",
        **servers.variables(),
        **more,
    }
    if not is_set(environ, "SECRET_KEY"):
        environment["SECRET_KEY"] = home.secret("secret_key")
    return environment


def keep_variables(environment: Mapping[str, str], home: Home) -> str:
    """Give, and keep in the home, the lines that lead a shell to the servers.

    `. var/variables.sh` is what a terminal needs before `manage.py`.
    """
    names = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY")
    given = {
        name: environment[name]
        for base in names
        for name in (base, f"{base}_FILE")
        if name in environment
    }
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in given.items())
    write_private(home.path / "variables.sh", lines)
    return lines
