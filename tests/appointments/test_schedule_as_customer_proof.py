"""Booking as a customer: the password that comes by e-mail, and what is no proof."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import OneTimeCode
from agents.services.code_sending import send_codes
from appointments.models import Appointment
from config.kernel import limits
from tests import make
from tests.appointments import ways
from tests.appointments.ways import basic
from tests.contract.client import ApiClient
from tests.contract.samples import ADDRESS, booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make.make_application()


def send(application: Application, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return ApiClient().post(ways.AS_CUSTOMER, booking(application, **more), headers=headers)


def assert_refused(answer: Answer) -> None:
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Basic realm="Frontdesk", charset="UTF-8"'
    assert answer.json() == {
        "code": "CODE_REFUSED",
        "message": "The one-time password is missing or not valid.",
        "errors": {},
    }


# --- The password comes by e-mail -----------------------------------------------------------


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r1", "v2.appointments.schedule_as_customer.r4"
)
def test_an_empty_password_has_one_sent_and_with_that_one_books(
    application: Application, mailbox: Mailbox
) -> None:
    asked = send(application, basic(ADDRESS))
    send_codes()

    (mail,) = mailbox.to(ADDRESS)
    (code,) = re.findall(r"\b\d{6}\b", mail.get_content())
    booked = send(application, basic(ADDRESS, code))
    assert_refused(asked)
    assert mailbox.messages == [mail]
    assert (booked.status_code, Appointment.objects.count()) == (200, 1)


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_asking_for_a_password_takes_no_more_than_the_application(
    application: Application, mailbox: Mailbox
) -> None:
    body = {"applicationId": str(application.id), "start": "later"}

    answer = ApiClient().post(ways.AS_CUSTOMER, body, headers=basic(ADDRESS))

    send_codes()
    assert_refused(answer)
    assert len(mailbox.to(ADDRESS)) == 1


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_nothing_is_sent_where_no_password_would_help(
    application: Application, mailbox: Mailbox
) -> None:
    closed = make.make_application(customers_may_book=False)

    answers = [
        send(closed, basic(ADDRESS)),
        send(application, basic(ADDRESS), applicationId="0190a1b2-0000-7000-8000-00000000dead"),
        send(application, basic("no address")),
    ]

    # Whether the application exists, and lets customers book, cannot be told apart.
    for answer in answers:
        assert_refused(answer)
    assert (send_codes(), mailbox.messages) == (0, [])


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_an_address_is_sent_three_passwords_in_a_quarter_of_an_hour(
    application: Application, mailbox: Mailbox
) -> None:
    spellings = ["ada@example.org", "Ada@Example.org", "ADA@EXAMPLE.ORG"]
    answers = [send(application, basic(spelling)) for spelling in spellings]

    fourth = send(application, basic("ada@example.org"))

    send_codes()
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert fourth.status_code == 429
    assert 0 < int(fourth["Retry-After"]) <= limits.CODE_SEND_WINDOW.total_seconds()
    assert len(mailbox.messages) == 3
    assert send(application, basic("grace@example.org")).status_code == 401


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_a_sender_can_ask_for_thirty_addresses_in_a_quarter_of_an_hour(
    application: Application,
) -> None:
    answers = [
        send(application, basic(f"customer-{number}@example.org"))
        for number in range(limits.CODE_SENDS_PER_SENDER + 1)
    ]

    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert OneTimeCode.objects.count() == 30


# --- What is no proof -----------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic YWRh"},
        {"Authorization": "Digest username=ada"},
        basic("", "123456"),
        basic("ada\n@example.org", "123456"),
    ],
)
def test_without_credentials_nothing_is_booked(
    headers: dict[str, str], application: Application
) -> None:
    make.make_code(application, ADDRESS)
    before = everything()

    answer = send(application, headers)

    assert_refused(answer)
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
@pytest.mark.parametrize("body", [{}, {"start": "later"}])
def test_who_asks_is_checked_before_what_is_asked(
    body: dict[str, Any], application: Application
) -> None:
    body = {"applicationId": str(application.id), **body}

    answer = ApiClient().post(ways.AS_CUSTOMER, body, headers=basic(ADDRESS, "123456"))

    assert_refused(answer)


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_a_wrong_password_is_refused_and_after_five_the_right_one_is_too(
    application: Application,
) -> None:
    code = make.make_code(application, ADDRESS)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    answers = [send(application, basic(ADDRESS, wrong)) for _ in range(limits.CODE_TRIES)]

    for answer in [*answers, send(application, basic(ADDRESS, code))]:
        assert_refused(answer)
    assert not Appointment.objects.exists()


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_an_expired_password_is_refused(application: Application, now: datetime) -> None:
    caller = ways.customer(application)
    OneTimeCode.objects.update(expires_at=now)
    before = everything()

    assert_refused(caller.book())
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_a_password_that_was_followed_by_another_is_refused(application: Application) -> None:
    older, newer = ways.customer(application), ways.customer(application)

    assert_refused(older.book())
    assert newer.book().status_code == 200


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_somebody_elses_password_is_refused(application: Application) -> None:
    code = make.make_code(application, "grace@example.org")

    assert_refused(send(application, basic(ADDRESS, code)))
    assert not Appointment.objects.exists()


@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r2", "v2.appointments.schedule_as_customer.r5"
)
def test_a_password_works_once(application: Application) -> None:
    caller = ways.customer(application)
    body = booking(application)
    assert caller.send(body).status_code == 200
    before = everything()

    assert_refused(caller.send(body))
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule_as_customer.r5", "frontdesk.idempotency.r8")
def test_a_key_does_not_make_a_used_password_good_again(application: Application) -> None:
    caller = ways.customer(application)
    caller.headers["Idempotency-Key"] = "one"
    body = booking(application)
    assert caller.send(body).status_code == 200

    answer = caller.send(body)

    assert_refused(answer)
    assert "Idempotency-Replayed" not in answer


@pytest.mark.rule("v2.appointments.schedule_as_customer.r5")
def test_a_booking_that_is_refused_does_not_use_the_password_up(application: Application) -> None:
    caller = ways.customer(application)

    refused = [caller.book(start="later"), caller.book(customers=[])]

    assert [answer.status_code for answer in refused] == [400, 403]
    assert caller.book().status_code == 200


@pytest.mark.rule("v2.appointments.schedule_as_customer.r6")
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_password_for_one_application_is_not_accepted_for_another(
    application: Application, *, is_ours: bool
) -> None:
    other = make.make_application(application.organization if is_ours else None)
    caller = ways.customer(application)

    assert_refused(caller.book(applicationId=str(other.id)))
    assert not Appointment.objects.exists()
    assert caller.book().status_code == 200
