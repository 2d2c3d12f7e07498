"""The two histories: triggers refuse to change them, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from agents.models import Organization
from config.kernel.actors import Actor
from config.kernel.database import sqlstate_of
from config.kernel.ids import uuid7
from notifications import outbox
from notifications.models import NotificationEvent, OutboxEvent
from notifications.models.kinds import Status

pytestmark = pytest.mark.django_db

# This month, which has a partition, and a month that is in the default one.
MONTHS = [None, datetime(2019, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)]


def make_outbox_event(at: datetime | None = None) -> OutboxEvent:
    organization = Organization.objects.create(name="Northwind Care")
    return outbox.record(
        "test.happened",
        organization_id=organization.id,
        application_id=None,
        subject_type="test",
        subject_id=uuid7(),
        sequence=1,
        actor=Actor.system(organization.id),
        now=at or timezone.now(),
        facts={"a": 1},
    )


def make_step(at: datetime | None = None) -> NotificationEvent:
    organization = Organization.objects.create(name="Northwind Care")
    return NotificationEvent.objects.create(
        organization=organization,
        notification_id=uuid7(),
        at=at or timezone.now(),
        status=Status.PENDING,
    )


def refused(statement: str, *values: datetime | str | None) -> str:
    """Carry out a statement that has to be refused, and give the reason."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        execute(statement, *values)
    assert sqlstate_of(error.value) == "23001"
    return str(error.value).partition("\n")[0]


def execute(statement: str, *values: datetime | str | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def columns(model: Any, *without: str) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if field.column not in without]


@pytest.mark.parametrize("at", MONTHS)
@pytest.mark.parametrize(
    ("make", "table"), [(make_outbox_event, "outbox_event"), (make_step, "notification_event")]
)
def test_a_row_of_a_history_cannot_be_deleted(
    make: Callable[[datetime | None], Any], table: str, at: datetime | None
) -> None:
    row = make(at)

    reason = refused(f"DELETE FROM {table}")  # noqa: S608

    assert reason.startswith(f"history is append-only: DELETE of {table}_")
    assert type(row).objects.get() == row


@pytest.mark.parametrize("at", MONTHS)
@pytest.mark.parametrize("column", columns(NotificationEvent, "id", "organization_id"))
def test_a_step_cannot_be_changed(column: str, at: datetime | None) -> None:
    make_step(at)
    before = list(NotificationEvent.objects.values())

    # Not even to what it says already.
    refused(f'UPDATE notification_event SET "{column}" = "{column}"')  # noqa: S608

    assert list(NotificationEvent.objects.values()) == before


CHANGES = {
    "id": "gen_random_uuid()",
    "organization_id": "gen_random_uuid()",
    "application_id": "gen_random_uuid()",
    "subject_id": "gen_random_uuid()",
    "subject_sequence": "7",
    "before": "'{}'",
    "after": "'{}'",
    "facts": "'{}'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
}


@pytest.mark.parametrize("is_published", [False, True])
@pytest.mark.parametrize("column", columns(OutboxEvent, "published_at"))
def test_nothing_that_happened_can_be_changed(column: str, is_published: bool) -> None:
    make_outbox_event()
    before = list(OutboxEvent.objects.values())
    value = CHANGES.get(column, "'x'")
    also = ", published_at = now()" if is_published else ""

    refused(f'UPDATE outbox_event SET "{column}" = {value}{also}')  # noqa: S608

    assert list(OutboxEvent.objects.values()) == before


@pytest.mark.parametrize("at", MONTHS)
def test_an_event_is_published_once(at: datetime | None) -> None:
    event = make_outbox_event(at)
    now = timezone.now()

    assert OutboxEvent.objects.filter(pk=event.pk).update(published_at=now) == 1

    for value in (now + timedelta(seconds=1), None):
        refused("UPDATE outbox_event SET published_at = %s", value)
    event.refresh_from_db()
    assert event.published_at == now


@pytest.mark.parametrize("at", MONTHS)
@pytest.mark.parametrize(
    ("make", "table"), [(make_outbox_event, "outbox_event"), (make_step, "notification_event")]
)
def test_the_purge_lets_through_until_its_transaction_ends(
    make: Callable[[datetime | None], Any], table: str, at: datetime | None
) -> None:
    first = make(at)

    with transaction.atomic():
        execute("SET LOCAL frontdesk.purging = 'on'")
        assert execute(f"UPDATE {table} SET organization_id = organization_id") == 1  # noqa: S608
        assert execute(f"DELETE FROM {table}") == 1  # noqa: S608
        execute("SET LOCAL frontdesk.purging = 'off'")

    make(at)
    refused(f"DELETE FROM {table}")  # noqa: S608
    assert not type(first).objects.filter(pk=first.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_permission_to_purge_does_not_outlive_its_transaction() -> None:
    make_step()
    with transaction.atomic():
        execute("SET LOCAL frontdesk.purging = 'on'")

    refused("DELETE FROM notification_event")

    with transaction.atomic():
        execute("SET LOCAL frontdesk.purging = 'on'")
        execute("DELETE FROM notification_event")


@pytest.mark.parametrize("value", ["off", "true", "1", ""])
def test_only_the_word_on_lets_through(value: str) -> None:
    make_step()

    execute("SELECT set_config('frontdesk.purging', %s, true)", value)

    refused("DELETE FROM notification_event")
