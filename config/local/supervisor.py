"""Keeps programs running: one log for all, a new start for what dies, one end for everything."""

from __future__ import annotations

import io
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import IO, NoReturn, Self, TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from config.local.leftovers import Roll
from config.local.programs import Output, Program, Stage, send
from config.local.refusals import StartRefused

_NAME = "frontdesk"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# Whoever has run this long was well: its next pause is the first one again.
_WELL_AFTER = 10.0
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST_LINE = 64 * 1024
# How often a program may die before it has ever been ready.
_TRIES = 4


class Stopped(Exception):
    """The user wants everything to end."""


class _Silence(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


class _Child:
    def __init__(self, program: Program, colour: str, *, once: bool) -> None:
        self.program = program
        self.colour = colour
        self.once = once
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.starts_at: float | None = None
        self.pause = _FIRST_PAUSE
        self.rest = b""
        self.deaths = 0

    def next_pause(self, now: float) -> float:
        if now - self.started_at >= _WELL_AFTER:
            self.pause = _FIRST_PAUSE
        pause, self.pause = self.pause, min(self.pause * 2, _LONGEST_PAUSE)
        return pause


class Supervisor:
    """Starts programs and watches over them until they are all to end; a context manager."""

    def __init__(self, roll: Roll, *, output: TextIO | None = None) -> None:
        self._roll = roll
        self._printer = Printer(output or sys.stdout, width=len(_NAME))
        self._colours: Iterator[str] = get_colours()
        self._children: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._requests = 0
        self._stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self._selector.close()

    @contextmanager
    def obeying_signals(self) -> Iterator[None]:
        """Let Ctrl-C and its like end everything in order while the block runs."""
        woken, waker = socket.socketpair()
        for end in (woken, waker):
            end.setblocking(False)
        self._selector.register(woken, selectors.EVENT_READ)
        before = {number: signal.getsignal(number) for number in (*_END_SIGNALS, signal.SIGCHLD)}
        wakeup = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in _END_SIGNALS:
            signal.signal(number, lambda *_: self.request_stop())
        # A child that has ended wakes the loop, too.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.unregister(woken)
            woken.close()
            waker.close()

    def request_stop(self) -> None:
        """Ask for the end: the first time in order, the second time at once."""
        self._requests += 1

    def say(self, text: str) -> None:
        """Put a line of the supervisor's own into the joint log."""
        self._print(_NAME, None, text)

    def start(self, program: Program) -> None:
        """Start a program and start it again whenever it dies."""
        self._launch(self._adopt(program, once=False))

    def run(self, program: Program) -> int:
        """Run a program to its end and give its exit status."""
        child = self._adopt(program, once=True)
        self._launch(child)
        process = child.process
        while child.process is not None:
            self._turn()
        del self._children[program.name]
        return process.returncode if process else 1

    def start_and_wait(
        self, program: Program, *, is_ready: Callable[[], bool], patience: float = 90
    ) -> None:
        """Start a program that is kept running, and wait until it is ready.

        Raises StartRefused when it takes too long or keeps dying, Stopped.
        """
        child = self._adopt(program, once=False)
        self._launch(child)
        deadline = time.monotonic() + patience
        while not is_ready():
            if time.monotonic() > deadline or child.deaths >= _TRIES:
                raise StartRefused(f"{program.name} does not start{_last_words(program)}")
            self._turn(0.1)

    def serve(self) -> NoReturn:
        """Watch over the programs until the end is asked for; then raises Stopped."""
        while True:
            self._turn()

    def stop(self) -> None:
        """End everything, the last stage first."""
        if self._stopping:
            return
        self._stopping = True
        if self._requests:
            self.say("ending everything; once more Ctrl-C ends it at once")
        asked_before = self._requests
        for stage in sorted(Stage, reverse=True):
            children = [c for c in self._children.values() if c.program.stage is stage]
            self._stop_together(children, asked_before=asked_before)

    def _stop_together(self, children: list[_Child], *, asked_before: int) -> None:
        begun = time.monotonic()
        for child in children:
            if child.process is not None:
                send(child.process, child.program.stop_signal, to_group=False)
        while any(child.process is not None for child in children):
            self._step(0.1)
            for child in children:
                late = time.monotonic() - begun > child.program.grace
                if child.process is not None and (late or self._requests > asked_before):
                    self.say(f"{child.program.name} does not end and is killed")
                    send(child.process, signal.SIGKILL, to_group=True)
                    child.process.wait()

    def _adopt(self, program: Program, *, once: bool) -> _Child:
        child = _Child(program, next(self._colours), once=once)
        self._children[program.name] = child
        self._printer.width = max(self._printer.width, len(program.name))
        return child

    def _launch(self, child: _Child) -> None:
        child.starts_at = None
        child.program.prepare()
        child.process = process = child.program.launch()
        child.started_at = time.monotonic()
        self._roll.add(process.pid, child.program.stop_signal)
        log = _log_of(process)
        if log is not None:
            os.set_blocking(log.fileno(), False)
            self._selector.register(log, selectors.EVENT_READ, child)

    def _turn(self, timeout: float = 0.5) -> None:
        self._step(timeout)
        if self._requests:
            raise Stopped
        now = time.monotonic()
        for child in self._children.values():
            if child.starts_at is not None and child.starts_at <= now:
                self._launch(child)

    def _step(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            match key.data:
                case _Child() as child:
                    self._read(child)
                case _:
                    os.read(key.fd, 4096)
        for child in list(self._children.values()):
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process)

    def _bury(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        # What it has started and left behind goes with it.
        send(process, signal.SIGKILL, to_group=True)
        while self._read(child):
            continue
        if child.rest:
            self._print(child.program.name, child.colour, child.rest)
            child.rest = b""
        self._close_log(process)
        self._roll.remove(process.pid)
        child.process = None
        if child.once or self._stopping or self._requests:
            return
        child.deaths += 1
        pause = child.next_pause(time.monotonic())
        child.starts_at = time.monotonic() + pause
        self.say(
            f"{child.program.name} has ended ({_meaning(process.returncode)});"
            f" it starts again in {pause:g} s{_where(child.program)}"
        )

    def _close_log(self, process: subprocess.Popen[bytes]) -> None:
        log = _log_of(process)
        if log is not None and not log.closed:
            self._selector.unregister(log)
            log.close()

    def _read(self, child: _Child) -> bool:
        """Print what the child has written; false when there is no more for now."""
        process = child.process
        log = None if process is None else _log_of(process)
        if process is None or log is None or log.closed:
            return False
        try:
            data = os.read(log.fileno(), _LONGEST_LINE)
        except BlockingIOError:
            return False
        if not data:
            self._close_log(process)
            return False
        *lines, child.rest = (child.rest + data).split(b"\n")
        if len(child.rest) > _LONGEST_LINE:
            lines.append(child.rest)
            child.rest = b""
        for line in lines:
            self._print(child.program.name, child.colour, line)
        return True

    def _print(self, name: str, colour: str | None, text: str | bytes) -> None:
        # The log is for the person in front of it, so it shows that person's time.
        now = datetime.now().astimezone()
        try:
            self._printer.write(Message("line", text, now, name, colour))
        except OSError:
            # Nobody reads any more: the terminal is closed, or the pipe's other end has gone.
            self._requests += 1
            self._printer.output = _Silence()


def _log_of(process: subprocess.Popen[bytes]) -> IO[bytes] | None:
    return process.stderr or process.stdout


def _meaning(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def _last_words(program: Program) -> str:
    if isinstance(program.output, Output):
        return "; what it said stands above."
    lines = program.output.read_text(encoding="utf-8", errors="replace").splitlines()
    return f": {lines[-1]} (all of it is in {program.output})" if lines else "."


def _where(program: Program) -> str:
    return "" if isinstance(program.output, Output) else f"; see {program.output}"
