"""The calendars of agents and an office, as sets of minutes: six questions to the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg.types.range import TimestamptzRange

from agents.models import (
    Absence,
    Application,
    Holiday,
    User,
    UserSkill,
    WorkingDay,
    WorkingHours,
)
from agents.rota import zone_of, zone_of_house
from appointments.minutes import Window, days_of, interval_of, minute_from, minute_of
from appointments.models import Office, OfficeDay, OfficeHours, Participant, ParticipantRole
from config.kernel.time import parse_zone

_ROUND_THE_CLOCK = [(time(0), time(0))]
# Days begin at other instants elsewhere, and what has begun on one may be within the next.
_MARGIN = timedelta(days=2)


class _Weekly(Protocol):
    weekday: int
    starts_at: time
    ends_at: time


class _Special(Protocol):
    day: date
    starts_at: time | None
    ends_at: time | None


@dataclass
class _Hours:
    """The hours of a person or an office: those of every week, and those of single days."""

    weekly: dict[int, list[tuple[time, time]]] = field(default_factory=lambda: defaultdict(list))
    single: dict[date, list[tuple[time, time]]] = field(default_factory=dict)

    def add(self, row: _Weekly) -> None:
        """Add an interval of every week."""
        self.weekly[row.weekday].append((row.starts_at, row.ends_at))

    def add_day(self, row: _Special) -> None:
        """Add the hours of one day."""
        kept = self.single.setdefault(row.day, [])
        if row.starts_at is not None and row.ends_at is not None:
            kept.append((row.starts_at, row.ends_at))

    def open(self, window: Window, days: Iterable[date], zone: ZoneInfo) -> int:
        """Give the minutes within the hours."""
        return window.set_of(
            interval_of(day, begin, end, zone)
            for day in days
            for begin, end in self.single.get(day, self.weekly[day.isoweekday()])
        )


@dataclass(frozen=True, kw_only=True)
class Worker:
    """An agent, and the minutes in which it works, is away, and has something to do."""

    user: User
    skill_ids: frozenset[UUID]
    hours: int
    holidays: int
    absences: int
    # Of the days on which it has as many appointments as it is given.
    full_days: int
    occupied: int

    def has_skills(self, skill_ids: Iterable[UUID]) -> bool:
        """Tell whether it has all of them."""
        return self.skill_ids.issuperset(skill_ids)

    def speaks(self, language: str) -> bool:
        """Tell whether it speaks a language with customers."""
        return language in (self.user.languages or [self.user.language])


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What somebody is to be given, and is not written yet: its start, and the time it takes up."""

    user_id: UUID
    start: datetime
    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Calendars:
    """Who could be asked, and when the office is open."""

    workers: list[Worker]
    office_open: int


def load_calendars(
    application: Application,
    window: Window,
    *,
    period: tuple[datetime, datetime],
    office: Office | None = None,
    agent_ids: Sequence[UUID] | None = None,
    ignoring: UUID | None = None,
    planned: Sequence[Planned] = (),
) -> Calendars:
    """Give the calendars of the agents of an application's organisation in a window.

    What lies without the period, which may begin and end within a minute, occupies nobody.
    """
    users = User.objects.filter(organization_id=application.organization_id).agents()
    if agent_ids is not None:
        users = users.filter(pk__in=agent_ids)
    loading = _Loading(application, window, period, list(users.order_by("pk")), ignoring, planned)
    return Calendars(
        workers=loading.workers(),
        office_open=_office_open(office, window) if office else window.all,
    )


def _office_open(office: Office, window: Window) -> int:
    zone = parse_zone(office.timezone)
    days = days_of(window, zone)
    hours = _Hours()
    for row in OfficeHours.objects.filter(office=office):
        hours.add(row)
    if not hours.weekly:
        hours.weekly.update((weekday, _ROUND_THE_CLOCK) for weekday in range(1, 8))
    for single in OfficeDay.objects.filter(office=office, day__range=(days[0], days[-1])):
        hours.add_day(single)
    return hours.open(window, days, zone)


