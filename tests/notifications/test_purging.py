"""The purge: what is old goes, what is still needed stays, and the proof goes on being valid."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from agents.models import Application
from appointments.models import Appointment
from appointments.proving import prove
from config.kernel.actors import Actor
from notifications import outbox, tasks
from notifications.models import (
    ChannelSettings,
    HistoryPurge,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    Status,
    Undeliverable,
)
from notifications.services import purging, upkeep
from notifications.services.proving import Scope
from tests import make
from tests.contract.state import everything
from tests.notifications.ledger import make_notification

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def make_old(
    *, days: int, updated: int | None = None, status: str = "DELIVERED", **fields: Any
) -> Notification:
    """Make a message of so many days ago with one step and one event of its subject."""
    at = timezone.now() - days * DAY
    row = make_notification(make.make_application(), **fields)
    is_final = status in ("DELIVERED", "FAILED", "CANCELLED")
    Notification.objects.filter(pk=row.pk).update(
        created_at=at,
        updated_at=at if updated is None else timezone.now() - updated * DAY,
        status=status,
        due_at=None if is_final else timezone.now(),
    )
    NotificationEvent.objects.create(
        organization_id=row.organization_id, notification_id=row.pk, at=at, status=status
    )
    record(row, at)
    return row


def record(row: Notification, at: datetime) -> OutboxEvent:
    return outbox.record(
        "test.happened",
        organization_id=row.organization_id,
        application_id=row.application_id,
        subject_type="appointment",
        subject_id=row.subject_id,
        sequence=1,
        actor=Actor.system(row.organization_id),
        now=at,
    )


def purge(days: int = 400) -> purging.Purged:
    return purging.purge(before=timezone.now() - days * DAY)


def left() -> tuple[int, int, int, int]:
    """Give how many notifications, contents, steps and events there are."""
    models = (Notification, NotificationContent, NotificationEvent, OutboxEvent)
    return tuple(model.objects.count() for model in models)  # type: ignore[return-value]  # four models


@pytest.mark.parametrize("status", ["DELIVERED", "FAILED", "CANCELLED"])
def test_what_is_final_and_old_goes_with_everything_about_it(status: str) -> None:
    make_old(days=401, status=status)
    young = make_old(days=399)

    purged = purge()

    assert (purged.notifications, purged.events, purged.outbox_events) == (1, 1, 1)
    assert left() == (1, 1, 1, 1)
    assert Notification.objects.get() == young


@pytest.mark.parametrize("status", ["INITIALIZED", "PENDING"])
def test_what_is_not_final_stays(status: str) -> None:
    make_old(days=401, status=status)

    purge()

    # Its event is old, and nothing is judged by it any more.
    assert left() == (1, 1, 1, 0)


def test_what_somebody_did_something_to_lately_stays() -> None:
    make_old(days=401, updated=3)

    purge()

    assert left()[:3] == (1, 1, 1)


def appointment_of(row: Notification, *, end: timedelta | None) -> None:
    application = Application.objects.get(pk=row.application_id)
    appointment = make.make_appointment(application)
    Notification.objects.filter(subject_id=appointment.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL frontdesk.purging = 'on'")
        cursor.execute("DELETE FROM outbox_event WHERE subject_id = %s", [appointment.pk])
        cursor.execute(
            "UPDATE outbox_event SET subject_id = %s WHERE subject_id = %s",
            [appointment.pk, row.subject_id],
        )
        cursor.execute("SET LOCAL frontdesk.purging = 'off'")
    Notification.objects.filter(pk=row.pk).update(subject_id=appointment.pk)
    moment = timezone.now() + end if end is not None else None
    Appointment.objects.filter(pk=appointment.pk).update(
        start=moment and moment - DAY,
        end=moment,
        duration=DAY if moment else None,
        request_status="" if moment else "OUTGOING_INVITE",
    )


@pytest.mark.parametrize(("end", "stays"), [(DAY, True), (None, True), (-DAY, False)])
def test_what_is_still_to_come_keeps_its_history(end: timedelta | None, stays: bool) -> None:
    appointment_of(make_old(days=401), end=end)

    purge()

    assert left() == ((1, 1, 1, 1) if stays else (0, 0, 0, 0))


def test_addresses_that_were_not_confirmed_since_go() -> None:
    organization = make.make_organization()
    for days in (399, 401):
        Undeliverable.objects.create(
            organization=organization,
            fingerprint=bytes([days % 256]),
            sealed_address=b"sealed",
            reason=Undeliverable.Reason.BOUNCED,
            noted_at=timezone.now() - days * DAY,
        )

    assert purge().undeliverables == 1
    assert Undeliverable.objects.get().noted_at > timezone.now() - 400 * DAY


def test_the_purge_is_on_record() -> None:
    make_old(days=401)

    purge()

    run = HistoryPurge.objects.get()
    assert run.notifications == 1
    assert abs(run.purged_before - (timezone.now() - 400 * DAY)) < timedelta(minutes=1)


def test_history_stays_append_only_after_a_purge() -> None:
    make_old(days=401)
    make_old(days=3)

    purge()

    with pytest.raises(Exception, match="append-only"):
        NotificationEvent.objects.all().delete()


def test_what_does_not_fit_into_a_batch_goes_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    for _ in range(5):
        make_old(days=401)
    make_old(days=401, status="PENDING")

    purged = purge()

    assert (purged.notifications, purged.events, purged.outbox_events) == (5, 5, 6)


def test_what_is_taken_away_is_not_missing() -> None:
    application = make.make_application()
    make.make_channel(application, reminder_offsets=["PT1H"])
    ChannelSettings.objects.update(changed_at=timezone.now() - 900 * DAY)
    for days in (500, 100):
        make.make_appointment(
            application,
            start=timezone.now() - days * DAY,
            booked_at=timezone.now() - (days + 2) * DAY,
        )
    Notification.objects.update(status=Status.DELIVERED, due_at=None, updated_at=timezone.now())
    old = Notification.objects.filter(created_at__lt=timezone.now() - 400 * DAY)
    old.update(updated_at=timezone.now() - 450 * DAY)

    purged = purge()

    assert purged.notifications == 2
    tally = prove(Scope(), found=print)
    assert (tally.faults, tally.appointments, tally.expected) == (0, 1, 2)


# --- Whole partitions -------------------------------------------------------------------------

MONTH = datetime(2019, 3, 1, tzinfo=UTC)


@pytest.fixture
def _partitions() -> None:
    upkeep.make_partitions(MONTH)


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '_2019_0[3-6]$'")
        return {name for (name,) in cursor.fetchall()}


def days_since(moment: datetime) -> int:
    return (timezone.now() - moment).days


@pytest.mark.usefixtures("_partitions")
def test_a_month_in_which_nothing_has_to_stay_goes_as_a_whole() -> None:
    make_old(days=days_since(MONTH) - 3)

    purged = purge(days=days_since(datetime(2019, 5, 15, tzinfo=UTC)))

    assert partitions() == {
        f"{table}_2019_{month}"
        for table in ("notification_event", "outbox_event")
        for month in ("05", "06")
    }
    assert (purged.partitions, purged.notifications, left()) == (4, 1, (0, 0, 0, 0))


@pytest.mark.usefixtures("_partitions")
def test_a_month_in_which_something_has_to_stay_loses_the_rest() -> None:
    make_old(days=days_since(MONTH) - 3)
    make_old(days=days_since(MONTH) - 3, status="PENDING")

    purged = purge(days=days_since(datetime(2019, 4, 1, tzinfo=UTC)))

    assert "notification_event_2019_03" in partitions()
    assert "outbox_event_2019_03" not in partitions()
    assert (purged.notifications, purged.events, left()) == (1, 1, (1, 1, 1, 0))


# --- The command, and beat --------------------------------------------------------------------


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("purge_history", *arguments, stdout=said, stderr=said, no_color=True)
    return said.getvalue()


def test_a_dry_run_counts_and_takes_nothing_away() -> None:
    make_old(days=401)
    make_old(days=401, status="PENDING")
    before = everything()

    said = run("--older-than", "P400D", "--dry-run")

    assert said == (
        "Would be taken away: 1 notifications, 1 steps, 2 events, 0 undeliverable addresses,"
        " 0 whole partitions\n"
    )
    assert everything() == before


def test_the_command_says_what_it_has_taken_away() -> None:
    make_old(days=401)

    assert run("--older-than", "P400D") == (
        "Taken away: 1 notifications, 1 steps, 1 events, 0 undeliverable addresses,"
        " 0 whole partitions\n"
    )
    assert left() == (0, 0, 0, 0)


def test_an_age_before_all_time_is_refused() -> None:
    with pytest.raises(CommandError, match="nothing is as old"):
        run("--older-than", "P9999999D")


@pytest.mark.parametrize("age", ["P29D", "PT1H"])
def test_what_is_young_goes_by_force_only(age: str) -> None:
    make_old(days=30)

    with pytest.raises(CommandError, match="at least P30D"):
        run("--older-than", age)

    assert left() == (1, 1, 1, 1)
    run("--older-than", age, "--force")
    assert left() == (0, 0, 0, 0)


@pytest.mark.parametrize("age", ["400", "P1Y", ""])
def test_an_age_that_is_none_is_named(age: str) -> None:
    with pytest.raises(CommandError, match="--older-than: "):
        run("--older-than", age)


def test_beat_keeps_what_the_settings_say() -> None:
    assert settings.NOTIFICATIONS_HISTORY_KEPT == 400 * DAY
    make_old(days=401)
    make_old(days=399)

    tasks.purge_history()

    assert left() == (1, 1, 1, 1)
