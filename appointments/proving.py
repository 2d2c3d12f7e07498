"""The proof that everyone was told: the ledger against what the planner says of every event.

The subscribers hear each event once more, in a rehearsal, with the case as the event left it. What
is not known any more of that time is not judged, and is counted.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from appointments.models import Appointment, Participant, Tombstone
from appointments.rehearsing import History, Key
from appointments.services.case import SUBJECT
from config.kernel import prepared
from notifications.models import HistoryPurge, Notification, OutboxEvent, ProofRun, Status
from notifications.models.kinds import SCHEDULED_TYPES
from notifications.services.proving import (
    Deliveries,
    Finding,
    Kind,
    Scope,
    count_of,
    finding_of,
    late_now,
)
from notifications.services.rehearsal import rehearsing

logger = logging.getLogger(__name__)

BATCH = 250
# A night that was missed is made up for, and a week lies between two looks of an operator.
_LATELY = timedelta(days=8)
_RUNS_KEPT = timedelta(days=90)
_FINDINGS_KEPT = 100
_DELETED = "appointments that were deleted"
_CHANGED = "appointments that changed while they were looked at"
_BROKEN = "appointments that could not be rehearsed; the log has the reason"
_PURGED = "events before the last purge of the history"
_LIVE = frozenset({Status.INITIALIZED, Status.PENDING, Status.DELIVERED})

Found = Callable[[Finding], None]
Progress = Callable[[int], None]


@dataclass(kw_only=True)
class Tally:
    """How much was looked at, and what was found."""

    appointments: int = 0
    # Messages that the planner says should exist.
    expected: int = 0
    # Messages whose delivery was followed.
    followed: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    not_judged: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> int:
        """Give how much is wrong: that something may have arrived twice is not."""
        return sum(number for kind, number in self.found.items() if kind != Kind.REPEATED)


def count_appointments(scope: Scope) -> int:
    """Give how many appointments are to be looked at, for a bar of progress."""
    where = scope.condition("recorded_at", "organization_id")
    return count_of(
        "SELECT count(DISTINCT subject_id) FROM outbox_event"  # noqa: S608  # our names
        f" WHERE subject_type = '{SUBJECT}' AND {where}",
        scope,
    )


def prove(
    scope: Scope,
    *,
    found: Found,
    on_appointments: Progress = lambda _: None,
    on_messages: Progress = lambda _: None,
) -> Tally:
    """Look for missing, double and late messages; `found` gets each as soon as it is known."""
    tally = Tally()

    def note(findings: Iterable[Finding]) -> None:
        for finding in findings:
            tally.found[finding.kind] += 1
            found(finding)

    for ids in _subjects(scope):
        note(_Batch(scope, ids, tally).findings())
        tally.appointments += len(ids)
        on_appointments(len(ids))
    deliveries = Deliveries(scope=scope)
    for number, findings in deliveries.batches():
        note(findings)
        tally.followed += number
        on_messages(number)
    note(deliveries.late())
    note(late_now(scope))
    tally.not_judged += deliveries.not_judged
    return tally


def prove_lately(*, now: datetime) -> ProofRun:
    """Prove the last days, as beat does every night, and keep what was found for people to see."""
    run = ProofRun.objects.create(since=now - _LATELY, started_at=now)
    kept: list[Finding] = []

    def keep(finding: Finding) -> None:
        if finding.kind != Kind.REPEATED and len(kept) < _FINDINGS_KEPT:
            kept.append(finding)

    tally = prove(Scope(since=run.since), found=keep)
    run.ended_at = timezone.now()
    run.appointments = tally.appointments
    run.missing = tally.found[Kind.MISSING]
    run.doubled = tally.found[Kind.DOUBLE]
    run.late = tally.found[Kind.LATE]
    run.findings = [finding.to_json() for finding in kept]
    run.save()
    ProofRun.objects.filter(started_at__lt=now - _RUNS_KEPT).delete()
    if tally.faults:
        logger.error(
            "Proof: %d missing, %d double, %d late messages", run.missing, run.doubled, run.late
        )
    return run


def _subjects(scope: Scope) -> Iterator[list[UUID]]:
    """Give, batch by batch, the appointments to which something happened."""
    last = UUID(int=0)
    where = scope.condition("recorded_at", "organization_id")
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT subject_id FROM outbox_event"  # noqa: S608  # our names
                f" WHERE subject_id > %(last)s AND subject_type = '{SUBJECT}' AND {where}"
                " ORDER BY subject_id LIMIT %(limit)s",
                {"last": last, "limit": BATCH, **scope.parameters},
            )
            ids = [key for (key,) in cursor.fetchall()]
        if not ids:
            return
        yield ids
        last = ids[-1]


class _Row(NamedTuple):
    """A notification as far as it is compared."""

    id: UUID
    subject_id: UUID
    type: str
    recipient_id: UUID
    channel: str
    offset: str | None
    cause: str
    status: str
    scheduled_for: datetime | None
    created_at: datetime

    @property
    def key(self) -> Key:
        return Key(self.type, self.recipient_id, self.channel, self.offset, self.cause)

    @property
    def thing(self) -> tuple[object, ...]:
        """Give what must not be told twice, whatever it was planned for."""
        return (self.type, self.recipient_id, self.channel, self.offset, self.scheduled_for)


_LEDGER = """
SELECT id, subject_id, type, recipient_id, channel, "offset", cause, status, scheduled_for,
    created_at
