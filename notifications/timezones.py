"""Time zones as calendar files spell them out: VTIMEZONE components (RFC 5545, 3.6.5).

icalendar's own generator puts the onset of summer time an hour late (03:00 where the clocks are
moved at 02:00) and writes the dates as RDATE, which Outlook does not read; hence this one.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class _Observance:
    """What clocks show from an onset on."""

    is_daylight: bool
    name: str
    before: timedelta
    after: timedelta


@lru_cache(maxsize=512)
def vtimezone(name: str, *, first_year: int, last_year: int) -> str:
    """Give the VTIMEZONE of a zone, right from the beginning of one year to the end of another."""
    zone = ZoneInfo(name)
    beginning = datetime(first_year, 1, 1, tzinfo=UTC)
    onsets = _onsets(zone, beginning, datetime(last_year + 1, 1, 2, tzinfo=UTC))
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    rules = {
        observance: _yearly_rule(starts, last_year=last_year)
        for observance, starts in onsets.items()
    }
    first_years = {starts[0].year for starts in onsets.values()}
    if first_year not in first_years or not all(rules.values()):
        at = beginning.astimezone(zone)
        offset = _offset(at)
        initial = _Observance(bool(at.dst()), str(at.tzname()), offset, offset)
        lines += _component(initial, at.replace(tzinfo=None), None)
    for observance, starts in onsets.items():
        if rule := rules[observance]:
            lines += _component(observance, starts[0], rule)
        else:
            for start in starts:
                lines += _component(observance, start, None)
    lines += ["END:VTIMEZONE", ""]
    return "\r\n".join(lines)


def _onsets(
    zone: ZoneInfo, beginning: datetime, end: datetime
) -> dict[_Observance, list[datetime]]:
    """Find the changes of the clocks; their local times are those of the clocks before."""
    onsets: dict[_Observance, list[datetime]] = defaultdict(list)
    day = timedelta(days=1)
    earlier = beginning
    while earlier < end:
        later = earlier + day
        if _state(earlier, zone) != _state(later, zone):
            at = _change(zone, earlier, later)
            before, local = _offset((at - day / 86_400).astimezone(zone)), at.astimezone(zone)
            observance = _Observance(bool(local.dst()), str(local.tzname()), before, _offset(local))
            onsets[observance].append((at + before).replace(tzinfo=None))
        earlier = later
    return onsets


def _change(zone: ZoneInfo, earlier: datetime, later: datetime) -> datetime:
    """Give the first second at which the clocks are as they are at the later instant."""
    low, high = 0, int((later - earlier).total_seconds())
    aim = _state(later, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _state(earlier + timedelta(seconds=middle), zone) == aim:
            high = middle
        else:
            low = middle
    return earlier + timedelta(seconds=high)


def _state(instant: datetime, zone: ZoneInfo) -> tuple[timedelta | None, bool, str | None]:
    local = instant.astimezone(zone)
    return local.utcoffset(), bool(local.dst()), local.tzname()


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta(0)


def _yearly_rule(starts: list[datetime], *, last_year: int) -> str | None:
    """Give the rule that all these onsets follow, one a year to the end; None without one."""
    first = starts[0]
    if (
        len(starts) < 3
        or starts[-1].year < last_year
        or any(
            (start.year, start.month, start.weekday(), start.time())
            != (first.year + index, first.month, first.weekday(), first.time())
            for index, start in enumerate(starts)
        )
    ):
        return None
    counted = {(start.day - 1) // 7 + 1 for start in starts}
    from_the_end = {
        (monthrange(start.year, start.month)[1] - start.day) // 7 + 1 for start in starts
    }
    # "The last Sunday" is meant where it fits; in a few years a fourth one can look the same.
    if from_the_end == {1}:
        number = -1
    elif len(counted) == 1:
        number = counted.pop()
    else:
        return None
    return f"FREQ=YEARLY;BYMONTH={first.month};BYDAY={number}{_DAYS[first.weekday()]}"


def _component(observance: _Observance, start: datetime, rule: str | None) -> list[str]:
    kind = "DAYLIGHT" if observance.is_daylight else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{start:%Y%m%dT%H%M%S}",
        *([f"RRULE:{rule}"] if rule else []),
        f"TZOFFSETFROM:{_written(observance.before)}",
        f"TZOFFSETTO:{_written(observance.after)}",
        f"TZNAME:{observance.name}",
        f"END:{kind}",
    ]


def _written(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign = "-" if seconds < 0 else "+"
    minutes, seconds = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours:02}{minutes:02}" + (f"{seconds:02}" if seconds else "")
