"""What somebody can do with a call at a moment: what is offered is what will be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.models import LegState, TelephonyNetwork
from agents.switch.state import ACTIVE, ANSWERED, OF_A_SILENT_ONE, OFFERED, SILENT, Operation

if TYPE_CHECKING:
    from agents.models import Leg
    from agents.switch.exchange import Exchange

_ASKING = frozenset({Operation.INITIATE_TRANSFER, Operation.INITIATE_CONFERENCE})


def capabilities_of(leg: Leg, exchange: Exchange) -> list[Operation]:
    """Give the operations that would be taken now, in the order of the contract."""
    state = LegState(leg.state)
    offered = set(OFFERED[state]) | _with_other_calls(leg, exchange)
    if state == LegState.RINGING and _is_public(leg, exchange):
        offered.discard(Operation.ANSWER)
    if leg.is_muted and Operation.MUTE in offered:
        offered ^= {Operation.MUTE, Operation.UNMUTE}
    if len(exchange.parties(leg.call)) > 2:
        offered -= {Operation.SINGLE_STEP_TRANSFER, Operation.INITIATE_TRANSFER}
        if state == LegState.ESTABLISHED:
            offered.add(Operation.REMOVE_PARTICIPANT)
    if leg.monitoring_kind in SILENT:
        offered &= OF_A_SILENT_ONE
    else:
        offered = _while_consulting(leg, exchange, offered)
    beside = {LegState(other.state) for other in exchange.beside(leg)}
    if beside & ACTIVE:
        offered.discard(Operation.RETRIEVE)
    # A conversation beside it is held for the new call; one that is only beginning cannot be.
    if beside & {LegState.DIALING, LegState.RINGING}:
        offered -= _ASKING
    return [operation for operation in Operation if operation in offered]


def can_merge(leg: Leg, other: Leg, exchange: Exchange) -> bool:
    """Tell whether two calls of a device can become one, which goes on."""
    if not {leg.state, other.state} <= ANSWERED or {leg.monitoring_kind, other.monitoring_kind} & (
        SILENT
    ):
        return False
    if LegState.ESTABLISHED in (leg.state, other.state):
        return True
    return leg.device_id is not None and not exchange.is_busy(leg.device_id)


def consultations(leg: Leg, exchange: Exchange) -> list[tuple[Leg, Leg]]:
    """Give the pairs of a call and its consultation on this device to which the call belongs."""
    here = [leg, *exchange.beside(leg)]
    return [
        (first, consult)
        for first in here
        for consult in here
        if consult.call.consults_id == first.call_id
        and leg in (first, consult)
        and first.state in ANSWERED
        and not {first.monitoring_kind, consult.monitoring_kind} & SILENT
    ]


def _is_public(leg: Leg, exchange: Exchange) -> bool:
    device = exchange.device_of(leg)
    return device is not None and device.network == TelephonyNetwork.PUBLIC


def _with_other_calls(leg: Leg, exchange: Exchange) -> set[Operation]:
    beside = exchange.beside(leg)
    offered = set()
    pair = {LegState.ESTABLISHED, LegState.HELD}
    if any({leg.state, other.state} == pair for other in beside):
        offered.add(Operation.SWAP)
    if any(can_merge(leg, other, exchange) for other in beside):
        offered.add(Operation.MERGE)
    return offered


def _while_consulting(leg: Leg, exchange: Exchange, offered: set[Operation]) -> set[Operation]:
    offered = set(offered)
    for first, consult in consultations(leg, exchange):
        if consult.state in (LegState.DIALING, LegState.ESTABLISHED):
            offered.add(Operation.COMPLETE_TRANSFER)
        if consult.state == LegState.ESTABLISHED:
            offered.add(Operation.COMPLETE_CONFERENCE)
        if leg is first:
            offered -= {*_ASKING, Operation.SINGLE_STEP_TRANSFER}
    return offered
