"""When people work, day by day: the hours of the week, single days, holidays and absences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.models import Absence, Application, Holiday, User, WorkingDay, WorkingHours
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
    reading = _Reading(organization_id, [one.pk for one in people], now=now, days=days)
    return {one.pk: reading.rota(one, zone_of(one, house=house), days) for one in people}


class _Reading:
    def __init__(
        self, organization_id: UUID, ids: Sequence[UUID], *, now: datetime, days: int
    ) -> None:
        # Somewhere it is tomorrow already, or still yesterday.
        first, last = now.date() - DAY, now.date() + (days + 1) * DAY
        self.now = now
        self.weekly = _weekly(organization_id, ids)
        self.single = _single(ids, first, last)
        holidays = Holiday.objects.filter(organization_id=organization_id)
        self.holidays = dict(holidays.between(first, last).values_list("day", "name"))
        self.absences: Mapping[UUID, list[Absence]] = defaultdict(list)
        # Those that begin later too: one may follow upon the other.
        for one in Absence.objects.filter(user_id__in=ids, ends_on__gte=first).order_by(
            "starts_on", "-ends_on", "id"
        ):
            self.absences[one.user_id].append(one)

    def rota(self, person: User, zone: ZoneInfo, days: int) -> Rota:
        today = self.now.astimezone(zone).date()
        return Rota(
            zone=zone,
            days=tuple(self._day(person.pk, today + number * DAY) for number in range(days)),
            away_until=_away_until(self.absences[person.pk], today),
        )

    def _day(self, key: UUID, day: date) -> RotaDay:
        own = self.single.get((key, day))
        hours = self.weekly[key].get(day.isoweekday(), []) if own is None else own
        # Who has hours of its own on a holiday works.
        holiday = self.holidays.get(day, "") if own is None else ""
        away = next(
            (one for one in self.absences[key] if one.starts_on <= day <= one.ends_on), None
        )
        return RotaDay(
            day=day,
            hours=() if holiday or away else tuple(sorted(hours)),
            is_single=own is not None,
            holiday=holiday,
            absence=away,
        )


def _weekly(organization_id: UUID, ids: Iterable[UUID]) -> Mapping[UUID, dict[int, list[Interval]]]:
    rows = WorkingHours.objects.filter(organization_id=organization_id)
    if not rows.exists():
        # A house that keeps no hours is at work round the clock.
        return defaultdict(lambda: {weekday: [WHOLE_DAY] for weekday in range(1, 8)})
    found: Mapping[UUID, dict[int, list[Interval]]] = defaultdict(dict)
    for row in rows.filter(user_id__in=ids):
        of_day = found[row.user_id].setdefault(row.weekday, [])
        of_day.append(Interval(row.starts_at, row.ends_at))
    return found


def _single(
    ids: Iterable[UUID], first: date, last: date
) -> dict[tuple[UUID, date], list[Interval]]:
    found: dict[tuple[UUID, date], list[Interval]] = {}
    for row in WorkingDay.objects.filter(user_id__in=ids, day__range=(first, last)):
        hours = found.setdefault((row.user_id, row.day), [])
        if row.starts_at is not None and row.ends_at is not None:
            hours.append(Interval(row.starts_at, row.ends_at))
    return found


def _away_until(absences: Sequence[Absence], today: date) -> date | None:
    """Follow absences, in order of their first days, as long as one meets the next."""
    until = today - DAY
    for one in absences:
        if one.starts_on <= until + DAY:
            until = max(until, one.ends_on)
    return until if until >= today else None
