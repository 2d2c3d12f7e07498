"""Words that are no notification: handed over at once, neither repeated nor kept.

They stand in no ledger and no history. Whoever sends them sees to it that they go out once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from notifications import transports
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered, Snapshot
from notifications.mime import composed
from notifications.models import Channel, ChannelSettings, NotificationType, RecipientType
from notifications.transports import Outcome, Parcel, Session, TryLater
from notifications.transports.email import smtp

# Somebody waits for the words; a provider that needs longer is in trouble.
SEND_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What one person is to be told; `id` is what a provider knows a repetition by."""

    id: UUID
    organization_id: UUID
    application_id: UUID
    channel: Channel
    address: str = field(repr=False)
    subject: str = ""
    text: str = field(repr=False)
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A provider: an application's own, else the installation's."""

    channel: Channel
    application_id: UUID | None


def by_carrier(words: Iterable[Words]) -> dict[Carrier | None, list[Words]]:
    """Sort words by who carries them, each with its sender; with None stands what nobody does."""
    words = list(words)
    rows = ChannelSettings.objects.filter(application_id__in={one.application_id for one in words})
    known = {(row.application_id, row.channel): row for row in rows.order_by()}
    sorted_words: dict[Carrier | None, list[Words]] = {}
    for one in words:
        row = known.get((one.application_id, one.channel))
        ready = replace(one, sender=row.sender) if row else one
        sorted_words.setdefault(_carrier_of(one, row), []).append(ready)
    return sorted_words


def _carrier_of(words: Words, row: ChannelSettings | None) -> Carrier | None:
    # An SMS costs money: none is sent before somebody has switched them on. A mail can go out
    # without: what is told in this way is asked for, and is no notification.
    if words.channel is Channel.SMS and not (row and row.is_on):
        return None
    if row and row.provider:
        return Carrier(words.channel, words.application_id)
    return Carrier(words.channel, None) if words.channel in transports.channels() else None


@contextmanager
def opened(carrier: Carrier, words: Words) -> Iterator[Session]:
    """Open a carrier, which some of its words lead to, for all of them.

    Raises CannotBuild.
    """
    try:
        with transports.session_of(carrier.channel, words.application_id) as session:
            yield session
    finally:
        # Nobody else in this thread would end the connection.
        smtp.hang_up()


def hand_over(session: Session, words: Words, *, now: datetime) -> Outcome:
    """Hand words to their open carrier, once.

    Raises CannotBuild.
    """
    parcel = _parcel(session, _message(words, now=now), now=now)
    return session.send(parcel, until=time.monotonic() + SEND_SECONDS)


def is_unsent(outcome: Outcome) -> bool:
    """Say whether a provider could not even be reached, so that it has surely got nothing."""
    # An answer has a status; without one and away, no request has left (transports.sms.exchange,
    # transports.email).
    return isinstance(outcome, TryLater) and outcome.is_away and not outcome.provider_status


def _message(words: Words, *, now: datetime) -> Message:
    return Message(
        id=words.id,
        organization_id=words.organization_id,
        application_id=words.application_id,
        subject_id=words.id,
        type=NotificationType.CREATE,
        channel=words.channel,
        recipient_type=RecipientType.CUSTOMER,
        offset=None,
        snapshot=Snapshot(start=None, end=None, zone="UTC", locale="en", sequence=0),
        address=words.address,
        first_name="",
        last_name="",
        facts={},
        link=None,
        sender=words.sender,
        created_at=now,
        attempt=1,
        words=Rendered(subject=words.subject, text=words.text, html=""),
    )


def _parcel(session: Session, message: Message, *, now: datetime) -> Parcel:
    match message.channel:
        case Channel.SMS:
            return session.build(message)
        case Channel.EMAIL:
            # Not by build(): a provider would report on a notification that there is not.
            assert message.words is not None  # noqa: S101  # made by _message()
            mail = composed(message, message.words, now=now)
            return Parcel(
                sender=mail.envelope_from,
                recipient=mail.envelope_to,
                data=mail.content,
                message_id=mail.message_id,
                rendered=mail.rendered,
            )
        case Channel.WEBHOOKS:
            raise CannotBuild("Nothing is told to webhooks in this way.")
        case _:
            assert_never(message.channel)
