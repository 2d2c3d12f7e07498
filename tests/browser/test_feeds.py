"""The page of the calendar feeds in a real browser: by keyboard, on a phone, to its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import expect

from appointments.models import Office
from config.kernel.actors import Role
from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling, tab_to
from tests.make import make_application, make_appointment, make_feed, make_organization, make_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from agents.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supervisor() -> User:
    """Give a supervisor of an organisation with an office, and an agent who has an appointment."""
    organization = make_organization("Northwind Care")
    application = make_application(organization, name="Online")
    ben = make_user(organization, first_name="Ben", last_name="Larsen")
    make_appointment(application, agent=ben, title="First consultation")
    Office.objects.create(organization=organization, name={"en": "Brussels"}, location={})
    return make_user(organization, [Role.SUPERVISOR], first_name="Amara", last_name="Okafor")


def status_of(address: str) -> int:
    return Client().get(urlsplit(address).path).status_code


def test_a_supervisor_makes_a_feed_and_ends_it_by_keyboard(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/")
    tab_to(page, "Calendars")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Calendars")

    page.get_by_label("Whose calendar").select_option(label="Ben Larsen")
    page.get_by_label("With the names of customers").press("Space")
    tab_to(page, "Make a feed")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("the address is below")
    address = page.get_by_label("Address of Calendar of Ben Larsen").input_value()
    assert status_of(address) == 200
    tab_to(page, "Revoke")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Revoke this feed?")
    assert status_of(address) == 200
    tab_to(page, "Revoke the feed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is no feed yet")).to_be_visible()
    assert status_of(address) == 404


def test_an_office_has_a_feed_too(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/calendars/")

    page.get_by_label("Whose calendar").select_option(label="Brussels")
    page.get_by_role("button", name="Make a feed").click()

    expect(page.get_by_role("heading", name="Brussels")).to_be_visible()
    expect(page.get_by_text("not read yet")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone(
    page: Page, supervisor: User, sign_in: Callable[[User], None], theme: str
) -> None:
    for agent in supervisor.__class__.objects.agents():
        make_feed(agent)
        make_feed(agent, shows_customers=False)
    sign_in(supervisor)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.goto("/calendars/")

    assert has_no_sideways_scrolling(page)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/feeds-phone-{theme}.png", full_page=True)
        page.set_viewport_size({"width": 1200, "height": 900})
        page.screenshot(path=f"{folder}/feeds-desk-{theme}.png", full_page=True)
