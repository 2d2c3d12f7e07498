"""Any gateway with an HTTP API: how it is described, asked and understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.utils import timezone

from config.kernel import secrets
from notifications.gateways import Gateway, word_at
from notifications.models import Channel, ChannelSettings, Notification
from notifications.models.kinds import Status
from notifications.rendering import TemplateBook
from notifications.services import dispatch
from notifications.transports import Accepted, Outcome, Refused, Submitted, TryLater
from notifications.transports.sms.gateway import GatewaySession
from tests.notifications.ledger import make_application, make_notification
from tests.notifications.messages import NOTIFICATION
from tests.notifications.sms import NUMBER, allow, make_parcel, make_short_message, soon

if TYPE_CHECKING:
    from pytest_django import Settings
    from pytest_httpserver import HTTPServer

BODY = {
    "messages": [{"to": "{to}", "from": "{from}", "text": "{text}", "ref": "frontdesk {id}"}],
    "priority": 3,
}


@pytest.fixture
def there(httpserver: HTTPServer, settings: Settings) -> HTTPServer:
    allow(settings, httpserver)
    return httpserver


def described(server: HTTPServer, **more: Any) -> dict[str, Any]:
    return {
        "url": server.url_for("/messages"),
        "headers": {"Authorization": "Bearer s3cret"},
        "body": BODY,
        "message_id": "messages.0.id",
        "status": "messages.0.status",
        "status_url": server.url_for("/messages/") + "{message_id}",
        "status_of_message": "state",
        "delivered": ["DELIVRD"],
        "failed": ["UNDELIV", "REJECTD"],
        "from": "Northwind",
        **more,
    }


def session_with(server: HTTPServer, **more: Any) -> GatewaySession:
    gateway = Gateway.read(described(server, **more))
    return GatewaySession(gateway=gateway, book=TemplateBook(), https_only=False)


def sent(server: HTTPServer, answer: object, *, status: int = 202, **more: Any) -> Outcome:
    server.expect_request("/messages", method="POST").respond_with_json(answer, status=status)
    return session_with(server, **more).send(make_parcel(sender="Northwind"), until=soon())


def asked(server: HTTPServer, answer: object, *, status: int = 200) -> Outcome:
    server.expect_request("/messages/m-1", method="GET").respond_with_json(answer, status=status)
    return session_with(server).poll(make_short_message(sent_as="m-1"), until=soon())


def taken(status: str = "ACCEPTED", message_id: object = "m-1") -> dict[str, Any]:
    return {"messages": [{"id": message_id, "status": status}]}


# --- Handing over ----------------------------------------------------------------------------


def test_a_message_is_put_into_the_gateway_s_own_form(there: HTTPServer) -> None:
    outcome = sent(there, taken())

    assert outcome == Submitted(provider_status="ACCEPTED", message_id="m-1")
    [(request, _)] = there.log
    assert orjson.loads(request.get_data()) == {
        "messages": [
            {
                "to": NUMBER,
                "from": "Northwind",
                "text": "See you at 10",
                "ref": f"frontdesk {NOTIFICATION}",
            }
        ],
        "priority": 3,
    }
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == str(NOTIFICATION)


def test_what_a_message_says_is_never_read_as_a_place(there: HTTPServer) -> None:
    there.expect_request("/messages").respond_with_json(taken())
    text = '{to} "}], {id} €'

    session_with(there).send(make_parcel(text), until=soon())

    assert orjson.loads(there.log[0][0].get_data())["messages"][0]["text"] == text


def test_without_a_sender_the_gateway_chooses_one(there: HTTPServer) -> None:
    there.expect_request("/messages").respond_with_json(taken())

    session_with(there).send(make_parcel(sender=""), until=soon())

    assert "from" not in orjson.loads(there.log[0][0].get_data())["messages"][0]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (taken("delivrd"), Accepted(provider_status="delivrd", message_id="m-1")),
        (taken("REJECTD"), Refused(reason="The gateway says: REJECTD.", provider_status="REJECTD")),
        (taken("", 17), Submitted(provider_status="202", message_id="17")),
        (taken("OK\nInjected"), Submitted(provider_status="OKInjected", message_id="m-1")),
        # Without a name for the message nobody can be asked.
        (taken("OK", ""), Accepted(provider_status="OK", message_id="")),
        (taken("OK", "x" * 256), Accepted(provider_status="OK", message_id="")),
        ([], Accepted(provider_status="202", message_id="")),
    ],
)
def test_an_answer_is_understood_by_the_words_of_the_description(
    there: HTTPServer, answer: object, outcome: Outcome
) -> None:
    assert sent(there, answer) == outcome


def test_a_gateway_that_cannot_be_asked_has_delivered_what_it_took(there: HTTPServer) -> None:
    outcome = sent(there, taken("QUEUED"), status_url="")

    assert outcome == Accepted(provider_status="QUEUED", message_id="m-1")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Refused(reason="The provider refused it (400).", provider_status="400")),
        (422, Refused(reason="The provider refused it (422).", provider_status="422")),
        (
            409,
            TryLater(reason="The provider is busy or in trouble (409).", provider_status="409"),
        ),
        (
            500,
            TryLater(reason="The provider is busy or in trouble (500).", provider_status="500"),
        ),
        (
            503,
            TryLater(
                reason="The provider is busy or in trouble (503).",
                provider_status="503",
                is_away=True,
            ),
        ),
        (
            401,
            Refused(reason="The provider refused it (401).", provider_status="401"),
        ),
        (
            302,
            TryLater(
                reason="The provider does not let us in (302): its set-up has to be looked at.",
                provider_status="302",
                is_away=True,
            ),
        ),
    ],
)
def test_an_error_means_what_its_number_says(
    there: HTTPServer, status: int, outcome: Outcome
) -> None:
    assert sent(there, {"error": NUMBER}, status=status) == outcome


def test_a_gateway_in_our_own_network_is_not_reached(
    httpserver: HTTPServer, settings: Settings
) -> None:
    settings.OUTGOING_ALLOWED_HOSTS = []
    settings.OUTGOING_PORTS = [httpserver.port]

    outcome = sent(httpserver, taken())

    assert outcome == TryLater(
        reason="The provider cannot be reached: The address lies in a network that is not public.",
        is_away=True,
    )
    assert httpserver.log == []


# --- Asking ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"state": "SENT"}, Submitted(provider_status="SENT", message_id="m-1")),
        ({"state": "DELIVRD"}, Accepted(provider_status="DELIVRD", message_id="m-1")),
        (
            {"state": "UNDELIV"},
            Refused(reason="The gateway says: UNDELIV.", provider_status="UNDELIV"),
        ),
        ({}, Submitted(provider_status="", message_id="m-1")),
    ],
)
def test_how_it_went_is_asked_at_an_address_of_its_own(
    there: HTTPServer, answer: object, outcome: Outcome
) -> None:
    assert asked(there, answer) == outcome
    assert there.log[0][0].headers["Authorization"] == "Bearer s3cret"


def test_a_name_with_signs_of_an_address_stays_one_part_of_it(there: HTTPServer) -> None:
    gateway = Gateway.read(described(there))

    assert gateway.status_address("../a?b#c").endswith("/messages/..%2Fa%3Fb%23c")


def test_a_message_that_the_gateway_does_not_know_has_not_failed(there: HTTPServer) -> None:
    assert asked(there, {}, status=404) == TryLater(reason="The provider refused it (404).")


# --- The description -------------------------------------------------------------------------

LEAST = {"url": "https://sms.example.com/v1", "body": {"to": "{to}", "text": "{text}"}}


def test_little_has_to_be_said_of_a_gateway() -> None:
    gateway = Gateway.read(LEAST)

    assert (gateway.method, gateway.status_url, gateway.sender) == ("POST", "", "")


def test_a_description_can_be_made_of_texts_alone() -> None:
    described = {
        **LEAST,
        "body": '{"to": "{to}", "text": "{text}"}',
        "headers": '{"X-Key": "s3cret"}',
        "delivered": "DELIVRD, READ",
    }

    gateway = Gateway.read(described)

    assert gateway.headers == {"X-Key": "s3cret"}
    assert gateway.delivered == {"delivrd", "read"}
    assert "s3cret" not in repr(gateway)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"url": ""}, "url is not an http or https address"),
        ({"url": "ftp://sms.example.com/"}, "url is not an http or https address"),
        ({"url": "https://user:pw@sms.example.com/"}, "url is not an http or https address"),
        ({"url": 7}, "url is not a text"),
        ({"method": "GET"}, "method is POST or PUT"),
        ({"headers": {"Host": "elsewhere"}}, "a header is not allowed"),
        ({"headers": {"X-Key": "a\r\nb: c"}}, "a header is not allowed"),
        ({"body": {"to": "{to}"}}, "body has no {to} or no {text}"),
        ({"body": "to={to}"}, "body is not JSON"),
        ({"body": []}, "body has no {to} or no {text}"),
        ({"body": [1]}, "body is not an object"),
        ({"body": {"to": "{to}", "text": "{text}", "n": 2**70}}, "body cannot be written as JSON"),
        (
            {"body": {"to": "{to}", "text": "{text}", "n": "\ud800"}},
            "body cannot be written as JSON",
        ),
        (
            {"body": {"to": "{to}", "text": "{text}" * 20}},
            "body has over 4096 bytes or 20 places",
        ),
        (
            {"body": {"to": "{to}", "text": "{text}", "n": "x" * 4_096}},
            "body has over 4096 bytes or 20 places",
        ),
        ({"delivered": [1]}, "delivered is not a list of words"),
        ({"status_url": "https://sms.example.com/"}, "status_url has no {message_id}"),
        (
            {"status_url": "https://sms.example.com/{message_id}"},
            "status_url needs message_id, status and delivered",
        ),
        ({"token": "s3cret"}, "token is not known"),
    ],
)
def test_a_description_that_cannot_work_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refusal:
        Gateway.read({**LEAST, **change})

    assert str(refusal.value) == problem


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("a.b", "x"),
        ("list.1.id", "17"),
        ("list.9.id", ""),
        ("list.-1.id", ""),
        (f"list.{'9' * 5_000}.id", ""),
        ("a", ""),
        ("a.b.c", ""),
        ("none", ""),
        ("", ""),
    ],
)
def test_a_path_leads_to_a_word_or_nowhere(path: str, word: str) -> None:
    answer = {"a": {"b": "x"}, "list": [{}, {"id": 17}], "none": None}

    assert word_at(path, answer) == word


# --- With the ledger -------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_sms_goes_its_way_from_the_ledger_to_the_phone(
    there: HTTPServer, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.gateway"}
    settings.NOTIFICATIONS_SMS = described(there)
    there.expect_request("/messages").respond_with_json(taken())
    there.expect_request("/messages/m-1").respond_with_json({"state": "DELIVRD"})
    due = make_notification(make_application(), channel=Channel.SMS, address=NUMBER)

    for _ in range(2):
        dispatch.send_due(Channel.SMS)
        Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())

    due.refresh_from_db()
    assert (due.status, due.provider_status, due.message_id) == (Status.DELIVERED, "DELIVRD", "m-1")
    assert there.log[0][0].headers["Idempotency-Key"] == str(due.id)


@pytest.mark.django_db
def test_what_is_sent_again_by_hand_is_no_repetition_for_the_gateway(
    there: HTTPServer, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.gateway"}
    settings.NOTIFICATIONS_SMS = described(there)
    there.expect_request("/messages").respond_with_json({}, status=500)
    for failed, in_this_round in ((0, 0), (1, 1), (1, 0), (2, 1)):
        make_notification(
            make_application(),
            channel=Channel.SMS,
            address=NUMBER,
            retry_count=failed,
            schedule_step=in_this_round,
        )

    dispatch.send_due(Channel.SMS)

    keys = {request.headers["Idempotency-Key"] for request, _ in there.log}
    known = {str(one.id) for one in Notification.objects.all()}
    assert (len(keys), len(keys & known)) == (4, 2)


@pytest.mark.django_db
def test_an_application_s_own_gateway_is_reached_by_https_only(
    there: HTTPServer, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "notifications.transports.sms.phone"}
    application = make_application()
    options = orjson.dumps(described(there)).decode()
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.SMS,
        is_on=True,
        provider="gateway",
        provider_options=secrets.seal(options, purpose="provider-options"),
    )
    due = make_notification(application, channel=Channel.SMS, address=NUMBER)

    dispatch.send_due(Channel.SMS)

    due.refresh_from_db()
    assert (due.status, there.log) == (Status.PENDING, [])
    assert due.error_message == (
        "The provider cannot be reached: The address does not begin with https."
    )
