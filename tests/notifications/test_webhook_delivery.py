from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from standardwebhooks import Webhook

from config.kernel.secrets import seal
from notifications.errors import CannotBuild
from notifications.models import SigningSecret, Subscription, WebhookAuth
from notifications.transports import Accepted, Refused, TryLater
from notifications.transports.webhooks.delivery import (
    Basic,
    Target,
    body_of,
    request_of,
    target_of,
)
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.transports.webhooks.signing import new_secret
from notifications.webhook_rules import url_problem
from tests.kernel.receivers import Receiver, forever, resolving_to, took
from tests.notifications.webhooks import (
    ID,
    answering,
    delivered,
    make_delivery,
    make_target,
    receivers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Callable[..., Receiver]]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as make:
        yield make


def test_a_webhook_arrives_signed_and_with_the_very_bytes_of_its_payload(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there = receiver()
    target = make_target(there.url("/hook?a=b"))
    payload = '{"title": "Größe",  "n":1.0}'.encode()

    outcomes = delivered(target, target, payload=payload, now=now)

    assert outcomes == [Accepted(provider_status="204", message_id="")] * 2
    body = (
        b'{"id":"0190a1b2-0000-7000-8000-000000000001","type":"CREATE",'
        b'"timestamp":"2027-03-28T10:00:00.250000Z","payload":' + payload + b"}"
    )
    assert there.bodies == [body, body]
    headers = there.headers()
    assert Webhook(target.secrets[0]).verify(body, headers) == orjson.loads(body)
    assert headers["webhook-id"] == str(ID)
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["user-agent"].startswith("Frontdesk/")
    assert "authorization" not in headers


def test_the_same_delivery_has_the_same_body() -> None:
    assert body_of(make_delivery()) == body_of(make_delivery())


def test_basic_credentials_are_sent_along(receiver: Callable[..., Receiver], now: datetime) -> None:
    there = receiver()

    delivered(make_target(there.url(), auth=Basic(username="ada", password="gehäim")), now=now)

    assert there.headers()["authorization"] == "Basic YWRhOmdlaMOkaW0="


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_receiver_that_has_taken_it_is_believed(
    receiver: Callable[..., Receiver], now: datetime, status: int
) -> None:
    there = receiver(answering(status))

    assert delivered(make_target(there.url()), now=now) == [
        Accepted(provider_status=str(status), message_id="")
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_cannot_get_better_is_refused(
    receiver: Callable[..., Receiver], now: datetime, status: int
) -> None:
    there = receiver(answering(status, body="ada@example.org is unknown here"))

    (outcome,) = delivered(make_target(there.url()), now=now)

    assert isinstance(outcome, Refused)
    assert outcome.provider_status == str(status)
    assert "ada" not in outcome.reason


@pytest.mark.parametrize("status", [301, 302, 307, 308, 402, 405, 408, 409, 422, 429, 500, 503])
def test_all_else_is_tried_later(
    receiver: Callable[..., Receiver], now: datetime, status: int
) -> None:
    there = receiver(answering(status, "Location: http://169.254.169.254/"))

    (outcome,) = delivered(make_target(there.url()), now=now)

    assert isinstance(outcome, TryLater)
    assert (outcome.provider_status, outcome.after, outcome.is_away) == (str(status), None, False)
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("0", timedelta(0)),
        ("17", timedelta(seconds=17)),
        ("999999999", timedelta(seconds=999_999_999)),
        ("9" * 30, None),
        ("-5", None),
        ("soon", None),
        (f"Mon, 01 Jan 2024 00:00:00 +{'9' * 18}", None),
        ("", None),
    ],
)
def test_a_receiver_may_say_when(
    receiver: Callable[..., Receiver], now: datetime, text: str, after: timedelta | None
) -> None:
    there = receiver(answering(503, f"Retry-After: {text}"))

    (outcome,) = delivered(make_target(there.url()), now=now)

    assert isinstance(outcome, TryLater)
    assert outcome.after == after


