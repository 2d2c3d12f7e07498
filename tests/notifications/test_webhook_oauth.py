from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.utils import timezone

from config.kernel.outgoing import Pool
from notifications.transports import Accepted, Outcome, Refused, TryLater
from notifications.transports.webhooks import oauth
from notifications.transports.webhooks.delivery import deliver
from notifications.transports.webhooks.oauth import ClientCredentials
from tests.kernel.receivers import Receiver, took
from tests.notifications.webhooks import (
    answering,
    delivered,
    in_turn,
    make_delivery,
    make_target,
    receivers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from pytest_django import Settings

    from notifications.transports.webhooks.delivery import Target


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Callable[..., Receiver]]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as make:
        yield make


def token(text: str, more: str = ', "expires_in": 3600') -> Any:
    return answering(200, body=f'{{"access_token": "{text}", "token_type": "Bearer"{more}}}')


def credentials_at(service: Receiver, **facts: Any) -> ClientCredentials:
    return ClientCredentials(
        **{
            "token_url": service.url("/token"),
            "client_id": "desk:1",
            "client_secret": "geheim/2",
            **facts,
        }
    )


def bearers(there: Receiver) -> list[str]:
    return [there.headers(number)["authorization"] for number in range(len(there.requests))]


ACCEPTED = Accepted(provider_status="204", message_id="")


