"""Every refusal about devices, channels, states and sessions of the desk."""

from typing import ClassVar

from config.kernel.errors import DomainError, Kind


class DeviceNotFound(DomainError):
    """Not there, somebody else's, or the organisation has no telephones."""

    kind: ClassVar[Kind] = "not_found"
    message = "There is no such device."


class ChannelNotFound(DomainError):
    """Not there, or the organisation has no channels besides telephones."""

    kind: ClassVar[Kind] = "not_found"
    message = "There is no such channel."


class DevicesNotYours(DomainError):
    kind: ClassVar[Kind] = "forbidden"
    desk_code: ClassVar[int] = 5
    message = "Only an administrator may see and give away the devices of others."


class StateUnknown(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "There is no operation and no agent state of the name {name}."


class LoggedInOnNothing(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "No device is active, and there is no channel to log in on."


class DeviceInactive(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Nobody is logged in on the device."


class DeviceActive(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Somebody is logged in on the device."


class DeviceTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "A device is assigned to another user."


class InvalidDevice(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The device is not valid."


class NumberTaken(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Another device has this phone number."


class InvalidDestination(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The destination is not valid."


class NotForwarding(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "The device does not forward its calls."


class MonitoredByAnother(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "Another supervisor monitors the device."


class MonitorsNothing(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "You do not monitor this device, and nothing from it."


class NothingToMonitorFrom(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "You are not logged in on a device to monitor from."


class MonitorsItself(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "A device cannot monitor itself."


class MediumUnknown(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "There is no channel of the name {name} here."


class PlaceUnknown(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "There is no such place."


class NoDevice(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "There is no device to log in on."


class LoginUnknown(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The loginCode is not one of yours."


class NoLogin(DomainError):
    kind: ClassVar[Kind] = "conflict"
    message = "You have no agent login."
