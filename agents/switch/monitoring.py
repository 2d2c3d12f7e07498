"""Supervisors in the calls of others: they listen, talk with both, or with the agent alone."""

from __future__ import annotations

from collections.abc import Iterable

from agents import desk_wire
from agents.agent_states import Descriptors
from agents.models import Call, Device, Leg, LegState, MonitoringMode, MonitoringScope
from agents.services.push import Told
from agents.switch.exchange import Exchange
from agents.switch.leaving import leave


def set_out(exchange: Exchange, device: Device) -> list[Call]:
    """Bring a supervisor into the call that goes on on a device; return the calls that changed."""
    return [
        leg.call
        for leg in exchange.on_device(device.id)
        if leg.state == LegState.ESTABLISHED and _join(exchange, device, leg)
    ]


def leave_all(exchange: Exchange, device: Device) -> list[Call]:
    """Take a supervisor out of what it has by monitoring a device; return the calls that changed.

    What it has by monitoring another one from the same telephone stays.
    """
    if device.monitored_by_id is None:
        return []
    others = {
        one.id
        for one in exchange.devices.values()
        if one.monitored_by_id == device.monitored_by_id and one.id != device.id
    }
    own = [leg for leg in exchange.on_device(device.monitored_by_id) if leg.monitoring_kind]
    leaving = []
    for leg in own:
        there = {one.device_id for one in exchange.legs_of(leg.call)}
        if device.id in there or not there & others:
            leaving.append(leg)
    for leg in leaving:
        leave(exchange, leg)
    return [leg.call for leg in leaving]


def follow(exchange: Exchange) -> None:
    """Let supervisors join the calls that their agents have got, and leave with them."""
    for device in [one for one in exchange.devices.values() if one.monitored_by_id]:
        mine = _in_hand(exchange, [leg for leg in exchange.legs if leg.device_id == device.id])
        talking = [leg for leg in mine if leg.state == LegState.ESTABLISHED]
        for leg in talking:
            if exchange.has_begun(leg):
                _join(exchange, device, leg)
        over = [leg for leg in mine if leg.state == LegState.RELEASED and leg.established_at]
        for leg in over:
            _part(exchange, device, leg)
        moved = any(exchange.has_begun(leg) and leg.released_at is None for leg in mine)
        if over and not moved and device.monitoring_mode == MonitoringMode.NEXT_CALL:
            _end(exchange, device)


def _in_hand(exchange: Exchange, legs: Iterable[Leg]) -> list[Leg]:
    return [leg for leg in legs if leg.call_id in exchange.calls and not leg.monitoring_kind]


def _join(exchange: Exchange, device: Device, leg: Leg) -> bool:
    supervisor = exchange.devices.get(device.monitored_by_id) if device.monitored_by_id else None
    # A supervisor who talks on that telephone, or is in the call already, does not come in.
    if supervisor is None or not supervisor.is_active or exchange.is_busy(supervisor.id):
        return False
    if any(one.device_id == supervisor.id for one in exchange.legs_of(leg.call)):
        return False
    kind = device.monitoring_kind
    exchange.new_leg(leg.call, LegState.ESTABLISHED, device=supervisor, monitoring_kind=kind)
    return True


def _part(exchange: Exchange, device: Device, leg: Leg) -> None:
    """Let a supervisor leave a call with the agent, where it came for the agent only."""
    if device.monitoring_scope != MonitoringScope.AGENT:
        return
    for one in exchange.legs_of(leg.call):
        if one.monitoring_kind and one.device_id == device.monitored_by_id:
            leave(exchange, one)


def _end(exchange: Exchange, device: Device) -> None:
    """Let nobody monitor a device any more: it was for one call (cc.me.devices.ListenIn.r8)."""
    supervisor = exchange.devices.get(device.monitored_by_id) if device.monitored_by_id else None
    device.monitored_by = None
    device.monitoring_kind = device.monitoring_mode = device.monitoring_scope = ""
    device.save(
        update_fields=["monitored_by", "monitoring_kind", "monitoring_mode", "monitoring_scope"]
    )
    if supervisor is None or supervisor.user_id is None:
        return
    viewer = desk_wire.Viewer(user_id=supervisor.user_id, is_supervisor=True)
    shown = desk_wire.device_json(device, viewer, Descriptors.of(exchange.organization_id))
    exchange.told.append(
        Told(
            user_id=supervisor.user_id,
            topic=desk_wire.DEVICES_TOPIC,
            data=desk_wire.devices_message([shown]),
        )
    )
