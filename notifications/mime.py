"""E-mails as bytes: headers, text, HTML and the calendar entry, ready for an SMTP server.

Python's `email` package takes a millisecond for such a message, which is all the time there is
for claiming, rendering and sending it. The structure is always the same, so it is written here;
the tests hold it to what `email` reads.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import assert_never
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from notifications import builtin
from notifications.calendar import CalendarEntry, Method, calendar_file, uid_of
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered
from notifications.models.kinds import NotificationType
from notifications.rendering import TemplateBook, filled, masked, values_for
from notifications.tokens import Compiled, Values, compile_text, fold

# In neither encoding of a body can "=_" occur, so that these never end a part too early.
_MIXED, _ALTERNATIVE = "=_mixed", "=_alternative"
_LOCAL_PART = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_ADDRESS = re.compile(rf"({_LOCAL_PART})@([^\s@<>()\[\],;:\\\"]{{1,253}})")
_SENDER = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]+)>\s*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_LOCAL_PART_LENGTH = 64
_ADDRESS_LENGTH = 254
# An encoded word has at most 75 characters, and its line at most 76 (RFC 2047, 2).
_WORD_OCTETS = 39
_LINE_LENGTH = 66
_BASE64_LINE = re.compile(b".{1,76}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A name, which may be empty, and an address of ASCII characters."""

    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """An e-mail, its envelope, and what may be kept of it."""

    content: bytes
    rendered: Rendered
    envelope_from: str
    envelope_to: str
    message_id: str


def compose(message: Message, book: TemplateBook, *, now: datetime) -> Composed:
    """Make the e-mail of a notification; every attempt has the same Message-ID.

    Raises CannotBuild.
    """
    template = book.for_message(message)
    values = values_for(message, template)
    rendered = filled(template, values)
    sender, recipient = _sender(message.sender, settings.DEFAULT_FROM_EMAIL), _recipient(message)
    method = method_of(message.type)
    if message.snapshot.wording and method is Method.REQUEST:
        # No time is fixed: there is nothing for a calendar to take in.
        method = None
    entry = method and _entry(values, template.locale, method, sender, recipient)
    calendar = calendar_file(entry) if entry else None
    return composed(message, rendered, calendar, method=method, now=now)


def composed(
    message: Message,
    rendered: Rendered,
    calendar: bytes | None = None,
    *,
    method: Method | None = None,
    now: datetime,
) -> Composed:
    """Make the e-mail of a message whose words are known already.

    Raises CannotBuild.
    """
    return Composed(
        content=mime_for(message, rendered, calendar, method=method, now=now),
        rendered=masked(rendered, message.link),
        envelope_from=_sender(message.sender, settings.DEFAULT_FROM_EMAIL).address,
        envelope_to=_recipient(message).address,
        message_id=message_id_of(message.id),
    )


def method_of(type: NotificationType) -> Method | None:
    """Say what a notification of a type does to the recipient's calendar."""
    match type:
        case (
            NotificationType.CREATE
            | NotificationType.UPDATE
            | NotificationType.RESCHEDULE
            | NotificationType.REASSIGN
            | NotificationType.ROOM
            | NotificationType.REMINDER
        ):
            return Method.REQUEST
        case NotificationType.CANCELLED:
            return Method.CANCEL
        case (
            NotificationType.FOLLOW_UP
            | NotificationType.IN_PROGRESS
            | NotificationType.COMPLETED
            | NotificationType.FAILED
            | NotificationType.NO_SHOW
            | NotificationType.PARTICIPANT_ADDED
            | NotificationType.PARTICIPANT_REMOVED
            | NotificationType.PARTICIPANT_UPDATED
            | NotificationType.INTERACTION_UPDATED
        ):
            return None
        case _:
            assert_never(type)


def _entry(
    values: Values, locale: str, method: Method, sender: Mailbox, recipient: Mailbox
) -> CalendarEntry | None:
    """Give the recipient's entry; None while no time is fixed."""
    message, snapshot = values.message, values.message.snapshot
    if snapshot.start is None or snapshot.end is None:
        return None
    words = builtin.calendar_template(builtin.language_of(locale), message.recipient_type)
    link = values["link"] if method is not Method.CANCEL else ""
    return CalendarEntry(
        uid=uid_of(message.subject_id),
        sequence=snapshot.sequence,
        method=method,
        start=snapshot.start,
        end=snapshot.end,
        zone=snapshot.zone,
        summary=values["title"] or fold(_compiled(words.subject).fill(values)).strip(),
        description=_compiled(words.text).fill(values) if link else "",
        url=link or None,
        organizer_name=values["organizationName"] or sender.name,
        organizer_email=sender.address,
        attendee_name=recipient.name,
        attendee_email=recipient.address,
        created=snapshot.created or message.created_at,
        last_modified=message.created_at,
    )


@lru_cache(maxsize=32)
def _compiled(source: str) -> Compiled:
    return compile_text(source, has_optional_lines=True)


# --- Addresses -------------------------------------------------------------------------------


