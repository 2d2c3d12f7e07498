"""Webhooks: what is sent, in which order, and what comes of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from config.kernel.ids import uuid7
from config.kernel.time import format_instant
from notifications.models import (
    Notification,
    NotificationContent,
    NotificationType,
    Status,
)
from notifications.services import feed, owners, webhooks
from notifications.webhook_lane import deliver_due
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import (
    come_due,
    fresh,
    got,
    ids,
    make_event,
    make_events,
    make_hook,
    numbers,
    standing,
)
from tests.notifications.webhooks import answering, in_turn

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("receiver_of")]

DAY = timedelta(days=1)
MakeReceiver = Callable[..., Receiver]


# --- What is sent -----------------------------------------------------------------------------


def test_a_webhook_is_an_envelope_around_the_payload(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook, payload={"id": "A1", "title": "Büro"})

    assert deliver_due() == 1

    [request] = got(receiver, hook)
    assert request.envelope == {
        "id": str(one.id),
        "type": "UPDATE",
        "timestamp": format_instant(one.created_at),
        "payload": {"id": "A1", "title": "Büro"},
    }
    assert request.id == str(one.id)
    assert standing(one) == [(Status.DELIVERED, 0, "204")]


def test_a_reminder_happens_at_its_own_time(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook, type=NotificationType.REMINDER)
    assert one.scheduled_for

    deliver_due()

    [request] = got(receiver, hook)
    assert request.envelope["timestamp"] == format_instant(one.scheduled_for)


def test_what_was_erased_is_named_and_no_more(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook)
    NotificationContent.objects.update(body=None)

    deliver_due()

    [request] = got(receiver, hook)
    assert request.envelope["payload"] == {
        "id": str(one.subject_id),
        "applicationId": str(application.id),
    }


def test_every_attempt_has_the_same_id_and_the_same_bytes(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(500), answering(204)))
    hook = make_hook(application, receiver)
    make_event(hook, payload={"b": 1, "a": [1.50, "é"]})

    deliver_due()
    come_due()
    deliver_due()
    hook.refresh_from_db()
    feed.replay(hook, from_sequence=1)
    deliver_due()

    assert len({(one.id, one.body) for one in got(receiver, hook)}) == 1
    assert len(receiver.requests) == 3


# --- What an answer means ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_repeated(
    application: Application, receiver_of: MakeReceiver, status: int
) -> None:
    hook = make_hook(application, receiver_of(answering(status)))
    one = make_event(hook)

    deliver_due()

    assert standing(one) == [(Status.FAILED, 0, str(status))]
    assert not Notification.objects.filter(due_at__isnull=False).exists()


def test_other_failures_are_repeated_after_two_and_ten_seconds_and_then_rarely(
    application: Application, receiver_of: MakeReceiver
) -> None:
    hook = make_hook(application, receiver_of(answering(503)))
    one = make_event(hook)

    pauses = []
    for _ in range(4):
        begin = timezone.now()
        deliver_due()
        pauses.append((Notification.objects.get().due_at or begin) - begin)
        come_due()

    wanted = [2, 10, 300, 1800]
    assert all(
        0.8 * seconds <= pause.total_seconds() <= 1.2 * seconds + 1
        for pause, seconds in zip(pauses, wanted, strict=True)
    )
    assert standing(one) == [(Status.PENDING, 4, "503")]


@pytest.mark.parametrize(("failures", "expected"), [(0, 60), (3, 7200)])
def test_a_receiver_can_ask_for_time_within_limits(
    application: Application, receiver_of: MakeReceiver, failures: int, expected: int
) -> None:
    hook = make_hook(application, receiver_of(answering(429, "Retry-After: 7200")))
    make_event(hook, schedule_step=failures)

    begin = timezone.now()
    deliver_due()

    due_at = Notification.objects.get().due_at
    assert due_at is not None
    assert expected <= (due_at - begin).total_seconds() < expected + 5


def test_a_receiver_that_is_gone_ends_the_subscription(
    application: Application, receiver_of: MakeReceiver, mailbox: Mailbox
) -> None:
    hook = make_hook(application, receiver_of(answering(410)), contact="ops@example.org")
    first, waiting = make_event(hook), make_event(hook)

    deliver_due()

    assert (fresh(hook).is_active, "410" in fresh(hook).ended_reason) == (False, True)
    assert standing(first)[0][0] == Status.FAILED
    make_event(hook)
    assert deliver_due() == 0
    assert standing(waiting)[0][0] in (Status.FAILED, Status.CANCELLED)
    assert owners.tell_owners() == 1
    assert "410 Gone" in mailbox.messages[0].get_content()


def test_what_waits_for_a_receiver_that_is_gone_is_cancelled_in_parts_and_whole(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_BATCH", 2)
    hook = make_hook(application)
    events, others = make_events(hook, 5), make_events(make_hook(application), 1)
    feed.number_due()

    webhooks.end_subscription(hook.pk)

    statuses = [status for status, *_ in standing(*events, *others)]
    assert statuses == [Status.CANCELLED] * 5 + [Status.INITIALIZED]


def test_what_a_worker_left_over_when_it_died_is_cancelled_later(
    application: Application,
) -> None:
    gone = make_hook(application, is_active=False, ended_reason="410 Gone")
    off = make_hook(application, is_active=False)
    events = [make_event(gone), make_event(off)]
    feed.number_due()

    webhooks.cancel_ended()

    assert [status for status, *_ in standing(*events)] == ["CANCELLED", "INITIALIZED"]


def test_what_waits_for_one_that_was_switched_off_meanwhile_goes_on_waiting(
    application: Application,
) -> None:
    off = make_hook(application, is_active=False)
    one = make_event(off)

    webhooks.end_subscription(off.pk)

    assert (standing(one)[0][0], fresh(off).ended_reason) == (Status.INITIALIZED, "")


def test_after_the_last_attempt_it_has_failed(
    application: Application, receiver_of: MakeReceiver, settings: Settings
) -> None:
    settings.NOTIFICATIONS_RETRIES = {"WEBHOOKS": [timedelta(seconds=2)]}
    hook = make_hook(application, receiver_of(answering(500)))
    one = make_event(hook)

    for _ in range(3):
        deliver_due()
        come_due()

    assert standing(one) == [(Status.FAILED, 1, "500")]


def test_what_had_happened_before_the_end_is_in_the_feed_and_can_be_sent_again(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(410), answering(204)))
    hook = make_hook(application, receiver)
    make_event(hook)
    feed.number_due()
    late = make_event(hook)
    to_come = make_event(hook, due_at=timezone.now() + DAY)
    webhooks.end_subscription(hook.pk)

    feed.number_due()
    webhooks.cancel_ended()

    assert [id for _, id in numbers(hook)][-1] == late.id
    assert [status for status, *_ in standing(late, to_come)] == ["CANCELLED"] * 2
    assert feed.replay(fresh(hook), from_sequence=2) == 1


# --- In order ---------------------------------------------------------------------------------


def test_a_later_event_of_a_subject_waits_for_its_elder_and_others_do_not(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook, subject = make_hook(application, receiver), uuid7()
    first = make_event(hook, subject=subject, sequence=1)
    second = make_event(hook, subject=subject, sequence=2)
    other = make_event(hook)

    assert deliver_due() == 2
    assert set(ids(receiver, hook)) == {first.id, other.id}

    assert deliver_due() == 1
    assert ids(receiver, hook)[-1] == second.id


def test_an_elder_that_has_failed_three_times_holds_nobody_up_any_more(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(*[answering(500)] * 3, answering(204)))
    hook, subject = make_hook(application, receiver), uuid7()
    elder = make_event(hook, subject=subject, sequence=1)
    later = make_event(hook, subject=subject, sequence=2)

    for _ in range(3):
        assert deliver_due() == 1
        come_due()
    Notification.objects.filter(pk=elder.pk).update(due_at=timezone.now() + DAY)
    deliver_due()

    assert ids(receiver, hook) == [elder.id] * 3 + [later.id]


def test_an_elder_that_was_refused_holds_nobody_up(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(400), answering(204)))
    hook, subject = make_hook(application, receiver), uuid7()
    make_event(hook, subject=subject, sequence=1)
    later = make_event(hook, subject=subject, sequence=2)

    deliver_due()
    deliver_due()

    assert standing(later)[0][0] == Status.DELIVERED
