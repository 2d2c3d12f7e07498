"""Booking as a customer with the older version: the proof, and for whom it is taken."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from agents.models import OneTimeCode
from agents.services.code_sending import send_codes
from appointments.models import Appointment
from tests import make
from tests.appointments import older
from tests.appointments.ways import basic
from tests.contract.client import ApiClient
from tests.contract.samples import ADDRESS, older_booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

PHONE = "+49 30 901820"


@pytest.fixture
def application() -> Application:
    return make.make_application()


def send(application: Application, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return ApiClient().post(older.AS_CUSTOMER, older_booking(application, **more), headers=headers)


@pytest.mark.rule(
    "v1.appointments.schedule_as_customer.r2", "v1.appointments.schedule_as_customer.r4"
)
def test_an_empty_password_has_one_sent_and_with_that_one_books(
    application: Application, mailbox: Mailbox
) -> None:
    asked = send(application, basic(ADDRESS))
    send_codes()

    (mail,) = mailbox.to(ADDRESS)
    (code,) = re.findall(r"\b\d{6}\b", mail.get_content())
    booked = send(application, basic(ADDRESS, code))

    assert (asked.status_code, booked.status_code) == (401, 200)
    assert asked["WWW-Authenticate"].startswith("Basic")
    assert Appointment.objects.count() == 1


@pytest.mark.rule("v1.appointments.schedule_as_customer.r4")
@pytest.mark.parametrize("known", [True, False])
def test_the_answer_does_not_tell_whether_the_application_lets_customers_book(
    application: Application, mailbox: Mailbox, *, known: bool
) -> None:
    closed = make.make_application(customers_may_book=False)

    answer = send(application if known else closed, basic(ADDRESS))

    assert answer.status_code == 401
    assert answer.json() == {
        "code": "CODE_REFUSED",
        "message": "The one-time password is missing or not valid.",
        "errors": {},
    }
    assert send_codes() == int(known)


@pytest.mark.rule("v1.appointments.schedule_as_customer.r3")
@pytest.mark.parametrize("proof", ["none", "bearer", "wrong", "of another address", "used", "old"])
def test_without_a_good_password_no_appointment_is_made(
    application: Application, proof: str
) -> None:
    code = make.make_code(application, ADDRESS)
    agent = make.make_user(application.organization)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    headers = {
        "none": {},
        "bearer": {"Authorization": f"Bearer {make.token_for(agent)}"},
        "wrong": basic(ADDRESS, wrong),
        "of another address": basic("grace@example.org", code),
        "used": basic(ADDRESS, code),
        "old": basic(ADDRESS, code),
    }[proof]
    if proof == "used":
        assert send(application, headers).status_code == 200
    if proof == "old":
        OneTimeCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    made = Appointment.objects.count()

    answer = send(application, headers)

    assert (answer.status_code, Appointment.objects.count()) == (401, made)


@pytest.mark.rule("v1.appointments.schedule_as_customer.r5")
@pytest.mark.parametrize(
    "customer",
    [
        None,
        {},
        {"name": {"firstName": "Ada"}},
        {"contact": {"primaryEmail": "grace@example.org", "primaryPhone": "1"}},
        {"username": ADDRESS, "metadata": {"primaryEmail": ADDRESS}},
    ],
)
def test_the_customer_must_be_there_and_have_the_proven_address(
    application: Application, customer: object
) -> None:
    caller = older.customer(application)
    before = everything()

    answer = caller.book(customer=customer)

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_ADDRESS")
    assert everything() == before


@pytest.mark.rule(
    "v1.appointments.schedule_as_customer.r5", "v1.appointments.schedule_as_customer.r6"
)
@pytest.mark.parametrize(
    ("proven", "contact"),
    [
        (ADDRESS, {"primaryEmail": ADDRESS.upper()}),
        (PHONE, {"primaryPhone": "0049 (30) 90-18-20"}),
    ],
)
def test_whoever_proves_an_address_organizes_the_appointment(
    application: Application, proven: str, contact: dict[str, str]
) -> None:
    booked = older.customer(application, proven).book(customer={"contact": contact}).json()

    [customer] = booked["participantIds"]
    assert booked["organizer"] == customer
    made = Appointment.objects.get()
    assert (made.created_by_kind, made.created_by_id) == ("CUSTOMER", customer["id"])


@pytest.mark.rule("v1.appointments.schedule_as_customer.r26")
@pytest.mark.parametrize("named", ["0190a1b2-0000-7000-8000-00000000dead", "x"])
def test_an_unknown_application_is_answered_403(application: Application, named: str) -> None:
    headers = basic(ADDRESS, make.make_code(application, ADDRESS))
    before = everything()

    answer = send(application, headers, applicationId=named)

    assert (answer.status_code, everything()) == (403, before)


@pytest.mark.rule("v1.appointments.schedule_as_customer.r25")
def test_what_a_customer_books_is_read_with_the_newer_version(application: Application) -> None:
    booked = older.customer(application).book().json()
    agent = make.make_user(application.organization)

    newer = ApiClient(make.token_for(agent)).get(f"/api/v2/appointments/{booked['id']}")

    assert newer.status_code == 200
    assert older.as_older(newer.json()) == booked


def test_a_key_does_not_repeat_a_booking_that_a_code_has_paid_for(
    application: Application,
) -> None:
    caller = older.customer(application)
    headers = {**caller.headers, "Idempotency-Key": "once"}

    first, second = (send(application, headers) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 401)
