"""Choosing a free time: which days are shown, which of them is chosen, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from babel import Locale
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from agents.models import Application, User
from appointments.availability import Wanted
from appointments.slot_picker import SlotPicker, pick_slots, read_picked_day
from config.kernel.time import parse_zone
from tests import make

pytestmark = pytest.mark.django_db

BERLIN = parse_zone("Europe/Berlin")
# A Wednesday, a quarter to ten in Berlin.
NOW = datetime(2026, 11, 25, 8, 45, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def application() -> Application:
    return make.make_application(
        slot_step=60, booking_horizon=timedelta(days=30), default_timezone="Europe/Berlin"
    )


@pytest.fixture
def agent(application: Application) -> User:
    """Give an agent who works on Mondays and Fridays, from nine to twelve."""
    agent = make.make_user(application.organization)
    make.make_hours(agent, "09:00", "12:00", weekdays=[1, 5])
    return agent


@pytest.fixture
def pick(application: Application, agent: User) -> Callable[..., SlotPicker]:
    """Give the command that picks in English, on the clock of Berlin."""

    def pick(day: date | None = None, **options: Any) -> SlotPicker:
        wanted = Wanted(
            application=application,
            first=NOW,
            last=NOW,
            duration=options.pop("duration", HALF_HOUR),
            zone=options.pop("zone", BERLIN),
            **options.pop("wanted", {}),
        )
        locale = Locale.parse(options.pop("locale", "en_GB"))
        return pick_slots(wanted, now=options.pop("now", NOW), day=day, locale=locale, **options)

    return pick


def with_times(picker: SlotPicker) -> dict[str, int]:
    return {day.date.isoformat(): day.count for day in picker.days if day.count}


def values(picker: SlotPicker) -> list[str]:
    return [slot.value for slot in picker.slots]


# --- Which days -------------------------------------------------------------------------------


def test_two_whole_weeks_are_shown_from_the_present_one(pick: Callable[..., SlotPicker]) -> None:
    picker = pick()

    assert [picker.days[0].date, picker.days[-1].date] == [date(2026, 11, 23), date(2026, 12, 6)]
    assert picker.label == "23 Nov 2026 – 6 Dec 2026"
    assert [day.is_past for day in picker.days] == [True, True] + [False] * 12
    assert with_times(picker) == {"2026-11-27": 3, "2026-11-30": 3, "2026-12-04": 3}


@pytest.mark.parametrize(("locale", "first"), [("en_US", 22), ("de_DE", 23)])
def test_a_week_begins_where_the_customer_is_used_to(
    pick: Callable[..., SlotPicker], locale: str, first: int
) -> None:
    assert pick(locale=locale).days[0].date == date(2026, 11, first)


def test_the_first_day_with_a_free_time_is_chosen(pick: Callable[..., SlotPicker]) -> None:
    picker = pick()

    assert picker.chosen == "Friday, 27 November 2026"
    assert [day.date for day in picker.days if day.is_chosen] == [date(2026, 11, 27)]
    assert values(picker) == [f"2026-11-27T{hour:02}:00:00Z" for hour in (8, 9, 10)]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (date(2026, 11, 30), "Monday, 30 November 2026"),
        # On these nobody works: the next one, else the first of the two weeks.
        (date(2026, 11, 28), "Monday, 30 November 2026"),
        (date(2026, 12, 5), "Friday, 27 November 2026"),
        (date(2026, 12, 9), "Friday, 11 December 2026"),
        (date(2020, 1, 1), "Friday, 27 November 2026"),
    ],
)
def test_the_day_that_was_asked_for_is_chosen_or_the_one_after(
    pick: Callable[..., SlotPicker], asked: date, chosen: str
) -> None:
    assert pick(asked).chosen == chosen


def test_links_lead_earlier_and_later_as_far_as_customers_can_book(
    pick: Callable[..., SlotPicker],
) -> None:
    keep = {"zone": "Europe/Berlin"}

    first, second = pick(keep=keep), pick(date(2026, 12, 7), keep=keep)
    # Thirty days ahead lie within these two weeks.
    third = pick(date(2026, 12, 21))

    assert (first.earlier, first.later) == ("", "zone=Europe%2FBerlin&day=2026-12-07")
    assert second.earlier == "zone=Europe%2FBerlin&day=2026-11-25"
    assert (third.earlier, third.later) == ("day=2026-12-07", "")
    assert with_times(third) == {"2026-12-21": 3, "2026-12-25": 1}


def test_a_day_beyond_the_horizon_leads_to_the_last_weeks(
    pick: Callable[..., SlotPicker],
) -> None:
    assert pick(date(2199, 1, 1)).days[0].date == date(2026, 12, 21)


def test_two_weeks_without_a_free_time_say_so(pick: Callable[..., SlotPicker], agent: User) -> None:
    make.make_absence(agent, date(2026, 11, 23), date(2026, 12, 6))
    picker = pick()

    page = render_to_string("appointments/_slots.html", {"picker": picker})

    assert (picker.chosen, picker.groups, picker.slots) == ("", (), ())
    assert "There is no free time in these two weeks. Please look later." in page
    assert 'type="radio"' not in page
    assert f'href="?{picker.later}#slots"' in page


def test_what_begins_late_on_the_last_day_is_among_the_times(
    pick: Callable[..., SlotPicker], application: Application, agent: User
) -> None:
    agent.working_hours.all().delete()

    picker = pick(date(2026, 12, 6), duration=timedelta(hours=3))

    assert values(picker)[-1] == "2026-12-06T22:00:00Z"
    assert picker.days[-1].count == 24


# --- In words ---------------------------------------------------------------------------------


def test_times_are_told_on_the_clock_of_the_zone_by_part_of_the_day(
    pick: Callable[..., SlotPicker], agent: User
) -> None:
    agent.working_hours.all().delete()
    picker = pick(date(2026, 11, 26), zone=parse_zone("Asia/Kolkata"), locale="en_US")

    told = {group.label: [slot.label for slot in group.slots] for group in picker.groups}

    assert list(told) == ["Morning", "Afternoon", "Evening"]
    assert (told["Morning"][0], told["Morning"][-1]) == ("12:00\u202fAM", "11:00\u202fAM")
    assert (told["Afternoon"][0], told["Evening"][0]) == ("12:00\u202fPM", "6:00\u202fPM")
    assert picker.groups[0].slots[0].value == "2026-11-25T18:30:00Z"


def test_the_hour_that_the_clock_shows_twice_is_told_apart(
    pick: Callable[..., SlotPicker], application: Application, agent: User
) -> None:
    agent.working_hours.all().delete()
    now = datetime(2026, 10, 24, 8, 0, tzinfo=UTC)

    picker = pick(date(2026, 10, 25), now=now)

    assert [(slot.value, slot.label) for slot in picker.slots[1:5]] == [
        ("2026-10-24T23:00:00Z", "01:00"),
        ("2026-10-25T00:00:00Z", "02:00 (UTC+02:00)"),
        ("2026-10-25T01:00:00Z", "02:00 (UTC+01:00)"),
        ("2026-10-25T02:00:00Z", "03:00"),
    ]
    assert len(picker.slots) == 25


def test_the_hour_that_the_clock_skips_is_not_there(
    pick: Callable[..., SlotPicker], agent: User
) -> None:
    agent.working_hours.all().delete()
    now = datetime(2027, 3, 27, 8, 0, tzinfo=UTC)

    picker = pick(date(2027, 3, 28), now=now)

    assert [slot.label for slot in picker.slots[:3]] == ["00:00", "01:00", "03:00"]
    assert len(picker.slots) == 23


def test_the_page_has_a_radio_button_for_each_time_and_keeps_what_was_chosen(
    pick: Callable[..., SlotPicker],
) -> None:
    picker = pick(start="2026-11-27T09:00:00Z")

    page = render_to_string("appointments/_slots.html", {"picker": picker})

    assert page.count('type="radio" name="start"') == 3
    assert 'value="2026-11-27T09:00:00Z" checked' in page
    assert "<legend>Friday, 27 November 2026</legend>" in page
    assert 'aria-current="date"' in page
    assert "Saturday, 28 November 2026: no free time" in page
    assert "Monday, 23 November 2026: past" in page


def test_it_speaks_the_language_of_the_page(pick: Callable[..., SlotPicker]) -> None:
    with translation.override("de"):
        picker = pick(locale="de_DE")
        page = render_to_string("appointments/_slots.html", {"picker": picker})

    assert picker.chosen == "Freitag, 27. November 2026"
    for text in ("Vormittag", "freie Zeiten", "keine freie Zeit", "Später"):
        assert text in page


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_what_names_no_day_is_none(text: str) -> None:
    assert read_picked_day(text) is None


def test_one_look_at_the_calendars_is_enough_for_two_weeks(
    pick: Callable[..., SlotPicker], application: Application
) -> None:
    with CaptureQueriesContext(connection) as alone:
        pick()
    for _ in range(3):
        make.make_hours(make.make_user(application.organization))
    with CaptureQueriesContext(connection) as several:
        pick()

    assert len(alone) == len(several) <= 8
