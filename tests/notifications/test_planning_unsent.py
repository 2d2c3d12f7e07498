"""What is planned is cancelled, or brought up to date."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from agents.models import Application
from config.kernel.ids import uuid7
from notifications.models import (
    Channel,
    Notification,
    NotificationEvent,
    NotificationType,
)
from notifications.models.kinds import FINAL, Status
from notifications.services import (
    Planner,
    Recipient,
    Topic,
    cancel,
    refresh,
)
from tests.notifications.ledger import make_application
from tests.notifications.planned import (
    HOUR,
    LEDGER,
    NOW,
    contents,
    make_planned,
    make_recipient,
    make_topic,
    subscribe,
    switch_on,
    tell,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application()


def call_off(one: Notification, **facts: Any) -> int:
    return cancel(
        one.subject_id,
        organization_id=one.organization_id,
        reason="It was called off.",
        **facts,
    )


def test_cancelling_is_written_down_with_its_reason(application: Application) -> None:
    one = make_planned(application, status=Status.PENDING, attempt=2, retry_count=1)

    assert call_off(one) == 1

    one.refresh_from_db()
    assert (one.status, one.due_at, one.message) == ("CANCELLED", None, "It was called off.")
    # Whoever still has the old attempt in mind can write nothing any more.
    assert one.attempt == 3
    # By the clock of the database, and after every step before it.
    assert one.updated_at > one.created_at
    step = NotificationEvent.objects.get()
    assert (step.notification_id, step.status, step.at, step.message, step.attempt) == (
        one.id,
        "CANCELLED",
        one.updated_at,
        "It was called off.",
        3,
    )
    assert (step.retry_count, step.next_at) == (1, None)


def test_cancelling_twice_is_cancelling_once(application: Application) -> None:
    one = make_planned(application)

    assert [call_off(one), call_off(one)] == [1, 0]

    assert NotificationEvent.objects.count() == 1


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_has_come_to_its_end_cannot_be_cancelled(
    status: Status, application: Application
) -> None:
    one = make_planned(application)
    Notification.objects.update(status=status, due_at=None)
    before = list(Notification.objects.values())

    assert call_off(one) == 0

    assert list(Notification.objects.values()) == before


def test_only_the_types_and_recipients_that_are_meant_are_cancelled(
    application: Application,
) -> None:
    subject = uuid7()
    reminder, room, other = (
        make_planned(application, type=type_, subject_id=subject)
        for type_ in (NotificationType.REMINDER, NotificationType.ROOM, NotificationType.REMINDER)
    )

    meant = {"types": [NotificationType.REMINDER], "recipient_ids": [reminder.recipient_id]}
    assert call_off(room, **meant) == 1

    cancelled = Notification.objects.filter(status=Status.CANCELLED)
    assert list(cancelled) == [reminder]
    assert call_off(room, recipient_ids=[]) == 0
    assert call_off(other, types=[]) == 0


def test_the_same_subject_of_another_organization_is_not_meant(application: Application) -> None:
    one = make_planned(application)
    theirs = make_planned(make_application("Southwind"), subject_id=one.subject_id)

    call_off(one)

    theirs.refresh_from_db()
    assert theirs.status == Status.INITIALIZED


def test_what_is_held_back_is_cancelled_too(application: Application) -> None:
    assert call_off(make_planned(application, is_held=True)) == 1


@pytest.mark.parametrize("has_an_end", [False, True])
def test_what_a_worker_has_in_its_hands_gets_no_other_attempt(
    has_an_end: bool, application: Application
) -> None:
    lease = timezone.now() + HOUR
    one = make_planned(
        application,
        status=Status.PENDING,
        attempt=1,
        lease_until=lease,
        not_after=lease if has_an_end else None,
    )

    assert call_off(one) == 0

    one.refresh_from_db()
    assert (one.status, one.attempt, one.due_at, one.lease_until) == ("PENDING", 1, NOW, lease)
    # The claim cancels what is taken up later than this.
    assert one.not_after
    assert one.not_after <= timezone.now()
    assert not NotificationEvent.objects.exists()


# --- Bringing up to date ----------------------------------------------------------------------


def test_what_is_unsent_says_what_is_true_now(application: Application) -> None:
    for channel in Channel:
        switch_on(application, channel)
    subscription = subscribe(application)
    topic, ada = make_topic(application), make_recipient()
    tell(topic, ada)
    planner = Planner(topic, now=NOW)
    planner.tell_subscribers(NotificationType.CREATE, cause="7")
    planner.write()
    new = make_topic(application, texts={"title": "Second"}, snapshot={"sequence": 4})
    new = Topic(**{**vars(new), "id": topic.id})
    augusta = Recipient(
        type=ada.type, id=ada.id, addresses={Channel.EMAIL: "new@example.org"}, first_name="Augusta"
    )

    refresh(new, [augusta])

    told = {each.notification.channel: each for each in contents()}
    assert {
        channel: (each.facts, each.address, each.first_name, each.last_name, each.link)
        for channel, each in told.items()
    } == {
        "EMAIL": ({"title": "Second"}, "new@example.org", "Augusta", "", None),
        "SMS": ({"title": "Second"}, "", "Augusta", "", None),
        "WEBHOOKS": ({"title": "Second"}, str(subscription.id), subscription.label, "", None),
    }
    assert {each.notification.snapshot["sequence"] for each in contents()} == {4}


def refresh_all(topic: Topic, *recipients: Recipient) -> None:
    refresh(Topic(**{**vars(topic), "texts": {"title": "Second"}, "snapshot": {}}), recipients)


def test_what_waits_for_a_retry_says_what_is_true_now(application: Application) -> None:
    switch_on(application)
    topic, ada = make_topic(application), make_recipient()
    tell(topic, ada)
    Notification.objects.update(status=Status.PENDING, retry_count=1)

    refresh_all(topic, ada)

    assert [each.facts for each in contents()] == [{"title": "Second"}]


@pytest.mark.parametrize("status", sorted({Status.PENDING, *FINAL}))
def test_what_was_handed_over_says_what_it_said(status: Status, application: Application) -> None:
    switch_on(application)
    topic, ada = make_topic(application), make_recipient()
    tell(topic, ada)
    due_at = None if status in FINAL else NOW
    Notification.objects.update(status=status, due_at=due_at, lease_until=due_at)
    before = [list(each.objects.values()) for each in LEDGER]

    refresh_all(topic, make_recipient(), ada)

    assert [list(each.objects.values()) for each in LEDGER] == before
