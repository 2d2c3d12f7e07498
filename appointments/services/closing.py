"""Closing an appointment by hand, and opening it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import AnswerType, State
from appointments.services.answers import GivenAnswer, record_answers
from appointments.services.case import Case, open_case
from appointments.services.lifecycle import complete, miss
from appointments.services.occupancy import (
    occupy,
    refusing_overlaps,
    take_time,
    write_occupancy,
)
from config.kernel.actors import Actor
from config.kernel.database import retrying


@retrying
@transaction.atomic
def close_appointment(
    appointment_id: UUID,
    *,
    came: bool,
    answers: Sequence[GivenAnswer] | None = None,
    actor: Actor,
    now: datetime,
    message: str = "",
) -> Case:
    """Note that an accepted appointment took place, or that the customer did not come.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined, AppointmentIsClosed,
    AppointmentHasNoTime, and what `record_answers` raises.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.message = message
    one = case.appointment
    one.check_may_delete(actor, case.participants)
    one.check_not_closed()
    if answers is not None:
        record_answers(
            case,
            answers,
            form=one.form_for(AnswerType.APPOINTMENT_COMPLETION),
            type=AnswerType.APPOINTMENT_COMPLETION,
        )
    if came:
        complete(case)
    else:
        miss(case)
    case.save()
    return case


@retrying
@transaction.atomic
def reopen_appointment(
    appointment_id: UUID, *, actor: Actor, now: datetime, message: str = ""
) -> Case:
    """Make an appointment that was closed or cancelled an accepted one again.

    One whose end has passed stays open until somebody closes it. Raises AppointmentNotFound,
    NotYourAppointment, AppointmentAlreadyJoined, AppointmentNotClosed, AppointmentHasNoTime,
    AgentOccupied.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.message = message
    case.appointment.check_may_delete(actor, case.participants)
    was_cancelled = case.appointment.state == State.CANCELLED
    case.appointment.reopen(now=now)
    take_time(case, case.primary_user_ids)
    occupy(case)
    with refusing_overlaps(case):
        case.record("appointment.reopened", wasCancelled=was_cancelled)
        case.save()
        write_occupancy(case)
    return case
