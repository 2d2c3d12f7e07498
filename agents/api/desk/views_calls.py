"""Calls: which there are, and what can be done with each."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from agents.api.desk.base import (
    AGENTS,
    STAFF,
    DeskRequest,
    DeskView,
    Members,
    Operation,
    Operations,
    id_of,
)
from agents.api.desk.body import Body
from agents.call_wire import View, call_as_seen, call_path
from agents.errors_desk import MemberMissing
from agents.models.tenancy import Feature
from agents.services import call_data, calls, calls_seen
from agents.switch.state import Operation as Name
from config.kernel import limits
from config.kernel.actors import Role

UserData = dict[str, Any]


def list_calls(asked: DeskRequest) -> Members:
    """Give the caller's calls; administrators those of everybody."""
    found = calls_seen.calls_seen_by(
        asked.actor, everybody=asked.actor.has(Role.ADMIN), now=asked.now
    )
    return asked.listing("calls", found, uri=_uri_of, wire=call_as_seen)


def read_call(asked: DeskRequest, number: str) -> Members:
    """Give one call. Raises CallNotFound."""
    found = calls_seen.call_seen_by(
        number, asked.actor, everybody=asked.actor.has(Role.ADMIN), now=asked.now
    )
    return {"call": call_as_seen(found)}


def dial(asked: DeskRequest, device_id: str) -> None:
    """Call a number from a device of the caller."""
    destination, user_data = _destination(asked.body), _user_data(asked.body)
    calls.dial(
        id_of(device_id, what="device"),
        destination,
        user_data=user_data or {},
        actor=asked.actor,
        now=asked.now,
    )


# --- Without members ------------------------------------------------------------------------------


class _Plain(Protocol):
    def __call__(self, number: str, *, actor: Any, now: Any) -> None: ...


def _plain(run: _Plain, asked: DeskRequest, number: str) -> None:
    run(number, actor=asked.actor, now=asked.now)


# --- To somebody ----------------------------------------------------------------------------------


class _ToSomebody(Protocol):
    def __call__(self, number: str, destination: str, *, actor: Any, now: Any) -> None: ...


def _to_somebody(run: _ToSomebody, asked: DeskRequest, number: str) -> None:
    run(number, _destination(asked.body), actor=asked.actor, now=asked.now)


class _Asking(Protocol):
    def __call__(
        self, number: str, destination: str, *, user_data: UserData, actor: Any, now: Any
    ) -> None: ...


def _asking(run: _Asking, asked: DeskRequest, number: str) -> None:
    destination, user_data = _destination(asked.body), _user_data(asked.body)
    run(number, destination, user_data=user_data or {}, actor=asked.actor, now=asked.now)


def _destination(body: Body) -> str:
    """Give whom to call: a text, or an object with phoneNumber (contract, open_questions).

    Raises MemberMissing, MemberInvalid.
    """
    value = body.raw("destination")
    if isinstance(value, dict):
        return Body(value).text("phoneNumber", most=limits.PHONE_LENGTH)
    return body.text("destination", most=limits.PHONE_LENGTH)


# --- With another call ----------------------------------------------------------------------------


def complete_conference(asked: DeskRequest, number: str) -> None:
    """Take whoever was asked into the call."""
    consult = asked.body.reference("consultCallUri")
    calls.complete_conference(number, consult, actor=asked.actor, now=asked.now)


def complete_transfer(asked: DeskRequest, number: str) -> None:
    """Hand the call over to whoever is being asked."""
    body = asked.body
    consult = body.reference("consultCallUri") if "consultCallUri" in body else None
    calls.complete_transfer(number, consult, actor=asked.actor, now=asked.now)


class _WithAnother(Protocol):
    def __call__(self, number: str, other_number: str, *, actor: Any, now: Any) -> None: ...


def _with_another(run: _WithAnother, asked: DeskRequest, number: str) -> None:
    other = asked.body.reference("otherCallUri")
    run(number, other, actor=asked.actor, now=asked.now)


