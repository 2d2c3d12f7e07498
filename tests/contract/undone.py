"""Requests without consequences."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is done in the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
