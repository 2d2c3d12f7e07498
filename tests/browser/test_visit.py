"""A customer with a phone: from the link in the mail to another time, new details, and a reason."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from appointments.models import Appointment
from appointments.services.tickets import access_url
from config.kernel.actors import Role
from tests import make
from tests.browser.test_pages import BERLIN, WIDTH_OF_A_PHONE, has_no_sideways_scrolling
from tests.browser.test_requests import shoot

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

    from agents.models import Application

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin: a year can be booked by customers."""
    return make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        booking_horizon=timedelta(days=365),
        prevent_overlaps=True,
    )


@pytest.fixture
def booked(application: Application, now: datetime) -> Appointment:
    """Give an appointment of Jonas Weber with Ben on Wednesday in a week, at ten."""
    ben = make.make_user(application.organization, first_name="Ben", last_name="Larsen")
    make.make_hours(ben)
    today = now.astimezone(BERLIN).date()
    wednesday = today + timedelta(days=9 - today.weekday())
    return make.make_appointment(
        application,
        organizer=make.make_user(application.organization, [Role.SUPERVISOR]),
        agent=ben,
        title="Consultation",
        locale="de-DE",
        start=datetime.combine(wednesday, time(10), BERLIN),
        customers=[
            make.make_customer(first_name="Jonas", last_name="Weber", email="jonas@example.com")
        ],
    )


@pytest.fixture
def phone(page: Page) -> Page:
    """Give a page as wide as a small phone."""
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    return page


def path_of(booked: Appointment) -> str:
    link = access_url(make.customers_of(booked)[0])
    assert link is not None
    return link[link.index("/q/") :]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_a_phone_and_say_what_everything_is(
    phone: Page, booked: Appointment, theme: str
) -> None:
    unlabelled = """[...document.querySelectorAll("input:not([type=hidden]), select, button")]
        .filter((one) => !one.labels?.length && !one.innerText && !one.ariaLabel).length"""
    phone.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    for page in ("", "/move/", "/cancel/", "/details/"):
        phone.goto(f"{path_of(booked)}{page}")
        shoot(phone, f"visit{page.strip('/') and '-' + page.strip('/')}-{theme}")
        assert has_no_sideways_scrolling(phone), page
        assert phone.evaluate(unlabelled) == 0, page
        assert phone.locator("main").count() == phone.locator("h1").count() == 1, page


def test_without_scripts_the_pages_work_in_light_and_dark(
    visitor: BrowserContext, live_server: LiveServer, booked: Appointment
) -> None:
    assert visitor.browser is not None
    context = visitor.browser.new_context(
        base_url=live_server.url, java_script_enabled=False, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(f"{path_of(booked)}/move/")
    ground = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
    page.get_by_label("09:00", exact=True).check()
    page.get_by_role("button", name="Auf diese Zeit verlegen").click()

    expect(page.get_by_text("09:00 – 09:30")).to_be_visible()
    assert ground == "rgb(16, 22, 29)"
    context.close()


def test_the_waiting_room_counts_down_and_opens_by_itself(
    phone: Page, application: Application, now: datetime
) -> None:
    soon = make.make_appointment(
        application, start=now + timedelta(minutes=15, seconds=8), booked_at=now
    )
    phone.goto(path_of(soon))
    shoot(phone, "visit-waiting")
    expect(phone.get_by_role("timer")).to_have_text(re.compile(r"In \d+ seconds?"))

    expect(phone.get_by_role("link", name="Join now")).to_be_visible(timeout=20_000)
    shoot(phone, "visit-open")
