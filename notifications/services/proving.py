"""What the ledger itself shows: messages that are late, and messages that went out twice.

Whether a message is missing only the planner knows; see the proof of the app that it tells of.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction

from config.kernel import prepared
from config.kernel.time import format_instant
from notifications import transports
from notifications.models import Channel, ChannelSettings, Notification, Status
from notifications.services.switches import switched_off
from notifications.services.webhooks import PATIENCE

# What is handed over within it is in time.
IN_TIME = timedelta(minutes=1)
BATCH = 2_000
# Of what was handed over late, so many at most are looked into.
_CANDIDATES_MOST = 10_000
_BUCKET = 10
_NOBODY = "handed over late, but in an outage: nothing else was handed over then either"
_SWITCHED = "handed over late, after a switch was set"
_IN_ORDER = "handed over late, after an elder one to a receiver that was away"
_BEYOND = "handed over late, beyond those that were looked into"


class Kind(StrEnum):
    """What can be wrong; `REPEATED` is no fault, but says that nobody can know."""

    MISSING = "missing"
    DOUBLE = "double"
    LATE = "late"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One message with which something is wrong: ids, types and moments, no persons."""

    kind: Kind
    organization_id: UUID
    subject_id: UUID
    type: str
    channel: str
    recipient_type: str
    recipient_id: UUID
    offset: str | None
    due_at: datetime | None
    note: str = ""

    def to_json(self) -> dict[str, str | None]:
        """Give it as the operations page and programs read it."""
        return {
            "kind": self.kind.value,
            "organizationId": str(self.organization_id),
            "appointmentId": str(self.subject_id),
            "type": str(self.type),
            "channel": str(self.channel),
            "recipientType": str(self.recipient_type),
            "recipientId": str(self.recipient_id),
            "offset": self.offset,
            "dueAt": format_instant(self.due_at) if self.due_at else None,
            "note": self.note,
        }


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is looked at: everything, or what happened since, or to one organisation."""

    since: datetime | None = None
    organization_id: UUID | None = None

    def condition(self, moment: str, organization: str) -> str:
        """Give the condition in SQL, for the parameters `since` and `organization`."""
        parts = ["TRUE"]
        if self.since is not None:
            parts.append(f"{moment} >= %(since)s")
        if self.organization_id is not None:
            parts.append(f"{organization} = %(organization)s")
        return " AND ".join(parts)

    @property
    def parameters(self) -> dict[str, datetime | UUID | None]:
        return {"since": self.since, "organization": self.organization_id}


def late_now(scope: Scope) -> Iterator[Finding]:
    """Give what has been due for over a minute although somebody should have sent it.

    What is held or switched off, waits for a receiver that is away, or for its elder, is not late.
    """
    organization = "AND due.organization_id = %(organization)s" if scope.organization_id else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            _LATE_NOW.format(organization=organization),
            {
                "channels": [*map(str, transports.channels()), Channel.WEBHOOKS.value],
                "patience": PATIENCE,
                "in_time": IN_TIME.total_seconds(),
                "most": _CANDIDATES_MOST,
                **scope.parameters,
            },
        )
        rows = cursor.fetchall()
    for row in rows:
        yield Finding(kind=Kind.LATE, **dict(zip(_NAMES, row, strict=True)), note="not sent yet")


_NAMES = (
    "organization_id", "subject_id", "type", "channel", "recipient_type", "recipient_id",
    "offset", "due_at",
)  # fmt: skip

# What is claimed is due when its lease ends: then it is late too.
_LATE_NOW = f"""
SELECT due.organization_id, due.subject_id, due.type, due.channel, due.recipient_type,
    due.recipient_id, due."offset", due.due_at
FROM notifications_notification AS due
JOIN agents_organization AS organization ON organization.id = due.organization_id
LEFT JOIN notifications_subscription AS subscription
    ON due.channel = 'WEBHOOKS' AND subscription.id = due.recipient_id
WHERE due.channel = ANY(%(channels)s) AND NOT due.is_held AND NOT due.is_submitted
    AND due.due_at < statement_timestamp() - %(in_time)s * interval '1 second' {{organization}}
    AND organization.is_active AND organization.notifications_on
    AND NOT ({switched_off("due")})
    AND (due.channel <> 'WEBHOOKS' OR (subscription.is_active
        AND subscription.paused_at IS NULL AND subscription.failing_since IS NULL))
    AND NOT (due.channel = 'WEBHOOKS' AND EXISTS (
        SELECT FROM notifications_notification AS elder
        WHERE elder.channel = 'WEBHOOKS' AND elder.due_at IS NOT NULL
            AND elder.recipient_id = due.recipient_id AND elder.subject_id = due.subject_id
            AND elder.subject_sequence < due.subject_sequence
            AND elder.schedule_step < %(patience)s))
