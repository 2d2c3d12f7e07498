"""Which rules of the contract the tests cite, read from their source.

A citation is ``@pytest.mark.rule("v2.appointments.get.r3")``, with one or more ids, on a test
function or on a class of tests, in ``pytestmark``, or in ``pytest.param(…, marks=…)``. The ids are
string literals, so that they can be found by searching, and so that the answer is the same
whichever tests are selected and however they are spread over processes. A citation on a test
that is skipped or expected to fail always does not count; nor does one in a file that pytest
does not collect.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One id at one place."""

    rule: str
    place: str


def citations(folder: Path = TESTS) -> list[Citation]:
    """Give every citation under a folder. Raises ValueError for an id that is no literal."""
    return [
        citation
        for path in sorted(folder.rglob("test_*.py"))
        for citation in _cited_in(path, path.relative_to(folder.parent))
    ]


def _cited_in(path: Path, shown: Path) -> Iterator[Citation]:
    tree = ast.parse(path.read_text(), filename=str(path))
    ignored = {
        id(call)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not _counts(node)
        for decorator in node.decorator_list
        for call in ast.walk(decorator)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule"):
            continue
        place = f"{shown}:{node.lineno}"
        for argument in node.args:
            match argument:
                case ast.Constant(value=str(rule)):
                    if id(node) not in ignored:
                        yield Citation(rule=rule, place=place)
                case _:
                    raise ValueError(f"{place}: a cited rule must be a string literal")


def _counts(node: ast.FunctionDef | ast.ClassDef) -> bool:
    if not node.name.startswith(("test_", "Test")):
        return False
    given_up = ("pytest.mark.skip", "pytest.mark.xfail")
    # `skip` and `xfail` with or without a reason, but not `skipif`, which depends on the machine.
    return not any(
        ast.unparse(decorator).partition("(")[0] in given_up for decorator in node.decorator_list
    )
