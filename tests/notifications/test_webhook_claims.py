"""Webhooks: whose turn it is, and what one receiver costs the others."""

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
from notifications.models import (
    Notification,
    NotificationEvent,
    Status,
)
from notifications.services import feed, webhooks
from notifications.services.queue import LOST, Claim
from notifications.webhook_lane import deliver_due
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import (
    an_hour_ago,
    come_due,
    ids,
    make_event,
    make_events,
    make_hook,
    standing,
)
from tests.notifications.ledger import SWITCHES

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("receiver_of")]

DAY = timedelta(days=1)
MakeReceiver = Callable[..., Receiver]


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


# --- Neighbours -------------------------------------------------------------------------------


def test_a_hanging_receiver_costs_its_own_seconds_and_nobody_elses(
    application: Application, receiver_of: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.webhook_lane.LIMITS", (0.5, 0.5, 0.5))
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
