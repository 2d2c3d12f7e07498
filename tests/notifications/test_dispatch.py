"""Dispatch: claimed once, sent once, and every outcome written down."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from config.kernel import secrets
from config.kernel.ids import uuid7
from notifications.models import Channel, Notification, NotificationContent, NotificationEvent
from notifications.models.kinds import NotificationType, Status
from notifications.services import dispatch, queue
from notifications.transports import Accepted, Refused, TryLater
from tests.notifications import scripted
from tests.notifications.ledger import (
    SWITCHES,
    ScriptedTransport,
    make_application,
    make_notification,
    make_notifications,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_django import Settings

    from agents.models import Application

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def provider(settings: Settings) -> ScriptedTransport:
    """Give the transport of e-mail, which does as the test says."""
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    settings.NOTIFICATIONS_RETRIES = {"EMAIL": [timedelta(minutes=1), timedelta(minutes=5)]}
    scripted.transport.forget()
    return scripted.transport


@pytest.fixture
def application() -> Application:
    return make_application()


def steps_of(notification: Notification) -> list[tuple[str, int, int, str]]:
    return list(
        NotificationEvent.objects.filter(notification_id=notification.id)
        .order_by("at", "id")
        .values_list("status", "attempt", "retry_count", "error_message")
    )


def make_due_again(*notifications: Notification) -> None:
    Notification.objects.filter(id__in=[each.id for each in notifications]).update(
        due_at=timezone.now()
    )


def test_a_due_message_is_handed_over_and_delivered(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application, address="ada@example.com")

    assert dispatch.send_due(Channel.EMAIL) == 1

    due.refresh_from_db()
    assert [message.address for message in provider.sent] == ["ada@example.com"]
    assert (due.status, due.provider_status, due.attempt, due.retry_count) == (
        Status.DELIVERED,
        "250",
        1,
        0,
    )
    assert (due.due_at, due.lease_until, due.error_message) == (None, None, "")
    assert due.message_id == f"<{due.id}@test>"
    assert steps_of(due) == [("PENDING", 1, 0, ""), ("DELIVERED", 1, 0, "")]


def test_what_was_said_is_kept_beside_the_history(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)

    dispatch.send_due(Channel.EMAIL)

    content = NotificationContent.objects.get(pk=due.id)
    assert (content.subject, content.text, content.html) == (
        "Reminder",
        "See you at 10",
        "<p>See you</p>",
    )


def test_what_was_said_to_a_person_who_is_forgotten_meanwhile_is_not_kept(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    NotificationContent.objects.filter(pk=due.id).update(erased_at=timezone.now())

    dispatch.send_due(Channel.EMAIL)

    assert NotificationContent.objects.get(pk=due.id).text == ""


def test_the_message_has_everything_that_was_planned(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application, address="ada@example.com")
    link = secrets.seal("https://desk.example/q/abc", purpose="notification-link")
    NotificationContent.objects.filter(pk=due.id).update(link=link)

    dispatch.send_due(Channel.EMAIL)

    [message] = provider.sent
    assert (message.id, message.application_id) == (due.id, application.id)
    assert (message.type, message.offset, message.attempt) == (NotificationType.REMINDER, "PT1H", 1)
    assert (message.snapshot.zone, message.snapshot.locale) == ("Europe/Berlin", "en-GB")
    assert (message.first_name, message.facts["agentName"]) == ("Ada", "Grace Hopper")
    assert message.link == "https://desk.example/q/abc"


def test_what_is_not_due_yet_stays(provider: ScriptedTransport, application: Application) -> None:
    planned = make_notification(application, due_at=timezone.now() + timedelta(seconds=30))

    assert dispatch.send_due(Channel.EMAIL) == 0

    planned.refresh_from_db()
    assert (planned.status, planned.attempt, provider.sent) == (Status.INITIALIZED, 0, [])


def test_another_channel_stays(provider: ScriptedTransport, application: Application) -> None:
    sms = make_notification(application, channel=Channel.SMS)

    assert dispatch.send_due(Channel.EMAIL) == 0

    sms.refresh_from_db()
    assert sms.status == Status.INITIALIZED


def test_what_is_held_is_not_sent(provider: ScriptedTransport, application: Application) -> None:
    held = make_notification(application, is_held=True)

    assert dispatch.send_due(Channel.EMAIL) == 0

    held.refresh_from_db()
    assert (held.status, provider.sent) == (Status.INITIALIZED, [])


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_is_switched_off_waits(
    provider: ScriptedTransport, application: Application, switch: str
) -> None:
    waiting = make_notification(application)
    others = make_notification(make_application("Contoso Bank"))
    SWITCHES[switch](application, False)

    assert dispatch.send_due(Channel.EMAIL) == 1
    assert provider.ids == [others.id]

    SWITCHES[switch](application, True)
    assert dispatch.send_due(Channel.EMAIL) == 1
    assert provider.ids == [others.id, waiting.id]


def test_what_comes_too_late_is_cancelled_by_the_claim(
    provider: ScriptedTransport, application: Application
) -> None:
    late = make_notification(
        application,
        due_at=timezone.now() - HOUR,
        not_after=timezone.now() - timedelta(seconds=1),
    )

    assert dispatch.send_due(Channel.EMAIL) == 1

    late.refresh_from_db()
    assert (late.status, late.message) == (Status.CANCELLED, "Not sent: its time had passed.")
    assert (late.due_at, late.error_message, provider.sent) == (None, "", [])
    assert [status for status, *_ in steps_of(late)] == ["CANCELLED"]


def test_a_temporary_answer_is_followed_by_another_attempt_with_a_growing_delay(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    provider.answers = [TryLater(reason="451 greylisted", provider_status="451")] * 2

    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.retry_count, due.error_message) == (
        Status.PENDING,
        1,
        "451 greylisted",
    )
    assert due.lease_until is None
    assert due.due_at is not None
    first = due.due_at - timezone.now()
    assert timedelta(seconds=46) < first < timedelta(seconds=73)

    make_due_again(due)
    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.retry_count, due.attempt) == (2, 2)
    second = due.due_at - timezone.now()
    assert timedelta(seconds=238) < second < timedelta(seconds=361)


def test_the_provider_may_ask_for_more_time(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    provider.answers = [TryLater(reason="429", after=2 * HOUR)]

    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert due.due_at is not None
    assert due.due_at - timezone.now() > 1.9 * HOUR


def test_a_provider_that_is_away_uses_up_no_attempt(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    provider.answers = [TryLater(reason="nobody there", is_away=True)] * 9

    for _ in range(9):
        make_due_again(due)
        dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.attempt, due.retry_count) == (Status.PENDING, 9, 0)
    assert due.error_message == "nobody there"


def test_no_send_begins_after_the_moment_from_which_it_would_be_wrong(
    provider: ScriptedTransport, application: Application
) -> None:
    soon = timezone.now() + timedelta(seconds=3)
    make_notification(application, not_after=soon)

    (claim,) = queue.claim_due(Channel.EMAIL, limit=5).claims

    assert claim.begin_until - claim.taken_at <= 3


def test_after_the_last_attempt_it_has_failed(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    provider.answers = [TryLater(reason="451 busy")] * 3

    for _ in range(3):
        make_due_again(due)
        dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.due_at, due.retry_count) == (Status.FAILED, None, 2)
    assert steps_of(due) == [
        ("PENDING", 1, 0, ""),
        ("PENDING", 1, 1, "451 busy"),
        ("PENDING", 2, 2, "451 busy"),
        ("FAILED", 3, 2, "451 busy"),
    ]


def test_success_after_a_failed_attempt_leaves_no_error(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    provider.answers = [TryLater(reason="451 busy")]

    dispatch.send_due(Channel.EMAIL)
    make_due_again(due)
    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.retry_count, due.error_message) == (Status.DELIVERED, 1, "")


def test_a_refusal_is_final(provider: ScriptedTransport, application: Application) -> None:
    due = make_notification(application)
    provider.answers = [Refused(reason="550 nobody here", provider_status="550")]

    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.provider_status, due.error_message) == (
        Status.FAILED,
        "550",
        "550 nobody here",
    )
    assert (due.due_at, due.retry_count) == (None, 0)


def test_a_message_that_cannot_be_built_has_failed_and_the_others_go_out(
    provider: ScriptedTransport, application: Application
) -> None:
    broken, fine = make_notifications(application, count=2)
    provider.unbuildable = {broken.id}

    dispatch.send_due(Channel.EMAIL)

    broken.refresh_from_db()
    assert (broken.status, broken.error_message) == (
        Status.FAILED,
        "Nothing can be said about it.",
    )
    assert provider.ids == [fine.id]


def test_a_link_that_no_key_opens_is_a_failure_with_a_reason(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    NotificationContent.objects.filter(pk=due.id).update(link=b"\0" * 40)

    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.error_message) == (
        Status.FAILED,
        "The link was sealed with a key that is gone.",
    )


def test_a_bug_counts_as_an_attempt_and_does_not_stop_the_others(
    provider: ScriptedTransport, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    unlucky, fine = make_notifications(application, count=2)
    provider.answers = [ZeroDivisionError("a secret@example.com")]

    dispatch.send_due(Channel.EMAIL)

    unlucky.refresh_from_db()
    fine.refresh_from_db()
    assert (unlucky.status, unlucky.retry_count, fine.status) == (
        Status.PENDING,
        1,
        Status.DELIVERED,
    )
    assert "secret" not in unlucky.error_message
    assert str(unlucky.id) in caplog.text


def test_a_lost_worker_leaves_its_messages_to_the_next_one(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)
    queue.claim_due(Channel.EMAIL, limit=10)
    assert dispatch.send_due(Channel.EMAIL) == 0

    lease_ends(due)
    assert dispatch.send_due(Channel.EMAIL) == 1

    due.refresh_from_db()
    assert (due.status, due.attempt, due.retry_count) == (Status.DELIVERED, 2, 0)
    assert list(
        NotificationEvent.objects.filter(notification_id=due.id, status="PENDING")
        .order_by("attempt")
        .values_list("message", flat=True)
    ) == ["", "The attempt before this one came to no known end; it may have arrived."]


def lease_ends(notification: Notification) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Notification.objects.filter(pk=notification.pk).update(due_at=past, lease_until=past)


def test_a_frozen_worker_cannot_overwrite_its_successor(
    provider: ScriptedTransport, application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    due = make_notification(application)

    def freeze(_: object) -> TryLater:
        lease_ends(due)
        assert dispatch.send_due(Channel.EMAIL) == 1
        return TryLater(reason="of the frozen one")

    provider.answers = [freeze]
    dispatch.send_due(Channel.EMAIL)

    due.refresh_from_db()
    assert (due.status, due.attempt, due.error_message) == (Status.DELIVERED, 2, "")
    assert steps_of(due)[-1] == ("DELIVERED", 2, 0, "")
    assert f"{due.id}: attempt 1 was overtaken" in caplog.text


def test_no_send_begins_after_sixty_percent_of_the_lease(
    provider: ScriptedTransport, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_notifications(application, count=2)
    clock = Clock(monkeypatch)

    def slowly(_: object) -> Accepted:
        clock.seconds += 37
        return Accepted(provider_status="250", message_id="")

    provider.answers = [slowly]
    dispatch.send_due(Channel.EMAIL)

    assert provider.ids == [first.id]
    second.refresh_from_db()
    assert (second.status, second.lease_until) == (Status.INITIALIZED, None)
    assert second.due_at is not None
    assert second.due_at <= timezone.now()


class Clock:
    """The monotonic clock of the dispatch, which a test can put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.seconds)


