"""The customer's page: what a ticket opens, in which words, and what it gives away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from agents.models import SecurityCounter
from appointments import services
from appointments.models import Appointment, State
from appointments.services.tickets import access_url
from config.kernel import limits
from config.kernel.actors import Role
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

    from agents.models import Application, User

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin."""
    return make_application(make_organization("Northwind Care"), default_timezone="Europe/Berlin")


@pytest.fixture
def supervisor(application: Application) -> User:
    """Give somebody who looks after the organisation."""
    return make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def agent(application: Application) -> User:
    """Give an agent of the organisation."""
    return make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def book(application: Application, supervisor: User) -> Callable[..., Appointment]:
    """Give the command that books for Jonas Weber, with nobody in charge unless one is named."""

    def book(start: datetime, **facts: Any) -> Appointment:
        jonas = make_customer(first_name="Jonas", last_name="Weber", email="jonas@example.com")
        defaults = {"title": "Consultation", "locale": "en-GB", "customers": [jonas]}
        return make_appointment(
            application, organizer=supervisor, start=start, **{**defaults, **facts}
        )

    return book


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


def ticket_path(appointment: Appointment) -> str:
    """Give the path of the customer's link."""
    link = access_url(customers_of(appointment)[0])
    assert link is not None
    return link[link.index("/q/") :]


def test_a_ticket_leads_to_the_appointment_in_the_language_it_was_booked_in(
    client: Client, book: Callable[..., Appointment], agent: User, tomorrow: datetime
) -> None:
    booked = book(tomorrow, agent=agent, locale="de-DE")

    response = client.get(ticket_path(booked))

    page = response.content.decode()
    assert '<html lang="de">' in page
    for text in (
        "Consultation",
        "Northwind Care",
        "Ben Larsen",
        "09:00 – 09:30",
        "Der Raum öffnet",
    ):
        assert text in page


def test_a_ticket_leads_to_english_where_we_do_not_have_the_language(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked = book(tomorrow, locale="fr-FR")

    page = client.get(ticket_path(booked)).content.decode()

    assert '<html lang="en">' in page
    assert "The room opens on" in page


def test_a_ticket_shows_the_time_in_the_customers_zone(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked = book(tomorrow)

    page = client.get(f"{ticket_path(booked)}?zone=Asia/Kolkata").content.decode()

    expected = tomorrow.astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"{expected:%H:%M} – " in page
    assert "Asia/Kolkata (UTC+05:30)" in page


def test_a_ticket_is_kept_out_of_caches_referrers_and_search_engines(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    path = ticket_path(book(tomorrow))

    for response in (client.get(path), client.get(f"{path}/calendar.ics"), client.get("/q/x")):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert "default-src 'self'" in response["Content-Security-Policy"]


def test_a_ticket_that_opens_nothing_is_answered_alike_whatever_the_reason(
    client: Client,
    book: Callable[..., Appointment],
    supervisor: User,
    now: datetime,
    tomorrow: datetime,
) -> None:
    expired, revoked = book(tomorrow), book(tomorrow)
    paths = [ticket_path(expired), ticket_path(revoked)]
    Appointment.objects.filter(pk=expired.pk).update(access_expires_at=now)
    services.delete_appointment(revoked.pk, actor=actor_for(supervisor), now=now)

    answers = [client.get(path) for path in ("/q/234567abc", *paths)]
    answers += [client.get(f"{path}/calendar.ics") for path in ("/q/234567abc", *paths)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_a_ticket_cannot_be_guessed_at_for_long(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    path = ticket_path(book(tomorrow))
    for number in range(limits.TICKET_FAILURES_PER_ADDRESS):
        assert client.get(f"/q/guess{number}").status_code == 404

    refused = client.get(path)

    assert refused.status_code == 429
    assert client.get(path, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_ticket_that_opens_is_not_counted(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    client.get(ticket_path(book(tomorrow)))

    assert set(SecurityCounter.objects.values_list("count", flat=True)) <= {0}


def test_a_ticket_of_a_cancelled_appointment_says_so(
    client: Client,
    book: Callable[..., Appointment],
    supervisor: User,
    now: datetime,
    tomorrow: datetime,
) -> None:
    booked = book(tomorrow)
    services.cancel_appointment(booked.pk, actor=actor_for(supervisor), now=now)

    page = client.get(ticket_path(booked)).content.decode()

    assert "This appointment was cancelled." in page
    assert "The room opens" not in page
    assert "Remove it from your calendar" in page


def test_a_ticket_of_an_appointment_that_is_over_says_so(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked = book(tomorrow)
    Appointment.objects.filter(pk=booked.pk).update(state=State.COMPLETED)

    page = client.get(ticket_path(booked)).content.decode()

    assert "This appointment is over." in page
    assert "calendar.ics" not in page


def test_a_calendar_file_shows_no_person_and_no_link(
    client: Client, book: Callable[..., Appointment], agent: User, tomorrow: datetime
) -> None:
    booked = book(tomorrow, agent=agent)
    path = ticket_path(booked)

    response = client.get(f"{path}/calendar.ics")

    file = response.content.decode()
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert f"UID:{booked.pk}@frontdesk" in file
    assert "METHOD:PUBLISH" in file
    for secret in ("Jonas", "jonas@example.com", "Larsen", path.removeprefix("/q/")):
        assert secret not in file
