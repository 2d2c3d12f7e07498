"""Times that are still to be agreed on: asked for by a customer, or offered to one.

An appointment without a fixed time takes up nobody's time and stands in no list of the
documented APIs; once somebody accepts it, it is an appointment like all others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from appointments.errors import (
    AppointmentIsClosed,
    CannotAskAgain,
    NothingAskedFor,
    TimeNotOpen,
)
from appointments.models import (
    Appointment,
    BookingStatus,
    Participant,
    ParticipantRole,
    RequestStatus,
    State,
    TargetType,
)
from appointments.models.appointment_time import check_end, nominal_duration
from appointments.services.arranging import needs_acceptance
from appointments.services.booking import Booking, Draft, begin_case, write_case
from appointments.services.case import Case, open_case
from appointments.services.occupancy import (
    agent_row,
    occupy,
    refusing_overlaps,
    take_free_agent,
    take_time,
    write_occupancy,
)
from appointments.services.people import find_user
from appointments.services.tickets import open_where_automatic
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.database import retrying
from config.kernel.time import Duration

# Of an appointment whose subject says nothing.
USUAL_DURATION = Duration.of(timedelta(minutes=30), exact=True)


# --- New ones ---------------------------------------------------------------------------------


@retrying
@transaction.atomic
def request_appointment(
    booking: Booking, *, actor: Actor, now: datetime, message: str = ""
) -> Case:
    """Note that a customer asks for a time; an employee is to accept it.

    Raises EndsInThePast, EndsTooLate, ApplicationNotYours, TargetNotAnAgent, RoutingIncomplete,
    NoAgentFree, and what `arrange` raises.
    """
    check_end(booking.end, now=now)
    case = begin_case(booking, actor=actor, now=now)
    case.message = message
    case.appointment.ask(
        start=booking.start, end=booking.end, duration=booking.duration.value, now=now
    )
    return write_case(case, "appointment.requested", about=booking.about)


@retrying
@transaction.atomic
def invite_customers(draft: Draft, *, actor: Actor, now: datetime, message: str = "") -> Case:
    """Offer customers an appointment; they choose its time.

    Raises ApplicationNotYours, TargetNotAnAgent, RoutingIncomplete, and what `arrange` raises.
    """
    case = begin_case(draft, actor=actor, now=now)
    case.message = message
    case.appointment.invite(RequestStatus.OUTGOING_INVITE, now=now)
    return write_case(case, "appointment.invited", about=draft.about)


# --- What becomes of them ---------------------------------------------------------------------


@retrying
@transaction.atomic
def accept_request(appointment_id: UUID, *, actor: Actor, now: datetime, message: str = "") -> Case:
    """Fix the time that a customer asked for; an agent who accepts what is nobody's takes it.

    Raises AppointmentNotFound, NotYourAppointment, NothingAskedFor, AppointmentIsCancelled,
    EndsInThePast, AgentOccupied.
    """
    case = _open(appointment_id, actor=actor, now=now, message=message)
    one = case.appointment
    one.check_may_change(actor, case.participants)
    if one.booking_status is not BookingStatus.INCOMING_REQUEST:
        raise NothingAskedFor
    if one.asked_start is None or one.asked_end is None or one.asked_duration is None:
        raise NothingAskedFor
    new = _taker(case)
    return _fix(
        case, start=one.asked_start, end=one.asked_end, duration=one.asked_duration, new=new
    )


@retrying
@transaction.atomic
def choose_time(
    appointment_id: UUID,
    *,
    start: datetime,
    duration: Duration | None,
    zone: ZoneInfo | None,
    actor: Actor,
    now: datetime,
    message: str = "",
) -> Case:
    """Choose the time of an invite, or the other date that was asked for.

    What a customer chooses is only a request where the subject says so. Raises
    AppointmentNotFound, NotYourAppointment, TimeNotOpen, AppointmentIsCancelled, EndsInThePast,
    EndsTooLate, AgentOccupied.
    """
    case = _open(appointment_id, actor=actor, now=now, message=message)
    case.check_may_ask()
    one = case.appointment
    if one.booking_status not in (
        BookingStatus.OUTGOING_INVITE,
        BookingStatus.ALTERNATIVE_DATE_REQUESTED,
    ):
        raise TimeNotOpen
    length = duration or usual_duration(case.appointment)
    end = length.after(start, _set_zone(case, zone))
    check_end(end, now=now)
    if actor.kind == ActorKind.CUSTOMER and needs_acceptance(one):
        return _ask(case, start=start, end=end, duration=length.value)
    return _fix(case, start=start, end=end, duration=length.value)


@retrying
@transaction.atomic
def request_other_time(
    appointment_id: UUID,
    *,
    start: datetime,
    duration: Duration | None,
    zone: ZoneInfo | None,
    actor: Actor,
    now: datetime,
    message: str = "",
) -> Case:
    """Note that a customer asks for another time; the one that it had is given up.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentIsClosed, AppointmentIsCancelled,
    EndsInThePast, EndsTooLate.
    """
    case = _open(appointment_id, actor=actor, now=now, message=message)
    case.check_may_ask()
    check_not_begun(case)
    length = duration or usual_duration(case.appointment)
    end = length.after(start, _set_zone(case, zone))
    return _ask(case, start=start, end=end, duration=length.value)


@retrying
@transaction.atomic
def request_alternative(
    appointment_id: UUID, *, actor: Actor, now: datetime, message: str = ""
) -> Case:
    """Ask the customer to choose another date; the time that there was is given up.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined, CannotAskAgain,
    AppointmentIsClosed, AppointmentIsCancelled.
    """
    case = _open(appointment_id, actor=actor, now=now, message=message)
    one = case.appointment
    one.check_may_change(actor, case.participants)
    check_not_begun(case)
    if one.booking_status not in (BookingStatus.INCOMING_REQUEST, BookingStatus.ACCEPTED):
        raise CannotAskAgain
    one.take_up_again()
    one.invite(RequestStatus.ALTERNATIVE_DATE_REQUESTED, now=now)
    occupy(case)
    case.record("appointment.alternative_requested")
    case.save()
    write_occupancy(case)
    return case


# --- How ---------------------------------------------------------------------------------------


def _open(appointment_id: UUID, *, actor: Actor, now: datetime, message: str) -> Case:
    case = open_case(appointment_id, actor=actor, now=now)
    case.message = message
    return case


def check_not_begun(case: Case) -> None:
    """Raises AppointmentIsClosed, also for what is in progress."""
    case.appointment.check_not_closed()
    if case.appointment.state == State.IN_PROGRESS:
        raise AppointmentIsClosed(state=case.appointment.get_state_display().lower())


def usual_duration(one: Appointment) -> Duration:
    """Give how long an appointment takes: as it did or was asked for, else as its subject says."""
    had = nominal_duration(one.start, one.end, one.duration)
    asked = nominal_duration(one.asked_start, one.asked_end, one.asked_duration)
    if length := had or asked:
        return length
    subject = one.subject_in_force
    return Duration.of(subject.duration, exact=True) if subject else USUAL_DURATION


def _set_zone(case: Case, zone: ZoneInfo | None) -> ZoneInfo:
    if zone is not None:
        case.appointment.timezone = zone.key
    return ZoneInfo(case.appointment.timezone)


def _taker(case: Case) -> Participant | None:
    """Give the participation of the agent who accepts what nobody is in charge of."""
    actor = case.actor
    if case.agents or actor.kind != ActorKind.USER or not actor.has(Role.AGENT):
        return None
    agent = agent_row(case, find_user(actor.id, actor), role=ParticipantRole.PRIMARY)
    case.participants.append(agent)
    return agent


def _free(case: Case) -> Participant | None:
    """Give the participation of a free agent where anybody will do and nobody is there yet.

    Raises NoAgentFree.
    """
    one = case.appointment
    if one.target_type != TargetType.ANY or case.agents or one.start is None or one.end is None:
        return None
    user = take_free_agent(case, start=one.start, end=one.end)
    agent = agent_row(case, user, role=ParticipantRole.PRIMARY)
    case.participants.append(agent)
    return agent


def _ask(case: Case, *, start: datetime, end: datetime, duration: timedelta) -> Case:
    appointment = case.appointment
    if (start, end) == (appointment.asked_start, appointment.asked_end) and (
        appointment.request_status == RequestStatus.INCOMING_REQUEST
    ):
        return case
    appointment.take_up_again()
    appointment.ask(start=start, end=end, duration=duration, now=case.now)
    occupy(case)
    case.record("appointment.time_requested")
    case.save()
    write_occupancy(case)
    return case


def _fix(
    case: Case,
    *,
    start: datetime,
    end: datetime,
    duration: timedelta,
    new: Participant | None = None,
) -> Case:
    appointment = case.appointment
    appointment.place(start=start, end=end, duration=duration, now=case.now)
    appointment.schedule_version += 1
    appointment.sequence += 1
    open_where_automatic(case)
    new = new or _free(case)
    take_time(case, case.primary_user_ids)
    occupy(case)
    with refusing_overlaps(case):
        case.record("appointment.accepted")
        case.save()
        if new is not None:
            new.save(force_insert=True)
        write_occupancy(case)
    return case
