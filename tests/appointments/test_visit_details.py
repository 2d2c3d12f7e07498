"""A customer's own details: names at will, addresses once they are proven, none taken away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from agents.errors import CodeRefused
from agents.models import Application, OneTimeCode
from agents.services.code_sending import send_codes
from appointments import services
from appointments.models import Appointment, OrganizerType, Participant
from appointments.services import OwnDetails
from appointments.views_own import actor_for
from config.kernel.actors import ActorKind
from notifications.models import Channel, OutboxEvent
from tests import make
from tests.appointments.visiting import everything, path_of
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"}
NEW = "ada@example.net"


@pytest.fixture
def application() -> Application:
    return make.make_application(make.make_organization("Northwind Care"), default_country="DE")


@pytest.fixture
def booked(application: Application) -> Appointment:
    """Give an appointment of Ada Lovelace that an agent has made."""
    return make.make_appointment(application, locale="en-GB")


@pytest.fixture
def fill_in(client: Client, booked: Appointment) -> Callable[..., Any]:
    """Give the command that sends the form with some of Ada's details changed."""

    def fill_in(**changes: str) -> Any:
        return client.post(path_of(booked, "/details/"), {**ADA, **changes})

    return fill_in


def ada(booked: Appointment) -> Participant:
    return make.customers_of(booked)[0]


def test_the_page_shows_what_is_known(client: Client, booked: Appointment) -> None:
    page = client.get(path_of(booked, "/details/")).content.decode()

    for text in ("Ada", "Lovelace", "ada@example.org"):
        assert f'value="{text}"' in page
    assert "Code from the e-mail" not in page


def test_a_name_is_changed_at_once(fill_in: Callable[..., Any], booked: Appointment) -> None:
    response = fill_in(last_name="King")

    assert response["Location"] == f"{path_of(booked)}?done=saved"
    assert (ada(booked).first_name, ada(booked).last_name) == ("Ada", "King")
    event = OutboxEvent.objects.order_by("-id")[0]
    assert (event.type, event.actor_kind, event.actor_id) == (
        "participant.updated",
        ActorKind.CUSTOMER,
        str(ada(booked).pk),
    )


def test_what_is_not_changed_tells_nobody(fill_in: Callable[..., Any]) -> None:
    before = everything()

    assert fill_in().status_code == 302

    assert everything() == before


def test_a_new_address_is_taken_once_its_code_came_back(
    fill_in: Callable[..., Any], booked: Appointment, mailbox: Mailbox
) -> None:
    asked = fill_in(email=NEW, last_name="King")
    send_codes()
    [mail] = mailbox.to(NEW)
    [code] = re.findall(r"\b[0-9]{6}\b", mail.get_content())

    assert asked.status_code == 200
    assert "We have sent a code to the new address." in asked.content.decode()
    assert (ada(booked).email, ada(booked).last_name) == ("ada@example.org", "Lovelace")
    assert fill_in(email=NEW, last_name="King", email_code=code).status_code == 302
    assert (ada(booked).email, ada(booked).last_name) == (NEW, "King")


def test_a_wrong_code_changes_nothing_and_is_counted(
    application: Application, fill_in: Callable[..., Any], booked: Appointment
) -> None:
    code = make.make_code(application, NEW)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"

    response = fill_in(email=NEW, email_code=wrong)

    assert response.status_code == 400
    assert "This code is not valid." in response.content.decode()
    assert "Code from the e-mail" in response.content.decode()
    assert ada(booked).email == "ada@example.org"
    assert OneTimeCode.objects.get().tries == 1


def test_a_code_proves_the_address_that_it_was_sent_to_alone(
    application: Application, fill_in: Callable[..., Any], booked: Appointment
) -> None:
    code = make.make_code(application, NEW)

    assert fill_in(email="eve@example.net", email_code=code).status_code == 400

    assert ada(booked).email == "ada@example.org"


def test_the_same_address_in_another_spelling_needs_no_code(
    fill_in: Callable[..., Any], booked: Appointment
) -> None:
    assert fill_in(email="Ada@Example.ORG").status_code == 302

    assert ada(booked).email == "ada@example.org"


