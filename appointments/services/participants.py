"""Who takes part: adding, removing, and the states in the conference."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.errors import (
    AgentNotFound,
    AlreadyParticipant,
    NotForCustomers,
    ParticipantNotFound,
    TooManyParticipants,
)
from appointments.models import Participant, ParticipantRole, ParticipantState
from appointments.models.participant import details_are_available
from appointments.services.booking import CustomerData, customer_row
from appointments.services.case import Case, fetch_case, open_case
from appointments.services.lifecycle import settle_after_leaving, start_appointment
from appointments.services.occupancy import agent_row, period_of
from appointments.services.people import find_user
from appointments.services.tickets import keep_a_way_in
from config.kernel import limits
from config.kernel.actors import Actor, ActorKind
from config.kernel.database import retrying


@retrying
@transaction.atomic
def add_agent(
    appointment_id: UUID, *, user_id: str, actor: Actor, now: datetime
) -> tuple[Case, Participant]:
    """Add an agent to an appointment.

    Raises AppointmentNotFound, AgentNotFound, NotYourAppointment, AppointmentAlreadyJoined,
    AlreadyParticipant, TooManyParticipants.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    user = find_user(user_id, actor)
    if not user.is_agent:
        raise AgentNotFound
    case.appointment.check_may_change(actor, case.participants)
    if any(agent.user_id == user.id for agent in case.agents):
        raise AlreadyParticipant
    if len(case.agents) >= limits.AGENTS_PER_APPOINTMENT:
        raise TooManyParticipants
    agent = agent_row(
        case,
        user,
        role=ParticipantRole.SECONDARY if case.primary_agents else ParticipantRole.PRIMARY,
    )
    # Taking part is asked for by name; only booking, moving and handing over refuse an overlap.
    agent.is_exclusive = False
    return case, _add(case, agent)


@retrying
@transaction.atomic
def add_customer(
    appointment_id: UUID, *, data: CustomerData, actor: Actor, now: datetime
) -> tuple[Case, Participant]:
    """Add a customer to an appointment, with a ticket where it is active.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined,
    TooManyParticipants.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.appointment.check_may_change(actor, case.participants)
    if len(case.customers) >= limits.CUSTOMERS_PER_APPOINTMENT:
        raise TooManyParticipants
    return case, _add(case, customer_row(case, data))


def _add(case: Case, participant: Participant) -> Participant:
    participant.save(force_insert=True)
    case.participants.append(participant)
    case.record(
        "participant.added",
        participant=participant.wire_id,
        participantType=participant.type,
        passing={"participant": participant},
    )
    case.save()
    return participant


@retrying
@transaction.atomic
def remove_participant(
    appointment_id: UUID, *, participant_id: str, actor: Actor, now: datetime
) -> Case:
    """Take somebody out of an appointment; a customer's link ends at once.

    Raises AppointmentNotFound, ParticipantNotFound, NotYourAppointment,
    AppointmentAlreadyJoined.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    participant = case.find(participant_id)
    case.appointment.check_may_change(actor, case.participants)
    case.participants.remove(participant)
    if participant.is_customer:
        # To its calendar the removal is a cancellation, a new version (RFC 5546, 3.2.5).
        case.appointment.sequence += 1
    promote(case)
    keep_a_way_in(case)
    case.record(
        "participant.removed",
        participant=participant.wire_id,
        participantType=participant.type,
        passing={"participant": participant},
    )
    case.save()
    participant.delete()
    return case


def promote(case: Case) -> None:
    """Let who is left take the place of a primary one who has gone; an agent's time is taken."""
    if case.customers and not any(one.role == ParticipantRole.PRIMARY for one in case.customers):
        case.customers[0].role = ParticipantRole.PRIMARY
        case.customers[0].save(update_fields=["role"])
    if case.agents and not case.primary_agents:
        heir = case.agents[0]
        heir.role = ParticipantRole.PRIMARY
        # Nobody asked for the heir's time by name: the appointment refuses nobody.
        heir.occupies, heir.is_exclusive = period_of(case.appointment), False
        heir.save(update_fields=["role", "occupies", "is_exclusive"])


@retrying
@transaction.atomic
def set_participant_state(
    appointment_id: UUID,
    *,
    participant_id: str,
    state: ParticipantState,
    actor: Actor,
    now: datetime,
) -> Case:
    """Note that somebody waits, has joined or has left, and what follows for the appointment.

    Raises AppointmentNotFound, ParticipantNotFound, NotYourAppointment, NotYourConference,
    NotForCustomers.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    participant = reachable_participant(case, participant_id)
    had_joined = participant.state == ParticipantState.JOINED
    is_new = participant.set_state(state, now=now)
    if is_new:
        participant.save(update_fields=["state", "first_joined_at"])
        case.record("participant.updated", participant=participant.wire_id, state=state)
    is_begun = False
    if state == ParticipantState.JOINED:
        # Whoever is joined still takes up again what has failed or was moved meanwhile.
        is_begun = start_appointment(case)
    elif had_joined:
        # Who comes to or leaves the waiting room ends nothing that an agent has accepted.
        settle_after_leaving(case)
    if is_new or is_begun:
        case.save()
    return case


def reachable_participant(case: Case, participant_id: str) -> Participant:
    """Give a participant whom the actor may reach by id.

    A customer reaches customers of its conference, until the appointment expires. Raises
    ParticipantNotFound, NotYourAppointment, NotYourConference, NotForCustomers.
    """
    participant = case.find(participant_id)
    case.appointment.check_may_read(case.actor, case.participants)
    if case.actor.kind == ActorKind.CUSTOMER:
        if not participant.is_customer:
            raise NotForCustomers
        if case.appointment.has_expired(case.now):
            raise ParticipantNotFound
    return participant


def read_participant(
    appointment_id: UUID, *, participant_id: str, actor: Actor, now: datetime
) -> tuple[Case, Participant]:
    """Fetch a participant whose details can still be read.

    Raises AppointmentNotFound, ParticipantNotFound, NotYourAppointment, NotYourConference,
    NotForCustomers.
    """
    case = fetch_case(appointment_id, actor=actor, now=now)
    participant = reachable_participant(case, participant_id)
    if not details_are_available(
        participant, expire_at=case.appointment.details_expire_at, now=now
    ):
        raise ParticipantNotFound
    return case, participant
