"""Short messages for tests, and servers that stand for their providers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from notifications.messages import Rendered
from notifications.models import Channel
from notifications.transports import Parcel
from tests.notifications.messages import NOTIFICATION, make_message

if TYPE_CHECKING:
    from pytest_django import Settings
    from pytest_httpserver import HTTPServer

    from notifications.messages import Message

NUMBER = "+491711234567"


def make_short_message(*, country: str = "", sent_as: str = "", **facts: Any) -> Message:
    """Make a message for SMS; `sent_as` is what the provider called it."""
    defaults: dict[str, Any] = {"address": NUMBER, "sender": ""}
    message = make_message(channel=Channel.SMS, **{**defaults, **facts})
    return replace(message, country=country, provider_message_id=sent_as)


def make_parcel(text: str = "See you at 10", *, sender: str = "+4930901820") -> Parcel:
    """Make a message that is ready to be handed over."""
    return Parcel(
        sender=sender,
        recipient=NUMBER,
        data=text.encode(),
        message_id=str(NOTIFICATION),
        rendered=Rendered(subject="", text=text, html=""),
    )


def soon() -> float:
    """Give a moment until when a provider on this machine has answered."""
    return time.monotonic() + 5


def allow(settings: Settings, server: HTTPServer) -> None:
    """Let the door for outgoing HTTP lead to a server on this machine."""
    settings.OUTGOING_ALLOWED_HOSTS = [f"{server.host}:{server.port}"]
