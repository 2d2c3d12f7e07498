"""Booking: an appointment comes into being, and everybody is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from agents.errors import CodeRefused
from agents.models import Application, User
from agents.services import codes
from agents.services.codes import ProvenCode
from appointments.errors import (
    AgentNotFound,
    ApplicationNotYours,
    CustomersMayNotBook,
    NotYourAddress,
    TargetNotAnAgent,
)
from appointments.models import (
    Appointment,
    OrganizerType,
    Participant,
    ParticipantRole,
    ParticipantType,
    State,
    TargetType,
)
from appointments.models.appointment_time import check_end
from appointments.services.arranging import (
    Arrangement,
    answer_questionnaire,
    arrange,
    needs_acceptance,
)
from appointments.services.case import Case
from appointments.services.occupancy import (
    agent_row,
    occupy,
    refusing_overlaps,
    take_free_agent,
    take_time,
)
from appointments.services.people import find_user
from appointments.services.routing import ROUTING, Routing, RoutingRules, complete_routing
from appointments.services.tickets import issue_ticket, keep_a_way_in
from config.kernel import prepared
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.database import retrying
from config.kernel.ids import parse_uuid
from config.kernel.prepared import Kept
from config.kernel.time import Duration


@dataclass(frozen=True, kw_only=True)
class CustomerData:
    """A customer's details, as they were given."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    username: str = ""
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """The agent or queue that an appointment is meant for."""

    type: TargetType
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is to be arranged, but for its time."""

    application_id: str
    zone: ZoneInfo
    locale: str
    title: str = ""
    notes: str = ""
    metadata: Mapping[str, Any] | None = None
    customers: tuple[CustomerData, ...] = ()
    routing: Routing | None = None
    routing_rules: RoutingRules = ROUTING
    custom_fields: Mapping[str, str] | None = None
    notification_headers: Mapping[str, str] | None = None
    target: Target | None = None
    about: Arrangement = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Booking(Draft):
    """What is to be booked."""

    start: datetime
    duration: Duration

    @property
    def end(self) -> datetime:
        return self.duration.after(self.start, self.zone)


@dataclass(frozen=True)
class Booker:
    """A customer who has proven an address, and the application that it was proven for."""

    application: Application
    code: ProvenCode


@retrying
@transaction.atomic
def schedule_appointment(booking: Booking, *, actor: Actor, now: datetime) -> Case:
    """Book an appointment for the caller's organisation; activate it where that is automatic.

    Raises EndsInThePast, EndsTooLate, ApplicationNotYours, TargetNotAnAgent, RoutingIncomplete,
    AgentOccupied, NoAgentFree.
    """
    check_end(booking.end, now=now)
    case = begin_case(booking, actor=actor, now=now)
    _place(case, booking)
    return write_case(case, "appointment.scheduled", about=booking.about)


def begin_case(draft: Draft, *, actor: Actor, now: datetime) -> Case:
    """Give a new appointment of the caller's organisation, with everybody and without a time.

    Raises ApplicationNotYours, TargetNotAnAgent, RoutingIncomplete, NoAgentFree, and what
    `arrange` raises.
    """
    application = _application(draft.application_id, actor)
    case = _new_case(draft, application, actor=actor, now=now)
    case.appointment.organizer_type = OrganizerType.AGENT
    case.appointment.organizer_id = actor.id
    arrange(case, draft.about)
    _add_customers(case, draft)
    _add_agent(case, draft)
    return case


def prove_booker(
    application_id: str, *, address: str, code: str, sender: str, now: datetime
) -> Booker:
    """Give the customer who proves an address; an empty code has one sent there.

    The organisation follows from the application. It stands outside the booking's transaction:
    a refused booking must not forget the guesses. Raises CodeRefused, TooManyAttempts,
    ApplicationNotYours, CustomersMayNotBook.
    """
    key = parse_uuid(application_id)
    application = (
        Application.objects.filter(pk=key, organization__is_active=True)
        .select_related("organization")
        .first()
        if key
        else None
    )
    if not code:
        codes.ask_for_code(application, address, sender=sender, now=now)
        raise CodeRefused
    if application is None:
        raise ApplicationNotYours
    if not application.customers_may_book:
        raise CustomersMayNotBook
    return Booker(application, codes.check_code(application, address, code, now=now))


@retrying
@transaction.atomic
def schedule_as_customer(booking: Booking, *, booker: Booker, origin: str, now: datetime) -> Case:
    """Book as the customer who has proven an address; it becomes the organizer.

    Raises CodeRefused, EndsInThePast, EndsTooLate, NotYourAddress, TargetNotAnAgent,
    RoutingIncomplete, AgentOccupied.
    """
    application = booker.application
    codes.use_code(booker.code, now=now)
    check_end(booking.end, now=now)
    case = _new_case(booking, application, actor=_customer("", application, origin), now=now)
    arrange(case, booking.about)
    _add_customers(case, booking)
    customer = _proven(case.customers, booker)
    case.actor = _customer(str(customer.id), application, origin)
    appointment = case.appointment
    appointment.organizer_type = OrganizerType.CUSTOMER
    appointment.organizer_id = str(customer.id)
    _add_agent(case, booking)
    if needs_acceptance(appointment):
        appointment.ask(
            start=booking.start, end=booking.end, duration=booking.duration.value, now=now
        )
        return write_case(case, "appointment.requested", about=booking.about)
    _place(case, booking)
    return write_case(case, "appointment.scheduled", about=booking.about)


def _customer(participant_id: str, application: Application, origin: str) -> Actor:
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=participant_id,
        organization_id=application.organization_id,
        # A code is no token: whoever books with one has no ROLE_CUSTOMER (contract, conventions).
        roles=frozenset(),
        origin=origin,
        correlation_id=current_correlation_id(),
    )


def _application(application_id: str, actor: Actor) -> Application:
    key = parse_uuid(application_id)
    found = _APPLICATION.first(key, actor.organization_id) if key else None
    if found is None:
        raise ApplicationNotYours
    return found


_APPLICATION = Kept(
    lambda key, organization: Application.objects.filter(
        pk=key, organization_id=organization
    ).select_related("organization"),
    UUID(int=1),
    UUID(int=2),
)


def _new_case(booking: Draft, application: Application, *, actor: Actor, now: datetime) -> Case:
    routing = complete_routing(application, booking.routing, rules=booking.routing_rules)
    appointment = Appointment(
        organization_id=application.organization_id,
        application=application,
        title=booking.title,
        notes=booking.notes,
        metadata=booking.metadata,
        timezone=booking.zone.key,
        locale=booking.locale,
        target_type=booking.target.type if booking.target else "",
        target_id=booking.target.id if booking.target else "",
        routing_type=routing.type or "",
        routing_properties=dict(routing.properties),
        custom_fields=booking.custom_fields,
        notification_headers=booking.notification_headers,
        notifications_active=application.notifications_active,
        leading_buffer=application.buffer_before,
        trailing_buffer=application.buffer_after,
        master_key=os.urandom(32),
        created_at=now,
        created_by_kind=actor.kind,
        created_by_id=actor.id,
        created_from=actor.origin,
    )
    return Case(appointment=appointment, participants=[], actor=actor, now=now)


def _place(case: Case, booking: Booking) -> None:
    """Give a new appointment its time, and the ways in where that is automatic."""
    appointment = case.appointment
    appointment.place(
        start=booking.start, end=booking.end, duration=booking.duration.value, now=case.now
    )
    if not case.application.activates_automatically:
        return
    appointment.state = State.ACTIVATED
    appointment.activated_at = case.now
    for customer in case.customers:
        issue_ticket(customer, length=case.application.ticket_length)
    keep_a_way_in(case)


def customer_row(case: Case, data: CustomerData) -> Participant:
    """Give a new customer's participation, with a ticket where the appointment is active."""
    case.appointment.keep_details(now=case.now)
    is_first = not any(one.type == ParticipantType.CUSTOMER for one in case.participants)
    customer = Participant(
        organization_id=case.appointment.organization_id,
        appointment_id=case.appointment.id,
        type=ParticipantType.CUSTOMER,
        role=ParticipantRole.PRIMARY if is_first else ParticipantRole.SECONDARY,
        first_name=data.first_name,
        last_name=data.last_name,
        email=data.email,
        phone=data.phone,
        username=data.username,
        metadata=data.metadata,
    )
    if case.appointment.is_active:
        issue_ticket(customer, length=case.application.ticket_length)
    return customer


