"""Twilio, as it answers: recorded answers of its API, by a real server."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
import pytest
from django.utils import timezone
from werkzeug import Response

from config.kernel import secrets
from notifications.errors import CannotBuild
from notifications.models import Channel, ChannelSettings, Notification, NotificationContent
from notifications.models.kinds import Status
from notifications.rendering import TemplateBook
from notifications.services import dispatch
from notifications.transports import Accepted, Outcome, Refused, Submitted, TryLater
from notifications.transports.sms import twilio
from notifications.transports.sms.twilio import Account, TwilioSession
from tests.notifications.ledger import make_application, make_notification
from tests.notifications.sms import NUMBER, allow, make_parcel, make_short_message, soon

if TYPE_CHECKING:
    from pytest_django import Settings
    from pytest_httpserver import HTTPServer

ACCOUNT = "AC00000000000000000000000000000001"
SID = "SM00000000000000000000000000000002"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def message(status: str = "queued", *, error_code: int | None = None) -> dict[str, Any]:
    """Give Twilio's message resource, as it answers to both calls."""
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "See you at 10",
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
        "date_sent": None,
        "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
        "direction": "outbound-api",
        "error_code": error_code,
        "error_message": None,
        "from": "+4930901820",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": SID,
        "status": status,
        "subresource_uris": {"media": f"{MESSAGES}/{SID}/Media.json"},
        "to": NUMBER,
        "uri": f"{MESSAGES}/{SID}.json",
    }


def error(code: int, *, status: int = 400) -> Response:
    """Give Twilio's refusal; its words repeat the number."""
    text = f"The 'To' number {NUMBER} is not a valid phone number."
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": text, "more_info": more, "status": status}
    return json_answer(body, status=status)


def json_answer(body: object, *, status: int = 201, **headers: str) -> Response:
    return Response(
        orjson.dumps(body), status=status, headers=headers, content_type="application/json"
    )


@pytest.fixture
def there(httpserver: HTTPServer, settings: Settings) -> HTTPServer:
    allow(settings, httpserver)
    return httpserver


def session_with(server: HTTPServer, **options: str) -> TwilioSession:
    given = {"account": ACCOUNT, "token": "s3cret-token", "from": "+4930901820", **options}
    return TwilioSession(Account.read(given, base=server.url_for("").rstrip("/")), TemplateBook())


def sent(server: HTTPServer, answer: Response, **options: str) -> Outcome:
    server.expect_request(f"{MESSAGES}.json", method="POST").respond_with_response(answer)
    return session_with(server, **options).send(make_parcel(), until=soon())


def asked(server: HTTPServer, answer: Response) -> Outcome:
    server.expect_request(f"{MESSAGES}/{SID}.json", method="GET").respond_with_response(answer)
    return session_with(server).poll(make_short_message(sent_as=SID), until=soon())


# --- Handing over ----------------------------------------------------------------------------


def test_a_message_is_handed_over_in_one_call(there: HTTPServer) -> None:
    outcome = sent(there, json_answer(message()))

    assert outcome == Submitted(provider_status="queued", message_id=SID)
    [(request, _)] = there.log
    assert parse_qs(request.get_data(as_text=True)) == {
        "To": [NUMBER],
        "From": ["+4930901820"],
        "Body": ["See you at 10"],
    }
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == (
        ACCOUNT,
        "s3cret-token",
    )


def test_a_key_signs_in_place_of_the_account(there: HTTPServer) -> None:
    sent(there, json_answer(message()), key="SK0000")

    authorization = there.log[0][0].authorization
    assert authorization is not None
    assert (authorization.username, authorization.password) == ("SK0000", "s3cret-token")


