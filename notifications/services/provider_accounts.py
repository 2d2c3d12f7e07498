"""Who carries the messages of an application, and what is kept of its account there: sealed."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from config.kernel.secrets import seal
from notifications.errors import CannotBuild, InvalidProvider
from notifications.gateways import Gateway
from notifications.models import Channel, ChannelSettings
from notifications.providers import FOR_APPLICATIONS, problems_of
from notifications.transports.sms.twilio import Account

_PURPOSE = "provider-options"


def providers_of(channel: Channel) -> list[str]:
    """Give the providers that an application can choose for a channel, by name."""
    match channel:
        case Channel.EMAIL:
            return sorted(FOR_APPLICATIONS)
        case Channel.SMS:
            return ["gateway", "twilio"]
        case _:
            return []


def choose_provider(
    settings: ChannelSettings, provider: str, options: Mapping[str, object]
) -> None:
    """Let a provider carry what goes over a channel of an application; the caller saves the row.

    With an empty name it is the installation's own again. A service that was verified has to be
    verified anew. Raises InvalidProvider.
    """
    settings.provider, settings.verified_at = provider, None
    if not provider:
        settings.provider_options = None
        return
    check_options(Channel(settings.channel), provider, options)
    kept = dict(options)
    if settings.channel == Channel.EMAIL:
        # One module serves them all; and options for one are never given to another.
        kept["provider"] = provider
    settings.provider_options = seal(orjson.dumps(kept).decode(), purpose=_PURPOSE)


def check_options(channel: Channel, provider: str, options: Mapping[str, object]) -> None:
    """Refuse options that no account can be opened with.

    Raises InvalidProvider.
    """
    if provider not in providers_of(channel):
        raise InvalidProvider(errors={"provider": ["There is no such provider for this channel."]})
    problems: dict[str, str] = {}
    match provider:
        case "twilio":
            try:
                Account.read(options)
            except CannotBuild as refusal:
                problems["provider_options"] = str(refusal)
        case "gateway":
            try:
                Gateway.read(options)
            except ValueError as error:
                problems["provider_options"] = f"The gateway cannot be used: {error}."
        case _:
            problems = problems_of(provider, options)
    if problems:
        raise InvalidProvider(errors={name: [problem] for name, problem in problems.items()})
