"""The pages in a real browser: by keyboard, on a phone, and asking nobody but us."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from appointments import services
from appointments.models import Appointment, TargetType
from appointments.services.tickets import access_url
from config.kernel.actors import Role
from notifications.models import Channel, ChannelSettings, Notification, NotificationContent, Status
from tests.make import (
    PASSWORD,
    actor_for,
    customers_of,
    make_application,
    make_appointment,
    make_customer,
    make_organization,
    make_user,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from agents.models import User

pytestmark = pytest.mark.django_db(transaction=True)

BERLIN = ZoneInfo("Europe/Berlin")
WIDTH_OF_A_PHONE = {"width": 360, "height": 740}


@pytest.fixture
def supervisor() -> User:
    """Give a supervisor of an organisation that has one application."""
    organization = make_organization("Northwind Care")
    make_application(organization, name="Online", default_timezone="Europe/Berlin")
    return make_user(
        organization,
        [Role.SUPERVISOR],
        username="amara@example.org",
        first_name="Amara",
        last_name="Okafor",
    )


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def booked(supervisor: User, tomorrow: datetime) -> Appointment:
    """Give an appointment of tomorrow whose customer has got one mail."""
    agent = make_user(supervisor.organization, first_name="Ben", last_name="Larsen")
    application = make_application(supervisor.organization, name="Home visits")
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
        reminder_offsets=["PT1H"],
    )
    booked = make_appointment(
        application,
        organizer=supervisor,
        start=tomorrow,
        target=services.Target(type=TargetType.AGENT, id=str(agent.pk)),
        title="First consultation",
        locale="de-DE",
        customers=[make_customer(first_name="Jonas", last_name="Weber")],
    )
    mail = Notification.objects.get(subject_id=booked.pk, type="CREATE")
    Notification.objects.filter(pk=mail.pk).update(status=Status.DELIVERED, due_at=None)
    NotificationContent.objects.filter(pk=mail.pk).update(
        subject="Ihr Termin", text="Guten Tag Jonas", html="<h1>Guten Tag Jonas</h1>"
    )
    return booked


def has_no_sideways_scrolling(page: Page) -> bool:
    script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(script))


def tab_to(page: Page, text: str) -> None:
    """Step on until the focus is where the text is."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if text in str(page.evaluate("document.activeElement.innerText")):
            return
    pytest.fail(f"Tab does not lead to {text}.")


def test_a_supervisor_gets_from_the_door_to_a_timeline_by_keyboard(
    page: Page, supervisor: User, booked: Appointment, tomorrow: datetime
) -> None:
    page.goto(f"/?date={tomorrow.date()}&zone=Europe/Berlin")
    page.keyboard.type(supervisor.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ben Larsen")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{tomorrow:%A}")

    tab_to(page, "Jonas Weber")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jonas Weber")
    tab_to(page, "Message and history")
    page.keyboard.press("Enter")

    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("by Amara Okafor")
    expect(timeline).to_contain_text("E-mail: Booked")
    expect(timeline).to_contain_text("1 hour before the start")
    expect(timeline.get_by_text("Guten Tag Jonas")).to_be_visible()
    message = page.frame_locator("iframe").first
    expect(message.get_by_role("heading", name="Guten Tag Jonas")).to_be_visible()


def test_a_wrong_password_is_said_where_one_looks(page: Page, supervisor: User) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill(supervisor.username)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    expect(page.get_by_label("User name")).to_have_value(supervisor.username)


def test_signing_out_leads_back_to_the_door(
    page: Page, supervisor: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("status")).to_have_text("You have signed out.")


def test_the_days_and_the_zone_can_be_changed(
    page: Page,
    supervisor: User,
    booked: Appointment,
    tomorrow: datetime,
    sign_in: Callable[[User], None],
) -> None:
    sign_in(supervisor)
    page.goto(f"/?date={tomorrow.date() - timedelta(days=1)}&zone=Europe/Berlin")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("09:00", exact=True)).to_be_visible()
    page.get_by_label("Time zone").select_option("Asia/Kolkata")
    page.get_by_role("button", name="Show").click()

    expected = tomorrow.astimezone(ZoneInfo("Asia/Kolkata"))
    expect(page.get_by_text(f"{expected:%H:%M}", exact=True)).to_be_visible()
    expect(page.get_by_text("Times in Asia/Kolkata (UTC+05:30)")).to_be_visible()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")


