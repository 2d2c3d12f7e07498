"""What a customer has said so far, kept in the page itself: signed, and for an hour.

Within a page of another site browsers send no cookies, so there is nothing else to keep it in. A
signature does not hide: it is the customer's own page, and nobody stores it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from django.core import signing
from django.http import QueryDict

_SALT = "appointments.booking-page"
_KEPT_FOR = timedelta(hours=1)
_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class BookingState:
    """The subject and the time, and what was typed in."""

    application_id: str
    subject_id: str
    start: str
    details: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    # Whoever has it has asked for a code with these details; the same booking has the same one.
    key: str = field(default="", repr=False)

    @property
    def was_sent(self) -> bool:
        """Tell whether a code is on its way."""
        return bool(self.key)

    def sent(self) -> Self:
        """Give it once a code was asked for."""
        return replace(self, key=self.key or secrets.token_urlsafe(_KEY_BYTES))

    def at(self, start: str) -> Self:
        """Give it with another time."""
        return replace(self, start=start)

    def with_details(self, details: Mapping[str, Sequence[str]]) -> Self:
        """Give it with what was typed in: a code for somebody else is not for this."""
        return replace(self, details=details, key="")

    def signed(self) -> str:
        """Give it as the value of a hidden field."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)

    def typed(self) -> QueryDict:
        """Give what was typed in, as a form takes it."""
        data = QueryDict(mutable=True)
        for name, values in self.details.items():
            data.setlist(name, list(values))
        return data


def read_state(text: str, *, application_id: str, subject_id: str) -> BookingState | None:
    """Give what a page of ours has kept of this booking; None for what is not ours, or too old."""
    try:
        kept: dict[str, Any] = signing.loads(text, salt=_SALT, max_age=_KEPT_FOR)
    except signing.BadSignature:
        return None
    state = BookingState(**kept)
    is_here = (state.application_id, state.subject_id) == (application_id, subject_id)
    return state if is_here else None