@dataclass
class _Loading:
    application: Application
    window: Window
    period: tuple[datetime, datetime]
    users: list[User]
    ignoring: UUID | None
    planned: Sequence[Planned] = ()

    def __post_init__(self) -> None:
        self.ids = [user.pk for user in self.users]
        self.house = self._clock()
        begin, end = self.period
        self.first, self.last = (begin - _MARGIN).date(), (end + _MARGIN).date()
        days = min((self.last - self.first).days, 6)
        self.weekdays = {(self.first + timedelta(days=n)).isoweekday() for n in range(days + 1)}

    def workers(self) -> list[Worker]:
        hours, holidays, absences = self._hours(), self._holidays(), self._absences()
        skills, occupied, full = self._skills(), self._occupied(), self._full_days()
        days: dict[ZoneInfo, list[date]] = {}
        found = []
        for user in self.users:
            zone = zone_of(user, house=self.house)
            if zone not in days:
                days[zone] = days_of(self.window, zone)
            shown, own = days[zone], hours[user.pk]
            # Who has hours of its own on a holiday works.
            closed = holidays - own.single.keys()
            away = [day for one in absences[user.pk] for day in shown if _is_within(day, one)]
            found.append(
                Worker(
                    user=user,
                    skill_ids=frozenset(skills[user.pk]),
                    hours=own.open(self.window, shown, zone),
                    holidays=self._all_day((day for day in shown if day in closed), zone),
                    absences=self._all_day(away, zone),
                    full_days=self._all_day(full[user.pk], zone),
                    occupied=self.window.set_of(
                        (*occupied.get(user.pk, ()), *self._planned_for(user))
                    ),
                )
            )
        return found

    def _planned_for(self, user: User) -> Iterator[tuple[int, int]]:
        begin, end = self.period
        for one in self.planned:
            if one.user_id == user.pk and one.begin < end and begin < one.end:
                yield minute_of(one.begin), minute_from(one.end)

    def _clock(self) -> str:
        one = self.application
        return one.default_timezone if one.is_default else zone_of_house(one.organization_id)

    def _all_day(self, days: Iterable[date], zone: ZoneInfo) -> int:
        return self.window.set_of(interval_of(day, time(0), time(0), zone) for day in days)

    def _hours(self) -> Mapping[UUID, _Hours]:
        found: dict[UUID, _Hours] = defaultdict(_Hours)
        weekly = WorkingHours.objects.filter(organization_id=self.application.organization_id)
        rows = weekly.filter(user_id__in=self.ids, weekday__in=self.weekdays)
        for key, weekday, begin, end in rows.values_list("user", "weekday", "starts_at", "ends_at"):
            found[key].weekly[weekday].append((begin, end))
        if not found and not weekly.exists():
            # A house that keeps no hours is at work round the clock.
            for key in self.ids:
                found[key].weekly.update((day, _ROUND_THE_CLOCK) for day in range(1, 8))
        for single in WorkingDay.objects.filter(
            user_id__in=self.ids, day__range=(self.first, self.last)
        ):
            found[single.user_id].add_day(single)
        return found

    def _holidays(self) -> frozenset[date]:
        rows = Holiday.objects.filter(organization_id=self.application.organization_id)
        return frozenset(rows.between(self.first, self.last).values_list("day", flat=True))

    def _absences(self) -> Mapping[UUID, list[Absence]]:
        found: dict[UUID, list[Absence]] = defaultdict(list)
        rows = Absence.objects.filter(user_id__in=self.ids).between(self.first, self.last)
        for row in rows:
            found[row.user_id].append(row)
        return found

    def _skills(self) -> Mapping[UUID, list[UUID]]:
        found: dict[UUID, list[UUID]] = defaultdict(list)
        rows = UserSkill.objects.filter(user_id__in=self.ids)
        for user_id, skill_id in rows.values_list("user_id", "skill_id"):
            found[user_id].append(skill_id)
        return found

    def _occupied(self) -> dict[UUID, Iterable[tuple[int, int]]]:
        period: Any = TimestamptzRange(*self.period)
        with connection.cursor() as cursor:
            cursor.execute(_OCCUPIED, [self.ids, period, self.ignoring, self.ignoring])
            return {
                agent: zip(begins, ends, strict=True)
                for agent, begins, ends in cursor.fetchall()
                if begins
            }

    def _full_days(self) -> Mapping[UUID, list[date]]:
        limited = {user.pk: user for user in self.users if user.daily_maximum is not None}
        counts: dict[UUID, Counter[date]] = defaultdict(Counter)
        if limited:
            begin, end = self.period
            period = TimestamptzRange(begin - _MARGIN, end + _MARGIN)
            rows = Participant.objects.filter(
                user_id__in=limited, role=ParticipantRole.PRIMARY, occupies__overlap=period
            )
            for agent, one, start in rows.values_list("user", "appointment", "appointment__start"):
                if start is not None and one != self.ignoring:
                    counts[agent][_day(start, zone_of(limited[agent], house=self.house))] += 1
            for each in self.planned:
                if (user := limited.get(each.user_id)) is not None:
                    counts[user.pk][_day(each.start, zone_of(user, house=self.house))] += 1
        return defaultdict(
            list,
            {
                agent: [
                    day
                    for day, number in days.items()
                    if number >= (limited[agent].daily_maximum or 0)
                ]
                for agent, days in counts.items()
            },
        )


def _day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def _is_within(day: date, absence: Absence) -> bool:
    return absence.starts_on <= day <= absence.ends_on


# Agent by agent, because that is how the index of occupied time is laid out; in minutes, because
# to read twenty thousand ranges as Python objects would take longer than all the rest.
_OCCUPIED = """
SELECT agent.id, taken.begins, taken.ends FROM unnest(%s::uuid[]) AS agent(id)
CROSS JOIN LATERAL (
    SELECT array_agg(floor(date_part('epoch', lower(occupies)) / 60)::bigint) AS begins,
        array_agg(ceil(date_part('epoch', upper(occupies)) / 60)::bigint) AS ends
    FROM appointments_participant
    WHERE user_id = agent.id AND occupies && %s
        AND (%s::uuid IS NULL OR appointment_id <> %s)
) AS taken
"""
