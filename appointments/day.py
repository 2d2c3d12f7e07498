"""A day of an organisation: what begins on it, by agent, on the clock of one zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from appointments.models import Appointment, Involvement, Participant, ParticipantType

if TYPE_CHECKING:
    from agents.models import Application, User
    from config.kernel.actors import Actor

# More than a page can show to anybody's use; the page says so and offers the filter.
SHOWN_AT_MOST = 500


@dataclass(frozen=True, kw_only=True)
class Span:
    """A calendar day on the clock of a zone: 23, 24 or 25 hours."""

    day: date
    zone: ZoneInfo
    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date, zone: ZoneInfo) -> Self:
        """Give the instants between two midnights; where midnight is skipped, the skip."""
        start, end = (
            datetime.combine(one, time.min, tzinfo=zone).astimezone(UTC)
            for one in (day, day + timedelta(days=1))
        )
        return cls(day=day, zone=zone, start=start, end=end)

    @property
    def clock_change(self) -> timedelta:
        """Give by how much this day is longer than others."""
        return self.end - self.start - timedelta(days=1)

    @property
    def hours(self) -> float:
        return (self.end - self.start).total_seconds() / 3600


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One appointment in a list."""

    appointment: Appointment
    customers: tuple[Participant, ...]
    agents: tuple[Participant, ...]
    zone: ZoneInfo

    @property
    def days_later(self) -> int:
        """Give how many midnights lie between start and end."""
        start, end = self.appointment.start, self.appointment.end
        if start is None or end is None:
            return 0
        return (end.astimezone(self.zone).date() - start.astimezone(self.zone).date()).days

    @property
    def offset(self) -> str:
        """Give the offset at its start: Django's own filter leaves it out in the doubled hour."""
        start = self.appointment.start
        return start.astimezone(self.zone).isoformat(timespec="minutes")[16:] if start else ""

    @property
    def day(self) -> date | None:
        """Give the day on which it begins."""
        start = self.appointment.start
        return start.astimezone(self.zone).date() if start else None

    @property
    def name(self) -> str:
        """Give whom it is with, or what it is called where nobody is known."""
        names = ", ".join(name_of_customer(one) for one in self.customers)
        return names or self.appointment.title or "Appointment"

    @property
    def subtitle(self) -> str:
        """Give the title, where the name is not the title already."""
        return self.appointment.title if self.customers else ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one agent has that day; without an agent, what nobody has yet."""

    agent: User | None
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Day:
    """The sections of a day, what nobody has yet first."""

    span: Span
    sections: list[Section]
    total: int
    is_cut: bool

    @property
    def agent_count(self) -> int:
        return sum(section.agent is not None for section in self.sections)


def read_day(
    actor: Actor, span: Span, *, application: Application | None, is_own_only: bool
) -> Day:
    """Give what begins between the midnights; for an agent only what is the agent's own."""
    rows = Appointment.objects.visible_to(actor).filter(start__gte=span.start, start__lt=span.end)
    if is_own_only:
        own = Involvement.objects.visible_to(actor).filter(
            agent_id=actor.id, start__gte=span.start, start__lt=span.end
        )
        rows = rows.filter(pk__in=own.values("appointment"))
    if application is not None:
        rows = rows.filter(application=application)
    participants = Participant.objects.visible_to(actor).select_related("user").order_by("id")
    found = list(
        rows.select_related("application")
        .prefetch_related(Prefetch("participants", queryset=participants))
        .order_by("start", "id")[: SHOWN_AT_MOST + 1]
    )
    slots = [slot_of(one, one.participants.all(), zone=span.zone) for one in found[:SHOWN_AT_MOST]]
    return Day(
        span=span,
        sections=_sections(slots, only=actor.id if is_own_only else None),
        total=len(slots),
        is_cut=len(found) > SHOWN_AT_MOST,
    )


def slot_of(
    appointment: Appointment, participants: Iterable[Participant], *, zone: ZoneInfo
) -> Slot:
    """Give an appointment with those who take part, on the clock of a zone."""
    everyone = list(participants)
    return Slot(
        appointment=appointment,
        customers=tuple(one for one in everyone if one.type == ParticipantType.CUSTOMER),
        agents=tuple(one for one in everyone if one.type == ParticipantType.AGENT),
        zone=zone,
    )


def _sections(slots: Iterable[Slot], *, only: str | None) -> list[Section]:
    unassigned = Section(agent=None)
    by_agent: dict[object, Section] = {}
    for slot in slots:
        mine = [one for one in slot.agents if only is None or str(one.user_id) == only]
        for participant in mine:
            section = by_agent.setdefault(participant.user_id, Section(agent=participant.user))
            section.slots.append(slot)
        if not mine:
            # Nobody's; or, for an agent, arranged by it and carried out by somebody else.
            unassigned.slots.append(slot)
    named = sorted(by_agent.values(), key=lambda section: str(section.agent).casefold())
    return [unassigned, *named] if unassigned.slots else named


def name_of(participant: Participant) -> str:
    """Give the name of somebody who takes part."""
    return str(participant.user) if participant.user else name_of_customer(participant)


def name_of_customer(participant: Participant) -> str:
    """Give a customer's name, or what is known in its place."""
    if participant.erased_at is not None:
        return "Customer (details erased)"
    name = f"{participant.first_name} {participant.last_name}".strip()
    return name or participant.email or participant.phone or participant.username or "Customer"
