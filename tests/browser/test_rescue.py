"""The day of an absent agent in a real browser: looked at, moved, and given back."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from appointments.models import Appointment
from tests.appointments.rescuing import Sickness, agents_of, make_sickness
from tests.browser.test_pages import BERLIN, WIDTH_OF_A_PHONE, has_no_sideways_scrolling
from tests.make import make_absence, make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from agents.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house() -> Sickness:
    """Give a house in Berlin, in which nobody is booked twice."""
    return make_sickness(name="Online", default_timezone="Europe/Berlin")


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    local = now.astimezone(BERLIN) + timedelta(days=1)
    return local.replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def booked(house: Sickness, tomorrow: datetime) -> list[Appointment]:
    """Give what Grace has tomorrow: Jonas at nine and Mia at eleven."""
    return [
        make_appointment(
            house.application,
            agent=house.grace,
            start=tomorrow + timedelta(hours=later),
            title="Mortgage for a house",
            customers=[make_customer(first_name=name, last_name="Weber")],
        )
        for name, later in (("Jonas", 0), ("Mia", 2))
    ]


def shoot(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to see it."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_absent_agents_day_is_looked_at_moved_and_given_back(
    page: Page,
    house: Sickness,
    tomorrow: datetime,
    booked: list[Appointment],
    sign_in: Callable[[User], None],
) -> None:
    make_absence(house.grace, tomorrow.date(), tomorrow.date())
    sign_in(house.sofia)
    page.goto(f"/?date={tomorrow.date()}")

    page.get_by_role("link", name="Move all… of Grace Hopper").click()
    row = page.get_by_role("row", name="09:00")
    expect(row).to_contain_text("Jonas Weber")
    expect(row).to_contain_text("Mortgage for a house")
    expect(page.get_by_label("Who takes Jonas Weber at 09:00")).to_have_value(str(house.alan.pk))
    page.get_by_label("Who takes Mia Weber at 11:00").select_option(label="Barbara Liskov")
    shoot(page, "rescue-preview")
    page.get_by_role("button", name="Move all").click()

    expect(page.get_by_role("status")).to_have_text("2 appointments are moved.")
    expect(page.get_by_role("row", name="11:00")).to_contain_text("Barbara Liskov")
    shoot(page, "rescue-done")
    assert agents_of(booked) == [["Alan"], ["Barbara"]]

    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_role("note")).to_contain_text("Grace Hopper is still absent")
    shoot(page, "rescue-undo")
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("status")).to_contain_text("The appointments are given back")
    assert agents_of(booked) == [["Grace"], ["Grace"]]


def test_what_nobody_can_take_is_left_explicitly(
    page: Page,
    house: Sickness,
    tomorrow: datetime,
    booked: list[Appointment],
    sign_in: Callable[[User], None],
) -> None:
    for colleague in (house.alan, house.barbara):
        make_appointment(house.application, agent=colleague, start=tomorrow)
    sign_in(house.sofia)
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.goto(f"/rescues/new/?agent={house.grace.pk}&day={tomorrow.date()}")

    expect(page.get_by_text("Alan Turing: occupied")).to_be_visible()
    expect(page.get_by_role("button", name="Move all")).to_have_count(0)
    assert has_no_sideways_scrolling(page)
    shoot(page, "rescue-phone")
    page.get_by_label("Leave this one (Jonas Weber, 09:00)").check()
    page.get_by_role("button", name="Look again").click()
    page.get_by_role("button", name="Move the other 1").click()

    expect(page.get_by_role("note")).to_contain_text("1 appointment of these days is still with")
    assert agents_of(booked) == [["Grace"], ["Alan"]]


def test_a_supervisor_asks_why_a_time_is_not_offered(
    page: Page,
    house: Sickness,
    tomorrow: datetime,
    booked: list[Appointment],
    sign_in: Callable[[User], None],
) -> None:
    assert agents_of(booked) == [["Grace"], ["Grace"]]
    sign_in(house.sofia)
    page.goto(f"/?date={tomorrow.date()}")
    page.get_by_role("link", name="Free times").click()
    page.get_by_label("Date").fill(str(tomorrow.date()))
    page.get_by_label("Why not at (optional)").fill("09:00")
    page.get_by_role("button", name="Show").click()

    verdicts = page.get_by_role("region", name="09:00 is offered")
    expect(verdicts.get_by_role("row", name="Grace Hopper")).to_contain_text("occupied")
    expect(verdicts.get_by_role("row", name="Alan Turing")).to_contain_text("free")
    assert has_no_sideways_scrolling(page)
    shoot(page, "free-times")