def test_addresses_cannot_be_had_written_to_for_long(fill_in: Callable[..., Any]) -> None:
    statuses = [fill_in(email=f"stranger{number}@example.net").status_code for number in range(40)]

    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_an_address_is_not_taken_away(fill_in: Callable[..., Any], booked: Appointment) -> None:
    response = fill_in(email="")

    assert response.status_code == 400
    assert "This field is required." in response.content.decode()
    assert ada(booked).email == "ada@example.org"


@pytest.mark.parametrize("email", ["nobody", "a@b@c"])
def test_what_is_no_address_is_said_next_to_the_field(
    fill_in: Callable[..., Any], email: str
) -> None:
    response = fill_in(email=email)

    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.content.decode()


def test_who_booked_by_itself_keeps_the_address_that_proved_it(
    client: Client, application: Application, fill_in: Callable[..., Any], booked: Appointment
) -> None:
    Appointment.objects.filter(pk=booked.pk).update(
        organizer_type=OrganizerType.CUSTOMER, organizer_id=str(ada(booked).pk)
    )
    code = make.make_code(application, NEW)

    page = client.get(path_of(booked, "/details/")).content.decode()
    fill_in(email=NEW, email_code=code, last_name="King")

    assert "With this the appointment was booked" in page
    assert (ada(booked).email, ada(booked).last_name) == ("ada@example.org", "King")


def test_the_service_itself_keeps_that_address(
    application: Application, booked: Appointment, now: datetime
) -> None:
    Appointment.objects.filter(pk=booked.pk).update(
        organizer_type=OrganizerType.CUSTOMER, organizer_id=str(ada(booked).pk)
    )
    details = OwnDetails(first_name="Ada", last_name="King", email=NEW, phone="")
    proofs = services.prove_addresses(
        ada(booked),
        details,
        application,
        given={"email": make.make_code(application, NEW)},
        sender="192.0.2.1",
        now=now,
    )
    assert proofs.is_complete

    with pytest.raises(CodeRefused):
        services.change_own_details(
            booked.pk, details, proofs=proofs.proven, actor=actor_for(ada(booked)), now=now
        )

    assert ada(booked).last_name == "Lovelace"


def test_a_number_that_nobody_writes_to_needs_no_code(
    fill_in: Callable[..., Any], booked: Appointment
) -> None:
    assert fill_in(phone="0170 1234567").status_code == 302

    assert ada(booked).phone == "0170 1234567"


def test_a_number_that_gets_messages_is_proven(
    application: Application, fill_in: Callable[..., Any], booked: Appointment
) -> None:
    make.make_channel(application, Channel.SMS)
    assert "Code from the text message" in fill_in(phone="0170 1234567").content.decode()
    code = make.make_code(application, "+491701234567")

    assert fill_in(phone="0170 1234567", phone_code=code).status_code == 302

    assert ada(booked).phone == "0170 1234567"


def test_where_customers_do_not_book_no_codes_are_sent_and_addresses_stay(
    application: Application, fill_in: Callable[..., Any], booked: Appointment
) -> None:
    Application.objects.filter(pk=application.pk).update(customers_may_book=False)

    assert fill_in(email=NEW, last_name="King").status_code == 302

    assert (ada(booked).email, ada(booked).last_name) == ("ada@example.org", "King")
    assert not OneTimeCode.objects.exists()


def test_another_customers_details_are_neither_shown_nor_changed(
    client: Client, application: Application
) -> None:
    eve = make.make_customer(first_name="Eve", email="eve@example.org")
    booked = make.make_appointment(application, customers=[make.make_customer(), eve])

    page = client.get(path_of(booked, "/details/")).content.decode()
    client.post(path_of(booked, "/details/"), {**ADA, "first_name": "Augusta"})

    assert "eve@example.org" not in page
    assert [one.first_name for one in make.customers_of(booked)] == ["Augusta", "Eve"]


def test_details_are_not_changed_once_it_is_over(
    client: Client, booked: Appointment, now: datetime
) -> None:
    Appointment.objects.filter(pk=booked.pk).update(
        start=now - timedelta(hours=1), end=now - timedelta(minutes=30)
    )
    before = everything()

    response = client.post(path_of(booked, "/details/"), {**ADA, "last_name": "King"})

    assert response.status_code == 409
    assert everything() == before
