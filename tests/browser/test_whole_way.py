"""The whole way of a customer with a phone: it books, moves, cancels, books again, and talks."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from agents.models import Application
from appointments.models import Appointment, ParticipantState, State
from appointments.services.page_tokens import page_url
from notifications.models import Channel
from notifications.services import dispatch
from notifications.transports.email import smtp
from tests import make
from tests.appointments import entries
from tests.appointments.online import codes_in
from tests.browser.test_pages import BERLIN, WIDTH_OF_A_PHONE
from tests.browser.test_requests import shoot
from tests.browser.test_room import PLAYING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

    from tests.mailbox import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

DAY = timedelta(days=1)
JONAS = "jonas@example.com"


@pytest.fixture
def application() -> Application:
    """Give the application of a house with one agent, always open, and bookable for a year."""
    application = make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        booking_horizon=365 * DAY,
        minimum_notice=timedelta(0),
        slot_step=15,
        prevent_overlaps=True,
    )
    make.make_channel(application, Channel.EMAIL)
    for name in ("Beratung", "Neue Karte"):
        entries.make_subject(application.organization, name={"de": name})
    make.make_user(application.organization, first_name="Ben", last_name="Larsen")
    return application


@pytest.fixture
def sunday(now: datetime) -> date:
    """Give the next day on which the clocks in Berlin change, but for the next two."""
    day = now.astimezone(BERLIN).date() + 3 * DAY
    while _offset(day) == _offset(day + DAY):
        day += DAY
    return day


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(0), BERLIN).utcoffset()


@pytest.fixture
def phone(page: Page) -> Page:
    """Give a page as wide as a small phone."""
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    return page


@pytest.fixture(autouse=True)
def _connection_is_not_kept() -> Iterator[None]:
    yield
    smtp.hang_up()


def newest_mail(mailbox: Mailbox) -> str:
    """Have what is due sent, and give the text of the last mail that Jonas got."""
    dispatch.send_due(Channel.EMAIL)
    body = mailbox.to(JONAS)[-1].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: str) -> str:
    found = re.search(r"/q/\S+", mail)
    assert found is not None
    return found[0]


def book(page: Page, mailbox: Mailbox, day: date | None = None, clock: str = "") -> Appointment:
    """Book a time of a day, or the next free one, by the pages and with the code from the mail."""
    page.goto(f"/book/{Application.objects.get().pk}?language=de&zone=Europe/Berlin")
    page.get_by_role("link", name="Beratung").click()
    if day:
        look_for(page, day)
    time_ = page.get_by_label(clock, exact=True) if clock else page.locator("[name=start]").first
    time_.check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_label("Vorname").fill("Jonas")
    page.get_by_label("Nachname").fill("Weber")
    page.get_by_label("E-Mail").fill(JONAS)
    page.get_by_role("button", name="Code zusenden", exact=True).click()
    expect(page.get_by_text(f"an {JONAS} gesendet")).to_be_visible()
    page.get_by_label("Code").fill(next(codes_in(mailbox, JONAS)))
    page.get_by_role("button", name="Termin buchen").click()
    page.wait_for_url("**/q/*")
    expect(page.get_by_role("status").first).to_have_text("Ihr Termin ist gebucht.")
    return Appointment.objects.latest("created_at")


def look_for(page: Page, day: date) -> None:
    """Turn the pages of the calendar until a day is there, and choose it."""
    link = page.locator(f".pick-days a[href*='day={day}']")
    while not link.count():
        page.get_by_role("link", name="Später").click()
    link.click()


@pytest.mark.usefixtures("application")
def test_a_customer_books_moves_cancels_and_talks(
    phone: Page, visitor: BrowserContext, live_server: LiveServer, mailbox: Mailbox, sunday: date
) -> None:
    friday, monday = sunday - 2 * DAY, sunday + DAY
    booked = book(phone, mailbox, friday, "10:00")
    assert booked.start == datetime.combine(friday, time(10), BERLIN)
    confirmation = newest_mail(mailbox)
    assert "10:00" in confirmation

    phone.goto(link_in(confirmation))
    phone.get_by_role("link", name="Andere Zeit").click()
    look_for(phone, monday)
    phone.get_by_label("10:00", exact=True).check()
    phone.get_by_role("button", name="Auf diese Zeit verlegen").click()
    expect(phone.get_by_role("status")).to_contain_text("Der Termin wurde verlegt.")
    moved = newest_mail(mailbox)
    assert (f"{monday.day}." in moved, "10:00" in moved) == (True, True)
    booked.refresh_from_db()
    assert booked.start == datetime.combine(monday, time(10), BERLIN)

    phone.goto(link_in(moved))
    phone.get_by_role("link", name="Termin absagen").click()
    phone.get_by_label("Grund").fill("Es geht schon heute")
    phone.get_by_role("button", name="Termin absagen").click()
    expect(phone.get_by_role("status")).to_have_text("Dieser Termin wurde abgesagt.")
    assert "abgesagt" in newest_mail(mailbox)
    booked.refresh_from_db()
    assert booked.state == State.CANCELLED

    # Within the minutes for which a room is open before it begins.
    soon = book(phone, mailbox)
    phone.goto(link_in(newest_mail(mailbox)))
    phone.get_by_role("link", name="Jetzt teilnehmen").click()
    assert visitor.browser is not None
    desk = visitor.browser.new_context(base_url=live_server.url, locale="en-GB").new_page()
    row = soon.participants.get(user__first_name="Ben")
    desk.goto(urlsplit(page_url(row.pk, "video")).path)
    for one in (desk, phone):
        one.get_by_role("button", name="Hineingehen", exact=True).click()
    assert desk.get_by_label("Bild von Jonas Weber").evaluate(PLAYING)
    assert phone.get_by_label("Bild von Ben Larsen").evaluate(PLAYING)
    shoot(phone, "room-phone")
    desk.context.close()
    assert {one.state for one in soon.participants.all()} == {ParticipantState.JOINED}
