"""The calendar parts of the mails of one appointment, as foreign calendars read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from appointments import services
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel
from notifications.services import dispatch
from notifications.transports.email import smtp
from tests import make
from tests.foreign.calendars import read_strictly, read_with_icalendar, read_with_vobject

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
# Half an hour before the clocks go back in Berlin: the appointment ends in the hour that repeats.
START = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
MOVED = START + timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a calendar does with a part: which entry, how new, what and when it is."""

    method: str
    uid: str
    sequence: int
    status: str
    start: datetime
    end: datetime
    attendee: str


def by_icalendar(content: bytes) -> Entry:
    calendar, event = read_with_icalendar(content)
    return Entry(
        method=str(calendar["METHOD"]),
        uid=str(event["UID"]),
        sequence=int(str(event["SEQUENCE"])),
        status=str(event["STATUS"]),
        start=instant(event.start),
        end=instant(event.end),
        attendee=str(event["ATTENDEE"]),
    )


def by_ical(content: bytes) -> Entry:
    event: Any = read_strictly(content)
    (attendee,) = event.attendees
    return Entry(
        method=method_line(content),
        uid=event.uid,
        sequence=event.sequence,
        status=event.status.value,
        start=instant(event.dtstart),
        end=instant(event.dtend),
        attendee=str(attendee.uri),
    )


def by_vobject(content: bytes) -> Entry:
    event = read_with_vobject(content)
    return Entry(
        method=method_line(content),
        uid=event.uid.value,
        sequence=int(event.sequence.value),
        status=event.status.value,
        start=instant(event.dtstart.value),
        end=instant(event.dtend.value),
        attendee=event.attendee.value,
    )


READERS = [by_icalendar, by_ical, by_vobject]


def instant(moment: date | None) -> datetime:
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


def method_line(content: bytes) -> str:
    # Of the calendar and not of the event, which is what two of the libraries give.
    [line] = [one for one in content.decode().splitlines() if one.startswith("METHOD:")]
    return line.partition(":")[2]


def parts_of(mail: EmailMessage) -> list[tuple[str, bytes]]:
    """Give the calendar parts of a mail: the invitation itself, and the file beside it."""
    return [
        (str(part.get_param("method")), bytes(part.get_payload(decode=True)))
        for part in mail.walk()
        if part.get_content_type() in ("text/calendar", "application/ics")
    ]


@pytest.fixture
def mails(mailbox: Mailbox) -> list[EmailMessage]:
    """Give what the customer of an appointment got: it was booked, moved, and called off."""
    application = make.make_application()
    make.make_channel(application)
    agent = make.make_user(application.organization)
    appointment = make.make_appointment(
        application, agent=agent, start=START, customers=[make.make_customer(email=ADA)]
    )
    actor = make.actor_for(agent)
    dispatch.send_due(Channel.EMAIL)
    services.reschedule_appointment(
        appointment.id,
        start=MOVED,
        duration=parse_duration("PT30M"),
        zone=parse_zone("Europe/Berlin"),
        locale=None,
        actor=actor,
        now=timezone.now(),
    )
    dispatch.send_due(Channel.EMAIL)
    services.delete_appointment(appointment.id, actor=actor, now=timezone.now())
    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()
    return mailbox.to(ADA)


@pytest.mark.parametrize("read", READERS)
def test_booked_moved_and_called_off_is_one_entry_to_every_calendar(
    mails: list[EmailMessage], read: Callable[[bytes], Entry]
) -> None:
    entries = [read(parts_of(mail)[0][1]) for mail in mails]

    assert [(one.method, one.status) for one in entries] == [
        ("REQUEST", "CONFIRMED"),
        ("REQUEST", "CONFIRMED"),
        ("CANCEL", "CANCELLED"),
    ]
    assert {one.uid for one in entries} == {entries[0].uid}
    booked, moved, called_off = (one.sequence for one in entries)
    assert booked < moved < called_off
    assert [(one.start, one.end) for one in entries] == [
        (START, START + HALF_HOUR),
        (MOVED, MOVED + HALF_HOUR),
        (MOVED, MOVED + HALF_HOUR),
    ]
    assert {one.attendee.lower() for one in entries} == {f"mailto:{ADA}"}


@pytest.mark.parametrize("read", READERS)
def test_the_file_beside_it_says_the_same(
    mails: list[EmailMessage], read: Callable[[bytes], Entry]
) -> None:
    for mail in mails:
        (method, invitation), *files = parts_of(mail)

        assert read(invitation).method == method
        assert [read(content) for _, content in files] == [read(invitation)] * len(files)
        assert files
