"""Two commands: cancelling keeps the row, deleting erases the persons and leaves a tombstone."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.models import Appointment, Participant, State, Tombstone
from appointments.services.case import open_case
from config.kernel.actors import Actor
from config.kernel.database import retrying


@retrying
@transaction.atomic
def cancel_appointment(appointment_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Call an appointment off and let everybody know; it leaves the lists and can be reopened.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.appointment.check_may_delete(actor, case.participants)
    if case.appointment.state == State.CANCELLED:
        return
    case.appointment.cancel()
    case.record("appointment.cancelled")
    case.save()
    Participant.objects.filter(appointment_id=appointment_id).update(occupies=None)


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
