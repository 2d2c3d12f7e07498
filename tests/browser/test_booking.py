"""A customer books in a real browser: on a phone, and within the page of another site."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agents.models import Application
from appointments.embedding import snippet_of
from appointments.models import Appointment, QuestionKind, Subject
from appointments.services.forms import OptionData, QuestionData
from tests.appointments import entries
from tests.appointments.online import codes_in
from tests.browser.test_pages import WIDTH_OF_A_PHONE, has_no_sideways_scrolling, tab_to
from tests.browser.test_requests import shoot
from tests.make import customers_of, make_application, make_organization, make_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer
    from pytest_httpserver import HTTPServer

    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def application() -> Application:
    """Give an application in Berlin that can be booked with one agent."""
    application = make_application(
        make_organization("Northwind Care"), name="Online", default_timezone="Europe/Berlin"
    )
    make_user(application.organization, first_name="Grace", last_name="Hopper")
    return application


@pytest.fixture
def subject(application: Application) -> Subject:
    """Give a subject with a question, beside others in two coloured groups."""
    organization = application.organization
    form = entries.make_form(
        organization,
        QuestionData(
            label={"en": "What for?", "de": "Wofür?"},
            kind=QuestionKind.CHOICE,
            is_required=True,
            options=(OptionData(value="Haus"), OptionData(value="Boot", order=1)),
        ),
    )
    loans = entries.make_group(organization, name={"en": "Loans", "de": "Kredite"})
    cards = entries.make_group(organization, name={"en": "Cards", "de": "Karten"}, order=1)
    for group, color in ((loans, "#0a84ff"), (cards, "#b3261e")):
        type(group).objects.filter(pk=group.pk).update(color=color)
    entries.make_subject(organization, group=cards, name={"en": "A new card", "de": "Neue Karte"})
    entries.make_office(organization)
    return entries.make_subject(
        organization,
        group=loans,
        name={"en": "Mortgages", "de": "Baufinanzierung"},
        description={"en": "A first talk.", "de": "Ein erstes Gespräch über Ihr Vorhaben."},
        duration=timedelta(minutes=45),
        questionnaire_form_id=form.pk,
    )


@pytest.fixture
def german(_chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """Give a phone in German; it fails on whatever goes wrong in a page."""
    wrong: list[str] = []
    context = _chromium.new_context(
        base_url=live_server.url,
        locale="de-DE",
        timezone_id="Europe/Berlin",
        viewport=WIDTH_OF_A_PHONE,  # type: ignore[arg-type]  # a plain dict of numbers
    )
    context.set_default_timeout(10_000)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context
    context.close()
    assert wrong == []


@pytest.fixture
def site(
    httpserver: HTTPServer, live_server: LiveServer, application: Application, settings: Settings
) -> str:
    """Give the page of another site, in German, that has the script tag in it."""
    settings.PUBLIC_URL = live_server.url
    httpserver.expect_request("/favicon.ico").respond_with_data("")
    httpserver.expect_request("/").respond_with_data(
        '<!doctype html><html lang="de"><title>Bank</title><h1>Bank</h1>'
        f"{snippet_of(application)}<p>Ende",
        content_type="text/html",
    )
    return httpserver.url_for("/")


def fill_in(place: Page | FrameLocator) -> None:
    """Fill in who it is and what is asked."""
    place.get_by_label("Vorname").fill("Jonas")
    place.get_by_label("Nachname").fill("Weber")
    place.get_by_label("E-Mail").fill("jonas@example.com")
    place.get_by_label("Wofür?").select_option("Haus")


def first_time(place: Page | FrameLocator) -> Locator:
    return place.locator(".pick-row label").first


def test_a_customer_books_on_a_phone_in_german(
    german: BrowserContext, application: Application, subject: Subject, mailbox: Mailbox
) -> None:
    page = german.new_page()
    page.goto(f"/book/{application.pk}")
    shoot(page, "book-subjects")
    assert has_no_sideways_scrolling(page)
    page.get_by_role("link", name="Baufinanzierung").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Baufinanzierung")
    page.get_by_role("link", name="Vor Ort: Berlin").click()
    shoot(page, "book-time")
    assert has_no_sideways_scrolling(page)
    first_time(page).click()
    page.get_by_role("button", name="Weiter").click()

    page.get_by_label("Vorname").fill("Jonas")
    page.get_by_role("button", name="Code zusenden").click()
    expect(page.get_by_text("Dieses Feld ist zwingend erforderlich.").first).to_be_visible()
    shoot(page, "book-details-errors")
    fill_in(page)
    page.get_by_role("button", name="Code zusenden", exact=True).click()

    expect(page.get_by_text("an jonas@example.com gesendet")).to_be_visible()
    [code] = codes_in(mailbox, "jonas@example.com")
    page.get_by_label("Code").fill(f"{(int(code) + 1) % 10**6:06}")
    page.get_by_role("button", name="Termin buchen").click()
    expect(page.get_by_role("alert")).to_contain_text("Dieser Code stimmt nicht")
    shoot(page, "book-code-wrong")
    assert has_no_sideways_scrolling(page)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Termin buchen").click()

    page.wait_for_url("**/q/*")
    expect(page.get_by_role("status").first).to_have_text("Ihr Termin ist gebucht.")
    shoot(page, "book-booked")
    made = Appointment.objects.get()
    assert (made.locale, made.meeting_type, made.title) == ("de-DE", "OFFICE", "Baufinanzierung")
    assert customers_of(made)[0].email == "jonas@example.com"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_can_be_used_by_keyboard_and_fit(
    page: Page, application: Application, subject: Subject, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
    page.set_viewport_size(WIDTH_OF_A_PHONE)  # type: ignore[arg-type]  # a plain dict of numbers
    page.goto(f"/book/{application.pk}")
    tab_to(page, "Mortgages")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mortgages")
    shoot(page, f"book-time-{theme}")
    page.locator("input[name=start]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    shoot(page, f"book-details-{theme}")
    assert has_no_sideways_scrolling(page)
    assert page.locator("main").count() == page.locator("h1").count() == 1


def test_times_are_on_the_clock_of_whoever_looks(
    visitor: BrowserContext, live_server: LiveServer, application: Application, subject: Subject
) -> None:
    assert visitor.browser is not None
    context = visitor.browser.new_context(base_url=live_server.url, timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"/book/{application.pk}")
    page.get_by_role("link", name="Mortgages").click()

    page.wait_for_url("**zone=Asia%2FTokyo")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.go_back()
    page.wait_for_url(f"**/book/{application.pk}")

    # What was chosen is not chosen anew.
    page.goto(f"/book/{application.pk}/{subject.pk}?zone=Europe/Berlin")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    context.close()


def test_a_customer_books_within_the_page_of_another_site(
    german: BrowserContext, site: str, subject: Subject, mailbox: Mailbox
) -> None:
    Application.objects.update(embed_origins=[site.rstrip("/")])
    page = german.new_page()
    page.goto(site)

    frame = page.frame_locator("iframe[title='Termin buchen']")
    follows_its_content(page)
    frame.get_by_role("link", name="Baufinanzierung").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Baufinanzierung")
    follows_its_content(page)
    shoot(page, "book-embedded-time")
    first_time(frame).click()
    frame.get_by_role("button", name="Weiter").click()
    fill_in(frame)
    follows_its_content(page)
    shoot(page, "book-embedded-details")
    frame.get_by_role("button", name="Code zusenden").click()
    expect(frame.get_by_text("an jonas@example.com gesendet")).to_be_visible()
    [code] = codes_in(mailbox, "jonas@example.com")
    frame.get_by_label("Code").fill(code)
    frame.get_by_role("button", name="Termin buchen").click()

    expect(frame.get_by_role("status")).to_have_text("Ihr Termin ist gebucht.")
    follows_its_content(page)
    shoot(page, "book-embedded-done")
    assert german.cookies() == []
    with german.expect_page() as opened:
        frame.get_by_role("link", name="Ihren Termin öffnen").click()
    expect(opened.value.get_by_role("status").first).to_have_text("Ihr Termin ist gebucht.")
    assert Appointment.objects.get().created_by_kind == "CUSTOMER"


def follows_its_content(page: Page) -> None:
    """Wait until the frame is as high as what is in it."""
    inner = page.frames[1].locator("#content")
    expect(inner).to_be_visible()
    page.frames[1].wait_for_function(
        "() => Math.abs(document.getElementById('content').getBoundingClientRect().height"
        " - window.innerHeight) <= 1"
    )


@pytest.mark.usefixtures("subject")
def test_a_site_that_is_not_named_shows_nothing(german: BrowserContext, site: str) -> None:
    Application.objects.update(embed_origins=["https://www.example.com"])
    page = german.new_page()

    with page.expect_event("requestfailed", lambda request: "/book/" in request.url) as failed:
        page.goto(site)

    assert failed.value.failure == "net::ERR_BLOCKED_BY_RESPONSE"
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_count(0)


@pytest.mark.usefixtures("subject")
def test_a_message_of_somebody_else_does_not_change_the_frame(
    german: BrowserContext, site: str
) -> None:
    Application.objects.update(embed_origins=[site.rstrip("/")])
    page = german.new_page()
    page.goto(site)
    follows_its_content(page)
    before = page.locator("iframe").bounding_box()

    page.evaluate(
        "() => { addEventListener('message', (event) => { window.heard = event.data.height; });"
        " postMessage({ type: 'frontdesk:height', height: 7 }, '*'); }"
    )
    page.wait_for_function("window.heard === 7")

    assert page.locator("iframe").bounding_box() == before
