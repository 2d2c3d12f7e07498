"""Booking as a customer with a phone number, by both versions: the password comes by SMS."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agents.models import OneTimeCode, SecurityCounter
from agents.services.code_sending import send_codes
from appointments.models import Appointment
from config.kernel import limits
from notifications.models import Channel, Notification
from notifications.transports.sms.phone import Phone
from tests import make
from tests.appointments import older, ways
from tests.appointments.ways import basic
from tests.contract.client import ApiClient
from tests.contract.samples import booking, older_booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
    from pytest_django import Settings

    from agents.models import Application

pytestmark = pytest.mark.django_db

NUMBER = "+491701234567"
AT_HOME = "0170 1234567"
REFUSED = {
    "code": "CODE_REFUSED",
    "message": "The one-time password is missing or not valid.",
    "errors": {},
}


@dataclass(frozen=True)
class Version:
    """One of the two versions: where a customer books, and what with a phone number."""

    path: str
    body: Callable[[Application, str], dict[str, Any]]

    def send(
        self, application: Application, name: str, code: str = "", *, phone: str = NUMBER
    ) -> Answer:
        """Book for tomorrow, with a user name, a password and the customer's own number."""
        body = self.body(application, phone)
        return ApiClient().post(self.path, body, headers=basic(name, code))


def newer_body(application: Application, phone: str) -> dict[str, Any]:
    return booking(application, customers=[{"contact": {"primaryPhone": phone}}])


def older_body(application: Application, phone: str) -> dict[str, Any]:
    return older_booking(application, customer={"contact": {"primaryPhone": phone}})


V2, V1 = Version(ways.AS_CUSTOMER, newer_body), Version(older.AS_CUSTOMER, older_body)
both_versions = pytest.mark.parametrize(
    "version", [pytest.param(V2, id="v2"), pytest.param(V1, id="v1")]
)


@pytest.fixture
def application() -> Application:
    application = make.make_application(default_country="DE")
    make.make_channel(application, Channel.SMS)
    return application


@pytest.fixture(autouse=True)
def phone(settings: Settings, tmp_path: Path) -> Phone:
    settings.FRONTDESK_HOME = tmp_path
    settings.NOTIFICATIONS_TRANSPORTS = {
        "EMAIL": "notifications.transports.email.smtp",
        "SMS": "notifications.transports.sms.phone",
    }
    return Phone.of_settings()


def assert_refused(answer: Answer) -> None:
    assert (answer.status_code, answer.json()) == (401, REFUSED)
    assert answer["WWW-Authenticate"] == 'Basic realm="Frontdesk", charset="UTF-8"'


# --- The password comes by SMS --------------------------------------------------------------


@both_versions
@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r1",
    "v2.appointments.schedule_as_customer.r4",
    "v2.appointments.schedule_as_customer.r7",
    "v1.appointments.schedule_as_customer.r2",
    "v1.appointments.schedule_as_customer.r4",
    "v1.appointments.schedule_as_customer.r5",
)
def test_an_empty_password_has_one_sent_by_sms_and_with_that_one_books(
    application: Application, phone: Phone, version: Version
) -> None:
    asked = version.send(application, AT_HOME)
    send_codes()
    [sms] = phone.messages()
    [code] = re.findall(r"\b\d{6}\b", sms.text)

    booked = version.send(application, "0049 170 1234567", code, phone="0170/123 45 67")

    assert_refused(asked)
    assert (sms.recipient, booked.status_code) == (NUMBER, 200)
    assert_refused(version.send(application, AT_HOME, code))
    assert Appointment.objects.count() == 1


@both_versions
@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r7", "v1.appointments.schedule_as_customer.r5"
)
@pytest.mark.parametrize("theirs", ["+49 170 7654321", "+43 170 1234567", "1701234567890"])
def test_somebody_else_s_number_is_not_booked_for(
    application: Application, version: Version, theirs: str
) -> None:
    code = make.make_code(application, NUMBER)
    before = everything()

    answer = version.send(application, NUMBER, code, phone=theirs)

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_ADDRESS")
    assert everything() == before


@both_versions
def test_a_password_is_no_notification(application: Application, version: Version) -> None:
    version.send(application, NUMBER)

    assert (send_codes(), Notification.objects.count()) == (1, 0)


# --- One answer for everybody ---------------------------------------------------------------


