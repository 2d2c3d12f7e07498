"""Whatever happens to Redis and to processes, nothing is lost or doubled; and what it costs."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.cometd import publisher
from agents.models import PushMessage, User
from config.kernel import limits
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
    import redis as redis_client

NOW = {"timeout": 0}


# --- Redis is lost, processes die -----------------------------------------------------------------


def test_after_redis_was_lost_everything_missed_is_replayed(
    desktop: Client, agent: User, redis: redis_client.Redis
) -> None:
    desktop.ready("/v2/me/calls")
    tell(agent, 1)
    last = desktop.hear()[-1]["ext"]["replayId"]
    redis.flushdb()
    tell(agent, 2)

    (reply,) = desktop.connect()
    desktop.handshake()
    desktop.subscribe("/v2/me/calls", ext={"replay": {"/v2/me/calls": last}})
    tell(agent, 3)

    assert reply["advice"]["reconnect"] == "handshake"
    assert numbers(desktop.hear()) == [2, 3]


def test_what_a_dead_process_has_not_published_a_worker_does(
    desktop: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop.ready("/v2/me/calls")
    with monkeypatch.context() as dying:
        dying.setattr("agents.services.push.publish_soon", lambda _: None)
        tell(agent, 1, 2)

    with desktop.polling() as held:
        assert not held.done()
        assert publisher.sweep() == 2
        assert numbers(held.result(5)[:-1]) == [1, 2]

    assert publisher.sweep() == 0


def test_the_next_event_takes_along_what_was_left_behind(
    desktop: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop.ready("/v2/me/calls")
    with monkeypatch.context() as dying:
        dying.setattr("agents.services.push.publish_soon", lambda _: None)
        tell(agent, 1)
    tell(agent, 2)

    assert numbers(desktop.hear()) == [1, 2]


def test_publishing_twice_and_at_once_doubles_nothing(
    desktop: Client, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop.ready("/v2/me/calls")
    with monkeypatch.context() as dying:
        dying.setattr("agents.services.push.publish_soon", lambda _: None)
        tell(agent, *range(50))

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

    assert numbers(desktop.hear()) == list(range(50))


def test_without_redis_a_command_is_neither_lost_nor_late(
    agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = publisher.Publisher("redis://127.0.0.1:9/0")
    monkeypatch.setattr(publisher, "publisher", lambda _: away)

    tell(agent, 1)
    tell(agent, 2)

    assert PushMessage.objects.filter(user=agent).count() == 2


def test_without_redis_a_client_is_asked_to_come_again(agent: User) -> None:
    with serving(QUICK) as served:
        served.cometd._url = "redis://127.0.0.1:9/0"
        reply = Client(served.port, basic(agent.username)).handshake()

    assert reply["error"] == "503::Unavailable"
    assert reply["advice"] == {
        "reconnect": "retry",
        "interval": 2_000,
        "timeout": 2_000,
        "maxInterval": 3_000,
    }


def test_any_process_takes_any_request(redis: redis_client.Redis, agent: User) -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(serving()).port for _ in range(2)]
        desktop = Client(ports[0], basic(agent.username)).ready("/v2/me/calls")
        heard = []
        for number in range(6):
            desktop.port = ports[number % 2]
            with desktop.polling() as held:
                tell(agent, number)
                heard += numbers(held.result(5)[:-1])

        with desktop.polling() as held:
            other = Client(ports[0], desktop.authorization, id=desktop.id)
            with other.polling() as second:
                assert held.result(5)[-1]["successful"]
                assert not second.done()

    assert heard == list(range(6))


def test_nobody_who_does_not_listen_costs_anything(agent: User, redis: redis_client.Redis) -> None:
    tell(agent, 1)

    assert redis.keys("frontdesk:cometd:*") == []


# --- Credentials, and what a poll costs -----------------------------------------------------------


def test_a_poll_asks_the_database_nothing(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    with desktop.polling() as held, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
            " AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone() == (0,)
        assert not held.done()


def test_telling_costs_one_statement_more_where_somebody_listens(
    desktop: Client, agent: User
) -> None:
    with CaptureQueriesContext(connection) as unheard:
        tell(agent, 1)
    desktop.ready("/v2/me/calls")
    with CaptureQueriesContext(connection) as heard:
        tell(agent, 2)

    assert len(heard) == len(unheard) + 1


def test_who_is_shut_out_is_so_with_its_next_poll(desktop: Client, agent: User) -> None:
    desktop.ready("/v2/me/calls")

    with desktop.polling() as held:
        agent.is_active = False
        agent.save()
        assert held.result(5)[-1]["successful"]

    wait_until(lambda: not desktop.connect(advice=NOW)[-1]["successful"], within=2)
    assert desktop.handshake()["error"] == "401::Unauthorized"


def test_what_is_older_than_any_replay_is_deleted(agent: User) -> None:
    tell(agent, 1, 2)
    PushMessage.objects.filter(sequence=1).update(
        made_at=timezone.now() - limits.COMETD_KEPT - timedelta(seconds=1)
    )

    assert publisher.purge() == 1
    assert [one.sequence for one in PushMessage.objects.all()] == [2]


def test_a_held_poll_survives_that_its_subscription_to_redis_is_cut(
    served: Served, desktop: Client, agent: User, redis: redis_client.Redis
) -> None:
    desktop.ready("/v2/me/calls")

    with desktop.polling() as held:
        for one in redis.client_list(_type="pubsub"):
            if one["db"] == str(redis.connection_pool.connection_kwargs["db"]):
                redis.client_kill_filter(_id=one["id"])
        tell(agent, 1)
        assert numbers(held.result(5)[:-1]) == [1]

    assert not is_held(desktop.id)