FROM notifications_notification WHERE subject_id = ANY(%(subjects)s)
"""


class _Batch:
    """Some appointments, read in an order in which no change in between can look like a fault.

    The events first and the ledger last: what an event has planned is committed with it. An
    appointment with more events than were read has changed, and is left to the next proof.
    """

    def __init__(self, scope: Scope, ids: list[UUID], tally: Tally) -> None:
        self.scope = scope
        self.tally = tally
        self.events = _by_appointment(
            OutboxEvent.objects.filter(subject_id__in=ids)
            .order_by("subject_id", "subject_sequence", "id")
            .defer("before"),
            "subject_id",
        )
        self.participants = _by_appointment(
            Participant.objects.filter(appointment_id__in=ids)
            .order_by("id")
            .select_related("user"),
            "appointment_id",
        )
        rows = Appointment.objects.filter(id__in=ids).select_related("application__organization")
        self.appointments: Mapping[UUID, Appointment] = {row.id: row for row in rows}
        gone = set(ids) - set(self.appointments)
        tally.not_judged[_DELETED] += Tombstone.objects.filter(id__in=gone).count() if gone else 0

    def findings(self) -> list[Finding]:
        """Give what is missing and what is there twice."""
        applications = {one.application_id for one in self.appointments.values()}
        with rehearsing(applications) as rehearsal:
            histories = [
                History(
                    appointment=one,
                    participants=self.participants[key],
                    events=self.events[key],
                    rehearsal=rehearsal,
                )
                for key, one in self.appointments.items()
                if self._is_as_its_events_left_it(one)
            ]
            histories = [history for history in histories if _was_rehearsed(history, self.tally)]
        ledger: dict[UUID, list[_Row]] = defaultdict(list)
        for values in prepared.fetch(_LEDGER, {"subjects": list(self.appointments)}):
            ledger[values[1]].append(_Row(*values))
        # After the ledger: a purge says so before it takes anything away.
        purged = HistoryPurge.objects.aggregate(Max("purged_before"))["purged_before__max"]
        return [
            finding
            for history in histories
            for finding in self._compared(history, ledger[history.appointment.id], purged)
        ]

    def _is_as_its_events_left_it(self, one: Appointment) -> bool:
        events = self.events[one.id]
        is_same = bool(events) and events[-1].subject_sequence == one.event_count
        self.tally.not_judged[_CHANGED] += not is_same
        return is_same

    def _compared(
        self, history: History, rows: list[_Row], purged: datetime | None
    ) -> Iterator[Finding]:
        begin = max((one for one in (self.scope.since, purged) if one), default=None)
        if purged is not None:
            self.tally.not_judged[_PURGED] += sum(
                event.recorded_at < purged for event in history.events
            )
        for reason, moment in history.not_judged:
            self.tally.not_judged[reason] += begin is None or moment >= begin
        present = {row.key for row in rows}
        one = history.appointment
        for key, planned in history.expected.items():
            if begin is not None and planned.planned_at < begin:
                continue
            self.tally.expected += 1
            if key not in present:
                yield Finding(
                    kind=Kind.MISSING,
                    organization_id=one.organization_id,
                    subject_id=one.id,
                    type=key.type,
                    channel=key.channel,
                    recipient_type=planned.recipient_type,
                    recipient_id=key.recipient_id,
                    offset=key.offset,
                    due_at=planned.due_at,
                    note=f"of event {planned.sequence}",
                )
        yield from _doubles(history, rows, begin)


def _was_rehearsed(history: History, tally: Tally) -> bool:
    try:
        history.rehearse()
    except Exception:  # one that cannot be understood must not hide the others
        logger.exception("Appointment %s cannot be rehearsed", history.appointment.id)
        tally.not_judged[_BROKEN] += 1
        return False
    return True


def _doubles(history: History, rows: list[_Row], begin: datetime | None) -> Iterator[Finding]:
    """Give what was told, or will be, besides something that tells the same.

    Two that were both asked for are none: an invitation after each of two moves to one time.
    """
    things: dict[tuple[object, ...], list[_Row]] = defaultdict(list)
    for row in rows:
        if row.status in _LIVE:
            things[row.thing].append(row)
    foreign = [
        row
        for same in things.values()
        if len(same) > 1
        for row in same
        if (begin is None or row.created_at >= begin)
        and history.is_foreign(row.key, is_scheduled=row.type in SCHEDULED_TYPES)
    ]
    if foreign:
        for one in Notification.objects.filter(id__in=[row.id for row in foreign]):
            due_at = one.scheduled_for or one.created_at
            yield finding_of(one, Kind.DOUBLE, due_at=due_at, note=f"cause {one.cause}")


def _by_appointment(rows: Iterable[Any], column: str) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, column)].append(row)
    return found
