"""Calendar entries, read back by three libraries that we did not write."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.tz import tzical  # type: ignore[import-untyped]  # comes with vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.calendar import CalendarEntry, Method, calendar_file, uid_of
from notifications.timezones import vtimezone
from tests.foreign.calendars import read_strictly, read_with_icalendar, read_with_vobject
from tests.notifications.messages import APPOINTMENT, LINK, NOW, START

ENTRY = CalendarEntry(
    uid=uid_of(APPOINTMENT),
    sequence=2,
    method=Method.REQUEST,
    start=START,
    end=START + timedelta(minutes=30),
    zone="Europe/Berlin",
    summary="Pension advice, part 1; costs",
    description=f"Join here: {LINK}",
    url=LINK,
    organizer_name="Northwind Care",
    organizer_email="desk@northwind.example",
    attendee_name='Anna "Ann" Archer',
    attendee_email="anna@customers.example",
    created=NOW - timedelta(days=3),
    last_modified=NOW,
)
# Months before, at and after changes of the clocks, and a few that have none.
MOMENTS = [
    ("Europe/Berlin", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ("Europe/Dublin", datetime(2026, 1, 5, 12, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 7, 1, 18, 15, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2026, 1, 1, 0, 0, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 9, 59, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 20, 12, 0, tzinfo=UTC)),
    ("UTC", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("America/St_Johns", datetime(2100, 7, 1, 0, 0, tzinfo=UTC)),
]


def test_request_is_written_like_this() -> None:
    assert calendar_file(ENTRY).decode().splitlines() == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Frontdesk//Appointments//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Berlin",
        "BEGIN:DAYLIGHT",
        "DTSTART:20250330T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "TZNAME:CEST",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20251026T030000",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        f"UID:{APPOINTMENT}@frontdesk",
        "SEQUENCE:2",
        "DTSTAMP:20260301T080000Z",
        "CREATED:20260226T080000Z",
        "LAST-MODIFIED:20260301T080000Z",
        "DTSTART;TZID=Europe/Berlin:20260302T143000",
        "DTEND;TZID=Europe/Berlin:20260302T150000",
        "SUMMARY:Pension advice\\, part 1\\; costs",
        f"DESCRIPTION:Join here: {LINK}",
        f"LOCATION:{LINK}",
        f"URL:{LINK}",
        'ORGANIZER;CN="Northwind Care":mailto:desk@northwind.example',
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALS",
        " E;CN=\"Anna 'Ann' Archer\":mailto:anna@customers.example",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_cancellation_says_so_and_keeps_the_uid() -> None:
    cancelled = calendar_file(replace(ENTRY, method=Method.CANCEL, sequence=3, url=None))

    calendar, event = read_with_icalendar(cancelled)
    assert calendar["METHOD"] == "CANCEL"
    assert (event["UID"], event["SEQUENCE"]) == (uid_of(APPOINTMENT), 3)
    assert event["STATUS"] == "CANCELLED"


def test_open_file_shows_no_person_and_no_link() -> None:
    entry = replace(
        ENTRY,
        method=Method.PUBLISH,
        description="",
        url=None,
        organizer_email="",
        attendee_email=None,
    )

    content = calendar_file(entry).decode()

    assert "METHOD:PUBLISH" in content
    assert not re.search("mailto|Archer|Northwind|https?:", content)


def test_equal_entries_give_equal_bytes() -> None:
    assert calendar_file(replace(ENTRY)) == calendar_file(ENTRY)


@pytest.mark.parametrize(("zone", "start"), MOMENTS)
def test_times_are_those_of_the_instants_for_every_reader(zone: str, start: datetime) -> None:
    end = start + timedelta(hours=2)

    content = calendar_file(replace(ENTRY, zone=zone, start=start, end=end))

    strict = read_strictly(content)
    assert (strict.dtstart.astimezone(UTC), strict.dtend.astimezone(UTC)) == (start, end)
    _, event = read_with_icalendar(content)
    assert (_instant(event.start), _instant(event.end)) == (start, end)
    read = read_with_vobject(content)
    assert (read.dtstart.value.astimezone(UTC), read.dtend.value.astimezone(UTC)) == (start, end)


@pytest.mark.parametrize("hour", [0, 1])
def test_hour_that_comes_twice_is_written_in_utc(hour: int) -> None:
    start = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)

    content = calendar_file(replace(ENTRY, start=start, end=start + timedelta(hours=1)))

    assert (
        f"DTSTART:20261025T0{hour}3000Z\r\nDTEND:20261025T0{hour + 1}3000Z\r\n".encode() in content
    )


def test_file_in_utc_has_no_zone_and_is_the_same_otherwise() -> None:
    zoned, in_utc = calendar_file(ENTRY).decode(), calendar_file(ENTRY, in_utc=True).decode()

    head, _, events = zoned.partition("BEGIN:VTIMEZONE")
    event = events.partition("END:VTIMEZONE\r\n")[2]
    times = "DTSTART:20260302T133000Z\r\nDTEND:20260302T140000Z\r\n"
    assert in_utc == head + re.sub(r"DTSTART.*\r\nDTEND.*\r\n", times, event)


def test_local_time_of_the_second_hour_is_the_same_instant() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=fold) for fold in (0, 1))

    contents = [
        calendar_file(replace(ENTRY, start=start, end=datetime(2026, 10, 25, 5, 0, tzinfo=UTC)))
        for start in (first, second)
    ]

    starts = [read_strictly(content).dtstart.astimezone(UTC) for content in contents]
    assert starts == [first.astimezone(UTC), second.astimezone(UTC)]
    assert starts[1] - starts[0] == timedelta(hours=1)


def test_utc_needs_no_time_zone_component() -> None:
    content = calendar_file(replace(ENTRY, zone="UTC"))

    assert b"VTIMEZONE" not in content
    assert b"DTSTART:20260302T133000Z" in content


def test_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="IANA"):
        calendar_file(replace(ENTRY, zone="Mars/Olympus"))


def test_lines_are_folded_within_75_octets_and_never_within_a_character() -> None:
    content = calendar_file(replace(ENTRY, summary="Ü€😀" * 80))

    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    for line in content.split(b"\r\n"):
        line.decode()
    assert read_strictly(content).summary == "Ü€😀" * 80


def test_text_cannot_add_a_line() -> None:
    sly = "x\r\nATTENDEE:mailto:evil@evil.example\nEND:VEVENT\r"
    entry = replace(
        ENTRY, summary=sly, description=sly, url=sly, organizer_name=sly, attendee_name=sly
    )

    content = calendar_file(entry)

    assert content.count(b"\nATTENDEE") == 1
    assert content.count(b"END:VEVENT\r\nEND:VCALENDAR") == 1
    assert read_strictly(content).summary == sly.replace("\r\n", "\n").replace("\r", "\n")


# What calendars can hold: no control characters but line ends, and no halves of characters.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=300
)
# Nor backslashes: parameters have no such escape (RFC 5545, 3.2), and icalendar reads one.
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"^\\'))
INSTANTS = st.integers(0, 180 * 366 * 86_400).map(
    lambda seconds: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


ENTRIES = st.builds(
    replace,
    st.just(ENTRY),
    summary=TEXTS,
    description=TEXTS,
    attendee_name=NAMES,
    start=INSTANTS,
    sequence=st.integers(0, 2**31 - 1),
    zone=st.sampled_from(sorted({zone for zone, _ in MOMENTS} | {"Asia/Tehran", "Etc/GMT+5"})),
)


@settings(max_examples=150, deadline=None)
@given(entry=ENTRIES, minutes=st.integers(1, 60 * 24 * 40))
def test_any_entry_means_the_same_to_every_reader(entry: CalendarEntry, minutes: int) -> None:
    entry = replace(entry, end=entry.start + timedelta(minutes=minutes))

    content = calendar_file(entry)

    times = (entry.start, entry.end)
    strict = read_strictly(content)
    assert (strict.summary or "", strict.description or "") == (entry.summary, entry.description)
    assert (strict.dtstart.astimezone(UTC), strict.dtend.astimezone(UTC)) == times
    assert (strict.uid, strict.sequence) == (entry.uid, entry.sequence)
    _, event = read_with_icalendar(content)
    assert str(event["SUMMARY"]) == entry.summary
    assert str(event.get("DESCRIPTION", "")) == entry.description
    assert event["ATTENDEE"].params.get("CN", "") == entry.attendee_name.strip()
    assert (_instant(event.start), _instant(event.end)) == times
    read = read_with_vobject(content)
    assert read.summary.value == entry.summary
    assert (read.dtstart.value.astimezone(UTC), read.dtend.value.astimezone(UTC)) == times


def _instant(moment: date) -> datetime:
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


@pytest.mark.parametrize("year", [2026, 2038])
def test_every_zone_is_told_as_the_database_has_it(year: int) -> None:
    wrong = []
    for name in sorted(available_timezones() - {"Factory", "localtime"}):
        zone = ZoneInfo(name)
        component = vtimezone(name, first_year=year - 1, last_year=year + 1)
        told = tzical(io.StringIO(component)).get(name)
        for moment in _around_changes(zone, year):
            local = moment.astimezone(zone)
            if local.replace(fold=0).astimezone(UTC) != moment:
                continue  # Only the first of two equal local times can be told.
            if told.utcoffset(local.replace(tzinfo=None)) != local.utcoffset():
                wrong.append((name, local))

    assert wrong == []


def _around_changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """Give the first of each month, and the moments around every change of the clocks."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    moments = [datetime(year, month, 1, 12, tzinfo=UTC) for month in range(1, 13)]
    for earlier, later in pairwise(days):
        if earlier.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            moments += [earlier + timedelta(minutes=30 * step) for step in range(-4, 52)]
    return moments
