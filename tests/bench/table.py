"""The table of figures: what is measured, what it should be, what it is today."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure beside its target; `is_met` is None where there is nothing to compare."""

    number: int
    name: str
    what: str
    target: str
    figure: str
    is_met: bool | None


@dataclass(frozen=True, kw_only=True)
class Options:
    """How thorough a run is."""

    is_full: bool
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Benchmark:
    """Something that measures rows of the table."""

    name: str
    numbers: Sequence[int]
    measure: Callable[[Options], Iterable[Row]]
    # Takes minutes: only in a full run, or when it is named.
    is_long: bool = False


_HEADERS = ("#", "name", "what", "target", "today", "met")


def render(rows: Sequence[Row], *, width: int = 0) -> str:
    """Give the table as text, as wide as the terminal."""
    cells = [
        (str(row.number), row.name, row.what, row.target, row.figure, _met(row.is_met))
        for row in sorted(rows, key=lambda row: row.number)
    ]
    width = width or max(shutil.get_terminal_size((150, 0)).columns, 110)
    fixed = [max(len(line[column]) for line in (_HEADERS, *cells)) for column in (0, 1, 5)]
    rest = (width - sum(fixed) - 5 * 2) // 3
    widths = [fixed[0], fixed[1], rest, rest, rest, fixed[2]]
    rule = "  ".join("─" * size for size in widths)
    return "\n".join([_line(_HEADERS, widths), rule, *(_line(line, widths) for line in cells)])


def _met(is_met: bool | None) -> str:
    return "–" if is_met is None else "yes" if is_met else "NO"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    wrapped = [textwrap.wrap(cell, size) or [""] for cell, size in zip(cells, widths, strict=True)]
    height = max(len(lines) for lines in wrapped)
    return "\n".join(
        "  ".join(
            (lines[number] if number < len(lines) else "").ljust(size)
            for lines, size in zip(wrapped, widths, strict=True)
        ).rstrip()
        for number in range(height)
    )
