"""Servers of the drills' own, and the product's processes as the Procfile has them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from config.local.environment import ROOT, Servers, environment_for
from config.local.home import LOCALHOST, Home
from config.local.leftovers import Roll
from config.local.postgres import Postgres
from config.local.programs import Output, Program, Stage
from config.local.redis import Redis
from tests.notifications.workers import wait_until

_OWN = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "CELERY_BROKER_URL", "PUBLIC_URL", "PORT")


@dataclass
class Part:
    """One running process of the house."""

    program: Program
    process: subprocess.Popen[bytes]

    @property
    def is_alive(self) -> bool:
        """Say whether it has not ended."""
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal it, and only it, not what it has started."""
        self.process.send_signal(number)


class House:
    """Starts and ends processes. To be used by one thread: they end with the thread."""

    def __init__(self, home: Home, roll: Roll) -> None:
        self.home = home
        self.postgres = Postgres.of(home)
        self.redis = Redis.of(home)
        self._roll = roll
        self.parts: list[Part] = []

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Give the environment of everything that runs on these servers, and on no others."""
        kept = {
            name: value
            for name, value in environ.items()
            if name.removesuffix("_FILE") not in _OWN and name != "CI"
        }
        return environment_for(
            kept,
            home=self.home,
            servers=Servers(postgres=self.postgres, redis=self.redis, mail=None),
            FRONTDESK_LOCAL="0",
            EMAIL_URL=f"smtp://{LOCALHOST}:9",
        )

    def start_postgres(self) -> Part:
        """Start PostgreSQL, with the durable settings, and wait until it answers."""
        return self.start(self.postgres.program(), is_ready=self.postgres.is_ready)

    def start_redis(self) -> Part:
        """Start Redis and wait until it answers."""
        return self.start(self.redis.program(), is_ready=self.redis.is_ready)

    def start(self, program: Program, *, is_ready: Callable[[], bool] = lambda: True) -> Part:
        """Start a program, its words into a file, and wait until it is ready.

        Raises TimeoutError.
        """
        if isinstance(program.output, Output):
            program = replace(program, output=self.home.log(program.name))
        program.prepare()
        part = Part(program, program.launch())
        self.parts.append(part)
        self._roll.add(part.process.pid, program.stop_signal)
        wait_until(is_ready, within=60)
        return part

    def end(self, part: Part, number: signal.Signals | None = None) -> int:
        """End a process by a signal, its own if none is named, and give its exit status.

        Raises subprocess.TimeoutExpired when it takes longer than it may.
        """
        part.send(number or part.program.stop_signal)
        status = part.process.wait(timeout=part.program.grace)
        self._forget(part)
        return status

    def end_applications(self) -> None:
        """End everything but the servers."""
        self._end([part for part in self.parts if part.program.stage is not Stage.SERVER])

    def end_all(self) -> None:
        """End everything that still runs, the servers last."""
        self.end_applications()
        self._end(self.parts.copy())

    def _end(self, parts: list[Part]) -> None:
        for part in reversed(parts):
            if part.is_alive:
                part.send(part.program.stop_signal)
                try:
                    part.process.wait(timeout=part.program.grace)
                except subprocess.TimeoutExpired:
                    part.process.kill()
                    part.process.wait()
            self._forget(part)

    def _forget(self, part: Part) -> None:
        self.parts.remove(part)
        self._roll.remove(part.process.pid)


@contextmanager
def house_at(home: Home, roll: Roll) -> Iterator[House]:
    """Give a house with new, empty servers that run; they end with the block."""
    house = House(home, roll)
    shutil.rmtree(house.postgres.data.parent, ignore_errors=True)
    shutil.rmtree(house.redis.data, ignore_errors=True)
    try:
        house.start_postgres()
        house.postgres.create_database()
        house.start_redis()
        yield house
    finally:
        house.end_all()


def from_procfile(name: str, environment: Mapping[str, str]) -> Program:
    """Give a process as production starts it, but listening to this machine alone."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    command = next(line.partition(": ")[2] for line in lines if line.startswith(f"{name}: "))
    command = command.replace("0.0.0.0", LOCALHOST)  # it is taken out
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return Program(
        name=name,
        command=("/bin/sh", "-c", f"exec {command}"),
        environment={**environment, "PATH": path},
        directory=ROOT,
    )
