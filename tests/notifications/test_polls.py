"""Polls: what a provider has taken is asked after until it says how it went, or says no more."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from notifications.errors import CannotBuild
from notifications.models import Channel, Heartbeat, Notification, NotificationEvent
from notifications.models.kinds import Status
from notifications.services import cancel, dispatch, queue
from notifications.transports import Accepted, Refused, Submitted, TryLater
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport, make_application, make_notification

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application

pytestmark = pytest.mark.django_db

QUEUED = Submitted(provider_status="queued", message_id="SM1", conversation_id="MG1")
SENT = Submitted(provider_status="sent", message_id="SM1")
DELIVERED = Accepted(provider_status="delivered", message_id="SM1")
AWAY = TryLater(reason="Nobody there.", provider_status="503", is_away=True)
STILL_TO_COME = timedelta(seconds=1)


@pytest.fixture
def provider(settings: Settings) -> ScriptedTransport:
    """Give the transport of SMS, which does as the test says."""
    settings.NOTIFICATIONS_TRANSPORTS = {"SMS": "tests.notifications.scripted"}
    settings.NOTIFICATIONS_RETRIES = {"SMS": [timedelta(minutes=1)]}
    settings.NOTIFICATIONS_POLLS = [timedelta(seconds=each) for each in (2, 5, 10)]
    scripted.transport.forget()
    return scripted.transport


@pytest.fixture
def application() -> Application:
    return make_application()


def send(*answers: object, provider: ScriptedTransport) -> Notification:
    """Let the one SMS there is meet these answers, each as soon as it is due."""
    for answer in answers:
        provider.answers = [answer]  # type: ignore[list-item]  # what the test says
        Notification.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        assert dispatch.send_due(Channel.SMS) == 1
    return Notification.objects.get()


def wait_of(notification: Notification) -> float:
    """Give how many seconds it is until the notification is looked at again."""
    assert notification.due_at is not None
    return (notification.due_at - notification.updated_at).total_seconds()


def steps_of(notification: Notification) -> list[tuple[str, str, int, bool]]:
    return list(
        NotificationEvent.objects.filter(notification_id=notification.id)
        .order_by("at", "id")
        .values_list("status", "provider_status", "poll_attempts", "is_submitted")
    )


@pytest.mark.rule("v2.notifications.list.r29")
def test_what_was_handed_over_waits_for_the_first_question(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, provider=provider)

    assert (one.status, one.provider_status, one.is_submitted) == (Status.PENDING, "queued", True)
    assert (one.message_id, one.conversation_id) == ("SM1", "MG1")
    assert (one.poll_attempts, one.retry_count, one.lease_until) == (0, 0, None)
    assert wait_of(one) == 2
    last = NotificationEvent.objects.order_by("at", "id").last()
    assert last is not None
    assert (last.next_at, last.is_submitted, last.message_id) == (one.due_at, True, "SM1")


@pytest.mark.rule("v2.notifications.events.r3", "v2.notifications.events.r8")
def test_only_a_new_word_of_the_provider_is_a_step(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, QUEUED, SENT, DELIVERED, provider=provider)

    assert (one.status, one.poll_attempts, one.due_at) == (Status.DELIVERED, 3, None)
    assert (one.message_id, one.conversation_id) == ("SM1", "MG1")
    assert steps_of(one) == [
        ("PENDING", "", 0, False),
        ("PENDING", "queued", 0, True),
        ("PENDING", "sent", 2, True),
        ("DELIVERED", "delivered", 3, False),
    ]


def test_the_provider_is_asked_by_its_own_name_for_the_message(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application, channel=Channel.SMS)

    send(QUEUED, DELIVERED, provider=provider)

    assert [message.id for message in provider.sent] == [due.id]
    assert [message.provider_message_id for message in provider.polled] == ["SM1"]


def test_each_question_waits_as_long_as_the_schedule_says(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    waits = [wait_of(send(answer, provider=provider)) for answer in (QUEUED, QUEUED, SENT)]

    assert waits == [2, 5, 10]


def test_what_the_provider_says_no_more_of_counts_as_delivered(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, SENT, SENT, SENT, provider=provider)

    assert (one.status, one.provider_status, one.due_at) == (Status.DELIVERED, "sent", None)
    assert (one.poll_attempts, one.message) == (3, "The provider has taken it and said no more.")


def test_what_could_not_be_delivered_has_failed(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(
        QUEUED,
        Refused(reason="The phone cannot be reached.", provider_status="undelivered"),
        provider=provider,
    )

    assert (one.status, one.provider_status) == (Status.FAILED, "undelivered")
    assert (one.error_message, one.is_submitted) == ("The phone cannot be reached.", False)
    assert len(provider.sent) == 1


def test_a_provider_that_cannot_be_reached_uses_up_no_question(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, *[AWAY] * 5, provider=provider)

    assert (one.status, one.provider_status, one.is_submitted) == (Status.PENDING, "queued", True)
    assert (one.poll_attempts, one.retry_count, one.schedule_step) == (0, 0, 0)
    assert 240 <= wait_of(one) <= 360
    assert len(steps_of(one)) == 2


def test_a_provider_that_is_away_for_good_is_not_asked_for_ever(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    send(QUEUED, provider=provider)
    Notification.objects.update(scheduled_for=timezone.now() - timedelta(days=8))

    one = send(AWAY, provider=provider)

    assert (one.status, one.provider_status) == (Status.DELIVERED, "queued")
    assert one.message == "The provider has taken it and said no more."


def test_a_provider_that_wants_to_be_left_alone_is(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, TryLater(reason="Busy.", after=timedelta(minutes=9)), provider=provider)

    assert (wait_of(one), one.poll_attempts) == (540, 1)


@pytest.mark.parametrize("trouble", [CannotBuild("The link is sealed."), ValueError("a bug")])
def test_trouble_of_ours_does_not_make_a_failure_of_what_was_sent(
    provider: ScriptedTransport, application: Application, trouble: Exception
) -> None:
    make_notification(application, channel=Channel.SMS)

    one = send(QUEUED, trouble, provider=provider)

    assert (one.status, one.is_submitted, one.poll_attempts) == (Status.PENDING, True, 1)


def test_a_cancelled_appointment_does_not_take_back_what_was_handed_over(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    one = send(QUEUED, provider=provider)

    cancelled = cancel(
        one.subject_id,
        organization_id=one.organization_id,
        reason="Cancelled.",
    )

    assert cancelled == 0
    assert send(DELIVERED, provider=provider).status == Status.DELIVERED


def test_how_it_went_is_asked_after_its_time_too(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    send(QUEUED, provider=provider)
    Notification.objects.update(not_after=timezone.now() - timedelta(hours=1))

    one = send(DELIVERED, provider=provider)

    assert (one.status, len(provider.polled)) == (Status.DELIVERED, 1)


def test_the_question_of_a_worker_that_died_is_asked_again(
    provider: ScriptedTransport, application: Application, settings: Settings
) -> None:
    make_notification(application, channel=Channel.SMS)
    send(QUEUED, provider=provider)
    Notification.objects.update(due_at=timezone.now())
    [lost] = queue.claim_due(Channel.SMS, limit=1).claims

    assert dispatch.send_due(Channel.SMS) == 0
    one = send(DELIVERED, provider=provider)

    assert one.status == Status.DELIVERED
    assert [step[0] for step in steps_of(one)] == ["PENDING", "PENDING", "DELIVERED"]
    late = queue.Result(claim=lost, status=Status.FAILED, error="Too late to say so.")
    assert queue.settle([late]) == set()


def test_a_question_that_is_given_back_is_no_step(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    before = steps_of(send(QUEUED, provider=provider))
    Notification.objects.update(due_at=timezone.now())
    claims = queue.claim_due(Channel.SMS, limit=1).claims

    queue.release(claims)

    one = Notification.objects.get()
    assert (one.status, one.is_submitted, one.lease_until) == (Status.PENDING, True, None)
    assert one.due_at is not None
    assert one.due_at <= timezone.now() + STILL_TO_COME
    assert steps_of(one) == before


def test_a_message_that_may_have_arrived_is_sent_again_and_says_so(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    queue.claim_due(Channel.SMS, limit=1)

    one = send(QUEUED, provider=provider)

    assert (one.is_submitted, len(provider.sent)) == (True, 1)
    messages = NotificationEvent.objects.order_by("at", "id").values_list("message", flat=True)
    assert "The attempt before this one came to no known end; it may have arrived." in messages


def test_a_provider_that_takes_messages_is_seen_at_work(
    provider: ScriptedTransport, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_provider_noted_at", {})
    make_notification(application, channel=Channel.SMS)

    send(QUEUED, provider=provider)

    assert Heartbeat.objects.filter(name="provider sms").exists()


def test_what_begins_in_time_is_judged_for_messages_only(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notification(application, channel=Channel.SMS)
    send(QUEUED, provider=provider)
    Notification.objects.update(
        due_at=timezone.now(), not_after=timezone.now() - timedelta(hours=1)
    )

    [claim] = queue.claim_due(Channel.SMS, limit=1).claims

    assert claim.begin_until > time.monotonic()
