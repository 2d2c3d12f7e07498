"""The booking pages over HTTP: a customer books by itself, and nothing else can be done there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from agents.models import Application
from appointments.models import Appointment, Subject
from config.kernel.actors import Role
from config.kernel.time import format_instant, parse_instant
from tests import make
from tests.appointments import entries
from tests.appointments.online import (
    ADA,
    Browser,
    codes_in,
    kept_in,
    said,
    signed,
    state_of,
    text_of,
    ticket_of,
)
from tests.contract.state import everything
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
GONE = "This time is taken. Please choose another one."
TOO_OLD = "That has taken too long. Please choose a time once more."


@pytest.fixture
def application() -> Application:
    """Give an application in Berlin with one agent who can be booked online."""
    application = make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        default_country="DE",
    )
    make.make_user(application.organization, first_name="Grace", last_name="Hopper")
    return application


@pytest.fixture
def subject(application: Application) -> Subject:
    return entries.make_subject(
        application.organization,
        name={"en": "Mortgages", "de": "Baufinanzierung"},
        duration=timedelta(minutes=45),
    )


@pytest.fixture
def browser(application: Application, subject: Subject) -> Browser:
    return Browser(application, subject)


# --- Subjects -------------------------------------------------------------------------------


def test_subjects_are_offered_in_their_groups_and_order(
    application: Application, subject: Subject
) -> None:
    later = entries.make_group(application.organization, name={"en": "Cards"}, order=1)
    entries.make_subject(
        application.organization, group=later, name={"en": "A new card"}, needs_acceptance=True
    )
    entries.make_subject(application.organization, name={"en": "Hidden"}, is_for_customers=False)
    type(later).objects.filter(pk=later.pk).update(color="#0a84ff")

    page = text_of(Client().get(f"/book/{application.pk}"))

    shown = ["Loans", "Mortgages", "45 minutes", "Cards", "A new card", "30 minutes · on request"]
    assert sorted(shown, key=page.index) == shown
    assert 'fill="#0a84ff"' in page
    assert "Hidden" not in page


def test_subjects_are_offered_in_the_language_of_the_browser(
    application: Application, subject: Subject
) -> None:
    entries.make_subject(application.organization, name={"en": "Cards", "de": "Karten"})
    path = f"/book/{application.pk}"

    german = text_of(Client().get(path, headers={"Accept-Language": "de-AT,en;q=0.5"}))
    english = text_of(Client().get(f"{path}?language=en", headers={"Accept-Language": "de"}))
    other = text_of(Client().get(path, headers={"Accept-Language": "sv"}))

    assert ("Baufinanzierung" in german, '<html lang="de">' in german) == (True, True)
    assert ("Mortgages" in english, '<html lang="en">' in english) == (True, True)
    assert '<html lang="en">' in other


def test_the_application_s_language_is_spoken_to_whoever_prefers_none(
    application: Application, browser: Browser
) -> None:
    Application.objects.filter(pk=application.pk).update(default_locale="de-DE")

    assert "Baufinanzierung" in text_of(browser.read())


def test_a_single_subject_needs_no_choice(browser: Browser) -> None:
    path = f"/book/{browser.application.pk}"

    answer = Client().get(path, {"language": "de", "name": "Ada"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{browser.path}?language=de"


def test_subjects_of_another_organisation_are_not_offered(application: Application) -> None:
    entries.make_subject(make.make_organization(), name={"en": "Theirs"})

    page = text_of(Client().get(f"/book/{application.pk}"))

    assert "Theirs" not in page
    assert "Nothing can be booked here at present." in page


def test_whatever_cannot_be_booked_is_one_and_the_same_page(
    application: Application, subject: Subject
) -> None:
    closed = make.make_application(customers_may_book=False)
    dormant = make.make_application(make.make_organization(is_active=False))
    employees = entries.make_subject(application.organization, is_for_customers=False)
    theirs = entries.make_subject(make.make_application().organization)
    paths = [
        f"/book/{UNKNOWN}",
        "/book/no-uuid",
        f"/book/{closed.pk}",
        f"/book/{dormant.pk}",
        f"/book/{closed.pk}/{entries.make_subject(closed.organization).pk}",
        f"/book/{application.pk}/{UNKNOWN}",
        f"/book/{application.pk}/no-uuid",
        f"/book/{application.pk}/{employees.pk}",
        f"/book/{application.pk}/{theirs.pk}",
    ]
    before = everything()

    answers = [Client().get(path) for path in paths] + [Client().post(path) for path in paths[4:]]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert everything() == before


# --- Times ----------------------------------------------------------------------------------


def test_free_times_are_shown_on_the_clock_of_the_application(browser: Browser) -> None:
    page = text_of(browser.read(language="de"))

    assert "Europe/Berlin" in page
    assert "Baufinanzierung" in page
    assert browser.times()


def test_another_zone_and_another_way_to_meet_are_kept_from_page_to_page(
    browser: Browser,
) -> None:
    browser.query = {"zone": "Asia/Kolkata", "meetingType": "PHONE", "language": "en"}

    times = text_of(browser.read())
    details = text_of(browser.read(start=browser.times()[0]))

    assert '<a href="?language=en&zone=Asia%2FKolkata&meetingType=PHONE&day=' in times
    assert 'action="?language=en&zone=Asia%2FKolkata&meetingType=PHONE"' in details
    assert "Asia/Kolkata (UTC+05:30)" in details
    assert "By phone" in details


def test_only_offices_that_people_can_go_to_are_offered(
    application: Application, browser: Browser
) -> None:
    offices = {"Berlin": {}, "Closed": {"is_active": False}, "Cloud": {"is_virtual": True}}
    for name, facts in offices.items():
        entries.make_office(application.organization, name={"en": name}, **facts)
    entries.make_office(make.make_organization(), name={"en": "Elsewhere"})

    page = text_of(browser.read())

    assert "At the office: Berlin" in page
    assert not any(name in page for name in ("Closed", "Cloud", "Elsewhere"))


def test_an_office_has_its_hours(application: Application, browser: Browser, now: datetime) -> None:
    office = entries.make_office(application.organization)
    entries.make_office_hours(office, "10:00", "11:30", weekdays=range(1, 8))
    browser.query = {"meetingType": "OFFICE", "officeId": str(office.pk), "zone": "Europe/Berlin"}

    page = text_of(browser.read(day=(now + timedelta(days=3)).date().isoformat()))

    assert "<span>10:00" in page
    assert "<span>10:45" in page
    assert "<span>11:00" not in page


def test_people_who_come_to_an_office_look_at_its_clock(
    application: Application, browser: Browser
) -> None:
    office = entries.make_office(application.organization, timezone="Europe/Athens")
    browser.query = {"meetingType": "OFFICE", "officeId": str(office.pk)}

    details = text_of(browser.read(start=browser.times()[0]))

    assert "Europe/Athens (UTC+0" in details
    # Only elsewhere may a script choose the clock of the browser.
    assert "data-is-open" not in text_of(browser.read())
    browser.query = {"meetingType": "VIDEO"}
    assert "data-is-open" in text_of(browser.read())
    assert "data-is-open" not in text_of(browser.read(zone="Europe/Berlin"))


def test_an_office_of_another_organisation_is_not_taken(browser: Browser) -> None:
    theirs = entries.make_office(make.make_organization(), name={"en": "Elsewhere"})
    browser.query = {"meetingType": "OFFICE", "officeId": str(theirs.pk)}

    assert "Elsewhere" not in text_of(browser.read())
    assert "By video" in text_of(browser.read(start=browser.times()[0]))


@pytest.mark.parametrize("start", ["", "tomorrow", "2026-13-01T00:00:00Z"])
def test_a_time_has_to_be_chosen(browser: Browser, start: str) -> None:
    answer = browser.read(start=start)

    assert (answer.status_code, said(answer)) == (400, ["Please choose one of the times."])


def test_continuing_without_a_time_is_told_so(browser: Browser) -> None:
    answer = browser.read(next="1")

    assert (answer.status_code, said(answer)) == (400, ["Please choose one of the times."])


@pytest.mark.parametrize("shift", [timedelta(minutes=7), timedelta(days=-1), timedelta(days=100)])
def test_a_time_that_is_not_offered_cannot_be_chosen(browser: Browser, shift: timedelta) -> None:
    start = parse_instant(browser.times()[0]) + shift

    answer = browser.read(start=format_instant(start))

    assert (answer.status_code, said(answer)) == (409, [GONE])


# --- What the page keeps --------------------------------------------------------------------


def forged(state: str) -> str:
    return f"{state[:-1]}{'A' if state[-1] != 'A' else 'B'}"


def of_another_salt(state: str) -> str:
    return signed(kept_in(state), salt="another")


def of_another_application(state: str) -> str:
    kept = kept_in(state)
    return signed({**kept, "application_id": str(uuid4())})


def of_another_subject(state: str) -> str:
    kept = kept_in(state)
    return signed({**kept, "subject_id": str(uuid4())})


def nothing(state: str) -> str:
    return ""


@pytest.mark.parametrize(
    "change", [forged, of_another_salt, of_another_application, of_another_subject, nothing]
)
@pytest.mark.parametrize("step", ["details", "again", "change", "code", "time"])
def test_only_our_own_page_of_this_booking_goes_on(
    browser: Browser, mailbox: Mailbox, change: Callable[[str], str], step: str
) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    before = everything()

    answer = browser.send(change(state_of(asked)), step, code=code, **ADA)

    assert (answer.status_code, said(answer)) == (400, [TOO_OLD])
    assert everything() == before


def test_after_an_hour_a_page_has_to_be_begun_anew(browser: Browser, now: datetime) -> None:
    with time_machine.travel(now - timedelta(hours=1, seconds=1)):
        asked = browser.ask()

    assert said(browser.send(asked, "code", code="123456")) == [TOO_OLD]


def test_a_signed_in_supervisor_books_as_the_customer_whose_code_it_is(
    application: Application, browser: Browser, mailbox: Mailbox
) -> None:
    supervisor = make.make_user(application.organization, [Role.SUPERVISOR, Role.AGENT])
    browser.client = Client(enforce_csrf_checks=True)
    browser.client.force_login(supervisor)
    asked = browser.ask()
    [code] = codes_in(mailbox)

    refused = browser.send(asked, "code", code="")
    ticket_of(browser.send(asked, "code", code=code))

    assert refused.status_code == 400
    made = Appointment.objects.get()
    customer = make.customers_of(made)[0]
    assert (made.created_by_kind, made.created_by_id) == ("CUSTOMER", str(customer.pk))
    assert (made.organizer_type, made.organizer_id) == ("CUSTOMER", str(customer.pk))


def test_no_page_sets_or_needs_a_cookie(browser: Browser, mailbox: Mailbox) -> None:
    pages = [Client().get(f"/book/{browser.application.pk}"), browser.read(), browser.ask()]
    [code] = codes_in(mailbox)
    pages.append(browser.send(pages[2], "code", code=code))

    assert [page.cookies for page in pages] == [{}, {}, {}, {}]


def test_addresses_have_nothing_of_a_person(browser: Browser, mailbox: Mailbox) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    done = browser.send(asked, "code", code=code)

    addresses = "".join(part.split('"')[0] for part in text_of(asked).split('action="')[1:])
    for word in ("Ada", "ada", "Lovelace", "example.org", code):
        assert word not in addresses
        assert word not in done.headers["Location"]


def test_no_page_is_kept_or_tells_others_where_one_comes_from(browser: Browser) -> None:
    page = browser.read(start=browser.times()[0])

    for answer in (Client().get(f"/book/{UNKNOWN}"), browser.read(), page, browser.ask()):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.usefixtures("redis")
def test_who_asks_too_often_is_told_to_wait(browser: Browser, settings: Settings) -> None:
    settings.FREE_TIMES_RATE = "1/day"
    browser.client = Client(REMOTE_ADDR="198.51.100.7")
    browser.read()

    answer = browser.read()

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Please wait a moment, and load this page again." in text_of(answer)


# --- Cost -----------------------------------------------------------------------------------


def test_the_pages_take_as_many_queries_with_three_of_everything_as_with_one(
    application: Application, browser: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def fill() -> None:
        entries.make_subject(application.organization)
        entries.make_office(application.organization)
        make.make_user(application.organization)

    fill()
    start = browser.times()[0]
    path = f"/book/{application.pk}"
    for _ in range(2):
        # The application with its organisation, and the subjects with their groups.
        with django_assert_num_queries(2):
            Client().get(path)
        # The application, the subject and the offices; calendars take the others. Once a time is
        # chosen, whether SMS are on.
        with django_assert_num_queries(QUERIES_OF_TIMES):
            browser.read()
        with django_assert_num_queries(QUERIES_OF_TIMES + 1):
            browser.read(start=start)
        fill()
        fill()


QUERIES_OF_TIMES = 11
