"""What a gate says in its line, and when it has failed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.gates.dated import DATED, Dated
from tests.gates.verdict import Check, Verdict, counted, share


def test_a_gate_is_passed_when_nothing_that_was_promised_failed() -> None:
    checks = [Check("10 due"), Check("0 lost", is_met=True)]
    verdict = Verdict(number=1, name="crash", checks=checks, seconds=12.3)

    assert verdict.is_passed
    assert verdict.line() == "1 crash     pass  10 due; 0 lost (12 s)"


def test_one_failed_check_fails_the_gate_and_is_marked() -> None:
    checks = [Check("1 lost", is_met=False), Check("0 repeated", is_met=True)]
    verdict = Verdict(number=1, name="crash", checks=checks, seconds=1)

    assert not verdict.is_passed
    assert verdict.line() == "1 crash     FAIL  FAILED: 1 lost; 0 repeated (1 s)"


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [([], 0.99, 0.0), ([3.0], 0.99, 3.0), ([float(n) for n in range(1, 101)], 0.99, 99.0)],
)
def test_a_share_is_the_value_that_so_many_do_not_exceed(
    values: list[float], part: float, expected: float
) -> None:
    assert share(values, part) == expected


def test_statuses_are_counted_in_words() -> None:
    assert counted(Counter()) == "none"
    assert counted(Counter({503: 2, 0: 1, 200: 1500})) == "1 × no answer, 1,500 × 200, 2 × 503"


@pytest.mark.parametrize("case", [pytest.param(each, id=each.start) for each in DATED])
def test_a_day_of_the_table_is_within_a_day_of_24_hours(case: Dated) -> None:
    assert case.hours[11:] == case.start[11:]
    assert case.hours < case.start
    assert case.day <= case.start
