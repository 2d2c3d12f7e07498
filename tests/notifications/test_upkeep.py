"""Upkeep: partitions ahead of time, late messages of the silenced, and how the queue is doing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Organization
from config.kernel.ids import uuid7
from notifications.models import Channel, Notification, NotificationEvent
from notifications.models.kinds import Status
from notifications.services import queue, upkeep
from tests.notifications.ledger import SWITCHES, make_application, make_notification

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LATE_IN_2031 = datetime(2031, 11, 30, 23, 59, 59, tzinfo=UTC)
MONTHS = ["2031_11", "2031_12", "2032_01", "2032_02"]


def partitions_of(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid)"
            " FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass",
            [table],
        )
        return dict(cursor.fetchall())


def make_event(at: datetime) -> NotificationEvent:
    organization = Organization.objects.create(name="Northwind Care")
    return NotificationEvent.objects.create(
        organization=organization, notification_id=uuid7(), at=at, status=Status.PENDING
    )


@pytest.mark.parametrize("table", ["outbox_event", "notification_event"])
def test_this_month_and_the_next_three_have_a_partition(table: str) -> None:
    upkeep.make_partitions(LATE_IN_2031)

    made = partitions_of(table)
    assert [made[f"{table}_{month}"] for month in MONTHS] == [
        f"FOR VALUES FROM ('{begin} 00:00:00+00') TO ('{end} 00:00:00+00')"
        for begin, end in [
            ("2031-11-01", "2031-12-01"),
            ("2031-12-01", "2032-01-01"),
            ("2032-01-01", "2032-02-01"),
            ("2032-02-01", "2032-03-01"),
        ]
    ]


def test_making_partitions_twice_is_harmless() -> None:
    upkeep.make_partitions(LATE_IN_2031)
    before = partitions_of("outbox_event")

    upkeep.make_partitions(LATE_IN_2031)

    assert partitions_of("outbox_event") == before


def test_the_month_is_that_of_utc() -> None:
    upkeep.make_partitions(datetime.fromisoformat("2031-12-01T00:30:00+02:00"))

    assert "outbox_event_2031_11" in partitions_of("outbox_event")


def test_what_lay_in_the_default_partition_moves_and_stays_history() -> None:
    event = make_event(LATE_IN_2031)

    upkeep.make_partitions(LATE_IN_2031)

    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM notification_event_2031_11")
        assert cursor.fetchall() == [(event.id,)]
        cursor.execute("SELECT count(*) FROM notification_event_default")
        assert cursor.fetchone() == (0,)
    assert NotificationEvent.objects.get().at == LATE_IN_2031
    with pytest.raises(Exception, match="append-only"):
        NotificationEvent.objects.update(status=Status.FAILED)


@pytest.fixture
def _no_partitions_left() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        for table in ("outbox_event", "notification_event"):
            for month in MONTHS:
                cursor.execute(f"DROP TABLE IF EXISTS {table}_{month}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_no_partitions_left")
def test_two_who_make_partitions_at_once_do_not_disturb_each_other() -> None:
    barrier = threading.Barrier(2)
    failures: list[Exception] = []

    def make() -> None:
        barrier.wait()
        try:
            upkeep.make_partitions(LATE_IN_2031)
        except Exception as error:  # noqa: BLE001  # shown by the assertion
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert f"outbox_event_{MONTHS[-1]}" in partitions_of("outbox_event")


def test_a_heartbeat_is_one_row_that_is_renewed() -> None:
    upkeep.note_heartbeat("beat")
    first = upkeep.operations(timezone.now()).last_seen
    upkeep.note_heartbeat("beat")

    assert list(first) == list(upkeep.operations(timezone.now()).last_seen) == ["beat"]


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_is_late_while_notifications_are_off_is_cancelled(switch: str) -> None:
    application = make_application()
    past = timezone.now() - HOUR
    late = make_notification(application, due_at=past, not_after=timezone.now())
    waiting = make_notification(application, due_at=past, not_after=timezone.now() + HOUR)
    SWITCHES[switch](application, False)

    assert upkeep.cancel_late() == 1

    late.refresh_from_db()
    waiting.refresh_from_db()
    assert (late.status, late.due_at, late.error_message) == (Status.CANCELLED, None, "")
    assert late.message == "Not sent: its time had passed while nothing could be sent."
    assert waiting.status == Status.INITIALIZED
    [event] = NotificationEvent.objects.all()
    assert (event.notification_id, event.status, event.message) == (
        late.id,
        Status.CANCELLED,
        late.message,
    )


def test_what_is_late_of_others_is_left_to_the_claim() -> None:
    make_notification(make_application(), not_after=timezone.now())

    assert upkeep.cancel_late() == 0


def test_operations_count_what_waits_and_why() -> None:
    application = make_application()
    now = timezone.now()
    make_notification(application, due_at=now - 2 * HOUR)
    queue.claim_due(Channel.EMAIL, limit=1)
    past_lease = now - timedelta(minutes=2)
    Notification.objects.update(due_at=past_lease, lease_until=past_lease)
    make_notification(application, due_at=now - HOUR)
    make_notification(application)
    make_notification(application, due_at=now + HOUR)
    make_notification(application, is_held=True)
    make_notification(application, channel=Channel.SMS, due_at=now + HOUR)

    email, sms, webhooks = upkeep.operations(timezone.now()).channels

    assert (email.due, email.late, email.held, email.past_lease) == (3, 1, 1, 1)
    assert HOUR <= email.oldest_due < HOUR + timedelta(minutes=1)
    assert sms == upkeep.ChannelOperations(
        channel=Channel.SMS, due=0, late=0, held=0, past_lease=0, oldest_due=timedelta()
    )
    assert webhooks.due == 0


def test_operations_know_the_difference_of_the_clocks() -> None:
    ahead = upkeep.operations(timezone.now() + HOUR).clock_difference

    assert HOUR - timedelta(seconds=5) < ahead < HOUR + timedelta(seconds=5)


@pytest.mark.django_db
def test_what_is_late_on_a_channel_without_a_transport_is_cancelled() -> None:
    past = timezone.now() - timedelta(hours=1)
    late = make_notification(make_application(), channel=Channel.SMS, due_at=past, not_after=past)

    assert upkeep.cancel_late() == 1

    late.refresh_from_db()
    assert (late.status, late.due_at) == (Status.CANCELLED, None)