def _add_customers(case: Case, booking: Draft) -> None:
    for data in booking.customers:
        case.participants.append(customer_row(case, data))


def _proven(customers: list[Participant], booker: Booker) -> Participant:
    country = booker.application.default_country
    for customer in customers:
        contacts = (customer.email, customer.phone)
        if booker.code.address in (codes.normalized(one, country=country) for one in contacts):
            return customer
    raise NotYourAddress


def _add_agent(case: Case, booking: Draft) -> None:
    agent = _agent_for(booking, case)
    if agent is None:
        return
    case.participants.append(agent_row(case, agent, role=ParticipantRole.PRIMARY))
    if case.appointment.target_type == TargetType.AGENT:
        # In one form, however it was written: it is compared as a text.
        case.appointment.target_id = str(agent.id)


def _agent_for(booking: Draft, case: Case) -> User | None:
    """Give the agent who takes part: the target, any free one, or the calling agent."""
    actor = case.actor
    match booking.target:
        case Target(type=TargetType.AGENT, id=user_id):
            return _target_agent(user_id, actor)
        case Target(type=TargetType.ANY) if isinstance(booking, Booking):
            return take_free_agent(case, start=booking.start, end=booking.end)
        case Target(type=TargetType.QUEUE | TargetType.ANY):
            return None
    if actor.kind == ActorKind.USER and actor.has(Role.AGENT):
        return find_user(actor.id, actor)
    return None


def _target_agent(user_id: str, actor: Actor) -> User:
    refusal = TargetNotAnAgent(errors={"targetAssignment.id": [TargetNotAnAgent.message]})
    try:
        user = find_user(user_id, actor)
    except AgentNotFound:
        raise refusal from None
    if not user.is_agent:
        raise refusal
    return user


def write_case(case: Case, event: str, *, about: Arrangement | None = None) -> Case:
    """Write a new appointment with everybody who takes part, and tell of it.

    Raises AgentOccupied, and what `record_answers` raises.
    """
    occupy(case)
    take_time(case, case.primary_user_ids)
    appointment = case.appointment
    answer_questionnaire(case, about or {})
    with refusing_overlaps(case):
        case.record(event)
        appointment.updated_at = case.now
        appointment.created_by_kind = appointment.updated_by_kind = case.actor.kind
        appointment.created_by_id = appointment.updated_by_id = case.actor.id
        appointment.created_from = appointment.updated_from = case.actor.origin
        appointment.last_message = case.message
        # In this order the trigger on appointments finds everybody at once (Involvement); the
        # foreign key is looked at when the transaction ends.
        prepared.insert(case.participants)
        prepared.insert([appointment])
    return case
