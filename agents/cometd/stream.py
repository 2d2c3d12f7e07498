"""What a person is told, as it lies in the database, and as it goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from agents.api.desk.addresses import made_absolute
from agents.models import PushMessage, PushStream
from config.kernel import json, prepared

_MESSAGES, _STREAMS = PushMessage._meta.db_table, PushStream._meta.db_table

_POSITION = f"SELECT sequence FROM {_STREAMS} WHERE user_id = %s"  # noqa: S608  # our own table
_AFTER = f"""
    SELECT message.user_id, message.sequence, message.topic, message.data::text, message.made_at
    FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (user_id, last)
    CROSS JOIN LATERAL (
        SELECT * FROM {_MESSAGES}
        WHERE user_id = wanted.user_id AND sequence > wanted.last
        ORDER BY sequence LIMIT %s
    ) AS message
    ORDER BY message.user_id, message.sequence
"""  # noqa: S608  # our own table
_RECENT = f"""
    SELECT user_id, max(sequence) FROM {_MESSAGES}
    WHERE made_at > now() - interval '1 minute' GROUP BY user_id
"""  # noqa: S608  # our own table
_IS_KEPT = f"""
    SELECT EXISTS (
        SELECT FROM {_MESSAGES} WHERE user_id = %s AND sequence = %s AND made_at > now() - %s
    )
"""  # noqa: S608  # our own table


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that somebody is told, ready to be sent; its addresses are absolute."""

    sequence: int
    topic: str
    data: str = field(repr=False)
    made_at: datetime


def position_of(user_id: UUID) -> int:
    """Give the number of the last thing that the user was told."""
    rows = prepared.fetch(_POSITION, [user_id])
    return int(rows[0][0]) if rows else 0


def after(positions: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Entry]]:
    """Give what each user was told after a number, in order and without a gap.

    These are the first `limit` for each, and fewer where one is kept no longer.
    """
    params = [list(positions), list(positions.values()), limit]
    entries: dict[UUID, list[Entry]] = {user_id: [] for user_id in positions}
    for user_id, sequence, topic, data, made_at in prepared.fetch(_AFTER, params):
        known = entries[user_id]
        if not known or sequence == known[-1].sequence + 1:
            shown = json.dumps(made_absolute(orjson.loads(data))).decode()
            known.append(Entry(sequence=sequence, topic=topic, data=shown, made_at=made_at))
    return entries


def can_be_replayed(user_id: UUID, last: int, *, position: int, kept: timedelta) -> bool:
    """Tell whether everything is still there that the user was told after a number."""
    if last >= position:
        return last == position
    return bool(prepared.fetch(_IS_KEPT, [user_id, last + 1, kept])[0][0])


def told_lately() -> dict[UUID, int]:
    """Give whoever was told something in the last minute, and the number of the last."""
    return {user_id: int(last) for user_id, last in prepared.fetch(_RECENT, [])}
