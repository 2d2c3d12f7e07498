"""Measure what the product promises to be, and print it beside the targets.

`make bench` starts a PostgreSQL and a Redis for it; by hand, DATABASE_URL and REDIS_URL name them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import django


def main() -> int:
    """Run the benchmarks that were asked for; 0 when each of their targets is met."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported from here on.
    from tests.bench import catalogue, progress, table  # noqa: PLC0415

    names = [one.name for one in catalogue.BENCHMARKS]
    wanted = _parse(names)
    options = table.Options(is_full=wanted.full, rounds=wanted.rounds, seconds=wanted.seconds)
    rows: list[table.Row] = []
    for one in catalogue.BENCHMARKS:
        if one.name in wanted.only or (not wanted.only and (wanted.full or not one.is_long)):
            begin = time.monotonic()
            progress.say(f"{one.name}: row {', '.join(map(str, one.numbers))} …")
            rows += one.measure(options)
            progress.say(f"{one.name}: {time.monotonic() - begin:.0f} s")
    print(table.render(rows))
    missed = sum(row.is_met is False for row in rows)
    print(f"\n{len(rows)} figures, {missed} targets missed.")
    return 1 if missed else 0


def _parse(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--full",
        action="store_true",
        default=os.environ.get("BENCH_FULL", "0") == "1",
        help="grow to 5,000,000 appointments, and run what takes minutes (BENCH_FULL=1)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=names, default=[], metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of one (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
