"""How an appointment begins and ends, by what people do and by the clock."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from appointments.models import Appointment, Participant, ParticipantState, State
from appointments.services.case import Case, open_case
from appointments.services.occupancy import occupy, write_occupancy
from config.kernel.actors import Actor
from config.kernel.database import retrying

logger = logging.getLogger(__name__)


class Beginning(Enum):
    """From where an appointment was put in progress."""

    FRESH = auto()
    RESUMED = auto()


def start_appointment(case: Case) -> bool:
    """Put the appointment in progress; false when it is already or is over."""
    beginning = begin(case)
    if beginning is not None:
        tell_started(case, beginning)
    return beginning is not None


def begin(case: Case) -> Beginning | None:
    """Put the appointment in progress, to be told of later; None when it is already or is over."""
    is_resumed = case.appointment.state in (State.FAILED, State.NO_SHOW)
    if not case.appointment.begin():
        return None
    return Beginning.RESUMED if is_resumed else Beginning.FRESH


def tell_started(case: Case, beginning: Beginning) -> None:
    """Write down that the appointment is in progress."""
    case.record("appointment.started")
    if beginning is Beginning.RESUMED:
        _note_occupancy(case)


def settle_after_leaving(case: Case) -> None:
    """The last one has left: complete after the end, or step back before the start."""
    if case.appointment.state != State.IN_PROGRESS or _anybody_joined(case):
        return
    appointment = case.appointment
    if appointment.end is not None and case.now >= appointment.end:
        if _both_sides_came(case):
            complete(case)
    elif appointment.start is not None and case.now < appointment.start:
        appointment.step_back()
        case.record("appointment.stepped_back")


def complete(case: Case) -> None:
    """Complete the appointment and its interaction."""
    case.appointment.complete()
    case.record("appointment.completed")
    _note_occupancy(case)


def fail(case: Case) -> None:
    """Mark the appointment as failed; it may be taken up again."""
    case.appointment.fail()
    case.record("appointment.failed")
    _note_occupancy(case)


def miss(case: Case) -> None:
    """Note that the customer did not come."""
    case.appointment.miss()
    case.record("appointment.missed")
    _note_occupancy(case)


def _note_occupancy(case: Case) -> None:
    """Free the agents' time of what is over, and take it again for what is resumed.

    An appointment that is resumed does not refuse anybody: the people are in it already.
    """
    occupy(case)
    for agent in case.agents:
        agent.is_exclusive = False
    write_occupancy(case)


def _anybody_joined(case: Case) -> bool:
    return any(one.state == ParticipantState.JOINED for one in case.participants)


def _came(participants: list[Participant]) -> bool:
    return any(one.first_joined_at is not None for one in participants)


def _both_sides_came(case: Case) -> bool:
    return _came(case.agents) and _came(case.customers)


def _overruns(case: Case) -> bool:
    """Whether a customer came and somebody is still there: the last one who leaves ends it.

    Not for ever: with the tickets it is over for those who never said that they left.
    """
    appointment = case.appointment
    return (
        appointment.state == State.IN_PROGRESS
        and _came(case.customers)
        and _anybody_joined(case)
        and not appointment.has_expired(case.now)
    )


def finish_due_appointments(*, now: datetime, page: int = 500) -> int:
    """Wind up the appointments whose scheduled end has passed; return how many were.

    Each is one transaction of its own, so that a bad one stops no other.
    """
    finished = 0
    last: tuple[datetime, UUID] | None = None
    while True:
        due = Appointment.objects.ended(now).order_by("end", "id").values_list("end", "id")
        if last is not None:
            due = due.filter(Q(end__gt=last[0]) | Q(end=last[0], id__gt=last[1]))
        batch = list(due[:page])
        for _, appointment_id in batch:
            try:
                finished += _finish(appointment_id, now=now)
            except Exception:  # the others must not wait for somebody to mend this one
                logger.exception("Appointment %s cannot be wound up", appointment_id)
        if len(batch) < page:
            return finished
        last = (now if batch[-1][0] is None else batch[-1][0], batch[-1][1])


@retrying
@transaction.atomic
def _finish(appointment_id: UUID, *, now: datetime) -> bool:
    """Complete, fail or miss one appointment whose end has passed (contract, lifecycle)."""
    still_due = Appointment.objects.ended(now).filter(pk=appointment_id)
    locked = still_due.select_for_update(skip_locked=True).first()
    if locked is None:
        return False
    case = open_case(locked.id, actor=Actor.system(locked.organization_id), now=now)
    if _overruns(case):
        return False
    if locked.state != State.IN_PROGRESS or not _came(case.customers):
        # Whoever came to an earlier attempt has not come to this one.
        miss(case)
    elif _came(case.agents):
        complete(case)
    else:
        fail(case)
    case.save()
    return True
