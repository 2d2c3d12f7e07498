"""Desktops made of public CometD clients: two of npm, one of PyPI, behind one face."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiocometd_ng.client import Client
from aiocometd_ng.exceptions import AiocometdException
from aiocometd_ng.extensions import AuthExtension

from tests.notifications.workers import wait_until

Fact = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a desktop connects."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    subscribe: Sequence[str] = ()
    websocket: bool = False
    ack: bool = False


class Desktop:
    """A client and everything that it has said."""

    facts: list[Fact]

    def said(self, name: str) -> list[Any]:
        """Give what it has said of something, in order."""
        return [fact[name] for fact in self.facts.copy() if name in fact]

    @property
    def events(self) -> list[Any]:
        """Give the data of all events."""
        return [event["data"] for event in self.said("event")]

    def wait(self, is_so: Callable[[], bool], *, within: float = 15) -> None:
        """Wait for something that it will say. Raises TimeoutError with what it has said."""
        try:
            wait_until(is_so, within=within)
        except TimeoutError:
            raise TimeoutError(f"until then it said: {self.facts}") from None

    def wait_until_subscribed(self, count: int = 1) -> None:
        """Wait until it has subscribed so many times with success."""
        self.wait(lambda: sum(one["successful"] for one in self.said("subscribe")) >= count)

    def wait_for_events(self, count: int) -> None:
        """Wait until it has got so many events."""
        self.wait(lambda: len(self.said("event")) >= count)

    def disconnect(self) -> None:
        """Have it leave as a client does that is closed."""
        raise NotImplementedError

    def end(self) -> None:
        """End it, whatever it does."""
        raise NotImplementedError


class NodeDesktop(Desktop):
    """A client of npm in a process of its own."""

    def __init__(self, folder: Path, library: str, setup: Setup) -> None:
        options = {
            "url": setup.url,
            "headers": dict(setup.headers),
            "subscribe": list(setup.subscribe),
            "websocket": setup.websocket,
            "ack": setup.ack,
        }
        self.facts = []
        self._process = subprocess.Popen(
            [shutil.which("node") or "node", "desktop.mjs", library, json.dumps(options)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="desktop")
        self._reader.start()

    def disconnect(self) -> None:
        self._command("disconnect")
        self.wait(lambda: any(one["successful"] for one in self.said("disconnect")))

    def status(self) -> str:
        """Ask it what it believes to be."""
        count = len(self.said("status"))
        self._command("status")
        self.wait(lambda: len(self.said("status")) > count)
        return str(self.said("status")[-1])

    def end(self) -> None:
        self._process.kill()
        self._reader.join()
        self._process.communicate()

    def _command(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # The library itself may have a word to say.
            with suppress(ValueError):
                fact = json.loads(line)
                if isinstance(fact, dict):
                    self.facts.append(fact)


class _Headers(AuthExtension):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def incoming(self, payload: list[Any], headers: Any = None) -> None:
        return

    async def outgoing(self, payload: list[Any], headers: dict[str, str]) -> None:
        headers.update(self._headers)

    async def authenticate(self) -> None:
        return


class PythonDesktop(Desktop):
    """The client of PyPI in a thread of its own."""

    def __init__(self, setup: Setup) -> None:
        self.facts = []
        self._setup = setup
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="desktop")
        self._thread.start()

    def disconnect(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self.wait(lambda: bool(self.said("disconnect")))

    def end(self) -> None:
        with suppress(RuntimeError):  # it has come to its end by itself
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        except AiocometdException as error:
            self.facts.append({"raised": f"{type(error).__name__}: {error}"})
        finally:
            self._loop.close()

    async def _live(self) -> None:
        client = Client(
            self._setup.url,
            auth=_Headers(self._setup.headers),
            # Its own watch over lost connections does not run on this Python (0.5.6): it passes
            # `loop` to asyncio.wait_for.
            connection_timeout=0,
        )
        await client.open()
        try:
            for topic in self._setup.subscribe:
                await client.subscribe(topic)
                self.facts.append({"subscribe": {"successful": True, "subscription": topic}})
            hearing = asyncio.ensure_future(self._hear(client))
            await self._closing.wait()
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
        finally:
            await client.close()
            self.facts.append({"disconnect": {"successful": True}})

    async def _hear(self, client: Any) -> None:
        async for message in client:
            self.facts.append({"event": message})
