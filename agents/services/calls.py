"""What agents do with calls: who may, whether it is possible now, and then the switch does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors_calls import (
    CallNotFound,
    DeviceBusy,
    InvalidDigits,
    NoSuchParticipant,
    NotPossibleNow,
    OtherCallUnfit,
    OwnNumber,
    UserDataTooLarge,
)
from agents.errors_presence import DeviceInactive, DeviceNotFound, InvalidDestination
from agents.models import Device, Leg, LegState
from agents.phone_numbers import dialled
from agents.services.waiting_calls import finish
from agents.switch.capabilities import can_merge, capabilities_of, consultations
from agents.switch.exchange import Exchange
from agents.switch.resolution import candidates, is_same
from agents.switch.selected import switch
from agents.switch.state import Operation
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import retrying

UserData = Mapping[str, object]
_DIGITS = re.compile(r"[0-9*#]+")
# Digits and the signs of a dial pad; what people write between them does not count.
_NUMBER = re.compile(r"\+?[0-9*#]+")
_NO_DATA: UserData = {}


# --- Calling ------------------------------------------------------------------------------------


@retrying
@transaction.atomic
def dial(
    device_id: UUID,
    destination: str,
    *,
    user_data: UserData = _NO_DATA,
    actor: Actor,
    now: datetime,
) -> None:
    """Call a number from a device of the caller.

    Raises InvalidDestination, UserDataTooLarge, DeviceNotFound, DeviceInactive, DeviceBusy,
    OwnNumber.
    """
    _check_number(destination)
    check_user_data(user_data)
    exchange = exchange_for(actor, now)
    also = candidates(exchange.organization_id, destination)
    exchange.hold(devices=[device_id, *also])
    device = exchange.devices.get(device_id)
    if device is None or str(device.user_id) != actor.id:
        raise DeviceNotFound
    _check_may_dial(exchange, device, destination)
    switch().dial(exchange, device, destination, user_data=user_data)
    finish(exchange)


def _check_may_dial(exchange: Exchange, device: Device, destination: str) -> None:
    if device.organization_id != exchange.organization_id:
        raise DeviceNotFound
    if not device.is_active:
        raise DeviceInactive
    if exchange.is_busy(device.id):
        raise DeviceBusy
    if is_same(device.phone_number, destination):
        raise OwnNumber


def answer_call(number: str, *, actor: Actor, now: datetime) -> None:
    """Answer a call that rings. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.ANSWER,
        lambda exchange, leg: switch().answer(exchange, leg),
        actor=actor,
        now=now,
    )


def hang_up(number: str, *, actor: Actor, now: datetime) -> None:
    """Leave a call, or end it. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.HANGUP,
        lambda exchange, leg: switch().release(exchange, leg),
        actor=actor,
        now=now,
    )


def hold_call(number: str, *, actor: Actor, now: datetime) -> None:
    """Put a call on hold. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.HOLD,
        lambda exchange, leg: switch().hold(exchange, leg),
        actor=actor,
        now=now,
    )


def retrieve_call(number: str, *, actor: Actor, now: datetime) -> None:
    """Take a call back from hold. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.RETRIEVE,
        lambda exchange, leg: switch().retrieve(exchange, leg),
        actor=actor,
        now=now,
    )


def mute_call(number: str, *, actor: Actor, now: datetime) -> None:
    """Let nobody in a call hear the caller. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.MUTE,
        lambda exchange, leg: switch().mute(exchange, leg),
        actor=actor,
        now=now,
    )


def unmute_call(number: str, *, actor: Actor, now: datetime) -> None:
    """Let the caller be heard again. Raises CallNotFound, NotPossibleNow."""
    command(
        number,
        Operation.UNMUTE,
        lambda exchange, leg: switch().unmute(exchange, leg),
        actor=actor,
        now=now,
    )


def send_tones(number: str, digits: str, *, actor: Actor, now: datetime) -> None:
    """Send dial tones. Raises InvalidDigits, CallNotFound, NotPossibleNow."""
    if not _DIGITS.fullmatch(digits):
        raise InvalidDigits

    def send(exchange: Exchange, leg: Leg) -> None:
        switch().send_dtmf(exchange, leg, digits)

    command(number, Operation.SEND_DTMF, send, actor=actor, now=now)