def test_a_worker_that_is_to_end_gives_back_what_it_has_not_begun(
    provider: ScriptedTransport, application: Application
) -> None:
    sent, *rest = make_notifications(application, count=5)

    dispatch.send_due(Channel.EMAIL, is_stopping=lambda: bool(provider.sent))

    assert provider.ids == [sent.id]
    assert set(Notification.objects.unsent().values_list("id", "attempt", "lease_until")) == {
        (each.id, 1, None) for each in rest
    }
    dispatch.send_due(Channel.EMAIL)
    assert sorted(provider.ids) == sorted(each.id for each in [sent, *rest])


@pytest.mark.django_db(transaction=True)
def test_what_was_not_begun_is_given_back_though_the_database_was_away(
    provider: ScriptedTransport, application: Application
) -> None:
    due = make_notification(application)

    def is_stopping() -> bool:
        # As a server does that crashes between the claim and what follows it.
        connection.connection.close()
        return True

    dispatch.send_due(Channel.EMAIL, is_stopping=is_stopping)

    due.refresh_from_db()
    assert (due.status, due.lease_until) == (Status.INITIALIZED, None)
    assert provider.sent == []


def test_the_newest_step_has_the_status_of_the_notification(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notifications(application, count=4)
    provider.answers = [TryLater(reason="later"), Refused(reason="never")]

    dispatch.send_due(Channel.EMAIL, is_stopping=lambda: len(provider.sent) > 2)

    for notification in Notification.objects.all():
        assert steps_of(notification)[-1][0] == notification.status


@pytest.mark.parametrize("switch", SWITCHES)
def test_organisations_that_wait_for_a_switch_take_nobodys_place(
    provider: ScriptedTransport, switch: str
) -> None:
    for name in ("Northwind Care", "Contoso Bank"):
        off = make_application(name)
        make_notification(off, due_at=timezone.now() - HOUR)
        SWITCHES[switch](off, False)
    others = make_notifications(make_application("Fabrikam"), count=3)

    assert dispatch.send_due(Channel.EMAIL, limit=2) == 2
    assert set(provider.ids) < {one.id for one in others}


def test_organisations_share_a_batch_while_others_wait(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notifications(application, count=50, due_at=timezone.now() - HOUR)
    small = make_notifications(make_application("Contoso Bank"), count=3)
    other = make_notifications(make_application("Fabrikam"), count=20)

    dispatch.send_due(Channel.EMAIL, limit=12)

    batch = Notification.objects.filter(id__in=provider.ids)
    assert batch.filter(organization_id=application.organization_id).count() == 4
    assert batch.filter(organization_id=small[0].organization_id).count() == 3
    assert batch.filter(organization_id=other[0].organization_id).count() == 4


def test_an_organisation_that_is_alone_has_the_whole_batch(
    provider: ScriptedTransport, application: Application
) -> None:
    make_notifications(application, count=50)
    make_notifications(make_application(), count=5, due_at=timezone.now() + HOUR)

    assert dispatch.send_due(Channel.EMAIL, limit=12) == 12


def test_the_longest_overdue_goes_first(
    provider: ScriptedTransport, application: Application
) -> None:
    now = timezone.now()
    later = make_notification(application, due_at=now - timedelta(seconds=1))
    sooner = make_notification(application, due_at=now - timedelta(seconds=9))

    dispatch.send_due(Channel.EMAIL)

    assert provider.ids == [sooner.id, later.id]


def test_the_time_to_the_next_one_does_not_count_those_that_wait_for_a_switch(
    provider: ScriptedTransport, application: Application
) -> None:
    assert queue.time_to_next(Channel.EMAIL) is None
    make_notification(application, due_at=timezone.now() - HOUR)
    assert queue.time_to_next(Channel.EMAIL) is None

    make_notification(application, due_at=timezone.now() + timedelta(seconds=30))

    wait = queue.time_to_next(Channel.EMAIL)
    assert wait is not None
    assert timedelta(seconds=28) < wait <= timedelta(seconds=30)


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_have_one_winner_for_each_message(
    provider: ScriptedTransport,
) -> None:
    ids = {each.id for each in make_notifications(make_application(), count=60)}
    barrier = threading.Barrier(3)
    taken: list[Sequence[queue.Claim]] = []

    def claim() -> None:
        barrier.wait()
        taken.extend(queue.claim_due(Channel.EMAIL, limit=10).claims for _ in range(4))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    claimed = [claim.id for batch in taken for claim in batch]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == ids


@pytest.fixture
def backlog() -> None:
    """Fill the ledger: thousands due of one organisation, others with one each."""
    big = make_application("Contoso Bank")
    template = make_notification(big, due_at=timezone.now() - HOUR)
    small = [make_application(f"Fabrikam {number}") for number in range(20)]
    for each in small:
        make_notification(each)
    with connection.cursor() as cursor:
        columns = [
            field.column
            for field in Notification._meta.concrete_fields
            if field.column not in {"id", "recipient_id", "due_at", "scheduled_for"}
        ]
        names = ", ".join(f'"{column}"' for column in columns)
        cursor.execute("SET statement_timeout = 0")
        for count, moment in (
            (20_000, "now() - interval '1 hour' - number * interval '1 millisecond'"),
            (20_000, "now() + interval '1 day' + number * interval '1 second'"),
        ):
            cursor.execute(
                f"INSERT INTO notifications_notification"  # noqa: S608  # our own columns
                f" (id, recipient_id, due_at, scheduled_for, {names})"
                f" SELECT gen_random_uuid(), gen_random_uuid(), {moment}, {moment}, {names}"
                f" FROM notifications_notification, generate_series(1, %s) AS number"
                f" WHERE id = %s",
                [count, template.id],
            )
        cursor.execute("ANALYZE notifications_notification")


def test_a_claim_reads_few_rows_of_a_long_backlog(backlog: None) -> None:
    plan = explained_claim(limit=100)

    assert rows_read(plan) < 1_000
    assert "Seq Scan on notifications_notification" not in json.dumps(plan)


def explained_claim(*, limit: int) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {queue._CLAIM}",
            {
                "channel": "EMAIL",
                "limit": limit,
                "lease": 60,
                "events": [uuid7() for _ in range(limit)],
                "lost": "",
                "too_late": "",
            },
        )
        [[plan]] = cursor.fetchone()
    result: dict[str, object] = plan["Plan"]
    return result


def rows_read(node: dict[str, object]) -> float:
    """Add up what the scans of the ledger's own table gave and threw away."""
    children = node.get("Plans", [])
    assert isinstance(children, list)
    below = sum(rows_read(child) for child in children)
    if node.get("Relation Name") != "notifications_notification" or "Scan" not in str(
        node["Node Type"]
    ):
        return below
    per_loop = sum(
        float(str(node.get(key, 0)))
        for key in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    )
    return below + per_loop * float(str(node["Actual Loops"]))
