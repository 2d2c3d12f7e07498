"""Gate 1: workers that are killed, and workers that are stopped, one after another."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from subprocess import TimeoutExpired

from django.conf import settings

from notifications.models import Notification, NotificationContent, NotificationEvent
from notifications.services.dispatch import IN_FLIGHT
from tests.bench.progress import say
from tests.gates.house import Part
from tests.gates.stage import Stage, care, lost, plan, wait_for_all
from tests.gates.verdict import Check, Size

# A worker with nothing to do, as everything is under a dead one's lease, is not waited for longer.
_IDLE_SECONDS = 10.0
_dice = random.Random()


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Send what is due with workers that are killed, then with workers that are stopped."""
    return [*_killed(stage, size), *_stopped(stage, size)]


def _killed(stage: Stage, size: Size) -> list[Check]:
    count, kills = size.of(10_000, 500), size.of(100, 5)
    addresses = plan(care(), count, seconds=0)
    sending = 0
    for number in range(kills):
        worker = stage.start("worker")
        sending += _wait_for_share(stage, count, of=kills - number)
        stage.house.end(worker, signal.SIGKILL)
        if number % 10 == 9:
            say(f"crash: {number + 1} × SIGKILL, {stage.arrivals.count():,} arrived")
    _drain(stage)
    arrived = stage.arrivals.all()
    repeats = len(arrived) - len({arrival.address for arrival in arrived})
    ids = {(arrival.address, arrival.message_id) for arrival in arrived}
    missing = set(addresses) - {address for address, _ in ids}
    doubled = len(ids) - len({address for address, _ in ids})
    again = Counter(arrival.address for arrival in arrived)
    unseen = {address for address, times in again.items() if times > 1} - _known_as_lost()
    return [
        Check(f"{count:,} due, {kills} × SIGKILL, {sending} of them while mails went out"),
        Check(f"{len(missing)} lost", not missing and not lost()),
        Check(f"{repeats} repeated (allowed: {kills * IN_FLIGHT:,})", repeats <= kills * IN_FLIGHT),
        Check(f"{doubled} doubled for who honours Message-ID", not doubled),
        Check(f"{len(unseen)} repeats that the history does not show", not unseen),
    ]


def _stopped(stage: Stage, size: Size) -> list[Check]:
    count, stops = size.of(10_000, 500), size.of(50, 3)
    before = stage.arrivals.count()
    plan(care(), count, seconds=0)
    statuses: Counter[str] = Counter()
    longest = 0.0
    for number in range(stops):
        worker = stage.start("worker")
        _wait_for_share(stage, before + count, of=stops - number)
        began = time.monotonic()
        statuses[_end_of(stage, worker)] += 1
        longest = max(longest, time.monotonic() - began)
        if number % 10 == 9:
            say(f"crash: {number + 1} × SIGTERM, {stage.arrivals.count() - before:,} arrived")
    held = Notification.objects.filter(lease_until__isnull=False).count()
    _drain(stage)
    arrived = stage.arrivals.all()[before:]
    missing = count - len({arrival.address for arrival in arrived})
    repeats = len(arrived) - len({arrival.address for arrival in arrived})
    return [
        Check(f"{count:,} due, {stops} × SIGTERM, the slowest end took {longest:.1f} s"),
        Check(f"{missing} lost", not missing and not lost()),
        Check(f"{repeats} repeated", not repeats),
        Check(f"{held} not given back", not held),
        Check(f"ended with {dict(statuses)}", set(statuses) == {"status 0"}),
    ]


def _end_of(stage: Stage, worker: Part) -> str:
    try:
        return f"status {stage.house.end(worker)}"
    except TimeoutExpired:
        stage.house.end(worker, signal.SIGKILL)
        return "no end"


def _wait_for_share(stage: Stage, count: int, *, of: int) -> bool:
    """Wait until about its share has arrived; say whether anything has since it started.

    Some shares are empty, so that a worker also ends while it starts.
    """
    before = stage.arrivals.count()
    wanted = before + int(_dice.uniform(0, 2) * (count - before) / of)
    if wanted == before:
        time.sleep(_dice.uniform(0, 3))
    last, seen_at = before, time.monotonic()
    while (now := stage.arrivals.count()) < wanted and time.monotonic() < seen_at + _IDLE_SECONDS:
        if now > last:
            last, seen_at = now, time.monotonic()
        time.sleep(_dice.uniform(0, 0.002))
    return stage.arrivals.count() > before


def _drain(stage: Stage) -> None:
    """Send the rest with a worker that nobody disturbs, when the leases of the dead are over."""
    worker = stage.start("worker")
    lease = settings.NOTIFICATIONS_LEASE.total_seconds()
    wait_for_all(within=lease + 120, name=stage.name)
    stage.house.end(worker)


def _known_as_lost() -> set[str]:
    """Give the addresses whose history says that an attempt came to no known end."""
    events = NotificationEvent.objects.filter(message__startswith="The attempt before this one")
    contents = NotificationContent.objects.filter(notification__in=events.values("notification_id"))
    return set(contents.values_list("address", flat=True))
