"""What was told, in a real browser: a failed mail is sent again, a reminder is cancelled."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from config.kernel.actors import Role
from notifications.models import Channel, Notification, Status
from notifications.services import dispatch
from notifications.transports import Refused, TryLater
from tests import make
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page, ViewportSize
    from pytest_django import Settings

    from agents.models import User
    from appointments.models import Appointment

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH_OF_A_PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> ScriptedTransport:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    settings.NOTIFICATIONS_RETRIES = {"EMAIL": [timedelta(hours=2)]}
    scripted.transport.forget()
    return scripted.transport


@pytest.fixture
def supervisor() -> User:
    """Give a supervisor of an organisation that has one application."""
    organization = make.make_organization("Northwind Care")
    make.make_application(organization, name="Online", default_timezone="America/New_York")
    return make.make_user(organization, [Role.SUPERVISOR], first_name="Amara", last_name="Okafor")


@pytest.fixture
def booked(supervisor: User) -> Appointment:
    """Give an appointment in New York whose customer is told at once and reminded."""
    application = make.make_application(supervisor.organization, name="Home visits")
    make.make_channel(application, reminder_offsets=["PT24H"])
    return make.make_appointment(
        application,
        organizer=supervisor,
        agent=make.make_user(supervisor.organization, first_name="Ben", last_name="Larsen"),
        start=datetime(2027, 3, 14, 13, 0, tzinfo=UTC),
        zone="America/New_York",
        customers=[make.make_customer(first_name="Jonas", last_name="Weber")],
    )


@pytest.fixture
def timeline(
    page: Page, booked: Appointment, supervisor: User, sign_in: Callable[[User], None]
) -> Callable[[str], Locator]:
    """Open the page anew and give one message of its timeline, by its heading."""
    sign_in(supervisor)

    def message(heading: str) -> Locator:
        page.goto(f"/appointments/{booked.pk}/")
        return message_in(page, heading)

    return message


def message_in(page: Page, heading: str) -> Locator:
    region = page.get_by_role("region", name="Timeline")
    return region.get_by_role("listitem").filter(
        has=page.get_by_role("heading", name=heading, exact=True)
    )


def has_no_sideways_scrolling(page: Page) -> bool:
    script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(script))


def test_a_mail_that_has_failed_is_sent_again(
    page: Page, timeline: Callable[[str], Locator], provider: ScriptedTransport
) -> None:
    provider.answers = [Refused(reason="550 no such mailbox", provider_status="550")]
    dispatch.send_due(Channel.EMAIL)

    mail = timeline("E-mail: Booked")
    expect(mail).to_contain_text("550 no such mailbox")
    again = mail.get_by_role("button", name="Send again")
    again.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The message is being sent.")
    expect(mail).to_contain_text("Will be sent again as soon as a worker is free.")
    dispatch.send_due(Channel.EMAIL)

    mail = timeline("E-mail: Booked")
    expect(mail.get_by_text("Delivered").first).to_be_visible()
    expect(mail).to_contain_text("2 attempts")
    mail.get_by_text("Message and history").click()
    for said in ("attempt 1 · 550", "Sent again by hand.", "Delivered, attempt 2 · 250"):
        expect(mail.get_by_role("table")).to_contain_text(said)
    expect(mail.get_by_text("See you at 10")).to_be_visible()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text(
        re.compile(r"E-mail: Booked, sent again by hand\s+by Amara Okafor")
    )


def test_what_waits_for_its_next_attempt_says_when_and_can_be_sent_now(
    page: Page, timeline: Callable[[str], Locator], provider: ScriptedTransport
) -> None:
    provider.answers = [TryLater(reason="451 busy", provider_status="451")]
    dispatch.send_due(Channel.EMAIL)

    mail = timeline("E-mail: Booked")
    expect(mail).to_contain_text(
        re.compile(r"Will be sent again on \d+ \w+ \d{4} at \d\d:\d\d:\d\d\.")
    )
    mail.get_by_role("button", name="Send now").click()

    expect(mail).to_contain_text("Will be sent again as soon as a worker is free.")
    assert dispatch.send_due(Channel.EMAIL) == 1


def test_a_reminder_is_cancelled_after_a_question(
    page: Page, timeline: Callable[[str], Locator], booked: Appointment
) -> None:
    reminder = timeline("E-mail: Reminder")
    # The clocks in New York go forward in that night: 24 hours before 09:00 is 08:00.
    expect(reminder).to_contain_text("Will be sent on 13 Mar 2027 at 08:00:00.")
    reminder.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancel this message?")
    expect(page.get_by_role("main")).to_contain_text("at 08:00 (America/New_York)")
    page.get_by_role("link", name="Keep it").click()
    assert Notification.objects.get(type="REMINDER").status == Status.INITIALIZED

    reminder.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the message").click()

    expect(page.get_by_role("status")).to_have_text("The message will not be sent.")
    expect(reminder.get_by_text("Cancelled", exact=True).first).to_be_visible()
    expect(reminder.get_by_role("link", name="Cancel…")).to_have_count(0)
    assert Notification.objects.get(type="REMINDER").status == Status.CANCELLED


def test_it_can_be_read_and_used_on_a_phone(
    page: Page, timeline: Callable[[str], Locator], provider: ScriptedTransport
) -> None:
    page.set_viewport_size(WIDTH_OF_A_PHONE)
    provider.answers = [Refused(reason=f"550 {'no-such-mailbox-' * 8}", provider_status="550")]
    dispatch.send_due(Channel.EMAIL)

    mail = timeline("E-mail: Booked")
    mail.get_by_text("History").first.click()

    assert has_no_sideways_scrolling(page)
    for button in (
        mail.get_by_role("button"),
        message_in(page, "E-mail: Reminder").get_by_role("link"),
    ):
        box = button.first.bounding_box()
        assert box is not None
        # WCAG 2.2, 2.5.8: large enough for a finger.
        assert box["height"] >= 24
    message_in(page, "E-mail: Reminder").get_by_role("link", name="Cancel…").click()
    assert has_no_sideways_scrolling(page)


def test_without_messages_the_timeline_says_what_happened_alone(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    quiet = make.make_appointment(
        make.make_application(supervisor.organization), organizer=supervisor
    )
    sign_in(supervisor)

    page.goto(f"/appointments/{quiet.pk}/")

    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("Nobody has been told of it, and nothing is planned.")
    expect(timeline.get_by_role("heading", name="Booked")).to_be_visible()
