"""Every refusal about calls."""

from typing import ClassVar

from config.kernel.errors import DomainError, Kind


class CallNotFound(DomainError):
    """Not there, over, or without a party on a device of the caller."""

    kind: ClassVar[Kind] = "not_found"
    message = "There is no such call."


class NotPossibleNow(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "The call does not take {operation} in its present state."


class DeviceBusy(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "The device has a call already."


class OwnNumber(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "A device cannot call itself."


class InvalidDigits(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "Tones are 0 to 9, * and #."


class NoSuchParticipant(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The number does not take part in the call."


class OtherCallUnfit(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The other call is not one that goes with this one."


class UserDataTooLarge(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "So much cannot be attached to a call."
