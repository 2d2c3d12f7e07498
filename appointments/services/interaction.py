"""The interaction of an appointment: accepted, failed, routed anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from appointments.errors import ParticipantNotFound, TooManyParticipants
from appointments.models import Participant, ParticipantRole, State
from appointments.services.case import Case, open_case
from appointments.services.lifecycle import begin, complete, fail, tell_started
from appointments.services.occupancy import agent_row
from appointments.services.people import find_user
from appointments.services.routing import Routing, complete_routing
from config.kernel import limits
from config.kernel.actors import Actor, ActorKind
from config.kernel.database import retrying
from config.kernel.time import format_instant


@retrying
@transaction.atomic
def accept_interaction(
    appointment_id: UUID, *, participant_id: str, actor: Actor, now: datetime
) -> Case:
    """Record that an agent has accepted; a caller who is no participant yet becomes one.

    Raises AppointmentNotFound, ParticipantNotFound, InteractionIsComplete, TooManyParticipants.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    appointment = case.appointment
    is_participant = any(agent.wire_id == participant_id for agent in case.agents)
    if not is_participant and participant_id != actor.id:
        raise ParticipantNotFound
    appointment.check_interaction_open()
    # First, so that the booking webhook hears of one change and not of two.
    beginning = begin(case)
    if not is_participant:
        _join(case)
    is_new = appointment.interaction_properties.get("acceptedBy") != participant_id
    if is_new:
        appointment.interaction_properties = {
            **appointment.interaction_properties,
            "acceptedBy": participant_id,
            "acceptedAt": format_instant(now),
        }
        case.record("interaction.updated")
    if beginning is not None:
        tell_started(case, beginning)
    if beginning is not None or is_new or not is_participant:
        case.save()
    return case


def _join(case: Case) -> None:
    if len(case.agents) >= limits.AGENTS_PER_APPOINTMENT:
        raise TooManyParticipants
    agent = agent_row(
        case,
        find_user(case.actor.id, case.actor),
        role=ParticipantRole.SECONDARY if case.primary_agents else ParticipantRole.PRIMARY,
    )
    agent.is_exclusive = False
    agent.save(force_insert=True)
    case.participants.append(agent)
    case.record(
        "participant.added",
        participant=agent.wire_id,
        participantType=agent.type,
        passing={"participant": agent},
    )


@retrying
@transaction.atomic
def report_failure(
    appointment_id: UUID,
    *,
    system_message: str | None,
    user_message: str | None,
    actor: Actor,
    now: datetime,
) -> Case:
    """Record that the interaction failed, with what the caller knows of it.

    Raises AppointmentNotFound, NotYourAppointment, NotYourConference, InteractionIsComplete,
    AppointmentIsCancelled.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    appointment = case.appointment
    case.check_may_read()
    appointment.check_interaction_open()
    messages = {
        name: text
        for name, text in (("systemMessage", system_message), ("userMessage", user_message))
        if text is not None
    }
    reporter = _reporter(case)
    if reporter is not None:
        reporter.error_data = messages
        reporter.save(update_fields=["error_data"])
    else:
        appointment.forget_failure()
        appointment.interaction_properties |= messages
    fail(case)
    case.save()
    return case


@retrying
@transaction.atomic
def end_interaction(appointment_id: UUID, *, actor: Actor, now: datetime) -> Case:
    """Complete an appointment, whether or not anybody has come; one that is stays as it is.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined,
    AppointmentIsCancelled, AppointmentHasNoTime.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    case.appointment.check_may_change(actor, case.participants)
    if case.appointment.state != State.COMPLETED:
        complete(case)
        case.save()
    return case


def _reporter(case: Case) -> Participant | None:
    """Give the participant for whom the caller reports: its own one."""
    own = case.customers if case.actor.kind == ActorKind.CUSTOMER else case.agents
    return next((one for one in own if one.wire_id == case.actor.id), None)


@retrying
@transaction.atomic
def update_interaction(
    appointment_id: UUID,
    *,
    routing: Routing,
    custom_fields: Mapping[str, str] | None,
    actor: Actor,
    now: datetime,
) -> Case:
    """Replace the routing, and the custom fields where they are given.

    Raises AppointmentNotFound, NotYourAppointment, AppointmentAlreadyJoined,
    InteractionIsComplete, RoutingIncomplete.
    """
    case = open_case(appointment_id, actor=actor, now=now)
    appointment = case.appointment
    appointment.check_may_change(actor, case.participants)
    appointment.check_interaction_open()
    completed = complete_routing(case.application, routing)
    appointment.routing_type = completed.type or ""
    appointment.routing_properties = dict(completed.properties)
    if custom_fields is not None:
        appointment.custom_fields = dict(custom_fields)
    case.record("interaction.updated")
    case.save()
    return case
