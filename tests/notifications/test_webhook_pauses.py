"""Webhooks: receivers that are away for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from config.kernel.ids import uuid7
from notifications.models import (
    Status,
    Subscription,
)
from notifications.services import owners, webhooks
from notifications.services.webhooks import Health
from notifications.webhook_lane import deliver_due
from tests.kernel.receivers import Receiver
from tests.notifications.hooks import (
    an_hour_ago,
    come_due,
    fresh,
    ids,
    make_event,
    make_events,
    make_hook,
    probes_come_due,
    standing,
)
from tests.notifications.webhooks import answering, in_turn

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application
    from tests.mailbox import Mailbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("receiver_of")]

DAY = timedelta(days=1)
MakeReceiver = Callable[..., Receiver]


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