ORDER BY due.due_at
LIMIT %(most)s
"""


class _Step(NamedTuple):
    notification_id: UUID
    at: datetime
    status: str
    attempt: int
    is_submitted: bool
    next_at: datetime | None
    message: str


@dataclass(frozen=True, slots=True)
class _Fault:
    """Something in the course of one notification."""

    kind: Kind
    due_at: datetime | None
    at: datetime


def faults_of(steps: Sequence[_Step]) -> Iterator[_Fault]:
    """Give what is wrong with the course of one notification, its steps in their order."""
    due_at: datetime | None = None
    handed: _Step | None = None
    was_lost = False
    for step in steps:
        if step.status == Status.DELIVERED or step.is_submitted:
            if handed is None:
                if was_lost:
                    yield _Fault(Kind.REPEATED, due_at, step.at)
                elif due_at is not None and step.at > due_at + IN_TIME:
                    yield _Fault(Kind.LATE, due_at, step.at)
            elif (
                step.status == handed.status == Status.DELIVERED and step.attempt != handed.attempt
            ):
                yield _Fault(Kind.DOUBLE, due_at, step.at)
            handed = step
        elif step.next_at is not None:
            # Planned, to be tried again, held back, or asked for anew: from here on it counts.
            due_at, handed, was_lost = max(step.next_at, step.at), None, False
        elif step.status == Status.PENDING and step.message:
            # A claim says something only when the one before it came to no known end.
            was_lost = True


@dataclass(kw_only=True)
class Deliveries:
    """The courses of all notifications that something happened to within a scope."""

    scope: Scope
    not_judged: Counter[str] = field(default_factory=Counter)
    _late: list[tuple[_Fault, Notification]] = field(default_factory=list)

    def batches(self) -> Iterator[tuple[int, list[Finding]]]:
        """Give, batch by batch, how many were looked at and what went out twice."""
        last = UUID(int=0)
        while True:
            rows = prepared.fetch(
                _STEPS.format(where=self.scope.condition("at", "organization_id")),
                {"last": last, "limit": BATCH, **self.scope.parameters},
            )
            steps = [_Step(*row) for row in rows]
            if not steps:
                return
            faults = {
                key: list(faults_of(list(course)))
                for key, course in groupby(steps, key=itemgetter(0))
            }
            last = steps[-1].notification_id
            yield len(faults), self._findings({key: one for key, one in faults.items() if one})

    def _findings(self, faults: dict[UUID, list[_Fault]]) -> list[Finding]:
        if not faults:
            return []
        since = self.scope.since
        found: list[Finding] = []
        rows = Notification.objects.filter(id__in=faults)
        for row in rows:
            for fault in faults[row.id]:
                if since is not None and fault.at < since:
                    continue
                if fault.kind != Kind.LATE:
                    found.append(finding_of(row, fault.kind, due_at=fault.due_at))
                elif len(self._late) < _CANDIDATES_MOST:
                    self._late.append((fault, row))
                else:
                    self.not_judged[_BEYOND] += 1
        return found

    def late(self) -> Iterator[Finding]:
        """Give what was handed over late; to be asked when all batches have been seen."""
        if not self._late:
            return
        begin = min(fault.due_at or fault.at for fault, _ in self._late)
        end = max(fault.at for fault, _ in self._late)
        activity = _activity(begin, end)
        switchings = _switchings(begin)
        elders = _behind_elders([row for _, row in self._late if row.channel == "WEBHOOKS"])
        for fault, row in self._late:
            excuse = _excuse(fault, row, activity, switchings, elders)
            if excuse:
                self.not_judged[excuse] += 1
                continue
            late = format_instant(fault.at.replace(microsecond=0))
            yield finding_of(row, Kind.LATE, due_at=fault.due_at, note=f"handed over at {late}")


def count_deliveries(scope: Scope) -> int:
    """Give how many notifications something happened to, for a bar of progress."""
    where = scope.condition("at", "organization_id")
    statement = f"SELECT count(DISTINCT notification_id) FROM notification_event WHERE {where}"
    return count_of(statement, scope)


def count_of(statement: str, scope: Scope) -> int:
    """Give the number that a statement counts, however long it takes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(statement, scope.parameters)
        return int(cursor.fetchone()[0])