@pytest.mark.usefixtures("mailbox")
@both_versions
@pytest.mark.rule(
    "v2.appointments.schedule_as_customer.r4", "v1.appointments.schedule_as_customer.r4"
)
@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (NUMBER, 1),
        ("+49 170 7654321", 1),
        ("0170 7654321", 1),
        ("ada@example.org", 1),
        ("grace@example.org", 1),
        ("+49 1", 0),
        ("110", 0),
        ("nobody", 0),
        ("nobody@nowhere", 0),
    ],
)
def test_the_answer_does_not_tell_who_is_known_and_who_can_be_reached(
    application: Application, version: Version, name: str, sent: int
) -> None:
    customers = [make.make_customer(email="ada@example.org", phone=NUMBER)]
    make.make_appointment(application, customers=customers)
    with CaptureQueriesContext(connection) as usual:
        version.send(application, "somebody@example.org")
    send_codes()

    with CaptureQueriesContext(connection) as queries:
        answer = version.send(application, name)

    assert_refused(answer)
    assert [shape(one) for one in queries] == [shape(one) for one in usual]
    assert send_codes() == sent


def shape(query: dict[str, str]) -> str:
    """Give a statement without what differs from one address to the next."""
    words = re.match(r"\S+(?: INTO| FROM)?", query["sql"])
    tables = re.findall(r"agents_\w+", query["sql"])
    return f"{words and words[0]} {tables[:1]}"


@both_versions
@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_whether_sms_are_on_cannot_be_told_from_the_answer(
    application: Application, phone: Phone, version: Version
) -> None:
    without = make.make_application()

    with CaptureQueriesContext(connection) as usual:
        assert_refused(version.send(application, NUMBER))
    with CaptureQueriesContext(connection) as queries:
        assert_refused(version.send(without, NUMBER))

    assert len(queries) == len(usual)
    assert (send_codes(), len(phone.messages())) == (1, 1)


# --- Limits ---------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_a_number_is_sent_three_passwords_in_a_quarter_of_an_hour_by_both_versions(
    application: Application, phone: Phone
) -> None:
    spellings = [(V2, AT_HOME), (V1, NUMBER), (V2, "0049 (170) 123-4567")]
    answers = [version.send(application, spelling) for version, spelling in spellings]

    fourth = [version.send(application, "0170/1234567") for version in (V1, V2)]

    send_codes()
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    for answer in fourth:
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= limits.CODE_SEND_WINDOW.total_seconds()
    assert len(phone.messages()) == 3
    assert_refused(V1.send(application, "0170 7654321"))


@both_versions
@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_a_sender_can_ask_for_thirty_numbers_and_addresses(
    application: Application, version: Version
) -> None:
    for number in range(limits.CODE_SENDS_PER_SENDER // 2):
        assert_refused(version.send(application, f"+4917012345{number:02}"))
        assert_refused(version.send(application, f"customer-{number}@example.org"))

    answer = version.send(application, NUMBER)

    assert answer.status_code == 429
    assert OneTimeCode.objects.count() == limits.CODE_SENDS_PER_SENDER


@both_versions
@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_after_five_wrong_passwords_the_right_one_is_refused_however_the_number_is_written(
    application: Application, version: Version
) -> None:
    code = make.make_code(application, NUMBER)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for spelling in (NUMBER, AT_HOME, "0049 170 1234567", "01701234567", "+49 (0)170 1234567"):
        assert_refused(version.send(application, spelling, wrong))

    assert_refused(version.send(application, NUMBER, code))
    assert not Appointment.objects.exists()


@both_versions
@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_counted_is_not_sent(
    application: Application, phone: Phone, version: Version
) -> None:
    held, over = threading.Event(), threading.Event()

    def hold_the_counters() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {SecurityCounter._meta.db_table} IN EXCLUSIVE MODE")
            held.set()
            over.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold_the_counters)
        assert held.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        answer = out_of_order(version, application)
        over.set()
        holding.result(20)
    connection.close()

    assert answer.status_code == 503
    assert (OneTimeCode.objects.count(), send_codes(), phone.messages()) == (0, 0, [])


def out_of_order(version: Version, application: Application) -> Answer:
    client = ApiClient(out_of_order=True)
    body = version.body(application, NUMBER)
    return client.post(version.path, body, headers=basic(NUMBER))
