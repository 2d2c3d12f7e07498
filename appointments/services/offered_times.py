"""What a customer does with the times that are offered: moves to one, chooses or asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from agents.models import User
from appointments.availability import Wanted
from appointments.errors import TimeNotOffered
from appointments.models import (
    Appointment,
    BookingStatus,
    Participant,
    ParticipantRole,
)
from appointments.services.arranging import needs_acceptance
from appointments.services.booking_online import is_offered
from appointments.services.case import Case, open_case
from appointments.services.changes import move
from appointments.services.occupancy import lock_agents
from appointments.services.requests import (
    check_not_begun,
    choose_time,
    request_other_time,
    usual_duration,
)
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import retrying

_CHOOSING = (BookingStatus.OUTGOING_INVITE, BookingStatus.ALTERNATIVE_DATE_REQUESTED)


def times_offered(
    appointment: Appointment, participants: Sequence[Participant], *, zone: ZoneInfo, now: datetime
) -> Wanted | None:
    """Give what a customer's free times are looked for, from now on, or None where there are none.

    Whoever cannot be booked online has none to be chosen: its time is asked for.
    """
    agents = [one.user for one in participants if _is_in_charge(one)]
    length = usual_duration(appointment).value
    if len(agents) > 1 or length > limits.SLOT_LENGTH_MAX:
        return None
    if not all(one is not None and one.is_agent and one.plans_online for one in agents):
        return None
    if not agents and not _anybody_plans_online(appointment):
        return None
    return Wanted(
        application=appointment.application,
        first=now,
        last=now + timedelta(days=1),
        duration=length,
        zone=zone,
        office=appointment.office,
        agent_ids=[one.pk for one in agents if one] or None,
        for_customer=True,
        ignoring=appointment.pk,
        leading_buffer=appointment.leading_buffer,
        trailing_buffer=appointment.trailing_buffer,
    )


def _is_in_charge(one: Participant) -> bool:
    return not one.is_customer and one.role == ParticipantRole.PRIMARY


def _anybody_plans_online(appointment: Appointment) -> bool:
    users = User.objects.filter(organization_id=appointment.organization_id, plans_online=True)
    return bool(users.agents().exists())


def may_move_at_once(appointment: Appointment) -> bool:
    """Tell whether a customer's other time holds without anybody's accepting it."""
    return appointment.start is not None and not needs_acceptance(appointment)


@retrying
@transaction.atomic
def take_offered_time(
    appointment_id: UUID,
    *,
    start: datetime,
    zone: ZoneInfo,
    actor: Actor,
    now: datetime,
    message: str = "",
) -> Case:
    """Let a customer have another of the times that are offered, on the clock of its zone.

    It is moved there, or gets its first time; what somebody has to accept is asked for. Raises
    AppointmentNotFound, NotYourAppointment, AppointmentIsCancelled, AppointmentIsClosed,
    TimeNotOffered, AgentOccupied, NoAgentFree, EndsInThePast.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.message = message
    case.check_may_ask()
    check_not_begun(case)
    _check_offered(case, start, zone)
    one = case.appointment
    if one.booking_status in _CHOOSING:
        command = choose_time
    elif may_move_at_once(one):
        move(case, start=start, duration=usual_duration(one), zone=zone)
        return case
    else:
        command = request_other_time
    return command(
        appointment_id,
        start=start,
        duration=None,
        zone=zone,
        actor=actor,
        now=now,
        message=message,
    )


def _check_offered(case: Case, start: datetime, zone: ZoneInfo) -> None:
    wanted = times_offered(case.appointment, case.participants, zone=zone, now=case.now)
    if wanted is None:
        raise TimeNotOffered
    # Whoever books this agent at the same moment waits, or was first: then it is seen here.
    lock_agents(case.primary_user_ids)
    if not is_offered(wanted, start, now=case.now):
        raise TimeNotOffered
