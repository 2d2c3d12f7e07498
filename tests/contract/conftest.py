"""Two organizations that must never hear of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.samples import Side, make_side

if TYPE_CHECKING:
    from tests.mailbox import Mailbox


@pytest.fixture
def ours(db: None, mailbox: Mailbox) -> Side:
    """Give the organization of the caller; there is a mail server."""
    return make_side("Northwind Care")


@pytest.fixture
def theirs(db: None) -> Side:
    """Give the other organization, which has everything that could be seen."""
    side = make_side("Contoso Bank")
    side.ids()
    return side
