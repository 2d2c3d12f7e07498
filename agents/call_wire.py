"""Calls as desktops read them, in replies and in what they are told; addresses are paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from agents.models import Call, Leg, LegState
from agents.phone_numbers import read_number

JsonObject = dict[str, Any]


class Change(StrEnum):
    """Why a desktop is told of a call."""

    STATUS = "StatusChange"
    PARTICIPANTS = "ParticipantsUpdated"
    USER_DATA = "AttachedDataChanged"
    DTMF = "DtmfSent"


@dataclass(frozen=True, kw_only=True)
class View:
    """A call as one of its parties sees it at a moment."""

    call: Call
    leg: Leg
    participants: Sequence[str]
    capabilities: Sequence[str]
    now: datetime


def call_path(call: Call) -> str:
    """Give where desktops find a call."""
    return f"/api/v2/me/calls/{call.number}"


def device_path(device_id: UUID | None) -> str:
    """Give where desktops find a device; all of them for a call that no device has yet."""
    return f"/api/v2/devices/{device_id}" if device_id else "/api/v2/devices"


def call_as_seen(view: View) -> JsonObject:
    """Give a call as the device of one of its parties has it."""
    call, leg = view.call, view.leg
    return {
        "id": call.number,
        "uri": call_path(call),
        "state": str(leg.state),
        "callUuid": call.uuid,
        "connId": call.number,
        "deviceUri": device_path(leg.device_id),
        "participants": list(view.participants),
        "participantsInfo": [participant_info(number) for number in view.participants],
        "ani": call.ani,
        "dnis": call.dnis,
        "callType": str(call.type),
        "capabilities": [str(operation) for operation in view.capabilities],
        "duration": _duration(leg, view.now),
        "mute": "On" if leg.is_muted else "Off",
        "userData": dict(call.user_data),
    }


def participant_info(number: str) -> JsonObject:
    """Give what follows from the number of a party."""
    read = read_number(number)
    return {
        "country": read.country.as_json(),
        "location": read.location,
        "localPhoneNumber": read.local,
        "formattedPhoneNumber": read.formatted,
        "isValidNumber": read.is_valid,
        "E164digits": read.e164,
    }


def notification(view: View, change: Change, *, error: str = "") -> JsonObject:
    """Give what a desktop is told of a change of a call, or of an operation that failed."""
    told: JsonObject = {
        "messageType": "CallStateChangeMessage",
        "notificationType": str(change),
        "call": call_as_seen(view),
        "phoneNumber": view.leg.phone_number,
    }
    if error:
        told |= {
            "errorMessage": error,
            "deviceUri": device_path(view.leg.device_id),
            "connectionId": view.call.number,
            "callUuid": view.call.uuid,
        }
    return told


def _duration(leg: Leg, now: datetime) -> str:
    """Give the whole seconds since somebody answered."""
    if leg.established_at is None or leg.state in (LegState.DIALING, LegState.RINGING):
        return "0"
    until = leg.released_at or now
    return str(max((until - leg.established_at) // timedelta(seconds=1), 0))
