"""Public CometD clients work with the endpoint as they come, and get each event once, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agents.cometd.options import PATH, Options
from tests.agents.cometd.proxy import proxy_to
from tests.agents.cometd.serving import Served, basic, serving, tell
from tests.foreign.desktops import Desktop, NodeDesktop, PythonDesktop, Setup
from tests.make import make_organization, make_user
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    import redis as redis_client

    from agents.models import User
    from tests.agents.cometd.proxy import Proxy

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., Desktop]
# Clients wait a while between their tries; the server has to remember them for as long.
PATIENT = Options(timeout=1_500, max_interval=8_000)


@pytest.fixture
def served(redis: redis_client.Redis, transactional_db: None) -> Iterator[Served]:
    with serving(PATIENT) as running:
        yield running


@pytest.fixture
def agent(transactional_db: None) -> User:
    return make_user(make_organization())


@pytest.fixture
def proxy(served: Served) -> Iterator[Proxy]:
    with proxy_to(served.port) as running:
        yield running


@pytest.fixture
def start(request: pytest.FixtureRequest, agent: User, proxy: Proxy) -> Iterator[Start]:
    """Give what starts a desktop of the agent with the library of the test."""
    with ExitStack() as stack:

        def started(library: str, **setup: object) -> Desktop:
            wanted = replace(
                Setup(
                    url=f"http://127.0.0.1:{proxy.port}{PATH}",
                    headers={"Authorization": basic(agent.username)},
                    subscribe=["/v2/me/calls"],
                ),
                **setup,  # type: ignore[arg-type]  # fields of Setup
            )
            desktop: Desktop
            if library == "aiocometd-ng":
                desktop = PythonDesktop(wanted)
            else:
                desktop = NodeDesktop(request.getfixturevalue("node_folder"), library, wanted)
            stack.callback(desktop.end)
            return desktop

        yield started


@pytest.fixture(
    params=[
        "aiocometd-ng",
        pytest.param("cometd", marks=pytest.mark.node),
        pytest.param("faye", marks=pytest.mark.node),
    ]
)
def library(request: pytest.FixtureRequest) -> str:
    """Give each of the three libraries."""
    return str(request.param)


@pytest.mark.rule("cc.cometd.clients.r2", "cc.cometd.clients.r4")
def test_a_client_subscribes_and_hears_at_once(start: Start, library: str, agent: User) -> None:
    began = time.monotonic()
    desktop = start(library)
    desktop.wait_until_subscribed()
    assert time.monotonic() - began < 5

    told = time.monotonic()
    tell(agent, 1)
    desktop.wait_for_events(1)

    assert time.monotonic() - told < 1
    tell(agent, 2, 3)
    desktop.wait_for_events(3)
    assert desktop.events == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.rule("cc.cometd.clients.r8")
def test_a_client_that_hears_nothing_stays_connected(
    start: Start, library: str, agent: User, redis: redis_client.Redis
) -> None:
    desktop = start(library)
    desktop.wait_until_subscribed()
    (key,) = redis.keys("frontdesk:cometd:s:*")
    first = redis.hget(key, "hold")

    # One poll has ended without an event, and the next is held.
    wait_until(lambda: redis.hget(key, "hold") not in {first, b"", None}, within=10)
    tell(agent, 1)
    desktop.wait_for_events(1)

    assert redis.keys("frontdesk:cometd:s:*") == [key]


def test_after_a_cut_of_the_network_it_goes_on(
    start: Start, library: str, agent: User, proxy: Proxy
) -> None:
    desktop = start(library)
    desktop.wait_until_subscribed()
    tell(agent, 1)
    desktop.wait_for_events(1)

    proxy.cut()
    tell(agent, 2, 3)
    desktop.wait_for_events(3)
    tell(agent, 4)
    desktop.wait_for_events(4)

    assert [event["n"] for event in desktop.events] == [1, 2, 3, 4]


@pytest.mark.node
def test_with_acknowledging_no_cut_loses_or_doubles_anything(
    start: Start, agent: User, proxy: Proxy
) -> None:
    desktop = start("cometd", ack=True)
    desktop.wait_until_subscribed()

    for number in range(30):
        tell(agent, number)
        if number % 10 == 5:
            proxy.cut()
    desktop.wait_for_events(30)

    assert [event["n"] for event in desktop.events] == list(range(30))


def test_a_client_that_leaves_is_forgotten(
    start: Start, library: str, agent: User, redis: redis_client.Redis
) -> None:
    desktop = start(library)
    desktop.wait_until_subscribed()

    desktop.disconnect()

    wait_until(lambda: redis.keys("frontdesk:cometd:s:*") == [], within=5)


@pytest.mark.node
@pytest.mark.rule("cc.cometd.clients.r1")
def test_the_client_of_cometd_gives_up_web_sockets_by_itself(start: Start, agent: User) -> None:
    desktop = start("cometd", websocket=True)
    desktop.wait_until_subscribed()

    tell(agent, 1)
    desktop.wait_for_events(1)

    assert desktop.said("handshake")[-1]["successful"]
    assert desktop.said("handshake")[-1]["supportedConnectionTypes"] == ["long-polling"]


@pytest.mark.node
@pytest.mark.rule("cc.cometd.clients.r5")
def test_a_client_that_was_forgotten_shakes_hands_again(
    start: Start, agent: User, redis: redis_client.Redis
) -> None:
    desktop = start("cometd")
    desktop.wait_until_subscribed()
    redis.flushdb()

    desktop.wait_until_subscribed(2)
    tell(agent, 1)
    desktop.wait_for_events(1)

    assert len(desktop.said("handshake")) == 2
    assert desktop.events == [{"n": 1}]


@pytest.mark.node
@pytest.mark.rule("cc.cometd.clients.r6")
def test_with_a_wrong_password_the_client_of_cometd_asks_once(start: Start, agent: User) -> None:
    desktop = start("cometd", headers={"Authorization": basic(agent.username, "wrong")})
    desktop.wait(lambda: bool(desktop.said("handshake")))

    (reply,) = desktop.said("handshake")
    assert reply["error"] == "401::Unauthorized"
    assert isinstance(desktop, NodeDesktop)
    assert desktop.status() == "disconnected"
    assert len(desktop.said("handshake")) == 1


@pytest.mark.rule("cc.cometd.clients.r6")
def test_with_a_wrong_password_the_client_of_python_raises(start: Start, agent: User) -> None:
    desktop = start("aiocometd-ng", headers={"Authorization": basic(agent.username, "wrong")})

    desktop.wait(lambda: bool(desktop.said("raised")))

    assert "401::Unauthorized" in desktop.said("raised")[0]


def test_a_forbidden_topic_is_refused_and_the_client_told(start: Start, library: str) -> None:
    desktop = start(library, subscribe=["/v2/users"])

    if library == "aiocometd-ng":
        desktop.wait(lambda: bool(desktop.said("raised")))
        assert "403:/v2/users:Subscription denied" in desktop.said("raised")[0]
    else:
        desktop.wait(lambda: bool(desktop.said("subscribe")))
        assert desktop.said("subscribe")[0]["error"] == "403:/v2/users:Subscription denied"


@pytest.mark.node
@pytest.mark.rule("cc.cometd.clients.r3")
def test_subscriptions_in_one_batch_are_all_answered(start: Start, agent: User) -> None:
    topics = ["/v2/me/calls", "/v2/me/devices", "/v2/me/channels"]
    desktop = start("cometd", subscribe=topics)

    desktop.wait_until_subscribed(3)

    assert [one["subscription"] for one in desktop.said("subscribe")] == topics


@pytest.mark.rule("cc.cometd.clients.r7")
def test_two_agents_hear_only_their_own(start: Start, library: str, agent: User) -> None:
    other = make_user(agent.organization)
    mine = start(library, subscribe=["/v2/me/*"])
    theirs = start(
        library, subscribe=["/v2/me/*"], headers={"Authorization": basic(other.username)}
    )
    for desktop in (mine, theirs):
        desktop.wait_until_subscribed()

    tell(agent, 1)
    tell(other, 2)
    for desktop in (mine, theirs):
        desktop.wait_for_events(1)

    assert (mine.events, theirs.events) == ([{"n": 1}], [{"n": 2}])
