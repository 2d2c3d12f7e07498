"""Refusals: what a caller may be told, without a word of HTTP."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

Kind = Literal[
    "not_found",
    "forbidden",
    "conflict",
    "missing",
    "invalid",
    "unauthenticated",
    "too_many",
    "too_large",
    "reused",
    "unavailable",
]


class DomainError(Exception):
    """A refusal that the caller can act on; each surface turns its kind into its own wire."""

    kind: ClassVar[Kind] = "invalid"
    message: ClassVar[str] = "The request cannot be carried out."

    def __init__(
        self, message: str = "", *, errors: dict[str, list[str]] | None = None, **facts: object
    ) -> None:
        self.text = message or self.message.format(**facts)
        self.errors = errors or {}
        self.facts = facts
        super().__init__(self.text)

    @property
    def code(self) -> str:
        """Give the stable name of the refusal: EndsInThePast → ENDS_IN_THE_PAST."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).upper()
