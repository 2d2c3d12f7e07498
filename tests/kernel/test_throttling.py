from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.views import APIView

from config.kernel.actors import Actor, ActorKind
from config.kernel.throttling import CourtesyThrottle, Limiter, Rate, client_address

if TYPE_CHECKING:
    import redis as redis_client
    from pytest_django import Settings

# Nobody listens there.
NOWHERE = "redis://127.0.0.1:9/0"
DAILY = Rate(limit=3, window=86_400)


@pytest.fixture
def url(redis: redis_client.Redis, settings: Settings) -> str:
    """Give the address of an empty Redis."""
    return str(settings.REDIS_URL)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min", Rate(600, 60)),
        ("1/s", Rate(1, 1)),
        ("5/hour", Rate(5, 3600)),
        ("9/day", Rate(9, 86400)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "600", "600/", "600/fortnight", "x/min", "0/min", "-1/min"])
def test_another_text_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rate.parse(text)


def test_what_goes_beyond_the_limit_waits(url: str) -> None:
    limiter = Limiter(url)

    waits = [limiter.wait_for("anna", DAILY) for _ in range(5)]

    assert waits[:3] == [0, 0, 0]
    assert all(0 < wait <= DAILY.window for wait in waits[3:])


def test_keys_are_counted_apart(url: str) -> None:
    limiter = Limiter(url)
    for _ in range(4):
        limiter.wait_for("anna", DAILY)

    assert limiter.wait_for("ben", DAILY) == 0


def test_processes_count_together(url: str) -> None:
    one, other = Limiter(url), Limiter(url)

    waits = [limiter.wait_for("anna", DAILY) for limiter in (one, other, one, other)]

    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 0


def test_a_large_limit_is_kept_though_redis_is_asked_seldom(
    url: str, redis: redis_client.Redis
) -> None:
    limiter = Limiter(url)
    rate = Rate(limit=1_000, window=86_400)
    before = redis.info("stats")["total_commands_processed"]

    waits = [limiter.wait_for("anna", rate) for _ in range(1_100)]

    asked = redis.info("stats")["total_commands_processed"] - before
    assert [wait > 0 for wait in waits] == [False] * 1_000 + [True] * 100
    # A hundred times ten at once, then each refusal; a script counts for the commands in it.
    assert asked < 1_500


def test_a_window_that_has_passed_counts_no_more(url: str, redis: redis_client.Redis) -> None:
    limiter = Limiter(url)
    for _ in range(4):
        limiter.wait_for("anna", DAILY)

    redis.hincrby("frontdesk:rate:anna", "slot", -2)

    assert limiter.wait_for("anna", DAILY) == 0


def test_the_window_before_counts_in_part(url: str, redis: redis_client.Redis) -> None:
    limiter = Limiter(url)
    seconds, microseconds = redis.time()
    slot, passed = divmod((seconds + microseconds / 1e6) / DAILY.window, 1)
    # As many as leave room for nothing, wherever in the day we are.
    previous = int(3 / (1 - passed)) + 1
    redis.hset(
        "frontdesk:rate:anna", mapping={"slot": int(slot) - 1, "count": previous, "previous": 0}
    )

    wait = limiter.wait_for("anna", DAILY)

    assert 0 < wait <= DAILY.window * (1 - passed)


def test_counters_do_not_stay_forever(url: str, redis: redis_client.Redis) -> None:
    Limiter(url).wait_for("anna", DAILY)

    assert 0 < redis.ttl("frontdesk:rate:anna") <= 2 * DAILY.window


def test_without_redis_everything_is_allowed(caplog: pytest.LogCaptureFixture) -> None:
    limiter = Limiter(NOWHERE)

    assert [limiter.wait_for("anna", DAILY) for _ in range(10)] == [0] * 10

    # Ten requests do not wait ten times.
    assert [record.getMessage() for record in caplog.records] == [
        "Requests are not limited: Redis says ConnectionError."
    ]


def make_request(*, actor: Actor | None = None, address: str = "192.0.2.1") -> Request:
    request = Request(RequestFactory().get("/api/x", REMOTE_ADDR=address))
    request.auth = SimpleNamespace(actor=actor) if actor else None
    return request


def is_allowed(request: Request) -> bool:
    return CourtesyThrottle().allow_request(request, APIView())


def test_callers_without_proof_are_counted_by_address(url: str, settings: Settings) -> None:
    settings.API_RATE_ANONYMOUS = "2/day"

    assert [is_allowed(make_request()) for _ in range(3)] == [True, True, False]
    assert is_allowed(make_request(address="192.0.2.2"))


def test_addresses_of_one_subscriber_are_counted_together(url: str, settings: Settings) -> None:
    settings.API_RATE_ANONYMOUS = "1/day"

    assert is_allowed(make_request(address="2001:db8::1"))
    assert not is_allowed(make_request(address="2001:db8::ffff:2"))
    assert is_allowed(make_request(address="2001:db8:0:1::1"))


def test_actors_are_counted_wherever_they_call_from(url: str, settings: Settings) -> None:
    settings.API_RATE, settings.API_RATE_ANONYMOUS = "2/day", "1/day"
    anna, ben = (
        Actor(kind=ActorKind.USER, id=name, organization_id=None) for name in ("anna", "ben")
    )

    allowed = [is_allowed(make_request(actor=anna, address=f"192.0.2.{n}")) for n in range(3)]

    assert allowed == [True, True, False]
    assert is_allowed(make_request(actor=ben))


def test_who_is_refused_is_told_how_long_to_wait(url: str, settings: Settings) -> None:
    settings.API_RATE_ANONYMOUS = "1/day"
    throttle = CourtesyThrottle()
    throttle.allow_request(make_request(), APIView())

    assert not throttle.allow_request(make_request(), APIView())
    assert 0 < throttle.wait() <= 2 * 86_400


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "198.51.100.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.1, 198.51.100.1, 203.0.113.1", "198.51.100.1"),
        (2, "198.51.100.1", "192.0.2.1"),
        (1, "nonsense", "192.0.2.1"),
        (1, "198.51.100.1:4711", "198.51.100.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:DB8:0::1", "2001:db8::1"),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_as_many_proxies_are_believed_as_there_are(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == address


def test_a_server_on_a_socket_knows_no_address(settings: Settings) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == ""
