"""What a killed run may have left: its processes, found again and ended, and nobody else's."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from config.local.home import write_private

# A process is the one we noted if it began at the same moment; numbers are used again.
_SAME_MOMENT = 0.05


class Roll:
    """The list of the children that run, kept in a file for whoever starts next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[int, tuple[float, int]] = {}

    def add(self, pid: int, stop_signal: signal.Signals) -> None:
        """Note a child that has started."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.Error:
            return  # It has ended already.
        self._entries[pid] = (created, int(stop_signal))
        self._write()

    def remove(self, pid: int) -> None:
        """Forget a child that has ended."""
        if self._entries.pop(pid, None):
            self._write()

    def _write(self) -> None:
        entries = [[pid, created, number] for pid, (created, number) in self._entries.items()]
        write_private(self._path, json.dumps(entries) + "\n")

    def end_leftovers(self) -> None:
        """End the children of the last run that still live, in reverse order."""
        try:
            entries = json.loads(self._path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return
        for pid, created, number in reversed(entries):
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) > _SAME_MOMENT:
                    continue
            except psutil.Error:
                continue
            end([process], signal.Signals(number), patience=10)
        self._path.unlink(missing_ok=True)


def processes(names: frozenset[str]) -> list[psutil.Process]:
    """Give the processes with one of those names, whosever they are."""
    return [process for process in psutil.process_iter() if _name_of(process) in names]


def was_started_with(process: psutil.Process, directory: Path) -> bool:
    """Say whether a directory is among the arguments of a process."""
    try:
        return str(directory) in process.cmdline()
    except psutil.Error:
        return False


def works_in(process: psutil.Process, directory: Path) -> bool:
    """Say whether a directory is where a process works: with the name, that makes it ours."""
    try:
        return Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False  # Gone, or another account's.


def _name_of(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def end(asked: Sequence[psutil.Process], number: signal.Signals, *, patience: float) -> None:
    """Ask processes to end, and end those that do not."""
    for process in asked:
        _signal(process, number)
    alive = still_alive(asked, patience=patience)
    for process in alive:
        _signal(process, signal.SIGKILL)
    still_alive(alive, patience=5)


def still_alive(asked: Sequence[psutil.Process], *, patience: float) -> Sequence[psutil.Process]:
    """Wait for processes to end and give those that have not."""
    deadline = time.monotonic() + patience
    while asked and time.monotonic() < deadline:
        asked = [process for process in asked if is_alive(process)]
        time.sleep(0.02)
    return asked


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process still does anything."""
    try:
        # In a container, nobody may ever bury what has lost its parent.
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
