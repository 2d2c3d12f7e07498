"""One-time passwords on their way: by SMS or by mail, by whose provider, and once at most."""

from __future__ import annotations

import re
import threading
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.apps import apps
from django.db import connection
from werkzeug import Response

from agents.models import OneTimeCode
from agents.services import code_sending, codes
from agents.services.code_sending import send_codes
from agents.services.codes import ask_for_code, redeem_code
from config.kernel.http import Answer
from notifications.models import Channel, Notification
from notifications.segments import segments_of
from notifications.services.provider_accounts import choose_provider
from notifications.transports.email import door
from notifications.transports.sms.phone import Phone
from tests import make
from tests.notifications.sms import allow

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from django.test import Client
    from pytest_django import Settings
    from pytest_httpserver import HTTPServer
    from werkzeug import Request as Received

    from agents.models import Application
    from config.kernel.http import Request
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADA = "ada.lovelace@example.org"
NUMBER = "+491701234567"
HERE = "192.0.2.1"
SMTP = "notifications.transports.email.smtp"
SMS = "notifications.transports.sms"


@pytest.fixture
def application(db: None) -> Application:
    application = make.make_application(name="Contoso\nBank", default_country="DE")
    make.make_channel(application, Channel.SMS)
    return application


@pytest.fixture
def phone(settings: Settings, tmp_path: Path) -> Phone:
    """Give the local phone, to which all SMS of the installation go."""
    settings.FRONTDESK_HOME = tmp_path
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": SMTP, "SMS": f"{SMS}.phone"}
    return Phone.of_settings()


@pytest.fixture
def gateway(httpserver: HTTPServer, settings: Settings) -> HTTPServer:
    """Give the gateway to which all SMS of the installation go."""
    allow(settings, httpserver)
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": SMTP, "SMS": f"{SMS}.gateway"}
    settings.NOTIFICATIONS_SMS = {
        "url": httpserver.url_for("/messages"),
        "body": {"to": "{to}", "from": "{from}", "text": "{text}"},
        "status": "status",
        "from": "Northwind",
    }
    return httpserver


def answers(server: HTTPServer, *, status: int = 200, body: object = None) -> None:
    server.expect_request("/messages").respond_with_json(body or {}, status=status)


def received(server: HTTPServer) -> list[dict[str, Any]]:
    return [orjson.loads(request.get_data()) for request, _ in server.log]


def code_in(text: str) -> str:
    [code] = re.findall(r"\b\d{6}\b", text)
    return str(code)


def waiting() -> int:
    return OneTimeCode.objects.filter(sealed__isnull=False).count()


def everything_kept() -> str:
    """Give all rows of all our tables as text, in which bytes are written as hexadecimals."""
    with connection.cursor() as cursor:
        texts = []
        for model in apps.get_models():
            cursor.execute(f'SELECT r::text FROM "{model._meta.db_table}" r')  # noqa: S608  # ours
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


# --- By SMS ---------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule_as_customer.r4")
def test_a_code_for_a_number_comes_as_one_sms_and_proves_the_number(
    application: Application, phone: Phone, now: datetime
) -> None:
    ask_for_code(application, "0170 1234567", sender=HERE, now=now)

    assert send_codes() == 1

    [sms] = phone.messages()
    code = code_in(sms.text)
    assert (sms.recipient, sms.segments.count) == (NUMBER, 1)
    assert sms.text == f"{code} is your one-time password for Contoso Bank, valid for 10 minutes."
    redeem_code(application, "0049 (170) 123-4567", code, now=now)


def test_the_sms_speaks_the_language_of_the_application(phone: Phone) -> None:
    german = make.make_application(default_locale="de-AT", name="Contoso")
    make.make_channel(german, Channel.SMS, sender="Contoso")
    code = make.make_code(german, NUMBER)

    send_codes()

    [sms] = phone.messages()
    assert sms.text == f"{code} ist Ihr Einmalkennwort für Contoso (10 Minuten gültig)."
    assert sms.sender == "Contoso"


def test_a_greek_sms_leaves_room_for_the_name() -> None:
    text = codes.short_words_for("123456", name="Contoso Bank", locale="el-GR")

    assert text == "123456: κωδικός μίας χρήσης για Contoso Bank, ισχύει 10 λεπτά."
    assert segments_of(text).count == 1


@pytest.mark.parametrize("locale", ["en-US", "de-DE", "el-GR"])
@pytest.mark.parametrize("name", ["x" * 200, "Łódź " * 40, "€{" * 100, "🙂" * 200, "\u202e"])
def test_however_long_the_name_it_is_one_sms(locale: str, name: str) -> None:
    text = codes.short_words_for("123456", name=name, locale=locale)

    assert segments_of(text).count == 1
    assert text.startswith("123456")


