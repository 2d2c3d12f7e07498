"""One program of the set-up: how it is started, how it is asked to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path
from typing import IO

_Stream = int | IO[bytes] | None
_LAUNCH = Path(__file__).with_name("launch.py")


class Stage(IntEnum):
    """The later stages need the earlier ones, and end before them."""

    SERVER = 0
    MAIL = 1
    APPLICATION = 2


class Output(Enum):
    """Where a program's words go when they go to no file."""

    JOINT_LOG = "joint log"
    TERMINAL = "terminal"


@dataclass(frozen=True)
class Account:
    """A user of the system without rights of its own."""

    uid: int
    gid: int


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Program:
    """A command and what belongs to it."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stage: Stage = Stage.APPLICATION
    output: Output | Path = Output.JOINT_LOG
    stop_signal: signal.Signals = signal.SIGTERM
    # What it gets when the supervisor is killed. Nothing that our own processes do is lost
    # by SIGKILL, and whatever is slower would stand in the way of the next start.
    death_signal: signal.Signals = signal.SIGKILL
    grace: float = 20.0
    account: Account | None = None
    directory: Path | None = None
    # Where its standard output goes when that is an answer; what it logs stays apart then.
    answer: Path | None = None
    # Done before every start, the first and those after a death.
    prepare: Callable[[], None] = field(default=_nothing)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the program in a process group of its own, tied to this process's life."""
        account = self.account
        ids = ("-", "-") if account is None else (str(account.uid), str(account.gid))
        command = [
            *(sys.executable, "-I", "-S", str(_LAUNCH)),
            *(str(os.getpid()), str(int(self.death_signal)), *ids),
            *self.command,
        ]
        with ExitStack() as files:
            stdout, stderr = self._streams(files)
            return subprocess.Popen(
                command,
                env=dict(self.environment),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                # A Ctrl-C reaches the supervisor only, which ends the others in order.
                start_new_session=True,
            )

    def _streams(self, files: ExitStack) -> tuple[_Stream, _Stream]:
        match self.output:
            case Output.JOINT_LOG:
                log: _Stream = subprocess.PIPE
            case Output.TERMINAL:
                log = None
            case Path() as path:
                log = files.enter_context(path.open("ab"))
        if self.answer is not None:
            return files.enter_context(self.answer.open("wb")), log
        return log, None if log is None else subprocess.STDOUT


def send(process: subprocess.Popen[bytes], number: signal.Signals, *, to_group: bool) -> None:
    """Signal a child, or all of its group; nothing happens if it has gone."""
    try:
        if to_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        return
