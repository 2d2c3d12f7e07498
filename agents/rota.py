"""When people work, day by day: the hours of the week, single days, holidays and absences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.models import Absence, Application, Holiday, User, Weekday, WorkingDay, WorkingHours
from agents.services.intervals import WHOLE_DAY, Interval
from config.kernel.time import parse_zone

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class RotaDay:
    """One day of somebody: when it works, and what makes the day another one."""

    day: date
    hours: tuple[Interval, ...]
    # Whether the day has hours of its own, none of them included.
    is_single: bool = False
    holiday: str = ""
    absence: Absence | None = None

    @property
    def is_at_work(self) -> bool:
        return bool(self.hours)


@dataclass(frozen=True, kw_only=True)
class Rota:
    """The days of one person, in order, on its own clock."""

    zone: ZoneInfo
    days: tuple[RotaDay, ...]
    # The last day of the absence, or of several one after the other, that the first day is in.
    away_until: date | None = None

    @property
    def zone_name(self) -> str:
        """The name of the clock, as people write it."""
        return self.zone.key.replace("_", " ")

    @property
    def today(self) -> RotaDay:
        return self.days[0]


def zone_of(person: User, *, house: str) -> ZoneInfo:
    """Give the clock by which somebody works: its own, else that of the house."""
    return parse_zone(person.timezone or house)


def zone_of_house(organization_id: UUID) -> str:
    """Give the name of the clock of an organisation: that of its default application."""
    rows = Application.objects.filter(organization_id=organization_id, is_default=True)
    return rows.values_list("default_timezone", flat=True).first() or "UTC"


def read_rotas(
    people: Sequence[User], organization_id: UUID, *, days: int, now: datetime
) -> dict[UUID, Rota]:
    """Give so many days from today of each of the people, who are of one organisation.

    It holds to the same rules as the free times that customers are offered.
    """
    house = zone_of_house(organization_id)
    # Somewhere it is tomorrow already, or still yesterday.
    first, last = now.date() - DAY, now.date() + (days + 1) * DAY
    hours = read_hours(organization_id, [one.pk for one in people], first=first, last=last)
    return {
        one.pk: _rota(hours[one.pk], zone_of(one, house=house), days=days, now=now)
        for one in people
    }


def _rota(hours: WorkingTime, zone: ZoneInfo, *, days: int, now: datetime) -> Rota:
    today = now.astimezone(zone).date()
    return Rota(
        zone=zone,
        days=tuple(hours.rota_day(today + number * DAY) for number in range(days)),
        away_until=_away_until(hours.absences, today),
    )


def _away_until(absences: Sequence[Absence], today: date) -> date | None:
    """Follow absences, in order of their first days, as long as one meets the next."""
    until = today - DAY
    for one in absences:
        if one.starts_on <= until + DAY:
            until = max(until, one.ends_on)
    return until if until >= today else None


# --- What makes a day -------------------------------------------------------------------------


@dataclass
class Hours:
    """The hours of whoever keeps them: those of every week, and those of single days."""

    week: dict[int, list[Interval]] = field(default_factory=dict)
    single: dict[date, list[Interval]] = field(default_factory=dict)

    def add(self, weekday: int, starts_at: time, ends_at: time) -> None:
        """Add an interval of every week."""
        self.week.setdefault(weekday, []).append(Interval(starts_at, ends_at))

    def add_single(self, day: date, starts_at: time | None, ends_at: time | None) -> None:
        """Add an interval of one day; without times the day has none."""
        kept = self.single.setdefault(day, [])
        if starts_at is not None and ends_at is not None:
            kept.append(Interval(starts_at, ends_at))

    def keep_always(self) -> None:
        """Let the week be round the clock."""
        self.week = {weekday: [WHOLE_DAY] for weekday in Weekday.values}

    def on(self, day: date) -> Sequence[Interval]:
        """Give the hours of a day, in any order: its own, else those of the week."""
        return self.single[day] if day in self.single else self.week.get(day.isoweekday(), ())


@dataclass
class WorkingTime(Hours):
    """When somebody works: its hours, the holidays of the house, and its absences."""

    holidays: Mapping[date, str] = field(default_factory=dict)
    absences: list[Absence] = field(default_factory=list)

    def has_holiday(self, day: date) -> bool:
        """Tell whether a day is off; who has hours of its own on a holiday works."""
        return day in self.holidays and day not in self.single

    def absence_on(self, day: date) -> Absence | None:
        """Give the absence that a day lies in."""
        return next((one for one in self.absences if one.starts_on <= day <= one.ends_on), None)

    def rota_day(self, day: date) -> RotaDay:
        """Give a day as it comes out."""
        is_holiday, absence = self.has_holiday(day), self.absence_on(day)
        return RotaDay(
            day=day,
            hours=() if is_holiday or absence else tuple(sorted(self.on(day))),
            is_single=day in self.single,
            holiday=self.holidays[day] if is_holiday else "",
            absence=absence,
        )


def read_hours(
    organization_id: UUID, ids: Sequence[UUID], *, first: date, last: date
) -> dict[UUID, WorkingTime]:
    """Give when people of one organisation work from a day to another: four or five queries."""
    holidays = Holiday.objects.filter(organization_id=organization_id).between(first, last)
    closed = dict(holidays.values_list("day", "name"))
    found = {key: WorkingTime(holidays=closed) for key in ids}
    _add_weeks(found, organization_id, first, last)
    single = WorkingDay.objects.filter(user_id__in=ids, day__range=(first, last))
    for key, day, begin, end in single.values_list("user_id", "day", "starts_at", "ends_at"):
        found[key].add_single(day, begin, end)
    # Those that begin later too: one may follow upon the other.
    away = Absence.objects.filter(user_id__in=ids, ends_on__gte=first)
    for absence in away.order_by("starts_on", "-ends_on", "id"):
        found[absence.user_id].absences.append(absence)
    return found


def _add_weeks(
    found: Mapping[UUID, WorkingTime], organization_id: UUID, first: date, last: date
) -> None:
    kept = WorkingHours.objects.filter(organization_id=organization_id)
    weekdays = {(first + number * DAY).isoweekday() for number in range((last - first).days + 1)}
    rows = list(
        kept.filter(user_id__in=list(found), weekday__in=weekdays).values_list(
            "user_id", "weekday", "starts_at", "ends_at"
        )
    )
    for key, weekday, begin, end in rows:
        found[key].add(weekday, begin, end)
    if not rows and not kept.exists():
        # A house that keeps no hours is at work round the clock.
        for one in found.values():
            one.keep_always()