# --- Others -------------------------------------------------------------------------------------


def transfer_at_once(number: str, destination: str, *, actor: Actor, now: datetime) -> None:
    """Hand a call over to a number. Raises InvalidDestination, CallNotFound, NotPossibleNow."""
    _check_number(destination)

    def transfer(exchange: Exchange, leg: Leg) -> None:
        switch().single_step_transfer(exchange, leg, destination)

    to = Operation.SINGLE_STEP_TRANSFER
    command(number, to, transfer, destination=destination, actor=actor, now=now)


def add_at_once(number: str, destination: str, *, actor: Actor, now: datetime) -> None:
    """Add a number to a call. Raises InvalidDestination, CallNotFound, NotPossibleNow."""
    _check_number(destination)

    def add(exchange: Exchange, leg: Leg) -> None:
        switch().single_step_conference(exchange, leg, destination)

    to = Operation.SINGLE_STEP_CONFERENCE
    command(number, to, add, destination=destination, actor=actor, now=now)


def ask_before_transfer(
    number: str, destination: str, *, user_data: UserData = _NO_DATA, actor: Actor, now: datetime
) -> None:
    """Hold a call and ask a number that may take it over.

    Raises InvalidDestination, UserDataTooLarge, CallNotFound, NotPossibleNow.
    """
    to = Operation.INITIATE_TRANSFER
    _consult(number, to, "TRANSFER", destination, user_data, actor=actor, now=now)


def ask_before_conference(
    number: str, destination: str, *, user_data: UserData = _NO_DATA, actor: Actor, now: datetime
) -> None:
    """Hold a call and ask a number that may join it.

    Raises InvalidDestination, UserDataTooLarge, CallNotFound, NotPossibleNow.
    """
    to = Operation.INITIATE_CONFERENCE
    _consult(number, to, "CONFERENCE", destination, user_data, actor=actor, now=now)


