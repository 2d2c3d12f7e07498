"""Telling people's desktops: written in the transaction of the change, in one order for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from agents.cometd.publisher import publish_soon
from agents.models import PushMessage, PushStream
from config.kernel.ids import uuid7

# Rows in the order of their users: of two commands that tell the same people one waits.
_TAKE = f"""
    INSERT INTO {PushStream._meta.db_table} AS stream (id, organization_id, user_id, sequence)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[])
    ON CONFLICT (user_id) DO UPDATE SET sequence = stream.sequence + excluded.sequence
    RETURNING user_id, sequence
"""  # noqa: S608  # the name of our own table


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing that a person's desktops are told, on a topic; addresses in it are paths."""

    user_id: UUID
    topic: str
    data: Mapping[str, Any] = field(repr=False)


def tell(told: Iterable[Told], *, organization_id: UUID, now: datetime) -> None:
    """Tell people something once what has happened is committed, in this order.

    It is the last thing that a command does: others who tell the same people wait until it is
    committed.
    """
    by_user: dict[UUID, list[Told]] = defaultdict(list)
    for one in told:
        by_user[one.user_id].append(one)
    if not by_user:
        return
    last = _take(organization_id, {user: len(by_user[user]) for user in sorted(by_user)})
    PushMessage.objects.bulk_create(
        PushMessage(
            organization_id=organization_id,
            user_id=user,
            sequence=last[user] - len(messages) + number,
            topic=one.topic,
            data=one.data,
            made_at=now,
        )
        for user, messages in by_user.items()
        for number, one in enumerate(messages, 1)
    )
    transaction.on_commit(lambda: _nudge(list(by_user)))


def _take(organization_id: UUID, counts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Lock the streams, in one order for everybody, and give the last number of each."""
    users = list(counts)
    columns: list[Any] = [
        [uuid7() for _ in users],
        [organization_id] * len(users),
        users,
        [*counts.values()],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, columns)
        return dict(cursor.fetchall())


def _nudge(user_ids: list[UUID]) -> None:
    """Have it delivered at once; the sweep would find it too."""
    publish_soon(user_ids)
