"""Calendar feeds, read by libraries that we did not write."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import icalendar
import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream

from appointments import services
from appointments.models import Appointment
from tests import make
from tests.appointments.feeding import START, ask, book_many
from tests.appointments.scene import make_scene
from tests.foreign.icaljs import read_with_icaljs
from tests.foreign.packages import CannotInstall

pytestmark = pytest.mark.django_db

# uid → start, end, status: instants, or dates where it is whole days.
Found = dict[str, tuple[date, date, str]]


def _moment(value: Any) -> date:
    assert isinstance(value, date)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def by_icalendar(content: bytes) -> Found:
    calendar = icalendar.Calendar.from_ical(content)
    assert isinstance(calendar, icalendar.Calendar)
    assert calendar.errors == []
    assert [event.errors for event in calendar.events if event.errors] == []
    return {
        str(one["UID"]): (_moment(one.start), _moment(one.end), str(one["STATUS"]))
        for one in calendar.events
    }


def by_ical(content: bytes) -> Found:
    [calendar] = IcsCalendarStream.from_ics(content.decode()).calendars
    return {
        str(one.uid): (_moment(one.dtstart), _moment(one.dtend), one.status.value)
        for one in calendar.events
        if one.status
    }


def by_vobject(content: bytes) -> Found:
    # It remembers each zone as the first file told it, for the years of that file.
    vars(vobject.icalendar)["__tzidMap"].clear()
    calendar = vobject.readOne(content.decode(), validate=True)
    return {
        one.uid.value: (
            _moment(one.dtstart.value),
            _moment(one.dtend.value),
            one.status.value,
        )
        for one in calendar.vevent_list
    }


def by_icaljs(content: bytes) -> Found:
    try:
        [calendar] = read_with_icaljs([content])
    except CannotInstall as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))

    def moment(told: dict[str, Any]) -> date:
        if told["isDate"]:
            return date.fromisoformat(told["local"])
        return datetime.fromtimestamp(told["seconds"], UTC)

    return {
        one["uid"]: (moment(one["start"]), moment(one["end"]), one["status"])
        for one in calendar["events"]
    }


READERS = [
    by_icalendar,
    by_ical,
    by_vobject,
    pytest.param(by_icaljs, marks=pytest.mark.node),
]


@pytest.mark.parametrize("read", READERS)
def test_every_entry_is_read_at_its_time(read: Callable[[bytes], Found], now: datetime) -> None:
    scene = make_scene(start=START)
    book_many(scene, 500, now=START)
    services.cancel_appointment(scene.appointment.pk, actor=scene.actor, now=now)
    away = make.make_absence(scene.agent, date(2027, 2, 8), date(2027, 2, 12))
    expected: Found = {
        f"{row.pk}@frontdesk": (row.start, row.end, "CONFIRMED")
        for row in Appointment.objects.exclude(pk=scene.appointment.pk)
        if row.start and row.end
    }
    row = scene.row()
    assert row.start is not None
    assert row.end is not None
    expected[f"{row.pk}@frontdesk"] = (row.start, row.end, "CANCELLED")
    expected[f"absence-{away.pk}@frontdesk"] = (date(2027, 2, 8), date(2027, 2, 13), "CONFIRMED")

    found = read(ask(make.make_feed(scene.agent)).content)

    assert found == expected


@pytest.mark.parametrize("read", READERS)
def test_an_empty_feed_is_read(read: Callable[[bytes], Found]) -> None:
    scene = make_scene()

    content = ask(make.make_feed(scene.colleague)).content

    if read is by_vobject:
        assert vobject.readOne(content.decode(), validate=True).contents["vtimezone"]
    else:
        assert read(content) == {}
