"""The live board: what people of one organisation are told, for those who lead them."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from agents.api.desk.addresses import absolute
from agents.cometd import publisher
from agents.models import PushMessage
from agents.services import outside_calls
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests.agents.cometd.serving import Client, numbers, tell
from tests.agents.desk.desk import house_of, make_queue
from tests.make import make_organization, make_user
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import redis as redis_client

    from agents.models import User

BOARD, QUEUES = "/v2/board", "/v2/board/queues"
NOW = {"timeout": 0}


@pytest.fixture
def board(desktop_of: Callable[[User], Client], supervisor: User) -> Client:
    """Give the board of a supervisor, which hears nothing else."""
    return desktop_of(supervisor).ready(BOARD)


def shown(client: Client, **members: Any) -> list[Any]:
    """Give what the board is told of people, in its order."""
    events = [one["data"] for one in client.hear(**members)]
    return [(one["userId"], one["data"].get("n")) for one in events if one["userId"]]


def unheard(monkeypatch: pytest.MonkeyPatch, user: User, *data: Any) -> None:
    """Tell somebody something in a process that dies before it publishes it."""
    with monkeypatch.context() as dying:
        dying.setattr("agents.services.push.publish_soon", lambda _: None)
        tell(user, *data)


def test_a_board_hears_what_people_of_the_house_are_told(
    board: Client, agent: User, now: datetime
) -> None:
    tell(agent, {"messageType": "X", "call": {"uri": "/api/v2/me/calls/1"}})

    [event] = board.hear()

    made_at = PushMessage.objects.get().made_at
    assert event == {
        "channel": BOARD,
        "data": {
            "userId": str(agent.pk),
            "topic": "/v2/me/calls",
            "data": {"messageType": "X", "call": {"uri": absolute("/api/v2/me/calls/1")}},
            "at": format_instant(made_at),
        },
    }


def test_only_devices_channels_and_calls_are_on_a_board(board: Client, agent: User) -> None:
    told = ("devices", "x", "channels", "calls/7", "calls")
    for number, topic in enumerate(told):
        tell(agent, number, topic=f"/v2/me/{topic}")
    tell(agent, 5, topic="/v2/users")

    me = str(agent.pk)
    assert shown(board) == [(me, 0), (me, 2), (me, 4)]


@pytest.mark.parametrize("topic", [BOARD, "/board", "/v2/board/"])
def test_a_board_is_for_those_who_lead(
    desktop_of: Callable[[User], Client], agent: User, topic: str
) -> None:
    desktop, operator = desktop_of(agent), make_user(None, is_superuser=True)
    desktop.handshake()
    other = desktop_of(operator)
    other.handshake()
    boss = desktop_of(make_user(agent.organization, [Role.ADMIN]))
    boss.handshake()

    assert desktop.subscribe(topic)["error"] == f"403:{topic}:Subscription denied"
    assert other.subscribe(topic)["error"] == f"403:{topic}:Subscription denied"
    assert boss.subscribe(topic)["successful"]
    tell(agent, 1)
    assert [one["channel"] for one in boss.hear()] == [topic]


def test_who_leads_no_longer_hears_no_more(board: Client, agent: User, supervisor: User) -> None:
    supervisor.roles = [Role.AGENT]
    supervisor.save()
    tell(agent, 1)

    wait_until(lambda: board.hear(advice=NOW) == [])
    tell(agent, 2)
    assert board.hear(advice=NOW) == []


@pytest.mark.parametrize("topic", ["/v2/*", "/v2/**", "/**", "/v2/me/**"])
def test_no_wildcard_brings_a_board(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User, topic: str
) -> None:
    desktop = desktop_of(supervisor).ready(topic)
    tell(agent, 1)

    assert desktop.hear(advice=NOW) == []


def test_another_organisation_is_never_heard(board: Client, agent: User) -> None:
    stranger = make_user(make_organization())
    tell(stranger, 1)
    tell(agent, 2)
    tell(stranger, 3)

    assert shown(board) == [(str(agent.pk), 2)]
    publisher.sweep()
    assert board.hear(advice=NOW) == []


def test_what_was_told_before_is_not_told_again(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User, board: Client
) -> None:
    tell(agent, 1)
    late = desktop_of(supervisor).ready(BOARD)
    tell(agent, 2)

    me = str(agent.pk)
    assert shown(late) == [(me, 2)]
    assert shown(board) == [(me, 1), (me, 2)]


def test_everybody_is_heard_in_its_own_order(board: Client, agent: User) -> None:
    people = [agent, *(make_user(agent.organization) for _ in range(3))]

    def write(user: User) -> None:
        try:
            for number in range(10):
                tell(user, number)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[user]) for user in people]
    for one in writers:
        one.start()
    for one in writers:
        one.join()

    heard = shown(board)
    for user in people:
        assert [n for user_id, n in heard if user_id == str(user.pk)] == list(range(10))


def test_a_held_poll_is_woken(board: Client, agent: User) -> None:
    with board.polling() as held:
        start = time.monotonic()
        tell(agent, 1)
        event, _ = held.result(2)

    assert event["data"]["userId"] == str(agent.pk)
    assert time.monotonic() - start < 1


def test_what_comes_at_once_comes_together(board: Client, agent: User) -> None:
    with board.polling() as held:
        tell(agent, 0)
        held.result(2)
    with board.polling() as held:
        for number in range(1, 6):
            tell(agent, number)
        answered = held.result(2)

    rest = numbers_of(answered) + [n for _, n in shown(board, advice=NOW)]
    assert rest == [1, 2, 3, 4, 5]


def numbers_of(answered: list[Any]) -> list[Any]:
    return [one["data"]["data"]["n"] for one in answered if "data" in one]


def test_ones_own_desktop_and_the_board_do_not_disturb_each_other(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User
) -> None:
    desktop = desktop_of(supervisor).ready("/v2/me/calls", BOARD)
    tell(supervisor, 1)
    tell(agent, 2)

    events = desktop.hear()

    assert [one["channel"] for one in events] == ["/v2/me/calls", BOARD, BOARD]
    assert numbers(events[:1]) == [1]
    assert numbers_of(events[1:]) == [1, 2]


# --- What is lost and what is not -----------------------------------------------------------------


def test_what_was_not_acknowledged_comes_again(
    desktop_of: Callable[[User], Client], agent: User, supervisor: User
) -> None:
    board = desktop_of(supervisor)
    board.ready(BOARD, ext={"ack": True})
    tell(agent, 1)
    lost = board.connect(ext={"ack": 1})
    tell(agent, 2)

    again = board.connect(ext={"ack": 1})
    assert (numbers_of(lost), numbers_of(again)) == ([1], [1, 2])
    tell(agent, 3)
    assert numbers_of(board.connect(ext={"ack": again[-1]["ext"]["ack"]})) == [3]


def test_what_a_dead_process_has_not_published_a_worker_does(
    board: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard(monkeypatch, agent, 1, 2)

    with board.polling() as held:
        assert not held.done()
        publisher.sweep()
        assert numbers_of(held.result(2)) == [1, 2]

    publisher.sweep()
    assert board.hear(advice=NOW) == []


def test_publishing_twice_and_at_once_doubles_nothing(
    board: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard(monkeypatch, agent, *range(50))

    def publish() -> None:
        try:
            publisher.publish_soon([agent.pk])
        finally:
            connection.close()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert [number for _, number in shown(board)] == list(range(50))


def test_what_is_kept_no_longer_is_left_out(
    board: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard(monkeypatch, agent, 1, 2)
    PushMessage.objects.all().delete()
    tell(agent, 3)

    assert [number for _, number in shown(board)] == [3]


def test_a_board_that_falls_too_far_behind_begins_anew(
    board: Client, agent: User, redis: redis_client.Redis
) -> None:
    tell(agent, *range(limits.COMETD_QUEUE + 1))

    [reply] = board.connect(advice=NOW)

    assert reply["advice"]["reconnect"] == "handshake"
    board.ready(BOARD)
    tell(agent, 7)
    assert [number for _, number in shown(board)] == [7]


def test_a_board_that_redis_has_forgotten_begins_anew(
    board: Client, agent: User, redis: redis_client.Redis
) -> None:
    redis.delete(*redis.keys("frontdesk:cometd:board:*"))

    [reply] = board.connect(advice=NOW)

    assert reply["advice"]["reconnect"] == "handshake"


def test_nothing_is_kept_for_a_board_that_nobody_watches(
    board: Client, agent: User, redis: redis_client.Redis
) -> None:
    redis.delete(f"frontdesk:cometd:board:h:{agent.organization_id}")

    tell(agent, 1)

    assert redis.zcard("frontdesk:cometd:boards") == 0
    assert redis.keys("frontdesk:cometd:board:l:*") == []


# --- Queues ---------------------------------------------------------------------------------------


def test_who_waits_is_told_when_it_changes(board: Client, agent: User, now: datetime) -> None:
    queue = make_queue(agent, name="Service")
    publisher.sweep()
    board.hear()
    since = now - timedelta(minutes=1)
    outside_calls.take_in_call(house_of(agent), queue.phone_number, caller="112", now=since)

    publisher.sweep()
    publisher.sweep()

    [event] = board.hear()
    assert event["data"]["topic"] == QUEUES
    assert event["data"]["userId"] is None
    assert event["data"]["data"] == {
        "queues": [
            {
                "id": str(queue.pk),
                "name": "Service",
                "phoneNumber": queue.phone_number,
                "waiting": 1,
                "since": format_instant(since),
            }
        ]
    }
    assert datetime.fromisoformat(event["data"]["at"]) <= timezone.now()


def test_queues_of_others_are_not_told(board: Client, agent: User) -> None:
    make_queue(make_user(make_organization()), name="Theirs")

    publisher.sweep()

    assert board.hear(advice=NOW) == []
