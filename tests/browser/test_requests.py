"""Requests and invites in a real browser: worked by a supervisor, answered by a customer."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from agents.models import Application, Organization
from appointments import services
from appointments.models import Appointment, QuestionKind, State
from appointments.services.forms import OptionData, QuestionData
from appointments.services.page_tokens import page_url
from config.kernel.actors import Role
from config.kernel.time import parse_duration, parse_zone
from tests.appointments import entries
from tests.browser.test_pages import BERLIN, WIDTH_OF_A_PHONE, has_no_sideways_scrolling, tab_to
from tests.make import (
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
    from appointments.models import Subject

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization() -> Organization:
    """Give an organisation in Berlin."""
    organization = make_organization("Northwind Care")
    make_application(organization, name="Online", default_timezone="Europe/Berlin")
    return organization


@pytest.fixture
def supervisor(organization: Organization) -> User:
    """Give somebody who looks after it."""
    roles = [Role.SUPERVISOR]
    return make_user(organization, roles, first_name="Amara", last_name="Okafor")


@pytest.fixture
def subject(organization: Organization) -> Subject:
    """Give a subject that asks whoever closes an appointment about it."""
    form = entries.make_form(
        organization,
        QuestionData(label={"en": "What came of it?"}, is_required=True, order=1),
        QuestionData(
            label={"en": "What was handed out?"},
            kind=QuestionKind.CHOICES,
            options=(OptionData(value="Offer"), OptionData(value="Contract", order=1)),
            order=2,
        ),
        name="Afterwards",
    )
    return entries.make_subject(
        organization,
        duration=timedelta(minutes=45),
        completion_by_agent_form_id=form.pk,
        cancellation_by_customer_form_id=form.pk,
    )


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def asked(supervisor: User, subject: Subject, tomorrow: datetime, now: datetime) -> Appointment:
    """Give a request of Jonas Weber for tomorrow at nine, in an office in Berlin."""
    office = entries.make_office(subject.organization)
    booking = services.Booking(
        application_id=str(Application.objects.get().pk),
        zone=parse_zone("Europe/Berlin"),
        locale="de-DE",
        title="Mortgage for a house",
        customers=(make_customer(first_name="Jonas", last_name="Weber"),),
        about={"subject": str(subject.pk), "office": str(office.pk)},
        start=tomorrow,
        duration=parse_duration("PT45M"),
    )
    return services.request_appointment(booking, actor=actor_for(supervisor), now=now).appointment


def link_of(appointment: Appointment, page: str) -> str:
    return urlsplit(page_url(customers_of(appointment)[0].pk, page)).path


def state_of(appointment: Appointment) -> tuple[str, str]:
    row = Appointment.objects.get(pk=appointment.pk)
    return row.state, row.request_status


def shoot(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to see it."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_supervisor_accepts_a_request_by_keyboard(
    page: Page, supervisor: User, asked: Appointment, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/")
    tab_to(page, "Requests")
    page.keyboard.press("Enter")
    row = page.get_by_role("row", name="Jonas Weber")
    expect(row).to_contain_text("Asked for by the customer")
    expect(row).to_contain_text("09:00–09:45")
    shoot(page, "requests-desk")
    tab_to(page, "Accept")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("The request is accepted.")
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    shoot(page, "requests-empty")
    assert state_of(asked) == (State.ACTIVATED, "")


def test_another_date_is_asked_for_and_chosen_on_a_phone(
    page: Page,
    supervisor: User,
    asked: Appointment,
    tomorrow: datetime,
    sign_in: Callable[[User], None],
) -> None:
    sign_in(supervisor)
    page.goto("/requests/")
    page.get_by_role("link", name="Ask for another date… Jonas Weber").click()
    page.get_by_label("Message").fill("We are closed in the morning.")
    shoot(page, "ask-again")
    page.get_by_role("button", name="Ask for another date").click()
    expect(page.get_by_role("row", name="Jonas Weber")).to_contain_text("Another date is wanted")

    page.context.clear_cookies()
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.goto(link_of(asked, "invite"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Zeit wählen")
    assert has_no_sideways_scrolling(page)
    page.get_by_label("Datum").fill(f"{tomorrow:%Y-%m-%d}")
    page.get_by_label("Uhrzeit").fill("14:30")
    shoot(page, "invite-phone")
    page.get_by_role("button", name="Diese Zeit wählen").click()

    expect(page.get_by_role("status")).to_have_text("Die Zeit dieses Termins steht fest.")
    expect(page.get_by_text("14:30 – 15:15")).to_be_visible()
    shoot(page, "invite-chosen-phone")
    assert has_no_sideways_scrolling(page)
    assert state_of(asked) == (State.ACTIVATED, "")


def test_an_appointment_is_completed_and_reopened(
    page: Page, supervisor: User, asked: Appointment, sign_in: Callable[[User], None], now: datetime
) -> None:
    services.accept_request(asked.pk, actor=actor_for(supervisor), now=now)
    sign_in(supervisor)
    page.goto(f"/appointments/{asked.pk}/")
    shoot(page, "appointment-desk")
    page.get_by_role("link", name="Complete").click()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    shoot(page, "complete-errors")
    page.get_by_label("What came of it?").fill("He signs.")
    page.get_by_label("Contract").check()
    page.get_by_role("button", name="Complete").click()

    expect(page.get_by_role("status")).to_have_text("The appointment is completed.")
    expect(page.get_by_role("region", name="What it is about")).to_contain_text("He signs.")
    shoot(page, "appointment-completed")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("status")).to_have_text("The appointment is open again.")
    assert state_of(asked) == (State.ACTIVATED, "")


def test_a_customer_cancels_with_a_reason(
    page: Page, asked: Appointment, supervisor: User, now: datetime
) -> None:
    services.accept_request(asked.pk, actor=actor_for(supervisor), now=now)
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.emulate_media(color_scheme="dark")
    page.goto(link_of(asked, "cancel"))
    page.get_by_role("button", name="Termin absagen").click()
    expect(page.get_by_text("Dieses Feld ist zwingend erforderlich.")).to_be_visible()
    shoot(page, "cancel-phone-dark")
    page.get_by_label("What came of it?").fill("Krank")
    page.get_by_label("Grund").fill("Ich bin krank")
    page.get_by_role("button", name="Termin absagen").click()

    expect(page.get_by_role("status")).to_have_text("Dieser Termin wurde abgesagt.")
    shoot(page, "cancelled-phone-dark")
    assert state_of(asked) == (State.CANCELLED, "")


def test_a_customer_asks_for_another_time(
    page: Page, asked: Appointment, supervisor: User, now: datetime, tomorrow: datetime
) -> None:
    services.accept_request(asked.pk, actor=actor_for(supervisor), now=now)
    page.goto(link_of(asked, "edit"))
    shoot(page, "edit-desk")
    expect(page.get_by_label("Datum")).to_have_value(f"{tomorrow:%Y-%m-%d}")
    page.get_by_label("Uhrzeit").fill("16:00")
    page.get_by_role("button", name="Um diese Zeit bitten").click()

    expect(page.get_by_text("16:00 – 16:45")).to_be_visible()
    shoot(page, "edit-asked")
    assert state_of(asked) == (State.ACTIVATED, "INCOMING_REQUEST")


def test_a_supervisor_invites_a_customer(
    page: Page, supervisor: User, subject: Subject, sign_in: Callable[[User], None]
) -> None:
    sign_in(supervisor)
    page.goto("/requests/")
    page.get_by_role("link", name="New request or invite").click()
    page.get_by_label("Subject").select_option("Mortgages")
    page.get_by_label("First name").fill("Jonas")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Please give an e-mail address or a phone number")).to_be_visible()
    shoot(page, "request-new-errors")
    page.get_by_label("E-mail").fill("jonas@example.com")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_have_text("The customer is invited.")
    expect(page.get_by_text("Offered to the customer").first).to_be_visible()
    shoot(page, "invited-desk")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_a_phone(
    page: Page,
    supervisor: User,
    asked: Appointment,
    sign_in: Callable[[User], None],
    theme: str,
) -> None:
    entries.make_listing(asked.organization)
    entries.make_lead_segment(asked.organization, description="People who look for a house")
    sign_in(supervisor)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    paths = {
        "requests": "/requests/",
        "request-new": "/requests/new/",
        "appointment": f"/appointments/{asked.pk}/",
        "command": f"/appointments/{asked.pk}/do/cancel/",
        "catalogue": "/catalogue/",
        "video": link_of(asked, "video"),
        "video-test": link_of(asked, "video-test"),
        "edit": link_of(asked, "edit"),
    }

    for name, path in paths.items():
        page.goto(path)
        shoot(page, f"{name}-phone-{theme}")
        assert has_no_sideways_scrolling(page), path


def test_every_field_has_a_label_and_every_page_its_landmarks(
    page: Page, supervisor: User, asked: Appointment, sign_in: Callable[[User], None]
) -> None:
    unlabelled = """[...document.querySelectorAll("input:not([type=hidden]), select, button")]
        .filter((one) => !one.labels?.length && !one.innerText && !one.ariaLabel).length"""
    sign_in(supervisor)

    for path in (
        "/requests/",
        "/requests/new/",
        "/catalogue/",
        f"/appointments/{asked.pk}/",
        f"/appointments/{asked.pk}/do/ask-again/",
        link_of(asked, "edit"),
        link_of(asked, "cancel"),
        link_of(asked, "video-test"),
    ):
        page.goto(path)
        assert page.evaluate(unlabelled) == 0, path
        assert page.locator("main").count() == page.locator("h1").count() == 1, path


def test_the_catalogue_leads_an_administrator_to_where_it_is_changed(
    page: Page, organization: Organization, subject: Subject, sign_in: Callable[[User], None]
) -> None:
    entries.make_office(organization)
    sign_in(make_user(organization, [Role.ADMIN]))
    page.goto("/")
    page.get_by_role("link", name="Catalogue").click()
    shoot(page, "catalogue-desk")

    expect(page.get_by_role("region", name="Subjects")).to_contain_text("45 minutes")
    expect(page.get_by_role("region", name="Listings")).to_contain_text("There are no listings")
    page.get_by_role("link", name="Mortgages").click()
    expect(page.get_by_role("heading", name="Mortgages")).to_be_visible()


def test_an_agent_sees_what_is_nobodys(
    page: Page, supervisor: User, asked: Appointment, sign_in: Callable[[User], None]
) -> None:
    theirs = make_appointment(
        asked.application, agent=make_user(supervisor.organization), title="Theirs"
    )
    services.request_alternative(theirs.pk, actor=actor_for(supervisor), now=theirs.created_at)
    sign_in(make_user(supervisor.organization, first_name="Ben", last_name="Larsen"))

    page.goto("/requests/")

    expect(page.get_by_role("row", name="Jonas Weber")).to_be_visible()
    expect(page.get_by_text("Theirs")).to_have_count(0)
