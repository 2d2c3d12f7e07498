"""The pages behind a customer's ticket: what is shown where, and what a dead link tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from agents.models import Application, User
from appointments import services
from appointments.models import Appointment, MeetingType, Participant, State
from appointments.services.forms import QuestionData
from appointments.services.page_tokens import page_url
from appointments.services.tickets import PURPOSE, access_url_of
from config.kernel import secrets
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.appointments import entries
from tests.appointments.visiting import PAGES, everything, path_of, row

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin."""
    return make.make_application(
        make.make_organization("Northwind Care"), default_timezone="Europe/Berlin"
    )


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def book(application: Application, agent: User, tomorrow: datetime) -> Callable[..., Appointment]:
    """Give the command that books with Ben for tomorrow at nine."""

    def book(**facts: Any) -> Appointment:
        defaults = {"title": "Consultation", "locale": "en-GB", "start": tomorrow}
        return make.make_appointment(application, agent=agent, **{**defaults, **facts})

    return book


# --- Links that open nothing ------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_ticket_that_opens_nothing_is_answered_alike_whatever_the_reason(
    client: Client,
    book: Callable[..., Appointment],
    supervisor: User,
    now: datetime,
    page: str,
) -> None:
    expired, revoked, issued_anew, removed = (book() for _ in range(4))
    paths = [path_of(one, page) for one in (expired, revoked, issued_anew, removed)]
    assert {client.get(path).status_code for path in paths} == {200}
    Appointment.objects.filter(pk=expired.pk).update(access_expires_at=now)
    services.delete_appointment(revoked.pk, actor=make.actor_for(supervisor), now=now)
    give_new_ticket(issued_anew)
    Participant.objects.filter(appointment=removed, user=None).delete()

    answers = [client.get(path) for path in (f"/q/234567abc{page}", *paths)]
    answers += [client.post(path) for path in (f"/q/234567abc{page}", *paths)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert client.get(path_of(issued_anew, page)).status_code == 200


def give_new_ticket(appointment: Appointment) -> None:
    ticket = secrets.new_ticket(9)
    Participant.objects.filter(pk=make.customers_of(appointment)[0].pk).update(
        ticket_fingerprint=secrets.fingerprint(ticket, purpose=PURPOSE),
        ticket_sealed=secrets.seal(ticket, purpose=PURPOSE),
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_kept_out_of_caches_other_hosts_and_search_engines(
    client: Client, book: Callable[..., Appointment], page: str
) -> None:
    for path in (path_of(book(), page), f"/q/unknown{page}"):
        response = client.get(path)

        assert response["Cache-Control"] == "no-store"
        # A form needs its origin to be told to ourselves.
        assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("page", ["/move/", "/cancel/", "/details/"])
def test_a_form_without_its_token_is_refused(
    book: Callable[..., Appointment], tomorrow: datetime, page: str
) -> None:
    path, before = path_of(book(), page), everything()
    given = {"start": format_instant(tomorrow + timedelta(days=1)), "first_name": "Eve"}

    response = Client(enforce_csrf_checks=True).post(path, given)

    assert response.status_code == 403
    assert everything() == before


@pytest.mark.parametrize("page", ["/move/", "/cancel/", "/details/"])
def test_the_appointments_own_ticket_shows_it_and_lets_do_nothing(
    client: Client, book: Callable[..., Appointment], page: str, tomorrow: datetime
) -> None:
    booked = book(customers=[])
    sealed = row(booked).room_ticket_sealed
    assert sealed is not None
    path = urlsplit(access_url_of(sealed)).path
    before = everything()
    given = {"start": format_instant(tomorrow + timedelta(days=1))}

    assert "Consultation" in client.get(path).content.decode()
    assert "move/" not in client.get(path).content.decode()
    assert client.post(f"{path}{page}", given).status_code in {404, 409}
    assert everything() == before
    for answer in (client.get(f"{path}{page}"), client.get(f"{path}/calendar.ics")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


# --- The appointment --------------------------------------------------------------------------


def test_the_page_leads_to_what_can_be_done(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    page = client.get(path_of(booked)).content.decode()

    for name in ("/move/", "/cancel/", "/details/", "/calendar.ics"):
        assert f'href="{path_of(booked, name)}"' in page


def test_an_agent_without_a_name_is_not_called_by_its_user_name(
    client: Client, agent: User, book: Callable[..., Appointment]
) -> None:
    User.objects.filter(pk=agent.pk).update(first_name="", last_name="")
    booked = book()

    for page in ("", "/move/", "/cancel/"):
        assert agent.username not in client.get(path_of(booked, page)).content.decode()


def test_a_clock_with_a_sign_in_its_name_is_handed_on(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    page = client.get(path_of(booked), {"zone": "Etc/GMT+5"}).content.decode()

    assert f'href="{path_of(booked, "/move/")}?zone=Etc/GMT%2B5"' in page


def test_the_page_hands_the_chosen_clock_on(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    page = client.get(path_of(booked), {"zone": "Asia/Kolkata"}).content.decode()

    assert f'href="{path_of(booked, "/move/")}?zone=Asia/Kolkata"' in page


def test_calendars_are_led_to_without_the_ticket(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()
    page = client.get(path_of(booked)).content.decode().replace("&amp;", "&")

    google, office = (
        parse_qs(urlsplit(re.findall(f'href="(https://{host}[^"]+)"', page)[0]).query)
        for host in ("calendar.google.com", "outlook.office.com")
    )

    assert (google["text"], office["subject"]) == (["Consultation"], ["Consultation"])
    assert path_of(booked).removeprefix("/q/") not in str(google) + str(office)


@pytest.mark.parametrize("state", [State.CANCELLED, State.COMPLETED, State.NO_SHOW])
@pytest.mark.parametrize("page", ["/move/", "/cancel/", "/details/"])
def test_what_is_closed_says_so_and_is_left_alone(
    client: Client, book: Callable[..., Appointment], state: State, page: str, tomorrow: datetime
) -> None:
    booked = book(state=state)
    path, before = path_of(booked, page), everything()

    response = client.post(path, {"start": format_instant(tomorrow + timedelta(days=1))})

    assert response.status_code == 409
    assert '<form class="command' not in response.content.decode()
    assert path_of(booked, "/cancel/") not in client.get(path_of(booked)).content.decode()
    assert everything() == before


def test_a_customer_cancels_with_a_reason_and_is_led_back(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    response = client.post(path_of(booked, "/cancel/"), {"message": "I am ill"})

    assert (response.status_code, response["Location"]) == (302, path_of(booked))
    assert (row(booked).state, row(booked).last_message) == (State.CANCELLED, "I am ill")
    page = client.get(path_of(booked)).content.decode()
    assert "This appointment was cancelled." in page
    assert "Remove it from your calendar" in page


def test_a_customer_is_asked_what_the_subject_asks_who_cancels(
    client: Client, application: Application, book: Callable[..., Appointment]
) -> None:
    question = QuestionData(label={"en": "Why?"}, is_required=True)
    form = entries.make_form(application.organization, question)
    subject = entries.make_subject(
        application.organization, cancellation_by_customer_form_id=form.pk
    )
    booked = book(about={"subject": str(subject.pk)})
    path, before = path_of(booked, "/cancel/"), everything()

    assert "Why?" in client.get(path).content.decode()
    assert client.post(path).status_code == 400
    assert everything() == before
    assert client.post(path, {"answer-0": "I moved"}).status_code == 302


# --- Where ------------------------------------------------------------------------------------


def test_at_an_office_the_way_is_told_in_the_language_of_the_page(
    client: Client, application: Application, book: Callable[..., Appointment]
) -> None:
    office = entries.make_office(
        application.organization,
        phone="+49 30 1234",
        directions={"en": "Take the lift.", "de": "Nehmen Sie den Aufzug."},
        parking={"de": "Im Hof."},
    )
    booked = book(
        locale="de-DE", about={"office": str(office.pk), "meeting_type": MeetingType.OFFICE}
    )

    page = client.get(path_of(booked)).content.decode()

    for text in (
        "In unserem Büro",
        "Unter den Linden 21, 10117 Berlin, DE",
        'href="tel:+49 30 1234"',
        "Nehmen Sie den Aufzug.",
        "Im Hof.",
    ):
        assert text in page
    assert "Der Raum öffnet" not in page


def test_by_phone_the_number_is_told_that_is_called(
    client: Client, book: Callable[..., Appointment]
) -> None:
    called = make.make_customer(phone="+49 170 1234567")
    booked = book(customers=[called], about={"meeting_type": MeetingType.PHONE})

    page = client.get(path_of(booked)).content.decode()

    assert "We call you at" in page
    assert "+49 170 1234567" in page
    assert "/a/video/" not in page


# --- The waiting room -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(days=3, hours=4, minutes=20), "In 3 days 4 hours"),
        (timedelta(hours=2, minutes=15, seconds=20), "In 2 hours"),
        (timedelta(minutes=22, seconds=20), "In 7 minutes"),
        (timedelta(minutes=15, seconds=40), "In 1 minute"),
    ],
)
def test_before_the_room_opens_the_page_says_how_long_it_is(
    client: Client, book: Callable[..., Appointment], now: datetime, ahead: timedelta, said: str
) -> None:
    booked = book(start=now + ahead)

    page = client.get(path_of(booked)).content.decode()

    assert said in page
    assert "countdown.js" in page
    assert "Join now" not in page


def test_a_page_without_scripts_looks_again_when_the_room_opens(
    client: Client, book: Callable[..., Appointment], now: datetime
) -> None:
    soon, later = book(start=now + timedelta(minutes=25)), book(start=now + timedelta(hours=9))

    waiting, idle = (client.get(path_of(one)).content.decode() for one in (soon, later))

    seconds = re.findall(r'<noscript><meta http-equiv="refresh" content="(\d+)">', waiting)
    assert 590 <= int(seconds[0]) <= 601
    assert "http-equiv" not in idle


def test_the_open_room_is_joined_by_the_customers_own_link(
    client: Client, book: Callable[..., Appointment], now: datetime
) -> None:
    booked = book(start=now + timedelta(minutes=10))

    page = client.get(path_of(booked)).content.decode()

    link = urlsplit(page_url(make.customers_of(booked)[0].pk, "video")).path
    assert f'href="{link}"' in page
    assert "Join now" in page
    assert client.get(link).status_code == 200


def test_a_room_that_should_be_open_is_looked_for_again(
    client: Client, book: Callable[..., Appointment], now: datetime
) -> None:
    booked = book(start=now + timedelta(minutes=10))
    path = path_of(booked)
    Appointment.objects.filter(pk=booked.pk).update(activated_at=None, state=State.SCHEDULED)

    page = client.get(path).content.decode()

    assert "you will be asked in as soon as the room is open" in page
    assert 'http-equiv="refresh" content="60"' in page


# --- How heavy --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "/move/", "/cancel/", "/details/"])
def test_a_page_weighs_less_than_a_hundred_kilobytes_in_all_without_compression(
    client: Client, application: Application, book: Callable[..., Appointment], page: str
) -> None:
    # Round the clock, every ten minutes: 144 times on the page.
    Application.objects.filter(pk=application.pk).update(slot_step=10)
    html = client.get(path_of(book(locale="de-DE"), page)).content

    parts = re.findall(r'(?:href|src)="/static/([^"]+)"', html.decode())
    weights = {name: Path(str(finders.find(name))).stat().st_size for name in set(parts)}

    assert {"frontdesk/customer.css", "frontdesk/app.css"} <= set(weights)
    assert len(html) + sum(weights.values()) < 100_000, weights