def _recipient(message: Message) -> Mailbox:
    if not message.address:
        raise CannotBuild("The recipient has no address.")
    # Blanks in a row do not survive in a header.
    name = " ".join(fold(f"{message.first_name} {message.last_name}").split())
    return Mailbox(name=name, address=_address(message.address, whose="recipient"))


@lru_cache(maxsize=1024)
def _sender(text: str, default: str) -> Mailbox:
    """Read a sender; without an address of its own it has the default one."""
    if match := _SENDER.fullmatch(text):
        name = " ".join(fold(match["name"]).strip('" ').split())
        return Mailbox(name=name, address=_address(match["address"], whose="sender"))
    if "@" in text:
        return Mailbox(name="", address=_address(text.strip(), whose="sender"))
    if text == default:
        raise CannotBuild("DEFAULT_FROM_EMAIL has no address.")
    ours = _sender(default, default)
    return Mailbox(name=" ".join(fold(text).split()) or ours.name, address=ours.address)


def _address(text: str, *, whose: str) -> str:
    """Give an address as the envelope takes it: ASCII, with the host in Punycode.

    Raises CannotBuild.
    """
    if match := _ADDRESS.fullmatch(text):
        local, host = match[1], _ascii(match[2])
        if (
            len(local) <= _LOCAL_PART_LENGTH
            and len(local) + len(host) < _ADDRESS_LENGTH
            and _HOST.fullmatch(host)
        ):
            return f"{local}@{host}"
    raise CannotBuild(f"The {whose}'s address is not one that mail can be sent to.")


def _ascii(host: str) -> str:
    """Give the name of a host in Punycode; empty when it has none."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""


def message_id_of(notification_id: UUID) -> str:
    """Give the Message-ID of a notification, the same for every attempt."""
    return f"<{notification_id}@{_host(settings.PUBLIC_URL)}>"


@lru_cache(maxsize=8)
def _host(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    return f"[{host}]" if ":" in host else _ascii(host)


# --- Bytes -----------------------------------------------------------------------------------


def mime_for(
    message: Message,
    rendered: Rendered,
    calendar: bytes | None,
    *,
    method: Method | None,
    now: datetime,
) -> bytes:
    """Give the e-mail with CRLF line ends and in 7 bits.

    An invitation is both an alternative, which programs act on, and a file, which others save.

    Raises CannotBuild.
    """
    headers = [
        f"From: {_mailbox(_sender(message.sender, settings.DEFAULT_FROM_EMAIL))}",
        f"To: {_mailbox(_recipient(message))}",
        f"Subject: {_unstructured(fold(rendered.subject))}",
        f"Date: {_date(now.astimezone(UTC))}",
        f"Message-ID: {message_id_of(message.id)}",
        # No holiday note is to answer it (RFC 3834; the second is what Exchange looks at).
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
    ]
    parts = [_quoted("plain", rendered.text)]
    if rendered.html:
        parts.append(_quoted("html", rendered.html))
    if calendar is None or method is None:
        body = parts[0] if len(parts) == 1 else _multipart("alternative", _ALTERNATIVE, parts)
        return "\r\n".join(headers).encode() + b"\r\n" + body
    encoded = b"\r\n".join(_BASE64_LINE.findall(b2a_base64(calendar, newline=False))) + b"\r\n"
    parts.append(_base64(f"text/calendar; charset=utf-8; method={method}", encoded))
    attachment = _base64(
        'application/ics; name="invite.ics"', encoded, 'attachment; filename="invite.ics"'
    )
    alternative = _multipart("alternative", _ALTERNATIVE, parts)
    body = _multipart("mixed", _MIXED, [alternative, attachment])
    return "\r\n".join(headers).encode() + b"\r\n" + body


@lru_cache(maxsize=16)
def _date(now: datetime) -> str:
    return format_datetime(now)


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    start = f"--{boundary}\r\n".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return (
        head + b"".join(start + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    )


def _quoted(kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    head = (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")


def _base64(content_type: str, encoded: bytes, disposition: str = "") -> bytes:
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n"
    if disposition:
        head += f"Content-Disposition: {disposition}\r\n"
    return head.encode() + b"\r\n" + encoded


def _mailbox(mailbox: Mailbox) -> str:
    name = mailbox.name
    if not name:
        return mailbox.address
    if name.isascii() and "=?" not in name and len(name) <= _LINE_LENGTH:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"\r\n <{mailbox.address}>'
    return f"{_encoded_words(name)}\r\n <{mailbox.address}>"


def _unstructured(value: str) -> str:
    """Give the value of a header that is free text, folded and encoded where it must be."""
    value = " ".join(value.split())
    if not value.isascii() or "=?" in value:
        return _encoded_words(value)
    if len(value) <= _LINE_LENGTH:
        return value
    lines, line = [], ""
    for word in value.split(" "):
        if line and len(line) + len(word) >= _LINE_LENGTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded_words(value: str) -> str:
    """Give a text as words in Base64 (RFC 2047), none of which ends within a character."""
    octets = value.encode("utf-8", "replace")
    words, position = [], 0
    while position < len(octets):
        end = position + _WORD_OCTETS
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        word = b2a_base64(octets[position:end], newline=False).decode()
        words.append(f"=?utf-8?b?{word}?=")
        position = end
    return "\r\n ".join(words)
