"""The switch that is built in: no telephony behind it, the rows are the calls.

contract, lifecycle.embedded_switch.operations
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from agents.models import Call, CallType, Device, Leg, LegState
from agents.phone_numbers import dialled
from agents.switch import consultation, monitoring
from agents.switch.exchange import Exchange
from agents.switch.leaving import leave, take_off_hold
from agents.switch.resolution import (
    AtDevice,
    Destination,
    InQueue,
    Outside,
    Unreachable,
    resolve,
    whoever_is_free,
)
from agents.switch.state import ANSWERED

_NOT_ANSWERED = "The destination does not answer."


class EmbeddedSwitch:
    """Calls as a state machine in PostgreSQL; it implements `agents.switch.protocol.Switch`."""

    # --- Devices: whoever is called is looked up in their rows, so there is nothing to be done ---

    def login(self, device: Device) -> None:
        """Leave it to the row."""

    def logout(self, device: Device) -> None:
        """Leave it to the row."""

    def set_forwarding(self, device: Device) -> None:
        """Leave it to the row."""

    def set_do_not_disturb(self, device: Device) -> None:
        """Leave it to the row."""

    # --- Calling -----------------------------------------------------------------------------

    def dial(
        self, exchange: Exchange, device: Device, number: str, *, user_data: Mapping[str, object]
    ) -> None:
        found = resolve(exchange, number, avoid=[device.id])
        is_outside = isinstance(found, Outside)
        call = exchange.new_call(
            CallType.OUTBOUND if is_outside else CallType.INTERNAL,
            ani=device.phone_number,
            dnis=dialled(number),
            user_data=user_data,
        )
        leg = exchange.new_leg(call, LegState.DIALING, device=device)
        reach(exchange, call, found, dialling=leg)
        exchange.note("call.dialled", call)

    def answer(self, exchange: Exchange, leg: Leg) -> None:
        there = [other for other in exchange.legs_of(leg.call) if other.state in ANSWERED]
        exchange.turn(leg, LegState.ESTABLISHED)
        for other in exchange.others(leg):
            if other.state == LegState.DIALING:
                exchange.turn(other, LegState.ESTABLISHED)
        exchange.insist_on_participants(one for one in there if not one.monitoring_kind)
        _done(exchange)
        exchange.note("call.answered", leg.call)

    def release(self, exchange: Exchange, leg: Leg) -> None:
        leave(exchange, leg)
        _done(exchange)
        exchange.note("call.released", leg.call)

    # --- Holding -----------------------------------------------------------------------------

    def hold(self, exchange: Exchange, leg: Leg) -> None:
        exchange.turn(leg, LegState.HELD)
        _done(exchange)
        exchange.note("call.held", leg.call)

    def retrieve(self, exchange: Exchange, leg: Leg) -> None:
        exchange.turn(leg, LegState.ESTABLISHED)
        _done(exchange)
        exchange.note("call.retrieved", leg.call)

    def swap(self, exchange: Exchange, leg: Leg, other: Leg) -> None:
        talking, held = (leg, other) if leg.state == LegState.ESTABLISHED else (other, leg)
        exchange.turn(talking, LegState.HELD)
        exchange.turn(held, LegState.ESTABLISHED)
        _done(exchange)
        exchange.note("call.held", talking.call)
        exchange.note("call.retrieved", held.call)

    # --- Others ------------------------------------------------------------------------------

    def single_step_transfer(self, exchange: Exchange, leg: Leg, number: str) -> None:
        found = resolve(exchange, number, avoid=_devices_in(exchange, leg.call))
        if not _is_reachable(exchange, leg, found):
            return
        exchange.turn(leg, LegState.RELEASED)
        reach(exchange, leg.call, found, finish=False)
        take_off_hold(exchange, leg.call)
        _done(exchange)
        exchange.note("call.transferred", leg.call)

    def single_step_conference(self, exchange: Exchange, leg: Leg, number: str) -> None:
        found = resolve(exchange, number, avoid=_devices_in(exchange, leg.call))
        if not _is_reachable(exchange, leg, found):
            return
        reach(exchange, leg.call, found)
        exchange.note("call.extended", leg.call)

    def initiate_consultation(
        self,
        exchange: Exchange,
        leg: Leg,
        number: str,
        *,
        purpose: str,
        user_data: Mapping[str, object],
    ) -> None:
        found = resolve(exchange, number, avoid=_devices_in(exchange, leg.call))
        if not _is_reachable(exchange, leg, found):
            return
        asking = consultation.begin(
            exchange, leg, dialled(number), purpose=purpose, user_data=user_data
        )
        reach(exchange, asking.call, found, dialling=asking)
        exchange.note("call.held", leg.call)
        exchange.note("call.dialled", asking.call)

    def complete_transfer(self, exchange: Exchange, leg: Leg, consult: Leg) -> None:
        consultation.transfer(exchange, leg, consult)
        _done(exchange)
        exchange.note("call.transferred", leg.call)
        exchange.note("call.released", consult.call)

    def complete_conference(self, exchange: Exchange, leg: Leg, consult: Leg) -> None:
        self.merge(exchange, leg, consult)

    def merge(self, exchange: Exchange, leg: Leg, other: Leg) -> None:
        consultation.join(exchange, leg, other)
        exchange.insist_on_participants(exchange.legs_of(leg.call))
        _done(exchange)
        exchange.note("call.merged", leg.call)
        exchange.note("call.released", other.call)

    def remove_party(self, exchange: Exchange, leg: Leg, party: Leg) -> None:
        leave(exchange, party)
        _done(exchange)
        exchange.note("call.party_removed", leg.call)

    # --- What goes with a call ----------------------------------------------------------------

    def mute(self, exchange: Exchange, leg: Leg) -> None:
        leg.is_muted = True
        _done(exchange)
        exchange.note("call.muted", leg.call)

    def unmute(self, exchange: Exchange, leg: Leg) -> None:
        leg.is_muted = False
        _done(exchange)
        exchange.note("call.unmuted", leg.call)

    def send_dtmf(self, exchange: Exchange, leg: Leg, digits: str) -> None:
        leg.call.dtmf += digits
        exchange.dtmf_sent(leg)
        # Digits may be a card's: the event says only that there were some.
        exchange.note("call.tones_sent", leg.call)

    def set_user_data(
        self, exchange: Exchange, call: Call, user_data: Mapping[str, object]
    ) -> None:
        if user_data == call.user_data:
            return
        call.user_data = dict(user_data)
        exchange.user_data_changed(call)
        exchange.tell()
        exchange.note("call.user_data_changed", call)

    def start_monitoring(self, exchange: Exchange, device: Device) -> None:
        for call in monitoring.set_out(exchange, device):
            exchange.note("call.monitored", call)
        exchange.tell()

    def stop_monitoring(self, exchange: Exchange, device: Device) -> None:
        for call in monitoring.leave_all(exchange, device):
            exchange.note("call.monitoring_ended", call)
        exchange.tell()

    # --- From outside --------------------------------------------------------------------------

    def call_offered(
        self, exchange: Exchange, number: str, *, caller: str, user_data: Mapping[str, object]
    ) -> Call | None:
        found = resolve(exchange, number)
        if isinstance(found, Outside | Unreachable):
            return None
        call = exchange.new_call(
            CallType.INBOUND, ani=caller, dnis=dialled(number), user_data=user_data
        )
        leg = exchange.new_leg(call, LegState.DIALING, number=caller)
        reach(exchange, call, found, dialling=leg)
        exchange.note("call.offered", call)
        return call

    def outside_answered(self, exchange: Exchange, call: Call) -> None:
        for leg in exchange.legs_of(call):
            if leg.device_id is None and leg.state == LegState.RINGING:
                self.answer(exchange, leg)

    def outside_released(self, exchange: Exchange, call: Call) -> None:
        for leg in exchange.legs_of(call):
            if leg.device_id is None and leg.released_at is None:
                leave(exchange, leg)
        _done(exchange)
        exchange.note("call.released", call)

    def not_answered(self, exchange: Exchange, leg: Leg) -> None:
        for other in exchange.others(leg):
            if other.state == LegState.DIALING:
                exchange.explain(other, _NOT_ANSWERED)
        leave(exchange, leg)
        _done(exchange)
        exchange.note("call.not_answered", leg.call)

    def offer(self, exchange: Exchange, call: Call) -> None:
        if call.waits_in is None:
            return
        found = whoever_is_free(exchange, call.waits_in, avoid=_devices_in(exchange, call))
        if isinstance(found, AtDevice):
            exchange.wait_in(call, None)
            exchange.new_leg(call, LegState.RINGING, device=found.device)
            _done(exchange)
            exchange.note("call.offered", call)


def reach(
    exchange: Exchange,
    call: Call,
    found: Destination,
    *,
    dialling: Leg | None = None,
    finish: bool = True,
) -> None:
    """Bring whoever was resolved into a call: it rings, waits, answers, or cannot be reached."""
    match found:
        case AtDevice(device):
            exchange.new_leg(call, LegState.RINGING, device=device)
        case InQueue(queue):
            exchange.wait_in(call, queue)
        case Outside(number, answers):
            outside = exchange.new_leg(call, LegState.RINGING, number=number)
            if answers:
                _answered_at_once(exchange, outside, dialling)
        case Unreachable(reason) if dialling is not None:
            # The desktop sees it dialled first, and then what became of it (Dial.r8).
            exchange.tell()
            exchange.explain(dialling, reason)
            exchange.turn(dialling, LegState.RELEASED)
        case Unreachable():
            raise ValueError("Somebody who cannot be reached cannot be added.")
    if finish:
        _done(exchange)


def _answered_at_once(exchange: Exchange, outside: Leg, dialling: Leg | None) -> None:
    if dialling is not None:
        exchange.tell()
        exchange.turn(dialling, LegState.ESTABLISHED)
    exchange.turn(outside, LegState.ESTABLISHED)


def _is_reachable(exchange: Exchange, leg: Leg, found: Destination) -> bool:
    """Tell whether a destination can be added to a call; if not, its agent is told why."""
    match found:
        case Unreachable(reason):
            exchange.failed(leg, reason)
            return False
        case InQueue() if leg.call.waits_in is not None:
            exchange.failed(leg, "The call waits in a queue already.")
            return False
        case _:
            return True


def _devices_in(exchange: Exchange, call: Call) -> set[UUID]:
    return {leg.device_id for leg in exchange.legs_of(call) if leg.device_id}


def _done(exchange: Exchange) -> None:
    monitoring.follow(exchange)
    exchange.tell()
