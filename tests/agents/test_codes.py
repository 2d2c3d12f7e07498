"""One-time passwords: asked for, sent at most once, guessed at most five times, used once."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agents.errors import CodeRefused, TooManyAttempts
from agents.models import OneTimeCode
from agents.services import codes
from agents.services.code_sending import send_codes
from agents.services.codes import ask_for_code, check_code, redeem_code, use_code
from agents.services.retention import forget_expired
from tests import make

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_django import DjangoAssertNumQueries

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = "ada.lovelace@example.org"
HERE = "192.0.2.1"


@pytest.fixture
def application(db: None) -> Application:
    return make.make_application(name="Contoso\nBank")


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# --- Asking and sending ---------------------------------------------------------------------


def test_whoever_asks_gets_a_code_by_mail(
    application: Application, mailbox: Mailbox, now: datetime
) -> None:
    ask_for_code(application, ADA.upper(), sender=HERE, now=now)

    assert send_codes() == 1

    [message] = mailbox.to(ADA)
    text = message.get_content()
    assert message["Subject"] == "Your one-time password"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "Your one-time password for Contoso Bank is " in text
    [code] = re.findall(r"\b\d{6}\b", text)
    redeem_code(application, ADA, code, now=now)


def test_the_mail_speaks_the_language_of_the_application(mailbox: Mailbox, now: datetime) -> None:
    german = make.make_application(default_locale="de-AT", name="Contoso")
    greek = make.make_application(default_locale="el-GR", name="Contoso")
    french = make.make_application(default_locale="fr-FR", name="Contoso")
    for application in (german, greek, french):
        ask_for_code(application, ADA, sender=HERE, now=now)

    send_codes()

    subjects = sorted(str(message["Subject"]) for message in mailbox.messages)
    assert subjects == ["Ihr Einmalkennwort", "Your one-time password", "Ο κωδικός μίας χρήσης"]


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_an_address_is_sent_three_codes_in_a_quarter_of_an_hour(
    application: Application, now: datetime
) -> None:
    other = make.make_application()
    for each in (application, other, application):
        ask_for_code(each, ADA, sender=HERE, now=now)

    with pytest.raises(TooManyAttempts):
        ask_for_code(application, f" {ADA.upper()} ", sender="192.0.2.2", now=now)

    ask_for_code(application, ADA, sender=HERE, now=now + timedelta(minutes=15))


def test_what_follows_a_plus_is_no_other_mailbox(application: Application, now: datetime) -> None:
    for tag in ("", "+one", "+two+three"):
        ask_for_code(application, f"ada{tag}@example.org", sender=HERE, now=now)

    with pytest.raises(TooManyAttempts):
        ask_for_code(application, "ada+four@example.org", sender="192.0.2.2", now=now)


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_a_sender_can_ask_thirty_times(application: Application, now: datetime) -> None:
    for number in range(30):
        ask_for_code(application, f"user-{number}@example.org", sender=HERE, now=now)

    with pytest.raises(TooManyAttempts):
        ask_for_code(application, ADA, sender=HERE, now=now)


UNREACHABLE = [
    "0170 1234567",
    "+49 1",
    "nonsense",
    "a@b",
    "root@localhost",
    '"ada"@example.org',
    "ada@[127.0.0.1]",
    "x" * 250 + "@example.org",
]


@pytest.mark.parametrize("address", UNREACHABLE)
def test_what_nothing_can_be_sent_to_gets_the_same_answer_and_nothing_is_sent(
    application: Application, mailbox: Mailbox, now: datetime, address: str
) -> None:
    ask_for_code(application, address, sender=HERE, now=now)

    assert send_codes() == 0
    assert mailbox.messages == []


@pytest.mark.parametrize("address", UNREACHABLE)
def test_no_code_proves_what_nothing_can_be_sent_to(
    application: Application, now: datetime, address: str
) -> None:
    code = make.make_code(application, address)

    with pytest.raises(CodeRefused):
        check_code(application, address, code, now=now)


@pytest.mark.parametrize("address", [*UNREACHABLE, "+49 170 1234567", "grace@example.org"])
def test_an_address_costs_as_many_queries_as_any_other(
    application: Application,
    now: datetime,
    address: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with CaptureQueriesContext(connection) as usual:
        ask_for_code(application, ADA, sender=HERE, now=now)

    with django_assert_num_queries(len(usual)):
        ask_for_code(application, address, sender=HERE, now=now)


def test_a_number_is_sent_three_codes_in_a_quarter_of_an_hour_however_it_is_written(
    now: datetime,
) -> None:
    german = make.make_application(default_country="DE")
    other = make.make_application()
    ask_for_code(german, "0170 1234567", sender=HERE, now=now)
    ask_for_code(other, "+49 170 1234567", sender=HERE, now=now)
    ask_for_code(other, "0049 (0)170-1234567", sender=HERE, now=now)

    for application, address in ((german, "01701234567"), (other, "tel:+491701234567")):
        with pytest.raises(TooManyAttempts):
            ask_for_code(application, address, sender="192.0.2.2", now=now)

    assert OneTimeCode.objects.count() == 3


def test_an_application_that_does_not_let_customers_book_sends_nothing(now: datetime) -> None:
    closed = make.make_application(customers_may_book=False)

    ask_for_code(closed, ADA, sender=HERE, now=now)
    ask_for_code(None, ADA, sender=HERE, now=now)

    assert not OneTimeCode.objects.exists()


def test_neither_code_nor_address_can_be_read_in_the_database(
    application: Application, mailbox: Mailbox, now: datetime
) -> None:
    code = make.make_code(application, ADA)
    row = OneTimeCode.objects.get()

    held = b"".join(bytes(field) for field in (row.address, row.digest, row.sealed or b""))
    assert ADA.encode() not in held
    assert code.encode() not in held
    send_codes()
    row.refresh_from_db()
    assert row.sealed is None


def test_a_code_that_the_server_refuses_is_not_sent_again(
    application: Application, mailbox: Mailbox
) -> None:
    make.make_code(application, ADA)
    make.make_code(application, "grace@example.org")
    mailbox.refused[ADA] = "550 5.1.1 nobody"

    assert send_codes() == 1
    mailbox.forget()
    assert send_codes() == 0


def test_codes_wait_while_the_server_is_away(
    application: Application, request: pytest.FixtureRequest
) -> None:
    make.make_code(application, ADA)

    assert send_codes() == 0

    mailbox = request.getfixturevalue("mailbox")
    assert send_codes() == 1
    assert len(mailbox.messages) == 1


def test_an_expired_code_is_not_sent(application: Application, mailbox: Mailbox) -> None:
    make.make_code(application, ADA)
    OneTimeCode.objects.update(expires_at="2020-01-01T00:00Z")

    assert send_codes() == 0
    assert OneTimeCode.objects.get().sealed is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_code_once(mailbox: Mailbox) -> None:
    application = make.make_application()
    for number in range(10):
        make.make_code(application, f"user-{number}@example.org")
    together = threading.Barrier(2)
    sent: list[int] = []

    def work() -> None:
        try:
            together.wait()
            sent.append(send_codes())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sent) == 10
    assert len(mailbox.messages) == 10


# --- Proving --------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule_as_customer.r5")
def test_a_code_works_once(application: Application, now: datetime) -> None:
    code = make.make_code(application, ADA)
    redeem_code(application, ADA, code, now=now)

    with pytest.raises(CodeRefused):
        redeem_code(application, ADA, code, now=now)


@pytest.mark.rule("v2.appointments.schedule_as_customer.r6")
def test_a_code_works_for_its_application_and_its_address_alone(
    application: Application, now: datetime
) -> None:
    code = make.make_code(application, ADA)
    sibling = make.make_application(application.organization)

    for each, address in ((sibling, ADA), (application, "grace@example.org")):
        with pytest.raises(CodeRefused):
            redeem_code(each, address, code, now=now)

    redeem_code(application, ADA, code, now=now)


@pytest.mark.rule("v2.appointments.schedule_as_customer.r2")
def test_a_code_works_for_ten_minutes(application: Application, now: datetime) -> None:
    code = codes.new_code(application, ADA, now=now)

    with pytest.raises(CodeRefused):
        check_code(application, ADA, code, now=now + timedelta(minutes=10))

    check_code(application, ADA, code, now=now + timedelta(minutes=10, microseconds=-1))


def test_a_new_code_makes_the_old_one_void(application: Application, now: datetime) -> None:
    old = make.make_code(application, ADA)
    new = make.make_code(application, ADA)

    with pytest.raises(CodeRefused):
        check_code(application, ADA, old if old != new else other_than(new), now=now)

    check_code(application, ADA, new, now=now)


def test_after_five_wrong_guesses_the_right_one_is_refused(
    application: Application, now: datetime
) -> None:
    code = make.make_code(application, ADA)
    for guess in (other_than(code), "", "abcdef", f" {code}", code * 2):
        with pytest.raises(CodeRefused):
            check_code(application, ADA, guess, now=now)

    with pytest.raises(CodeRefused):
        check_code(application, ADA, code, now=now)


def test_a_refused_booking_gives_the_code_back(application: Application, now: datetime) -> None:
    code = make.make_code(application, ADA)
    for _ in range(7):
        proven = check_code(application, ADA, code, now=now)
        with transaction.atomic():
            use_code(proven, now=now)
            transaction.set_rollback(True)

    redeem_code(application, ADA, code, now=now)


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        (" +49 (30) 12-34.5 ", "", "+493012345"),
        ("0049 30 12345", "", "+493012345"),
        ("0049 30 12345", "DE", "+493012345"),
        ("0049 30 12345", "US", "+493012345"),
        ("0011 49 30 12345", "AU", "+493012345"),
        ("030 12345", "DE", "+493012345"),
        ("(212) 555-0123", "US", "+12125550123"),
        # Without a country it is none that can be reached, but the same as itself.
        ("030 / 12345", "", "03012345"),
        ("110", "DE", "110"),
        ("nonsense", "DE", ""),
        ("", "DE", ""),
        (" Ada@Example.ORG ", "DE", "ada@example.org"),
        ("ada@Bücher.example", "DE", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "DE", "ada@xn--bcher-kva.example"),
        ("ada@" + "ü" * 64 + ".example", "DE", "ada@" + "ü" * 64 + ".example"),
    ],
)
def test_an_address_is_compared_in_one_form(written: str, country: str, number: str) -> None:
    assert codes.normalized(written, country=country) == number
    assert codes.normalized(number, country=country) == number


@pytest.mark.parametrize("written", ["0170 1234567", "+49 170 1234567", "0049 (170) 123-4567"])
def test_a_number_is_proven_however_it_is_written(now: datetime, written: str) -> None:
    german = make.make_application(default_country="DE")
    code = make.make_code(german, "0170/123 45 67")

    assert check_code(german, written, code, now=now).address == "+491701234567"


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_five_are_looked_at(now: datetime) -> None:
    application = make.make_application()
    code = codes.new_code(application, ADA, now=now)
    together = threading.Barrier(40)

    def guess() -> None:
        try:
            together.wait()
            with pytest.raises(CodeRefused):
                check_code(application, ADA, other_than(code), now=now)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert OneTimeCode.objects.get().tries == 5
    with pytest.raises(CodeRefused):
        check_code(application, ADA, code, now=now)


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_once_one_succeeds(now: datetime) -> None:
    application = make.make_application()
    code = codes.new_code(application, ADA, now=now)
    together = threading.Barrier(12)
    outcomes: list[bool] = []

    def use() -> None:
        try:
            together.wait()
            redeem_code(application, ADA, code, now=now)
            outcomes.append(True)
        except CodeRefused:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count(True) == 1


def test_codes_are_deleted_after_a_day(application: Application, now: datetime) -> None:
    make.make_code(application, ADA)
    forget_expired(now=now)
    assert OneTimeCode.objects.count() == 1

    forget_expired(now=now + timedelta(days=1, minutes=5))

    assert OneTimeCode.objects.count() == 0
