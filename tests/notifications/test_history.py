"""The history of a subject: which notifications it had, and every step in their delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import pytest

from agents.models import Application
from config.kernel.actors import Actor
from config.kernel.ids import uuid7
from config.kernel.pagination import PageRequest
from notifications import history
from notifications.history import (
    EVENT_SORT_FIELDS,
    NOTIFICATION_SORT_FIELDS,
    HistoryFilter,
    events_of,
    notifications_of,
)
from notifications.models import Channel, Notification, NotificationEvent, NotificationType
from notifications.models.kinds import Status
from tests.notifications.ledger import make_application, make_notification

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2027-10-31T00:59:59.999999Z")
SECOND = timedelta(seconds=1)
EVERYTHING = HistoryFilter()


@dataclass(frozen=True)
class Told:
    """Four notifications of one subject, in the order they were made, with two steps each."""

    application: Application
    subject: UUID
    rows: list[Notification]

    @property
    def actor(self) -> Actor:
        return Actor.system(self.application.organization_id)

    def notifications(self, wanted: HistoryFilter = EVERYTHING, **page: Any) -> list[int]:
        """Give a page, as the numbers of the notifications."""
        found = notifications_of(self.subject, wanted, page_of(**page), actor=self.actor)
        return [self.number(each.id) for each in found.rows]

    def steps(self, wanted: HistoryFilter = EVERYTHING, **page: Any) -> list[tuple[int, str]]:
        """Give a page of steps, as the numbers of the notifications and the statuses."""
        found = events_of(self.subject, wanted, page_of(by="at", **page), actor=self.actor)
        return [(self.number(each.notification.id), each.event.status) for each in found.rows]

    def number(self, id: UUID) -> int:
        return [each.id for each in self.rows].index(id)


def page_of(
    *, by: str = "createdAt", order: str = "asc", number: int = 1, size: int = 25
) -> PageRequest:
    names = {"at": "timestamp"}
    return PageRequest(
        number=number,
        size=size,
        sort_field=names.get(by, by),
        sort_order="desc" if order == "desc" else "asc",
    )


@pytest.fixture
def told() -> Told:
    application, subject = make_application(), uuid7()
    kinds = [
        (NotificationType.CREATE, Channel.EMAIL, Status.DELIVERED, 0),
        (NotificationType.CREATE, Channel.SMS, Status.FAILED, 2),
        (NotificationType.REMINDER, Channel.EMAIL, Status.CANCELLED, 0),
        (NotificationType.CANCELLED, Channel.WEBHOOKS, Status.DELIVERED, 1),
    ]
    rows = []
    for index, (type_, channel, status, retries) in enumerate(kinds):
        row = make_notification(application, type=type_, channel=channel)
        Notification.objects.filter(pk=row.pk).update(
            subject_id=subject,
            status=status,
            retry_count=retries,
            due_at=None,
            created_at=NOW + index * SECOND,
            updated_at=NOW - index * SECOND,
        )
        rows.append(row)
        for step, each in enumerate((Status.INITIALIZED, status)):
            NotificationEvent.objects.create(
                organization_id=application.organization_id,
                notification_id=row.id,
                at=NOW + (10 * step + index) * SECOND,
                status=each,
                retry_count=retries * step,
                poll_attempts=index,
            )
    # What must not be seen: another subject's, and the same subject's of another organisation.
    make_notification(application)
    theirs = make_notification(make_application("Southwind"))
    Notification.objects.filter(pk=theirs.pk).update(subject_id=subject)
    for hidden in Notification.objects.exclude(pk__in=[row.pk for row in rows]):
        NotificationEvent.objects.create(
            organization_id=hidden.organization_id,
            notification_id=hidden.id,
            at=NOW,
            status=Status.DELIVERED,
        )
    return Told(application, subject, rows)


def test_a_subject_has_its_own_notifications_and_no_others(told: Told) -> None:
    found = notifications_of(told.subject, EVERYTHING, page_of(), actor=told.actor)

    assert [each.id for each in found.rows] == [row.id for row in told.rows]
    assert found.total == 4


def test_another_organization_sees_none_of_it(told: Told) -> None:
    stranger = Actor.system(make_application("Eastwind").organization_id)

    assert notifications_of(told.subject, EVERYTHING, page_of(), actor=stranger).rows == []
    assert events_of(told.subject, EVERYTHING, page_of(by="at"), actor=stranger).total == 0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"types": ["CREATE"]}, [0, 1]),
        ({"types": ["REMINDER", "CANCELLED"]}, [2, 3]),
        ({"channels": ["EMAIL"]}, [0, 2]),
        ({"channels": ["SMS", "WEBHOOKS"]}, [1, 3]),
        ({"statuses": ["DELIVERED"]}, [0, 3]),
        ({"statuses": ["FAILED", "CANCELLED"]}, [1, 2]),
        ({"types": ["CREATE"], "channels": ["EMAIL"], "statuses": ["DELIVERED"]}, [0]),
        ({"types": ["CREATE"], "statuses": ["CANCELLED"]}, []),
        ({"types": ["UPDATE"]}, []),
    ],
)
def test_filters_are_combined_with_and_their_values_with_or(
    wanted: dict[str, Any], expected: list[int], told: Told
) -> None:
    assert told.notifications(HistoryFilter(**wanted)) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("createdAt", [0, 1, 2, 3]),
        ("updatedAt", [3, 2, 1, 0]),
        ("type", [3, 0, 1, 2]),
        ("channel", [0, 2, 1, 3]),
        ("status", [2, 0, 3, 1]),
        ("retryCount", [0, 2, 3, 1]),
        ("id", [0, 1, 2, 3]),
    ],
)
def test_notifications_are_sorted_by_each_field_and_then_by_id(
    by: str, expected: list[int], told: Told
) -> None:
    assert told.notifications(by=by) == expected
    assert told.notifications(by=by, order="desc") == expected[::-1]


def test_those_without_a_time_of_their_own_stand_at_one_end(told: Told) -> None:
    ascending = told.notifications(by="scheduledFor")

    assert ascending[0] == 2
    assert told.notifications(by="scheduledFor", order="desc") == ascending[::-1]


@pytest.mark.parametrize("by", sorted(NOTIFICATION_SORT_FIELDS))
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_notifications_put_together_are_the_whole(by: str, order: str, told: Told) -> None:
    # All alike but for the id.
    Notification.objects.update(created_at=NOW, updated_at=NOW, status=Status.FAILED, due_at=None)

    pages = [told.notifications(by=by, order=order, number=n, size=3) for n in (1, 2, 3)]

    assert [len(each) for each in pages] == [3, 1, 0]
    assert list(chain(*pages)) == told.notifications(by=by, order=order)


# --- Steps ------------------------------------------------------------------------------------

STEPS = [
    (0, "INITIALIZED"),
    (1, "INITIALIZED"),
    (2, "INITIALIZED"),
    (3, "INITIALIZED"),
    (0, "DELIVERED"),
    (1, "FAILED"),
    (2, "CANCELLED"),
    (3, "DELIVERED"),
]


def test_a_subject_has_every_step_of_its_own_notifications(told: Told) -> None:
    assert told.steps() == STEPS
    assert told.steps(order="desc") == STEPS[::-1]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"types": ["CREATE"]}, lambda number, _: number in (0, 1)),
        ({"channels": ["EMAIL", "SMS"]}, lambda number, _: number in (0, 1, 2)),
        ({"statuses": ["INITIALIZED"]}, lambda _, status: status == "INITIALIZED"),
        (
            {"channels": ["WEBHOOKS"], "statuses": ["DELIVERED", "FAILED"]},
            lambda number, status: number == 3 and status == "DELIVERED",
        ),
        ({"types": ["UPDATE"]}, lambda *_: False),
    ],
)
def test_steps_are_filtered_by_what_was_told_and_by_their_own_status(
    wanted: dict[str, Any], kept: Any, told: Told
) -> None:
    assert told.steps(HistoryFilter(**wanted)) == [each for each in STEPS if kept(*each)]


def test_steps_are_filtered_by_their_notifications(told: Told) -> None:
    first, last = str(told.rows[0].id), str(told.rows[3].id).upper()
    hidden = Notification.objects.exclude(pk__in=[row.pk for row in told.rows])

    assert told.steps(HistoryFilter(notification_ids=[first, last])) == [
        each for each in STEPS if each[0] in (0, 3)
    ]
    assert told.steps(HistoryFilter(notification_ids=[str(each.id) for each in hidden])) == []
    assert told.steps(HistoryFilter(notification_ids=["not-an-id"])) == []


def steps_by(field: str) -> list[tuple[Any, UUID]]:
    owners = {each.id: each for each in Notification.objects.all()}
    column = EVENT_SORT_FIELDS[field]
    return sorted(
        (
            getattr(owners[each.notification_id] if field in ("type", "channel") else each, column),
            each.id,
        )
        for each in NotificationEvent.objects.filter(notification_id__in=owners)
    )


@pytest.mark.parametrize("by", sorted(EVENT_SORT_FIELDS))
def test_steps_are_sorted_by_each_field_and_then_by_id(by: str, told: Told) -> None:
    ours = {row.id for row in told.rows}
    Notification.objects.exclude(pk__in=ours).delete()
    expected = [id for _, id in steps_by(by)]

    found = events_of(told.subject, EVERYTHING, page_of(by=by), actor=told.actor)
    back = events_of(told.subject, EVERYTHING, page_of(by=by, order="desc"), actor=told.actor)

    assert [each.event.id for each in found.rows] == expected
    assert [each.event.id for each in back.rows] == expected[::-1]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_steps_put_together_are_the_whole(order: str, told: Told) -> None:
    pages = [told.steps(order=order, number=number, size=3) for number in (1, 2, 3, 4)]

    assert [len(each) for each in pages] == [3, 3, 2, 0]
    assert list(chain(*pages)) == told.steps(order=order)
    assert (
        events_of(told.subject, EVERYTHING, page_of(by="at", size=3), actor=told.actor).total == 8
    )


def test_the_newest_step_says_where_the_notification_stands(told: Told) -> None:
    newest = dict(told.steps())

    standing = Notification.objects.filter(subject_id=told.subject).order_by("created_at")
    assert newest == {
        told.number(row.id): row.status for row in standing if row.id in {r.id for r in told.rows}
    }


@pytest.mark.parametrize("size", [1, 3])
def test_a_page_costs_the_same_however_long_it_is(
    size: int, told: Told, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        notifications = notifications_of(
            told.subject, EVERYTHING, page_of(size=size), actor=told.actor
        )
        assert len([each.content.first_name for each in notifications.rows]) == size
    with django_assert_num_queries(2):
        steps = events_of(told.subject, EVERYTHING, page_of(by="at", size=size), actor=told.actor)
        assert len([each.notification.content.address for each in steps.rows]) == size


def test_the_sort_fields_are_those_of_the_contract_the_default_first() -> None:
    assert list(history.NOTIFICATION_SORT_FIELDS) == [
        "createdAt",
        "updatedAt",
        "scheduledFor",
        "type",
        "channel",
        "status",
        "retryCount",
        "id",
    ]
    assert list(history.EVENT_SORT_FIELDS) == [
        "timestamp",
        "type",
        "channel",
        "status",
        "pollAttempts",
        "retryCount",
        "id",
    ]
