"""The local phone: what `make run` sends by SMS is kept, and can be read at /dev/phone/.

A message is a file under FRONTDESK_HOME/phone, named after its notification: whoever submits it
twice finds it there. How far it has come is a matter of the time since, so that polling is seen
at work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import orjson
from django.conf import settings
from django.utils import timezone

from notifications.messages import Message
from notifications.rendering import TemplateBook, templates_for
from notifications.segments import Segments, segments_of
from notifications.transports import Accepted, Options, Outcome, Parcel, Submitted, TryLater
from notifications.transports.sms.texts import write

SENDER = "Frontdesk"
QUEUED, SENT, DELIVERED = "QUEUED", "SENT", "DELIVERED"
_SENT_AFTER = timedelta(seconds=2)
_DELIVERED_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage:
    """A message on the local phone."""

    id: str
    recipient: str = field(repr=False)
    sender: str
    text: str = field(repr=False)
    submitted_at: datetime

    @property
    def segments(self) -> Segments:
        """Give the parts in which a network would carry it."""
        return segments_of(self.text)

    def state(self, now: datetime) -> str:
        """Give how far it has come."""
        age = now - self.submitted_at
        if age >= _DELIVERED_AFTER:
            return DELIVERED
        return SENT if age >= _SENT_AFTER else QUEUED


@dataclass(frozen=True)
class Phone:
    """The directory in which the messages are."""

    directory: Path

    @classmethod
    def of_settings(cls) -> Phone:
        """Give the phone of this installation."""
        return cls(Path(settings.FRONTDESK_HOME) / "phone")

    def take(self, message: ShortMessage) -> ShortMessage:
        """Keep a message, unless it is there already; give it as it was kept."""
        if (kept := self.message(message.id)) is not None:
            return kept
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.directory / f"{message.id}.json"
        draft = self.directory / f".{message.id}.{uuid4().hex}"
        content = {
            "to": message.recipient,
            "from": message.sender,
            "text": message.text,
            "submitted_at": message.submitted_at.isoformat(),
        }
        draft.touch(mode=0o600)
        draft.write_bytes(orjson.dumps(content))
        draft.replace(path)
        return message

    def message(self, message_id: str) -> ShortMessage | None:
        """Give one message; None if there is no such message."""
        try:
            name = str(UUID(message_id))
            content = orjson.loads((self.directory / f"{name}.json").read_bytes())
            return ShortMessage(
                id=name,
                recipient=str(content["to"]),
                sender=str(content["from"]),
                text=str(content["text"]),
                submitted_at=datetime.fromisoformat(content["submitted_at"]),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def messages(self) -> list[ShortMessage]:
        """Give all messages, the newest first."""
        found = [self.message(path.stem) for path in self.directory.glob("*.json")]
        kept = [message for message in found if message is not None]
        return sorted(kept, key=lambda message: (message.submitted_at, message.id), reverse=True)


class PhoneSession:
    """The local phone, for one batch."""

    def __init__(self, phone: Phone, book: TemplateBook) -> None:
        self._phone = phone
        self._book = book

    def build(self, message: Message) -> Parcel:
        """Write the SMS.

        Raises CannotBuild.
        """
        return write(message, self._book, sender=SENDER)

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Keep an SMS."""
        now = timezone.now()
        kept = self._phone.take(
            ShortMessage(
                id=parcel.message_id,
                recipient=parcel.recipient,
                sender=parcel.sender,
                text=parcel.data.decode(),
                submitted_at=now,
            )
        )
        return Submitted(provider_status=kept.state(now), message_id=kept.id)

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Say how far it has come."""
        kept = self._phone.message(message.provider_message_id)
        if kept is None:
            return TryLater(reason="The local phone has been emptied.")
        state = kept.state(timezone.now())
        if state == DELIVERED:
            return Accepted(provider_status=state, message_id=kept.id)
        return Submitted(provider_status=state, message_id=kept.id)


@contextmanager
def session(
    application_ids: Collection[UUID], _options: Options | None = None
) -> Iterator[PhoneSession]:
    """Open the phone for a batch."""
    yield PhoneSession(Phone.of_settings(), templates_for(application_ids))


def rest() -> None:
    """Keep nothing open."""
