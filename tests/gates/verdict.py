"""What a drill found: one line for each gate, with its figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One finding in words, with its figure; `is_met` is None where nothing was promised."""

    text: str
    is_met: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much a run does: what the gates ask for, or a tenth and less of it."""

    is_small: bool
    # Of the fuzzer.
    requests: int

    def of(self, full: int, small: int) -> int:
        """Give one of the two numbers."""
        return small if self.is_small else full


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One gate: it is passed when no check has failed."""

    number: int
    name: str
    checks: Sequence[Check]
    seconds: float

    @property
    def is_passed(self) -> bool:
        """Say whether everything that was promised was so."""
        return all(check.is_met is not False for check in self.checks)

    def line(self) -> str:
        """Give the line of the gate; what failed is marked."""
        word = "pass" if self.is_passed else "FAIL"
        findings = "; ".join(
            f"FAILED: {check.text}" if check.is_met is False else check.text
            for check in self.checks
        )
        return f"{self.number} {self.name:<9} {word}  {findings} ({self.seconds:.0f} s)"


def counted(statuses: Counter[int]) -> str:
    """Give statuses and their numbers in words; 0 stands for no answer at all."""
    words = [f"{statuses[status]:,} × {status or 'no answer'}" for status in sorted(statuses)]
    return ", ".join(words) or "none"


def share(values: Sequence[float], part: float) -> float:
    """Give the value that this part of all values does not exceed; 0 where there are none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]