def _consult(
    number: str,
    operation: Operation,
    purpose: str,
    destination: str,
    user_data: UserData,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    _check_number(destination)
    check_user_data(user_data)

    def ask(exchange: Exchange, leg: Leg) -> None:
        switch().initiate_consultation(
            exchange, leg, destination, purpose=purpose, user_data=user_data
        )

    command(number, operation, ask, destination=destination, actor=actor, now=now)


def complete_transfer(
    number: str, consult_number: str | None = None, *, actor: Actor, now: datetime
) -> None:
    """Hand a call over to whoever is being asked.

    Raises CallNotFound, NotPossibleNow, OtherCallUnfit.
    """

    def complete(exchange: Exchange, leg: Leg) -> None:
        states = (LegState.DIALING, LegState.ESTABLISHED)
        switch().complete_transfer(exchange, *_pair(exchange, leg, consult_number, states))

    command(number, Operation.COMPLETE_TRANSFER, complete, actor=actor, now=now)


def complete_conference(number: str, consult_number: str, *, actor: Actor, now: datetime) -> None:
    """Take whoever was asked into the call.

    Raises CallNotFound, NotPossibleNow, OtherCallUnfit.
    """

    def complete(exchange: Exchange, leg: Leg) -> None:
        states = (LegState.ESTABLISHED,)
        switch().complete_conference(exchange, *_pair(exchange, leg, consult_number, states))

    command(number, Operation.COMPLETE_CONFERENCE, complete, actor=actor, now=now)


def _pair(
    exchange: Exchange, leg: Leg, consult_number: str | None, states: tuple[LegState, ...]
) -> tuple[Leg, Leg]:
    """Give a call and its consultation, of which either may be the one in the path."""
    for first, consult in consultations(leg, exchange):
        fits = {None, consult.call.number}
        if leg is consult:
            fits.add(first.call.number)
        if consult_number in fits and consult.state in states:
            return first, consult
    raise OtherCallUnfit


def swap_calls(number: str, other_number: str, *, actor: Actor, now: datetime) -> None:
    """Hold one of two calls and retrieve the other.

    Raises CallNotFound, NotPossibleNow, OtherCallUnfit.
    """

    def swap(exchange: Exchange, leg: Leg) -> None:
        other = _beside(exchange, leg, other_number)
        if {leg.state, other.state} != {LegState.ESTABLISHED, LegState.HELD}:
            raise OtherCallUnfit
        switch().swap(exchange, leg, other)

    command(number, Operation.SWAP, swap, actor=actor, now=now)


def merge_calls(number: str, other_number: str, *, actor: Actor, now: datetime) -> None:
    """Take everybody of another call into a call.

    Raises CallNotFound, NotPossibleNow, OtherCallUnfit.
    """

    def merge(exchange: Exchange, leg: Leg) -> None:
        other = _beside(exchange, leg, other_number)
        if not can_merge(leg, other, exchange):
            raise OtherCallUnfit
        switch().merge(exchange, leg, other)

    command(number, Operation.MERGE, merge, actor=actor, now=now)


def _beside(exchange: Exchange, leg: Leg, number: str) -> Leg:
    for other in exchange.beside(leg):
        if other.call.number == number:
            return other
    raise OtherCallUnfit


def remove_participant(number: str, participant: str, *, actor: Actor, now: datetime) -> None:
    """Remove a party from a conference.

    Raises CallNotFound, NotPossibleNow, NoSuchParticipant.
    """

    def remove(exchange: Exchange, leg: Leg) -> None:
        for party in exchange.others(leg):
            if is_same(party.phone_number, participant):
                return switch().remove_party(exchange, leg, party)
        raise NoSuchParticipant

    command(number, Operation.REMOVE_PARTICIPANT, remove, actor=actor, now=now)


# --- Each of them --------------------------------------------------------------------------------


@retrying
@transaction.atomic
def command(
    number: str,
    operation: Operation,
    run: Callable[[Exchange, Leg], None],
    *,
    destination: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Carry an operation out on a call of the caller, if it is offered now.

    Who comes second waits for the locks and sees what the first has done
    (cc.lifecycle.switch.r8).
    """
    exchange = exchange_for(actor, now)
    live = Leg.objects.filter(user_id=UUID(actor.id), released_at__isnull=True).order_by("id")
    legs = list(live.values_list("id", "call__number", "call_id", "device_id"))
    mine = [id_ for id_, its_number, _, _ in legs if its_number == number]
    if not mine:
        raise CallNotFound
    also = candidates(exchange.organization_id, destination) if destination else ()
    exchange.hold(
        calls=[call_id for _, _, call_id, _ in legs],
        on={device_id for _, its_number, _, device_id in legs if its_number == number} - {None},
        devices=also,
    )
    run(exchange, _leg_for(operation, exchange, mine))
    finish(exchange)


def _leg_for(operation: Operation, exchange: Exchange, ids: list[UUID]) -> Leg:
    """Give the party by which somebody can do it: of two telephones in a call, one may offer it."""
    mine = [leg for leg in exchange.legs if leg.id in ids and leg.call_id in exchange.calls]
    if not mine:
        raise CallNotFound
    for leg in mine:
        if operation in capabilities_of(leg, exchange):
            return leg
    raise NotPossibleNow(operation=operation)


def exchange_for(actor: Actor, now: datetime) -> Exchange:
    """Give what the calls of somebody's organisation are changed by. Raises CallNotFound."""
    if actor.organization_id is None:
        raise CallNotFound
    return Exchange(organization_id=actor.organization_id, actor=actor, now=now)


def check_user_data(user_data: UserData) -> None:
    """Let through what a call can carry. Raises UserDataTooLarge."""
    if len(json.dumps(user_data).encode()) > limits.METADATA_BYTES:
        raise UserDataTooLarge


def _check_number(number: str) -> None:
    if len(number) > limits.PHONE_LENGTH or not _NUMBER.fullmatch(dialled(number)):
        raise InvalidDestination("The destination is no phone number.")