def test_the_gateway_gets_number_sender_and_text_under_the_id_of_the_code(
    application: Application, gateway: HTTPServer
) -> None:
    code = make.make_code(application, NUMBER)
    answers(gateway)

    assert send_codes() == 1

    [sms] = received(gateway)
    assert (sms["to"], sms["from"]) == (NUMBER, "Northwind")
    assert code in sms["text"]
    key = gateway.log[0][0].headers["Idempotency-Key"]
    assert key == str(OneTimeCode.objects.get().id)


@pytest.mark.urls("tests.local.urls")
def test_the_local_phone_shows_the_code(
    application: Application, phone: Phone, client: Client
) -> None:
    code = make.make_code(application, NUMBER)
    send_codes()

    page = client.get(f"/dev/phone/{NUMBER}/")

    assert f"{code} is your one-time password" in page.content.decode()


@pytest.mark.parametrize("has_row", [True, False])
def test_where_sms_are_off_nothing_is_sent(
    application: Application, phone: Phone, *, has_row: bool
) -> None:
    channels = application.channel_settings.filter(channel=Channel.SMS)
    channels.update(is_on=False) if has_row else channels.delete()
    make.make_code(application, NUMBER)

    assert (send_codes(), phone.messages(), waiting()) == (0, [], 0)


