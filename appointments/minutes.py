"""Sets of minutes: the bits of an integer, counted from an origin.

Python ands, ors and shifts whole months at once, so that the free times of fifty agents are a
matter of milliseconds. Minutes are counted from the epoch, and whoever wants a time of half a
minute takes up the whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT = time(0)
# No two changes of a clock lie closer together.
_STRIDE = 6 * 60


def minute_of(instant: datetime) -> int:
    """Give the minute in which an instant lies."""
    return (instant - _EPOCH) // MINUTE


def minute_from(instant: datetime) -> int:
    """Give the first minute that begins at an instant or after it."""
    return -((_EPOCH - instant) // MINUTE)


def instant_of(minute: int) -> datetime:
    """Give the instant (UTC) at which a minute begins."""
    return _EPOCH + minute * MINUTE


@dataclass(frozen=True)
class Window:
    """The minutes from the first up to the end, which is not among them."""

    first: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.first

    @cached_property
    def all(self) -> int:
        """Give the set of all of them."""
        return (1 << self.size) - 1

    def set_of(self, intervals: Iterable[tuple[int, int]]) -> int:
        """Give the set of the minutes within intervals, their ends excluded."""
        found = 0
        for begin, end in intervals:
            low, high = max(begin, self.first), min(end, self.end)
            if low < high:
                found |= ((1 << (high - low)) - 1) << (low - self.first)
        return found

    def has(self, minutes: int, minute: int) -> bool:
        """Tell whether a minute is in a set of this window."""
        return self.first <= minute < self.end and bool(minutes >> (minute - self.first) & 1)

    def each(self, minutes: int) -> Iterator[int]:
        """Give the minutes of a set, in order."""
        bits = bin(minutes)[:1:-1]
        at = bits.find("1")
        while at >= 0:
            yield self.first + at
            at = bits.find("1", at + 1)

    def on_the_clock(self, step: int, zone: ZoneInfo) -> int:
        """Give the minutes at which a clock shows a multiple of so many minutes past the hour."""
        found = 0
        for begin, end, offset in self._offsets(zone):
            size = end - begin
            # The first one of this stretch, and every step from it on.
            skip = -(begin + offset) % step
            if skip < size:
                count = (size - skip - 1) // step + 1
                pattern = ((1 << (count * step)) - 1) // ((1 << step) - 1)
                found |= pattern << (begin - self.first + skip)
        return found

    def _offsets(self, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
        """Give the stretches in which a clock has one distance from UTC, in minutes."""
        begin, offset = self.first, _offset(zone, self.first)
        at = self.first
        while at < self.end:
            ahead = min(at + _STRIDE, self.end)
            if ahead < self.end and _offset(zone, ahead) != offset:
                low, high = at, ahead
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
                yield begin, high, offset
                begin, offset = high, _offset(zone, high)
                ahead = high
            at = ahead
        yield begin, self.end, offset


def _offset(zone: ZoneInfo, minute: int) -> int:
    distance = instant_of(minute).astimezone(zone).utcoffset() or timedelta(0)
    return distance // MINUTE


def starts_of(minutes: int, *, length: int) -> int:
    """Give the minutes from which so many, one after the other, are all in a set."""
    found, reach = minutes, 1
    while reach < length and found:
        more = min(reach, length - reach)
        found &= found >> more
        reach += more
    return found


@lru_cache(maxsize=4096)
def interval_of(day: date, starts_at: time, ends_at: time, zone: ZoneInfo) -> tuple[int, int]:
    """Give the minutes from one wall time of a day to another; 00:00 is the end of the day.

    A time that the clock skips is measured from before the gap, of two equal ones it is the first.
    """
    last = day + timedelta(days=1) if ends_at == _MIDNIGHT else day
    return (
        minute_of(datetime.combine(day, starts_at, zone)),
        minute_of(datetime.combine(last, ends_at, zone)),
    )


def days_of(window: Window, zone: ZoneInfo) -> list[date]:
    """Give the days that a clock shows in a window; one that it never shows is not among them."""
    day = instant_of(window.first).astimezone(zone).date()
    last = instant_of(window.end).astimezone(zone).date()
    found = []
    while day <= last:
        noon = datetime.combine(day, time(12), zone)
        if noon.astimezone(UTC).astimezone(zone).date() == day:
            found.append(day)
        day += timedelta(days=1)
    return found
