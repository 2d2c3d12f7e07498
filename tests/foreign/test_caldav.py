"""The same files, read as a client of CalDAV reads what a server gives it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from caldav.calendarobjectresource import Event

from appointments.services.feeds import read_feed
from tests import make
from tests.appointments.test_calendar_moves import JOURNEYS, files_of, keep, moment
from tests.foreign.test_calendars import Entry, instant

if TYPE_CHECKING:
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


def by_caldav(contents: Sequence[bytes]) -> list[Entry]:
    entries = []
    for content in contents:
        calendar = Event(data=content.decode()).get_icalendar_instance()
        [event] = calendar.events
        entries.append(
            Entry(
                method=str(calendar["METHOD"]),
                uid=str(event["UID"]),
                sequence=int(str(event["SEQUENCE"])),
                status=str(event["STATUS"]),
                start=instant(event.start),
                end=instant(event.end),
                attendee=str(event["ATTENDEE"]),
            )
        )
    return entries


@pytest.mark.parametrize("zone", JOURNEYS)
def test_a_moved_appointment_is_one_entry_to_a_caldav_client(zone: str, mailbox: Mailbox) -> None:
    starts = [moment(text, zone) for text in JOURNEYS[zone]]

    entries = by_caldav(files_of(zone, mailbox))

    assert entries == keep(entries)
    assert [one.start for one in entries] == [*starts, starts[-1]]
    assert [one.method for one in entries] == [*["REQUEST"] * 4, "CANCEL"]


def test_a_caldav_client_reads_a_feed(now: datetime) -> None:
    application = make.make_application()
    agent = make.make_user(application.organization)
    booked = make.make_appointment(application, agent=agent)
    make.make_absence(agent, date(2026, 12, 24), date(2026, 12, 26))
    feed = make.make_feed(agent)

    content = read_feed(feed, now=now).content or b""

    calendar = Event(data=content.decode()).get_icalendar_instance()
    found = {str(event["UID"]).split("@")[0]: event for event in calendar.events}
    assert instant(found[str(booked.id)].start) == booked.start
    [absence] = [event for uid, event in found.items() if uid.startswith("absence")]
    assert (absence.start, absence.end) == (date(2026, 12, 24), date(2026, 12, 27))
