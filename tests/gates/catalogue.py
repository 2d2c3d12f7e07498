"""The gates in their order, and what becomes of one that breaks down."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence

from django.core.management import call_command
from django.test.utils import override_settings

from tests.bench.progress import say
from tests.gates import chaos, crash, desks, fuzz, lateness, outage, slot, tenants, webhooks
from tests.gates.house import House
from tests.gates.stage import Stage, stage_for
from tests.gates.verdict import Check, Size, Verdict

Drill = Callable[[Stage, Size], Sequence[Check]]

# The numbers are those of RELIABILITY.md.
_GATES: dict[str, tuple[int, Drill]] = {
    "crash": (1, crash.drill),
    "outage": (2, outage.drill),
    "lateness": (3, lateness.drill),
    "slot": (4, slot.drill),
    "fuzz": (5, fuzz.drill),
    "tenants": (6, tenants.drill),
    "webhooks": (7, webhooks.drill),
    # Those of `make chaos` have numbers of their own.
    "killed": (1, chaos.killed),
    "redis": (2, chaos.without_redis),
    "postgres": (3, chaos.without_postgres),
    "beats": (4, chaos.two_beats),
    "clocks": (5, chaos.wrong_clocks),
    "storm": (6, chaos.storm),
    "desks": (7, desks.drill),
}

# What is taken away from the house here is spoken of in its logs.
_TROUBLED = frozenset({"outage", "redis", "postgres", "storm"})


def judge(house: House, name: str, size: Size) -> Verdict:
    """Run one gate on a stage of its own; what breaks it down fails it."""
    number, drill = _GATES[name]
    say(f"{name} …")
    begun = time.monotonic()
    call_command("migrate", verbosity=0)
    try:
        # The people of the drills have passwords that nobody guesses; Argon2 takes its time.
        with (
            override_settings(
                ALLOWED_HOSTS=["*"],
                PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            ),
            stage_for(house, name) as stage,
        ):
            checks = [*drill(stage, size)]
            if name not in _TROUBLED:
                errors = stage.errors()
                checks.append(Check(f"{errors} errors in the logs", not errors))
    except Exception as error:  # noqa: BLE001  # the other gates are run all the same
        traceback.print_exc()
        checks = [Check(f"broke down: {type(error).__name__}: {error}", is_met=False)]
    seconds = time.monotonic() - begun
    verdict = Verdict(number=number, name=name, checks=checks, seconds=seconds)
    say(verdict.line())
    return verdict
