"""Transports: how a message leaves the house, and what the other side's answer means to us.

A provider is one module, `transports/<channel>/<provider>.py`, that is named in the settings:
its client, and the table from the provider's words to ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

import orjson
from django.conf import settings

from config.kernel.secrets import SealBroken, unseal
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered
from notifications.models import ChannelSettings
from notifications.models.kinds import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider has taken it; it is told so by `message_id`."""

    provider_status: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The provider has it, and is to be asked later how it went."""

    provider_status: str
    message_id: str
    conversation_id: str = ""
    # When it can be asked first, if it said so.
    after: timedelta | None = None


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
    # The address is to blame: nobody has it, or whoever has it wants nothing.
    is_address_dead: bool = False


Outcome = Accepted | Submitted | TryLater | Refused


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

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Ask how it went with what was submitted; Submitted again while nobody knows."""


class Transport(Protocol):
    """What a provider's module offers."""

    def session(
        self, application_ids: Collection[UUID], options: Options
    ) -> AbstractContextManager[Session]:
        """Open the provider for a batch of messages of these applications.

        The options are an application's own; empty: those of the installation's settings.
        """

    def rest(self) -> None:
        """Close what was kept open for the next batch and has waited for it too long."""


# What an application has set for its provider.
Options = Mapping[str, str]


def channels() -> list[Channel]:
    """Give the channels that have a transport; what is due on the others waits."""
    return [Channel(name) for name in settings.NOTIFICATIONS_TRANSPORTS]


@contextmanager
def session(channel: Channel, application_ids: Collection[UUID]) -> Iterator[Session]:
    """Open a channel for a batch of messages of these applications, each by its own provider."""
    with ExitStack() as opened:
        yield _Routed(channel, application_ids, opened)


@contextmanager
def session_of(channel: Channel, application_id: UUID) -> Iterator[Session]:
    """Open the provider of one application, for what is no notification.

    Raises CannotBuild.
    """
    with ExitStack() as opened:
        yield _Routed(channel, [application_id], opened).of(application_id)


class _Routed:
    """Hands each message to the provider of its application."""

    def __init__(
        self, channel: Channel, application_ids: Collection[UUID], opened: ExitStack
    ) -> None:
        self._channel = channel
        self._opened = opened
        self._own = {
            row.application_id: row
            for row in ChannelSettings.objects.filter(
                application_id__in=application_ids, channel=channel
            ).exclude(provider="")
        }
        self._sessions: dict[UUID | None, Session] = {}
        self._others = [one for one in application_ids if one not in self._own]
        # Opened at once, as it is the one that nearly everybody uses.
        if self._others or not self._own:
            self._sessions[None] = opened.enter_context(
                transport_of(channel).session(self._others, {})
            )
        self._building: Session | None = None

    def build(self, message: Message) -> Parcel:
        """Put a message into its provider's form.

        Raises CannotBuild.
        """
        self._building = self._session_of(message)
        return self._building.build(message)

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Hand over the parcel that was built last."""
        assert self._building is not None  # noqa: S101  # built by build()
        return self._building.send(parcel, until=until)

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Ask the provider that has the message."""
        return self._session_of(message).poll(message, until=until)

    def _session_of(self, message: Message) -> Session:
        return self.of(message.application_id)

    def of(self, application_id: UUID) -> Session:
        """Give the provider of an application.

        Raises CannotBuild.
        """
        own = self._own.get(application_id)
        key = own.application_id if own else None
        if key not in self._sessions:
            self._sessions[key] = self._open(own)
        return self._sessions[key]

    def _open(self, own: ChannelSettings | None) -> Session:
        if own is None:
            return self._opened.enter_context(transport_of(self._channel).session(self._others, {}))
        provider = settings.NOTIFICATIONS_PROVIDERS.get(self._channel, {}).get(own.provider)
        if provider is None:
            raise CannotBuild(f"There is no provider {own.provider} for {self._channel}.")
        transport = cast(Transport, import_module(provider))
        return self._opened.enter_context(transport.session([own.application_id], options_of(own)))


def options_of(own: ChannelSettings) -> Options:
    """Give what an application has set for its provider.

    Raises CannotBuild.
    """
    if own.provider_options is None:
        return {}
    try:
        options: Options = orjson.loads(unseal(own.provider_options, purpose="provider-options"))
    except SealBroken:
        raise CannotBuild("The provider's options were sealed with a key that is gone.") from None
    return options


def transport_of(channel: Channel) -> Transport:
    """Give the module that the settings name for the channel."""
    return cast(Transport, import_module(settings.NOTIFICATIONS_TRANSPORTS[channel]))
