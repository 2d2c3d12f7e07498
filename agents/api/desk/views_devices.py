"""Telephones: which there are, whose they are, and what can be switched on each."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from agents import desk_wire
from agents.agent_states import Descriptors
from agents.api.desk.addresses import id_in
from agents.api.desk.base import (
    ADMINS,
    AGENTS,
    ANYBODY,
    STAFF,
    SUPERVISORS,
    DeskRequest,
    DeskView,
    Members,
    Operation,
    Operations,
    id_of,
)
from agents.api.desk.shapes import ERROR_STATUS
from agents.errors_desk import FeatureMissing, MemberInvalid, MemberMissing
from agents.errors_presence import DeviceNotFound
from agents.models import (
    Device,
    MonitoringKind,
    MonitoringMode,
    MonitoringScope,
    TelephonyNetwork,
)
from agents.models.tenancy import Feature
from agents.services import desk_monitoring, devices
from agents.services.desk_monitoring import Monitoring
from agents.services.devices import NewDevice
from config.kernel import limits
from config.kernel.ids import parse_uuid

READING, WRITING = Feature.PROVISIONING_READ, Feature.PROVISIONING_WRITE


def check_voice(asked: DeskRequest) -> None:
    """Let nobody see telephones where there are none. Raises FeatureMissing."""
    if not asked.has_feature(Feature.VOICE):
        raise FeatureMissing(feature=Feature.VOICE)


class Shown:
    """Devices as the caller sees them."""

    def __init__(self, asked: DeskRequest) -> None:
        self._viewer = desk_wire.Viewer.of_actor(asked.actor)
        self._descriptors = Descriptors.of(asked.organization_id)

    def __call__(self, device: Device) -> dict[str, Any]:
        """Give one of them."""
        return desk_wire.device_json(device, self._viewer, self._descriptors)


def uri_of(device: Device) -> str:
    """Give where a device is read."""
    return desk_wire.device_path(device.pk)


# --- The caller's own ---------------------------------------------------------------------------


def list_my_devices(asked: DeskRequest) -> Members:
    """Give the caller's devices; without `fields` whole, and their addresses besides."""
    rows = list(asked.page(devices.devices_of(asked.caller.user_id)))
    shown = Shown(asked)
    found: dict[str, Any] = {"devices": [asked.chosen(shown(one)) for one in rows]}
    if asked.fields is None:
        found["uris"] = [uri_of(one) for one in rows]
    return found


def read_my_device(asked: DeskRequest, device_id: str) -> Members:
    """Give one of the caller's devices. Raises DeviceNotFound."""
    wanted = id_of(device_id, what="device")
    for one in devices.devices_of(asked.caller.user_id):
        if one.pk == wanted:
            return {"device": Shown(asked)(one)}
    raise DeviceNotFound


# --- All of them --------------------------------------------------------------------------------


def list_devices(asked: DeskRequest) -> Members:
    """Give the devices of the contact center."""
    check_voice(asked)
    rows = devices.devices_seen_by(asked.actor)
    return asked.listing("devices", rows, uri=uri_of, wire=Shown(asked))


def read_device(asked: DeskRequest, device_id: str) -> Members:
    """Give one device. Raises DeviceNotFound."""
    check_voice(asked)
    found = devices.device_seen_by(asked.actor, id_of(device_id, what="device"))
    return {"device": Shown(asked)(found)}


def create_device(asked: DeskRequest) -> Members:
    """Make a device, and say where it is read."""
    check_voice(asked)
    device = devices.create_device(_new_device(asked), actor=asked.actor, now=asked.now)
    return _made(device)


def delete_device(asked: DeskRequest, device_id: str) -> None:
    """Take a device away for good."""
    check_voice(asked)
    wanted = id_of(device_id, what="device")
    devices.delete_device(wanted, actor=asked.actor, now=asked.now)


def _new_device(asked: DeskRequest) -> NewDevice:
    body = asked.body
    network = body.one_of("telephonyNetwork", TelephonyNetwork, default=TelephonyNetwork.PRIVATE)
    return NewDevice(
        phone_number=body.text("phoneNumber", most=limits.PHONE_LENGTH),
        model=body.text_or_none("model") or "",
        vendor=body.text_or_none("vendor") or "",
        kind=body.text_or_none("type") or "",
        network=network or TelephonyNetwork.PRIVATE,
    )


def _made(device: Device) -> Members:
    return {"id": str(device.pk), "uri": uri_of(device)}


# --- Those of somebody --------------------------------------------------------------------------


def list_devices_of_user(asked: DeskRequest, user_id: str) -> Members:
    """Give the devices of somebody. Raises DevicesNotYours, UserNotFound."""
    check_voice(asked)
    wanted = id_of(user_id, what="user")
    rows = devices.devices_of_user(wanted, actor=asked.actor)
    return asked.listing("devices", rows, uri=uri_of, wire=Shown(asked))


def add_device_to_user(asked: DeskRequest, user_id: str) -> Members | None:
    """Make a device for somebody, or assign one that there is."""
    check_voice(asked)
    person, body = id_of(user_id, what="user"), asked.body
    if "id" in body or "uri" in body:
        wanted = parse_uuid(body.reference("id", "uri"))
        if wanted is None:
            raise DeviceNotFound
        devices.give_device(person, wanted, actor=asked.actor, now=asked.now)
        return None
    if "phoneNumber" not in body:
        raise MemberMissing(name="phoneNumber, id or uri")
    new = _new_device(asked)
    return _made(devices.create_device_for(person, new, actor=asked.actor, now=asked.now))


