"""Calendar entries: an appointment as a file that calendars take in, change and cancel (RFC 5545).

A message has 150 µs in all, and icalendar alone takes more for one entry; so the lines are
written here, and the tests read them back with libraries that others wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from config.kernel.time import parse_zone
from notifications.timezones import vtimezone

_PRODUCT = "-//Frontdesk//Appointments//EN"
_LINE_OCTETS = 75
# What no value may hold (RFC 5545, 3.1: CONTROL); line ends have been escaped before.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# A parameter in quotes can hold no quote, and readers of RFC 6868 take ^ as the sign before one.
_PARAMETER = str.maketrans({'"': "'", "^": "'", "\n": " "})


class Method(StrEnum):
    """What the receiver's calendar is to do (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One appointment as one person's calendar shows it; names and link are that person's."""

    uid: str
    sequence: int
    method: Method
    start: datetime
    end: datetime
    zone: str
    summary: str
    description: str = field(default="", repr=False)
    # Where they meet; without a place it is the link.
    location: str = field(default="", repr=False)
    # Whether its time stays free for others (TRANSP).
    is_free: bool = False
    url: str | None = field(default=None, repr=False)
    organizer_name: str = ""
    organizer_email: str = ""
    attendee_name: str = field(default="", repr=False)
    attendee_email: str | None = field(default=None, repr=False)
    created: datetime
    last_modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeDays:
    """Days that a calendar blocks: dates, and therefore the same in every zone."""

    uid: str
    first: date
    last: date
    summary: str
    created: datetime
    last_modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """Start and end with their parameters, and the zone that they are told in unless it is UTC."""

    start: str
    end: str
    zone: str | None = None
    years: tuple[int, int] = (0, 0)


def uid_of(appointment_id: UUID) -> str:
    """Give the name by which calendars know an appointment, whatever becomes of it."""
    return f"{appointment_id}@frontdesk"


def calendar_file(entry: CalendarEntry, *, in_utc: bool = False) -> bytes:
    """Give the entry as a file; equal entries give equal bytes.

    Raises ValueError for a time zone that is not known.
    """
    times = _utc_times(entry) if in_utc else _times(entry)
    zones = _zone(times.zone, times.years) if times.zone else ""
    return _calendar([f"METHOD:{entry.method}"], zones, [_event(entry, times)])


def calendar_subscription(
    name: str,
    *,
    entries: Iterable[CalendarEntry],
    days: Iterable[WholeDays],
    refresh_after: timedelta,
) -> bytes:
    """Give entries as one file that calendars come back for; what has left it, they take out.

    Raises ValueError for a time zone that is not known.
    """
    years: dict[str, tuple[int, int]] = {}
    events = []
    for entry in entries:
        times = _times(entry)
        if times.zone:
            first, last = years.get(times.zone, times.years)
            years[times.zone] = min(first, times.years[0]), max(last, times.years[1])
        events.append(_event(entry, times))
    events += [_whole_days(one) for one in days]
    # A calendar has at least one component (RFC 5545, 3.6).
    zones = "".join(_zone(zone, years[zone]) for zone in sorted(years))
    if not events:
        zones = _zone("UTC", (1970, 1970))
    minutes = int(refresh_after.total_seconds() // 60)
    head = [
        "METHOD:PUBLISH",
        # Each of the two is known to some calendars (RFC 7986; Google, Apple, Microsoft).
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{minutes}M",
        f"X-PUBLISHED-TTL:PT{minutes}M",
    ]
    return _calendar(head, zones, events)


def _calendar(head: list[str], zones: str, events: list[bytes]) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        *head,
        "",
    ]
    return b"".join([_written(lines), zones.encode(), *events, b"END:VCALENDAR\r\n"])


