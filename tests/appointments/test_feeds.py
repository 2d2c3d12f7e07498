"""Calendar feeds: what is in one, what is kept back, and how much it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import AbsenceReason
from appointments import services
from appointments.feed_file import AHEAD, BACK
from appointments.models import (
    Appointment,
    CalendarFeed,
    MeetingType,
    Office,
    Participant,
    RequestStatus,
)
from config.kernel import limits
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments.feeding import (
    START,
    ask,
    book_many,
    change,
    events_of,
    lines_of,
    make_office,
    reading_of,
    summaries,
)
from tests.appointments.scene import Scene, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> Scene:
    """Give an appointment of Grace with Ada."""
    return make_scene(start=START, title="Loans")


@pytest.fixture
def feed(scene: Scene) -> CalendarFeed:
    """Give the feed of Grace."""
    return make.make_feed(scene.agent)


@pytest.mark.rule("frontdesk.cal.feed.r1", "frontdesk.cal.feed.r5")
def test_a_feed_is_written_like_this(scene: Scene, feed: CalendarFeed) -> None:
    away = make.make_absence(scene.agent, date(2027, 2, 8), date(2027, 2, 12))

    answer = ask(feed)

    row, pages = scene.row(), "http://127.0.0.1:8000/appointments"
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    name = f"Grace Hopper · {scene.application.organization.name}"
    assert lines_of(answer.content) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Frontdesk//Appointments//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{name}",
        f"X-WR-CALNAME:{name}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20260329T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"UID:{row.pk}@frontdesk",
        "SEQUENCE:0",
        f"DTSTAMP:{row.updated_at:%Y%m%dT%H%M%SZ}",
        f"CREATED:{row.created_at:%Y%m%dT%H%M%SZ}",
        f"LAST-MODIFIED:{row.updated_at:%Y%m%dT%H%M%SZ}",
        "DTSTART;TZID=Europe/Berlin:20270201T100000",
        "DTEND;TZID=Europe/Berlin:20270201T103000",
        "SUMMARY:Loans: Ada Lovelace",
        f"DESCRIPTION:By video\\n{pages}/{row.pk}/",
        f"LOCATION:{pages}/{row.pk}/",
        f"URL:{pages}/{row.pk}/",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "BEGIN:VEVENT",
        f"UID:absence-{away.pk}@frontdesk",
        f"DTSTAMP:{away.updated_at:%Y%m%dT%H%M%SZ}",
        f"CREATED:{away.created_at:%Y%m%dT%H%M%SZ}",
        f"LAST-MODIFIED:{away.updated_at:%Y%m%dT%H%M%SZ}",
        "DTSTART;VALUE=DATE:20270208",
        "DTEND;VALUE=DATE:20270213",
        "SUMMARY:Vacation",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.rule("frontdesk.cal.feed.r1")
def test_each_zone_is_told_once_and_only_where_it_is_used(scene: Scene) -> None:
    for zone in ("America/New_York", "Australia/Lord_Howe", "America/New_York", "UTC"):
        make.make_appointment(scene.application, agent=scene.agent, start=START, zone=zone)

    lines = lines_of(ask(make.make_feed(scene.agent)).content)

    assert [line for line in lines if line.startswith("TZID:")] == [
        "TZID:America/New_York",
        "TZID:Australia/Lord_Howe",
        "TZID:Europe/Berlin",
    ]


@pytest.mark.rule("frontdesk.cal.feed.r2")
def test_what_the_agent_takes_part_in_is_in_it_from_ninety_days_ago_to_two_years_ahead(
    scene: Scene, now: datetime
) -> None:
    def book(start: datetime, title: str, **facts: Any) -> Appointment:
        facts.setdefault("agent", scene.agent)
        return make.make_appointment(scene.application, start=start, title=title, **facts)

    day = timedelta(days=1)
    change(scene, start=now, end=now + day)
    book(now - BACK - day, "Long ago")
    book(now - BACK + day, "Lately")
    book(now + AHEAD - day, "In two years")
    book(now + AHEAD + day, "Too late")
    book(now + day, "Of somebody else", agent=scene.colleague)
    book(now + day, "Arranged only", agent=scene.colleague, organizer=scene.agent)

    shown = summaries(make.make_feed(scene.agent, shows_customers=False))

    assert shown == ["Lately", "Loans", "In two years"]


@pytest.mark.rule("frontdesk.cal.feed.r2")
def test_a_request_has_no_place_in_it(scene: Scene, feed: CalendarFeed) -> None:
    change(scene, start=None, end=None, duration=None, request_status=RequestStatus.OUTGOING_INVITE)

    assert events_of(feed) == []


@pytest.mark.rule("frontdesk.cal.feed.r3")
def test_an_entry_follows_its_appointment_until_it_is_cancelled(
    scene: Scene, feed: CalendarFeed
) -> None:
    [booked] = events_of(feed)
    services.reschedule_appointment(
        scene.appointment.pk,
        start=START + timedelta(days=60),
        duration=parse_duration("PT1H"),
        zone=parse_zone("Europe/Berlin"),
        locale=None,
        actor=scene.actor,
        now=timezone.now(),
    )
    [moved] = events_of(feed)
    services.cancel_appointment(scene.appointment.pk, actor=scene.actor, now=timezone.now())
    [cancelled] = events_of(feed)

    assert booked["UID"] == moved["UID"] == cancelled["UID"]
    assert int(booked["SEQUENCE"]) < int(moved["SEQUENCE"]) < int(cancelled["SEQUENCE"])
    assert moved["DTSTART"] == cancelled["DTSTART"] == "20270402T110000"
    assert (moved["STATUS"], moved["TRANSP"]) == ("CONFIRMED", "OPAQUE")
    assert (cancelled["STATUS"], cancelled["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert int(cancelled["SEQUENCE"]) == scene.row().sequence


@pytest.mark.rule("frontdesk.cal.feed.r3")
def test_what_is_deleted_or_given_away_has_left(scene: Scene, feed: CalendarFeed) -> None:
    second = make.make_appointment(scene.application, agent=scene.agent, start=START)
    services.reassign_appointment(
        scene.appointment.pk,
        user_id=str(scene.colleague.pk),
        actor=scene.actor,
        now=timezone.now(),
    )
    services.delete_appointment(second.pk, actor=scene.actor, now=timezone.now())

    assert events_of(feed) == []
    assert len(events_of(make.make_feed(scene.colleague))) == 1


@pytest.mark.rule("frontdesk.cal.feed.r4")
def test_nothing_that_reaches_a_customer_is_in_it(scene: Scene, feed: CalendarFeed) -> None:
    change(scene, notes="Bring the contract", metadata={"case": "Zebra"}, internal_notes="Rude")
    Participant.objects.filter(pk=scene.customer.pk).update(phone="+32 2 123 45 67")
    link = services.access_url(scene.customer)
    assert link is not None

    text = "".join(lines_of(ask(feed).content))

    for secret in ("ada@", "+32 2", "contract", "Zebra", "Rude", link.rpartition("/")[2], "mailto"):
        assert secret not in text


@pytest.mark.rule("frontdesk.cal.feed.r4")
def test_names_of_customers_are_told_only_where_they_are_wanted_and_kept(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    assert summaries(feed) == ["Loans: Ada Lovelace"]
    assert summaries(make.make_feed(scene.agent, shows_customers=False)) == ["Loans"]

    change(scene, details_expire_at=now - timedelta(seconds=1))

    assert summaries(feed) == ["Loans"]
    change(scene, details_expire_at=None)
    Participant.objects.filter(pk=scene.customer.pk).update(erased_at=now)
    assert summaries(feed) == ["Loans"]


def test_of_many_customers_the_first_few_are_named(scene: Scene) -> None:
    people = [make.make_customer(first_name=name, last_name="") for name in "ABCDE"]
    make.make_appointment(
        scene.application, agent=scene.agent, start=START, title="", customers=people
    )

    assert "A\\, B\\, C and 2 more" in summaries(make.make_feed(scene.agent))


def test_an_untitled_appointment_with_nobody_has_a_name(scene: Scene) -> None:
    change(scene, title=" ")

    assert summaries(make.make_feed(scene.agent, shows_customers=False)) == ["Appointment"]


def test_colleagues_and_the_place_are_told(scene: Scene, feed: CalendarFeed) -> None:
    change(scene, meeting_type=MeetingType.OFFICE, office=make_office(scene))
    services.add_agent(
        scene.appointment.pk,
        user_id=str(scene.colleague.pk),
        actor=scene.actor,
        now=timezone.now(),
    )

    [event] = events_of(feed)

    assert event["LOCATION"] == "Brussels"
    assert event["DESCRIPTION"].startswith("At the office\\nWith Alan Turing\\nhttp")


def test_where_a_customer_lives_is_told_with_the_name_only(
    scene: Scene, feed: CalendarFeed
) -> None:
    words = {
        "city": [{"language": "en", "value": "Ghent"}],
        "street1": [{"language": "en", "value": "Veldstraat 1"}],
        "street2": [],
    }
    location = {"postalCode": "9000", "countryCode": "BE", "translations": words}
    change(scene, meeting_type=MeetingType.ON_LOCATION, location=location)

    named = events_of(feed)[0]["LOCATION"]
    unnamed = events_of(make.make_feed(scene.agent, shows_customers=False))[0]["LOCATION"]

    assert named == "Veldstraat 1\\, 9000 Ghent"
    assert unnamed.startswith("http")


@pytest.mark.rule("frontdesk.cal.feed.r5")
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (AbsenceReason.VACATION, "Vacation"),
        (AbsenceReason.TRAINING, "Training"),
        (AbsenceReason.SICK, "Absent"),
        (AbsenceReason.OTHER, "Absent"),
    ],
)
def test_an_absence_says_nothing_of_health(
    scene: Scene, feed: CalendarFeed, reason: AbsenceReason, told: str
) -> None:
    change(scene, start=START - timedelta(days=900), end=START - timedelta(days=899))
    make.make_absence(scene.agent, date(2027, 2, 8), date(2027, 2, 8), reason=reason, note="Flu")
    make.make_absence(scene.colleague, date(2027, 2, 8), date(2027, 2, 8))

    content = ask(feed).content

    assert summaries(feed) == [told]
    assert b"Flu" not in content
    assert b"SICK" not in content.upper()


def test_an_absence_is_in_it_while_one_of_its_days_is(scene: Scene, now: datetime) -> None:
    first, last, day = (now - BACK).date(), (now + AHEAD).date(), timedelta(days=1)
    change(scene, start=now - timedelta(days=900), end=now - timedelta(days=899))
    make.make_absence(scene.agent, first - 9 * day, first - day)
    make.make_absence(scene.agent, first - 9 * day, first)
    make.make_absence(scene.agent, last, last + 9 * day)
    make.make_absence(scene.agent, last + day, last + 9 * day)

    ends = [event["DTEND"] for event in events_of(make.make_feed(scene.agent))]

    assert ends == [f"{first + day:%Y%m%d}", f"{last + 10 * day:%Y%m%d}"]


@pytest.mark.rule("frontdesk.cal.feed.r11")
def test_an_office_has_its_appointments_and_the_default_one_those_without(scene: Scene) -> None:
    brussels, home = make_office(scene), make_office(scene, name={"de": "Haus"}, is_default=True)
    in_brussels = make.make_appointment(scene.application, agent=scene.colleague, title="There")
    Appointment.objects.filter(pk=in_brussels.pk).update(office=brussels)
    make.make_absence(scene.colleague, date(2027, 2, 8), date(2027, 2, 8))

    def shown(office: Office) -> Sequence[str]:
        return summaries(make.make_feed(office=office, shows_customers=False))

    assert shown(brussels) == ["There"]
    assert shown(home) == ["Loans"]
    assert "X-WR-CALNAME:Haus · " in ask(make.make_feed(office=home)).content.decode()


def test_nothing_of_another_organisation_is_in_it(scene: Scene, feed: CalendarFeed) -> None:
    others = make_scene(start=START, title="Of theirs")
    home = make_office(scene, is_default=True)

    for one in (feed, make.make_feed(office=home)):
        assert summaries(one) == ["Loans: Ada Lovelace"]
    assert summaries(make.make_feed(others.agent)) == ["Of theirs: Ada Lovelace"]


def test_an_empty_feed_is_a_calendar_too(scene: Scene) -> None:
    content = ask(make.make_feed(scene.colleague)).content

    assert b"VEVENT" not in content
    assert content.count(b"BEGIN:VTIMEZONE") == 1


def test_a_reading_takes_as_many_queries_whatever_is_in_it(
    scene: Scene, feed: CalendarFeed, now: datetime
) -> None:
    def queries(read: Callable[[], object]) -> int:
        read()
        with CaptureQueriesContext(connection) as captured:
            read()
        return len(captured)

    def to_read() -> int:
        return queries(lambda: reading_of(feed, now=now))

    def to_look() -> int:
        etag = ask(feed)["ETag"]
        return queries(lambda: ask(feed, If_None_Match=etag))

    with_one = to_read(), to_look()
    book_many(scene, 30, now=now)
    make.make_absence(scene.agent, date(2027, 2, 8), date(2027, 2, 8))

    assert (to_read(), to_look()) == with_one == (9, 3)


def test_what_is_beyond_all_bounds_is_cut_off(
    scene: Scene, feed: CalendarFeed, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALENDAR_EVENTS", 10)
    change(scene, start=now - timedelta(days=2), end=now - timedelta(days=1), title="Before")
    book_many(scene, 12, now=now)

    # What is to come goes before what has been, the nearest first.
    assert summaries(feed) == [f"Consultation {number}: Ada Lovelace" for number in range(10)]

    monkeypatch.setattr(limits, "CALENDAR_EVENTS", 13)
    assert summaries(feed)[0] == "Before: Ada Lovelace"
    assert len(events_of(feed)) == 13
