"""The sweeper: sends without being asked, wakes when nudged, and outlives its servers."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from notifications import tasks, worker
from notifications.models import Channel, Heartbeat, Notification, NotificationEvent
from notifications.models.kinds import Status
from notifications.services import chores
from notifications.transports import Accepted
from tests.notifications import scripted
from tests.notifications.ledger import (
    ScriptedTransport,
    make_application,
    make_notification,
    make_notifications,
)
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    from pytest_django import Settings

    from notifications.messages import Message

ROOT = Path(__file__).resolve().parent.parent.parent
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Settings) -> ScriptedTransport:
    """Give the transport of e-mail, which does as the test says."""
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    scripted.transport.forget()
    return scripted.transport


@pytest.fixture
def sweeper(provider: ScriptedTransport) -> Iterator[worker.Sweeper]:
    """Give a sweeper at work."""
    running = worker.Sweeper()
    running.start()
    yield running
    running.stop()


def is_delivered(notification: Notification) -> bool:
    notification.refresh_from_db()
    return notification.status == Status.DELIVERED


@committed
def test_what_is_due_is_sent_without_a_nudge(sweeper: worker.Sweeper) -> None:
    due = make_notification(make_application())

    wait_until(lambda: is_delivered(due))


@committed
def test_what_becomes_due_is_sent_at_its_moment_and_not_before(sweeper: worker.Sweeper) -> None:
    soon = make_notifications(
        make_application(), count=20, due_at=timezone.now() + timedelta(seconds=1.3)
    )

    for planned in soon:
        wait_until(lambda planned=planned: is_delivered(planned))  # type: ignore[misc]  # a default

    claimed = NotificationEvent.objects.filter(status=Status.PENDING).values_list("at", flat=True)
    moment = soon[0].scheduled_for
    assert moment is not None
    lateness = [at - moment for at in claimed]
    assert timedelta() <= min(lateness)
    assert max(lateness) < timedelta(seconds=2)


@committed
def test_a_nudge_ends_the_sleep(
    provider: ScriptedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_LONGEST_SLEEP", 60.0)
    looked = threading.Event()
    provider.on_rest = looked.set
    sweeper = worker.Sweeper()
    sweeper.start()
    try:
        assert looked.wait(10)
        due = make_notification(make_application())
        sweeper.nudge(Channel.EMAIL)
        wait_until(lambda: is_delivered(due))
    finally:
        sweeper.stop()


@committed
def test_the_end_waits_for_what_is_in_flight_and_gives_back_the_rest(
    provider: ScriptedTransport, sweeper: worker.Sweeper
) -> None:
    in_flight, go_on = threading.Event(), threading.Event()

    def slowly(message: Message) -> Accepted:
        in_flight.set()
        assert go_on.wait(10)
        return Accepted(provider_status="250", message_id="")

    provider.answers = [slowly]
    make_notifications(make_application(), count=5)
    assert in_flight.wait(10)

    sweeper.close()
    go_on.set()
    sweeper.stop()

    assert Notification.objects.filter(status=Status.DELIVERED).count() == 1
    assert Notification.objects.unsent().filter(lease_until=None).count() == 4


@committed
def test_a_lost_database_connection_ends_no_lane(
    sweeper: worker.Sweeper, caplog: pytest.LogCaptureFixture
) -> None:
    application = make_application()
    before = make_notification(application)
    wait_until(lambda: is_delivered(before))

    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        after = make_notification(application)
        wait_until(lambda after=after: is_delivered(after))  # type: ignore[misc]  # a default


@committed
def test_trouble_is_said_once_and_so_is_its_end(
    provider: ScriptedTransport, caplog: pytest.LogCaptureFixture
) -> None:
    lane = worker.ChannelLane(Channel.EMAIL, threading.Event())
    provider.trouble = OSError("no provider")
    make_notification(make_application())

    pauses = [lane.sweep(), lane.sweep(), lane.sweep()]
    provider.trouble = None
    lane.sweep()

    assert pauses == [0.1, 0.2, 0.4]
    assert [record.getMessage() for record in caplog.records if record.name == worker.__name__] == [
        "lane-email: OSError; trying again",
        "lane-email: at work again",
    ]


@committed
def test_what_another_app_has_to_do_is_looked_for_too(
    provider: ScriptedTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "_chores", {})
    waiting, is_over = [1, 2, 3], threading.Event()

    def chore() -> int:
        if waiting:
            waiting.pop()
            return 1
        is_over.set()
        return 0

    chores.sweep_too("codes", chore)
    sweeper = worker.Sweeper()
    sweeper.start()
    try:
        assert is_over.wait(10)
    finally:
        sweeper.stop()


@committed
def test_a_database_that_goes_away_during_a_send_costs_no_repetition(
    provider: ScriptedTransport, sweeper: worker.Sweeper
) -> None:
    def cut_off(message: Message) -> Accepted:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        return Accepted(provider_status="250", message_id="")

    provider.answers = [cut_off]
    due = make_notification(make_application())

    wait_until(lambda: is_delivered(due))

    assert (due.attempt, provider.ids) == (1, [due.id])


@committed
def test_a_sweeper_gives_a_sign_of_life(sweeper: worker.Sweeper) -> None:
    wait_until(lambda: Heartbeat.objects.filter(name=sweeper.name).exists())


@pytest.mark.django_db
def test_without_a_sweeper_in_the_process_a_nudge_sends_a_batch(
    provider: ScriptedTransport,
) -> None:
    due = make_notification(make_application())

    tasks.send_due("EMAIL")

    assert is_delivered(due)


@pytest.mark.django_db
def test_a_nudge_for_a_channel_without_a_transport_does_nothing(
    provider: ScriptedTransport,
) -> None:
    waiting = make_notification(make_application(), channel=Channel.SMS)

    tasks.send_due("SMS")

    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempt) == (Status.INITIALIZED, 0)


@pytest.mark.django_db
def test_beat_writes_down_that_it_is_at_work() -> None:
    tasks.note_beat()
    tasks.note_beat()

    [heartbeat] = Heartbeat.objects.all()
    assert heartbeat.name == "beat"
    assert timezone.now() - heartbeat.seen_at < timedelta(seconds=5)


def test_every_task_of_the_schedule_exists() -> None:
    current_app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled - set(current_app.tasks) == set()


def test_no_wait_and_no_retry_lives_in_the_broker() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {word}"
        for app in ("config", "notifications", "agents", "appointments", "engage")
        for path in (ROOT / app).rglob("*.py")
        for node, word in calls_into_the_broker(ast.parse(path.read_text()))
    ]

    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "send.apply_async(countdown=5)",
        "send.apply_async(eta=now)",
        "send.apply_async([1], retry=True)",
        "send.retry()",
        "shared_task(autoretry_for=(OSError,))",
        "shared_task(max_retries=3)",
        "send.delay(id).get()",
        "chord(tasks)(end)",
    ],
)
def test_the_search_for_waits_in_the_broker_finds(code: str) -> None:
    assert len(list(calls_into_the_broker(ast.parse(code)))) == 1


PUBLISHING = {"apply_async", "delay", "send_task", "s", "si", "signature", "subtask"}
DECLARING = {"shared_task", "task"}
WAITS = {"eta", "countdown", "link", "link_error"}
REPEATS = {"autoretry_for", "max_retries", "retry_backoff", "default_retry_delay"}


def calls_into_the_broker(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for keyword in node.keywords:
            is_again = keyword.arg == "retry" and getattr(keyword.value, "value", 0) is not False
            if (called in PUBLISHING and (keyword.arg in WAITS or is_again)) or (
                called in DECLARING and keyword.arg in REPEATS
            ):
                yield node, str(keyword.arg)
        match node.func:
            case ast.Attribute(attr="retry", value=ast.Name()):
                yield node, "retry"
            case ast.Attribute(attr="get", value=ast.Call(func=ast.Attribute(attr=inner))):
                if inner in PUBLISHING:
                    yield node, "result"
            case ast.Name(id="chord" | "chain" | "group" as word):
                yield node, word


def test_tasks_are_one_line_each() -> None:
    for path in ROOT.glob("*/tasks.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                statements = [each for each in node.body if not is_docstring(each)]
                assert len(statements) == 1, f"{path.parent.name}.{node.name}"


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
