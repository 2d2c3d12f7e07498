"""Who is here and how ready: sessions, states and do not disturb of the caller, its channels."""

from __future__ import annotations

from functools import partial
from typing import Any

from agents import desk_wire
from agents.agent_states import BUILT_IN, Descriptors
from agents.api.desk.base import AGENTS, DeskRequest, DeskView, Members, Operation, Operations
from agents.api.desk.shapes import ERROR_STATUS, OK
from agents.errors_presence import ChannelNotFound
from agents.models import MediaChannel
from agents.models.tenancy import Feature
from agents.services import desk_sessions, desk_states

# --- POST /me -----------------------------------------------------------------------------------


def set_state(operation_name: str, asked: DeskRequest) -> None:
    """Let the caller stand as a descriptor says, on everything."""
    desk_states.set_state(operation_name, actor=asked.actor, now=asked.now)


def set_do_not_disturb(on: bool, asked: DeskRequest) -> None:
    """Let the caller be disturbed, or not, on everything."""
    desk_states.set_do_not_disturb(on, actor=asked.actor, now=asked.now)


def start_session(asked: DeskRequest) -> None:
    """Log the caller in on devices and channels. Raises MemberMissing, MemberInvalid."""
    body = asked.body
    body.require("channels")
    desk_sessions.start_session(
        body.texts("channels") or [],
        place=body.text_or_none("place") or "",
        login_code=body.text_or_none("loginCode") or "",
        queue=body.text_or_none("queue") or "",
        actor=asked.actor,
        now=asked.now,
    )


def end_session(asked: DeskRequest) -> None:
    """Log the caller out of everything, and end the HTTP session."""
    desk_sessions.end_session(asked.caller.user_id, actor=asked.actor, now=asked.now)
    asked.end_session()


def _state_operation(name: str) -> Operation:
    return Operation(partial(set_state, name), AGENTS, shape=OK)


ME_OPERATIONS: dict[str, Operation] = {
    "StartContactCenterSession": Operation(start_session, AGENTS),
    "EndContactCenterSession": Operation(end_session, AGENTS),
    "DoNotDisturbOn": Operation(partial(set_do_not_disturb, True), AGENTS, shape=OK),
    "DoNotDisturbOff": Operation(partial(set_do_not_disturb, False), AGENTS, shape=OK),
    **{one.operation_name: _state_operation(one.operation_name) for one in BUILT_IN},
}


def state_by_name(asked: DeskRequest, name: str) -> Operation | None:
    """Give the operation of a state that the organisation has named itself."""
    return _state_operation(name) if _is_a_state(asked, name) else None


def _is_a_state(asked: DeskRequest, name: str) -> bool:
    organization_id = asked.caller.organization_id
    return organization_id is not None and Descriptors.of(organization_id).named(name) is not None


# --- Channels -----------------------------------------------------------------------------------


def list_channels(asked: DeskRequest) -> Members:
    """Give the caller's channels; without `fields` their addresses besides."""
    wire = my_channels(asked)
    found: dict[str, Any] = {"channels": [asked.chosen(one) for one in wire]}
    if asked.fields is None:
        found["uris"] = [one["uri"] for one in wire]
    return found


def read_channel(asked: DeskRequest, channel_id: str) -> Members:
    """Give one of the caller's channels. Raises ChannelNotFound."""
    medium = desk_states.medium_of(channel_id)
    for one in my_channels(asked):
        if one["channel"] == medium:
            return {"channel": one}
    raise ChannelNotFound


def my_channels(asked: DeskRequest) -> list[dict[str, Any]]:
    """Give the caller's channels as they are now; none without the feature."""
    if not asked.has_feature(Feature.MULTIMEDIA):
        return []
    descriptors = Descriptors.of(asked.organization_id)
    return [desk_wire.channel_json(one, descriptors) for one in _rows(asked)]


def _rows(asked: DeskRequest) -> list[MediaChannel]:
    return desk_states.channels_of(asked.caller.user_id, organization_id=asked.organization_id)


def set_channel_state(operation_name: str, asked: DeskRequest, channel_id: str) -> None:
    """Let the caller stand as a descriptor says on one channel."""
    desk_states.set_channel_state(channel_id, operation_name, actor=asked.actor, now=asked.now)


def set_channel_do_not_disturb(on: bool, asked: DeskRequest, channel_id: str) -> None:
    """Let the caller be disturbed, or not, on one channel."""
    desk_states.set_channel_do_not_disturb(channel_id, on, actor=asked.actor, now=asked.now)


def _channel_operation(name: str) -> Operation:
    # That the channel is there the command says: voice needs another feature than the others.
    return Operation(partial(set_channel_state, name), AGENTS, shape=OK)


def channel_state_by_name(asked: DeskRequest, name: str) -> Operation | None:
    """Give the operation of a state that the organisation has named itself."""
    return _channel_operation(name) if _is_a_state(asked, name) else None


_DISTURBANCE = {
    "DoNotDisturbOn": Operation(partial(set_channel_do_not_disturb, True), AGENTS, shape=OK),
    "DoNotDisturbOff": Operation(partial(set_channel_do_not_disturb, False), AGENTS, shape=OK),
}


class MyChannelsView(DeskView):
    """The caller's channels."""

    shape = ERROR_STATUS
    get = Operation(list_channels, AGENTS, shape=ERROR_STATUS, feature=Feature.MULTIMEDIA)


class MyChannelView(DeskView):
    """One of them."""

    shape = ERROR_STATUS
    get = Operation(read_channel, AGENTS, shape=ERROR_STATUS, feature=Feature.MULTIMEDIA)
    post = Operations(
        {
            **_DISTURBANCE,
            **{one.operation_name: _channel_operation(one.operation_name) for one in BUILT_IN},
        },
        by_name=channel_state_by_name,
        shape=OK,
    )


class ChannelView(DeskView):
    """The same under another address, for do not disturb only."""

    shape = ERROR_STATUS
    post = Operations(_DISTURBANCE, shape=OK)
