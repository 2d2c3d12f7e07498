"""How a call can stand for one of its parties, as tables (cc.lifecycle.call_state)."""

from __future__ import annotations

from enum import StrEnum

from agents.models import LegState, MonitoringKind


class Operation(StrEnum):
    """What somebody can do with a call, as desktops name it; in the order of the contract."""

    ANSWER = "Answer"
    HANGUP = "Hangup"
    HOLD = "Hold"
    RETRIEVE = "Retrieve"
    SINGLE_STEP_TRANSFER = "SingleStepTransfer"
    SINGLE_STEP_CONFERENCE = "SingleStepConference"
    INITIATE_TRANSFER = "InitiateTransfer"
    COMPLETE_TRANSFER = "CompleteTransfer"
    INITIATE_CONFERENCE = "InitiateConference"
    COMPLETE_CONFERENCE = "CompleteConference"
    SEND_DTMF = "SendDtmf"
    REMOVE_PARTICIPANT = "RemoveParticipantFromConference"
    MUTE = "MuteCall"
    UNMUTE = "UnmuteCall"
    SWAP = "SwapCalls"
    MERGE = "MergeWithOtherCall"
    ATTACH_USER_DATA = "AttachUserData"
    UPDATE_USER_DATA = "UpdateUserData"
    DELETE_USER_DATA = "DeleteUserData"
    DELETE_USER_DATA_PAIR = "DeleteUserDataPair"


_USER_DATA = frozenset(
    {
        Operation.ATTACH_USER_DATA,
        Operation.UPDATE_USER_DATA,
        Operation.DELETE_USER_DATA,
        Operation.DELETE_USER_DATA_PAIR,
    }
)
_TO_OTHERS = frozenset(
    {
        Operation.SINGLE_STEP_TRANSFER,
        Operation.SINGLE_STEP_CONFERENCE,
        Operation.INITIATE_TRANSFER,
        Operation.INITIATE_CONFERENCE,
    }
)
# What each state offers before anything else is looked at.
OFFERED: dict[LegState, frozenset[Operation]] = {
    LegState.DIALING: _USER_DATA | {Operation.HANGUP, Operation.SEND_DTMF},
    LegState.RINGING: _USER_DATA | {Operation.ANSWER, Operation.HANGUP},
    LegState.ESTABLISHED: _USER_DATA
    | _TO_OTHERS
    | {Operation.HOLD, Operation.HANGUP, Operation.SEND_DTMF, Operation.MUTE},
    LegState.HELD: _USER_DATA | _TO_OTHERS | {Operation.RETRIEVE, Operation.HANGUP},
    LegState.RELEASED: frozenset(),
}
# Where a party can come from, and where it can go; None is before and nothing comes after.
TURNS: dict[LegState | None, frozenset[LegState]] = {
    None: frozenset({LegState.DIALING, LegState.RINGING, LegState.ESTABLISHED, LegState.HELD}),
    LegState.DIALING: frozenset({LegState.ESTABLISHED, LegState.RELEASED}),
    LegState.RINGING: frozenset({LegState.ESTABLISHED, LegState.RELEASED}),
    LegState.ESTABLISHED: frozenset({LegState.HELD, LegState.RELEASED}),
    LegState.HELD: frozenset({LegState.ESTABLISHED, LegState.RELEASED}),
    LegState.RELEASED: frozenset(),
}
# A device has one call of these at most (leg_device_busy_once).
ACTIVE = frozenset({LegState.DIALING, LegState.RINGING, LegState.ESTABLISHED})
ANSWERED = frozenset({LegState.ESTABLISHED, LegState.HELD})

# Supervisors whom not everybody hears are no party of the call: they do with their own end of it
# what they like, and nothing with anybody else's.
SILENT = frozenset({MonitoringKind.LISTEN_IN.value, MonitoringKind.COACH.value})
OF_A_SILENT_ONE = frozenset(
    {
        Operation.HANGUP,
        Operation.HOLD,
        Operation.RETRIEVE,
        Operation.MUTE,
        Operation.UNMUTE,
        Operation.SWAP,
    }
)