def test_every_page_fits_a_phone(
    page: Page,
    supervisor: User,
    booked: Appointment,
    tomorrow: datetime,
    sign_in: Callable[[User], None],
) -> None:
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    link = access_url(customers_of(booked)[0]) or ""
    sign_in(supervisor)

    for path in (
        "/login/",
        "/password/",
        f"/?date={tomorrow.date()}",
        "/?date=2031-01-02",
        f"/appointments/{booked.pk}/",
        link[link.index("/q/") :],
    ):
        page.goto(path)
        assert has_no_sideways_scrolling(page), path


def test_the_theme_follows_the_system(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/login/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_every_field_has_a_label_and_every_page_its_landmarks(
    page: Page,
    supervisor: User,
    booked: Appointment,
    tomorrow: datetime,
    sign_in: Callable[[User], None],
) -> None:
    unlabelled = """[...document.querySelectorAll("input:not([type=hidden]), select, button")]
        .filter((one) => !one.labels?.length && !one.innerText && !one.ariaLabel).length"""
    sign_in(supervisor)

    for path in ("/login/", f"/?date={tomorrow.date()}", f"/appointments/{booked.pk}/"):
        page.goto(path)
        assert page.evaluate(unlabelled) == 0, path
        assert page.locator("main").count() == page.locator("h1").count() == 1, path
        assert page.locator("html").get_attribute("lang") == "en", path
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_a_customer_sees_the_appointment_and_takes_the_calendar_file(
    page: Page, booked: Appointment
) -> None:
    link = access_url(customers_of(booked)[0]) or ""
    page.goto(link[link.index("/q/") :])
    expect(page.get_by_role("heading", level=1)).to_have_text("First consultation")
    expect(page.get_by_text("09:00 – 09:30")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Kalenderdatei (iCal)").click()

    assert download.value.suggested_filename == "appointment.ics"
    page.get_by_label("Zeitzone").select_option("Asia/Kolkata")
    page.get_by_role("button", name="In dieser Zeitzone zeigen").click()
    expect(page.get_by_text("Asia/Kolkata (UTC+05:30)").first).to_be_visible()


def test_a_customer_is_told_that_it_was_cancelled(
    page: Page, supervisor: User, booked: Appointment, now: datetime
) -> None:
    link = access_url(customers_of(booked)[0]) or ""
    services.cancel_appointment(booked.pk, actor=actor_for(supervisor), now=now)

    page.goto(link[link.index("/q/") :])

    expect(page.get_by_role("status")).to_have_text("Dieser Termin wurde abgesagt.")


def test_the_administration_works_under_our_policy(
    page: Page, supervisor: User, booked: Appointment, sign_in: Callable[[User], None]
) -> None:
    sign_in(make_user(supervisor.organization, [Role.ADMIN, Role.SUPERVISOR]))
    page.goto("/admin/notifications/channelsettings/add/")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill("Home")
    page.get_by_role("option", name="Home visits").click()
    page.get_by_label("Channel").select_option("SMS")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    page.goto(f"/admin/appointments/appointment/{booked.pk}/change/")
    page.get_by_role("link", name="View on site").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jonas Weber")


@pytest.mark.rule("frontdesk.schema.get.r2")
@pytest.mark.parametrize("form", ["swagger", "redoc"])
def test_the_reference_shows_the_operations(page: Page, form: str) -> None:
    page.goto(f"/api/schema/{form}/")

    # It draws every operation before it shows one.
    shown = page.get_by_text("/api/token/", exact=True).first
    expect(shown).to_be_visible(timeout=30_000)
    # Whatever else it fetches, it has fetched by now; `page` complains of other hosts.
    page.wait_for_load_state("networkidle")
