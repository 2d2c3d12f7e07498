"""Gate 4: hundreds who want one slot, and a client that asks for one thing fifty times."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from django.http import HttpResponse
from django.utils import timezone

from appointments.models import Appointment
from config.kernel.time import format_instant
from notifications.models import Notification, NotificationType
from tests.bench.progress import say
from tests.contract.client import check
from tests.contract.samples import booking
from tests.gates.bookings import APPOINTMENTS
from tests.gates.http import Answer
from tests.gates.stage import Stage, an_agent, bank, client_token
from tests.gates.verdict import Check, Size, counted

_WANTED = 200
_SAME = 50


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Book one slot from everywhere at once, by the server of production and the local one."""
    token = client_token(bank())
    posts = [
        partial(web.post, APPOINTMENTS)
        for web in (stage.start_web(token), stage.start_local_web(token))
    ]
    return [*_one_slot(posts, size.of(20, 3)), *_one_key(posts, size.of(20, 3))]


def _one_slot(posts: Sequence[Callable[..., Answer]], rounds: int) -> list[Check]:
    application, agent = bank(), an_agent(bank())
    bodies = [
        booking(
            application,
            start=format_instant(_on_day(number)),
            targetAssignment={"type": "AGENT", "id": str(agent.id)},
        )
        for number in range(rounds)
    ]
    outcomes = []
    statuses: Counter[int] = Counter()
    slowest = 0.0
    for number, body in enumerate(bodies, 1):
        answers = _at_once([partial(posts[each % 2], body) for each in range(_WANTED)])
        outcomes.append(Counter(answer.status for answer in answers))
        statuses.update(outcomes[-1])
        slowest = max(slowest, *(answer.seconds for answer in answers))
        say(f"slot: round {number}: {dict(outcomes[-1])}")
    good = sum(one == {200: 1, 409: _WANTED - 1} for one in outcomes)
    rows = Appointment.objects.filter(application=application).count()
    told = Notification.objects.filter(type=NotificationType.CREATE, recipient_type="CUSTOMER")
    return [
        Check(
            f"{rounds} × {_WANTED} bookings of one slot: {counted(statuses)},"
            f" the slowest answer {slowest:.1f} s",
            good == rounds,
        ),
        Check(f"{rows} appointments, {told.count()} told", rows == told.count() == rounds),
    ]


def _one_key(posts: Sequence[Callable[..., Answer]], rounds: int) -> list[Check]:
    application = bank()
    before = Appointment.objects.count()
    good = 0
    statuses: Counter[int] = Counter()
    for number in range(rounds):
        body = booking(application, start=format_instant(_on_day(100 + number)))
        headers = {"Idempotency-Key": f"one of {_SAME}, round {number}"}
        answers = _at_once([partial(posts[each % 2], body, headers) for each in range(_SAME)])
        statuses.update(answer.status for answer in answers)
        good += len({answer.body for answer in answers}) == 1
        say(f"slot: key {number + 1}: {dict(Counter(answer.status for answer in answers))}")
    made = Appointment.objects.count() - before
    return [
        Check(
            f"{rounds} × {_SAME} requests with one Idempotency-Key: {counted(statuses)},"
            f" {good} times one answer for all, {made} appointments",
            set(statuses) == {200} and good == made == rounds,
        )
    ]


def _at_once(requests: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Send all of them at the same moment, and hold each answer against the contract."""
    together = threading.Barrier(len(requests))

    def send(request: Callable[[], Answer]) -> Answer:
        together.wait(timeout=60)
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(send, requests))
    for answer in answers:
        if answer.status:
            promised = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
            check("POST", APPOINTMENTS, promised)
    return answers


def _on_day(number: int) -> datetime:
    return timezone.now().replace(microsecond=0) + timedelta(days=1 + number)
