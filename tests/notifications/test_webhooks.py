"""Webhooks: whose turn it is, what comes of an answer, and receivers that are away."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from config.kernel.ids import uuid7
from config.kernel.time import format_instant
from notifications.models import (
    Notification,
    NotificationContent,
    NotificationEvent,
    NotificationType,
    Status,
    Subscription,
)
from notifications.services import feed, owners, webhooks
from notifications.services.queue import LOST, Claim
from notifications.services.webhooks import Health
from notifications.webhook_lane import deliver_due
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import (
    an_hour_ago,
    come_due,
    got,
    ids,
    make_event,
    make_events,
    make_hook,
    numbers,
    probes_come_due,
)
from tests.notifications.ledger import SWITCHES, make_application
from tests.notifications.webhooks import answering, in_turn, receivers

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MakeReceiver = Callable[..., Receiver]


@pytest.fixture
def application() -> Application:
    return make_application()


@pytest.fixture(autouse=True)
def receiver_of(settings: Settings) -> Iterator[MakeReceiver]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as make:
        yield make


def standing(*events: Notification) -> list[tuple[str, int, str]]:
    """Give status, failed attempts and the provider's word of each."""
    found = {one.pk: one for one in Notification.objects.all()}
    rows = [found[one.pk] for one in events]
    return [(one.status, one.retry_count, one.provider_status) for one in rows]


def fresh(hook: Subscription) -> Subscription:
    return Subscription.objects.get(pk=hook.pk)


# --- What is sent -----------------------------------------------------------------------------


def test_a_webhook_is_an_envelope_around_the_payload(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook, payload={"id": "A1", "title": "Büro"})

    assert deliver_due() == 1

    [request] = got(receiver, hook)
    assert request.envelope == {
        "id": str(one.id),
        "type": "UPDATE",
        "timestamp": format_instant(one.created_at),
        "payload": {"id": "A1", "title": "Büro"},
    }
    assert request.id == str(one.id)
    assert standing(one) == [(Status.DELIVERED, 0, "204")]


def test_a_reminder_happens_at_its_own_time(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook, type=NotificationType.REMINDER)
    assert one.scheduled_for

    deliver_due()

    [request] = got(receiver, hook)
    assert request.envelope["timestamp"] == format_instant(one.scheduled_for)


def test_what_was_erased_is_named_and_no_more(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook)
    NotificationContent.objects.update(body=None)

    deliver_due()

    [request] = got(receiver, hook)
    assert request.envelope["payload"] == {
        "id": str(one.subject_id),
        "applicationId": str(application.id),
    }


def test_every_attempt_has_the_same_id_and_the_same_bytes(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(500), answering(204)))
    hook = make_hook(application, receiver)
    make_event(hook, payload={"b": 1, "a": [1.50, "é"]})

    deliver_due()
    come_due()
    deliver_due()
    hook.refresh_from_db()
    feed.replay(hook, from_sequence=1)
    deliver_due()

    assert len({(one.id, one.body) for one in got(receiver, hook)}) == 1
    assert len(receiver.requests) == 3


# --- What an answer means ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_repeated(
    application: Application, receiver_of: MakeReceiver, status: int
) -> None:
    hook = make_hook(application, receiver_of(answering(status)))
    one = make_event(hook)

    deliver_due()

    assert standing(one) == [(Status.FAILED, 0, str(status))]
    assert not Notification.objects.filter(due_at__isnull=False).exists()


def test_other_failures_are_repeated_after_two_and_ten_seconds_and_then_rarely(
    application: Application, receiver_of: MakeReceiver
) -> None:
    hook = make_hook(application, receiver_of(answering(503)))
    one = make_event(hook)

    pauses = []
    for _ in range(4):
        begin = timezone.now()
        deliver_due()
        pauses.append((Notification.objects.get().due_at or begin) - begin)
        come_due()

    wanted = [2, 10, 300, 1800]
    assert all(
        0.8 * seconds <= pause.total_seconds() <= 1.2 * seconds + 1
        for pause, seconds in zip(pauses, wanted, strict=True)
    )
    assert standing(one) == [(Status.PENDING, 4, "503")]


