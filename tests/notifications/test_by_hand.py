"""What people do with single notifications, and what workers do with the same at that moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Application
from config.kernel.actors import Actor
from config.kernel.errors import DomainError
from notifications.errors import (
    NotificationErased,
    NotificationNotCancellable,
    NotificationNotFound,
    NotificationNotRetriable,
    NotificationTooLate,
)
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    NotificationType,
    Status,
)
from notifications.services import by_hand, queue
from tests.appointments.races import run_together
from tests.notifications.ledger import make_application, make_notification

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SUBMITTED = {"status": Status.PENDING, "is_submitted": True}
IN_HAND = {"status": Status.PENDING, "lease_until": timezone.now() + HOUR}


@pytest.fixture
def application() -> Application:
    return make_application()


def make(application: Application, **facts: Any) -> Notification:
    """Make a message; one that is in a final status is not due."""
    one = make_notification(application, type=NotificationType.CREATE)
    if facts.get("status") in (Status.FAILED, Status.DELIVERED, Status.CANCELLED):
        facts["due_at"] = None
    Notification.objects.filter(pk=one.pk).update(**facts)
    one.refresh_from_db()
    return one


def retry(one: Notification) -> Notification:
    return by_hand.retry_notification(
        one.pk,
        subject_id=one.subject_id,
        actor=Actor.system(one.organization_id),
        now=timezone.now(),
    )


def cancel(one: Notification) -> Notification:
    return by_hand.cancel_notification(
        one.pk, subject_id=one.subject_id, actor=Actor.system(one.organization_id)
    )


def steps_of(one: Notification) -> list[tuple[str, str]]:
    rows = NotificationEvent.objects.filter(notification_id=one.pk).order_by("at", "id")
    return [(row.status, row.message) for row in rows]


def claimed() -> list[Any]:
    return [claim.id for claim in queue.claim_due(Channel.EMAIL, limit=10).claims]


# --- Sent again -------------------------------------------------------------------------------


def test_what_has_failed_is_due_at_once_with_its_schedule_from_the_beginning(
    application: Application,
) -> None:
    one = make(application, status=Status.FAILED, retry_count=4, schedule_step=4, attempt=5)

    again = retry(one)

    assert (again.status, again.schedule_step, again.retry_count) == (Status.PENDING, 0, 5)
    assert again.is_submitted is False
    assert claimed() == [one.pk]


def test_what_waits_for_a_retry_is_due_at_once_and_is_not_counted_twice(
    application: Application,
) -> None:
    one = make(application, status=Status.PENDING, retry_count=1, due_at=timezone.now() + HOUR)

    assert retry(one).retry_count == retry(one).retry_count == 1

    assert claimed() == [one.pk]


def test_what_was_held_back_is_sent_when_somebody_asks_for_it(application: Application) -> None:
    one = make(application, status=Status.PENDING, is_held=True)

    retry(one)

    assert claimed() == [one.pk]


def test_what_the_provider_gave_up_is_handed_over_anew_and_not_asked_for(
    application: Application,
) -> None:
    one = make(application, status=Status.FAILED, is_submitted=True, message_id="SM1")

    retry(one)

    [claim] = queue.claim_due(Channel.EMAIL, limit=1).claims
    assert claim.is_submitted is False


@pytest.mark.parametrize(
    "facts",
    [{"status": Status.INITIALIZED}, {"status": Status.DELIVERED}, SUBMITTED, IN_HAND],
    ids=["planned", "delivered", "polled", "in hand"],
)
def test_what_has_not_failed_is_not_sent_again(
    application: Application, facts: dict[str, Any]
) -> None:
    one = make(application, **facts)

    with pytest.raises(NotificationNotRetriable):
        retry(one)

    assert steps_of(one) == []


@pytest.mark.parametrize(
    ("offsets", "may"),
    [
        (("PT1H", "PT1H"), False),
        (("PT1H", "PT2H"), True),
        ((None, None), False),
        (("PT1H", None), True),
        ((None, "PT1H"), True),
    ],
)
def test_only_the_latest_of_one_type_and_offset_is_sent_again(
    application: Application, offsets: tuple[str | None, str | None], may: bool
) -> None:
    older, newer = (make_notification(application) for _ in range(2))
    for row, offset in zip((older, newer), offsets, strict=True):
        Notification.objects.filter(pk=row.pk).update(
            status=Status.FAILED,
            due_at=None,
            offset=offset,
            cause=str(row.pk),
            subject_id=older.subject_id,
            recipient_id=older.recipient_id,
        )

    rows = {row.pk: row.can_retry for row in Notification.objects.with_outdated()}

    assert rows == {older.pk: may, newer.pk: True}


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda: Notification.objects.update(not_after=timezone.now()), NotificationTooLate),
        (
            lambda: NotificationContent.objects.update(erased_at=timezone.now()),
            NotificationErased,
        ),
        (lambda: NotificationContent.objects.all().delete(), NotificationErased),
    ],
    ids=["too late", "erased", "gone"],
)
def test_what_nobody_could_or_should_read_is_not_sent_again(
    application: Application,
    spoil: Callable[[], object],
    refusal: type[DomainError],
) -> None:
    one = make(application, status=Status.FAILED)
    spoil()

    with pytest.raises(refusal):
        retry(one)

    assert steps_of(one) == []


# --- Cancelled --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.INITIALIZED, Status.PENDING])
def test_what_is_still_to_be_sent_can_be_cancelled(
    application: Application, status: Status
) -> None:
    one = make(application, status=status)

    cancelled = cancel(one)

    assert (cancelled.status, cancelled.due_at) == (Status.CANCELLED, None)
    assert steps_of(one) == [("CANCELLED", "Cancelled by hand.")]
    assert claimed() == []


@pytest.mark.parametrize(
    "facts",
    [{"status": Status.DELIVERED}, {"status": Status.FAILED}, SUBMITTED, IN_HAND],
    ids=["delivered", "failed", "polled", "in hand"],
)
def test_what_was_handed_over_or_has_ended_cannot_be_cancelled(
    application: Application, facts: dict[str, Any]
) -> None:
    one = make(application, **facts)

    with pytest.raises(NotificationNotCancellable):
        cancel(one)

    assert steps_of(one) == []


@pytest.mark.parametrize("command", [retry, cancel])
def test_another_subject_or_organisation_has_no_such_notification(
    application: Application, command: Callable[[Notification], Notification]
) -> None:
    one = make(application, status=Status.PENDING)
    stranger = make_application("Southwind")
    as_another = Notification(pk=one.pk, subject_id=one.pk, organization_id=one.organization_id)
    as_stranger = Notification(
        pk=one.pk, subject_id=one.subject_id, organization_id=stranger.organization_id
    )

    for each in (as_another, as_stranger):
        with pytest.raises(NotificationNotFound):
            command(each)

    assert steps_of(one) == []


# --- At the same moment -----------------------------------------------------------------------


def test_the_step_comes_after_all_others_though_the_clock_here_is_behind(
    application: Application,
) -> None:
    ahead = timezone.now() + 2 * HOUR
    one = make(application, status=Status.FAILED, updated_at=ahead)
    NotificationEvent.objects.create(
        organization_id=one.organization_id, notification_id=one.pk, at=ahead, status=Status.FAILED
    )

    retry(one)

    assert steps_of(one)[-1] == ("PENDING", "Sent again by hand.")


@pytest.mark.parametrize("command", [retry, cancel])
def test_an_attempt_from_before_is_not_written_down_any_more(
    application: Application, command: Callable[[Notification], Notification]
) -> None:
    one = make(application)
    [claim] = queue.claim_due(Channel.EMAIL, limit=1).claims
    # The worker was frozen until its lease was over, and the message given back.
    queue.release([claim])
    Notification.objects.update(status=Status.PENDING)
    command(one)

    assert queue.settle([queue.Result(claim=claim, status=Status.DELIVERED)]) == set()


@pytest.mark.django_db(transaction=True)
def test_of_a_worker_and_a_person_who_cancels_one_has_it(application: Application) -> None:
    for _ in range(10):
        one = make(application)

        both: list[Callable[[], object]] = [claimed, partial(cancel, one)]
        taken, answer = run_together(both)

        one.refresh_from_db()
        if isinstance(answer, Notification):
            assert (one.status, taken) == (Status.CANCELLED, [])
        else:
            assert isinstance(answer, NotificationNotCancellable)
            assert (one.status, taken) == (Status.PENDING, [one.pk])


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_it_at_once_it_is_counted_and_sent_once(
    application: Application,
) -> None:
    one = make(application, status=Status.FAILED, retry_count=2)

    run_together([partial(retry, one)] * 8)

    one.refresh_from_db()
    assert (one.status, one.retry_count) == (Status.PENDING, 3)
    assert claimed() == [one.pk]
    assert claimed() == []
