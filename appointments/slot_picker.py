"""Free times to choose from: two weeks of days, and the times of one of them in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from django.utils.translation import gettext

from appointments.availability import free_slots
from config.kernel import limits
from config.kernel.time import format_instant

if TYPE_CHECKING:
    from babel import Locale

    from appointments.availability import Slot, Wanted

DAYS_SHOWN = 14
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class DayOfSlots:
    """A day of the two weeks, and how many free times it has."""

    date: date
    # In full for those who hear it; the weekday and the number for those who see it.
    label: str
    weekday: str
    number: str
    count: int
    is_chosen: bool
    is_past: bool
    # What follows the question mark of its link.
    query: str


@dataclass(frozen=True, kw_only=True)
class PickableSlot:
    """A free time: the instant for the form, and what the clock shows then."""

    value: str
    label: str
    is_checked: bool = False


@dataclass(frozen=True, kw_only=True)
class GroupOfSlots:
    """The free times of one part of the day."""

    name: str
    label: str
    slots: tuple[PickableSlot, ...]


@dataclass(frozen=True, kw_only=True)
class SlotPicker:
    """Two weeks, the chosen day and its free times; without a day there is no free time."""

    label: str
    days: tuple[DayOfSlots, ...]
    # In full; empty where none of the days has a free time.
    chosen: str
    groups: tuple[GroupOfSlots, ...]
    # The queries of the links; empty where there is nothing to look at.
    earlier: str
    later: str

    @property
    def slots(self) -> tuple[PickableSlot, ...]:
        """Give the free times of the chosen day."""
        return tuple(slot for group in self.groups for slot in group.slots)


def read_picked_day(text: str) -> date | None:
    """Give the day that an address names, or None where it names none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if limits.YEAR_MIN < day.year < limits.YEAR_MAX else None


def pick_slots(
    wanted: Wanted,
    *,
    now: datetime,
    day: date | None,
    locale: Locale,
    start: str = "",
    keep: Mapping[str, str] | None = None,
) -> SlotPicker:
    """Give the two weeks around a day, on the clock of `wanted.zone`, by one look at calendars.

    The search takes its first and last moment from those weeks, whatever `wanted` says. `start` is
    the value that was chosen before, `keep` what else the links carry.
    """
    today = now.astimezone(wanted.zone).date()
    horizon = _last_day(wanted, now)
    first = _first_shown(min(max(day or today, today), max(horizon, today)), today, locale)
    by_day = _free_by_day(wanted, first, now=now)
    chosen = _chosen(day, by_day)
    words = _Words(wanted.zone, locale, start, dict(keep or {}))
    end = first + timedelta(days=DAYS_SHOWN)
    return SlotPicker(
        label=words.span(first, end - _DAY),
        days=tuple(
            words.day(one, len(by_day.get(one, ())), is_chosen=one == chosen, is_past=one < today)
            for one in (first + timedelta(days=number) for number in range(DAYS_SHOWN))
        ),
        chosen=format_date(chosen, "full", locale=locale) if chosen else "",
        groups=words.groups(by_day[chosen]) if chosen else (),
        earlier=words.query(max(first - timedelta(days=DAYS_SHOWN), today))
        if first > today
        else "",
        later=words.query(end) if end <= horizon else "",
    )


# --- Which days -------------------------------------------------------------------------------


def _last_day(wanted: Wanted, now: datetime) -> date:
    if not wanted.for_customer:
        return date(limits.YEAR_MAX - 1, 12, 31)
    return (now + wanted.application.booking_horizon).astimezone(wanted.zone).date()


def _first_shown(day: date, today: date, locale: Locale) -> date:
    """Give where the two weeks begin: they are whole ones, counted from this week."""
    begin = today - timedelta(days=(today.weekday() - locale.first_week_day) % 7)
    return begin + (day - begin) // timedelta(days=DAYS_SHOWN) * timedelta(days=DAYS_SHOWN)


def _free_by_day(wanted: Wanted, first: date, *, now: datetime) -> dict[date, list[Slot]]:
    zone = wanted.zone
    end = datetime.combine(first + timedelta(days=DAYS_SHOWN), time(0), zone)
    slots = free_slots(
        replace(
            wanted,
            first=datetime.combine(first, time(0), zone),
            # What begins late on the last day ends on the next one.
            last=end - _MINUTE + wanted.duration,
        ),
        now=now,
        names_agents=False,
    )
    found: dict[date, list[Slot]] = {}
    for slot in slots:
        found.setdefault(slot.start.astimezone(zone).date(), []).append(slot)
    return found


def _chosen(day: date | None, by_day: Mapping[date, list[Slot]]) -> date | None:
    """Give the day that was asked for, else the next one that has free times, else the first."""
    days = sorted(by_day)
    return next((one for one in days if day and one >= day), next(iter(days), None))


# --- In words ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Words:
    zone: ZoneInfo
    locale: Locale
    start: str
    keep: dict[str, str]

    def query(self, day: date) -> str:
        return urlencode({**self.keep, "day": day.isoformat()})

    def span(self, first: date, last: date) -> str:
        begin, end = (format_date(one, "medium", locale=self.locale) for one in (first, last))
        return f"{begin} – {end}"

    def day(self, day: date, count: int, *, is_chosen: bool, is_past: bool) -> DayOfSlots:
        return DayOfSlots(
            date=day,
            label=format_date(day, "full", locale=self.locale),
            weekday=format_date(day, "EEE", locale=self.locale),
            number=format_date(day, "d", locale=self.locale),
            count=count,
            is_chosen=is_chosen,
            is_past=is_past,
            query=self.query(day),
        )

    def groups(self, slots: list[Slot]) -> tuple[GroupOfSlots, ...]:
        labels = [self._clock(slot) for slot in slots]
        parts: dict[str, list[PickableSlot]] = {"morning": [], "afternoon": [], "evening": []}
        for slot, label in zip(slots, labels, strict=True):
            value = format_instant(slot.start)
            parts[_part_of(slot.start.astimezone(self.zone))].append(
                PickableSlot(
                    value=value,
                    label=f"{label} ({self._offset(slot)})" if self._is_twice(slot) else label,
                    is_checked=value == self.start,
                )
            )
        names = {
            "morning": gettext("Morning"),
            "afternoon": gettext("Afternoon"),
            "evening": gettext("Evening"),
        }
        return tuple(
            GroupOfSlots(name=name, label=names[name], slots=tuple(found))
            for name, found in parts.items()
            if found
        )

    def _clock(self, slot: Slot) -> str:
        return format_time(slot.start.astimezone(self.zone), "short", locale=self.locale)

    def _is_twice(self, slot: Slot) -> bool:
        """Tell whether the clock shows this time twice on that day, free or not."""
        local = slot.start.astimezone(self.zone)
        other = local.replace(fold=1 - local.fold)
        if other.utcoffset() == local.utcoffset():
            return False
        # What the clock skips has two offsets too, but is no time at all.
        return other.astimezone(slot.start.tzinfo).astimezone(self.zone).replace(
            tzinfo=None, fold=0
        ) == local.replace(tzinfo=None, fold=0)

    def _offset(self, slot: Slot) -> str:
        offset = slot.start.astimezone(self.zone).strftime("%z")
        return f"UTC{offset[:3]}:{offset[3:5]}"


def _part_of(local: datetime) -> str:
    if local.hour < 12:
        return "morning"
    return "afternoon" if local.hour < 18 else "evening"
