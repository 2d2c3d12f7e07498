"""/meta/subscribe: all topics of a message or none, from now on or from where a client has been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.cometd import board, protocol, stream, topics
from agents.cometd.options import Options
from agents.cometd.protocol import Message
from agents.cometd.store import Code, Store
from agents.cometd.threads import Threads
from agents.cometd.topics import Subscription, TopicRefused
from agents.services.desk_access import DeskCaller
from config.kernel import limits


class _Missed(Exception):
    """What the client asks for again is kept no longer."""

    def __init__(self, topic: str, position: int) -> None:
        super().__init__(f"410:{topic}:Missed events are kept no longer")
        self.replay = {topic: position}


class _UnknownClient(Exception):
    """The client is not there, or somebody else's."""


class Subscribing:
    """Adds subscriptions; it belongs to one event loop."""

    def __init__(self, options: Options, store: Store, threads: Threads) -> None:
        self._options = options
        self._store = store
        self._threads = threads

    async def subscribe(self, message: Message, client: str, caller: DeskCaller) -> Message:
        """Give the reply to a /meta/subscribe.

        Raises StoreAway, and the errors of a database that is away.
        """
        said = {"subscription": message["subscription"]} if "subscription" in message else {}
        try:
            await self._add(message, client, caller)
        except _UnknownClient:
            return protocol.unknown_client(message, self._options)
        except TopicRefused as refused:
            return protocol.refusal(message, str(refused), **said)
        except _Missed as missed:
            # It reads the state anew, and goes on after the number that it is given.
            return protocol.refusal(
                message,
                str(missed),
                advice=protocol.advice(self._options),
                ext={"replay": missed.replay},
                **said,
            )
        return protocol.reply(message, **said)

    async def _add(self, message: Message, client: str, caller: DeskCaller) -> None:
        user = str(caller.user_id)
        if await self._store.check(client, user) is not Code.ANSWER:
            raise _UnknownClient
        wanted = listed(message.get("subscription"))
        if not wanted:
            raise TopicRefused(400, "", "Subscription missing")
        parsed = [topics.parse(one, caller.roles) for one in wanted]
        effective = [one for one in parsed if one is not None]
        if not effective:
            return
        # What was committed until here is not told; everything after it is.
        position = await self._threads.run(stream.position_of, caller.user_id)
        asked = [await self._since(message, one, caller, position) for one in effective]
        code = await self._store.subscribe(
            client,
            user,
            wanted=asked,
            position=position,
            board=await self._board_of(effective, caller),
        )
        if code is Code.REFUSED:
            raise TopicRefused(403, effective[0].written, "Too many subscriptions")
        if code is not Code.ANSWER:
            raise _UnknownClient

    async def _board_of(
        self, wanted: Sequence[Subscription], caller: DeskCaller
    ) -> dict[str, Any] | None:
        """Give the board that is asked for, as store.lua takes it."""
        asked = next((one for one in wanted if one.is_of_the_board), None)
        if asked is None:
            return None
        if caller.organization_id is None:
            raise TopicRefused(403, asked.written, "Subscription denied")
        positions = await self._threads.run(board.positions_of, caller.organization_id)
        return {"house": str(caller.organization_id), "positions": positions}

    async def _since(
        self, message: Message, subscription: Subscription, caller: DeskCaller, position: int
    ) -> list[Any]:
        """Give a subscription as store.lua takes it, with the number after which it counts."""
        replay = protocol.extension_of(message, "replay")
        last = replay.get(subscription.written) if isinstance(replay, dict) else None
        last = protocol.whole(last)
        is_replay = last is not None and last >= 0 and not subscription.is_of_the_board
        since = last if last is not None and is_replay else position
        if is_replay and not await self._threads.run(
            stream.can_be_replayed,
            caller.user_id,
            since,
            position=position,
            kept=limits.COMETD_REPLAY,
        ):
            raise _Missed(subscription.written, position)
        return [
            subscription.written,
            subscription.prefix,
            int(subscription.depth),
            int(subscription.is_short),
            subscription.tail,
            since,
            is_replay,
        ]


def listed(wanted: object) -> list[Any]:
    """Give what a message names as `subscription`, one topic or several, as a list."""
    if wanted is None:
        return []
    return wanted if isinstance(wanted, list) else [wanted]
