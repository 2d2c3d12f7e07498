"""A case: an appointment as a command has it in hand, locked, with its participants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.models import Application
from appointments.errors import (
    AppointmentIsCancelled,
    AppointmentIsClosed,
    AppointmentNotFound,
    NotYourAppointment,
)
from appointments.models import (
    Appointment,
    Participant,
    ParticipantRole,
    ParticipantType,
    State,
)
from appointments.models.participant import find_participant
from appointments.services.standing import Standing, event_between, standing_of
from config.kernel.actors import Actor, ActorKind
from config.kernel.time import format_instant
from notifications import outbox

SUBJECT = "appointment"


@dataclass(kw_only=True)
class Case:
    """An appointment, its application and its participants, in the order they were added."""

    appointment: Appointment
    participants: list[Participant]
    actor: Actor
    now: datetime
    before: dict[str, Any] | None = field(default=None)
    # What the acting person wrote with the change.
    message: str = field(default="", repr=False)
    # How many answers to questions came with it.
    answers: int = 0
    # How it stood when the booking webhook was told last; None before it came into being.
    stood: Standing | None = field(default=None, repr=False)

    @property
    def application(self) -> Application:
        return self.appointment.application

    @property
    def customers(self) -> list[Participant]:
        return [one for one in self.participants if one.type == ParticipantType.CUSTOMER]

    @property
    def agents(self) -> list[Participant]:
        return [one for one in self.participants if one.type == ParticipantType.AGENT]

    @property
    def primary_agents(self) -> list[Participant]:
        return [agent for agent in self.agents if agent.role == ParticipantRole.PRIMARY]

    @property
    def primary_user_ids(self) -> list[UUID]:
        """Give the users whose time the appointment takes up."""
        return [agent.user_id for agent in self.primary_agents if agent.user_id]

    def check_may_read(self) -> None:
        """Let through whoever may read it by id: customers until it has expired.

        Raises NotYourAppointment, NotYourConference, AppointmentNotFound.
        """
        self.appointment.check_may_read(self.actor, self.participants)
        if self.actor.kind == ActorKind.CUSTOMER and self.appointment.has_expired(self.now):
            raise AppointmentNotFound

    def check_may_ask(self) -> None:
        """Let through a customer who takes part, and whoever may change the appointment.

        Raises NotYourAppointment, AppointmentAlreadyJoined, AppointmentIsCancelled.
        """
        if self.actor.kind != ActorKind.CUSTOMER:
            self.appointment.check_may_change(self.actor, self.participants)
            return
        self.check_takes_part()
        if self.appointment.state == State.CANCELLED:
            raise AppointmentIsCancelled

    def check_takes_part(self) -> None:
        """Let through a customer of this appointment, while it is not over.

        Raises NotYourAppointment, AppointmentIsClosed.
        """
        if not any(str(one.id) == self.actor.id for one in self.customers):
            raise NotYourAppointment
        if self.appointment.end is not None and self.appointment.end <= self.now:
            raise AppointmentIsClosed(state="over")

    def find(self, wire_id: str) -> Participant:
        """Give a participant by the id that callers know.

        Raises ParticipantNotFound.
        """
        return find_participant(self.participants, wire_id)

    def record(
        self, type: str, *, passing: Mapping[str, object] | None = None, **facts: object
    ) -> None:
        """Write down what happened; subscribers plan who is told. `save` comes after."""
        self.appointment.event_count += 1
        before, after = self.stood, self.standing()
        if event := event_between(before, after):
            facts["bookingEvent"] = event
        self.stood = after
        outbox.record(
            type,
            organization_id=self.appointment.organization_id,
            application_id=self.appointment.application_id,
            subject_type=SUBJECT,
            subject_id=self.appointment.id,
            sequence=self.appointment.event_count,
            actor=self.actor,
            now=self.now,
            subject=self,
            before=self.before,
            after=snapshot(self),
            facts=facts,
            passing={"stood": before, **(passing or {})},
        )

    def standing(self) -> Standing:
        """Give how the appointment stands now."""
        return standing_of(self.appointment, self.participants, answers=self.answers)

    def save(self) -> None:
        """Write the locked row, with who changed it and from where."""
        appointment = self.appointment
        appointment.updated_at = self.now
        appointment.updated_by_kind = self.actor.kind
        appointment.updated_by_id = self.actor.id
        appointment.updated_from = self.actor.origin
        if self.message:
            appointment.last_message = self.message
        if self.message or self.answers:
            # They are persons' words: they go in time, even where all others are gone already.
            appointment.keep_details(now=self.now)
        appointment.save()


def open_case(appointment_id: UUID, *, actor: Actor, now: datetime) -> Case:
    """Lock an appointment for a command; what the actor cannot see does not exist.

    Raises AppointmentNotFound.
    """
    appointment = Appointment.objects.visible_to(actor).lock(appointment_id)
    # Whoever waited for the lock changes what is newer: its moment comes after that one's.
    now = max(now, appointment.updated_at)
    case = Case(
        appointment=appointment, participants=participants_of(appointment), actor=actor, now=now
    )
    case.before, case.stood = snapshot(case), case.standing()
    return case


def participants_of(appointment: Appointment) -> list[Participant]:
    """Give the participants in their order, each agent with its user."""
    return list(
        Participant.objects.filter(organization_id=appointment.organization_id)
        .of(appointment.id)
        .select_related("user", "customer")
    )


def snapshot(case: Case) -> dict[str, Any]:
    """Give the facts of an appointment for the history: no names, addresses, links, free text."""
    one = case.appointment
    return {
        "state": one.state,
        "requestStatus": one.request_status,
        "start": format_instant(one.start) if one.start else None,
        "end": format_instant(one.end) if one.end else None,
        "timezone": one.timezone,
        "locale": one.locale,
        "askedStart": format_instant(one.asked_start) if one.asked_start else None,
        "askedEnd": format_instant(one.asked_end) if one.asked_end else None,
        "isKeptOpen": one.is_kept_open,
        "sequence": one.sequence,
        "scheduleVersion": one.schedule_version,
        "organizer": {"type": one.organizer_type, "id": one.organizer_id},
        "target": {"type": one.target_type, "id": one.target_id} if one.target_type else None,
        "interaction": {
            "state": one.interaction_state,
            "routingType": one.routing_type,
            # Not the messages of a failure: they are somebody's words.
            "acceptedBy": one.interaction_properties.get("acceptedBy"),
            "acceptedAt": one.interaction_properties.get("acceptedAt"),
        },
        "notificationsActive": one.notifications_active,
        # An option of the application that nobody could know later.
        "notifyAgents": case.application.notify_agents,
        "participants": [
            {
                "id": participant.wire_id,
                "type": participant.type,
                "role": participant.role,
                "state": participant.state,
            }
            for participant in case.participants
        ],
    }


def fetch_case(appointment_id: UUID, *, actor: Actor, now: datetime) -> Case:
    """Fetch an appointment without a lock; whether the actor may read it is still to be checked.

    Raises AppointmentNotFound.
    """
    appointment = Appointment.objects.visible_to(actor).fetch(appointment_id)
    participants = participants_of(appointment)
    return Case(appointment=appointment, participants=participants, actor=actor, now=now)


def read_case(appointment_id: UUID, *, actor: Actor, now: datetime) -> Case:
    """Fetch an appointment that the actor may read.

    Raises AppointmentNotFound, NotYourAppointment, NotYourConference.
    """
    case = fetch_case(appointment_id, actor=actor, now=now)
    case.check_may_read()
    return case
