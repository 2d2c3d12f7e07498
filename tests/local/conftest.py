"""A home of its own for every test, in a place whose name makes trouble."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.home import Home
from config.local.leftovers import Roll
from config.local.supervisor import Supervisor


@pytest.fixture
def home() -> Iterator[Home]:
    """Give an empty home under a path with spaces and a quote."""
    # Not under pytest's own directory: that one is closed to the account that PostgreSQL takes.
    with tempfile.TemporaryDirectory(prefix="front desk's ") as path:
        yield Home.at(str(Path(path) / "a home"))


@pytest.fixture
def output() -> io.StringIO:
    """Give what the supervisor prints."""
    return io.StringIO()


@pytest.fixture
def supervisor(home: Home, output: io.StringIO) -> Iterator[Supervisor]:
    """Give a supervisor that ends what the test has started."""
    with Supervisor(Roll(home.path / "children.json"), output=output) as started:
        yield started
