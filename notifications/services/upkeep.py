"""Upkeep: partitions for the months to come, signs of life, and how the queue is doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from config.kernel.database import lock_keys
from notifications import transports
from notifications.models import Heartbeat
from notifications.models.kinds import Channel
from notifications.services.steps import DATED, noted
from notifications.services.switches import switched_off

# The table, and the moment by which it is divided.
_PARTITIONED = (("outbox_event", "recorded_at"), ("notification_event", "at"))
_MONTHS_AHEAD = 3
_TOO_LATE = "Not sent: its time had passed while nothing could be sent."


def make_partitions(now: datetime) -> None:
    """Let both histories have a partition for this month and the next three; they may exist."""
    for table, moment in _PARTITIONED:
        for begin, end in _months(now.astimezone(UTC)):
            _make_partition(table, moment, begin=begin, end=end)


def _months(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    begin = datetime(now.year, now.month, 1, tzinfo=UTC)
    for _ in range(_MONTHS_AHEAD + 1):
        end = (begin + timedelta(days=31)).replace(day=1)
        yield begin, end
        begin = end


@transaction.atomic
def _make_partition(table: str, moment: str, *, begin: datetime, end: datetime) -> None:
    name = f"{table}_{begin:%Y_%m}"
    # Two workers at once: the second waits here and finds it made.
    lock_keys(f"partition:{name}")
    with connection.cursor() as cursor:
        # Not to_regclass(): it may remember that there was none before the lock was had.
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [name])
        if not cursor.fetchone()[0]:
            cursor.execute(
                _PARTITION.format(name=name, table=table, moment=moment, begin=begin, end=end)
            )


# Attached rather than created in place: that does not lock the whole table. The default partition
# may hold rows of the month if nothing ran for a long time; they move, which is no change of
# history, though the trigger takes it for one.
_PARTITION = """
SET LOCAL statement_timeout = 0;
SET LOCAL frontdesk.purging = 'on';
CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
WITH moved AS (
    DELETE FROM {table}_default WHERE {moment} >= '{begin}' AND {moment} < '{end}' RETURNING *
) INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}');
SET LOCAL frontdesk.purging = 'off'
"""


def note_heartbeat(name: str) -> None:
    """Write down that a part of the installation is at work, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(_HEARTBEAT, [name])


_HEARTBEAT = """
INSERT INTO notifications_heartbeat (name, seen_at) VALUES (%s, statement_timestamp())
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""


def cancel_late() -> int:
    """Cancel what has become too late while nobody could send it.

    That is while its organisation, its application or its channel is switched off, or its channel
    has no transport; of all others the claim takes care. Return how many there were.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CANCEL_LATE,
            {
                "reason": _TOO_LATE,
                "channels": Channel.values,
                "idle": [one for one in Channel.values if one not in transports.channels()],
            },
        )
        cancelled: int = cursor.rowcount
    return cancelled


_CANCEL_LATE = f"""
WITH late AS MATERIALIZED (
    SELECT notification.id
    FROM agents_organization AS organization
    JOIN notifications_notification AS notification
        ON notification.organization_id = organization.id
    WHERE (channel = ANY(%(idle)s)
            OR NOT (organization.is_active AND organization.notifications_on)
            OR {switched_off("notification")})
        AND channel = ANY(%(channels)s) AND NOT is_held AND NOT is_submitted
        AND due_at <= statement_timestamp() AND not_after <= statement_timestamp()
    LIMIT 1000
    FOR UPDATE OF notification SKIP LOCKED
), cancelled AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, lease_until = NULL, attempt = attempt + 1,
        message = %(reason)s, {DATED}
    FROM late WHERE notification.id = late.id
    RETURNING notification.*, gen_random_uuid() AS event_id
)
{noted("cancelled")}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOperations:
    """How the queue of one channel is doing."""

    channel: Channel
    due: int
    # Due for over a minute and not in the hands of a worker.
    late: int
    held: int
    # Taken by a worker that has not been heard of within its lease.
    past_lease: int
    oldest_due: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """How sending is doing: the queues, and when each part was last seen at work."""

    channels: list[ChannelOperations]
    last_seen: dict[str, timedelta]
    # How much this machine's clock is ahead of the database's.
    clock_difference: timedelta


def operations(now: datetime, *, organization_id: UUID | None = None) -> Operations:
    """Give the state of the queues and the signs of life, for people who operate Frontdesk.

    With an organisation, its share of the queues: nobody else's backlog is read.
    """
    whose = "" if organization_id is None else "AND organization_id = %(organization)s"
    with connection.cursor() as cursor:
        cursor.execute(
            _OPERATIONS.format(whose=whose),
            {"channels": Channel.values, "organization": organization_id},
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT statement_timestamp()")
        database_now = cursor.fetchone()[0]
    by_channel = {row[0]: row[1:] for row in rows}
    empty = (0, 0, 0, 0, timedelta())
    return Operations(
        channels=[
            ChannelOperations(
                channel=channel,
                **dict(
                    zip(
                        ("due", "late", "held", "past_lease", "oldest_due"),
                        by_channel.get(channel.value, empty),
                        strict=True,
                    )
                ),
            )
            for channel in Channel
        ],
        last_seen={
            heartbeat.name: database_now - heartbeat.seen_at
            for heartbeat in Heartbeat.objects.order_by("name")
        },
        clock_difference=now - database_now,
    )


# Reads what is due and what is held (notification_due, notification_due_fairly for one
# organisation, notification_held), not what is planned.
_OPERATIONS = """
SELECT channel, sum(due), sum(late), sum(held), sum(past_lease), max(oldest_due)
FROM (
    SELECT channel, count(*) AS due,
        count(*) FILTER (WHERE lease_until IS NULL
            AND due_at < statement_timestamp() - interval '1 minute') AS late,
        0 AS held,
        count(*) FILTER (WHERE lease_until < statement_timestamp()) AS past_lease,
        statement_timestamp() - min(due_at) AS oldest_due
    FROM notifications_notification
    WHERE channel = ANY(%(channels)s) AND NOT is_held AND due_at <= statement_timestamp() {whose}
    GROUP BY channel
    UNION ALL
    SELECT channel, 0, 0, count(*), 0, interval '0' FROM notifications_notification
    WHERE is_held AND due_at IS NOT NULL {whose}
    GROUP BY channel
) AS counted
GROUP BY channel
"""