def test_a_messaging_service_chooses_the_number(there: HTTPServer) -> None:
    there.expect_request(f"{MESSAGES}.json").respond_with_response(json_answer(message("accepted")))

    outcome = session_with(there).send(make_parcel(sender="MG0001"), until=soon())

    assert outcome == Submitted(provider_status="accepted", message_id=SID)
    assert "MessagingServiceSid=MG0001" in there.log[0][0].get_data(as_text=True)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21211, "Twilio refused it: the number is not valid (Twilio 21211)."),
        (21610, "Twilio refused it: the recipient has unsubscribed (Twilio 21610)."),
        (21614, "Twilio refused it: the number takes no SMS (Twilio 21614)."),
        (29999, "Twilio refused it (Twilio 29999)."),
    ],
)
def test_a_refusal_is_named_by_its_code_and_not_in_twilio_s_words(
    there: HTTPServer, code: int, reason: str
) -> None:
    outcome = sent(there, error(code))

    assert outcome == Refused(reason=reason, provider_status=str(code))


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.rule("v2.notifications.list.r11")
def test_when_twilio_does_not_let_us_in_it_has_failed_and_can_be_sent_again_by_hand(
    there: HTTPServer, status: int
) -> None:
    outcome = sent(there, error(20003, status=status))

    assert outcome == Refused(reason="Twilio refused it (Twilio 20003).", provider_status="20003")


def test_a_busy_twilio_is_left_alone_as_long_as_it_wants(there: HTTPServer) -> None:
    outcome = sent(there, json_answer({"code": 20429}, status=429, **{"Retry-After": "17"}))

    assert outcome == TryLater(
        reason="The provider is busy or in trouble (429).",
        provider_status="429",
        after=timedelta(seconds=17),
        is_away=True,
    )


def test_trouble_of_twilio_uses_up_an_attempt(there: HTTPServer) -> None:
    outcome = sent(there, json_answer({}, status=500))

    assert outcome == TryLater(
        reason="The provider is busy or in trouble (500).", provider_status="500"
    )


def test_an_answer_that_cannot_be_read_is_ambiguous(there: HTTPServer) -> None:
    outcome = sent(there, Response("<html>", status=200))

    assert outcome == TryLater(reason="The answer cannot be read; it may have arrived.")


def test_an_answer_that_does_not_come_in_time_is_ambiguous(there: HTTPServer) -> None:
    there_was_time = threading.Event()

    def slow(_request: object) -> Response:
        there_was_time.wait(2)
        return json_answer(message())

    there.expect_request(f"{MESSAGES}.json").respond_with_handler(slow)

    outcome = session_with(there).send(make_parcel(), until=time.monotonic() + 0.1)

    there_was_time.set()
    assert outcome == TryLater(
        reason="The answer did not come in time; it may have arrived.",
    )


def test_when_twilio_cannot_be_reached_the_rest_of_the_batch_waits(settings: Settings) -> None:
    settings.OUTGOING_ALLOWED_HOSTS = ["127.0.0.1:9"]
    account = Account.read({"account": ACCOUNT, "token": "x"}, base="http://127.0.0.1:9")
    session = TwilioSession(account, TemplateBook())

    outcome = session.send(make_parcel(), until=soon())

    assert isinstance(outcome, TryLater)
    assert (outcome.is_away, outcome.reason[:31]) == (True, "The provider cannot be reached:")
    assert session.send(make_parcel(), until=soon()) is outcome


# --- Asking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["accepted", "scheduled", "queued", "sending", "sent", "a new word"]
)
def test_what_is_on_its_way_is_asked_after_again(there: HTTPServer, status: str) -> None:
    outcome = asked(there, json_answer(message(status), status=200))

    assert outcome == Submitted(provider_status=status, message_id=SID)


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_what_has_arrived_is_delivered(there: HTTPServer, status: str) -> None:
    outcome = asked(there, json_answer(message(status), status=200))

    assert outcome == Accepted(provider_status=status, message_id=SID)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (
            "undelivered",
            30003,
            "It could not be delivered: the phone cannot be reached (Twilio 30003).",
        ),
        ("failed", 30005, "It could not be delivered: the number is not in use (Twilio 30005)."),
        ("canceled", None, "It could not be delivered."),
    ],
)
def test_what_did_not_arrive_has_failed_and_says_why(
    there: HTTPServer, status: str, code: int | None, reason: str
) -> None:
    outcome = asked(there, json_answer(message(status, error_code=code), status=200))

    assert outcome == Refused(reason=reason, provider_status=status)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_question_without_an_answer_says_nothing_of_the_message(
    there: HTTPServer, status: int
) -> None:
    outcome = asked(there, error(20003, status=status))

    assert isinstance(outcome, TryLater)
    assert outcome.is_away


