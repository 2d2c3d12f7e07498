"""Rows 4 and 5: how many appointments there are at a time, at two sizes of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

from appointments.counting import count_overlaps, count_slots
from tests.bench.databases import Sized, connected, sized
from tests.bench.lists import SMALL, big
from tests.bench.statements import Cost, cost_of, recorded
from tests.bench.table import Options, Row


def measure_counts(options: Options) -> Iterator[Row]:
    """Time both counts inside PostgreSQL; of several moments the median."""
    small, large = sized(SMALL), sized(big(options))
    slots = [_cost(data, _slots) for data in (small, large)]
    growth = slots[1].milliseconds / slots[0].milliseconds
    yield Row(
        number=4,
        name="count",
        what=f"slots of two hours, from {SMALL:,} to {large.appointments:,} appointments",
        target="growth ≤ 1.2 ×",
        figure=f"{growth:.2f} ×: {slots[0].milliseconds:.2f} to {slots[1].milliseconds:.2f} ms",
        is_met=growth <= 1.2,
    )
    overlaps = [_cost(data, _overlaps) for data in (small, large)]
    yield Row(
        number=5,
        name="overlap count",
        what=f"overlaps of half an hour at {large.appointments:,}, in PostgreSQL",
        target="≤ 0.45 ms",
        figure=f"{overlaps[1].milliseconds:.2f} ms, {overlaps[1].blocks} blocks"
        f" ({overlaps[0].milliseconds:.2f} ms at {SMALL:,})",
        is_met=overlaps[1].milliseconds <= 0.45,
    )


def _slots(data: Sized, start: datetime) -> object:
    until = start + timedelta(hours=2)
    return count_slots(
        str(data.organization_id), str(data.application_id), start=start, until=until
    )


def _overlaps(data: Sized, start: datetime) -> object:
    end = start + timedelta(minutes=30)
    return count_overlaps(str(data.organization_id), str(data.application_id), start=start, end=end)


def _cost(data: Sized, ask: Callable[[Sized, datetime], object]) -> Cost:
    noon = data.made_at.astimezone(UTC).replace(hour=12, minute=10, second=0, microsecond=0)
    costs = []
    with connected(data.name):
        for day in range(1, 8):
            with recorded() as found:
                ask(data, noon + timedelta(days=day))
            costs.append(cost_of(found[-1], rounds=7))
    return Cost(
        milliseconds=median(cost.milliseconds for cost in costs),
        blocks=max(cost.blocks for cost in costs),
    )
