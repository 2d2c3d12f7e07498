"""Two organizations that must never hear of each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from tests.contract.samples import Side, make_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

    from tests.mailbox import Mailbox


@pytest.fixture(scope="module")
def _ours(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Side]:
    # Made once, in a transaction around those of the tests.
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_side("Northwind Care")
        transaction.set_rollback(True)


@pytest.fixture
def ours(db: None, mailbox: Mailbox, _ours: Side) -> Side:
    """Give the organization of the caller; there is a mail server."""
    # What is made when it is first asked for is gone after the test.
    return replace(_ours)


@pytest.fixture
def theirs(db: None) -> Side:
    """Give the other organization, which has everything that could be seen."""
    side = make_side("Contoso Bank")
    side.ids()
    return side
