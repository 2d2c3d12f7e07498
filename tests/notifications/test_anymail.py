"""E-mail by a provider's API: what is handed over, what answers mean, and whose account it is."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import send_mail

from config.kernel import http
from config.kernel.http import Answer, Failed
from config.kernel.secrets import unseal
from notifications import transports
from notifications.errors import CannotBuild, InvalidProvider
from notifications.mime import compose
from notifications.models import Channel, ChannelSettings, NotificationType
from notifications.providers import (
    FOR_APPLICATIONS,
    PROVIDERS,
    arguments_of,
    installation_of,
    problems_of,
    webhooks_of,
)
from notifications.rendering import TemplateBook
from notifications.services.provider_accounts import check_options, choose_provider
from notifications.transports import Accepted, Outcome, Refused, TryLater
from notifications.transports.email import anymail, door
from tests.notifications.ledger import make_application
from tests.notifications.messages import NOTIFICATION, NOW, make_message
from tests.notifications.sms import allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings
    from pytest_httpserver import HTTPServer

    from config.kernel.http import Request

pytestmark = [
    pytest.mark.django_db,
    # anymail says so of SendGrid whenever it is opened.
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support"),
]

TAKEN = {
    "brevo": {"messageId": "<1@brevo>"},
    "mailersend": {},
    "mailgun": {"id": "<1@mailgun>", "message": "Queued. Thank you."},
    "mailjet": {
        "Messages": [
            {"Status": "success", "To": [{"Email": "anna@customers.example", "MessageID": 1}]}
        ]
    },
    "mailtrap": {"success": True, "message_ids": ["1"]},
    "mandrill": [{"email": "anna@customers.example", "status": "sent", "_id": "1"}],
    "postal": {"status": "success", "data": {"messages": {"anna@customers.example": {"id": 1}}}},
    "postmark": {"ErrorCode": 0, "Message": "OK", "To": "anna@customers.example", "MessageID": "1"},
    "resend": {"id": "1"},
    "scaleway": {
        "emails": [{"message_id": "1", "mail_rcpt": "anna@customers.example", "status": "new"}]
    },
    "sendgrid": {},
    "sparkpost": {
        "results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "1"}
    },
    "unisender_go": {"status": "success", "job_id": "1", "emails": ["anna@customers.example"]},
}


class Provider:
    """Stands where our door leads: keeps requests and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer | http.OutgoingError] = []

    def fetch(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, http.OutgoingError):
            raise answer
        return answer

    def will_say(self, body: object, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(Answer(status=status, headers=named, body=json.dumps(body).encode()))

    @property
    def said(self) -> Any:
        return json.loads(self.requests[-1].body)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Give what is reached instead of any provider."""
    made = Provider()
    monkeypatch.setattr(door, "fetch", made.fetch)
    return made


def options_for(name: str) -> dict[str, str]:
    one = PROVIDERS[name]
    given = dict.fromkeys(one.needs, "key-1")
    if "region" in one.needs:
        given["region"] = min(one.regions)
    if one.has_own_address:
        given["api_url"] = "https://postal.example.org"
    return {"provider": name, **given}


def handed_over(name: str, **facts: Any) -> Outcome:
    with anymail.session([], options_for(name)) as session:
        parcel = session.build(make_message(**facts))
        return session.send(parcel, until=time.monotonic() + 5)


@pytest.fixture
def resend(provider: Provider) -> Iterator[anymail.AnymailSession]:
    with anymail.session([], options_for("resend")) as session:
        yield session


def sent(session: anymail.AnymailSession) -> Outcome:
    return session.send(session.build(make_message()), until=time.monotonic() + 5)


# --- What is handed over ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_takes_an_invitation(provider: Provider, name: str) -> None:
    provider.will_say(TAKEN[name], x_message_id="1", content_type="text/html")

    outcome = handed_over(name)

    assert isinstance(outcome, Accepted), outcome
    assert outcome.provider_status in {"queued", "sent"}
    assert b"anna" in provider.requests[0].body
    assert b"invite.ics" in provider.requests[0].body
    assert provider.requests[0].url.startswith("https://")


def test_a_provider_gets_the_mail_that_smtp_would_send(provider: Provider) -> None:
    provider.will_say(TAKEN["resend"])
    mail = compose(make_message(), TemplateBook(), now=NOW)

    handed_over("resend")

    said = provider.said
    assert said["from"] == "Northwind Care <desk@northwind.example>"
    assert said["to"] == ["Anna Archer <anna@customers.example>"]
    assert (said["subject"], said["text"]) == (mail.rendered.subject, said["text"])
    assert said["html"].startswith("<!DOCTYPE html>")
    assert said["headers"]["Message-ID"] == mail.message_id
    assert said["headers"]["Auto-Submitted"] == "auto-generated"
    [file] = said["attachments"]
    assert file["content_type"].startswith("text/calendar;")
    assert 'method="REQUEST"' in file["content_type"]
    assert b64decode(file["content"]).startswith(b"BEGIN:VCALENDAR\r\n")


def test_reports_are_to_name_the_message_and_the_attempt(provider: Provider) -> None:
    provider.will_say(TAKEN["postmark"])
    provider.will_say(TAKEN["postal"])

    handed_over("postmark", attempt=3)
    metadata = provider.said["Metadata"]
    handed_over("postal", attempt=3)

    assert metadata == {"notification": f"{NOTIFICATION}-3"}
    assert provider.said["tag"] == f"{NOTIFICATION}-3"


def test_the_calendar_entry_is_a_part_of_its_own_where_it_can_be(provider: Provider) -> None:
    provider.will_say({}, 202)

    handed_over("sendgrid", type=NotificationType.CANCELLED)

    kinds = [each["type"] for each in provider.said["content"]]
    assert kinds == ["text/plain", "text/html", "text/calendar; charset=utf-8; method=CANCEL"]


def test_a_name_with_a_comma_is_one_recipient(provider: Provider) -> None:
    provider.will_say(TAKEN["resend"])

    handed_over("resend", first_name="Müller, Anna", last_name="")

    assert provider.said["to"] == ['"Müller, Anna" <anna@customers.example>']


def test_a_repetition_carries_the_same_key(
    resend: anymail.AnymailSession, provider: Provider
) -> None:
    provider.answers = [Failed("reset")]
    provider.will_say(TAKEN["resend"])

    outcomes = [sent(resend), sent(resend)]

    keys = [each.headers["Idempotency-Key"] for each in provider.requests]
    assert keys[0] == keys[1]
    assert keys[0].startswith(str(NOTIFICATION))
    assert outcomes == [
        TryLater(reason="The provider's answer was lost; it may have arrived."),
        Accepted(provider_status="queued", message_id="1"),
    ]


def test_the_request_leaves_by_our_own_door(httpserver: HTTPServer, settings: Settings) -> None:
    allow(settings, httpserver)
    taken = httpserver.expect_request("/v3/northwind.example/messages", method="POST")
    taken.respond_with_json(TAKEN["mailgun"])
    own = {"provider": "mailgun", "api_key": "key-1", "api_url": httpserver.url_for("/v3")}

    with anymail.session([], own) as session:
        outcome = sent(session)

    assert outcome == Accepted(provider_status="queued", message_id="<1@mailgun>")
    [(request, _)] = httpserver.log
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("api", "key-1")
    assert request.form["h:Message-Id"].startswith(f"<{NOTIFICATION}@")
    assert request.form["v:notification"] == f"{NOTIFICATION}-1"
    assert request.files["attachment"].filename == "invite.ics"
    request.close()


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy"])
def test_neither_proxies_nor_redirects_nor_private_addresses_are_followed(
    httpserver: HTTPServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, httpserver.url_for("/"))
    own = {"provider": "resend", "api_key": "k", "api_url": httpserver.url_for("/")}
    with anymail.session([], own) as session:
        refused = sent(session)
    allow(settings, httpserver)
    away = httpserver.expect_request("/emails")
    away.respond_with_data("", status=307, headers={"Location": httpserver.url_for("/elsewhere")})
    with anymail.session([], own) as session:
        redirected = sent(session)

    assert isinstance(refused, TryLater)
    assert refused.is_away
    assert isinstance(redirected, TryLater)
    assert [request.path for request, _ in httpserver.log] == ["/emails"]


# --- What answers mean ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Refused(reason="The provider refused it (400).", provider_status="400")),
        # Not repeated by itself (v2.notifications.list.r11).
        (401, Refused(reason="The provider refused it (401).", provider_status="401")),
        (403, Refused(reason="The provider refused it (403).", provider_status="403")),
        (422, Refused(reason="The provider refused it (422).", provider_status="422")),
        (
            500,
            TryLater(reason="The provider is busy or in trouble (500).", provider_status="500"),
        ),
    ],
)
def test_an_answer_to_the_mail_means(
    resend: anymail.AnymailSession, provider: Provider, status: int, outcome: Outcome
) -> None:
    provider.will_say({"message": "about anna@customers.example"}, status)
    provider.will_say(TAKEN["resend"])

    assert [sent(resend), type(sent(resend))] == [outcome, Accepted]


@pytest.mark.parametrize("status", [402, 429, 503, 302])
def test_a_provider_that_takes_nothing_now_is_asked_once_a_batch(
    resend: anymail.AnymailSession, provider: Provider, status: int
) -> None:
    provider.will_say({}, status, retry_after="120", location="https://elsewhere.example")

    outcomes = [sent(resend) for _ in range(3)]

    assert len(provider.requests) == 1
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert isinstance(outcomes[0], TryLater)
    assert outcomes[0].is_away


def test_a_provider_that_cannot_be_reached_is_asked_once_a_batch(
    resend: anymail.AnymailSession, provider: Provider
) -> None:
    error = Failed("ConnectionRefusedError")
    error.is_unsent = True
    provider.answers = [error]

    outcomes = [sent(resend) for _ in range(2)]

    reason = "The provider cannot be reached: ConnectionRefusedError"
    assert outcomes == 2 * [TryLater(reason=reason, is_away=True)]


def test_an_answer_that_nobody_can_read_may_mean_that_it_arrived(
    resend: anymail.AnymailSession, provider: Provider
) -> None:
    provider.answers = [Answer(status=200, headers={}, body=b"<html>")]

    assert sent(resend) == TryLater(
        reason="The provider's answer cannot be read; it may have arrived.", provider_status="200"
    )


def test_an_address_that_the_provider_blocks_is_dead(provider: Provider) -> None:
    provider.will_say([{"email": "anna@customers.example", "status": "rejected", "_id": "1"}], 200)

    assert handed_over("mandrill") == Refused(
        reason="The provider does not send to this address.",
        provider_status="rejected",
        is_address_dead=True,
    )


# --- Whose account it is ----------------------------------------------------------------------


def test_an_application_has_its_own_account_and_others_the_installation_s(
    provider: Provider, settings: Settings
) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "notifications.transports.email.anymail"}
    settings.NOTIFICATIONS_EMAIL = {"provider": "resend", "api_key": "the-installation-s"}
    with_own, without = make_application(), make_application()
    own = ChannelSettings(
        organization=with_own.organization, application=with_own, channel=Channel.EMAIL
    )
    choose_provider(own, "postmark", {"server_token": "our-own"})
    own.save()
    for name in ("postmark", "resend"):
        provider.will_say(TAKEN[name])

    with transports.session(Channel.EMAIL, [with_own.id, without.id]) as session:
        for application in (with_own, without):
            parcel = session.build(make_message(application_id=application.id))
            session.send(parcel, until=time.monotonic() + 5)

    first, second = provider.requests
    assert first.url == "https://api.postmarkapp.com/email"
    assert first.headers["X-Postmark-Server-Token"] == "our-own"
    assert second.url == "https://api.resend.com/emails"
    assert second.headers["Authorization"] == "Bearer the-installation-s"


def test_the_options_of_an_account_are_sealed(db: None) -> None:
    application = make_application()
    own = ChannelSettings(
        organization=application.organization, application=application, channel=Channel.EMAIL
    )

    choose_provider(own, "mailgun", {"api_key": "key-1", "region": "eu"})

    assert own.provider_options is not None
    assert b"key-1" not in own.provider_options
    kept = json.loads(unseal(own.provider_options, purpose="provider-options"))
    assert kept == {"provider": "mailgun", "api_key": "key-1", "region": "eu"}


@pytest.mark.parametrize(
    ("name", "options", "wrong"),
    [
        ("mailgun", {}, "api_key"),
        ("mailgun", {"api_key": "k", "api_url": "https://evil.example"}, "api_url"),
        ("mailgun", {"api_key": "k", "region": "https://evil.example"}, "region"),
        ("mailgun", {"api_key": "k\r\nHost: evil"}, "api_key"),
        ("mailgun", {"api_key": 5}, "api_key"),
        ("mailgun", {"api_key": "k", "session": "x"}, "session"),
        ("postal", {"api_key": "k"}, "provider"),
        ("console", {}, "provider"),
        ("../../os", {}, "provider"),
        ("twilio", {"account": "A", "token": "T"}, "provider"),
    ],
)
def test_an_application_chooses_no_more_than_it_may(
    name: str, options: dict[str, object], wrong: str
) -> None:
    with pytest.raises(InvalidProvider) as refusal:
        check_options(Channel.EMAIL, name, options)

    assert list(refusal.value.errors) == [wrong]


def test_no_provider_of_an_application_has_an_address_of_its_choice() -> None:
    for name in FOR_APPLICATIONS:
        problems = problems_of(name, {"api_url": "https://evil.example"})
        assert "api_url" in problems, name


def test_a_region_leads_to_the_provider_s_own_address() -> None:
    assert arguments_of("mailgun", {"api_key": "k", "region": "eu"}) == {
        "api_key": "k",
        "api_url": "https://api.eu.mailgun.net/v3",
    }


@pytest.mark.parametrize("options", [{}, {"provider": "resend"}, {"provider": "nobody"}])
def test_an_account_that_cannot_be_opened_is_no_crash(
    options: dict[str, str], settings: Settings
) -> None:
    settings.NOTIFICATIONS_EMAIL = {}

    with pytest.raises(CannotBuild), anymail.session([], options):
        pass


# --- The settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mailgun", ""),
        ("mailgun", "{"),
        ("mailgun", '["api_key"]'),
        ("mailgun", '{"api_key": "k", "colour": "red"}'),
        ("nobody", '{"api_key": "k"}'),
        ("", '{"api_key": "k"}'),
        ("postal", '{"api_key": "k"}'),
    ],
)
def test_a_malformed_provider_stops_the_start(name: str, options: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # config.env says which variable it was
        installation_of(name, options)


def test_the_operator_may_name_an_address() -> None:
    options = '{"api_key": "k", "api_url": "https://postal.example.org"}'

    assert installation_of("postal", options)["api_url"] == "https://postal.example.org"
    assert installation_of("", "") == {}


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("short:x", ""),
        ("no-user-and-no-password", ""),
        ("u:" + 16 * "p", '{"WEBHOOK_SECRET": "x"}'),
    ],
)
def test_webhooks_need_a_secret_that_cannot_be_guessed(secret: str, options: str) -> None:
    with pytest.raises((ValueError, ImproperlyConfigured)):
        webhooks_of(secret, options)


def test_other_mails_of_the_installation_go_by_its_provider(
    provider: Provider, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "notifications.transports.email.anymail.InstallationBackend"
    settings.NOTIFICATIONS_EMAIL = {"provider": "resend", "api_key": "k"}
    provider.will_say(TAKEN["resend"])
    provider.will_say({}, 500)

    assert send_mail("Hello", "Your code", "desk@northwind.example", ["ada@example.org"]) == 1
    with pytest.raises(OSError, match="The mail provider did not take it"):
        send_mail("Hello", "Your code", "desk@northwind.example", ["ada@example.org"])
    assert provider.requests[0].url == "https://api.resend.com/emails"


def test_a_mail_can_be_read_back_as_it_was_written() -> None:
    mail = compose(make_message(type=NotificationType.FOLLOW_UP), TemplateBook(), now=NOW)

    read = anymail.mail_of(mail.content, PROVIDERS["brevo"]).message()

    assert read["Message-ID"] == mail.message_id
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
