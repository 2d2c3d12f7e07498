"""The messages that the mail catcher has kept, read back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path

_NAME = re.compile(r"[0-9]{19}-[0-9a-f]{8}", re.ASCII)
_PARSER = BytesParser(policy=policy.default)


@dataclass(frozen=True)
class Attachment:
    """A part of a message that is a file."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Summary:
    """What the list shows of a message."""

    id: str
    kept_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str


@dataclass(frozen=True)
class Mail:
    """A message, taken apart."""

    summary: Summary
    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True)
class Maildrop:
    """The directory into which the catcher writes."""

    directory: Path

    def ids(self) -> list[str]:
        """Give the ids of all messages, the newest first."""
        names = (path.stem for path in self.directory.glob("*.eml"))
        return sorted((name for name in names if _NAME.fullmatch(name)), reverse=True)

    def summaries(self, ids: list[str]) -> Iterator[Summary]:
        """Give what the list shows; a message that has been removed meanwhile is left out."""
        for mail_id in ids:
            source = self.source(mail_id)
            if source is not None:
                yield _summary(mail_id, _PARSER.parsebytes(source, headersonly=True))

    def source(self, mail_id: str) -> bytes | None:
        """Give a message as it came; None if there is no such message."""
        if not _NAME.fullmatch(mail_id):
            return None
        try:
            return (self.directory / f"{mail_id}.eml").read_bytes()
        except FileNotFoundError:
            return None

    def mail(self, mail_id: str) -> Mail | None:
        """Give a message taken apart; None if there is no such message."""
        source = self.source(mail_id)
        if source is None:
            return None
        message = _PARSER.parsebytes(source)
        text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        return Mail(
            summary=_summary(mail_id, message),
            headers=tuple((name, str(value)) for name, value in message.items()),
            text=None if text is None else _words(text),
            html=None if html is None else _words(html),
            attachments=tuple(_attachments(message, bodies=(text, html))),
        )


def _summary(mail_id: str, message: EmailMessage) -> Summary:
    nanoseconds = int(mail_id.partition("-")[0])
    addresses = getaddresses([str(value) for value in message.get_all("Delivered-To", [])])
    return Summary(
        id=mail_id,
        kept_at=datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC),
        sender=str(message.get("From", "")),
        recipients=tuple(address for _, address in addresses),
        subject=str(message.get("Subject", "")),
    )


def _attachments(
    message: EmailMessage, *, bodies: tuple[MIMEPart | None, ...]
) -> Iterator[Attachment]:
    # A calendar entry is an alternative of the text, not an attachment, yet it is a file to us.
    for part in message.walk():
        if part.is_multipart() or any(part is body for body in bodies):
            continue
        kind = part.get_content_type()
        content = part.get_payload(decode=True)
        yield Attachment(
            name=part.get_filename() or _NAMES.get(kind, "part.bin"),
            content_type=kind,
            content=content if isinstance(content, bytes) else b"",
        )


_NAMES = {"text/calendar": "invite.ics", "text/plain": "part.txt", "text/html": "part.html"}


def _words(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content.decode("latin-1")
