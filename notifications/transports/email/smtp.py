"""E-mail by SMTP: Django's EMAIL_* settings name the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils import timezone

from notifications.messages import Message
from notifications.mime import compose
from notifications.rendering import TemplateBook, templates_for
from notifications.transports import Accepted, Options, Outcome, Parcel, Refused, TryLater
from notifications.transports.email.connection import (
    Connection,
    ConnectionFailed,
    ConnectionLost,
    Reply,
    Server,
)

# Servers hang up on the silent, some after ten seconds; and a connection is somebody's slot.
_KEPT_SECONDS = 5.0
# Authentication required, too weak, failed, to be encrypted: set-up, not the message (RFC 4954).
_SET_UP_CODES = frozenset({530, 534, 535, 538})
_HANGS_UP = 421

# A connection belongs to the thread that opened it, and outlives its batch.
_kept = threading.local()


class SmtpSession:
    """The mail server, for one batch. When it cannot be reached, the rest of the batch waits."""

    def __init__(self, book: TemplateBook) -> None:
        self._book = book
        self._failure: TryLater | None = None

    def build(self, message: Message) -> Parcel:
        """Write the mail.

        Raises CannotBuild.
        """
        mail = compose(message, self._book, now=timezone.now())
        return Parcel(
            sender=mail.envelope_from,
            recipient=mail.envelope_to,
            data=mail.content,
            message_id=mail.message_id,
            rendered=mail.rendered,
        )

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand a mail over; a kept connection that turns out dead is replaced once."""
        if self._failure is not None:
            return self._failure
        try:
            return self._send(parcel, until=until)
        except ConnectionFailed as failure:
            self._failure = TryLater(reason=str(failure), is_away=True)
            return self._failure
        except ConnectionLost as loss:
            hang_up()
            if loss.is_ambiguous:
                return TryLater(reason=f"The answer was lost; it may have arrived. {loss}")
            return TryLater(reason=str(loss))

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Say that it was taken: SMTP knows no more."""
        return Accepted(provider_status="", message_id=message.provider_message_id)

    def _send(self, parcel: Parcel, *, until: float) -> Outcome:
        connection = _connection(until=until)
        is_proven = connection.messages > 0
        try:
            outcome = _handed_over(connection, parcel, until=until)
        except ConnectionLost as loss:
            # The server has seen no message yet, so a second try cannot repeat one.
            if not is_proven or loss.is_ambiguous:
                raise
            outcome = None
        if outcome is None:
            hang_up()
            outcome = _handed_over(_connection(until=until), parcel, until=until)
        return outcome or TryLater(reason="The mail server hung up.", provider_status="421")


def _handed_over(connection: Connection, parcel: Parcel, *, until: float) -> Outcome | None:
    """Send it over this connection; None when the server hangs up before it was sent."""
    if not connection.takes(parcel.recipient):
        return Refused(reason="The mail server takes no addresses beyond ASCII.")
    reply = connection.send(
        sender=parcel.sender, recipient=parcel.recipient, data=parcel.data, until=until
    )
    return None if reply.code == _HANGS_UP else outcome_of(reply, message_id=parcel.message_id)


def outcome_of(reply: Reply, *, message_id: str) -> Outcome:
    """Say what an answer of the mail server means to us."""
    status = str(reply.code)
    match reply.code // 100:
        case 2:
            return Accepted(provider_status=status, message_id=message_id)
        case 5 if reply.code not in _SET_UP_CODES:
            return Refused(
                reason=reply.reason, provider_status=status, is_address_dead=reply.is_address_dead
            )
        case _:
            return TryLater(reason=reply.reason, provider_status=status)


@contextmanager
def session(
    application_ids: Collection[UUID], _options: Options | None = None
) -> Iterator[SmtpSession]:
    """Open the mail server for a batch; the connection is kept for the next one."""
    yield SmtpSession(templates_for(application_ids))


def rest() -> None:
    """Hang up when the kept connection of this thread has had nothing to do for a while."""
    kept: Connection | None = getattr(_kept, "connection", None)
    if kept is not None and time.monotonic() - kept.used_at > _KEPT_SECONDS:
        hang_up()


def _connection(*, until: float) -> Connection:
    """Give this thread's connection, opening it if there is none that serves.

    Raises ConnectionFailed.
    """
    rest()
    kept: Connection | None = getattr(_kept, "connection", None)
    server = Server.of_settings()
    if kept is not None and kept.server == server:
        return kept
    hang_up()
    _kept.connection = Connection(server, until=until)
    opened: Connection = _kept.connection
    return opened


def hang_up() -> None:
    """Close this thread's connection, if it has one."""
    kept: Connection | None = getattr(_kept, "connection", None)
    if kept is not None:
        kept.close()
        _kept.connection = None
