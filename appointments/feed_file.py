"""The file behind a feed: what an agent or an office has, as calendars read it.

An agent's feed is the agent's own, behind a secret, and says what the back office would say to
the agent: what, with whom, where. It holds no notes, no e-mail addresses, phone numbers or
tickets, because what calendars read lies with their makers from then on; names of customers are
in it where whoever made the feed wanted them. Why somebody is absent is told only where it says
nothing of health.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from agents.models import Absence
from appointments.models import (
    Appointment,
    CalendarFeed,
    Involvement,
    MeetingType,
    Participant,
    ParticipantType,
    State,
)
from appointments.models.participant import details_are_available
from config.kernel import limits
from notifications.calendar import (
    CalendarEntry,
    Method,
    WholeDays,
    calendar_subscription,
    uid_of,
)

BACK = timedelta(days=90)
AHEAD = timedelta(days=731)
# How soon calendars should look again; those of Google and Microsoft take hours at their pleasure.
REFRESH_AFTER = timedelta(minutes=15)
_NAMES_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class _Row:
    """What is read of an appointment, in the order of `_COLUMNS`."""

    id: UUID
    title: str
    start: datetime
    end: datetime
    zone: str
    state: str
    sequence: int
    created_at: datetime
    updated_at: datetime
    details_expire_at: datetime | None
    meeting_type: str
    office: Mapping[str, str] | None
    location: Mapping[str, Any] | None


_COLUMNS = (
    "id",
    "title",
    "start",
    "end",
    "timezone",
    "state",
    "sequence",
    "created_at",
    "updated_at",
    "details_expire_at",
    "meeting_type",
    "office__name",
    "location",
)


@dataclass(frozen=True, slots=True)
class _Person:
    """What is read of a participant, in the order of its columns."""

    appointment_id: UUID
    type: str
    first_name: str
    last_name: str
    erased_at: datetime | None
    user_first_name: str | None
    user_last_name: str | None


@dataclass(slots=True)
class _People:
    """Who takes part in one appointment."""

    customers: list[_Person] = field(default_factory=list)
    agents: list[_Person] = field(default_factory=list)


def write_feed(feed: CalendarFeed, *, now: datetime) -> bytes:
    """Give the calendar of a feed as it now is, in as many queries whatever is in it."""
    first, midnight, last = window_of(now)
    rows = _appointments(feed, first, midnight, last)
    people = _people(feed, [row.id for row in rows])
    writer = _Writer(feed=feed, now=now, address=_address_of_pages())
    return calendar_subscription(
        f"{feed.agent or feed.office} · {feed.organization.name}",
        entries=[writer.entry(row, people[row.id]) for row in rows],
        days=_absences(feed, first, last),
        refresh_after=REFRESH_AFTER,
    )


def window_of(now: datetime) -> tuple[datetime, datetime, datetime]:
    """Give when the file begins, which day it counts from, and when it ends."""
    # From midnight, so that the file does not become another one with every minute.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - BACK, midnight, midnight + AHEAD


def _appointments(
    feed: CalendarFeed, first: datetime, today: datetime, last: datetime
) -> list[_Row]:
    """Give the appointments that have a time in the window; cancelled ones too.

    Of too many, what is to come goes before what has been, the nearest first.
    """
    rows = Appointment.objects.filter(
        organization_id=feed.organization_id, start__gte=first, start__lt=last
    )
    if feed.agent_id is not None:
        rows = rows.filter(pk__in=_taking_part(feed.agent_id, first, last))
    elif feed.office is not None and feed.office.is_default:
        # What is booked without a word about it belongs to the default office.
        rows = rows.filter(Q(office_id=feed.office_id) | Q(office=None))
    else:
        rows = rows.filter(office=feed.office)
    ahead = rows.filter(start__gte=today).order_by("start", "id")
    found = list(ahead.values_list(*_COLUMNS)[: limits.CALENDAR_EVENTS])
    past = rows.filter(start__lt=today).order_by("-start", "-id").values_list(*_COLUMNS)
    before = list(past[: limits.CALENDAR_EVENTS - len(found)])
    return [_Row(*row) for row in (*reversed(before), *found)]


def _taking_part(agent_id: UUID, first: datetime, last: datetime) -> list[UUID]:
    """Give the appointments in which the agent takes part, by the index of an agent's list.

    Ids in place of joined tables: with a join it took ten times as long while PostgreSQL did not
    know yet how many rows the tables have.
    """
    # In that index cancelled ones have no start.
    own = Involvement.objects.filter(
        Q(start__gte=first, start__lt=last) | Q(start=None), agent_id=agent_id, is_assigned=True
    )
    # An agent for whom it was meant, and who was taken out of it, is assigned still.
    taking_part = Participant.objects.filter(
        user_id=agent_id, appointment_id__in=list(own.values_list("appointment_id", flat=True))
    )
    return list(taking_part.values_list("appointment_id", flat=True))


def _people(feed: CalendarFeed, appointment_ids: list[UUID]) -> Mapping[UUID, _People]:
    """Give who takes part besides the agent whose feed it is, as far as the feed tells."""
    everyone: defaultdict[UUID, _People] = defaultdict(_People)
    found = Participant.objects.filter(appointment_id__in=appointment_ids).order_by("id")
    if not feed.shows_customers:
        found = found.filter(type=ParticipantType.AGENT)
    if feed.agent_id is not None:
        found = found.filter(~Q(user_id=feed.agent_id) | Q(user_id=None))
    for one in found.values_list(
        "appointment_id",
        "type",
        "first_name",
        "last_name",
        "erased_at",
        "user__first_name",
        "user__last_name",
    ):
        person = _Person(*one)
        people = everyone[person.appointment_id]
        is_customer = person.type == ParticipantType.CUSTOMER
        (people.customers if is_customer else people.agents).append(person)
    return everyone


def _address_of_pages() -> str:
    """Give the address of an appointment's page, without the id that ends it."""
    page = reverse("appointment", args=[UUID(int=0)])
    return f"{settings.PUBLIC_URL}{page.removesuffix(f'{UUID(int=0)}/')}"


