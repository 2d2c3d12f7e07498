"""Transports: how a message leaves the house, and what the other side's answer means to us.

A provider is one module, `transports/<channel>/<provider>.py`, that is named in the settings:
its client, and the table from the provider's words to ours.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings

from notifications.messages import Message, Rendered
from notifications.models.kinds import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider has taken it; it is told so by `message_id`."""

    provider_status: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """It did not work this time. The reason is kept in the history and names no person."""

    reason: str
    provider_status: str = ""
    # No sooner than this, if the provider said so.
    after: timedelta | None = None
    # The provider cannot be reached: the message is not to blame, and no attempt is used up.
    is_away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It will never work. The reason is kept in the history and names no person."""

    reason: str
    provider_status: str = ""


Outcome = Accepted | TryLater | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message ready to be handed over: bytes for the provider, and what they say."""

    sender: str
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)
    message_id: str
    rendered: Rendered


class Session(Protocol):
    """A provider that is open for the length of one batch."""

    def build(self, message: Message) -> Parcel:
        """Put a message into the provider's form.

        Raises CannotBuild.
        """

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand a parcel over, giving up at a moment of the monotonic clock."""


class Transport(Protocol):
    """What a provider's module offers."""

    def session(self, application_ids: Collection[UUID]) -> AbstractContextManager[Session]:
        """Open the provider for a batch of messages of these applications."""

    def rest(self) -> None:
        """Close what was kept open for the next batch and has waited for it too long."""


def channels() -> list[Channel]:
    """Give the channels that have a transport; what is due on the others waits."""
    return [Channel(name) for name in settings.NOTIFICATIONS_TRANSPORTS]


def session(channel: Channel, application_ids: Collection[UUID]) -> AbstractContextManager[Session]:
    """Open the channel's transport for a batch of messages of these applications."""
    return transport_of(channel).session(application_ids)


def transport_of(channel: Channel) -> Transport:
    """Give the module that the settings name for the channel."""
    return cast(Transport, import_module(settings.NOTIFICATIONS_TRANSPORTS[channel]))
