"""Customers who book all the while, and do not give up: each booking has its own key."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from config.kernel.time import format_instant
from tests.gates.http import NOTHING, Answer, Web

APPOINTMENTS = "/api/v2/appointments/"
_PAUSE = 0.25
_LAST_TRIES_SECONDS = 60.0
# Nobody books twice, in the whole of a drill.
_numbers = count(1)
# What a client tries again, and what it would not.
AWAY = frozenset({NOTHING, 503})


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A booking that was answered 200, and by what it is known outside."""

    appointment_id: str
    address: str
    answered_at: float


@dataclass
class Ledger:
    """What the customers have seen; all threads write into it."""

    # What `list.append` does is done at once.
    answers: list[Answer] = field(default_factory=list)
    booked: list[Booked] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def statuses(self) -> set[int]:
        """Give every status that anybody got."""
        return {answer.status for answer in self.answers}

    def slowest(self) -> float:
        """Give the longest time that an answer took."""
        return max((answer.seconds for answer in self.answers), default=0.0)

    def between(self, first: float, last: float) -> list[Answer]:
        """Give the answers that came within a time."""
        return [one for one in self.answers if first <= one.ended_at < last]


@contextmanager
def booking_all_the_while(
    web: Web, body_for: Callable[[str], dict[str, Any]], *, customers: int = 4
) -> Iterator[Ledger]:
    """Have customers book, and one client list, until the block ends; what is open is finished."""
    ledger, ending = Ledger(), threading.Event()
    threads = [
        threading.Thread(target=_book, args=(web, body_for, ledger, ending), daemon=True)
        for _ in range(customers)
    ]
    threads.append(threading.Thread(target=_list, args=(web, ledger, ending), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        ending.set()
        for thread in threads:
            thread.join(_LAST_TRIES_SECONDS + 10)


def _book(
    web: Web,
    body_for: Callable[[str], dict[str, Any]],
    ledger: Ledger,
    ending: threading.Event,
) -> None:
    dice = random.Random()
    while not ending.is_set():
        address = f"customer{next(_numbers)}@example.net"
        body, until = body_for(address), None
        while True:
            answer = web.post(APPOINTMENTS, body, {"Idempotency-Key": address})
            ledger.answers.append(answer)
            if answer.status == 200:
                ledger.booked.append(
                    Booked(
                        appointment_id=answer.json()["id"],
                        address=address,
                        answered_at=answer.ended_at,
                    )
                )
                break
            until = until or time.monotonic() + _LAST_TRIES_SECONDS
            if answer.status not in AWAY or time.monotonic() > until:
                ledger.given_up.append(address)
                break
            time.sleep(_PAUSE)
        ending.wait(dice.uniform(0, 2 * _PAUSE))


def _list(web: Web, ledger: Ledger, ending: threading.Event) -> None:
    while not ending.is_set():
        ledger.answers.append(web.get(f"{APPOINTMENTS}?size=5"))
        ending.wait(_PAUSE / 2)


def body_maker(make: Callable[..., dict[str, Any]], application: Any) -> Callable[[str], Any]:
    """Give what makes the body of a customer's booking, ten days from now."""

    def body_for(address: str) -> dict[str, Any]:
        start = timezone.now().replace(microsecond=0) + timedelta(days=10)
        return make(
            application,
            start=format_instant(start),
            customers=[{"contact": {"primaryEmail": address}}],
        )

    return body_for
