"""Row 18: what it costs to know who is asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from agents.models import User
from agents.services import tokens
from agents.services.callers import actor_of
from tests.bench.databases import connected, sized
from tests.bench.lists import SMALL
from tests.bench.statements import recorded
from tests.bench.table import Options, Row


def measure_authentication(options: Options) -> Iterator[Row]:
    """Time the reading of a token, and all that a request does to have an actor."""
    data = sized(SMALL)
    with connected(data.name):
        # As the first request of each caller has it, and as all others have it.
        supervisor = User.objects.get(pk=data.supervisor_id)
        known = data.token()
        fresh = iter([tokens.access_for_user(supervisor) for _ in range(options.rounds * 500)])
        first = _microseconds(lambda: tokens.read_own(next(fresh), use="access"), options)
        again = _microseconds(lambda: tokens.read_own(known, use="access"), options)
        whole = _microseconds(lambda: actor_of(known, origin="bench"), options)
        with recorded() as found:
            actor_of(known, origin="bench")
    yield Row(
        number=18,
        name="authentication",
        what="JWT (HS256) read for the first time, and again; with the user row",
        target="≤ 90 µs + the user row",
        figure=f"{first:.0f} µs, {again:.0f} µs; {whole:.0f} µs with {len(found)} statement",
        is_met=max(first, again) <= 90 and len(found) == 1,
    )


def _microseconds(work: Callable[[], object], options: Options) -> float:
    """Give the CPU time of one call: the median of rounds."""
    rounds = []
    for _ in range(options.rounds):
        begin = time.process_time()
        for _ in range(500):
            work()
        rounds.append((time.process_time() - begin) / 500 * 1e6)
    return median(rounds)
