"""The calendars of agents and an office, as sets of minutes: a few questions to the database."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg.types.range import TimestamptzRange

from agents.models import Application, User, UserSkill
from agents.rota import Hours, read_hours, zone_of, zone_of_house
from agents.services.intervals import WHOLE_DAY
from appointments.minutes import Window, days_of, interval_of, minute_from, minute_of
from appointments.models import Office, OfficeDay, OfficeHours
from config.kernel.time import parse_zone

# Days begin at other instants elsewhere, and what has begun on one may be within the next.
_MARGIN = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """An agent, and the minutes in which it works, is away, and has something to do."""

    user: User
    skill_ids: frozenset[UUID]
    hours: int
    holidays: int
    absences: int
    # Of the days on which it has as many appointments as it is given.
    full_days: int = 0
    occupied: int = 0

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
    _loading: _Loading

    def look_again(self, worker: Worker) -> Worker:
        """Give a worker with what it has to do by now: for whoever holds the lock of its time."""
        (found,) = self._loading.booked([worker])
        return found


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
        _loading=loading,
    )


def _office_open(office: Office, window: Window) -> int:
    zone = parse_zone(office.timezone)
    days = days_of(window, zone)
    hours = Hours()
    weekly = OfficeHours.objects.filter(office=office)
    for row in weekly.values_list("weekday", "starts_at", "ends_at"):
        hours.add(*row)
    if not hours.week:
        hours.keep_always()
    single = OfficeDay.objects.filter(office=office, day__range=(days[0], days[-1]))
    for special in single.values_list("day", "starts_at", "ends_at"):
        hours.add_single(*special)
    return _open(hours, window, days, zone)


def _open(hours: Hours, window: Window, days: Iterable[date], zone: ZoneInfo) -> int:
    return window.set_of(
        interval_of(day, one.starts_at, one.ends_at, zone) for day in days for one in hours.on(day)
    )


@dataclass
class _Loading:
    application: Application
    window: Window
    period: tuple[datetime, datetime]
    users: list[User]
    ignoring: UUID | None
    planned: Sequence[Planned] = ()

    def __post_init__(self) -> None:
        one = self.application
        self.house = one.default_timezone if one.is_default else zone_of_house(one.organization_id)
        begin, end = self.period
        self.around = begin - _MARGIN, end + _MARGIN
        self.days: dict[ZoneInfo, list[date]] = {}

    def workers(self) -> list[Worker]:
        ids = [user.pk for user in self.users]
        first, last = self.around
        hours = read_hours(
            self.application.organization_id, ids, first=first.date(), last=last.date()
        )
        skills = self._skills(ids)
        found = []
        for user in self.users:
            own, zone, days = hours[user.pk], *self._clock_of(user)
            found.append(
                Worker(
                    user=user,
                    skill_ids=frozenset(skills[user.pk]),
                    hours=_open(own, self.window, days, zone),
                    holidays=self._all_day(filter(own.has_holiday, days), zone),
                    absences=self._all_day(filter(own.absence_on, days), zone),
                )
            )
        return self.booked(found)

    def booked(self, workers: Sequence[Worker]) -> list[Worker]:
        """Give workers with what they have to do."""
        users = [one.user for one in workers]
        occupied, begun = self._occupied(users), self._begun(users)
        return [
            replace(
                one,
                full_days=self._full_days(one.user, begun.get(one.user.pk, [])),
                occupied=self.window.set_of(
                    (*occupied.get(one.user.pk, ()), *self._planned_for(one.user))
                ),
            )
            for one in workers
        ]

    def _clock_of(self, user: User) -> tuple[ZoneInfo, list[date]]:
        """Give the clock of a user, and the days that it shows."""
        zone = zone_of(user, house=self.house)
        if zone not in self.days:
            self.days[zone] = days_of(self.window, zone)
        return zone, self.days[zone]

    def _planned_for(self, user: User) -> Iterator[tuple[int, int]]:
        begin, end = self.period
        for one in self.planned:
            if one.user_id == user.pk and one.begin < end and begin < one.end:
                yield minute_of(one.begin), minute_from(one.end)

    def _all_day(self, days: Iterable[date], zone: ZoneInfo) -> int:
        begin, end = WHOLE_DAY.starts_at, WHOLE_DAY.ends_at
        return self.window.set_of(interval_of(day, begin, end, zone) for day in days)

    def _skills(self, ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
        found: dict[UUID, list[UUID]] = defaultdict(list)
        rows = UserSkill.objects.filter(user_id__in=ids)
        for user_id, skill_id in rows.values_list("user_id", "skill_id"):
            found[user_id].append(skill_id)
        return found

    def _occupied(self, users: Sequence[User]) -> dict[UUID, Iterable[tuple[int, int]]]:
        ids, period = [user.pk for user in users], TimestamptzRange(*self.period)
        params: list[Any] = [ids, period, self.ignoring, self.ignoring]
        with connection.cursor() as cursor:
            cursor.execute(_OCCUPIED, params)
            return {
                agent: zip(begins, ends, strict=True)
                for agent, begins, ends in cursor.fetchall()
                if begins
            }

    def _begun(self, users: Sequence[User]) -> dict[UUID, list[int]]:
        """Give the minutes in which the appointments begin of those who have a maximum."""
        ids = [user.pk for user in users if user.daily_maximum is not None]
        if not ids:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(_BEGUN, [ids, *self.around, self.ignoring, self.ignoring])
            return {agent: begins for agent, begins in cursor.fetchall() if begins}

    def _full_days(self, user: User, begun: list[int]) -> int:
        if user.daily_maximum is None:
            return 0
        planned = [minute_of(one.start) for one in self.planned if one.user_id == user.pk]
        begins, (zone, days) = sorted(begun + planned), self._clock_of(user)
        whole = [interval_of(day, WHOLE_DAY.starts_at, WHOLE_DAY.ends_at, zone) for day in days]
        return self.window.set_of(
            (first, end)
            for first, end in whole
            if bisect_left(begins, end) - bisect_left(begins, first) >= user.daily_maximum
        )


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

# What is over was given all the same; of what is cancelled an involvement has no start.
_BEGUN = """
SELECT agent.id, given.begins FROM unnest(%s::uuid[]) AS agent(id)
CROSS JOIN LATERAL (
    SELECT array_agg(floor(date_part('epoch', one.start) / 60)::bigint) AS begins
    FROM appointments_involvement AS one
    JOIN appointments_participant AS charge
        ON charge.appointment_id = one.appointment_id AND charge.user_id = one.agent_id
    WHERE one.agent_id = agent.id AND one.start BETWEEN %s AND %s AND charge.role = 'PRIMARY'
        AND (%s::uuid IS NULL OR one.appointment_id <> %s)
) AS given
"""