def take_device_from_user(asked: DeskRequest, user_id: str, device_id: str) -> None:
    """Let a device be nobody's again."""
    check_voice(asked)
    person, device = id_of(user_id, what="user"), id_of(device_id, what="device")
    devices.take_device_away(person, device, actor=asked.actor, now=asked.now)


# --- What can be switched: on any device, or by /me/devices on one's own --------------------------


def set_do_not_disturb(on: bool, own_only: bool, asked: DeskRequest, device_id: str) -> None:
    """Let a device ring, or not."""
    devices.set_device_do_not_disturb(
        id_of(device_id, what="device"),
        on,
        own_only=own_only,
        actor=asked.actor,
        now=asked.now,
    )


def forward_calls(own_only: bool, asked: DeskRequest, device_id: str) -> None:
    """Let calls to a device ring elsewhere. Raises MemberMissing, MemberInvalid."""
    devices.forward_calls(
        id_of(device_id, what="device"),
        _destination(asked),
        own_only=own_only,
        actor=asked.actor,
        now=asked.now,
    )


def _destination(asked: DeskRequest) -> str:
    """Give the number that a text or an object names."""
    asked.body.require("destination")
    match asked.body.raw("destination"):
        case str(number) | {"phoneNumber": str(number)}:
            return number
        case {"phoneNumber": None}:
            raise MemberMissing(name="destination")
        case dict() as members if "phoneNumber" not in members:
            raise MemberMissing(name="destination")
        case _:
            raise MemberInvalid(name="destination", why="it is a phone number")


def stop_forwarding(own_only: bool, asked: DeskRequest, device_id: str) -> None:
    """Let calls to a device ring on it again."""
    wanted = id_of(device_id, what="device")
    devices.stop_forwarding(wanted, own_only=own_only, actor=asked.actor, now=asked.now)


# --- Monitoring ---------------------------------------------------------------------------------


def monitor(kind: MonitoringKind, own_only: bool, asked: DeskRequest, device_id: str) -> None:
    """Take part in the calls of a device. Raises MemberMissing, MemberInvalid."""
    body, named = asked.body, id_of(device_id, what="device")
    how = Monitoring(
        kind=kind,
        mode=body.one_of("supervisorMonitoringMode", MonitoringMode) or MonitoringMode.ALL_CALLS,
        scope=body.one_of("supervisorMonitoringScope", MonitoringScope) or MonitoringScope.CALL,
    )
    own: UUID | None = None
    if own_only or "targetDeviceUri" in body:
        # The path names the supervisor's own device then.
        own, named = named, _target(asked)
    desk_monitoring.monitor(named, how, from_device_id=own, actor=asked.actor, now=asked.now)


def _target(asked: DeskRequest) -> UUID:
    found = parse_uuid(id_in(asked.body.text("targetDeviceUri", most=limits.URL_LENGTH)))
    if found is None:
        raise DeviceNotFound
    return found


def cancel_monitoring(own_only: bool, asked: DeskRequest, device_id: str) -> None:
    """End what the caller monitors."""
    desk_monitoring.cancel_monitoring(
        id_of(device_id, what="device"), own_only=own_only, actor=asked.actor, now=asked.now
    )


# --- Resources ----------------------------------------------------------------------------------


def _operations(*, own_only: bool) -> Operations:
    return Operations(
        {
            "DoNotDisturbOn": _on_a_device(partial(set_do_not_disturb, True, own_only)),
            "DoNotDisturbOff": _on_a_device(partial(set_do_not_disturb, False, own_only)),
            "ForwardCallsOn": _on_a_device(partial(forward_calls, own_only)),
            "ForwardCallsOff": _on_a_device(partial(stop_forwarding, own_only)),
            **{
                kind.value: Operation(
                    partial(monitor, kind, own_only), SUPERVISORS, feature=Feature.VOICE
                )
                for kind in MonitoringKind
            },
            "CancelSupervisorMonitoring": Operation(
                partial(cancel_monitoring, own_only), SUPERVISORS, feature=Feature.VOICE
            ),
        }
    )


def _on_a_device(run: Any) -> Operation:
    return Operation(run, STAFF, feature=Feature.VOICE)


class MyDevicesView(DeskView):
    """The caller's own telephones."""

    shape = ERROR_STATUS
    get = Operation(list_my_devices, ANYBODY, shape=ERROR_STATUS, feature=Feature.VOICE)


class MyDeviceView(DeskView):
    """One of them."""

    get = Operation(read_my_device, AGENTS, shape=ERROR_STATUS, feature=Feature.VOICE)
    post = _operations(own_only=True)


class DevicesView(DeskView):
    """The telephones of the contact center."""

    get = Operation(list_devices, ADMINS, feature=READING)
    post = Operation(create_device, ADMINS, feature=WRITING)


class DeviceView(DeskView):
    """One of them."""

    get = Operation(read_device, STAFF, feature=READING)
    post = _operations(own_only=False)
    delete = Operation(delete_device, ADMINS, feature=WRITING)


class DevicesOfUserView(DeskView):
    """The telephones of somebody."""

    get = Operation(list_devices_of_user, STAFF, feature=READING)
    post = Operation(add_device_to_user, ADMINS, feature=WRITING)


class DeviceOfUserView(DeskView):
    """One of them."""

    delete = Operation(take_device_from_user, ADMINS, feature=WRITING)
