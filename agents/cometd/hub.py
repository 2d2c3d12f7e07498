"""The polls that this process holds, and what wakes them: one subscription to Redis for all."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable
from enum import Flag, auto
from itertools import count
from typing import Any

from redis import asyncio as redis
from redis.exceptions import RedisError

from agents.cometd.names import WAKE

logger = logging.getLogger(__name__)

_SECONDS_OF_SILENCE = 5.0
_SILENCES = 2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
# A board shows everybody's news: what comes within this time comes together.
_BOARD_PAUSE = 0.2


class Signal(Flag):
    """Why a held poll looks up."""

    NONE = 0
    NEWS = auto()
    # Another poll of the client has come; the client has disconnected, or its session is over.
    REPLACED = auto()
    CLOSED = auto()
    LATE = auto()
    # Whoever asked has gone; this process is about to.
    GONE = auto()
    STOPPING = auto()


class Poll:
    """One held poll."""

    __slots__ = ("_signals", "_waiter", "hold", "house", "session", "user")

    def __init__(self, hold: str, user: str, house: str, session: str) -> None:
        self.hold = hold
        self.user = user
        self.house = house
        self.session = session
        self._signals = Signal.NONE
        self._waiter: asyncio.Future[None] | None = None

    def signal(self, signal: Signal) -> None:
        """Have it look up."""
        self._signals |= signal
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def signals(self) -> Signal:
        """Wait for a reason to look up, and give those that have come."""
        if not self._signals:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        signals, self._signals = self._signals, Signal.NONE
        return signals


class Hub:
    """The polls of this process; it belongs to one event loop."""

    def __init__(self, client: redis.Redis, forget_user: Callable[[str], None]) -> None:
        self._redis = client
        self._forget_user = forget_user
        self._process = secrets.token_hex(8)
        self._numbers = count(1)
        self._polls: dict[str, Poll] = {}
        self._by_user: dict[str, set[Poll]] = defaultdict(set)
        self._by_house: dict[str, set[Poll]] = defaultdict(set)
        # Boards whose polls were woken a moment ago, and whether there is more by now.
        self._woken: dict[str, bool] = {}
        self._listening: asyncio.Task[None] | None = None
        self.is_stopping = False

    def start(self) -> None:
        """Begin to listen, if it does not yet."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    def add(self, user: str, *, house: str = "", session: str = "") -> Poll:
        """Give a new poll, which hears of what happens from now on.

        With a house it also hears of what is on the board of that organisation, with a session
        that this is over.
        """
        poll = Poll(f"{self._process}-{next(self._numbers)}", user, house, session)
        self._polls[poll.hold] = poll
        self._by_user[user].add(poll)
        if house:
            self._by_house[house].add(poll)
        if self.is_stopping:
            poll.signal(Signal.STOPPING)
        return poll

    def remove(self, poll: Poll) -> None:
        """Forget a poll."""
        self._polls.pop(poll.hold, None)
        for index, key in ((self._by_user, poll.user), (self._by_house, poll.house)):
            polls = index.get(key, set())
            polls.discard(poll)
            if not polls:
                index.pop(key, None)

    def stop(self) -> None:
        """Have every poll answered at once, so that its client comes back to another process."""
        self.is_stopping = True
        self._signal_all(Signal.STOPPING)

    async def end(self) -> None:
        """Listen no longer."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def hear(self, word: str) -> None:
        """Do what another process has said: the first letter says what, the rest to whom."""
        kind, whom = word[:1], word[1:]
        if kind == "w":
            for user in whom.split(" "):
                for poll in self._by_user.get(user, ()):
                    poll.signal(Signal.NEWS)
        elif kind == "b":
            self._hear_of_board(whom)
        elif kind == "r":
            self._forget_user(whom)
        elif kind == "o":
            self._end_session(*whom.split(" "))
        elif kind in {"e", "d"} and (one := self._polls.get(whom)):
            one.signal(Signal.REPLACED if kind == "e" else Signal.CLOSED)

    def _end_session(self, user: str, session: str) -> None:
        self._forget_user(user)
        for poll in self._by_user.get(user, ()):
            if poll.session == session:
                poll.signal(Signal.CLOSED)

    def _hear_of_board(self, house: str) -> None:
        if house in self._woken:
            self._woken[house] = True
        elif house in self._by_house:
            self._wake_board(house)

    def _wake_board(self, house: str) -> None:
        self._woken[house] = False
        for poll in self._by_house.get(house, ()):
            poll.signal(Signal.NEWS)
        asyncio.get_running_loop().call_later(_BOARD_PAUSE, self._look_at_board, house)

    def _look_at_board(self, house: str) -> None:
        if self._woken.pop(house):
            self._wake_board(house)

    def _signal_all(self, signal: Signal) -> None:
        for poll in self._polls.values():
            poll.signal(signal)

    async def _listen(self) -> None:
        pause = 0.0
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(WAKE)
                    # Whatever was said until now, nobody has heard.
                    self._signal_all(Signal.NEWS)
                    pause = 0.0
                    await self._hear_all(channel)
            except (RedisError, OSError) as error:
                if not pause:
                    logger.warning("Polls are not woken: Redis says %s.", type(error).__name__)
                pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                await asyncio.sleep(pause)

    async def _hear_all(self, channel: Any) -> None:
        silences = 0
        while silences <= _SILENCES:
            said = await channel.get_message(timeout=_SECONDS_OF_SILENCE)
            if said is None:
                silences += 1
                await channel.ping()
                continue
            silences = 0
            if said["type"] == "message":
                self.hear(said["data"].decode())
        raise TimeoutError
