"""Devices, channels and states as desktops read them, in replies and events alike.

Addresses are paths here: what comes before them depends on who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.agent_states import Descriptors
from agents.models import Device, MediaChannel, MonitoringKind, User
from agents.phone_numbers import read_number
from config.kernel.actors import Actor, Role

DEVICES_TOPIC, CHANNELS_TOPIC = "/v2/me/devices", "/v2/me/channels"
JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who reads: only supervisors see who takes part in whose calls."""

    user_id: UUID | None
    is_supervisor: bool

    @classmethod
    def of_actor(cls, actor: Actor) -> Viewer:
        """See as somebody who asks does."""
        return cls(user_id=UUID(actor.id) if actor.id else None, is_supervisor=actor.is_supervisor)

    @classmethod
    def of_user(cls, user: User) -> Viewer:
        """See as somebody who is told does."""
        return cls(user_id=user.pk, is_supervisor=Role.SUPERVISOR in user.roles)


def device_path(device_id: UUID) -> str:
    """Give where a device is read."""
    return f"/api/v2/devices/{device_id}"


def phone_number_path(device: Device) -> str:
    """Give where the number of a device is read: it goes by the id of the device."""
    return f"/api/v2/phone-numbers/{device.pk}"


def voice_environment_path(organization_id: UUID) -> str:
    """Give where an organisation's switch is read: it has one, which goes by its own id."""
    return f"/api/v2/voice-environments/{organization_id}"


def channel_path(medium: str) -> str:
    """Give where the caller's own channel is read."""
    return f"/api/v2/me/channels/{medium}"


def user_state_json(meaning: tuple[str, str, str], descriptors: Descriptors) -> JsonObject:
    """Give a state, with id and name when a descriptor matches it whole."""
    state, work_mode, reason = meaning
    found = descriptors.meant_by(*meaning)
    named = {"id": found.id, "displayName": found.display_name} if found else {}
    more = {"workMode": work_mode, "reason": reason}
    return {
        **named,
        "state": str(state),
        **{name: str(text) for name, text in more.items() if text},
    }


def device_json(device: Device, viewer: Viewer, descriptors: Descriptors) -> JsonObject:
    """Give a device as the viewer sees it; the device that monitors it has to be at hand."""
    facts = read_number(device.phone_number)
    found: JsonObject = {
        "id": str(device.pk),
        "uri": device_path(device.pk),
        "deviceState": "Active" if device.is_active else "Inactive",
        "phoneNumber": device.phone_number,
        "phoneNumberUri": phone_number_path(device),
        "e164Number": facts.e164,
        "localNumber": facts.local,
        "country": facts.country.as_json(),
        "telephonyNetwork": device.network,
        "voiceEnvironmentUri": voice_environment_path(device.organization_id),
        "doNotDisturb": on_or_off(device.do_not_disturb),
        "capabilities": device_capabilities(device, viewer),
    }
    optional = {
        "location": facts.location,
        "model": device.model,
        "vendor": device.vendor,
        "type": device.kind,
        "forwardTo": device.forward_to,
    }
    found |= {name: text for name, text in optional.items() if text}
    if device.user_id is not None:
        found["userState"] = user_state_json(device.shown, descriptors)
    if viewer.is_supervisor and device.monitoring_kind:
        found["supervisorMonitoringState"] = device.monitoring_kind
        found["supervisorMonitoringMode"] = device.monitoring_mode
        found["supervisorMonitoringScope"] = device.monitoring_scope
    return found


def device_capabilities(device: Device, viewer: Viewer) -> list[str]:
    """Give what the viewer can do with a device now; nothing while nobody is logged in on it."""
    if not device.is_active:
        return []
    found = [
        "DoNotDisturbOff" if device.do_not_disturb else "DoNotDisturbOn",
        "ForwardCallsOff" if device.forward_to else "ForwardCallsOn",
    ]
    if not viewer.is_supervisor:
        return found
    is_mine = is_monitored_by(device, viewer.user_id)
    if is_mine or device.monitored_by_id is None:
        found += [kind.value for kind in MonitoringKind]
    return [*found, "CancelSupervisorMonitoring"] if is_mine else found


def is_monitored_by(device: Device, user_id: UUID | None) -> bool:
    """Tell whether somebody takes part in the calls of a device, from whatever device."""
    by = device.monitored_by
    return by is not None and user_id is not None and by.user_id == user_id


def channel_json(channel: MediaChannel, descriptors: Descriptors) -> JsonObject:
    """Give somebody's channel as that person sees it."""
    state = user_state_json(channel.shown, descriptors)
    if "reason" in state:
        state["reasonCode"] = state["reason"]
    switch = "DoNotDisturbOff" if channel.do_not_disturb else "DoNotDisturbOn"
    return {
        "channel": channel.medium,
        "id": channel.medium,
        "uri": channel_path(channel.medium),
        "userState": state,
        "dndState": on_or_off(channel.do_not_disturb),
        "capabilities": [switch, *(one.operation_name for one in descriptors.all)],
    }


def on_or_off(flag: bool) -> str:
    """Give a flag in the words of desktops."""
    return "On" if flag else "Off"


def devices_message(devices: list[JsonObject]) -> JsonObject:
    """Give what is told of devices on /v2/me/devices."""
    return {"messageType": "DeviceStateChangeMessage", "devices": devices}


def channels_message(channels: list[JsonObject]) -> JsonObject:
    """Give what is told of channels on /v2/me/channels."""
    return {"messageType": "ChannelStateChangeMessage", "channels": channels}
