"""The live board: what the people of an organisation are told, for those who lead them.

It has no rows of its own and nothing is replayed: who comes anew reads the state, and hears what
changes from then on. Of each person the board has had everything up to a number, so two processes
that feed it at once double nothing, and what one has left behind comes with the next look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import redis
from django.utils.timezone import now as current_time
from redis.commands.core import Script

from agents.call_wire import JsonObject
from agents.cometd import names, stream
from agents.cometd.stream import Entry
from agents.models import PushStream
from agents.services import board
from config.kernel import json, limits, prepared
from config.kernel.time import format_instant

_SCRIPT = Path(__file__).with_name("board.lua").read_text(encoding="utf-8")
_MOST = limits.COMETD_QUEUE
_DONE = -2
QUEUES_TOPIC = "/v2/board/queues"
_SHOWN = frozenset({"/v2/me/devices", "/v2/me/channels", "/v2/me/calls"})
_STREAMS = PushStream._meta.db_table

_POSITIONS = f"SELECT user_id, sequence FROM {_STREAMS} WHERE organization_id = %s"  # noqa: S608  # our own table
_LATEST = f"""
    SELECT organization_id, user_id, sequence FROM {_STREAMS}
    WHERE user_id = ANY(%s::uuid[]) AND organization_id = ANY(%s::uuid[])
"""  # noqa: S608  # our own table


class Boards:
    """The boards on one Redis that somebody watches."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._add = Script(client, _SCRIPT)

    def feed(self, user_ids: Collection[UUID]) -> None:
        """Show what these users were told, and how the queues of their organisations stand.

        Raises RedisError.
        """
        houses = self._watched()
        if houses and user_ids:
            latest = _latest(user_ids, houses)
            self._feed(latest, board.queues_of(latest))

    def look(self, user_ids: Collection[UUID]) -> None:
        """Show what was left behind, as a worker does: in queues somebody may wait unheard.

        Raises RedisError.
        """
        houses = self._watched()
        if houses:
            self._feed(_latest(user_ids, houses), board.queues_of(houses))

    def _watched(self) -> list[UUID]:
        found: Any = self._redis.zrange(names.BOARDS, 0, -1)
        return [UUID(house.decode()) for house in found]

    def _feed(
        self,
        latest: Mapping[UUID, Mapping[UUID, int]],
        queues: Mapping[UUID, list[JsonObject]],
    ) -> None:
        for house in latest.keys() | queues.keys():
            self._feed_one(house, latest.get(house, {}), queues.get(house, []))

    def _feed_one(self, house: UUID, latest: Mapping[UUID, int], queues: list[JsonObject]) -> None:
        behind = self._behind(house, latest)
        told = _queues_told(queues)
        while True:
            found = stream.after(behind, limit=_MOST)
            entries = {user: some for user, some in found.items() if some}
            arguments: list[Any] = [_MOST, str(house), *told]
            for user_id, some in entries.items():
                arguments += [str(user_id), behind[user_id], some[0].sequence, len(some)]
                arguments += [_shown(user_id, entry) for entry in some]
            answers: Any = self._add(args=arguments)
            behind = {}
            # There is no answer where nobody watches any more.
            for (user_id, some), answer in zip(entries.items(), answers, strict=False):
                if answer >= 0:
                    behind[user_id] = answer
                elif answer == _DONE and len(some) == _MOST:
                    behind[user_id] = some[-1].sequence
            if not behind:
                return

    def _behind(self, house: UUID, latest: Mapping[UUID, int]) -> dict[UUID, int]:
        """Give those of whom the board has not had everything, and what it has had last."""
        if not latest:
            return {}
        users = [str(user_id) for user_id in latest]
        known: Any = self._redis.hmget(names.board_positions_of(house), users)
        had = {user: int(number or 0) for user, number in zip(latest, known, strict=True)}
        return {user: number for user, number in had.items() if number < latest[user]}


def positions_of(organization_id: UUID) -> dict[str, int]:
    """Give the number of the last thing that each person of an organisation was told."""
    rows = prepared.fetch(_POSITIONS, [organization_id])
    return {str(user_id): sequence for user_id, sequence in rows}


def _latest(user_ids: Collection[UUID], houses: list[UUID]) -> dict[UUID, dict[UUID, int]]:
    found: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for house, user_id, sequence in prepared.fetch(_LATEST, [list(user_ids), houses]):
        found[house][user_id] = sequence
    return found


def _shown(user_id: UUID, entry: Entry) -> str:
    """Give what boards show of something that a person was told; empty where that is nothing."""
    if entry.topic not in _SHOWN:
        return ""
    return _told(str(user_id), entry.topic, entry.data, entry.made_at)


def _told(user_id: str | None, topic: str, data: str, at: datetime) -> str:
    told = {"userId": user_id, "topic": topic, "at": format_instant(at)}
    return json.dumps({**told, "data": orjson.Fragment(data)}).decode()


def _queues_told(queues: list[JsonObject]) -> tuple[str, str]:
    """Give how queues stand, and the same as it is told."""
    if not queues:
        return "", ""
    data = json.dumps({"queues": queues}).decode()
    return data, _told(None, QUEUES_TOPIC, data, current_time())
