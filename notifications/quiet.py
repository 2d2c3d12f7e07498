"""Quiet hours: while the clock on the wall shows one of them, no SMS is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What quiet hours do to a message: it waits `until` then, or for None it is never sent."""

    until: datetime | None
    reason: str


def pause_of(
    moment: datetime,
    *,
    zone: ZoneInfo,
    begin: time | None,
    end: time | None,
    not_after: datetime | None,
) -> Pause | None:
    """Give the pause of a message that would be sent at a moment; None where nothing is quiet."""
    if begin is None or end is None:
        return None
    until = quiet_until(moment, zone=zone, begin=begin, end=end)
    if until is None:
        return None
    shown = f"{until.astimezone(zone):%H:%M}"
    if not_after is not None and not_after <= until:
        return Pause(
            until=None, reason=f"Not sent: quiet hours until {shown}, and its time has passed then."
        )
    return Pause(until=until, reason=f"Held back until {shown}: quiet hours.")


def quiet_until(moment: datetime, *, zone: ZoneInfo, begin: time, end: time) -> datetime | None:
    """Give when the quiet that a moment lies in is over; None when it lies in none.

    Quiet hours that end before they begin go over midnight; those that end when they begin are
    none. Of two equal times of the clock the first begins and the second ends the quiet; what
    the clock skips begins or ends when it does so.
    """
    if begin == end:
        return None
    today = moment.astimezone(zone).date()
    nights = (_night(today + day * _DAY, zone, begin, end) for day in (-1, 0, 1))
    ends = [until for since, until in nights if since <= moment < until]
    if not ends:
        return None
    # Where a clock is set back, the next quiet can begin before this one is over.
    return quiet_until(max(ends), zone=zone, begin=begin, end=end) or max(ends)


def _night(day: date, zone: ZoneInfo, begin: time, end: time) -> tuple[datetime, datetime]:
    last = day if begin < end else day + _DAY
    return _instant(day, begin, zone, fold=0), _instant(last, end, zone, fold=1)


def _instant(day: date, clock: time, zone: ZoneInfo, *, fold: int) -> datetime:
    local = datetime.combine(day, clock)
    first, second = (local.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if first <= second:
        return second if fold else first
    # In a gap the two change places (PEP 495), and the clock is set in between.
    return _change_between(second, first, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the moment at which a zone's clock is set; zones do so in whole seconds."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before.replace(microsecond=0) + timedelta(seconds=high)