def _event(entry: CalendarEntry, times: _Times) -> bytes:
    last_modified = _utc(entry.last_modified)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(entry.uid)}",
        f"SEQUENCE:{entry.sequence}",
        # The moment of the revision: with equal SEQUENCE the later one counts (RFC 5546, 2.1.5).
        f"DTSTAMP:{last_modified}",
        f"CREATED:{_utc(entry.created)}",
        f"LAST-MODIFIED:{last_modified}",
        f"DTSTART{times.start}",
        f"DTEND{times.end}",
        f"SUMMARY:{_text(entry.summary)}",
        *_optional(entry),
        f"STATUS:{'CANCELLED' if entry.method is Method.CANCEL else 'CONFIRMED'}",
        f"TRANSP:{'TRANSPARENT' if entry.is_free else 'OPAQUE'}",
        "END:VEVENT",
        "",
    ]
    return _written(lines)


def _whole_days(block: WholeDays) -> bytes:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(block.uid)}",
        f"DTSTAMP:{_utc(block.last_modified)}",
        f"CREATED:{_utc(block.created)}",
        f"LAST-MODIFIED:{_utc(block.last_modified)}",
        f"DTSTART;VALUE=DATE:{block.first:%Y%m%d}",
        # The end is the first day that is free again (RFC 5545, 3.6.1).
        f"DTEND;VALUE=DATE:{block.last + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_text(block.summary)}",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "",
    ]
    return _written(lines)


def _optional(entry: CalendarEntry) -> list[str]:
    lines = []
    if entry.description:
        lines.append(f"DESCRIPTION:{_text(entry.description)}")
    if place := entry.location or entry.url:
        lines.append(f"LOCATION:{_text(place)}")
    if entry.url:
        lines.append(f"URL:{_CONTROLS.sub('', entry.url)}")
    if entry.organizer_email:
        lines.append(f"ORGANIZER{_person(entry.organizer_name, entry.organizer_email)}")
    if entry.attendee_email:
        # Who has booked has accepted: no answer is asked for.
        person = _person(entry.attendee_name, entry.attendee_email)
        lines.append(
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE{person}"
        )
    return lines


def _utc_times(entry: CalendarEntry) -> _Times:
    return _Times(start=f":{_utc(entry.start)}", end=f":{_utc(entry.end)}")


def _times(entry: CalendarEntry) -> _Times:
    """Give start and end on the clock of the entry's zone, where that can tell them."""
    zone = parse_zone(entry.zone)
    start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
    # A local time that occurs twice means the first (RFC 5545, 3.3.5), but ical.js takes it for the
    # second: neither is told as a local time.
    if entry.zone in {"UTC", "Etc/UTC"} or _comes_twice(start) or _comes_twice(end):
        return _utc_times(entry)
    return _Times(
        start=f";TZID={zone.key}:{_local(start)}",
        end=f";TZID={zone.key}:{_local(end)}",
        zone=entry.zone,
        years=(start.year - 1, end.year + 1),
    )


def _zone(name: str, years: tuple[int, int]) -> str:
    return vtimezone(name, first_year=years[0], last_year=years[1])


def _comes_twice(moment: datetime) -> bool:
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


def _local(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Give a value of the type TEXT (RFC 5545, 3.3.11)."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", lines.translate(_ESCAPES))


def _person(name: str, email: str) -> str:
    shown = _CONTROLS.sub("", name.translate(_PARAMETER)).strip()
    parameter = f';CN="{shown}"' if shown else ""
    return f"{parameter}:mailto:{_CONTROLS.sub('', email)}"


def _written(lines: list[str]) -> bytes:
    # Most lines are short and plain: of 80,000 in a large feed hardly any is to be folded.
    return "\r\n".join(
        line if len(line) <= _LINE_OCTETS and line.isascii() else _folded(line) for line in lines
    ).encode()


def _folded(line: str) -> str:
    """Give a line in pieces of at most 75 octets, none of which ends within a character."""
    octets = line.encode()
    if len(octets) <= _LINE_OCTETS:
        return line
    pieces, position, room = [], 0, _LINE_OCTETS
    while position < len(octets):
        end = position + room
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[position:end])
        position, room = end, _LINE_OCTETS - 1
    return b"\r\n ".join(pieces).decode()
