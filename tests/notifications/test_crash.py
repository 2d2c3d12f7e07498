"""Workers that die, are stopped, or have lost their broker: nothing is lost for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from notifications.models import Notification
from notifications.models.kinds import Status
from notifications.services.dispatch import IN_FLIGHT
from tests.notifications.ledger import make_application, make_notifications
from tests.notifications.workers import NOBODY, WorkerProcess, wait_until

if TYPE_CHECKING:
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


def arrivals(mailbox: Mailbox) -> Counter[str]:
    return Counter(str(message["Message-ID"]) for message in list(mailbox.messages))


def count_of(status: Status) -> int:
    return Notification.objects.filter(status=status).count()


def test_workers_that_are_killed_lose_nothing_and_repeat_at_most_what_was_in_flight(
    mailbox: Mailbox,
) -> None:
    count, kills = 300, 3
    make_notifications(make_application(), count=count)
    victim, other = (WorkerProcess(mailbox, NOTIFICATIONS_BATCH="20") for _ in range(2))

    for kill in range(1, kills + 1):
        enough = count * kill // (kills + 1)
        wait_until(lambda enough=enough: len(mailbox.deliveries) >= enough)  # type: ignore[misc]  # a default
        victim.kill()
        victim, other = other, WorkerProcess(mailbox, NOTIFICATIONS_BATCH="20")
    with victim, other:
        wait_until(lambda: count_of(Status.DELIVERED) == count)

    arrived = arrivals(mailbox)
    assert len(arrived) == count
    assert arrived.total() - count <= kills * IN_FLIGHT


@pytest.mark.parametrize("broker", [None, NOBODY], ids=["with a broker", "without a broker"])
def test_workers_that_are_stopped_lose_nothing_and_repeat_nothing(
    mailbox: Mailbox, broker: str | None
) -> None:
    count = 400
    make_notifications(make_application(), count=count)

    with WorkerProcess(mailbox, broker=broker) as worker:
        wait_until(lambda: len(mailbox.deliveries) >= count // 10)
        assert worker.stop() == 0
    delivered = count_of(Status.DELIVERED)
    assert arrivals(mailbox).total() == delivered < count
    assert Notification.objects.unsent().filter(lease_until=None).count() == count - delivered
    with WorkerProcess(mailbox, broker=broker):
        wait_until(lambda: count_of(Status.DELIVERED) == count)

    arrived = arrivals(mailbox)
    assert (len(arrived), arrived.total()) == (count, count)
