"""Subscribing: what is taken, what is refused, and under which name events come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agents.models import Organization
from config.kernel import limits
from config.kernel.actors import Role
from tests.agents.cometd.serving import Client, numbers, tell
from tests.make import make_organization, make_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.cometd.protocol import Message
    from agents.models import User

NOW = {"timeout": 0}


def names(events: list[Message]) -> list[str]:
    return [event["channel"] for event in events]


@pytest.mark.rule("cc.cometd.protocol.r30", "cc.cometd.protocol.r31", "cc.cometd.protocol.r1")
def test_a_subscription_is_taken_before_the_first_poll(desktop: Client, agent: User) -> None:
    desktop.handshake()

    (reply,) = desktop.post(desktop.say("/meta/subscribe", subscription="/v2/me/calls", id="3"))
    tell(agent, 1)

    assert reply == {
        "channel": "/meta/subscribe",
        "successful": True,
        "id": "3",
        "clientId": desktop.id,
        "subscription": "/v2/me/calls",
    }
    assert numbers(desktop.hear()) == [1]


@pytest.mark.rule("cc.cometd.protocol.r31", "cc.cometd.protocol.r32")
def test_several_topics_are_one_subscription(desktop: Client, agent: User) -> None:
    desktop.handshake()

    reply = desktop.subscribe("/v2/me/calls", "/v2/me/devices")
    tell(agent, 1)
    tell(agent, 2, topic="/v2/me/devices")

    assert reply["successful"]
    assert reply["subscription"] == ["/v2/me/calls", "/v2/me/devices"]
    assert names(desktop.hear()) == ["/v2/me/calls", "/v2/me/devices"]


@pytest.mark.rule("cc.cometd.protocol.r32", "cc.cometd.protocol.r36")
def test_of_several_topics_all_are_taken_or_none(desktop: Client, agent: User) -> None:
    desktop.handshake()

    reply = desktop.subscribe("/v2/me/calls", "/v2/users", "/nothing")
    tell(agent, 1)

    assert reply["error"] == "403:/v2/users:Subscription denied"
    assert reply["subscription"] == ["/v2/me/calls", "/v2/users", "/nothing"]
    assert desktop.hear() == []


@pytest.mark.rule("cc.cometd.protocol.r30")
def test_one_body_may_hold_several_subscriptions(desktop: Client, agent: User) -> None:
    desktop.handshake()
    topics = ["/v2/me/calls", "/v2/me/devices", "/v2/me/channels"]

    replies = desktop.post(*(desktop.say("/meta/subscribe", subscription=one) for one in topics))

    assert [(one["subscription"], one["successful"]) for one in replies] == [
        (topic, True) for topic in topics
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("/v2/me/calls", "/v2/me/calls"),
        ("/v2/me/calls/", "/v2/me/calls/"),
        ("/me/calls", "/me/calls"),
        ("/me/calls/", "/me/calls/"),
        ("/v2/me/*", "/v2/me/calls"),
        ("/me/*", "/me/calls"),
        ("/me/**", "/me/calls"),
        ("/v2/**", "/v2/me/calls"),
        ("/**", "/v2/me/calls"),
    ],
)
@pytest.mark.rule("cc.cometd.protocol.r38", "cc.cometd.protocol.r39")
def test_events_carry_the_name_that_was_subscribed(
    desktop: Client, agent: User, written: str, expected: str
) -> None:
    desktop.handshake()
    desktop.subscribe(written)

    tell(agent, 1)

    assert names(desktop.hear()) == [expected]


@pytest.mark.rule("cc.cometd.protocol.r33")
def test_one_star_is_one_segment_and_two_are_one_or_more(desktop: Client, agent: User) -> None:
    told = ["/v2/me", "/v2/me/calls", "/v2/me/calls/7", "/notifications/a"]
    heard = {}
    for wildcard in ("/v2/me/*", "/v2/me/**", "/v2/*", "/notifications/*", "/*"):
        desktop.handshake()
        desktop.subscribe(wildcard)
        for topic in told:
            tell(agent, 1, topic=topic)
        heard[wildcard] = names(desktop.hear())

    assert heard == {
        "/v2/me/*": ["/v2/me/calls"],
        "/v2/me/**": ["/v2/me/calls", "/v2/me/calls/7"],
        "/v2/*": ["/v2/me"],
        "/notifications/*": ["/notifications/a"],
        "/*": ["/me"],
    }


@pytest.mark.rule("cc.cometd.protocol.r34", "cc.cometd.protocol.r35")
def test_an_event_comes_once_however_often_it_was_asked_for(desktop: Client, agent: User) -> None:
    desktop.handshake()
    for topic in ("/v2/me/calls", "/v2/me/calls", "/v2/me/*", "/**", "/me/calls/"):
        assert desktop.subscribe(topic)["successful"]

    tell(agent, 1)

    assert names(desktop.hear()) == ["/v2/me/calls"]


@pytest.mark.parametrize("topic", ["/meta/connect", "/meta/*"])
@pytest.mark.rule("cc.cometd.protocol.r40")
def test_meta_channels_cannot_be_had(desktop: Client, topic: str) -> None:
    desktop.handshake()

    assert desktop.subscribe(topic)["error"] == f"403:{topic}:Subscription denied"


@pytest.mark.rule("cc.cometd.protocol.r40")
def test_a_service_channel_is_taken_and_silent(desktop: Client) -> None:
    desktop.handshake()

    assert desktop.subscribe("/service/x")["successful"]
    assert desktop.hear() == []


@pytest.mark.parametrize("subscription", [None, []])
def test_a_subscription_to_nothing_is_refused(desktop: Client, subscription: object) -> None:
    desktop.handshake()

    (reply,) = desktop.post(desktop.say("/meta/subscribe", subscription=subscription))

    assert reply["error"] == "400::Subscription missing"


@pytest.mark.rule("cc.cometd.protocol.r37", "cc.cometd.topics.r5", "cc.cometd.topics.r6")
def test_a_topic_is_taken_though_nothing_may_ever_come(desktop: Client, agent: User) -> None:
    Organization.objects.update(features=[])
    desktop.handshake()

    for topic in ("/v2/me/workitems", "/v2/me/interactions", "/notifications/board"):
        assert desktop.subscribe(topic)["successful"]
    assert desktop.hear() == []


@pytest.mark.rule("cc.cometd.topics.r3", "cc.cometd.clients.r7")
def test_everybody_hears_only_what_is_its_own(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User
) -> None:
    colleague, stranger = make_user(agent.organization), make_user(make_organization())
    boss = desktop_of(make_user(agent.organization, [Role.ADMIN])).ready("/**")
    others = [desktop_of(one).ready("/**") for one in (colleague, stranger, supervisor)]
    mine = desktop_of(agent).ready("/**")

    tell(agent, 1)

    assert numbers(mine.hear()) == [1]
    assert [one.hear(advice=NOW) for one in (boss, *others)] == [[], [], [], []]


@pytest.mark.rule("cc.cometd.protocol.r36", "cc.cometd.protocol.r38", "cc.cometd.topics.r4")
def test_what_is_about_others_needs_the_role_also_later(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User
) -> None:
    agents, boss = desktop_of(agent), desktop_of(supervisor)
    agents.ready("/v2/**")
    boss.ready("/v2/users", "/v2/**")

    assert agents.subscribe("/v2/users")["error"] == "403:/v2/users:Subscription denied"
    tell(agent, 1, topic="/v2/users")
    tell(supervisor, 2, topic="/v2/users")

    assert numbers(agents.hear(advice=NOW)) == []
    assert numbers(boss.hear()) == [2]


@pytest.mark.rule("cc.cometd.protocol.r42")
def test_what_happened_before_is_not_told(desktop: Client, agent: User) -> None:
    tell(agent, 1)
    desktop.handshake()
    tell(agent, 2)
    desktop.subscribe("/v2/me/calls")
    tell(agent, 3)
    tell(agent, 4, topic="/v2/me/devices")
    desktop.subscribe("/v2/me/*")
    tell(agent, 5, topic="/v2/me/devices")

    assert numbers(desktop.hear()) == [3, 5]


@pytest.mark.parametrize("subscription", ["/v2/me/calls", ["/v2/me/calls"], ["/never/had"]])
@pytest.mark.rule("cc.cometd.protocol.r41")
def test_unsubscribing_succeeds_in_any_case(
    desktop: Client, agent: User, subscription: object
) -> None:
    desktop.ready("/v2/me/calls", "/v2/me/devices")

    (reply,) = desktop.post(desktop.say("/meta/unsubscribe", subscription=subscription, id="1"))
    tell(agent, 1)
    tell(agent, 2, topic="/v2/me/devices")

    assert reply == {
        "channel": "/meta/unsubscribe",
        "successful": True,
        "id": "1",
        "clientId": desktop.id,
        "subscription": subscription,
    }
    assert numbers(desktop.hear()) == ([1, 2] if subscription == ["/never/had"] else [2])


def test_a_client_has_a_limited_number_of_subscriptions(desktop: Client, agent: User) -> None:
    desktop.handshake()
    most = limits.COMETD_SUBSCRIPTIONS
    desktop.subscribe(*(f"/v2/me/t{number}" for number in range(most)))

    reply = desktop.subscribe("/v2/me/calls")
    tell(agent, 1)
    tell(agent, 2, topic="/v2/me/t0")

    assert reply["error"] == "403:/v2/me/calls:Too many subscriptions"
    assert numbers(desktop.hear()) == [2]


@pytest.mark.rule("cc.cometd.clients.r3")
def test_a_batch_is_answered_while_a_poll_is_held(desktop: Client) -> None:
    desktop.ready()
    topics = ["/v2/me/calls", "/v2/me/devices", "/v2/me/channels"]

    with desktop.polling() as held:
        start = time.monotonic()
        replies = desktop.post(
            *(desktop.say("/meta/subscribe", subscription=topic) for topic in topics)
        )
        assert time.monotonic() - start < 1.5
        assert not held.done()

    assert [reply["subscription"] for reply in replies] == topics
