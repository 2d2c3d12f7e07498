"""Bayeux 1.0 on the wire: bodies in, replies out. Nothing here knows of clients or events."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import parse_qs

import orjson

from agents.cometd.options import Options
from config.kernel import json, limits
from config.kernel.errors import DomainError

HANDSHAKE, CONNECT, DISCONNECT = "/meta/handshake", "/meta/connect", "/meta/disconnect"
SUBSCRIBE, UNSUBSCRIBE = "/meta/subscribe", "/meta/unsubscribe"
VERSION = "1.0"
_SHORT = 4_096
FORM = "application/x-www-form-urlencoded"

Message = dict[str, Any]
Reconnect = Literal["retry", "handshake", "none"]


class Unreadable(Exception):
    """A body that holds no messages: the one thing that HTTP says by a status."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


def parse(body: bytes, content_type: str, *, most: int) -> list[Message]:
    """Read the messages of a body, JSON or a form.

    Raises Unreadable.
    """
    if content_type.partition(";")[0].strip().lower() == FORM:
        return messages_in(_fields(body), most=most)
    return messages_in([body], most=most)


def messages_in(texts: Iterable[bytes], *, most: int) -> list[Message]:
    """Read the messages of texts that each hold an array of them, or one.

    Raises Unreadable.
    """
    messages: list[Message] = []
    for text in texts:
        value = _value_of(text)
        messages += value if isinstance(value, list) else [value]
    if not messages:
        raise Unreadable
    if len(messages) > most:
        raise Unreadable(413)
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("channel"), str):
            raise Unreadable
    return messages


def _fields(body: bytes) -> list[bytes]:
    try:
        fields = parse_qs(body.decode(), strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Unreadable from None
    return [text.encode() for text in fields.get("message", [])]


def _value_of(text: bytes) -> Any:
    # A poll comes as often as something happens. What cannot be nested too deeply is read by the
    # fast parser, which is strict too, but for names that occur twice; nothing here is stored.
    if len(text) < _SHORT and text.count(b"{") + text.count(b"[") < limits.JSON_DEPTH:
        with suppress(ValueError):
            return orjson.loads(text)
    try:
        return json.loads(text)
    except json.BodyTooLarge:
        raise Unreadable(413) from None
    except DomainError:
        raise Unreadable from None


def advice(options: Options, reconnect: Reconnect = "retry", *, interval: int = 0) -> Message:
    """Give an advice, whole: clients replace the former one by it (cc.cometd.protocol.r5)."""
    said: Message = {"reconnect": reconnect, "interval": interval, "timeout": options.timeout}
    if reconnect == "retry":
        said["maxInterval"] = options.max_interval
    return said


def reply(message: Message, **members: Any) -> Message:
    """Give a successful reply to a message."""
    return {**_begun(message, is_successful=True), **members}


def refusal(message: Message, error: str, **members: Any) -> Message:
    """Give a reply that says why not, as code:args:text."""
    return {**_begun(message, is_successful=False), "error": error, **members}


def unknown_client(message: Message, options: Options) -> Message:
    """Give the reply to a message whose client there is not, or is somebody else's."""
    client = message.get("clientId")
    return refusal(
        message,
        f"402:{client if isinstance(client, str) else ''}:Unknown client",
        advice=advice(options, "handshake"),
    )


def _begun(message: Message, *, is_successful: bool) -> Message:
    begun = {"channel": message["channel"], "successful": is_successful}
    if "id" in message:
        begun["id"] = message["id"]
    if message["channel"] != HANDSHAKE and isinstance(message.get("clientId"), str):
        begun["clientId"] = message["clientId"]
    return begun


def extension_of(message: Message, name: str) -> Any:
    """Give what a message says of an extension; None when it says nothing."""
    extensions = message.get("ext")
    return extensions.get(name) if isinstance(extensions, dict) else None


def whole(value: object) -> int | None:
    """Give a value that is a whole number, None for any other."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def body_of(replies: Iterable[Message | bytes]) -> bytes:
    """Give the body of an answer; events come as the bytes that they are."""
    parts = (one if isinstance(one, bytes) else json.dumps(one) for one in replies)
    return b"[" + b",".join(parts) + b"]"