def test_a_token_is_fetched_and_used_for_all_that_follows(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there, service = receiver(), receiver(token("abc"))
    target = make_target(there.url(), auth=credentials_at(service, scope="hooks write"))

    assert delivered(target, target, target, now=now) == [ACCEPTED] * 3

    assert bearers(there) == ["Bearer abc"] * 3
    assert service.bodies == [b"grant_type=client_credentials&scope=hooks+write"]
    asked = service.headers()
    assert base64.b64decode(asked["authorization"].removeprefix("Basic ")) == b"desk%3A1:geheim%2F2"
    assert asked["content-type"] == "application/x-www-form-urlencoded"
    assert service.requests[0].startswith(b"POST /token HTTP/1.1\r\n")


def test_many_at_once_ask_for_one_token(receiver: Callable[..., Receiver], now: datetime) -> None:
    there, service = receiver(), receiver(token("abc"))
    target = make_target(there.url(), auth=credentials_at(service))

    assert at_once(target, count=10, now=now) == [ACCEPTED] * 10
    assert len(service.requests) == 1


def at_once(target: Target, *, count: int, deadline: float = 5, now: datetime) -> list[Outcome]:
    async def run() -> list[Outcome]:
        pool = Pool()
        try:
            return await asyncio.gather(
                *[
                    deliver(pool, target, make_delivery(), deadline=deadline, now=now)
                    for _ in range(count)
                ]
            )
        finally:
            await pool.close()

    return asyncio.run(run())


def test_many_at_once_hear_of_one_failure(receiver: Callable[..., Receiver], now: datetime) -> None:
    there, service = receiver(), receiver(answering(503))
    target = make_target(there.url(), auth=credentials_at(service))

    outcomes = at_once(target, count=10, now=now)

    assert [type(each) for each in outcomes] == [TryLater] * 10
    assert (len(service.requests), there.requests) == (1, [])


def test_a_token_belongs_to_one_subscription_and_its_credentials(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there, service = receiver(), receiver(in_turn(token("a"), token("b"), token("c")))
    first = make_target(there.url(), auth=credentials_at(service))
    other = replace(first, subscription_id=uuid4())
    renewed = replace(first, auth=credentials_at(service, client_secret="new"))

    delivered(first, other, renewed, renewed, now=now)

    assert bearers(there) == ["Bearer a", "Bearer b", "Bearer c", "Bearer c"]


def test_a_token_that_is_not_taken_any_more_is_replaced_once(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there = receiver(in_turn(answering(401), answering(204)))
    service = receiver(in_turn(token("old"), token("new")))
    target = make_target(there.url(), auth=credentials_at(service))

    assert delivered(target, target, now=now) == [ACCEPTED] * 2
    assert bearers(there) == ["Bearer old", "Bearer new", "Bearer new"]


def test_a_receiver_that_takes_no_token_refuses(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there, service = receiver(answering(401)), receiver(in_turn(token("a"), token("b")))
    target = make_target(there.url(), auth=credentials_at(service))

    (outcome,) = delivered(target, now=now)

    assert isinstance(outcome, Refused)
    assert outcome.provider_status == "401"
    assert bearers(there) == ["Bearer a", "Bearer b"]


@pytest.mark.parametrize("status", [403, 500])
def test_only_401_is_a_matter_of_the_token(
    receiver: Callable[..., Receiver], now: datetime, status: int
) -> None:
    there, service = receiver(answering(status)), receiver(token("a"))

    delivered(make_target(there.url(), auth=credentials_at(service)), now=now)

    assert (len(there.requests), len(service.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("expires_in", "age", "requests"),
    [
        (', "expires_in": 3600', 3560, 1),
        (', "expires_in": 3600', 3580, 2),
        (', "expires_in": "3600"', 3560, 1),
        ("", 260, 1),
        ("", 280, 2),
        (', "expires_in": null', 260, 1),
        (', "expires_in": "soon"', 260, 1),
        (', "expires_in": 40', 15, 1),
        (', "expires_in": 40', 25, 2),
        (', "expires_in": -1', 0, 2),
        (', "expires_in": 1e300', 86_300, 1),
        (', "expires_in": 1e300', 86_400, 2),
    ],
)
def test_a_token_is_used_until_shortly_before_it_expires(
    receiver: Callable[..., Receiver],
    monkeypatch: pytest.MonkeyPatch,
    expires_in: str,
    age: float,
    requests: int,
) -> None:
    service = receiver(token("abc", expires_in))
    credentials = credentials_at(service)
    clock = [1000.0]
    monkeypatch.setattr(oauth, "_clock", lambda: clock[0])

    async def run() -> None:
        pool = Pool()
        try:
            for moment in (1000.0, 1000.0 + age):
                clock[0] = moment
                got = await oauth.tokens_of(pool).get(
                    make_target().subscription_id, credentials, until=moment + 5, now=timezone.now()
                )
                assert got == "abc"
        finally:
            await pool.close()

    asyncio.run(run())

    assert len(service.requests) == requests


@pytest.mark.parametrize("status", [400, 401])
def test_credentials_that_are_not_taken_are_a_refusal(
    receiver: Callable[..., Receiver], now: datetime, status: int
) -> None:
    there, service = receiver(), receiver(answering(status, body='{"error": "geheim/2"}'))

    outcomes = delivered(make_target(there.url(), auth=credentials_at(service)), now=now)

    assert outcomes == [
        Refused(reason=f"The token service does not take our credentials ({status}).")
    ]
    assert there.requests == []


@pytest.mark.parametrize(
    "behave",
    [
        *[answering(status) for status in (302, 403, 404, 429, 500)],
        *[answering(200, body=text) for text in ("", "[]", "{}", "<html>", '{"access_token": 1}')],
        *[answering(200, body=text) for text in ('{"access_token": ""}', '{"access_token": "ä"}')],
        lambda connection, _over: connection.close(),
    ],
)
def test_a_token_service_that_fails_is_asked_later(
    receiver: Callable[..., Receiver], now: datetime, behave: Any
) -> None:
    there, service = receiver(), receiver(behave)

    (outcome,) = delivered(make_target(there.url(), auth=credentials_at(service)), now=now)

    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("The token service")
    assert (outcome.is_away, there.requests) == (False, [])


def test_a_failure_is_not_remembered(receiver: Callable[..., Receiver], now: datetime) -> None:
    there, service = receiver(), receiver(in_turn(answering(401), token("abc")))
    target = make_target(there.url(), auth=credentials_at(service))

    outcomes = delivered(target, target, now=now)

    assert isinstance(outcomes[0], Refused)
    assert outcomes[1:] == [ACCEPTED]


def test_a_token_service_that_hangs_is_left_at_the_deadline(
    receiver: Callable[..., Receiver], now: datetime
) -> None:
    there, service = receiver(), receiver(lambda _connection, over: over.wait(10))
    target = make_target(there.url(), auth=credentials_at(service))
    outcomes: list[Outcome] = []

    seconds = took(lambda: outcomes.extend(at_once(target, count=5, deadline=0.4, now=now)))

    assert outcomes == [TryLater(reason="The token service did not answer in time.")] * 5
    assert seconds < 1.4


def test_a_token_service_in_our_network_is_refused(settings: Settings, now: datetime) -> None:
    for url in ("http://1.1.1.1/token", "https://169.254.169.254/token"):
        credentials = ClientCredentials(token_url=url, client_id="a", client_secret="b")

        (outcome,) = delivered(make_target(auth=credentials), now=now)

        assert isinstance(outcome, Refused)
        assert outcome.reason.startswith("The token service: ")
