"""The purge: history that has become old goes, with everybody in it, and the proof stays valid.

It says first from when on there is history, and takes away then; so whoever compares never takes
what was purged for what is missing. Ended in the middle, it is taken up by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from config.kernel.database import sqlstate_of
from notifications.models import HistoryPurge, Undeliverable
from notifications.models.kinds import FINAL

BATCH = 2_000
_LOCK_NOT_AVAILABLE = "55P03"

Progress = Callable[[str, int], None]


@dataclass(kw_only=True)
class Purged:
    """How much was taken away, or would be."""

    notifications: int = 0
    events: int = 0
    outbox_events: int = 0
    undeliverables: int = 0
    partitions: int = 0


# subject type → the condition that a subject is still to come, for the column that holds its id.
_still_to_come: dict[str, Callable[[str], str]] = {}


def keep_while(subject_type: str, is_to_come: Callable[[str], str]) -> None:
    """Have nothing purged of subjects of a type while this condition in SQL holds.

    It is called with the name of the column that holds the subject's id.
    """
    _still_to_come[subject_type] = is_to_come


def purge(*, before: datetime, on_progress: Progress = lambda _what, _count: None) -> Purged:
    """Take away the history of before a moment; return how much that was.

    What is not final, and what belongs to something that is still to come, stays.
    """
    run = HistoryPurge.objects.create(purged_before=before)
    purged = Purged()
    for table, is_kept in _PARTITIONED.items():
        for partition in _older_partitions(table, before):
            if _drop_unless_kept(partition, is_kept, before):
                purged.partitions += 1
                on_progress(f"partition {partition}", 1)
    for notifications, events in _in_batches(_DELETE_NOTIFICATIONS, before):
        purged.notifications += notifications
        purged.events += events
        on_progress("notifications", notifications)
    for outbox_events, _ in _in_batches(_DELETE_OUTBOX, before):
        purged.outbox_events += outbox_events
        on_progress("events of the outbox", outbox_events)
    purged.undeliverables = Undeliverable.objects.filter(noted_at__lt=before).delete()[0]
    run.ended_at, run.notifications = timezone.now(), purged.notifications
    run.save(update_fields=["ended_at", "notifications"])
    return purged


def preview(*, before: datetime) -> Purged:
    """Give how much a purge would take away now; what whole partitions hold counts by its rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        numbers = []
        for statement in (_COUNT_NOTIFICATIONS, _COUNT_EVENTS, _COUNT_OUTBOX):
            cursor.execute(_complete(statement), _parameters(before))
            numbers.append(int(cursor.fetchone()[0]))
    notifications, events, outbox_events = numbers
    return Purged(
        notifications=notifications,
        events=events,
        outbox_events=outbox_events,
        undeliverables=Undeliverable.objects.filter(noted_at__lt=before).count(),
    )


def _parameters(before: datetime) -> dict[str, datetime | list[str]]:
    return {"before": before, "final": sorted(str(one) for one in FINAL)}


def _complete(statement: str) -> str:
    """Put in what is still to come: `over` of a notification, `kept` of an event, both `one`."""
    kept = " OR ".join(
        # The types are names of our own.
        f"(one.subject_type = '{type_}' AND {is_to_come('one.subject_id')})"
        for type_, is_to_come in _still_to_come.items()
    )
    return statement.replace("{over}", _OVER).replace("{kept}", kept or "FALSE")


# What may go of the ledger: it is final, and nothing was done to it since.
_OVER = """
(one.created_at < %(before)s AND one.updated_at < %(before)s AND one.status = ANY(%(final)s)
    AND NOT ({kept}))
"""
# The partitioned tables, and which of their rows have to stay although their month is over.
_PARTITIONED = {
    "notification_event": """
        SELECT FROM {partition} AS step
        JOIN notifications_notification AS one ON one.id = step.notification_id
        WHERE NOT {over}""",
    "outbox_event": "SELECT FROM {partition} AS one WHERE {kept}",
}

# Nobody else changes what is final, but two purges may run at once.
_DELETE_NOTIFICATIONS = """
WITH old AS MATERIALIZED (
    SELECT id FROM notifications_notification AS one
    WHERE id > %(last)s AND {over}
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), contents AS (
    DELETE FROM notifications_notificationcontent USING old WHERE notification_id = old.id
), events AS (
    DELETE FROM notification_event USING old WHERE notification_id = old.id RETURNING 1
), gone AS (
    DELETE FROM notifications_notification USING old
    WHERE notifications_notification.id = old.id
    RETURNING notifications_notification.id
)
SELECT (SELECT id FROM gone ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM gone),
    (SELECT count(*) FROM events)
"""
_DELETE_OUTBOX = """
WITH old AS MATERIALIZED (
    SELECT id, recorded_at FROM outbox_event AS one
    WHERE id > %(last)s AND recorded_at < %(before)s AND NOT ({kept})
    ORDER BY id LIMIT %(limit)s
), gone AS (
    DELETE FROM outbox_event USING old
    WHERE outbox_event.id = old.id AND outbox_event.recorded_at = old.recorded_at
    RETURNING outbox_event.id
)
SELECT (SELECT id FROM old ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM gone), 0
"""
_COUNT_NOTIFICATIONS = "SELECT count(*) FROM notifications_notification AS one WHERE {over}"
_COUNT_EVENTS = """
SELECT count(*) FROM notification_event AS step
JOIN notifications_notification AS one ON one.id = step.notification_id WHERE {over}
"""
_COUNT_OUTBOX = """
SELECT count(*) FROM outbox_event AS one WHERE recorded_at < %(before)s AND NOT ({kept})
"""


def _older_partitions(table: str, before: datetime) -> list[str]:
    """Give the partitions of months that were over by then; never the default one."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDER_PARTITIONS, {"table": table, "before": before})
        return [name for (name,) in cursor.fetchall()]


_OLDER_PARTITIONS = r"""
SELECT relname FROM (
    SELECT child.relname, substring(
        pg_get_expr(child.relpartbound, child.oid) FROM $bound$TO \('([^']+)'\)$bound$
    )::timestamptz AS ends_at
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = %(table)s::regclass
) AS partition
WHERE ends_at <= %(before)s ORDER BY ends_at
"""


def _drop_unless_kept(partition: str, is_kept: str, before: datetime) -> bool:
    """Drop a partition in which nothing has to stay; false where it stays for now.

    Whoever reads the whole table for long is not waited for: then the rows go one by one, and the
    partition, empty, with the next purge.
    """
    name = connection.ops.quote_name(partition)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'")
            kept = _complete(is_kept).replace("{partition}", name)
            cursor.execute(f"SELECT EXISTS ({kept})", _parameters(before))
            if cursor.fetchone()[0]:
                return False
            cursor.execute(f"DROP TABLE {name}")
    except OperationalError as error:
        if sqlstate_of(error) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _in_batches(statement: str, before: datetime) -> Iterator[tuple[int, int]]:
    """Delete some rows at a time, each time in a transaction of its own; give how many."""
    last: UUID | None = UUID(int=0)
    while last is not None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL frontdesk.purging = 'on'")
            cursor.execute(
                _complete(statement), {**_parameters(before), "last": last, "limit": BATCH}
            )
            last, count, more = cursor.fetchone()
            # Tests run within one transaction, which is not to be let through from here on.
            cursor.execute("SET LOCAL frontdesk.purging = 'off'")
        yield int(count), int(more)
