"""What the ledger shows by itself: courses that are late, double, or that nobody can know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from pytest_django import Settings

from agents.models import Application, Organization
from config.kernel.ids import uuid7
from notifications.models import Channel, Notification, NotificationEvent, Status, Subscription
from notifications.services import proving
from notifications.services.proving import Deliveries, Scope, faults_of, late_now
from tests import make
from tests.notifications.ledger import SWITCHES, make_notification

pytestmark = pytest.mark.django_db

DUE = datetime(2027, 5, 3, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# When (seconds after DUE), status, attempt, seconds until the next one or None, what is said.
Step = tuple[int, str, int, int | None, str]
PLANNED: Step = (-600, "INITIALIZED", 0, 600, "")
LOST = "The attempt before this one came to no known end; it may have arrived."


def steps(*given: Step) -> list[proving._Step]:
    key = uuid7()
    return [
        proving._Step(
            key,
            DUE + at * SECOND,
            status,
            attempt,
            message == "submitted",
            None if wait is None else DUE + (at + wait) * SECOND,
            "" if message == "submitted" else message,
        )
        for at, status, attempt, wait, message in given
    ]


COURSES: dict[str, tuple[list[Step], list[str]]] = {
    "in time": ([(1, "PENDING", 1, None, ""), (2, "DELIVERED", 1, None, "")], []),
    "a minute later": ([(60, "PENDING", 1, None, ""), (60, "DELIVERED", 1, None, "")], []),
    "later": ([(61, "PENDING", 1, None, ""), (61, "DELIVERED", 1, None, "")], ["late"]),
    "after a retry": (
        [
            (1, "PENDING", 1, None, ""),
            (2, "PENDING", 1, 300, ""),
            (310, "DELIVERED", 2, None, ""),
        ],
        [],
    ),
    "late after a retry": (
        [(2, "PENDING", 1, 300, ""), (400, "DELIVERED", 2, None, "")],
        ["late"],
    ),
    "held back": (
        [(1, "PENDING", 1, 3000, "Held back until 08:00"), (3002, "DELIVERED", 2, None, "")],
        [],
    ),
    "asked how it went": (
        [
            (1, "PENDING", 1, None, ""),
            (2, "PENDING", 1, 10, "submitted"),
            (900, "DELIVERED", 4, None, ""),
        ],
        [],
    ),
    "provider says more": (
        [(2, "DELIVERED", 1, None, ""), (90, "DELIVERED", 1, None, "opened")],
        [],
    ),
    "sent twice": ([(2, "DELIVERED", 1, None, ""), (9, "DELIVERED", 2, None, "")], ["double"]),
    "sent again by hand": (
        [
            (2, "DELIVERED", 1, None, ""),
            (900, "PENDING", 2, 0, "Sent again by hand."),
            (901, "DELIVERED", 3, None, ""),
        ],
        [],
    ),
    "after a crash": (
        [
            (1, "PENDING", 1, None, ""),
            (62, "PENDING", 2, None, LOST),
            (63, "DELIVERED", 2, None, ""),
        ],
        ["repeated"],
    ),
    "never": ([(1, "CANCELLED", 1, None, "Not sent: its time had passed.")], []),
}


@pytest.mark.parametrize("course", COURSES)
def test_what_is_wrong_with_a_course(course: str) -> None:
    happened, expected = COURSES[course]

    faults = faults_of(steps(PLANNED, *happened))

    assert [fault.kind.value for fault in faults] == expected


def make_delivered(
    application: Application, *, seconds: int, due_at: datetime = DUE, **fields: Any
) -> Notification:
    """Make one message that was handed over so many seconds after it was due."""
    row = make_notification(application, due_at=due_at, **fields)
    handed_at = due_at + seconds * SECOND
    for at, status, next_at in (
        (due_at - timedelta(hours=1), Status.INITIALIZED, due_at),
        (handed_at, Status.DELIVERED, None),
    ):
        NotificationEvent.objects.create(
            organization_id=row.organization_id,
            notification_id=row.id,
            at=at,
            status=status,
            next_at=next_at,
        )
    Notification.objects.filter(pk=row.pk).update(
        status=Status.DELIVERED, due_at=None, updated_at=handed_at
    )
    return row


def late() -> list[object]:
    deliveries = Deliveries(scope=Scope())
    assert [findings for _, findings in deliveries.batches() if findings] == []
    return [finding.recipient_id for finding in deliveries.late()]


def reasons() -> list[str]:
    deliveries = Deliveries(scope=Scope())
    list(deliveries.batches())
    assert list(deliveries.late()) == []
    return list(deliveries.not_judged)


def test_who_was_served_after_others_that_came_later_was_served_late() -> None:
    application = make.make_application()
    neglected = make_delivered(application, seconds=90)

    make_delivered(application, seconds=1, due_at=DUE + 40 * SECOND)

    assert late() == [neglected.recipient_id]


@pytest.mark.parametrize(
    ("channel", "due_at"),
    [
        (Channel.EMAIL, DUE - 60 * SECOND),
        (Channel.EMAIL, DUE + 80 * SECOND),
        (Channel.SMS, DUE + 40 * SECOND),
    ],
)
def test_in_an_outage_nobody_is_neglected(channel: Channel, due_at: datetime) -> None:
    application = make.make_application()
    make_delivered(application, seconds=90)

    make_delivered(application, seconds=1, due_at=due_at, channel=channel)

    assert reasons() == [proving._NOBODY]


@pytest.mark.parametrize("model", [Organization, Application])
def test_what_was_switched_off_is_not_late(model: type[Organization | Application]) -> None:
    application = make.make_application()
    make_delivered(application, seconds=3600)
    make_delivered(application, seconds=1, due_at=DUE + 40 * SECOND)
    is_tenant = model is Organization
    entry = LogEntry.objects.create(
        user=make.make_user(),
        content_type=ContentType.objects.get_for_model(model),
        object_id=str(application.organization_id if is_tenant else application.pk),
        action_flag=CHANGE,
    )
    LogEntry.objects.filter(pk=entry.pk).update(action_time=DUE + 1800 * SECOND)

    assert reasons() == [proving._SWITCHED]


def test_what_waited_for_its_elder_is_not_late() -> None:
    application = make.make_application()
    hook, subject, told = uuid7(), uuid7(), Channel.WEBHOOKS
    elder = make_delivered(application, seconds=1, due_at=DUE + 300 * SECOND, channel=told)
    younger = make_delivered(application, seconds=310, channel=told)
    make_delivered(application, seconds=1, due_at=DUE + 40 * SECOND, channel=told)
    for sequence, row in ((1, elder), (2, younger)):
        Notification.objects.filter(pk=row.pk).update(
            subject_id=subject,
            recipient_id=hook,
            subject_sequence=sequence,
            cause=sequence,
            created_at=DUE,
        )
    assert late() == [hook]

    Notification.objects.filter(pk=elder.pk).update(retry_count=1)

    assert reasons() == [proving._IN_ORDER]


def test_only_what_happened_since_is_looked_at() -> None:
    application = make.make_application()
    make_delivered(application, seconds=90)
    make_delivered(application, seconds=1, due_at=DUE + 40 * SECOND)

    deliveries = Deliveries(scope=Scope(since=DUE + 100 * SECOND))

    assert list(deliveries.batches()) == []


def test_batches_leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    application = make.make_application()
    for _ in range(5):
        make_delivered(application, seconds=1)
    monkeypatch.setattr(proving, "BATCH", 2)

    assert [number for number, _ in Deliveries(scope=Scope()).batches()] == [2, 2, 1]


# --- What is due now --------------------------------------------------------------------------


def neglected() -> list[str]:
    return [finding.channel for finding in late_now(Scope())]


@pytest.fixture(autouse=True)
def _every_channel_has_a_transport(settings: Settings) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = dict.fromkeys(
        Channel.values, "tests.notifications.scripted"
    )


def make_due(
    application: Application, *, channel: Channel = Channel.EMAIL, **fields: Any
) -> Notification:
    """Make one that was due two minutes ago; a webhook is to a subscription of its own."""
    due_at = timezone.now() - timedelta(minutes=2)
    row = make_notification(application, due_at=due_at, channel=channel)
    if channel == Channel.WEBHOOKS:
        fields = {"recipient_id": make.make_subscription(application).id, **fields}
    Notification.objects.filter(pk=row.pk).update(**{"due_at": due_at, **fields})
    return row


@pytest.mark.parametrize("channel", Channel)
def test_what_nobody_sends_is_late(channel: Channel) -> None:
    make_due(make.make_application(), channel=channel)

    assert neglected() == [channel]


@pytest.mark.parametrize(
    "fields",
    [
        {"is_held": True},
        {"is_submitted": True},
        {"due_at": None, "status": "DELIVERED"},
        {"due_at": timezone.now() + timedelta(hours=1)},
    ],
)
def test_what_is_not_to_be_sent_now_is_not_late(fields: dict[str, Any]) -> None:
    make_due(make.make_application(), **fields)

    assert neglected() == []


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_is_switched_off_is_not_late(switch: str) -> None:
    application = make.make_application()
    make_due(application)

    SWITCHES[switch](application, False)

    assert neglected() == []


def test_a_channel_without_a_transport_waits(settings: Settings) -> None:
    settings.NOTIFICATIONS_TRANSPORTS = {}
    make_due(make.make_application())

    assert neglected() == []


@pytest.mark.parametrize(
    "state", [{"paused_at": DUE}, {"failing_since": DUE}, {"is_active": False}]
)
def test_what_waits_for_a_receiver_is_not_late(state: dict[str, Any]) -> None:
    make_due(make.make_application(), channel=Channel.WEBHOOKS)

    Subscription.objects.update(**state)

    assert neglected() == []


@pytest.mark.parametrize(("attempts", "late"), [(2, 1), (3, 2)])
def test_who_waits_for_its_elder_is_not_late(attempts: int, late: int) -> None:
    application = make.make_application()
    told = {"subject_id": uuid7(), "recipient_id": make.make_subscription(application).id}
    for sequence, steps in ((1, attempts), (2, 0)):
        make_due(
            application,
            channel=Channel.WEBHOOKS,
            subject_sequence=sequence,
            schedule_step=steps,
            cause=sequence,
            **told,
        )

    assert neglected() == ["WEBHOOKS"] * late


def test_of_one_organisation_nothing_else_is_said() -> None:
    ours = make.make_application()
    make_due(ours)
    make_due(make.make_application())

    [finding] = late_now(Scope(organization_id=ours.organization_id))

    assert finding.organization_id == ours.organization_id
