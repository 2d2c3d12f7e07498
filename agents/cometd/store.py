"""The clients of all processes, in Redis: each question is one step that nobody else comes between.

Questions that are asked in the same moment go to Redis together: a thousand polls that wake up cost
a few round trips.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from agents.cometd.options import Options

_SCRIPT = Path(__file__).with_name("store.lua").read_text(encoding="utf-8")
_TIMEOUT = 5.0
# Of one call: Redis does nothing else meanwhile.
_TOGETHER = 100
# Nothing outlives its clients for long.
_KEEP_FACTOR = 4


class Code(IntEnum):
    """What comes of a question; store.lua has the same numbers."""

    UNKNOWN = 0
    ANSWER = 1
    HELD = 2
    BEHIND = 3
    CROWDED = 4
    REPLACED = 5
    REFUSED = 6


class Found(NamedTuple):
    """What comes of a poll."""

    code: Code
    # The number of the batch, or -1 for a client that does not acknowledge; where it is behind,
    # how far it has come.
    number: int = -1
    # Messages, with commas between them.
    events: bytes = b""


class StoreAway(Exception):
    """Redis cannot be reached; nothing is known of any client."""


class Store:
    """The clients on one Redis; it belongs to the event loop that asks first."""

    def __init__(self, url: str, options: Options) -> None:
        self.redis = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self.redis.register_script(_SCRIPT)
        self._settings = orjson.dumps(
            {
                "interval": options.max_interval,
                "keep": _KEEP_FACTOR * (options.timeout + options.max_interval),
                "queue": options.max_queue,
                "events": options.max_events,
                "bytes": options.max_bytes,
                "clients": options.max_clients,
                "subscriptions": options.max_subscriptions,
                "browsers": options.clients_per_browser,
            }
        )
        self._asked: list[tuple[bytes, asyncio.Future[Found]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def open(self, client: str, user: str, *, acks: bool) -> Code:
        """Make a client; REFUSED when its user has too many. Raises StoreAway."""
        return (await self._ask(op="open", id=client, user=user, acks=acks)).code

    async def check(self, client: str, user: str) -> Code:
        """Tell whether a client is there and this user's. Raises StoreAway."""
        return (await self._ask(op="check", id=client, user=user)).code

    async def arrive(self, client: str, user: str, **poll: Any) -> Found:
        """Give what waits for a client, or hold its poll. Raises StoreAway."""
        return await self._ask(op="arrive", id=client, user=user, **poll)

    async def take(self, client: str, user: str, **poll: Any) -> Found:
        """Give what waits for a held poll, or hold it on unless it is final. Raises StoreAway."""
        return await self._ask(op="take", id=client, user=user, **poll)

    async def drop(self, client: str, user: str, *, hold: str) -> None:
        """Hold a poll no longer; what waits for its client stays. Raises StoreAway."""
        await self._ask(op="drop", id=client, user=user, hold=hold)

    async def subscribe(
        self,
        client: str,
        user: str,
        *,
        wanted: Sequence[Sequence[Any]],
        position: int,
        board: Mapping[str, Any] | None = None,
    ) -> Code:
        """Add subscriptions, all or none, and a board. Raises StoreAway."""
        asked: dict[str, Any] = {"wanted": wanted, "position": position}
        if board is not None:
            asked["board"] = board
        return (await self._ask(op="subscribe", id=client, user=user, **asked)).code

    async def unsubscribe(self, client: str, user: str, *, names: Sequence[str]) -> Code:
        """Take subscriptions away, whether or not they are there. Raises StoreAway."""
        return (await self._ask(op="unsubscribe", id=client, user=user, names=names)).code

    async def close(self, client: str, user: str) -> Code:
        """Forget a client, and end its held poll. Raises StoreAway."""
        return (await self._ask(op="close", id=client, user=user)).code

    async def end(self) -> None:
        """Leave Redis."""
        await self.redis.aclose()

    async def _ask(self, **op: Any) -> Found:
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._asked.append((orjson.dumps(op), future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        # What is asked during one call goes into the next.
        while self._asked:
            asked, self._asked = self._asked[:_TOGETHER], self._asked[_TOGETHER:]
            try:
                said = await self._script(args=[self._settings, *(op for op, _ in asked)])
                answers: list[Found | StoreAway] = [*_parts(said)]
            except (RedisError, OSError) as error:
                answers = [StoreAway(type(error).__name__)] * len(asked)
            for (_, future), answer in zip(asked, answers, strict=True):
                if future.done():
                    continue  # whoever asked has gone
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


def _parts(said: bytes) -> Iterator[Found]:
    """Take the answer of the script apart."""
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        code, number, length = map(int, said[at:end].split())
        at = end + 1 + length
        yield Found(Code(code), number, said[end + 1 : at])
