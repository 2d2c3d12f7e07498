"""/meta/connect: answered at once, or held until there is something to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agents.cometd import protocol, stream, topics
from agents.cometd.hub import Hub, Poll, Signal
from agents.cometd.names import session_of
from agents.cometd.options import Options
from agents.cometd.protocol import Message
from agents.cometd.store import Code, Found, Store, StoreAway
from agents.cometd.threads import Threads
from agents.services.desk_access import DeskCaller
from config.kernel import limits

_UNKNOWN = Found(Code.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class _Connect:
    """One /meta/connect, as far as it is understood."""

    message: Message
    client: str
    caller: DeskCaller
    browser: str
    # Milliseconds for which it may be held.
    wait: int
    acknowledged: int | None
    poll: Poll = field(repr=False)

    @property
    def user(self) -> str:
        return str(self.caller.user_id)


class Polling:
    """Holds polls and answers them; it belongs to one event loop."""

    def __init__(self, options: Options, store: Store, hub: Hub, threads: Threads) -> None:
        self._options = options
        self._store = store
        self._hub = hub
        self._threads = threads
        self._dropping: set[asyncio.Task[None]] = set()

    async def connect(
        self,
        message: Message,
        caller: DeskCaller,
        *,
        browser: str,
        gone: Callable[[], Awaitable[None]],
        is_alone: bool,
    ) -> list[Message | bytes]:
        """Give the events that wait and the reply, once there is something to say.

        Raises StoreAway, and the errors of a database that is away.
        """
        client = message.get("clientId")
        if not isinstance(client, str) or len(client) > limits.ID_LENGTH:
            return [protocol.unknown_client(message, self._options)]
        kind = message.get("connectionType", self._options.connection_types[0])
        if kind not in self._options.connection_types:
            error = "400::Connection type not served"
            advice = protocol.advice(self._options)
            return [protocol.refusal(message, error, advice=advice)]
        # It hears of what happens from here on, before anybody knows that it is held.
        house = caller.organization_id if topics.may_watch(caller.roles) else None
        poll = self._hub.add(
            str(caller.user_id), house=str(house or ""), session=session_of(caller.cookie)
        )
        one = _Connect(
            message=message,
            client=client,
            caller=caller,
            browser=browser,
            wait=self._wait_of(message, is_alone=is_alone),
            acknowledged=protocol.whole(protocol.extension_of(message, "ack")),
            poll=poll,
        )
        try:
            found = await self._arrive(one)
            if found.code is Code.HELD:
                return await self._hold(one, gone)
        finally:
            self._hub.remove(poll)
        return self._said(one, found)

    def _wait_of(self, message: Message, *, is_alone: bool) -> int:
        if not is_alone or self._hub.is_stopping:
            return 0
        advice = message.get("advice")
        wanted = protocol.whole(advice.get("timeout")) if isinstance(advice, dict) else None
        longest = self._options.timeout
        return longest if wanted is None else min(max(wanted, 0), longest)

    async def _arrive(self, one: _Connect) -> Found:
        asked: dict[str, Any] = {
            "hold": one.poll.hold,
            "wait": one.wait,
            "browser": one.browser,
            "hidden": topics.hidden_from(one.caller.roles),
        }
        if one.acknowledged is not None:
            asked["ack"] = one.acknowledged
        return await self._caught_up(self._store.arrive, one, asked)

    async def _caught_up(
        self, ask: Callable[..., Awaitable[Found]], one: _Connect, asked: dict[str, Any]
    ) -> Found:
        """Ask, and bring what is in Redis no longer from the database as long as it is needed."""
        found = await ask(one.client, one.user, **asked)
        while found.code is Code.BEHIND:
            user_id = one.caller.user_id
            wanted = {user_id: found.number}
            entries = await self._threads.run(stream.after, wanted, limit=self._options.max_events)
            rows = [[entry.sequence, entry.topic, entry.data] for entry in entries[user_id]]
            if not rows or rows[0][0] != found.number + 1:
                # It was away for too long: it is told so, and reads the state anew.
                await self._store.close(one.client, one.user)
                return _UNKNOWN
            found = await ask(one.client, one.user, **asked, rows=rows)
        return found

    async def _hold(
        self, one: _Connect, gone: Callable[[], Awaitable[None]]
    ) -> list[Message | bytes]:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(one.wait / 1000, one.poll.signal, Signal.LATE)
        watch = asyncio.create_task(_watch(gone, one.poll))
        is_held = True
        try:
            while True:
                signals = await one.poll.signals()
                if Signal.GONE in signals:
                    return []
                if Signal.CLOSED in signals:
                    is_held = False
                    # One that has disconnected is gone already; one whose session is over is not.
                    await self._store.close(one.client, one.user)
                    advice = protocol.advice(self._options, "none")
                    return [protocol.reply(one.message, advice=advice)]
                found = await self._look(one, signals)
                if found.code is not Code.HELD:
                    is_held = False
                    return self._said(one, found)
        finally:
            timer.cancel()
            watch.cancel()
            if is_held:
                self._drop_soon(one)

    async def _look(self, one: _Connect, signals: Signal) -> Found:
        if Signal.REPLACED in signals:
            return Found(Code.REPLACED)
        asked = {
            "hold": one.poll.hold,
            "final": bool(signals & (Signal.LATE | Signal.STOPPING)),
            "hidden": topics.hidden_from(one.caller.roles),
        }
        return await self._caught_up(self._store.take, one, asked)

    def _drop_soon(self, one: _Connect) -> None:
        """Let the client wait for another poll, also when this one was cancelled."""
        task = asyncio.create_task(self._drop(one))
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)

    async def _drop(self, one: _Connect) -> None:
        # A store that is away has forgotten it soon, too.
        with suppress(StoreAway):
            await self._store.drop(one.client, one.user, hold=one.poll.hold)

    def _said(self, one: _Connect, found: Found) -> list[Message | bytes]:
        if found.code is Code.UNKNOWN:
            return [protocol.unknown_client(one.message, self._options)]
        advice = protocol.advice(self._options)
        if found.code is Code.CROWDED:
            interval = self._options.multi_session_interval
            advice = {**protocol.advice(self._options, interval=interval), "multiple-clients": True}
        reply = protocol.reply(one.message, advice=advice)
        # Who was replaced is told nothing new: what it had is what it has.
        number = one.acknowledged if found.code is Code.REPLACED else found.number
        if number is not None and number >= 0:
            reply["ext"] = {"ack": number}
        return [found.events, reply] if found.events else [reply]


async def _watch(gone: Callable[[], Awaitable[None]], poll: Poll) -> None:
    await gone()
    poll.signal(Signal.GONE)
