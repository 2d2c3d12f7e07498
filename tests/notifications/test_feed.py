"""The feed of a webhook subscription: its numbers, what is in it, and once more."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from config.kernel.ids import uuid7
from notifications.errors import NotOneBeginning
from notifications.models import (
    Notification,
    NotificationContent,
    NotificationEvent,
    NotificationType,
    Status,
    Subscription,
)
from notifications.services import feed, webhooks
from tests.notifications.hooks import an_hour_ago, make_event, make_events, make_hook, numbers
from tests.notifications.ledger import make_application

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from agents.models import Application

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application()


def settle(*events: Notification, status: Status = Status.DELIVERED) -> None:
    Notification.objects.filter(pk__in=[one.pk for one in events]).update(
        status=status, due_at=None
    )


# --- Numbers ----------------------------------------------------------------------------------


def test_each_subscription_counts_for_itself_and_without_gaps(application: Application) -> None:
    ours, other = make_hook(application), make_hook(application)
    first, theirs, second = make_event(ours), make_event(other), make_event(ours)

    assert feed.number_due() == 3
    third = make_event(ours)
    assert feed.number_due() == 1

    assert numbers(ours) == [(1, first.id), (2, second.id), (3, third.id)]
    assert numbers(other) == [(1, theirs.id)]
    ours.refresh_from_db()
    assert ours.last_sequence == 3
    assert feed.number_due() == 0


def test_what_one_subject_caused_is_numbered_in_the_order_in_which_it_happened(
    application: Application,
) -> None:
    hook, subject = make_hook(application), uuid7()
    # Written on a machine whose clock is behind, so that its id is the smaller one.
    later = make_event(hook, subject=subject, sequence=2)
    between = make_event(hook)
    earlier = make_event(hook, subject=subject, sequence=1)

    feed.number_due()

    assert [id for _, id in numbers(hook)] == [earlier.id, between.id, later.id]


def test_a_subject_is_numbered_whole_however_little_is_numbered_at_once(
    application: Application,
) -> None:
    hook, subject = make_hook(application), uuid7()
    later = make_event(hook, subject=subject, sequence=2, due_at=an_hour_ago())
    earlier = make_event(hook, subject=subject, sequence=1)

    feed.number_due(limit=1)

    assert numbers(hook) == [(1, earlier.id), (2, later.id)]


def test_what_is_not_due_is_held_or_was_cancelled_has_no_number(application: Application) -> None:
    hook = make_hook(application)
    make_event(hook, due_at=timezone.now() + timedelta(hours=1), type=NotificationType.REMINDER)
    make_event(hook, is_held=True)
    settle(make_event(hook), status=Status.CANCELLED)
    due = make_event(hook)

    assert feed.number_due() == 1

    assert numbers(hook) == [(1, due.id)]


def test_what_has_a_number_keeps_it_whatever_becomes_of_it(application: Application) -> None:
    hook = make_hook(application)
    first = make_event(hook)
    feed.number_due()
    settle(first, status=Status.CANCELLED)

    second = make_event(hook)
    feed.number_due()

    assert numbers(hook) == [(1, first.id), (2, second.id)]


def test_a_paused_subscription_goes_on_counting(application: Application) -> None:
    hook = make_hook(application, paused_at=timezone.now(), probe_at=timezone.now())
    make_event(hook)

    assert feed.number_due() == 1


@pytest.mark.django_db(transaction=True)
def test_two_that_number_at_once_leave_no_gap_and_give_no_number_twice() -> None:
    hook = make_hook(make_application())
    events = [make_event(hook) for _ in range(40)]
    failures: list[Exception] = []

    def number() -> None:
        try:
            while (
                feed.number_due(limit=3)
                or Notification.objects.filter(feed_sequence__isnull=True).exists()
            ):
                pass
        except Exception as error:  # noqa: BLE001  # looked at below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=number) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert numbers(hook) == [(place, one.id) for place, one in enumerate(events, start=1)]


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_is_not_skipped() -> None:
    hook = make_hook(make_application())
    with transaction.atomic():
        late = make_event(hook)
        early: list[Notification] = []

        def somebody_else() -> None:
            early.append(make_event(hook))
            feed.number_due()
            connection.close()

        thread = threading.Thread(target=somebody_else)
        thread.start()
        thread.join(30)

    feed.number_due()

    assert numbers(hook) == [(1, early[0].id), (2, late.id)]


@pytest.mark.django_db(transaction=True)
def test_what_somebody_is_changing_is_not_waited_for_and_its_subject_has_its_turn_later() -> None:
    hook, subject = make_hook(make_application()), uuid7()
    earlier = make_event(hook, subject=subject, sequence=1)
    later = make_event(hook, subject=subject, sequence=2)
    other = make_event(hook)
    counts: list[int] = []

    def number() -> None:
        counts.append(feed.number_due())
        connection.close()

    with transaction.atomic():
        Notification.objects.select_for_update().get(pk=earlier.pk)
        thread = threading.Thread(target=number)
        thread.start()
        thread.join(30)
    feed.number_due()

    assert counts == [1]
    assert numbers(hook) == [(1, other.id), (2, earlier.id), (3, later.id)]


# --- What is in it ----------------------------------------------------------------------------


def test_the_feed_gives_what_was_or_should_have_been_sent(application: Application) -> None:
    hook = make_hook(application)
    first = make_event(hook, payload={"title": "Büro"})
    second = make_event(hook)
    feed.number_due()
    settle(second, status=Status.FAILED)
    hook.refresh_from_db()

    page = feed.events_after(hook, after=0, limit=10)

    assert page.items == [
        feed.FeedItem(
            sequence=1,
            id=first.id,
            type="UPDATE",
            occurred_at=first.created_at,
            payload='{"title":"Büro"}'.encode(),
            status="INITIALIZED",
        ),
        feed.FeedItem(
            sequence=2,
            id=second.id,
            type="UPDATE",
            occurred_at=second.created_at,
            payload=b'{"title":"Review"}',
            status="FAILED",
        ),
    ]
    assert (page.last_sequence, page.has_more) == (2, False)


def test_a_page_begins_after_a_number_and_says_that_there_is_more(application: Application) -> None:
    hook = make_hook(application)
    for _ in range(4):
        make_event(hook)
    make_event(make_hook(application))
    feed.number_due()

    page = feed.events_after(hook, after=1, limit=2)

    assert ([one.sequence for one in page.items], page.has_more) == ([2, 3], True)


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_costs_one_query(
    application: Application, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hook = make_hook(application)
    make_events(hook, count)
    feed.number_due()

    with django_assert_num_queries(1):
        assert len(feed.events_after(hook, after=0, limit=10).items) == count


def test_what_was_erased_keeps_its_place_without_its_payload(application: Application) -> None:
    hook = make_hook(application)
    make_event(hook)
    feed.number_due()
    NotificationContent.objects.update(body=None)

    [item] = feed.events_after(hook, after=0, limit=10).items

    assert (item.sequence, item.payload) == (1, None)


# --- Once more --------------------------------------------------------------------------------


def sent(application: Application, count: int) -> tuple[Subscription, list[Notification]]:
    hook = make_hook(application)
    events = [make_event(hook) for _ in range(count)]
    feed.number_due()
    settle(*events)
    return hook, events


def test_a_replay_from_a_number_sends_the_rest_again_under_the_same_ids(
    application: Application,
) -> None:
    hook, events = sent(application, 3)

    assert feed.replay(hook, from_sequence=2) == 2

    due = Notification.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    assert [one.id for one in due] == [one.id for one in events[1:]]
    assert {(one.status, one.schedule_step) for one in due} == {(Status.PENDING, 0)}
    assert [one.message for one in NotificationEvent.objects.all()] == [
        "Sent again by request."
    ] * 2


def test_a_replay_since_a_moment_begins_with_what_happened_then(application: Application) -> None:
    hook, events = sent(application, 3)
    Notification.objects.filter(pk=events[0].pk).update(created_at=an_hour_ago())

    count = feed.replay(hook, since=timezone.now() - timedelta(minutes=30))

    assert count == 2
    assert feed.replay(hook, since=timezone.now()) == 0


def test_a_replay_leaves_alone_what_waits_was_erased_or_is_somebody_elses(
    application: Application,
) -> None:
    hook, events = sent(application, 3)
    Notification.objects.filter(pk=events[0].pk).update(
        status=Status.PENDING, due_at=timezone.now() + timedelta(hours=1)
    )
    NotificationContent.objects.filter(pk=events[1].pk).update(body=None)
    _, others = sent(application, 1)

    assert feed.replay(hook, from_sequence=1) == 1

    others[0].refresh_from_db()
    assert others[0].due_at is None


def test_a_long_replay_is_done_in_parts_and_whole(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_BATCH", 2)
    hook, events = sent(application, 5)

    assert feed.replay(hook, from_sequence=1) == 5

    due = Notification.objects.order_by("due_at").values_list("id", flat=True)
    assert list(due) == [one.id for one in events]


def test_a_replay_is_due_at_once_when_the_beginning_of_the_feed_was_purged(
    application: Application,
) -> None:
    hook, events = sent(application, 2)
    for one in events:
        Notification.objects.filter(pk=one.pk).update(feed_sequence=F("feed_sequence") + 10**9)

    assert feed.replay(hook, from_sequence=1) == 2

    assert not Notification.objects.filter(due_at__gt=timezone.now()).exists()


def test_a_replay_sends_what_was_too_late_too(application: Application) -> None:
    hook, [late] = sent(application, 1)
    Notification.objects.update(not_after=an_hour_ago(), status=Status.CANCELLED)

    feed.replay(hook, from_sequence=1)

    assert [claim.id for claim in webhooks.claim_due(limit=5)] == [late.id]


@pytest.mark.parametrize("both", [True, False])
def test_a_replay_begins_at_one_place(application: Application, both: bool) -> None:
    hook, _ = sent(application, 1)
    begin = {"since": timezone.now(), "from_sequence": 1} if both else {}

    with pytest.raises(NotOneBeginning):
        feed.replay(hook, **begin)  # type: ignore[arg-type]  # both or none
