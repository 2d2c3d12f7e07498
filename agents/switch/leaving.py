"""How calls end: a party leaves, and whoever would be left alone with it."""

from __future__ import annotations

from agents.models import Call, Leg, LegState
from agents.switch.exchange import Exchange


def leave(exchange: Exchange, leg: Leg) -> None:
    """Take a party out of its call; where one is left, or nobody who talks, the call ends."""
    call = leg.call
    was_party = leg in exchange.parties(call)
    exchange.turn(leg, LegState.RELEASED)
    if not was_party:
        return
    left = exchange.parties(call)
    if not _goes_on(call, left):
        end(exchange, call)
    else:
        exchange.insist_on_participants(left)


def end(exchange: Exchange, call: Call) -> None:
    """End a call for everybody who is in it."""
    exchange.wait_in(call, None)
    for leg in exchange.legs_of(call):
        exchange.turn(leg, LegState.RELEASED)


def take_off_hold(exchange: Exchange, call: Call) -> None:
    """Let the one who stays talk again, who would wait for somebody that has gone.

    On a device with another call under way it stays held: there is one at a time.
    """
    staying = [leg for leg in exchange.parties(call) if leg.state != LegState.RINGING]
    if len(staying) != 1 or staying[0].state != LegState.HELD:
        return
    device_id = staying[0].device_id
    if device_id is None or not exchange.is_busy(device_id):
        exchange.turn(staying[0], LegState.ESTABLISHED)


def _goes_on(call: Call, left: list[Leg]) -> bool:
    # Telephones that ring, and nobody who would talk to those who answer.
    if all(leg.state == LegState.RINGING for leg in left):
        return False
    return len(left) + (call.waits_in is not None) > 1
