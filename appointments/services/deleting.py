"""Two commands: cancelling keeps the row, deleting erases the persons and leaves a tombstone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import (
    AnswerType,
    Appointment,
    Participant,
    State,
    Tombstone,
)
from appointments.services.answers import GivenAnswer, record_answers
from appointments.services.case import Case, open_case
from config.kernel.actors import Actor, ActorKind
from config.kernel.database import retrying


@retrying
@transaction.atomic
def cancel_appointment(
    appointment_id: UUID,
    *,
    answers: Sequence[GivenAnswer] | None = None,
    actor: Actor,
    now: datetime,
    message: str = "",
) -> Case:
    """Call an appointment off and let everybody know; it leaves the lists and can be reopened.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined,
    AppointmentIsClosed, and what `record_answers` raises.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.message = message
    appointment = case.appointment
    if actor.kind == ActorKind.CUSTOMER:
        case.check_takes_part()
    else:
        appointment.check_may_delete(actor, case.participants)
    if appointment.state == State.CANCELLED:
        return case
    appointment.check_not_closed()
    if answers is not None:
        occasion = AnswerType.APPOINTMENT_CANCELLATION
        by_customer = actor.kind == ActorKind.CUSTOMER
        form = appointment.form_for(occasion, by_customer=by_customer)
        record_answers(case, answers, form=form, type=occasion)
    appointment.cancel()
    case.record("appointment.cancelled")
    case.save()
    Participant.objects.filter(appointment_id=appointment_id).update(occupies=None)
    return case


@retrying
@transaction.atomic
def delete_appointment(appointment_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Delete an appointment for good, and let everybody know.

    What is still to be told is told: notifications carry what they need. Raises
    AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    appointment = case.appointment
    appointment.check_may_delete(actor, case.participants)
    # A cancelled appointment has told everybody already.
    was_cancelled = appointment.state == State.CANCELLED
    if not was_cancelled:
        appointment.cancel()
    case.record("appointment.deleted", wasCancelled=was_cancelled)
    Tombstone.objects.create(
        id=appointment.id,
        organization_id=appointment.organization_id,
        application_id=appointment.application_id,
        start=appointment.start,
        end=appointment.end,
        timezone=appointment.timezone,
        sequence=appointment.sequence,
        event_count=appointment.event_count,
        deleted_at=now,
        deleted_by_kind=actor.kind,
        deleted_by_id=actor.id,
    )
    # Triggers take its involvements and its share of the totals along.
    Participant.objects.filter(appointment_id=appointment.id).delete()
    Appointment.objects.filter(pk=appointment.id).delete()
