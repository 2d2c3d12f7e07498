"""/meta/connect: held, answered, and never in the way."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.agents.cometd.serving import (
    QUICK,
    Client,
    Served,
    basic,
    is_held,
    numbers,
    serving,
    tell,
)
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis as redis_client

    from agents.models import User

RETRY = {"reconnect": "retry", "interval": 0, "timeout": 2_000, "maxInterval": 3_000}
HANDSHAKE = {"reconnect": "handshake", "interval": 0, "timeout": 2_000}


def silent(desktop: Client) -> list[dict[str, object]]:
    return [
        {
            "channel": "/meta/connect",
            "successful": True,
            "clientId": desktop.id,
            "advice": RETRY,
        }
    ]


def seconds(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


@pytest.mark.rule("cc.cometd.protocol.r16", "cc.cometd.protocol.r22")
def test_the_first_poll_is_answered_at_once(desktop: Client) -> None:
    desktop.handshake()

    assert seconds(lambda: desktop.connect(advice={"timeout": 60_000})) < 1.5


@pytest.mark.rule("cc.cometd.protocol.r17", "cc.cometd.protocol.r18", "cc.cometd.protocol.r20")
def test_a_poll_is_held_as_long_as_it_wants(desktop: Client) -> None:
    desktop.ready()

    assert seconds(lambda: desktop.connect(advice={"timeout": 0})) < 1.5
    assert 0.3 <= seconds(lambda: desktop.connect(advice={"timeout": 300})) < 1.9
    assert desktop.connect(advice={"timeout": 1}) == silent(desktop)


@pytest.mark.rule(
    "cc.cometd.protocol.r18", "cc.cometd.protocol.r19", "cc.cometd.protocol.r20",
    "cc.cometd.protocol.r22",
)  # fmt: skip
def test_a_poll_is_held_no_longer_than_the_time_of_the_server(desktop: Client) -> None:
    desktop.ready("/v2/me/calls")

    taken = seconds(lambda: desktop.connect(advice={"timeout": 60_000}))

    assert 2 <= taken < 10
    assert desktop.connect() == silent(desktop)


@pytest.mark.rule("cc.cometd.protocol.r19", "cc.cometd.protocol.r21", "cc.cometd.topics.r1")
def test_a_held_poll_is_answered_by_an_event(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    with desktop.polling(id="9") as held:
        assert not held.done()
        tell(agent, {"messageType": "CallStateChangeMessage"})
        answered = held.result(5)

    assert answered == [
        {
            "channel": "/v2/me/calls",
            "data": {"messageType": "CallStateChangeMessage"},
            "ext": {"replayId": 1},
        },
        {**silent(desktop)[0], "id": "9"},
    ]


@pytest.mark.rule("cc.cometd.protocol.r45", "cc.cometd.protocol.r48")
def test_events_between_two_polls_are_kept(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")
    tell(agent, 1)
    tell(agent, 2)

    assert numbers(desktop.hear()) == [1, 2]
    assert desktop.hear(advice={"timeout": 0}) == []


@pytest.mark.rule("cc.cometd.protocol.r23")
def test_a_poll_beside_other_messages_is_answered_at_once(desktop: Client, agent: User) -> None:
    desktop.ready()
    poll = desktop.say("/meta/connect", connectionType="long-polling", id="1")
    other = desktop.say("/meta/subscribe", subscription="/v2/me/calls", id="2")

    start = time.monotonic()
    replies = desktop.post(poll, other)

    assert time.monotonic() - start < 1.5
    assert [reply["id"] for reply in replies] == ["1", "2"]


@pytest.mark.rule("cc.cometd.protocol.r24")
def test_a_second_poll_ends_the_first(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")
    same = Client(desktop.port, desktop.authorization, id=desktop.id)

    with desktop.polling() as first, same.polling() as second:
        assert first.result(5) == silent(desktop)
        wait_until(lambda: is_held(desktop.id), within=5)
        tell(agent, 1)
        assert numbers(second.result(5)[:-1]) == [1]


@pytest.mark.parametrize("client", [None, "", "nobody", 7, "x" * 500])
@pytest.mark.rule("cc.cometd.protocol.r25")
def test_a_client_that_is_not_there_is_to_shake_hands(desktop: Client, client: object) -> None:
    shown = client if isinstance(client, str) else ""
    message = {"channel": "/meta/connect", "connectionType": "long-polling", "clientId": client}

    (reply,) = desktop.post(message)

    assert not reply["successful"]
    assert reply["error"] == f"402:{shown}:Unknown client"
    assert reply["advice"] == HANDSHAKE


@pytest.mark.rule("cc.cometd.protocol.r26")
def test_somebody_elses_client_is_not_there(
    desktop: Client, desktop_of: Callable[[User], Client], supervisor: User, agent: User
) -> None:
    desktop.ready("/v2/me/calls")
    thief = desktop_of(supervisor)
    thief.id = desktop.id
    tell(agent, 1)

    assert thief.connect()[0]["error"] == f"402:{desktop.id}:Unknown client"
    assert thief.subscribe("/v2/me")["error"] == f"402:{desktop.id}:Unknown client"
    assert thief.post(thief.say("/meta/disconnect"))[0]["successful"] is False
    assert numbers(desktop.hear()) == [1]


@pytest.mark.parametrize("kind", ["websocket", "callback-polling", 7])
@pytest.mark.rule("cc.cometd.protocol.r27", "cc.cometd.protocol.r22")
def test_a_connection_type_that_is_not_served_is_refused(desktop: Client, kind: object) -> None:
    desktop.ready()

    (reply,) = desktop.post(desktop.say("/meta/connect", connectionType=kind))

    assert reply["error"] == "400::Connection type not served"
    assert reply["advice"] == RETRY


@pytest.mark.rule("cc.cometd.protocol.r28")
def test_a_client_that_does_not_poll_is_forgotten(
    desktop: Client, redis: redis_client.Redis
) -> None:
    desktop.ready("/v2/me/calls")
    key = f"frontdesk:cometd:s:{desktop.id}"
    assert 0 < redis.pttl(key) <= QUICK.max_interval

    wait_until(lambda: not redis.exists(key), within=10)

    assert desktop.connect()[0]["error"] == f"402:{desktop.id}:Unknown client"


@pytest.mark.rule("cc.cometd.protocol.r28")
def test_a_client_is_there_while_its_poll_is_held(
    desktop: Client, redis: redis_client.Redis
) -> None:
    desktop.ready()

    with desktop.polling() as held:
        assert redis.pttl(f"frontdesk:cometd:s:{desktop.id}") > QUICK.max_interval
        assert held.result(5)[0]["successful"]


@pytest.mark.rule("cc.cometd.protocol.r43")
def test_disconnecting_ends_the_held_poll_for_good(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    with desktop.polling() as held:
        (reply,) = desktop.post(desktop.say("/meta/disconnect", id="5"))
        (ended,) = held.result(5)

    assert reply == {
        "channel": "/meta/disconnect",
        "successful": True,
        "id": "5",
        "clientId": desktop.id,
    }
    assert ended["successful"]
    assert ended["advice"] == {"reconnect": "none", "interval": 0, "timeout": 2_000}
    assert desktop.connect()[0]["error"] == f"402:{desktop.id}:Unknown client"


@pytest.mark.rule("cc.cometd.protocol.r44")
def test_what_a_client_publishes_reaches_nobody(
    desktop: Client, desktop_of: Callable[[User], Client], agent: User
) -> None:
    desktop.ready()
    other = desktop_of(agent).ready("/v2/me/**")

    (reply,) = desktop.post(desktop.say("/v2/me/calls", data={"x": 1}, id="1"))

    assert reply == {
        "channel": "/v2/me/calls",
        "successful": False,
        "id": "1",
        "clientId": desktop.id,
        "error": "403:/v2/me/calls:Publish denied",
    }
    assert other.hear(advice={"timeout": 0}) == []


@pytest.mark.rule("cc.cometd.protocol.r50", "cc.cometd.protocol.r51")
def test_each_window_of_a_browser_hears_everything(served: Served, agent: User) -> None:
    cookie = {"Cookie": "BAYEUX_BROWSER=same"}
    first, second = (
        Client(served.port, basic(agent.username), headers=cookie).ready("/v2/me/calls")
        for _ in range(2)
    )

    with first.polling() as one, second.polling() as two:
        tell(agent, 1)

        assert numbers(one.result(5)[:-1]) == numbers(two.result(5)[:-1]) == [1]


@pytest.mark.rule("cc.cometd.protocol.r51")
def test_the_held_polls_of_a_browser_can_be_limited(redis: redis_client.Redis, agent: User) -> None:
    with serving(replace(QUICK, clients_per_browser=1)) as one:
        cookie = {"Cookie": "BAYEUX_BROWSER=same"}
        first, second = (
            Client(one.port, basic(agent.username), headers=cookie).ready() for _ in range(2)
        )
        with first.polling() as held:
            (refused,) = second.connect()
            assert not held.done()

    assert refused["successful"]
    assert refused["advice"] == {**RETRY, "interval": 2_000, "multiple-clients": True}


def test_the_other_end_may_go_and_nothing_is_lost(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")
    cut = desktop.leave_while_polling()
    cut()
    wait_until(lambda: not is_held(desktop.id), within=5)
    tell(agent, 1)

    assert numbers(desktop.hear()) == [1]


def test_a_server_that_ends_answers_what_it_holds(served: Served, desktop: Client) -> None:
    desktop.ready()

    with desktop.polling() as held:
        served.cometd.stop()

        assert held.result(5) == silent(desktop)


@pytest.mark.rule("cc.cometd.post.r2", "cc.cometd.post.r3", "cc.cometd.protocol.r2")
@pytest.mark.parametrize("below", ["", "/", "/handshake", "/connect", "/any/thing"])
def test_every_path_of_the_endpoint_takes_messages(desktop: Client, below: str) -> None:
    body = json.dumps({"channel": "/meta/handshake", "version": "1.0"})

    reply = desktop.request(body, path=f"/api/v2/notifications{below}")

    assert reply.status == 200
    assert reply.header("content-type") == "application/json"
    assert reply.json[0]["successful"]
    assert len(reply.json) == 1


@pytest.mark.rule("cc.cometd.post.r4", "cc.cometd.protocol.r3", "cc.cometd.get.r4")
def test_what_cannot_be_read_is_answered_by_a_status(desktop: Client) -> None:
    assert desktop.request("x").status == 400
    assert desktop.request("[]").status == 400
    assert desktop.request(None, method="GET").status == 400
    assert desktop.request(None, method="DELETE").status == 405
    assert desktop.request("x" * (1024 * 1024 + 1)).status == 413


@pytest.mark.rule("cc.cometd.post.r7")
def test_a_web_socket_is_refused_at_once(desktop: Client) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }

    start = time.monotonic()
    reply = desktop.request(None, method="GET", **upgrade)

    assert reply.status in {400, 403}
    assert time.monotonic() - start < 1.5
