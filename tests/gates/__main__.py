"""Drill the finished product: kill it, cut it off, crowd it, and count what is lost.

Everything runs on a PostgreSQL and a Redis of its own, under var/gates.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import django

from config.local.environment import ROOT
from config.local.home import Home
from config.local.refusals import StartRefused
from config.local.run import occupied
from tests.bench.progress import say
from tests.gates.house import House, house_at
from tests.gates.verdict import Size

GATES = ("crash", "outage", "lateness", "slot", "fuzz", "tenants", "webhooks")
CHAOS = ("killed", "redis", "postgres", "beats", "clocks", "storm", "desks")
NAMES = (*GATES, *CHAOS)
_REQUESTS = 50_000


def main() -> int:
    """Run the gates that were asked for; 0 when all of them are passed."""
    wanted = _parse()
    size = Size(
        is_small=wanted.small,
        requests=wanted.requests or (_REQUESTS // 50 if wanted.small else _REQUESTS),
    )
    home = Home.at(str(Path(os.environ.get("FRONTDESK_HOME", ROOT / "var")) / "gates"))
    try:
        with occupied(home) as roll, house_at(home, roll) as house:
            return _run(house, wanted.names or [*(CHAOS if wanted.chaos else GATES)], size)
    except StartRefused as refusal:
        say(f"frontdesk: {refusal}")
        return refusal.exit_status


def _run(house: House, names: list[str], size: Size) -> int:
    environment = house.environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    django.setup()
    # Models can be imported from here on.
    from tests.gates import catalogue  # noqa: PLC0415

    verdicts = [catalogue.judge(house, name, size) for name in NAMES if name in names]
    print(*(verdict.line() for verdict in verdicts), sep="\n")  # noqa: T201  # the answer
    failed = [verdict.name for verdict in verdicts if not verdict.is_passed]
    say(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gates", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--chaos", action="store_true", help=f"these alone: {', '.join(CHAOS)}")
    parser.add_argument("--small", action="store_true", help="a tenth of the size, or less")
    parser.add_argument(
        "--requests", type=int, help=f"of the fuzzer (default {_REQUESTS:,}; small: a fiftieth)"
    )
    wanted = parser.parse_args()
    unknown = set(wanted.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no gate {', '.join(sorted(unknown))}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
