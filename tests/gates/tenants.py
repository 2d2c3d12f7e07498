"""Gate 6: the cross-tenant probe, the role matrix and the bad tokens, every cell."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from config.local.environment import ROOT
from tests.contract.tokens import BAD
from tests.gates.stage import Stage
from tests.gates.verdict import Check, Size

_TESTS = ("tests/contract/test_tenancy.py", "tests/contract/test_roles.py")
# What stands in the verdict → the test that does it.
_CELLS = {
    "probes of foreign ids": "test_a_foreign_id_is_answered_as_an_unknown_one",
    "of foreign credentials": "test_foreign_credentials_find_nothing",
    "roles enough": "test_each_role_of_an_operation_is_enough_by_itself",
    "roles refused": "test_a_caller_with_none_of_the_roles_is_refused_and_changes_nothing",
    "without a token": "test_without_a_good_token_nothing_is_shown_and_nothing_changes",
    "bad tokens": "test_a_bad_token_is_answered_401",
}


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Run the generated tests; small or not, they are what they are."""
    report = stage.house.home.log("tenants-results").with_suffix(".xml")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--create-db", f"--junitxml={report}", *_TESTS],
        cwd=ROOT,
        env=stage.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    stage.house.home.log("tenants-pytest").write_text(done.stdout)
    results = list(_results(ElementTree.parse(report).getroot()))  # noqa: S314  # ours
    cells = Counter(name for name, _ in results)
    bad = [name for name, is_good in results if not is_good]
    return [
        *(Check(f"{cells[test]} {what}", cells[test] > 0) for what, test in _CELLS.items()),
        Check(f"{len(BAD)} kinds of bad tokens", len(BAD) >= 60),
        Check(
            f"{len(results)} tests, {len(bad)} failed or skipped{': ' if bad else ''}"
            f"{', '.join(bad[:3])}",
            not bad and done.returncode == 0,
        ),
    ]


def _results(report: ElementTree.Element) -> Iterator[tuple[str, bool]]:
    for case in report.iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        yield name, not list(case.iterfind("failure")) + list(case.iterfind("error"))