# --- The rest -------------------------------------------------------------------------------------


def send_tones(asked: DeskRequest, number: str) -> None:
    """Send dial tones."""
    digits = asked.body.text("digits")
    calls.send_tones(number, digits, actor=asked.actor, now=asked.now)


def remove_participant(asked: DeskRequest, number: str) -> None:
    """Remove somebody from a conference."""
    participant = asked.body.text("participant", most=limits.PHONE_LENGTH)
    calls.remove_participant(number, participant, actor=asked.actor, now=asked.now)


class _Attaching(Protocol):
    def __call__(self, number: str, user_data: UserData, *, actor: Any, now: Any) -> None: ...


def _attaching(run: _Attaching, asked: DeskRequest, number: str) -> None:
    user_data = _user_data(asked.body)
    if user_data is None:
        raise MemberMissing(name="userData")
    run(number, user_data, actor=asked.actor, now=asked.now)


def delete_user_data(asked: DeskRequest, number: str) -> None:
    """Remove some or all of what is attached."""
    keys = asked.body.texts("keys")
    call_data.delete_user_data(number, keys, actor=asked.actor, now=asked.now)


def delete_user_data_pair(asked: DeskRequest, number: str) -> None:
    """Remove one key of what is attached."""
    key = asked.body.text("key", most=limits.MAP_KEY_LENGTH)
    call_data.delete_user_data_pair(number, key, actor=asked.actor, now=asked.now)


def _user_data(body: Body) -> UserData | None:
    if body.raw("userData") == "":
        return None
    return body.mapping("userData")


def _uri_of(view: View) -> str:
    return call_path(view.call)


def _voice(run: Any) -> Operation:
    return Operation(run, AGENTS, feature=Feature.VOICE)


class MyCallsView(DeskView):
    """GET /me/calls."""

    get = Operation(list_calls, STAFF, feature=Feature.VOICE)


class MyCallView(DeskView):
    """GET and POST /me/calls/{id}."""

    get = Operation(read_call, STAFF, feature=Feature.VOICE)
    post = Operations(
        {
            Name.ANSWER: _voice(partial(_plain, calls.answer_call)),
            Name.HANGUP: _voice(partial(_plain, calls.hang_up)),
            Name.HOLD: _voice(partial(_plain, calls.hold_call)),
            Name.RETRIEVE: _voice(partial(_plain, calls.retrieve_call)),
            Name.SINGLE_STEP_TRANSFER: _voice(partial(_to_somebody, calls.transfer_at_once)),
            Name.SINGLE_STEP_CONFERENCE: _voice(partial(_to_somebody, calls.add_at_once)),
            Name.INITIATE_TRANSFER: _voice(partial(_asking, calls.ask_before_transfer)),
            Name.COMPLETE_TRANSFER: _voice(complete_transfer),
            Name.INITIATE_CONFERENCE: _voice(partial(_asking, calls.ask_before_conference)),
            Name.COMPLETE_CONFERENCE: _voice(complete_conference),
            Name.SEND_DTMF: _voice(send_tones),
            Name.REMOVE_PARTICIPANT: _voice(remove_participant),
            Name.MUTE: _voice(partial(_plain, calls.mute_call)),
            Name.UNMUTE: _voice(partial(_plain, calls.unmute_call)),
            Name.SWAP: _voice(partial(_with_another, calls.swap_calls)),
            Name.MERGE: _voice(partial(_with_another, calls.merge_calls)),
            Name.ATTACH_USER_DATA: _voice(partial(_attaching, call_data.attach_user_data)),
            Name.UPDATE_USER_DATA: _voice(partial(_attaching, call_data.update_user_data)),
            Name.DELETE_USER_DATA: _voice(delete_user_data),
            Name.DELETE_USER_DATA_PAIR: _voice(delete_user_data_pair),
        },
        second_names={"HangUp": "Hangup"},
    )


class CallsOfDeviceView(DeskView):
    """POST /devices/{id}/calls."""

    post = Operations({"Dial": _voice(dial)})
