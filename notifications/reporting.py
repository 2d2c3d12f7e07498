"""What a provider reports of a message, in our own words, and what reports call the message."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MARK = re.compile(rf"({_ID})-([0-9]{{1,9}})")
_MESSAGE_ID = re.compile(rf"<?({_ID})@[^<>@\s]+>?")


class Word(StrEnum):
    """What became of a message; a later one says more than an earlier one of the same moment."""

    QUEUED = "queued"
    SENT = "sent"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    @property
    def rank(self) -> int:
        """Its place among the words."""
        return list(Word).index(self)

    @property
    def is_failure(self) -> bool:
        """Whether the message has not arrived, and will not."""
        return self in (Word.REJECTED, Word.FAILED, Word.BOUNCED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report: of which message, and of which attempt to hand it over, if it says so."""

    notification_id: UUID
    attempt: int | None
    word: Word
    at: datetime
    # The reason, in the provider's words; names no person.
    said: str = field(default="", repr=False)
    # The address is to blame, and not only this once.
    is_address_dead: bool = False


def mark_of(notification_id: UUID, attempt: int) -> str:
    """Give what an attempt is called in the provider's reports."""
    return f"{notification_id}-{attempt}"


def named_in(*texts: object) -> tuple[UUID, int | None] | None:
    """Give the notification that the first fitting text names: a mark, or a Message-ID of ours."""
    for text in texts:
        if match := _MARK.fullmatch(str(text)):
            return UUID(match[1]), int(match[2])
        if match := _MESSAGE_ID.fullmatch(str(text)):
            return UUID(match[1]), None
    return None
