"""Callback-polling: JSONP, where an installation has switched it on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.agents.cometd.serving import QUICK, Client, basic, numbers, serving, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis as redis_client

    from agents.models import User
    from tests.agents.cometd.serving import Reply

SHAKE = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "supportedConnectionTypes": ["callback-polling"],
}


@pytest.fixture
def browser(redis: redis_client.Redis, agent: User) -> Iterator[Client]:
    """Give a client of a server that has it switched on."""
    with serving(replace(QUICK, has_callback_polling=True)) as served:
        yield Client(served.port, basic(agent.username))


def get(client: Client, *messages: object, **query: str) -> Reply:
    text = urlencode({"message": json.dumps(messages), **query})
    return client.request(None, method="GET", path=f"/api/v2/notifications?{text}")


@pytest.mark.rule("cc.cometd.get.r1", "cc.cometd.get.r2", "cc.cometd.protocol.r8")
def test_the_answer_is_a_call_of_the_callback(browser: Client) -> None:
    named, unnamed = get(browser, SHAKE, jsonp="a.$b_1"), get(browser, SHAKE)

    assert (named.status, named.header("content-type")) == (200, "text/javascript")
    assert named.body.startswith(b"a.$b_1([{")
    assert named.body.endswith(b"}])")
    assert unnamed.body.startswith(b"jsonpcallback([{")
    (reply,) = json.loads(named.body[len("a.$b_1(") : -1])
    assert reply["supportedConnectionTypes"] == ["long-polling", "callback-polling"]


def test_events_come_by_the_callback_too(browser: Client, agent: User) -> None:
    browser.ready("/v2/me/calls")
    tell(agent, 1)

    reply = get(browser, browser.say("/meta/connect", connectionType="callback-polling"))

    assert numbers(json.loads(reply.body[len("jsonpcallback(") : -1])[:-1]) == [1]


@pytest.mark.parametrize("jsonp", ["a(b", "alert(1);x", "<x>", "a b", "ü", "x" * 200])
@pytest.mark.rule("cc.cometd.get.r3")
def test_a_callback_is_a_name_and_nothing_else(browser: Client, jsonp: str) -> None:
    assert get(browser, SHAKE, jsonp=jsonp).status == 400


@pytest.mark.rule("cc.cometd.get.r4")
def test_without_messages_there_is_no_answer(browser: Client) -> None:
    assert browser.request(None, method="GET").status == 400
    path = "/api/v2/notifications?message=x"
    assert browser.request(None, method="GET", path=path).status == 400


def test_it_is_switched_off_unless_somebody_wants_it(desktop: Client) -> None:
    reply = get(desktop, SHAKE)

    assert (reply.status, reply.body) == (400, b"")
    assert desktop.handshake(supportedConnectionTypes=["callback-polling"])["error"] == (
        "400::No connection type in common"
    )