@pytest.mark.parametrize("minutes", [-3, 3])
def test_a_receiver_may_say_when_by_a_date(
    receiver: Callable[..., Receiver], now: datetime, minutes: int
) -> None:
    date = format_datetime(now + timedelta(minutes=minutes), usegmt=True)
    there = receiver(answering(429, f"Retry-After: {date}"))

    (outcome,) = delivered(make_target(there.url()), now=now)

    assert isinstance(outcome, TryLater)
    assert outcome.after == timedelta(minutes=max(minutes, 0))


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda _connection, over: over.wait(10), id="silent"),
        pytest.param(
            forever(b"a", start=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", pause=0.02),
            id="drips",
        ),
    ],
)
def test_a_receiver_that_takes_too_long_is_tried_later(
    receiver: Callable[..., Receiver], now: datetime, behave: Any
) -> None:
    target = make_target(receiver(behave).url())
    outcomes: list[Any] = []

    seconds = took(lambda: outcomes.extend(delivered(target, deadline=0.4, now=now)))

    assert outcomes == [TryLater(reason="The receiver did not answer in time.")]
    assert 0.3 < seconds < 1.4


def test_a_receiver_that_hangs_up_is_tried_later(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there = receiver(lambda connection, _over: connection.close())

    (outcome,) = delivered(make_target(there.url()), now=now)

    assert isinstance(outcome, TryLater)


@pytest.mark.parametrize(
    "url", ["http://hooks.example.org/", "https://10.0.0.1/", "https://hooks.example.org:8443/"]
)
def test_what_is_not_public_is_refused_when_saving_and_when_sending(
    monkeypatch: pytest.MonkeyPatch, now: datetime, url: str
) -> None:
    resolving_to(monkeypatch, "1.1.1.1")

    (outcome,) = delivered(make_target(url), now=now)

    assert isinstance(outcome, Refused)
    assert url_problem(url) is not None


def headers_of(target: Target, payload: dict[str, Any], now: datetime) -> dict[str, str]:
    delivery = make_delivery(orjson.dumps(payload))
    return dict(request_of(target, delivery, deadline=5, now=now).headers)


def test_of_equal_names_ours_win_then_the_subscriptions_then_the_appointments(
    now: datetime,
) -> None:
    target = make_target(
        headers={"X-Team": "support", "Webhook-ID": "9", "User-Agent": "curl"},
        auth=Basic(username="a", password="b"),
    )
    given = {"x-team": "sales", "X-Case": "7", "X-SIGNATURE": "0", "Authorization": "Bearer x"}

    headers = headers_of(target, {"notificationHeaders": given}, now)

    assert sorted(headers) == [
        *["authorization", "content-type", "user-agent", "webhook-id", "webhook-signature"],
        *["webhook-timestamp", "x-case", "x-signature", "x-team"],
    ]
    assert (headers["x-team"], headers["x-case"]) == ("support", "7")
    assert headers["webhook-id"] == str(ID)
    assert headers["authorization"] == "Basic YTpi"


def test_an_appointment_never_speaks_for_us(now: datetime) -> None:
    given = {"Authorization": "Bearer x", "Webhook-Signature": "v1,x"}

    headers = headers_of(make_target(), {"notificationHeaders": given}, now)

    assert "authorization" not in headers
    assert headers["webhook-signature"] != "v1,x"


def test_a_subscription_may_have_an_authorization_of_its_own(now: datetime) -> None:
    headers = headers_of(make_target(headers={"Authorization": "Key 1"}), {}, now)

    assert headers["authorization"] == "Key 1"


@pytest.mark.parametrize(
    "given",
    [
        *[
            {"Host": "evil"},
            {"X Y": "1"},
            {"X-A": "1\r\nX-B: 2"},
            {"X-A": "ä"},
            {"X-A": 1},
            {"": ""},
        ],
        *[{"Transfer-Encoding": "chunked"}, {"X-A": None}, None, [], "text", 1],
    ],
)
def test_a_header_of_the_appointment_that_cannot_go_out_is_left_out(
    now: datetime, given: Any
) -> None:
    plain = headers_of(make_target(), {}, now)

    assert set(headers_of(make_target(), {"notificationHeaders": given}, now)) == set(plain)


@pytest.mark.parametrize("headers", [{"Host": "evil"}, {"X-A": "1\r\n"}, {"X-A": "ä"}])
def test_a_header_of_the_subscription_that_cannot_go_out_is_a_reason_not_to_send(
    now: datetime, headers: dict[str, str]
) -> None:
    target = make_target(headers=headers)

    with pytest.raises(CannotBuild, match="header"):
        headers_of(target, {}, now)
    (outcome,) = delivered(target, now=now)
    assert isinstance(outcome, Refused)


def test_a_payload_that_cannot_be_read_is_not_sent(now: datetime) -> None:
    (outcome,) = delivered(make_target(), payload=b'{"notificationHeaders"', now=now)

    assert outcome == Refused(reason="The payload cannot be read.")


def make_sealed(**facts: Any) -> Subscription:
    for name, purpose in (("secret_headers", "webhook-headers"), ("auth_secrets", "webhook-auth")):
        if isinstance(facts.get(name), dict):
            facts[name] = seal(orjson.dumps(facts[name]).decode(), purpose=purpose)
    return Subscription(url="https://hooks.example.org/", **facts)


def make_secret(
    text: str, *, created_at: datetime, expires_at: datetime | None = None
) -> SigningSecret:
    sealed = seal(text, purpose="signing-secret")
    return SigningSecret(sealed=sealed, created_at=created_at, expires_at=expires_at)


HOUR = timedelta(hours=1)


def test_of_the_secrets_those_that_are_valid_sign_the_newest_first(now: datetime) -> None:
    newest, older, expired = new_secret(), new_secret(), new_secret()
    secrets = [
        make_secret(older, created_at=now - 2 * HOUR, expires_at=now + HOUR),
        make_secret(expired, created_at=now - HOUR, expires_at=now),
        make_secret(newest, created_at=now),
    ]

    target = target_of(make_sealed(), secrets, now=now)

    assert target.secrets == (newest, older)


def test_what_is_sealed_is_opened_and_not_shown(now: datetime) -> None:
    secret = new_secret()
    subscription = make_sealed(
        headers={"X-Team": "support", "X-Key": "plain"},
        secret_headers={"x-key": "geheim-1"},
        auth=WebhookAuth.BASIC,
        auth_secrets={"username": "ada", "password": "geheim-2"},
    )

    target = target_of(subscription, [make_secret(secret, created_at=now)], now=now)

    assert target == Target(
        subscription_id=subscription.pk,
        url="https://hooks.example.org/",
        headers={"x-team": "support", "x-key": "geheim-1"},
        auth=Basic(username="ada", password="geheim-2"),
        secrets=(secret,),
    )
    assert not any(word in repr(target) for word in ("geheim", "whsec_", "support"))


@pytest.mark.parametrize("scope", [{}, {"scope": "hooks"}])
def test_client_credentials_are_opened(now: datetime, scope: dict[str, str]) -> None:
    given = {"tokenUrl": "https://id.example.org/", "clientId": "a", "clientSecret": "geheim"}
    subscription = make_sealed(auth=WebhookAuth.OAUTH2, auth_secrets=given | scope)

    target = target_of(subscription, [make_secret(new_secret(), created_at=now)], now=now)

    assert target.auth == ClientCredentials(
        token_url="https://id.example.org/",
        client_id="a",
        client_secret="geheim",
        scope=scope.get("scope", ""),
    )
    assert "geheim" not in repr(target)


@pytest.mark.parametrize(
    "facts",
    [
        {"secret_headers": b"nothing that was sealed"},
        {"secret_headers": seal("[]", purpose="webhook-headers")},
        {"auth": WebhookAuth.BASIC},
        {"auth": WebhookAuth.BASIC, "auth_secrets": {"username": "ada"}},
        {"auth": WebhookAuth.OAUTH2, "auth_secrets": {"username": "ada", "password": "x"}},
        {"auth": WebhookAuth.BASIC, "auth_secrets": seal("{", purpose="webhook-auth")},
        {"auth": WebhookAuth.BASIC, "auth_secrets": seal("{}", purpose="something else")},
    ],
)
def test_a_subscription_that_cannot_be_opened_is_a_reason_not_to_send(
    now: datetime, facts: dict[str, Any]
) -> None:
    with pytest.raises(CannotBuild):
        target_of(make_sealed(**facts), [make_secret(new_secret(), created_at=now)], now=now)


@pytest.mark.parametrize("text", [None, "whsec_short"])
def test_without_a_proper_secret_nothing_is_sent(now: datetime, text: str | None) -> None:
    secrets = [make_secret(text, created_at=now)] if text else []

    with pytest.raises(CannotBuild, match="secret"):
        target_of(make_sealed(), secrets, now=now)
