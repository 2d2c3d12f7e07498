"""A day of an absent agent, with colleagues who could take it over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from agents.models import Application, User
from appointments.models import Appointment, Participant, ParticipantRole, ParticipantType, Rescue
from appointments.services import rescue
from appointments.services.rescue import Move, Plan
from config.kernel.actors import Actor, Role
from notifications.models import Channel
from tests import make

# A Thursday, seen from the day before.
DAY = datetime(2031, 3, 6, tzinfo=UTC)
NIGHT = DAY + timedelta(days=1)
NOW = DAY - timedelta(hours=12)


def at(clock: str) -> datetime:
    """Give a moment of that day (UTC)."""
    hours, minutes = clock.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


@dataclass(kw_only=True)
class Sickness:
    """Grace is away; Alan and Barbara could take her appointments, Sofia arranges it."""

    application: Application
    grace: User
    alan: User
    barbara: User
    sofia: User

    @property
    def actor(self) -> Actor:
        return make.actor_for(self.sofia)

    def book(self, clock: str, *, agent: User | None = None, **facts: Any) -> Appointment:
        """Book an appointment of Grace, or of a colleague."""
        facts = {"booked_at": NOW - timedelta(days=1), "zone": "UTC", **facts}
        return make.make_appointment(
            self.application, agent=agent or self.grace, start=at(clock), **facts
        )

    def preview(self, **options: Any) -> Plan:
        defaults: dict[str, Any] = {"start": DAY, "end": NIGHT, "actor": self.actor, "now": NOW}
        return rescue.preview_rescue(str(self.grace.pk), **{**defaults, **options})

    def move(self, *moves: Move, **options: Any) -> Rescue:
        defaults: dict[str, Any] = {"start": DAY, "end": NIGHT, "actor": self.actor, "now": NOW}
        return rescue.carry_out_rescue(str(self.grace.pk), moves=moves, **{**defaults, **options})

    def undo(self, one: Rescue, **options: Any) -> Rescue:
        return rescue.undo_rescue(one.pk, **{"actor": self.actor, "now": NOW, **options})


def make_sickness(*channels: Channel, **options: Any) -> Sickness:
    """Make the house, whose application tells over these channels."""
    application = make.make_application(**{"prevent_overlaps": True, **options})
    for channel in channels:
        make.make_channel(application, channel)
    if Channel.WEBHOOKS in channels:
        make.make_subscription(application)
    house = application.organization
    return Sickness(
        application=application,
        grace=make.make_user(house, first_name="Grace", last_name="Hopper"),
        alan=make.make_user(house, first_name="Alan", last_name="Turing"),
        barbara=make.make_user(house, first_name="Barbara", last_name="Liskov"),
        sofia=make.make_user(house, [Role.SUPERVISOR], first_name="Sofia", last_name="Berg"),
    )


def to(appointment: Appointment, user: User) -> Move:
    """Give the move of an appointment, as it is now, to a colleague."""
    start, end = appointment.start, appointment.end
    if start is None or end is None:
        raise ValueError("It has no time.")
    return Move(appointment_id=appointment.pk, start=start, end=end, user_id=user.pk)


def as_planned(plan: Plan) -> list[Move]:
    """Give the moves that a preview shows."""
    return [to(move.appointment, move.to) for move in plan.moves if move.to]


def agents_of(appointments: Iterable[Appointment]) -> list[list[str]]:
    """Give the first names of each appointment's primary agents."""
    return [
        [str(one.user.first_name) for one in primary_agents(each.pk) if one.user]
        for each in appointments
    ]


def primary_agents(appointment_id: UUID) -> list[Participant]:
    """Give the participations that take up an agent's time."""
    rows = Participant.objects.of(appointment_id).select_related("user")
    return list(rows.filter(type=ParticipantType.AGENT, role=ParticipantRole.PRIMARY))
