"""Many desktops in one event loop: they poll, acknowledge, and come back whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp

from agents.cometd.options import PATH

Message = dict[str, Any]
TOPICS = ("/v2/me/calls", "/v2/me/devices")
_PAUSE = 0.05
_SECONDS = aiohttp.ClientTimeout(total=45)


class _ShakeHands(Exception):
    """The server knows the client no longer."""


@dataclass
class Member:
    """One desktop, and what it has heard: topic and number, in order."""

    user_id: UUID
    token: str = field(repr=False)
    heard: list[tuple[str, int]] = field(default_factory=list)
    is_ready: bool = False
    handshakes: int = 0
    _client: str = ""
    _ack: int = 0
    _last: int | None = None

    async def live(self, session: aiohttp.ClientSession, url: str) -> None:
        """Poll until it is cancelled."""
        while True:
            try:
                await self._come_in(session, url)
                while True:
                    await self._poll(session, url)
            except _ShakeHands:
                continue
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                # A process has gone, with the answer perhaps.
                await asyncio.sleep(_PAUSE)

    async def _come_in(self, session: aiohttp.ClientSession, url: str) -> None:
        if self._client:
            return
        shake = {
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "ext": {"ack": True, "replay": True},
        }
        (reply,) = await self._post(session, url, shake)
        if not reply["successful"]:
            raise TimeoutError
        client = reply["clientId"]
        asked: Message = {
            "channel": "/meta/subscribe",
            "clientId": client,
            "subscription": list(TOPICS),
        }
        if self._last is not None:
            asked["ext"] = {"replay": dict.fromkeys(TOPICS, self._last)}
        (reply,) = await self._post(session, url, asked)
        if not reply["successful"]:
            raise TimeoutError
        self._client, self._ack = client, 0
        self.handshakes += 1

    async def _poll(self, session: aiohttp.ClientSession, url: str) -> None:
        *events, reply = await self._post(
            session,
            url,
            {
                "channel": "/meta/connect",
                "clientId": self._client,
                "connectionType": "long-polling",
                "ext": {"ack": self._ack},
            },
        )
        if not reply["successful"]:
            if reply["advice"]["reconnect"] == "handshake":
                self._client = ""
                raise _ShakeHands
            raise TimeoutError
        for event in events:
            self.heard.append((event["channel"], event["data"]["n"]))
            self._last = event["ext"]["replayId"]
        self._ack = reply["ext"]["ack"]
        self.is_ready = True

    async def _post(self, session: aiohttp.ClientSession, url: str, one: Message) -> list[Message]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with session.post(url, json=[one], headers=headers, timeout=_SECONDS) as answer:
            replies: list[Message] = await answer.json()
            return replies


@contextmanager
def crowd(members: Sequence[Member], port: int) -> Iterator[None]:
    """Have them live until the block ends."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def live() -> None:
        # A new connection for each request: each may reach another process.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"http://127.0.0.1:{port}{PATH}"
            tasks = [asyncio.ensure_future(member.live(session, url)) for member in members]
            await over.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), name="crowd")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
