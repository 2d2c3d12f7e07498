"""The booking pages within other sites: only within those named, and no other page of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from agents.models import Application
from appointments.embedding import snippet_of
from appointments.models import Appointment, Subject
from appointments.services.page_tokens import page_url
from appointments.services.tickets import access_url
from config.kernel.actors import Role
from tests import make
from tests.appointments import entries
from tests.appointments.online import Browser, codes_in, text_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page
    from pytest_django import Settings

    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

SITES = ["https://www.example.com", "http://shop.example.org:8080"]
POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}


@pytest.fixture
def application() -> Application:
    application = make.make_application(embed_origins=SITES)
    make.make_user(application.organization)
    return application


@pytest.fixture
def browser(application: Application) -> Browser:
    """Give a browser that shows the page in a frame, and says so."""
    subject = entries.make_subject(application.organization, duration=timedelta(minutes=30))
    return Browser(application, subject, headers={"Sec-Fetch-Dest": "iframe"})


def policy_of(page: Page) -> dict[str, str]:
    """Give the whole Content-Security-Policy of a page."""
    parts = page.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


def test_the_sites_of_the_application_may_frame_its_booking_pages(browser: Browser) -> None:
    entries.make_subject(browser.application.organization)
    asked = browser.ask()
    pages = [
        Client().get(f"/book/{browser.application.pk}"),
        browser.read(),
        browser.read(start=browser.times()[0]),
        browser.read(start="no time"),
        asked,
        browser.send(asked, "code", code="000"),
    ]

    for page in pages:
        assert policy_of(page) == {**POLICY, "frame-ancestors": " ".join(SITES)}
        assert "X-Frame-Options" not in page.headers


def test_without_sites_nobody_may_frame_them(browser: Browser) -> None:
    Application.objects.update(embed_origins=[])

    page = browser.read()

    assert policy_of(page) == {**POLICY, "frame-ancestors": "'none'"}
    assert page.headers["X-Frame-Options"] == "DENY"


def test_every_other_page_stays_out_of_frames(
    application: Application, browser: Browser, mailbox: Mailbox
) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    browser.send(asked, "code", code=code)
    customer = make.customers_of(Appointment.objects.get())[0]
    supervisor = Client()
    supervisor.force_login(make.make_user(application.organization, [Role.SUPERVISOR]))
    paths = [
        urlsplit(access_url(customer) or "").path,
        *(urlsplit(page_url(customer.pk, name)).path for name in ("cancel", "edit", "video")),
        "/login/",
        "/admin/login/",
        f"/book/{application.pk}/no-subject",
        "/book/no-application",
        "/nothing",
    ]
    pages = [Client().get(path) for path in paths]
    pages += [supervisor.get(path) for path in ("/", "/catalogue/", "/requests/")]

    for page in pages:
        assert policy_of(page)["frame-ancestors"] == "'none'", page.request["PATH_INFO"]
        assert page.headers["X-Frame-Options"] == "DENY", page.request["PATH_INFO"]


def test_within_a_frame_the_outcome_is_told_there(browser: Browser, mailbox: Mailbox) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)

    done = browser.send(asked, "code", code=code)

    ticket = urlsplit(access_url(make.customers_of(Appointment.objects.get())[0]) or "").path
    assert done.status_code == 200
    assert "Your appointment is booked." in text_of(done)
    assert f'href="{ticket}?done=booked" target="_blank" rel="noopener"' in text_of(done)


def test_browsers_that_do_not_tell_of_frames_are_told_by_the_address(
    browser: Browser, mailbox: Mailbox
) -> None:
    browser.headers, browser.query = {}, {"embedded": "1"}
    asked = browser.ask()
    [code] = codes_in(mailbox)

    assert "Your appointment is booked." in text_of(browser.send(asked, "code", code=code))
    assert 'action="?embedded=1"' in text_of(asked)


def test_the_pages_run_no_script_of_their_own_but_from_files(browser: Browser) -> None:
    for page in (browser.read(), browser.ask()):
        text = text_of(page)
        assert text.count("<script") == text.count("<script src=")
        assert " style=" not in text
        assert " onclick=" not in text


@pytest.mark.parametrize(
    "origin",
    [
        "www.example.com",
        "https://www.example.com/",
        "https://*.example.com",
        "https://www.example.com; script-src *",
        "https://www.example.com https://evil.example",
        "javascript:alert(1)",
        "*",
        "'self'",
    ],
)
def test_only_the_origin_of_a_site_can_be_named(application: Application, origin: str) -> None:
    application.embed_origins = [origin]

    with pytest.raises(ValidationError) as refusal:
        application.full_clean()

    assert list(refusal.value.message_dict) == ["embed_origins"]


def test_the_snippet_names_the_script_at_its_steady_address(
    application: Application, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://desk.example.com"

    assert snippet_of(application) == (
        '<script src="https://desk.example.com/static/frontdesk/embed.js"'
        f' data-application="{application.pk}" async></script>'
    )


def test_supervisors_find_address_and_snippet_with_the_catalogue(application: Application) -> None:
    supervisor = Client()
    supervisor.force_login(make.make_user(application.organization, [Role.SUPERVISOR]))
    theirs = make.make_application()
    make.make_application(application.organization, customers_may_book=False, name="Closed one")

    page = text_of(supervisor.get("/catalogue/"))

    assert f'href="/book/{application.pk}"' in page
    assert snippet_of(application) in page
    assert SITES[0] in page
    assert str(theirs.pk) not in page
    assert "Closed one" not in page


def test_subjects_are_embedded_alone_too(browser: Browser) -> None:
    Subject.objects.filter(pk=browser.subject.pk).update(name={"de": "Baufinanzierung"})

    assert "Baufinanzierung" in text_of(browser.read(embedded="1", language="de"))