@dataclass(frozen=True, kw_only=True)
class _Writer:
    """Says of appointments what one feed may tell."""

    feed: CalendarFeed
    now: datetime
    address: str

    def entry(self, row: _Row, people: _People) -> CalendarEntry:
        """Give the entry of one appointment."""
        is_cancelled = row.state == State.CANCELLED
        title, customers = row.title.strip(), self._customers(row, people)
        return CalendarEntry(
            uid=uid_of(row.id),
            sequence=row.sequence,
            method=Method.CANCEL if is_cancelled else Method.PUBLISH,
            start=row.start,
            end=row.end,
            zone=row.zone,
            summary=": ".join(part for part in (title, customers) if part) or "Appointment",
            description=self._description(row, people),
            location=self._place(row),
            url=f"{self.address}{row.id}/",
            is_free=is_cancelled,
            created=row.created_at,
            last_modified=row.updated_at,
        )

    def _customers(self, row: _Row, people: _People) -> str:
        return _listed(
            _name(one.first_name, one.last_name)
            if details_are_available(one, expire_at=row.details_expire_at, now=self.now)
            else ""
            for one in people.customers
        )

    def _description(self, row: _Row, people: _People) -> str:
        lines = [MeetingType(row.meeting_type).label]
        agents = _listed(_name(one.user_first_name, one.user_last_name) for one in people.agents)
        if agents:
            lines.append(f"With {agents}")
        return "\n".join([*lines, f"{self.address}{row.id}/"])

    def _place(self, row: _Row) -> str:
        if row.meeting_type == MeetingType.OFFICE and row.office:
            return _in_english(row.office)
        # Where a customer lives is told with the name only.
        if row.meeting_type == MeetingType.ON_LOCATION and self.feed.shows_customers:
            return _address(row.location or {})
        return ""


def _name(first: str | None, last: str | None) -> str:
    return f"{first or ''} {last or ''}".strip()


def _listed(names: Iterable[str]) -> str:
    """Give the names that are known, the first few of many."""
    known = [name for name in names if name]
    more = len(known) - _NAMES_AT_MOST
    return ", ".join(known[:_NAMES_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _in_english(texts: Mapping[str, str]) -> str:
    return texts.get("en") or next(iter(texts.values()), "")


def _address(location: Mapping[str, Any]) -> str:
    """Give a location (models.catalogue) in a line."""
    words = location.get("translations") or {}
    street, more, city = (
        next((str(one.get("value", "")) for one in words.get(name) or []), "")
        for name in ("street1", "street2", "city")
    )
    town = f"{location.get('postalCode') or ''} {city}".strip()
    return ", ".join(part for part in (street, more, town) if part)


def _absences(feed: CalendarFeed, first: datetime, last: datetime) -> list[WholeDays]:
    """Give the days on which the agent does not work; an office is never away."""
    if feed.agent_id is None:
        return []
    found = Absence.objects.filter(organization_id=feed.organization_id, user_id=feed.agent_id)
    return [
        WholeDays(
            uid=f"absence-{uid_of(one.id)}",
            first=one.starts_on,
            last=one.ends_on,
            summary=one.told,
            created=one.created_at,
            last_modified=one.updated_at,
        )
        for one in found.between(first.date(), last.date()).order_by("starts_on", "id")
    ]
