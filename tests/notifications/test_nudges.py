"""Nudges: few, quick, and of no consequence when they get lost."""

from __future__ import annotations

import base64
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from django.conf import settings as django_settings

from notifications.nudges import Nudger
from tests.notifications.workers import NOBODY, wait_until

if TYPE_CHECKING:
    import redis as redis_client
    from pytest_django import Settings

TASK = "notifications.send_due"


def nudger_with(broker: str) -> Nudger:
    app = Celery("nudges", broker=broker, set_as_current=False)
    app.conf.broker_transport_options = django_settings.CELERY_BROKER_TRANSPORT_OPTIONS
    return Nudger(app)


def published(redis: redis_client.Redis) -> list[tuple[str, list[str]]]:
    messages = [json.loads(message) for message in redis.lrange("celery", 0, -1)]
    return [
        (message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0])
        for message in messages
    ]


def test_a_nudge_is_a_task_that_does_not_outlive_its_use(
    redis: redis_client.Redis, settings: Settings
) -> None:
    nudger_with(settings.REDIS_URL).nudge(TASK, "EMAIL")

    wait_until(lambda: published(redis) == [(TASK, ["EMAIL"])])
    [message] = redis.lrange("celery", 0, -1)
    assert json.loads(message)["headers"]["expires"] is not None


def test_many_nudges_become_few_tasks(redis: redis_client.Redis, settings: Settings) -> None:
    nudger = nudger_with(settings.REDIS_URL)

    begin = time.monotonic()
    for _ in range(5_000):
        nudger.nudge(TASK, "EMAIL")
    nudger.nudge(TASK, "SMS")
    spent = time.monotonic() - begin

    wait_until(lambda: (TASK, ["SMS"]) in published(redis))
    assert len(published(redis)) <= 4 + spent / 0.25


def test_a_broker_that_is_away_or_hangs_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        for url in (NOBODY, f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"):
            nudger = nudger_with(url)

            begin = time.monotonic()
            for _ in range(100):
                nudger.nudge(TASK, "EMAIL")

            assert time.monotonic() - begin < 0.2
        wait_until(lambda: "The broker cannot be reached" in caplog.text)


def test_a_nudge_in_the_hands_of_a_worker_is_not_kept_by_the_broker(
    redis: redis_client.Redis, settings: Settings
) -> None:
    app = Celery("nudges", broker=settings.REDIS_URL, set_as_current=False)
    app.conf.broker_transport_options = django_settings.CELERY_BROKER_TRANSPORT_OPTIONS
    app.send_task(TASK, args=["EMAIL"], ignore_result=True)
    taken: list[object] = []

    with app.connection_for_read() as broker:
        consumer = app.amqp.TaskConsumer(
            broker.channel(), callbacks=[lambda _, task: taken.append(task)]
        )
        with consumer:
            broker.drain_events(timeout=5)
            kept = redis.keys("unacked*")

    # What is kept there a worker wants to put back when Redis dies, and ends over it.
    assert (len(taken), kept) == (1, [])
