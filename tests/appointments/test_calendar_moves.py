"""An appointment that is moved three times and called off is one entry in every calendar.

What the customer got by mail is read by programs that others wrote. Moves go across both changes
of the clocks, into the hour that comes twice and beside the one that is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from appointments import services
from config.kernel.actors import Role
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel
from notifications.services import dispatch
from notifications.transports.email import smtp
from tests import make
from tests.foreign.icaljs import read_with_icaljs
from tests.foreign.packages import CannotInstall
from tests.foreign.test_calendars import Entry, by_ical, by_icalendar, by_vobject, parts_of

if TYPE_CHECKING:
    from appointments.models import Appointment
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
HALF_HOUR = timedelta(minutes=30)

# Where it is booked first, and where it is moved to, as clocks there show it. A 2 marks the second
# of two hours that look the same.
JOURNEYS = {
    # The clocks go from 2:00 to 3:00 on 30 March, from 3:00 to 2:00 on 26 October.
    "Europe/Berlin": [
        "2031-03-29 09:30",
        "2031-03-30 03:00",
        "2031-10-26 02:30",
        "2031-10-26 02:30 2",
    ],
    # From 2:00 to 3:00 on 9 March, from 2:00 to 1:00 on 2 November.
    "America/New_York": [
        "2031-03-09 01:45",
        "2031-03-09 03:15",
        "2031-11-02 01:15 2",
        "2031-11-02 01:15",
    ],
    # A quarter of an hour beside everybody else, and never moved.
    "Asia/Kathmandu": [
        "2031-03-30 00:10",
        "2031-06-15 23:45",
        "2031-10-26 05:45",
        "2031-12-31 23:50",
    ],
    # Thirteen hours ahead of Greenwich: mostly another day.
    "Pacific/Apia": [
        "2031-04-06 03:30",
        "2031-09-28 00:00",
        "2031-10-26 12:59",
        "2031-12-31 23:59",
    ],
    # By half an hour: from 2:00 to 1:30 on 6 April, from 2:00 to 2:30 on 5 October.
    "Australia/Lord_Howe": [
        "2031-04-05 18:00",
        "2031-04-06 01:45 2",
        "2031-10-05 01:30",
        "2031-10-05 02:30",
    ],
}


def moment(text: str, zone: str) -> datetime:
    clock, _, second = text[:16], text[16:17], text[17:]
    fold = 1 if second else 0
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def comes_twice(text: str, zone: str) -> bool:
    return moment(text[:16], zone) != moment(f"{text[:16]} 2", zone)


def each(read: Callable[[bytes], Entry]) -> Callable[[Sequence[bytes]], list[Entry]]:
    return lambda contents: [read(content) for content in contents]


def by_icaljs(contents: Sequence[bytes]) -> list[Entry]:
    try:
        calendars = read_with_icaljs(contents)
    except CannotInstall as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))
    entries = []
    for calendar in calendars:
        [event] = calendar["events"]
        entries.append(
            Entry(
                method=calendar["method"],
                uid=event["uid"],
                sequence=event["sequence"],
                status=event["status"],
                start=datetime.fromtimestamp(event["start"]["seconds"], UTC),
                end=datetime.fromtimestamp(event["end"]["seconds"], UTC),
                attendee=event["attendee"],
            )
        )
    return entries


READERS = [
    pytest.param(each(by_icalendar), id="icalendar"),
    pytest.param(each(by_ical), id="ical"),
    pytest.param(each(by_vobject), id="vobject"),
    pytest.param(by_icaljs, id="ical.js", marks=pytest.mark.node),
]


def keep(entries: Sequence[Entry]) -> list[Entry]:
    """Give what a calendar has after each message: newer versions take the place of older ones."""
    calendar: dict[str, Entry] = {}
    history = []
    for entry in entries:
        known = calendar.get(entry.uid)
        # An update with a SEQUENCE that has not grown is none (RFC 5546, 2.1.5).
        if known is None or entry.sequence > known.sequence:
            calendar[entry.uid] = entry
        [only] = calendar.values()
        history.append(only)
    return history


@pytest.fixture
def journey(request: pytest.FixtureRequest, mailbox: Mailbox) -> tuple[str, list[bytes]]:
    """Give a zone and the calendar part of each mail that Ada got: five, the last calls it off."""
    zone: str = request.param
    return zone, files_of(zone, mailbox)


def files_of(zone: str, mailbox: Mailbox) -> list[bytes]:
    """Book, move three times and call off in a zone; give the calendar parts that went out."""
    first, *others = JOURNEYS[zone]
    application = make.make_application()
    make.make_channel(application)
    appointment = make.make_appointment(
        application,
        agent=make.make_user(application.organization),
        start=moment(first, zone),
        zone=zone,
        customers=[make.make_customer(email=ADA)],
    )
    dispatch.send_due(Channel.EMAIL)
    for text in others:
        move(appointment, moment(text, zone), zone)
        dispatch.send_due(Channel.EMAIL)
    call_off(appointment)
    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()
    return [parts_of(mail)[0][1] for mail in mailbox.to(ADA)]


def move(appointment: Appointment, start: datetime, zone: str) -> None:
    services.reschedule_appointment(
        appointment.id,
        start=start,
        duration=parse_duration("PT30M"),
        zone=parse_zone(zone),
        locale=None,
        actor=make.actor_for(make.make_user(appointment.organization, [Role.SUPERVISOR])),
        now=timezone.now(),
    )


def call_off(appointment: Appointment) -> None:
    services.cancel_appointment(
        appointment.id,
        actor=make.actor_for(make.make_user(appointment.organization, [Role.SUPERVISOR])),
        now=timezone.now(),
    )


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("journey", JOURNEYS, indirect=True)
def test_a_moved_appointment_is_one_entry_that_follows_and_ends_cancelled(
    journey: tuple[str, list[bytes]], read: Callable[[Sequence[bytes]], list[Entry]]
) -> None:
    zone, files = journey
    starts = [moment(text, zone) for text in JOURNEYS[zone]]

    entries = read(files)

    assert [one.method for one in entries] == [*["REQUEST"] * 4, "CANCEL"]
    assert entries == keep(entries)
    assert [one.start for one in entries] == [*starts, starts[-1]]
    assert [one.end - one.start for one in entries] == [HALF_HOUR] * 5
    assert [one.status for one in entries] == [*["CONFIRMED"] * 4, "CANCELLED"]
    # The same person's entry all along.
    assert {one.attendee.lower() for one in entries} == {f"mailto:{ADA}"}


@pytest.mark.node
@pytest.mark.parametrize("journey", JOURNEYS, indirect=True)
def test_the_clock_of_the_entry_is_the_one_on_the_wall(journey: tuple[str, list[bytes]]) -> None:
    zone, files = journey
    shown = [calendar["events"][0]["start"] for calendar in read_with_icaljs(files)]

    for text, start in zip(JOURNEYS[zone], shown, strict=False):
        if comes_twice(text, zone):
            # Calendars differ in which of the two hours a local time means.
            assert start["zone"] == "UTC"
        else:
            assert (start["local"], start["zone"]) == (f"{text.replace(' ', 'T')}:00", zone)
