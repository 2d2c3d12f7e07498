"""A case as the Appointments API v1 shows it: what differs from v2."""

from __future__ import annotations

from typing import Any

import orjson

from appointments.api.v1.serializers import MULTI_USE_TICKET
from appointments.api.v2 import wire as newer
from appointments.listing import Listed
from appointments.services import Case, room_url
from config.kernel.time import format_instant

JsonObject = dict[str, Any]


def appointment_response(case: Case) -> JsonObject:
    """Give a single appointment (schema GetAppointmentResponse)."""
    one = case.appointment
    members = newer.shared_members(one)
    members["participantIds"] = [
        {"id": each.wire_id, "type": each.type} for each in case.participants
    ]
    members["interaction"] = _without_properties(newer.interaction(one))
    access = room_access(case)
    return members | {"roomAccess": access} if access else members


def _without_properties(interaction: JsonObject) -> JsonObject:
    return {name: value for name, value in interaction.items() if name != "properties"}


def room_access(case: Case) -> JsonObject:
    """Give how to get into the room (schemas RoomAccess, AppointmentActivationResponse).

    It is empty while the appointment is not active.
    """
    url, expires_at = room_url(case), case.appointment.access_expires_at
    if url is None:
        return {}
    access = {"url": url, "type": MULTI_USE_TICKET}
    return access | {"expires": format_instant(expires_at)} if expires_at else access


def listed_item(item: Listed) -> orjson.Fragment:
    """Give a row of the list, written out already (schema Appointment)."""
    one = item.appointment
    return newer.written_out(
        newer.shared_listed_members(one)
        | {
            "participantIds": [
                {"id": user_id or id_, "type": type_}
                for id_, user_id, type_, *_ in orjson.loads(one.participants_json)
            ],
            "interaction": _without_properties(newer.listed_interaction(one)),
        }
    )
