"""Tickets: who is let in by one, how often, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agents.errors import TooManyAttempts
from appointments import services
from appointments.errors import TicketUnknown
from appointments.models import Appointment, Participant
from appointments.services import tickets
from config.kernel import limits, secrets
from tests import make

pytestmark = pytest.mark.django_db
HERE = "192.0.2.7"


def ticket_of(appointment: Appointment) -> str:
    (customer,) = make.customers_of(appointment)
    url = services.access_url(customer)
    assert url is not None
    return url.rpartition("/")[2]


def test_a_ticket_has_nine_characters_and_opens_its_own_appointment(
    now: datetime,
) -> None:
    appointment = make.make_appointment()

    found = services.find_ticket(ticket_of(appointment), address=HERE, now=now)

    assert found.appointment.id == appointment.id
    assert len(ticket_of(appointment)) == 9
    assert set(ticket_of(appointment)) <= set(secrets.ALPHABET)


def test_the_database_holds_no_ticket_in_clear() -> None:
    appointment = make.make_appointment()
    row = Participant.objects.filter(appointment=appointment, user=None).values().get()

    assert ticket_of(appointment).encode() not in bytes(row["ticket_sealed"] or b"")
    assert ticket_of(appointment) not in str(row)


@pytest.mark.parametrize("length", [6, 9])
def test_the_application_says_how_long_tickets_are(length: int) -> None:
    application = make.make_application(ticket_length=length)

    assert len(ticket_of(make.make_appointment(application))) == length


def test_a_short_ticket_is_given_to_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
    monkeypatch.setattr(secrets, "new_ticket", lambda _length: next(drawn))
    application = make.make_application(ticket_length=6)

    first, second = make.make_appointment(application), make.make_appointment(application)

    assert (ticket_of(first), ticket_of(second)) == ("aaaaaa", "bbbbbb")


def test_unknown_and_expired_tickets_are_refused_alike(now: datetime) -> None:
    appointment = make.make_appointment(start=now + timedelta(hours=1))
    expired = now + timedelta(hours=5, minutes=30)

    with pytest.raises(TicketUnknown) as unknown:
        services.find_ticket("222222222", address=HERE, now=now)
    with pytest.raises(TicketUnknown) as too_late:
        services.find_ticket(ticket_of(appointment), address=HERE, now=expired)

    assert str(unknown.value) == str(too_late.value)


def test_a_ticket_opens_nothing_while_its_organisation_is_inactive(now: datetime) -> None:
    appointment = make.make_appointment()
    ticket = ticket_of(appointment)
    (customer,) = make.customers_of(appointment)
    assert tickets.pass_of_participant(customer.id) is not None
    type(appointment.application.organization).objects.update(is_active=False)

    with pytest.raises(TicketUnknown):
        services.find_ticket(ticket, address=HERE, now=now)

    assert tickets.pass_of_ticket(ticket) is None
    assert tickets.pass_of_participant(customer.id) is None


def test_a_reusable_ticket_is_exchanged_again_and_again() -> None:
    ticket = ticket_of(make.make_appointment())

    first, second = tickets.pass_of_ticket(ticket), tickets.pass_of_ticket(ticket)

    assert first == second
    assert first is not None


def test_a_ticket_for_a_single_use_is_exchanged_once_and_its_token_goes_on() -> None:
    appointment = make.make_appointment(make.make_application(tickets_are_reusable=False))
    ticket = ticket_of(appointment)
    (customer,) = make.customers_of(appointment)

    assert tickets.pass_of_ticket(ticket) is not None
    assert tickets.pass_of_ticket(ticket) is None
    assert tickets.pass_of_participant(customer.id) is not None


def test_guessing_ends_after_some_failures_even_for_the_right_ticket(now: datetime) -> None:
    ticket = ticket_of(make.make_appointment())
    for guess in range(limits.TICKET_FAILURES_PER_ADDRESS):
        with pytest.raises(TicketUnknown):
            services.find_ticket(f"{guess:09}", address=HERE, now=now)

    with pytest.raises(TooManyAttempts):
        services.find_ticket(ticket, address=HERE, now=now)

    assert services.find_ticket(ticket, address="198.51.100.9", now=now)
