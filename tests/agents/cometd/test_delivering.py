"""Each event once, in order: acknowledged, and replayed for who was away."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agents.cometd import publisher
from agents.models import PushMessage, User
from config.kernel import limits
from tests.agents.cometd.serving import (
    QUICK,
    Client,
    basic,
    numbers,
    serving,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis as redis_client

NOW = {"timeout": 0}


def ack_of(replies: list[dict[str, object]]) -> int:
    extension = replies[-1]["ext"]
    assert isinstance(extension, dict)
    return int(extension["ack"])


# --- Order ----------------------------------------------------------------------------------------


@pytest.mark.rule("cc.cometd.protocol.r46", "cc.cometd.protocol.r47", "cc.cometd.topics.r7")
def test_events_come_in_the_order_of_their_causes(
    desktop: Client, desktop_of: Callable[[User], Client], agent: User
) -> None:
    desktop.ready("/v2/me/*")
    other = desktop_of(agent).ready("/v2/me/calls", "/v2/me/devices")

    for number in range(20):
        tell(agent, number, topic=f"/v2/me/{('calls', 'devices')[number % 2]}")

    assert numbers(desktop.hear()) == numbers(other.hear()) == list(range(20))


@pytest.mark.rule("cc.cometd.protocol.r46")
def test_writers_at_once_make_one_order_without_gap(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    def write(writer: int) -> None:
        try:
            for number in range(10):
                tell(agent, {"n": [writer, number]})
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    heard = desktop.hear()

    assert [event["ext"]["replayId"] for event in heard] == list(range(1, 41))
    for writer in range(4):
        assert [n for w, n in numbers(heard) if w == writer] == list(range(10))


@pytest.mark.rule("cc.cometd.topics.r9")
def test_what_is_rolled_back_was_never_told(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    with transaction.atomic():
        tell(agent, 1)
        transaction.set_rollback(True)
    tell(agent, 2)

    assert numbers(desktop.hear()) == [2]


@pytest.mark.rule("cc.cometd.topics.r8")
def test_addresses_in_events_are_absolute(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    call = {"uri": "/api/v2/me/calls/1", "deviceUri": "/api/v2/devices/2", "note": "/api/v2"}
    tell(agent, {"call": call})

    assert desktop.hear()[0]["data"]["call"] == {
        "uri": "http://127.0.0.1:8000/api/v2/me/calls/1",
        "deviceUri": "http://127.0.0.1:8000/api/v2/devices/2",
        "note": "/api/v2",
    }


def test_one_answer_holds_a_limited_number_of_events(
    redis: redis_client.Redis, agent: User
) -> None:
    with serving(replace(QUICK, max_events=3)) as served:
        desktop = Client(served.port, basic(agent.username)).ready("/v2/me/calls")
        tell(agent, *range(7))

        answers = [numbers(desktop.hear()) for _ in range(3)]

    assert answers == [[0, 1, 2], [3, 4, 5], [6]]


# --- Acknowledging --------------------------------------------------------------------------------


@pytest.mark.rule("cc.cometd.protocol.r54")
def test_what_is_not_acknowledged_comes_again(desktop: Client, agent: User) -> None:
    desktop.handshake(ext={"ack": True})
    desktop.subscribe("/v2/me/calls")
    first = desktop.connect(ext={"ack": -1})
    tell(agent, 1, 2)

    lost = desktop.connect(ext={"ack": ack_of(first)})
    tell(agent, 3)
    again = desktop.connect(ext={"ack": ack_of(first)})
    rest = desktop.connect(ext={"ack": ack_of(again)}, advice=NOW)

    assert numbers(lost[:-1]) == [1, 2]
    assert numbers(again[:-1]) == [1, 2, 3]
    assert rest[:-1] == []
    assert ack_of(first) < ack_of(lost) < ack_of(again) < ack_of(rest)


@pytest.mark.rule("cc.cometd.protocol.r54")
def test_an_answer_that_a_late_poll_took_away_does_not_undo_an_acknowledgement(
    desktop: Client, agent: User
) -> None:
    desktop.handshake(ext={"ack": True})
    desktop.subscribe("/v2/me/calls")
    first = ack_of(desktop.connect(ext={"ack": 0}))
    tell(agent, 1)
    heard = desktop.connect(ext={"ack": first})
    # A poll that was cut off before reaches the server after the one that replaced it.
    desktop.connect(ext={"ack": first})

    tell(agent, 2)
    later = desktop.connect(ext={"ack": ack_of(heard)})

    assert numbers(heard[:-1]) == [1]
    assert numbers(later[:-1]) == [2]


@pytest.mark.rule("cc.cometd.protocol.r54", "cc.cometd.protocol.r45")
def test_with_acknowledging_events_come_with_polls_alone(desktop: Client, agent: User) -> None:
    desktop.handshake(ext={"ack": True})
    desktop.subscribe("/v2/me/calls")
    tell(agent, 1)

    assert desktop.subscribe("/v2/me/devices")["successful"]
    assert numbers(desktop.connect(ext={"ack": -1})[:-1]) == [1]


@pytest.mark.rule("cc.cometd.protocol.r53", "cc.cometd.protocol.r24")
def test_whoever_is_replaced_is_not_told_that_it_got_more(desktop: Client, agent: User) -> None:
    desktop.handshake(ext={"ack": True})
    desktop.subscribe("/v2/me/calls")
    had = ack_of(desktop.connect())
    same = Client(desktop.port, desktop.authorization, id=desktop.id)

    with desktop.polling(ext={"ack": had}) as first, same.polling(ext={"ack": had}) as second:
        assert first.result(5)[-1]["ext"] == {"ack": had}
        tell(agent, 1)
        assert numbers(second.result(5)[:-1]) == [1]


def test_without_acknowledging_nothing_is_numbered(desktop: Client) -> None:
    desktop.handshake()

    assert "ext" not in desktop.connect()[-1]


# --- Falling behind -------------------------------------------------------------------------------


@pytest.mark.rule("cc.cometd.protocol.r49")
def test_who_falls_behind_by_more_than_a_thousand_is_forgotten(
    desktop: Client, agent: User
) -> None:
    desktop.ready("/v2/me/calls")
    tell(agent, *range(limits.COMETD_QUEUE + 1))

    (reply,) = desktop.connect()

    assert reply["error"] == f"402:{desktop.id}:Unknown client"
    assert reply["advice"]["reconnect"] == "handshake"


@pytest.mark.rule("cc.cometd.protocol.r48", "cc.cometd.protocol.r49")
def test_a_thousand_events_are_kept_for_a_client(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")
    tell(agent, *range(limits.COMETD_QUEUE))

    heard = [number for _ in range(4) for number in numbers(desktop.hear())]

    assert heard == list(range(limits.COMETD_QUEUE))


# --- Replaying ------------------------------------------------------------------------------------


def test_who_was_away_gets_what_it_missed_once_and_in_order(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")
    tell(agent, 1)
    last = desktop.hear()[-1]["ext"]["replayId"]
    desktop.post(desktop.say("/meta/disconnect"))
    tell(agent, 2)
    tell(agent, 0, topic="/v2/me/devices")
    tell(agent, 3)

    desktop.handshake(ext={"replay": True})
    desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": last}})
    tell(agent, 4)

    assert numbers(desktop.hear()) == [2, 3, 4]
    assert desktop.hear(advice=NOW) == []


def test_what_is_replayed_may_be_more_than_a_queue_holds(desktop: Client, agent: User) -> None:
    count = 2 * limits.COMETD_QUEUE + 1
    tell(agent, *range(count))
    desktop.handshake()

    desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": 0}})
    heard: list[int] = []
    while len(heard) < count:
        heard += numbers(desktop.hear())

    assert heard == list(range(count))


def test_replaying_one_topic_repeats_no_other(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/devices")
    tell(agent, 1, topic="/v2/me/devices")
    tell(agent, 2)
    assert numbers(desktop.hear()) == [1]

    desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": 0}})
    tell(agent, 3, topic="/v2/me/devices")

    assert numbers(desktop.hear()) == [2, 3]


def test_a_held_poll_is_answered_by_what_is_replayed(desktop: Client, agent: User) -> None:
    tell(agent, 1)
    desktop.ready("/v2/me/devices")

    with desktop.polling() as held:
        desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": 0}})

        assert numbers(held.result(5)[:-1]) == [1]


@pytest.mark.parametrize("last", [-1, "x", None, True, 1.5])
def test_a_number_that_says_nothing_replays_nothing(
    desktop: Client, agent: User, last: object
) -> None:
    tell(agent, 1)
    desktop.handshake()

    assert desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": last}})["successful"]
    assert desktop.hear() == []


@pytest.mark.parametrize("is_purged", [False, True])
def test_what_is_kept_no_longer_is_said_to_be_lost(
    desktop: Client, agent: User, is_purged: bool
) -> None:
    tell(agent, 1, 2)
    PushMessage.objects.filter(sequence=1).update(
        made_at=timezone.now() - (limits.COMETD_KEPT if is_purged else limits.COMETD_REPLAY)
    )
    assert publisher.purge() == is_purged
    desktop.handshake()

    reply = desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": 0}})

    assert not reply["successful"]
    assert reply["error"] == "410:/v2/me/calls:Missed events are kept no longer"
    assert reply["ext"] == {"replay": {"/v2/me/calls": 2}}
    assert reply["advice"]["reconnect"] == "retry"
    assert desktop.subscribe("/v2/me/calls", ext=reply["ext"])["successful"]


def test_a_number_of_the_future_is_not_known(desktop: Client, agent: User) -> None:
    tell(agent, 1)
    desktop.handshake()

    reply = desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": 2}})

    assert reply["error"] == "410:/v2/me/calls:Missed events are kept no longer"
