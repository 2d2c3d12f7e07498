"""The pages of working hours in a real browser: a week, an absence, and what comes out of them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from agents.models import Absence, UserSkill
from agents.services import hours
from config.kernel.actors import Role
from tests.appointments import entries
from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling, tab_to
from tests.make import (
    make_absence,
    make_application,
    make_holiday,
    make_hours,
    make_organization,
    make_skill,
    make_user,
    make_working_day,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from agents.models import Organization, User
    from appointments.models import Office

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def house() -> Organization:
    """Give an organisation on the clock of Berlin."""
    house = make_organization("Northwind Care")
    make_application(house, name="Online", default_timezone="Europe/Berlin")
    return house


@pytest.fixture
def ben(house: Organization) -> User:
    """Give an agent who keeps no hours yet."""
    return make_user(house, first_name="Ben", last_name="Larsen")


@pytest.fixture
def supervisor(house: Organization) -> User:
    """Give somebody who plans."""
    return make_user(house, [Role.SUPERVISOR], first_name="Amara", last_name="Okafor")


def test_a_supervisor_edits_a_week_and_an_absence_and_sees_what_comes_out_of_them(
    page: Page, ben: User, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/")
    tab_to(page, "People")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ben Larsen").click()
    expect(page.get_by_text("Times on the clock of Europe/Berlin.")).to_be_visible()

    page.get_by_label("Monday, interval 1, from").fill("09:00")
    page.get_by_label("Monday, interval 1, to").fill("12:00")
    page.get_by_label("Monday, interval 2, from").fill("13:00")
    page.get_by_label("Monday, interval 2, to").fill("17:00")
    page.get_by_role("button", name="Copy Monday to Friday").click()
    expect(page.get_by_label("Friday, interval 2, to")).to_have_value("17:00")
    page.get_by_role("button", name="Add another interval on Saturday").click()
    page.get_by_label("Saturday, interval 3, from").fill("10:00")
    page.get_by_label("Saturday, interval 3, to").fill("14:00")
    # Enter in a field saves, and adds no row.
    page.get_by_label("Saturday, interval 3, to").press("Enter")
    expect(page.get_by_role("status")).to_have_text("The hours of the week are kept.")

    assert len(hours.PEOPLE.week_of(ben)) == 11
    ahead = page.get_by_role("region", name="The next 14 days")
    expect(ahead.get_by_text("09:00–12:00, 13:00–17:00")).to_have_count(10)
    expect(ahead.get_by_text("10:00–14:00")).to_have_count(2)

    first = timezone.now().date() + 2 * DAY
    page.get_by_label("First day").fill(first.isoformat())
    page.get_by_label("Last day").fill((first + 4 * DAY).isoformat())
    page.get_by_label("Reason").select_option(label="Training")
    page.get_by_role("button", name="Add the absence").click()

    expect(page.get_by_role("status")).to_contain_text("The absence is written down.")
    expect(ahead.get_by_text("Training")).to_have_count(5)
    assert Absence.objects.get().ends_on == first + 4 * DAY


def test_a_supervisor_fills_in_the_table_of_skills_by_keyboard(
    page: Page, ben: User, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    make_skill(ben, "Loans", level=50)
    sign_in(supervisor)
    page.goto("/skills/")
    page.get_by_role("link", name="in one table").click()

    page.get_by_label("Amara Okafor: Loans").fill("80")
    page.get_by_label("Ben Larsen: Loans").fill("")
    page.get_by_label("Ben Larsen: Loans").press("Enter")

    expect(page.get_by_role("status")).to_have_text("The skills of 2 people are changed.")
    assert list(UserSkill.objects.values_list("user", "level")) == [(supervisor.pk, 80)]


def test_what_overlaps_is_said_at_its_day(
    page: Page, ben: User, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto(f"/people/{ben.pk}/hours/")

    for number, times in enumerate((("09:00", "12:00"), ("11:00", "13:00")), 1):
        for word, at in zip(("from", "to"), times, strict=True):
            page.get_by_label(f"Tuesday, interval {number}, {word}").fill(at)
    page.get_by_role("button", name="Save the week").first.click()

    day = page.get_by_role("group", name="Tuesday")
    expect(day.get_by_role("alert")).to_have_text("09:00–12:00 and 11:00–13:00 overlap.")
    expect(day.get_by_label("Tuesday, interval 2, to")).to_have_value("13:00")


@pytest.fixture
def paths(house: Organization, ben: User) -> list[str]:
    """Give the pages, each with something to show."""
    today = timezone.now().date()
    ben.languages = ["de", "en"]
    ben.save(update_fields=["languages"])
    make_hours(ben, "09:00", "12:00")
    make_hours(ben, "13:00", "17:00")
    make_working_day(ben, today + 5 * DAY, ("10:00", "12:00"), ("13:00", "14:30"))
    make_working_day(ben, today + 6 * DAY)
    absence = make_absence(ben, today + 7 * DAY, today + 9 * DAY, note="A long word " * 20)
    make_holiday(house, today + 10 * DAY, name="Constitution Day")
    make_skill(ben, "Loans", level=50)
    office: Office = entries.make_office(house)
    entries.make_office_hours(office)
    entries.make_office_day(office, today + 5 * DAY)
    return [
        "/people/",
        f"/people/{ben.pk}/hours/",
        f"/absences/{absence.pk}/",
        "/holidays/",
        "/skills/",
        "/skills/matrix/",
        f"/offices/{office.pk}/hours/",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_a_phone_and_labels_its_fields(
    page: Page, paths: list[str], supervisor: User, sign_in: Callable[[User], None], theme: str
) -> None:
    sign_in(supervisor)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    for path in paths:
        page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
        page.goto(path)

        assert has_no_sideways_scrolling(page), path
        assert page.evaluate(_UNLABELLED) == [], path
        if folder := os.environ.get("SHOTS"):
            name = path.strip("/").replace("/", "-")
            page.screenshot(path=f"{folder}/{name}-phone-{theme}.png", full_page=True)
            page.set_viewport_size({"width": 1200, "height": 900})
            page.screenshot(path=f"{folder}/{name}-desk-{theme}.png", full_page=True)


_UNLABELLED = """
[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter((one) => !one.labels.length && !one.getAttribute("aria-label"))
    .map((one) => one.name)
"""


def test_an_agent_reads_its_own_hours(
    page: Page, paths: list[str], ben: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(ben)
    page.goto("/")
    tab_to(page, "Hours")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Your hours")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("10:00–12:00, 13:00–14:30").first).to_be_visible()
