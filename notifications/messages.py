"""What one notification needs to be put into words, and the words that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from config.kernel.time import parse_instant
from notifications.errors import CannotBuild
from notifications.models.kinds import Channel, NotificationType, RecipientType


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The appointment as it was when the notification was planned; no persons."""

    start: datetime | None
    end: datetime | None
    zone: str
    locale: str
    sequence: int
    duration: str = ""
    # The key of a text that is said instead of that of the type (kinds.Wording); mostly none.
    wording: str = ""
    created: datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Snapshot:
        """Read the snapshot as the ledger keeps it.

        Raises CannotBuild.
        """
        try:
            return cls(
                start=_instant(data.get("start")),
                end=_instant(data.get("end")),
                zone=str(data.get("timezone") or "UTC"),
                locale=str(data.get("locale") or "en"),
                sequence=int(str(data.get("sequence") or 0)),
                duration=str(data.get("duration") or ""),
                wording=str(data.get("wording") or ""),
                created=_instant(data.get("created")),
            )
        except ValueError:
            raise CannotBuild("The snapshot of the notification cannot be read.") from None


def _instant(text: object) -> datetime | None:
    return parse_instant(str(text)) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notification on its way to one person, complete: nothing is looked up any more."""

    id: UUID
    organization_id: UUID
    application_id: UUID
    subject_id: UUID
    type: NotificationType
    channel: Channel
    recipient_type: RecipientType
    offset: str | None
    snapshot: Snapshot
    # What the provider called it when it took it, if it has.
    provider_message_id: str = ""
    address: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    facts: Mapping[str, str] = field(repr=False)
    # The recipient's own link: it lets its bearer in.
    link: str | None = field(repr=False)
    sender: str
    created_at: datetime
    attempt: int
    # Grows whenever somebody has it sent again by hand.
    round: int = 0

    @property
    def key(self) -> UUID:
        """What a provider knows a repetition by: the same for every attempt of one round.

        Whoever has it sent again wants it sent, and not the answer of the first time.
        """
        return uuid5(self.id, str(self.round)) if self.round else self.id

    # Where phone numbers lie that name no country.
    country: str = ""
    # What it says, where templates have no say.
    words: Rendered | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The texts of one type, channel and language, with their tokens.

    Built-in texts may have optional lines, which begin with "? " and are left out when one of
    their tokens has no value; their HTML is ours and is not cleaned.
    """

    locale: str
    subject: str
    text: str
    html: str
    is_builtin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a message says. Without an HTML part, `html` is empty."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
