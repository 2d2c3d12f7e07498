"""Asking somebody during a call, and what can come of it: a transfer, a conference."""

from __future__ import annotations

from collections.abc import Mapping

from agents.models import Call, CallType, Leg, LegState
from agents.switch.exchange import Exchange
from agents.switch.leaving import end, take_off_hold
from agents.switch.state import ANSWERED, SILENT


def begin(
    exchange: Exchange, leg: Leg, number: str, *, purpose: str, user_data: Mapping[str, object]
) -> Leg:
    """Put a call on hold and dial a number from its device; return the end that dials.

    Whatever else is talked about on the device is held too.
    """
    for one in (leg, *exchange.beside(leg)):
        if one.state == LegState.ESTABLISHED:
            exchange.turn(one, LegState.HELD)
    # The desktop counts on hearing of both calls, also when the first was held before.
    exchange.insist_on_status(leg)
    call = exchange.new_call(
        CallType.CONSULT,
        ani=leg.phone_number,
        dnis=number,
        user_data=user_data,
        consults=leg.call,
        purpose=purpose,
    )
    return exchange.new_leg(call, LegState.DIALING, device=exchange.device_of(leg))


def transfer(exchange: Exchange, leg: Leg, consult: Leg) -> None:
    """Leave both calls and let those who are asked stay with those of the first."""
    exchange.turn(leg, LegState.RELEASED)
    exchange.turn(consult, LegState.RELEASED)
    _move(exchange, consult.call, leg.call)
    take_off_hold(exchange, leg.call)


def join(exchange: Exchange, leg: Leg, other: Leg) -> None:
    """Take everybody of another call into the call of a leg, which goes on."""
    exchange.turn(other, LegState.RELEASED)
    if leg.state == LegState.HELD:
        exchange.turn(leg, LegState.ESTABLISHED)
    _move(exchange, other.call, leg.call)


def _move(exchange: Exchange, source: Call, target: Call) -> None:
    """End a call and have its parties in another one, each as it stood or talking."""
    if target.waits_in is None:
        exchange.wait_in(target, source.waits_in)
    moving = [leg for leg in exchange.parties(source) if leg.monitoring_kind not in SILENT]
    before = {leg.id: LegState(leg.state) for leg in moving}
    end(exchange, source)
    for leg in moving:
        _move_one(exchange, leg, before[leg.id], target)


def _move_one(exchange: Exchange, leg: Leg, state: LegState, target: Call) -> None:
    is_free = leg.device_id is None or not exchange.is_busy(leg.device_id)
    if state in ANSWERED:
        state = LegState.ESTABLISHED if is_free else LegState.HELD
    there = [
        one for one in exchange.legs_of(target) if one.device_id and one.device_id == leg.device_id
    ]
    if there:
        # It takes part in both: one place is enough for a device.
        if there[0].state == LegState.HELD and state == LegState.ESTABLISHED:
            exchange.turn(there[0], LegState.ESTABLISHED)
        return
    moved = exchange.new_leg(
        target,
        state,
        device=exchange.device_of(leg),
        number=leg.phone_number,
        monitoring_kind=leg.monitoring_kind,
        established_at=leg.established_at,
    )
    moved.is_muted = leg.is_muted and state in ANSWERED
