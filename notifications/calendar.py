"""Calendar entries: an appointment as a file that calendars take in, change and cancel (RFC 5545).

A message has 150 µs in all, and icalendar alone takes more for one entry; so the lines are
written here, and the tests read them back with three libraries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    url: str | None = field(default=None, repr=False)
    organizer_name: str = ""
    organizer_email: str = ""
    attendee_name: str = field(default="", repr=False)
    attendee_email: str | None = field(default=None, repr=False)
    created: datetime
    last_modified: datetime


def uid_of(appointment_id: UUID) -> str:
    """Give the name by which calendars know an appointment, whatever becomes of it."""
    return f"{appointment_id}@frontdesk"


def calendar_file(entry: CalendarEntry) -> bytes:
    """Give the entry as a file; equal entries give equal bytes.

    Raises ValueError for a time zone that is not known.
    """
    component, start, end = _times(entry)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(entry.uid)}",
        f"SEQUENCE:{entry.sequence}",
        # The moment of the revision: with equal SEQUENCE the later one counts (RFC 5546, 2.1.5).
        f"DTSTAMP:{_utc(entry.last_modified)}",
        f"CREATED:{_utc(entry.created)}",
        f"LAST-MODIFIED:{_utc(entry.last_modified)}",
        f"DTSTART{start}",
        f"DTEND{end}",
        f"SUMMARY:{_text(entry.summary)}",
        *_optional(entry),
        f"STATUS:{'CANCELLED' if entry.method is Method.CANCEL else 'CONFIRMED'}",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    head = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{_PRODUCT}\r\nCALSCALE:GREGORIAN\r\n"
        f"METHOD:{entry.method}\r\n{component}"
    )
    return head.encode() + b"\r\n".join(map(_folded, lines))


def _optional(entry: CalendarEntry) -> list[str]:
    lines = []
    if entry.description:
        lines.append(f"DESCRIPTION:{_text(entry.description)}")
    if entry.url:
        lines += [f"LOCATION:{_text(entry.url)}", f"URL:{_CONTROLS.sub('', entry.url)}"]
    if entry.organizer_email:
        lines.append(f"ORGANIZER{_person(entry.organizer_name, entry.organizer_email)}")
    if entry.attendee_email:
        # Who has booked has accepted: no answer is asked for.
        person = _person(entry.attendee_name, entry.attendee_email)
        lines.append(
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE{person}"
        )
    return lines


def _times(entry: CalendarEntry) -> tuple[str, str, str]:
    """Give the time zone component, and the start and the end with their parameters."""
    zone = parse_zone(entry.zone)
    start, end = entry.start.astimezone(zone), entry.end.astimezone(zone)
    # A local time that occurs twice means the first (RFC 5545, 3.3.5): the second is told in UTC.
    if entry.zone in {"UTC", "Etc/UTC"} or _is_second(start) or _is_second(end):
        return "", f":{_utc(start)}", f":{_utc(end)}"
    component = vtimezone(entry.zone, first_year=start.year - 1, last_year=end.year + 1)
    return component, f";TZID={zone.key}:{_local(start)}", f";TZID={zone.key}:{_local(end)}"


def _is_second(moment: datetime) -> bool:
    return bool(moment.fold) and moment.utcoffset() != moment.replace(fold=0).utcoffset()


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


def _folded(line: str) -> bytes:
    """Give a line in pieces of at most 75 octets, none of which ends within a character."""
    octets = line.encode()
    if len(octets) <= _LINE_OCTETS:
        return octets
    pieces, position, room = [], 0, _LINE_OCTETS
    while position < len(octets):
        end = position + room
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[position:end])
        position, room = end, _LINE_OCTETS - 1
    return b"\r\n ".join(pieces)