def finding_of(
    row: Notification, kind: Kind, *, due_at: datetime | None, note: str = ""
) -> Finding:
    """Give the finding of a notification that there is."""
    return Finding(
        kind=kind,
        organization_id=row.organization_id,
        subject_id=row.subject_id,
        type=row.type,
        channel=row.channel,
        recipient_type=row.recipient_type,
        recipient_id=row.recipient_id,
        offset=row.offset,
        due_at=due_at,
        note=note,
    )


# All steps of whatever something happened to; one range of the index notification_event_of.
_STEPS = """
WITH concerned AS MATERIALIZED (
    SELECT DISTINCT notification_id FROM notification_event
    WHERE notification_id > %(last)s AND {where}
    ORDER BY notification_id LIMIT %(limit)s::int
)
SELECT notification_id, at, status, attempt, is_submitted, next_at, message
FROM notification_event JOIN concerned USING (notification_id)
ORDER BY notification_id, at, notification_event.id
"""


def _activity(begin: datetime, end: datetime) -> dict[str, list[int]]:
    """Give, by channel, the tenths of a minute in which something was handed over."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_ACTIVITY, {"begin": begin, "end": end, "bucket": _BUCKET})
        buckets: dict[str, list[int]] = defaultdict(list)
        for channel, number in cursor.fetchall():
            buckets[channel].append(int(number))
    return buckets


_ACTIVITY = """
SELECT DISTINCT channel, floor(extract(epoch FROM at) / %(bucket)s) AS number
FROM notification_event AS step
JOIN notifications_notification AS notification ON notification.id = step.notification_id
WHERE at BETWEEN %(begin)s AND %(end)s
    AND (step.status = 'DELIVERED' OR step.is_submitted)
ORDER BY channel, number
"""


def _switchings(begin: datetime) -> dict[str, list[datetime]]:
    """Give when a switch was set, by the id of its organisation or application."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    entries = LogEntry.objects.filter(
        action_time__gte=begin,
        content_type__app_label="agents",
        content_type__model__in=["organization", "application"],
    )
    for key, moment in entries.values_list("object_id", "action_time"):
        moments[str(key)].append(moment)
    settings = ChannelSettings.objects.filter(changed_at__gte=begin)
    for application_id, moment in settings.values_list("application_id", "changed_at"):
        moments[str(application_id)].append(moment)
    return moments


def _excuse(
    fault: _Fault,
    row: Notification,
    activity: dict[str, list[int]],
    switchings: dict[str, list[datetime]],
    elders: set[UUID],
) -> str:
    due_at = fault.due_at or fault.at
    keys = (str(row.organization_id), str(row.application_id))
    if any(due_at <= moment <= fault.at for key in keys for moment in switchings.get(key, ())):
        return _SWITCHED
    if row.id in elders:
        return _IN_ORDER
    # Workers were there, and had time for others, when it was its turn.
    first = int(due_at.timestamp() // _BUCKET) + 2
    last = int((due_at + IN_TIME).timestamp() // _BUCKET)
    buckets = activity.get(row.channel, [])
    place = bisect_left(buckets, first)
    return "" if place < len(buckets) and buckets[place] <= last else _NOBODY


def _behind_elders(rows: list[Notification]) -> set[UUID]:
    """Give those to whose receiver an elder one, of the subject or the feed, came late as well."""
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, {"ids": [row.id for row in rows]})
        return {key for (key,) in cursor.fetchall()}


# A receiver that is away has one attempt at a time; the others wait with nothing to show for it.
_BEHIND = """
WITH late AS MATERIALIZED (
    SELECT id, subject_id, recipient_id, subject_sequence, feed_sequence,
        coalesce(scheduled_for, created_at) AS since
    FROM notifications_notification WHERE id = ANY(%(ids)s)
), failed AS MATERIALIZED (
    SELECT failed.recipient_id, failed.feed_sequence, failed.updated_at
    FROM (
        SELECT recipient_id, min(feed_sequence) - 1000 AS first, max(feed_sequence) AS last
        FROM late GROUP BY recipient_id
    ) AS span
    JOIN notifications_notification AS failed ON failed.recipient_id = span.recipient_id
        AND failed.feed_sequence BETWEEN span.first AND span.last
    WHERE failed.retry_count > 0
)
SELECT id FROM late WHERE EXISTS (
    SELECT FROM notifications_notification AS elder
    WHERE elder.subject_id = late.subject_id AND elder.recipient_id = late.recipient_id
        AND elder.subject_sequence < late.subject_sequence
        AND elder.retry_count > 0 AND elder.updated_at > late.since
) OR EXISTS (
    SELECT FROM failed
    WHERE failed.recipient_id = late.recipient_id AND failed.feed_sequence < late.feed_sequence
        AND failed.updated_at > late.since
)
"""