@pytest.mark.parametrize(("failures", "expected"), [(0, 60), (3, 7200)])
def test_a_receiver_can_ask_for_time_within_limits(
    application: Application, receiver_of: MakeReceiver, failures: int, expected: int
) -> None:
    hook = make_hook(application, receiver_of(answering(429, "Retry-After: 7200")))
    make_event(hook, schedule_step=failures)

    begin = timezone.now()
    deliver_due()

    due_at = Notification.objects.get().due_at
    assert due_at is not None
    assert expected <= (due_at - begin).total_seconds() < expected + 5


def test_a_receiver_that_is_gone_ends_the_subscription(
    application: Application, receiver_of: MakeReceiver, mailbox: Mailbox
) -> None:
    hook = make_hook(application, receiver_of(answering(410)), contact="ops@example.org")
    first, waiting = make_event(hook), make_event(hook)

    deliver_due()

    assert (fresh(hook).is_active, "410" in fresh(hook).ended_reason) == (False, True)
    assert standing(first)[0][0] == Status.FAILED
    make_event(hook)
    assert deliver_due() == 0
    assert standing(waiting)[0][0] in (Status.FAILED, Status.CANCELLED)
    assert owners.tell_owners() == 1
    assert "410 Gone" in mailbox.messages[0].get_content()


def test_what_waits_for_a_receiver_that_is_gone_is_cancelled_in_parts_and_whole(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_BATCH", 2)
    hook = make_hook(application)
    events, others = make_events(hook, 5), make_events(make_hook(application), 1)
    feed.number_due()

    webhooks.end_subscription(hook.pk)

    statuses = [status for status, *_ in standing(*events, *others)]
    assert statuses == [Status.CANCELLED] * 5 + [Status.INITIALIZED]


def test_what_a_worker_left_over_when_it_died_is_cancelled_later(
    application: Application,
) -> None:
    gone = make_hook(application, is_active=False, ended_reason="410 Gone")
    off = make_hook(application, is_active=False)
    events = [make_event(gone), make_event(off)]
    feed.number_due()

    webhooks.cancel_ended()

    assert [status for status, *_ in standing(*events)] == ["CANCELLED", "INITIALIZED"]


def test_what_waits_for_one_that_was_switched_off_meanwhile_goes_on_waiting(
    application: Application,
) -> None:
    off = make_hook(application, is_active=False)
    one = make_event(off)

    webhooks.end_subscription(off.pk)

    assert (standing(one)[0][0], fresh(off).ended_reason) == (Status.INITIALIZED, "")


def test_after_the_last_attempt_it_has_failed(
    application: Application, receiver_of: MakeReceiver, settings: Settings
) -> None:
    settings.NOTIFICATIONS_RETRIES = {"WEBHOOKS": [timedelta(seconds=2)]}
    hook = make_hook(application, receiver_of(answering(500)))
    one = make_event(hook)

    for _ in range(3):
        deliver_due()
        come_due()

    assert standing(one) == [(Status.FAILED, 1, "500")]


def test_what_had_happened_before_the_end_is_in_the_feed_and_can_be_sent_again(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(410), answering(204)))
    hook = make_hook(application, receiver)
    make_event(hook)
    feed.number_due()
    late = make_event(hook)
    to_come = make_event(hook, due_at=timezone.now() + DAY)
    webhooks.end_subscription(hook.pk)

    feed.number_due()
    webhooks.cancel_ended()

    assert [id for _, id in numbers(hook)][-1] == late.id
    assert [status for status, *_ in standing(late, to_come)] == ["CANCELLED"] * 2
    assert feed.replay(fresh(hook), from_sequence=2) == 1


