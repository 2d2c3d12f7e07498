"""The lane of the webhooks: many at once, whatever hangs, dies or is stopped beside them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from notifications import tasks, webhook_lane, worker
from notifications.models import Channel, Notification, NotificationEvent, Status
from notifications.services import feed, queue, webhooks
from notifications.services.queue import Claim
from notifications.webhook_lane import deliver_due
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import come_due, got, ids, make_event, make_events, make_hook
from tests.notifications.ledger import make_application
from tests.notifications.webhooks import answering, receivers
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    import socket
    import threading

    from pytest_django import Settings

pytestmark = pytest.mark.django_db(transaction=True)

MakeReceiver = Callable[..., Receiver]


@pytest.fixture(autouse=True)
def receiver_of(settings: Settings) -> Iterator[MakeReceiver]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    settings.NOTIFICATIONS_TRANSPORTS = {}
    with receivers() as make:
        yield make


@contextlib.contextmanager
def at_work() -> Iterator[worker.Sweeper]:
    """Have a worker's sweeper at work."""
    sweeper = worker.Sweeper()
    sweeper.start()
    try:
        yield sweeper
    finally:
        sweeper.stop()


def after(seconds: float, status: int = 204) -> Callable[[socket.socket, threading.Event], None]:
    """Give the behaviour of a receiver that thinks for a while."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        over.wait(seconds)
        answering(status)(connection, over)

    return behave


def statuses(*events: Notification) -> Counter[str]:
    keys = [one.pk for one in events]
    return Counter(Notification.objects.filter(pk__in=keys).values_list("status", flat=True))


def test_what_comes_is_delivered_and_the_lane_ends_when_it_is_told(
    receiver_of: MakeReceiver,
) -> None:
    receiver = receiver_of()
    hook = make_hook(make_application(), receiver)
    events = make_events(hook, 30)
    with at_work() as sweeper:
        wait_until(lambda: len(receiver.requests) == 30)
        late = make_event(hook)
        sweeper.nudge(Channel.WEBHOOKS)
        wait_until(lambda: len(receiver.requests) == 31)

    assert set(ids(receiver, hook)) == {one.id for one in (*events, late)}
    assert statuses(*events, late) == {Status.DELIVERED: 31}
    assert not [lane for lane in sweeper._lanes if lane.is_alive()]


def test_a_nudge_ends_its_sleep(receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_lane, "_LONGEST_SLEEP", 60.0)
    receiver = receiver_of()
    hook = make_hook(make_application(), receiver)
    with at_work() as sweeper:
        monkeypatch.setattr(worker._InThisProcess, "sweeper", sweeper)
        make_event(hook)
        wait_until(lambda: tasks.send_due("WEBHOOKS") or len(receiver.requests) == 1)


def test_without_a_lane_in_this_process_the_task_delivers_itself(receiver_of: MakeReceiver) -> None:
    one = make_event(make_hook(make_application(), receiver_of()))

    tasks.send_due("WEBHOOKS")

    assert statuses(one) == {Status.DELIVERED: 1}


def test_one_appointments_events_follow_each_other_in_order(receiver_of: MakeReceiver) -> None:
    receiver = receiver_of()
    hook = make_hook(make_application(), receiver)
    subjects = [make_event(hook).subject_id for _ in range(3)]
    events = [
        make_event(hook, subject=subject, sequence=number)
        for number in range(2, 6)
        for subject in subjects
    ]

    with at_work():
        wait_until(lambda: len(receiver.requests) == 15)

    order = [one for one in ids(receiver, hook) if one in {event.id for event in events}]
    for subject in subjects:
        its = [event.id for event in events if event.subject_id == subject]
        assert [one for one in order if one in its] == its


# --- Beside what hangs ------------------------------------------------------------------------


def test_receivers_that_hang_hold_nobody_up(receiver_of: MakeReceiver) -> None:
    application, good = make_application(), receiver_of()
    hanging = [make_hook(application, receiver_of(after(20))) for _ in range(6)]
    for hook in hanging:
        make_events(hook, 20)
    hook = make_hook(application, good)
    with at_work() as sweeper:
        wait_until(lambda: Notification.objects.filter(lease_until__isnull=False).count() >= 96)
        begun = time.monotonic()
        make_events(hook, 100)
        sweeper.nudge(Channel.WEBHOOKS)
        wait_until(lambda: len(good.requests) == 100)
        took = time.monotonic() - begun
        sweeper.close()
        for one in hanging:
            Notification.objects.filter(recipient_id=one.pk).update(due_at=None, status="CANCELLED")
        # Their time limit ends them: three seconds of the first attempt.

    assert took < 2.5
    assert len(got(good, hook)) == 100


def send(
    claims: list[Claim], *, then: Callable[[list[webhook_lane._Done]], None] | None = None
) -> None:
    """Send what was claimed; unless something follows, it is as if the worker died then."""
    targets = webhook_lane._Opened().of(claims)
    done = asyncio.run(webhook_lane._all_delivered(claims, targets))
    if then is not None:
        then(done)


# --- What dies --------------------------------------------------------------------------------


def test_a_receiver_that_looks_at_the_id_gets_each_once_after_a_crash(
    receiver_of: MakeReceiver,
) -> None:
    receiver = receiver_of()
    hook = make_hook(make_application(), receiver)
    events = make_events(hook, 5)
    feed.number_due()
    # Sent, and killed before it was written down.
    claims = webhooks.claim_due(limit=3)
    asyncio.run(webhook_lane._all_delivered(claims, webhook_lane._Opened().of(claims)))
    come_due()

    with at_work():
        wait_until(lambda: statuses(*events) == {Status.DELIVERED: 5})

    requests = got(receiver, hook)
    assert Counter(Counter(one.id for one in requests).values()) == {1: 2, 2: 3}
    assert len({one.body for one in requests}) == 5
    said = NotificationEvent.objects.filter(message__contains="may have arrived")
    assert {one.notification_id for one in said} == {claim.id for claim in claims}


def test_a_lost_database_connection_loses_nothing(
    receiver_of: MakeReceiver, settings: Settings
) -> None:
    # A claim whose answer was lost is due again when its lease is over.
    settings.NOTIFICATIONS_LEASE = timedelta(seconds=5)
    hook = make_hook(make_application(), receiver_of(after(0.05)))
    events: list[Notification] = []
    with at_work() as sweeper:
        for _ in range(3):
            events += make_events(hook, 10)
            sweeper.nudge(Channel.WEBHOOKS)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        wait_until(lambda: statuses(*events) == {Status.DELIVERED: 30})


def test_what_cannot_be_written_down_does_not_end_the_lane(
    receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook = make_hook(make_application(), receiver_of())
    lost = make_event(hook)
    settle, troubles = queue.settle, [RuntimeError("no")]
    monkeypatch.setattr(
        queue,
        "settle",
        lambda results: settle(results) if not troubles else throw(troubles.pop()),
    )
    with at_work() as sweeper:
        wait_until(lambda: not troubles)
        fine = make_event(hook)
        sweeper.nudge(Channel.WEBHOOKS)
        wait_until(lambda: statuses(fine) == {Status.DELIVERED: 1})

    assert statuses(lost) == {Status.PENDING: 1}
    assert "What became of 1 webhooks is not known" in caplog.text


def throw(error: Exception) -> set[object]:
    raise error


def test_a_worker_that_was_frozen_sends_nothing_that_another_may_have(
    receiver_of: MakeReceiver,
) -> None:
    receiver = receiver_of()
    one = make_event(make_hook(make_application(), receiver))
    feed.number_due()
    claims = [replace(claim, taken_at=claim.taken_at - 40) for claim in webhooks.claim_due(limit=1)]

    send(claims, then=webhook_lane._settle)

    assert receiver.requests == []
    assert statuses(one) == {Status.INITIALIZED: 1}


def test_a_signature_is_dated_by_the_databases_clock(
    receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = receiver_of()
    hook = make_hook(make_application(), receiver)
    one = make_event(hook)
    wrong = timezone.now() + timedelta(hours=2)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: wrong)
        deliver_due()

    # The library refuses what is five minutes off.
    assert ids(receiver, hook) == [one.id]


# --- The end ----------------------------------------------------------------------------------


def test_a_worker_that_stops_writes_down_what_it_had_under_way(receiver_of: MakeReceiver) -> None:
    slow = receiver_of(after(0.5))
    one = make_event(make_hook(make_application(), slow))
    with at_work():
        wait_until(lambda: len(slow.requests) == 1)

    assert statuses(one) == {Status.DELIVERED: 1}


def test_what_has_no_answer_at_the_end_is_due_again_and_says_so(
    receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STOP_SECONDS", 2.5)
    hanging = receiver_of(after(20))
    one = make_event(make_hook(make_application(), hanging), schedule_step=2)
    with at_work():
        wait_until(lambda: len(hanging.requests) == 1)

    one.refresh_from_db()
    assert (one.status, one.retry_count, one.lease_until) == (Status.PENDING, 0, None)
    assert "may have arrived" in one.error_message
