"""The operations page in a real browser: by keyboard, on a phone, and to what it leads."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from appointments import proving
from config.kernel.actors import Role
from notifications.models import (
    Channel,
    HistoryPurge,
    Notification,
    NotificationContent,
    Subscription,
)
from notifications.services.upkeep import note_heartbeat
from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling, tab_to
from tests.make import (
    make_application,
    make_appointment,
    make_channel,
    make_organization,
    make_subscription,
    make_user,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from agents.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supervisor(now: datetime) -> User:
    """Give a supervisor whose customer was not told, and whose receivers are away."""
    organization = make_organization("Northwind Care")
    application = make_application(organization, name="Online")
    make_channel(application)
    make_channel(application, Channel.WEBHOOKS)
    for name, state in (
        ("CRM", {}),
        ("Data warehouse", {"failing_since": now - timedelta(hours=2)}),
        ("Former partner", {"is_active": False, "ended_reason": "It answered 410 Gone."}),
    ):
        row = make_subscription(application, name=name, url=f"https://{name[:3]}.example.org/hooks")
        Subscription.objects.filter(pk=row.pk).update(**state)
    make_appointment(application, title="First consultation")
    lost = Notification.objects.filter(channel=Channel.EMAIL)
    NotificationContent.objects.filter(notification__in=lost).delete()
    lost.delete()
    proving.prove_lately(now=now + timedelta(minutes=1))
    HistoryPurge.objects.create(purged_before=now - timedelta(days=400))
    for name in ("beat", "provider email", "worker desk-1"):
        note_heartbeat(name)
    return make_user(organization, [Role.SUPERVISOR], first_name="Amara", last_name="Okafor")


def test_a_supervisor_gets_from_the_page_to_who_was_not_told(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/")
    tab_to(page, "Operations")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Operations")
    signs = page.get_by_role("region", name="Signs of life")
    expect(signs.get_by_text("At work")).to_have_count(2)
    expect(page.get_by_role("row", name="Data warehouse")).to_contain_text("Failing")
    expect(page.get_by_text("1 message of your organisation missing")).to_be_visible()
    tab_to(page, "CREATE by EMAIL")
    page.keyboard.press("Enter")

    expect(page.get_by_text("First consultation")).to_be_visible()


def test_refreshing_shows_what_has_changed(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/operations/")
    expect(page.get_by_role("row", name="CRM")).to_contain_text("Well")
    Subscription.objects.filter(name="CRM").update(is_active=False)

    page.get_by_role("link", name="Refresh").click()

    expect(page.get_by_role("row", name="CRM")).to_contain_text("Off")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone(
    page: Page, supervisor: User, sign_in: Callable[[User], None], theme: str
) -> None:
    sign_in(supervisor)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.goto("/operations/")

    assert has_no_sideways_scrolling(page)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/phone-{theme}.png", full_page=True)
        page.set_viewport_size({"width": 1200, "height": 900})
        page.screenshot(path=f"{folder}/desk-{theme}.png", full_page=True)
