"""The wire of the room, which only our own page speaks."""

from __future__ import annotations

from typing import Any

import orjson
from rest_framework import serializers

from appointments.room import Seat, Signal
from config.kernel import limits
from config.kernel.fields import StrictBooleanField, WholeNumberField

# The browser chooses its name by dice: 128 bits, in hexadecimal.
_PEER = r"^[0-9a-f]{32}\Z"


class PeerField(serializers.RegexField):
    """The name of one browser in the room."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_PEER, trim_whitespace=False, **kwargs)


class SignalField(serializers.Field[bytes, object, Any, Any]):
    """A JSON object that one browser tells another: opaque to us, and not too large."""

    default_error_messages = {
        "invalid": "Not an object.",
        "large": f"It is larger than {limits.ROOM_SIGNAL_BYTES} bytes.",
    }

    def to_internal_value(self, data: object) -> bytes:
        if not isinstance(data, dict):
            self.fail("invalid")
        packed = orjson.dumps(data)
        if len(packed) > limits.ROOM_SIGNAL_BYTES:
            self.fail("large")
        return packed


class JoinRequest(serializers.Serializer[Any]):
    peer = PeerField()


class PollRequest(JoinRequest):
    room = serializers.UUIDField()
    # The number of the last signal that came; what follows is given again.
    got = WholeNumberField(min_value=0, max_value=2**53)


class LeaveRequest(JoinRequest):
    room = serializers.UUIDField()
    # Else the page was left without a word, and may come back.
    forGood = StrictBooleanField()


class OutgoingSignal(serializers.Serializer[Any]):
    to = PeerField()
    data = SignalField()  # type: ignore[assignment]  # the serializer's own is not asked for


class SendRequest(JoinRequest):
    room = serializers.UUIDField()
    signals = serializers.ListField(
        child=OutgoingSignal(), allow_empty=False, max_length=limits.ROOM_SIGNALS_AT_ONCE
    )


def people_of(seats: tuple[Seat, ...]) -> list[dict[str, object]]:
    """Give who is in the room, as the page shows them."""
    return [
        {"peer": seat.peer, "name": seat.name, "isCustomer": seat.is_customer} for seat in seats
    ]


def signal_of(signal: Signal) -> dict[str, object]:
    """Give a signal as its receiver reads it."""
    return {
        "number": signal.number,
        "from": signal.sender,
        "data": orjson.Fragment(signal.data),
    }
