"""Everything that is measured, in the order of the table."""

from tests.bench import (
    bookings,
    counts,
    delivering,
    entering,
    history,
    lists,
    pushing,
    slots,
    telling,
)
from tests.bench.table import Benchmark

BENCHMARKS = [
    Benchmark("list", [1], lists.measure_list),
    Benchmark("statements", [2], lists.measure_statements),
    Benchmark("growth", [3], lists.measure_growth),
    Benchmark("counts", [4, 5], counts.measure_counts),
    Benchmark("totals", [6, 7], lists.measure_totals),
    Benchmark("booking", [2, 8, 12], bookings.measure_bookings),
    Benchmark("planning", [8], bookings.measure_planning),
    Benchmark("history", [3], history.measure_history),
    Benchmark("reminders", [9], telling.measure_reminders),
    Benchmark("lateness", [10], telling.measure_lateness, is_long=True),
    Benchmark("webhooks", [11], delivering.measure_webhooks),
    Benchmark("texts", [9], delivering.measure_texts),
    Benchmark("push", [13, 14, 15], pushing.measure_push),
    Benchmark("idle", [17], pushing.measure_idle, is_long=True),
    Benchmark("authentication", [18], entering.measure_authentication),
    Benchmark("slots", [19], slots.measure_slots),
    Benchmark("feed", [20], slots.measure_feed),
]
