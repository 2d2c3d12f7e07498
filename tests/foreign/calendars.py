"""Calendar entries, read by three libraries that we did not write."""

from __future__ import annotations

from typing import Any

import icalendar
import vobject
from ical.calendar_stream import IcsCalendarStream


def read_strictly(content: bytes) -> Any:
    """Give the one event that `ical` finds; it forgives nothing."""
    (calendar,) = IcsCalendarStream.from_ics(content.decode()).calendars
    (event,) = calendar.events
    return event


def read_with_icalendar(content: bytes) -> tuple[icalendar.Calendar, icalendar.Event]:
    """Give the calendar and its one event, neither with an error."""
    calendar = icalendar.Calendar.from_ical(content)
    assert isinstance(calendar, icalendar.Calendar)
    assert calendar.errors == []
    (event,) = calendar.events
    assert event.errors == []
    return calendar, event


def read_with_vobject(content: bytes) -> Any:
    """Give the one event that `vobject` finds, validated."""
    # It remembers each zone as the first file told it, for the years of that file.
    vars(vobject.icalendar)["__tzidMap"].clear()
    return vobject.readOne(content.decode(), validate=True).vevent
