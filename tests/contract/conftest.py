"""Two organizations that must never hear of each other."""

from __future__ import annotations

import pytest

from tests.contract.samples import Side, make_side


@pytest.fixture
def ours(db: None) -> Side:
    """Give the organization of the caller."""
    return make_side("Northwind Care")


@pytest.fixture
def theirs(db: None) -> Side:
    """Give the other organization."""
    return make_side("Contoso Bank")
