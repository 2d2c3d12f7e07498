"""A customer with a phone: from the link in the mail to another time, new details, and a reason."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from appointments.models import Appointment, State
from appointments.services.tickets import access_url
from config.kernel.actors import Role
from notifications.models import Channel
from notifications.services import dispatch
from notifications.transports.email import smtp
from tests import make
from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling
from tests.browser.test_requests import shoot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from playwright.sync_api import BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)

BERLIN = ZoneInfo("Europe/Berlin")
JONAS = "jonas@example.com"
TEN = time(10)


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin: a year can be booked, mails are sent."""
    application = make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        booking_horizon=timedelta(days=365),
        prevent_overlaps=True,
    )
    make.make_channel(application, Channel.EMAIL)
    return application


@pytest.fixture
def sunday(now: datetime) -> date:
    """Give the next day on which the clocks in Berlin change, with a working week before it."""
    day = now.astimezone(BERLIN).date() + timedelta(days=6)
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(0), BERLIN).utcoffset()


@pytest.fixture
def booked(application: Application, sunday: date) -> Appointment:
    """Give an appointment of Jonas Weber with Ben on the Friday before, at ten."""
    ben = make.make_user(application.organization, first_name="Ben", last_name="Larsen")
    make.make_hours(ben)
    return make.make_appointment(
        application,
        organizer=make.make_user(application.organization, [Role.SUPERVISOR]),
        agent=ben,
        title="Consultation",
        locale="de-DE",
        start=datetime.combine(sunday - timedelta(days=2), TEN, BERLIN),
        customers=[make.make_customer(first_name="Jonas", last_name="Weber", email=JONAS)],
    )


@pytest.fixture
def phone(page: Page) -> Page:
    """Give a page as wide as a small phone."""
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    return page


@pytest.fixture(autouse=True)
def _connection_is_not_kept() -> Iterator[None]:
    yield
    smtp.hang_up()


def mails(mailbox: Mailbox) -> list[EmailMessage]:
    """Have what is due sent, and give what Jonas got, the newest last."""
    dispatch.send_due(Channel.EMAIL)
    return mailbox.to(JONAS)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    found = re.search(r"/q/\S+", text_of(mail))
    assert found is not None
    return found[0]


def test_a_customer_moves_its_booking_over_a_change_of_clocks_and_cancels_it(
    phone: Page, mailbox: Mailbox, booked: Appointment, sunday: date
) -> None:
    phone.goto(link_in(mails(mailbox)[-1]))
    expect(phone.get_by_text("10:00 – 10:30")).to_be_visible()
    shoot(phone, "visit-phone")
    phone.get_by_role("link", name="Andere Zeit").click()
    shoot(phone, "visit-move-phone")
    monday = sunday + timedelta(days=1)
    day = phone.locator(f"a[href*='day={monday}']")
    if not day.count():
        phone.get_by_role("link", name="Später").click()
    day.click()
    shoot(phone, "visit-move-monday-phone")
    assert has_no_sideways_scrolling(phone)
    phone.get_by_label("10:00", exact=True).check()
    phone.get_by_role("button", name="Auf diese Zeit verlegen").click()

    expect(phone.get_by_role("status")).to_contain_text("Der Termin wurde verlegt.")
    expect(phone.get_by_text("10:00 – 10:30")).to_be_visible()
    shoot(phone, "visit-moved-phone")
    moved = mails(mailbox)[-1]
    assert "10:00" in text_of(moved)
    assert f"{monday.day}." in text_of(moved)
    booked.refresh_from_db()
    assert booked.start == datetime.combine(monday, TEN, BERLIN)

    phone.goto(link_in(moved))
    phone.get_by_role("link", name="Termin absagen").click()
    phone.get_by_label("Grund").fill("Ich bin krank")
    phone.get_by_role("button", name="Termin absagen").click()

    expect(phone.get_by_role("status")).to_have_text("Dieser Termin wurde abgesagt.")
    shoot(phone, "visit-cancelled-phone")
    booked.refresh_from_db()
    assert (booked.state, booked.last_message) == (State.CANCELLED, "Ich bin krank")
    assert "abgesagt" in text_of(mails(mailbox)[-1])


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