def test_a_message_that_twilio_does_not_know_has_not_failed(there: HTTPServer) -> None:
    outcome = asked(there, error(20404, status=404))

    assert outcome == TryLater(reason="Twilio refused it (Twilio 20404).")


# --- With the ledger -------------------------------------------------------------------------


@pytest.fixture
def installation(there: HTTPServer, settings: Settings) -> HTTPServer:
    """Give Twilio, as the provider of the installation."""
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.twilio"}
    settings.NOTIFICATIONS_SMS = {
        "account": ACCOUNT,
        "token": "s3cret-token",
        "from": "+4930901820",
        "base": there.url_for("").rstrip("/"),
    }
    settings.NOTIFICATIONS_POLLS = [timedelta(seconds=2)] * 3
    return there


@pytest.mark.django_db
def test_an_sms_goes_its_way_from_the_ledger_to_the_phone(installation: HTTPServer) -> None:
    application = make_application()
    application.default_country = "DE"
    application.save()
    due = make_notification(application, channel=Channel.SMS, address="0171 1234567")
    installation.expect_request(f"{MESSAGES}.json").respond_with_response(json_answer(message()))
    installation.expect_request(f"{MESSAGES}/{SID}.json").respond_with_response(
        json_answer(message("delivered"), status=200)
    )

    for _ in range(2):
        dispatch.send_due(Channel.SMS)
        Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())

    due.refresh_from_db()
    assert (due.status, due.provider_status, due.message_id) == (Status.DELIVERED, "delivered", SID)
    assert (due.poll_attempts, due.retry_count) == (1, 0)
    assert f"To=%2B{NUMBER[1:]}" in installation.log[0][0].get_data(as_text=True)
    assert NotificationContent.objects.get(pk=due.pk).text.startswith("Reminder: your appointment")


@pytest.mark.django_db
def test_a_number_without_a_country_fails_and_is_not_sent(installation: HTTPServer) -> None:
    due = make_notification(make_application(), channel=Channel.SMS, address="0171 1234567")

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert due.status == Status.FAILED
    assert due.error_message == (
        "The phone number names no country, and the application has no default one."
    )
    assert installation.log == []


@pytest.mark.django_db
def test_an_application_s_own_account_leads_nowhere_but_to_twilio(settings: Settings) -> None:
    given = {"account": "AC1", "token": "t", "from": "+49", "base": "https://evil.example"}

    with twilio.session([], given) as session:
        assert session._account.base == "https://api.twilio.com"


@pytest.mark.django_db
def test_an_application_that_chose_twilio_without_an_account_is_told_so(
    installation: HTTPServer, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.phone"}
    application = make_application()
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.SMS,
        is_on=True,
        provider="twilio",
    )
    due = make_notification(application, channel=Channel.SMS, address=NUMBER)

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert due.error_message == "The application has no account with Twilio."


@pytest.mark.django_db
def test_options_that_are_not_complete_are_refused(settings: Settings) -> None:
    application = make_application()
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.phone"}
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.SMS,
        is_on=True,
        provider="twilio",
        provider_options=secrets.seal('{"account": "AC1"}', purpose="provider-options"),
    )
    due = make_notification(application, channel=Channel.SMS, address=NUMBER)

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert due.error_message == "The options for Twilio name no account and no token."


def test_without_a_number_to_send_from_nothing_is_built(there: HTTPServer) -> None:
    with pytest.raises(CannotBuild) as refusal:
        session_with(there, **{"from": ""}).build(make_short_message())

    assert str(refusal.value) == "There is no number to send SMS from."