def test_without_a_provider_of_sms_nothing_is_sent(
    application: Application, mailbox: Mailbox, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": SMTP}
    make.make_code(application, NUMBER)
    make.make_code(application, ADA)

    assert (send_codes(), waiting()) == (1, 0)


# --- At most once ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 402, 429, 500, 503])
def test_a_code_that_the_gateway_does_not_take_is_not_sent_again(
    application: Application, gateway: HTTPServer, status: int
) -> None:
    make.make_code(application, NUMBER)
    answers(gateway, status=status)

    assert [send_codes(), send_codes()] == [0, 0]
    assert (len(gateway.log), waiting()) == (1, 0)


def test_codes_wait_while_the_gateway_cannot_be_reached(
    application: Application, gateway: HTTPServer, settings: Settings
) -> None:
    code = make.make_code(application, NUMBER)
    make.make_code(application, "+491701234568")
    there, settings.OUTGOING_ALLOWED_HOSTS = settings.OUTGOING_ALLOWED_HOSTS, []
    assert (send_codes(), waiting()) == (0, 2)

    settings.OUTGOING_ALLOWED_HOSTS = there
    answers(gateway)

    assert (send_codes(), waiting()) == (2, 0)
    assert code in received(gateway)[0]["text"]


def test_a_gateway_that_is_away_keeps_no_mail_back(
    application: Application, gateway: HTTPServer, settings: Settings, mailbox: Mailbox
) -> None:
    settings.OUTGOING_ALLOWED_HOSTS = []
    make.make_code(application, NUMBER)
    make.make_code(application, ADA)

    assert (send_codes(), waiting(), len(mailbox.to(ADA))) == (1, 1, 1)


def test_what_waits_is_looked_at_application_by_application(
    application: Application, phone: Phone
) -> None:
    other = make.make_application()
    make.make_channel(other, Channel.SMS)
    for number in range(3):
        make.make_code(application, f"+4917012345{number:02}")
    make.make_code(other, NUMBER)

    assert send_codes(limit=2) == 2

    assert {sms.recipient for sms in phone.messages()} == {"+491701234500", NUMBER}


def test_a_slow_provider_has_others_wait_once_and_no_longer(
    application: Application,
    gateway: HTTPServer,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = count(step=3)  # Seconds pass with every look at it: a round ends after a send or two.
    monkeypatch.setattr(code_sending, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(code_sending, "_ROUND_SECONDS", 10)
    monkeypatch.setattr(code_sending, "_served_at", {})
    for number in range(5):
        make.make_code(application, f"+491701234{number:03}")
    make.make_code(application, ADA)
    answers(gateway)

    assert (send_codes(), mailbox.messages) == (1, [])
    send_codes()

    assert (len(mailbox.messages), len(gateway.log)) == (1, 1)


def test_a_code_that_nobody_can_read_any_more_is_lost(
    application: Application, phone: Phone, settings: Settings
) -> None:
    make.make_code(application, NUMBER)
    settings.SECRET_KEYS = ["another-secret-key-of-more-than-fifty-characters-0123456789"]
    make.make_code(application, "+491701234568")

    assert (send_codes(), waiting()) == (1, 0)


def test_a_mail_address_that_cannot_be_written_to_is_no_crash(
    application: Application, mailbox: Mailbox
) -> None:
    make.make_code(application, '"a b"@example.org')
    make.make_code(application, ADA)

    assert (send_codes(), waiting()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_code_once(
    application: Application, phone: Phone, settings: Settings
) -> None:
    for number in range(10):
        make.make_code(application, f"+4917012345{number:02}")
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

    assert (sum(sent), len(phone.messages())) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_the_row_is_empty_before_the_code_leaves(
    application: Application, gateway: HTTPServer
) -> None:
    make.make_code(application, NUMBER)
    seen: list[int] = []

    def look(_request: Received) -> Response:
        seen.append(waiting())
        connection.close()
        return Response("{}")

    gateway.expect_request("/messages").respond_with_handler(look)
    send_codes()

    assert seen == [0]


# --- By whose provider ----------------------------------------------------------------------


def test_an_application_s_own_provider_carries_its_sms(
    application: Application, gateway: HTTPServer, settings: Settings, tmp_path: Path
) -> None:
    settings.FRONTDESK_HOME = tmp_path
    settings.NOTIFICATIONS_PROVIDERS = {"SMS": {"twilio": f"{SMS}.phone"}}
    other = make.make_application()
    make.make_channel(other, Channel.SMS)
    own = application.channel_settings.get(channel=Channel.SMS)
    choose_provider(own, "twilio", {"account": "AC1", "token": "s3cret"})
    own.save()
    make.make_code(application, NUMBER)
    make.make_code(other, "+491701234568")
    answers(gateway)

    assert send_codes() == 2

    assert [sms.recipient for sms in Phone.of_settings().messages()] == [NUMBER]
    assert [sms["to"] for sms in received(gateway)] == ["+491701234568"]


def test_an_own_provider_needs_none_of_the_installation(
    application: Application, settings: Settings, tmp_path: Path
) -> None:
    settings.FRONTDESK_HOME = tmp_path
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": SMTP}
    settings.NOTIFICATIONS_PROVIDERS = {"SMS": {"gateway": f"{SMS}.phone"}}
    application.channel_settings.update(provider="gateway")
    make.make_code(application, NUMBER)

    assert send_codes() == 1


@pytest.mark.parametrize("provider", ["pigeon", "twilio"])
def test_a_provider_that_cannot_be_opened_costs_the_codes_of_its_application_alone(
    application: Application, phone: Phone, provider: str
) -> None:
    application.channel_settings.update(provider=provider)
    other = make.make_application()
    make.make_channel(other, Channel.SMS)
    for each in (application, other):
        make.make_code(each, NUMBER)

    assert (send_codes(), waiting()) == (1, 0)


def test_an_application_s_own_provider_carries_its_mails(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[Request] = []

    def fetch(request: Request) -> Answer:
        requests.append(request)
        return Answer(status=200, headers={}, body=b'{"id": "1"}')

    monkeypatch.setattr(door, "fetch", fetch)
    with_own, without = make.make_application(), make.make_application()
    own = make.make_channel(with_own, sender="Contoso <desk@contoso.example>")
    choose_provider(own, "resend", {"api_key": "our-own"})
    own.save()
    code = make.make_code(with_own, ADA)
    make.make_code(without, "grace@example.org")

    assert send_codes() == 2

    [request] = requests
    said = orjson.loads(request.body)
    assert (said["to"], said["from"]) == ([ADA], "Contoso <desk@contoso.example>")
    assert code in said["text"]
    assert [delivery.recipients for delivery in mailbox.deliveries] == [("grace@example.org",)]


def test_a_mail_does_not_need_the_channel_to_be_on(mailbox: Mailbox) -> None:
    application = make.make_application()
    make.make_channel(application, sender="Contoso <desk@contoso.example>")
    application.channel_settings.update(is_on=False)
    make.make_code(application, ADA)

    assert send_codes() == 1

    [delivery] = mailbox.deliveries
    assert delivery.sender == "desk@contoso.example"


# --- Nothing is kept ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 500])
def test_neither_number_nor_code_stays_in_a_table_or_in_the_log(
    application: Application,
    gateway: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    caplog.set_level(0)
    code = make.make_code(application, NUMBER)
    # A gateway that repeats everything that it was sent.
    text = codes.short_words_for(code, name=application.name, locale="en")
    answers(gateway, status=status, body={"status": code, "to": NUMBER, "text": text})

    send_codes()

    kept = everything_kept()
    assert str(OneTimeCode.objects.get().id) in kept
    for secret in (code, NUMBER, NUMBER[1:], "one-time password for"):
        assert secret not in kept
        assert secret.encode().hex() not in kept
        assert secret not in caplog.text
    assert not Notification.objects.exists()


def test_a_provider_that_gives_the_code_for_an_error_is_not_quoted(
    application: Application,
    httpserver: HTTPServer,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    allow(settings, httpserver)
    base = httpserver.url_for("").rstrip("/")
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": f"{SMS}.twilio"}
    settings.NOTIFICATIONS_SMS = {"account": "AC1", "token": "t", "from": "MG1", "base": base}
    code = make.make_code(application, NUMBER)
    httpserver.expect_request(re.compile(".*")).respond_with_json({"code": code}, status=400)

    assert (send_codes(), len(httpserver.log)) == (0, 1)

    assert "was not sent: Refused." in caplog.text
    assert code not in caplog.text


def test_what_was_lost_is_named_in_the_log(
    application: Application, gateway: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    make.make_code(application, NUMBER)
    answers(gateway, status=422)

    send_codes()

    [record] = [one for one in caplog.records if one.name == "agents.services.code_sending"]
    code_id = OneTimeCode.objects.get().id
    assert record.getMessage() == f"The one-time password {code_id} was not sent: Refused 422."