# --- In order ---------------------------------------------------------------------------------


def test_a_later_event_of_a_subject_waits_for_its_elder_and_others_do_not(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook, subject = make_hook(application, receiver), uuid7()
    first = make_event(hook, subject=subject, sequence=1)
    second = make_event(hook, subject=subject, sequence=2)
    other = make_event(hook)

    assert deliver_due() == 2
    assert set(ids(receiver, hook)) == {first.id, other.id}

    assert deliver_due() == 1
    assert ids(receiver, hook)[-1] == second.id


def test_an_elder_that_has_failed_three_times_holds_nobody_up_any_more(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(*[answering(500)] * 3, answering(204)))
    hook, subject = make_hook(application, receiver), uuid7()
    elder = make_event(hook, subject=subject, sequence=1)
    later = make_event(hook, subject=subject, sequence=2)

    for _ in range(3):
        assert deliver_due() == 1
        come_due()
    Notification.objects.filter(pk=elder.pk).update(due_at=timezone.now() + DAY)
    deliver_due()

    assert ids(receiver, hook) == [elder.id] * 3 + [later.id]


def test_an_elder_that_was_refused_holds_nobody_up(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(in_turn(answering(400), answering(204)))
    hook, subject = make_hook(application, receiver), uuid7()
    make_event(hook, subject=subject, sequence=1)
    later = make_event(hook, subject=subject, sequence=2)

    deliver_due()
    deliver_due()

    assert standing(later)[0][0] == Status.DELIVERED


# --- Whose turn it is -------------------------------------------------------------------------


def test_what_is_claimed_is_nobody_elses_until_the_lease_is_over(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook = make_hook(application, receiver)
    one = make_event(hook)
    feed.number_due()
    [lost] = webhooks.claim_due(limit=10)

    assert webhooks.claim_due(limit=10) == []
    come_due()
    deliver_due()

    assert (lost.id, ids(receiver, hook)) == (one.id, [one.id])
    messages = NotificationEvent.objects.order_by("at").values_list("message", flat=True)
    assert "came to no known end" in messages[1]


@pytest.mark.parametrize("switch", ["organisation", "organisation is closed", "application"])
def test_what_is_switched_off_waits(
    application: Application, receiver_of: MakeReceiver, switch: str
) -> None:
    hook = make_hook(application, receiver_of())
    make_event(hook)
    SWITCHES[switch](application, False)

    assert deliver_due() == 0
    SWITCHES[switch](application, True)
    assert deliver_due() == 1


@pytest.mark.parametrize("facts", [{"is_held": True}, {"due_at": timezone.now() + DAY}])
def test_what_is_held_or_not_due_is_not_sent(
    application: Application, receiver_of: MakeReceiver, facts: dict[str, Any]
) -> None:
    make_event(make_hook(application, receiver_of()), **facts)

    assert deliver_due() == 0


def claimed(**facts: Any) -> Counter[UUID]:
    """Claim, and count what each subscription was given."""
    return Counter(one.row["recipient_id"] for one in webhooks.claim_due(**facts))


def test_no_subscription_takes_more_than_its_places(application: Application) -> None:
    busy, calm = make_hook(application), make_hook(application)
    make_events(busy, 70)
    make_event(calm)
    feed.number_due()

    assert claimed(limit=200, shares={busy.pk: 64}) == {busy.pk: 64, calm.pk: 1}
    assert claimed(limit=200, shares={busy.pk: 64}) == {}


def test_a_receiver_gets_more_at_once_the_more_it_has_taken(application: Application) -> None:
    hook = make_hook(application)
    make_events(hook, 80)
    feed.number_due()
    shares = webhooks.Shares()

    assert claimed(limit=200, shares=shares.current()) == {hook.pk: 16}
    for _ in range(16):
        shares.note(hook.pk, has_succeeded=True)
    assert claimed(limit=200, shares=shares.current()) == {hook.pk: 16}
    for _ in range(100):
        shares.note(hook.pk, has_succeeded=True)
    assert shares.current() == {hook.pk: 64}
    shares.note(hook.pk, has_succeeded=False)
    assert shares.current() == {}


def test_the_places_are_shared_out_evenly(application: Application) -> None:
    hooks = [make_hook(application) for _ in range(2)]
    for hook in hooks:
        make_events(hook, 10)
    feed.number_due()

    assert claimed(limit=8) == {hook.pk: 4 for hook in hooks}


def test_those_that_fail_leave_places_to_those_that_are_well(application: Application) -> None:
    failing = [make_hook(application, failing_since=an_hour_ago()) for _ in range(4)]
    well = make_hook(application)
    for hook in (*failing, well):
        make_events(hook, 2)
    feed.number_due()

    found = claimed(limit=10, to_failing=3)

    assert (found[well.pk], found.total()) == (2, 5)


@pytest.mark.django_db(transaction=True)
def test_two_that_claim_at_once_never_take_the_same(application: Application) -> None:
    events = [one for _ in range(4) for one in make_events(make_hook(application), 10)]
    feed.number_due()

    found = at_once(lambda: webhooks.claim_due(limit=7), lambda: webhooks.claim_due(limit=7))
    while more := webhooks.claim_due(limit=7):
        found.append(more)

    taken = [claim.id for claims in found for claim in claims]
    assert sorted(taken) == sorted(one.id for one in events)


@pytest.mark.django_db(transaction=True)
def test_one_worker_asks_a_receiver_that_is_paused(application: Application) -> None:
    paused = make_hook(application, paused_at=an_hour_ago(), probe_at=an_hour_ago())
    make_events(paused, 5)
    feed.number_due()

    found = at_once(*[lambda: webhooks.claim_due(limit=10)] * 4)

    assert sorted(map(len, found)) == [0, 0, 0, 1]


def at_once(*commands: Callable[[], list[Claim]]) -> list[list[Claim]]:
    """Run commands in threads that begin together; give what they gave."""
    barrier = threading.Barrier(len(commands))

    def run(command: Callable[[], list[Claim]]) -> list[Claim]:
        try:
            barrier.wait(10)
            return command()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands))


def test_what_has_become_too_late_is_not_sent(application: Application) -> None:
    make_event(make_hook(application), not_after=an_hour_ago())
    feed.number_due()

    assert webhooks.claim_due(limit=10) == []


def test_a_receiver_that_fails_costs_one_place(
    application: Application, receiver_of: MakeReceiver
) -> None:
    hook = make_hook(application, receiver_of(), failing_since=an_hour_ago())
    for _ in range(5):
        make_event(hook)
    feed.number_due()

    assert len(webhooks.claim_due(limit=10)) == 1
    assert webhooks.claim_due(limit=10) == []


def test_what_was_planned_for_a_deleted_subscription_is_cancelled(
    application: Application,
) -> None:
    deleted, kept = make_hook(application), make_hook(application)
    orphan, other = make_event(deleted), make_event(kept)
    deleted.secrets.all().delete()
    deleted.delete()

    assert webhooks.cancel_orphans() == 1

    assert [status for status, *_ in standing(orphan, other)] == ["CANCELLED", "INITIALIZED"]
    assert NotificationEvent.objects.get().message == "The webhook subscription was deleted."


# --- Away for a day ---------------------------------------------------------------------------


def test_a_failure_begins_to_count_and_a_success_ends_it(
    application: Application, receiver_of: MakeReceiver
) -> None:
    hook = make_hook(application, receiver_of(in_turn(answering(500), answering(204))))
    make_event(hook)

    deliver_due()
    since = fresh(hook).failing_since
    come_due()
    deliver_due()

    assert (since is not None, fresh(hook).failing_since) == (True, None)


def test_after_a_day_of_failures_a_subscription_pauses_and_its_owner_is_told_once(
    application: Application, receiver_of: MakeReceiver, mailbox: Mailbox
) -> None:
    hook = make_hook(
        application,
        receiver_of(answering(500)),
        name="CRM",
        contact="ops@example.org",
        failing_since=timezone.now() - DAY,
    )
    make_event(hook)

    deliver_due()

    assert fresh(hook).paused_at is not None
    assert (owners.tell_owners(), owners.tell_owners()) == (1, 0)
    [told] = mailbox.to("ops@example.org")
    assert told["Subject"] == "Your webhook CRM is paused"
    assert "Nothing is lost" in told.get_content()
    assert "Last answer: " in told.get_content()


def test_a_success_ends_a_failure_that_was_written_down_after_it_began(
    application: Application,
) -> None:
    hook = make_hook(application)
    webhooks.note_health([Health(subscription_id=hook.pk, has_succeeded=False)])
    assert fresh(hook).failing_since is not None

    webhooks.note_health([Health(subscription_id=hook.pk, has_succeeded=True)])

    assert fresh(hook).failing_since is None


def test_a_contact_that_no_server_takes_does_not_hold_up_the_others(
    application: Application, mailbox: Mailbox
) -> None:
    bad, good = (
        make_hook(
            application, contact=contact, paused_at=an_hour_ago(), failing_since=an_hour_ago()
        )
        for contact in ("nobody@example.org", "ops@example.org")
    )
    mailbox.refused["nobody@example.org"] = "550 5.1.1 No such mailbox"

    owners.tell_owners()

    assert len(mailbox.to("ops@example.org")) == 1
    assert None not in (fresh(bad).owner_told_at, fresh(good).owner_told_at)


def test_an_owner_is_told_once_the_mail_server_is_back(
    application: Application, settings: Settings, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = make_hook(
        application,
        contact="ops@example.org",
        paused_at=an_hour_ago(),
        failing_since=timezone.now() - DAY,
    )
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    assert owners.tell_owners() == 0
    settings.EMAIL_PORT = port

    assert owners.tell_owners() == 0
    monkeypatch.setattr(owners, "_again_at", {})
    assert owners.tell_owners() == 1

    assert fresh(hook).owner_told_at is not None


def test_while_it_is_paused_only_the_oldest_event_asks_now_and_then(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of(answering(500))
    hook = make_hook(
        application,
        receiver,
        failing_since=timezone.now() - 2 * DAY,
        paused_at=an_hour_ago(),
        probe_at=timezone.now(),
    )
    events = [make_event(hook) for _ in range(3)]

    assert (deliver_due(), deliver_due()) == (1, 0)

    assert ids(receiver, hook) == [events[0].id]
    assert (fresh(hook).probe_at or timezone.now()) > timezone.now() + timedelta(minutes=10)
    assert [retries for _, retries, _ in standing(*events)] == [0, 0, 0]


def paused_hook(application: Application, receiver: Receiver) -> Subscription:
    return make_hook(
        application,
        receiver,
        failing_since=timezone.now() - 2 * DAY,
        paused_at=an_hour_ago(),
        probe_at=timezone.now(),
    )


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_to_ask_uses_up_no_attempt_and_each_time_another_event_asks(
    application: Application, receiver_of: MakeReceiver, status: int
) -> None:
    receiver = receiver_of(answering(status))
    hook = paused_hook(application, receiver)
    events = make_events(hook, 2)

    for _ in range(2):
        deliver_due()
        probes_come_due()

    assert ids(receiver, hook) == [one.id for one in events]
    assert standing(*events) == [(Status.PENDING, 0, str(status))] * 2


def test_an_event_that_no_receiver_can_read_does_not_ask_again(
    application: Application, receiver_of: MakeReceiver
) -> None:
    hook = paused_hook(application, receiver_of(in_turn(answering(400), answering(204))))
    bad, good = make_events(hook, 2)

    deliver_due()
    probes_come_due()
    deliver_due()

    assert [status for status, *_ in standing(bad, good)] == [Status.FAILED, Status.DELIVERED]
    assert fresh(hook).paused_at is None


def test_when_it_is_back_everything_follows_in_order_from_where_it_stood(
    application: Application, receiver_of: MakeReceiver
) -> None:
    receiver = receiver_of()
    hook, subject = (
        make_hook(
            application,
            receiver,
            failing_since=timezone.now() - 2 * DAY,
            paused_at=an_hour_ago(),
            probe_at=timezone.now(),
        ),
        uuid7(),
    )
    events = [make_event(hook, subject=subject, sequence=number) for number in range(1, 5)]

    while deliver_due():
        pass

    assert ids(receiver, hook) == [one.id for one in events]
    back = fresh(hook)
    assert (back.paused_at, back.failing_since, back.probe_at) == (None, None, None)


# --- Neighbours -------------------------------------------------------------------------------


def test_a_hanging_receiver_costs_its_own_seconds_and_nobody_elses(
    application: Application, receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.webhook_lane._LIMITS", (0.5, 0.5, 0.5))
    hanging = make_hook(application, receiver_of(lambda _connection, over: over.wait(5)))
    good = receiver_of()
    hook = make_hook(application, good)
    stuck, fine = make_event(hanging), make_event(hook)

    deliver_due()

    assert ids(good, hook) == [fine.id]
    assert standing(stuck, fine) == [(Status.PENDING, 1, ""), (Status.DELIVERED, 0, "204")]


def test_a_subscription_that_cannot_be_opened_does_not_stop_the_others(
    application: Application, receiver_of: MakeReceiver
) -> None:
    keyless = make_hook(application, receiver_of())
    keyless.secrets.all().delete()
    broken = make_event(keyless)
    fine = make_event(make_hook(application, receiver_of()))

    deliver_due()

    assert [status for status, *_ in standing(broken, fine)] == [Status.PENDING, Status.DELIVERED]


def test_a_private_address_is_refused_unless_it_is_allowed(
    application: Application, receiver_of: MakeReceiver, settings: Settings
) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = False
    receiver = receiver_of()
    one = make_event(make_hook(application, receiver))

    deliver_due()

    assert receiver.connections == 0
    assert standing(one)[0][0] == Status.FAILED


# --- What it costs ----------------------------------------------------------------------------


def test_a_claim_reads_nobodys_backlog_nor_what_was_sent(application: Application) -> None:
    paused = make_hook(application, paused_at=timezone.now(), probe_at=timezone.now() + DAY)
    failing = make_hook(application, failing_since=an_hour_ago())
    hook = make_hook(application)
    sent = make_events(hook, 300)
    for one in (paused, failing, hook):
        make_events(one, 300)
    feed.number_due()
    feed.number_due()
    Notification.objects.update(due_at=an_hour_ago())
    Notification.objects.filter(pk__in=[one.pk for one in sent]).update(
        status=Status.DELIVERED, due_at=None
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_notification, notifications_subscription")
        # Two thousand rows may well be read whole; it is the way into many that matters.
        for whole in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{whole} = off")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {webhooks._CLAIM}",
            {
                "limit": 50,
                "to_failing": 10,
                "to_ask": [],
                "known": [],
                "sizes": [],
                "at_first": 16,
                "patience": 3,
                "lease": 60,
                "lost": LOST,
                "events": [uuid7() for _ in range(50)],
            },
        )
        [[plan]] = cursor.fetchall()

    document = plan if isinstance(plan, list) else orjson.loads(plan)
    read = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(document[0]["Plan"])
        if node.get("Relation Name") == "notifications_notification" and "Scan" in node["Node Type"]
    ]
    # One step for each that has something waiting, and what it is given.
    assert max(read) <= 2 + 16


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
