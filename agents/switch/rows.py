"""Calls and legs in as few statements as there can be: every command of a telephone ends here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agents.models import Call, Leg
from agents.switch.state import ACTIVE
from config.kernel import prepared

Stored = tuple[object, ...]

_UPDATE_LEGS = f"""
    UPDATE {Leg._meta.db_table} AS leg
    SET state = new.state, is_muted = new.is_muted, established_at = new.established_at,
        released_at = new.released_at
    FROM unnest(%s::uuid[], %s::text[], %s::boolean[], %s::timestamptz[], %s::timestamptz[])
        AS new (id, state, is_muted, established_at, released_at)
    WHERE leg.id = new.id
"""  # noqa: S608  # the name of our own table
_UPDATE_CALLS = f"""
    UPDATE {Call._meta.db_table} AS call
    SET user_data = new.user_data::jsonb, dtmf = new.dtmf, waits_in_id = new.waits_in_id,
        ended_at = new.ended_at, event_count = new.event_count
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[], %s::integer[])
        AS new (id, user_data, dtmf, waits_in_id, ended_at, event_count)
    WHERE call.id = new.id
"""  # noqa: S608  # the name of our own table


def stored_leg(leg: Leg) -> Stored:
    """Give what of a leg can change, as it stands in its row."""
    return (leg.state, leg.is_muted, leg.established_at, leg.released_at)


def stored_call(call: Call) -> Stored:
    """Give what of a call can change, as it stands in its row."""
    user_data = json.dumps(call.user_data)
    return (user_data, call.dtmf, call.waits_in_id, call.ended_at, call.event_count)


def write(
    *, calls: Sequence[Call], legs: Sequence[Leg], stored: Mapping[UUID, Stored], new: set[UUID]
) -> None:
    """Insert what is new and update what differs from its row."""
    prepared.insert([call for call in calls if call.id in new])
    _update_calls(
        [call for call in calls if call.id not in new and stored_call(call) != stored[call.id]]
    )
    changed = [leg for leg in legs if leg.id not in new and stored_leg(leg) != stored[leg.id]]
    # The index of busy devices looks at each row as it is written: first those that make room.
    _update_legs([leg for leg in changed if leg.state not in ACTIVE])
    _update_legs([leg for leg in changed if leg.state in ACTIVE])
    prepared.insert([leg for leg in legs if leg.id in new])


def _update_calls(calls: Sequence[Call]) -> None:
    if calls:
        prepared.execute(_UPDATE_CALLS, _columns([(call.id, *stored_call(call)) for call in calls]))


def _update_legs(legs: Sequence[Leg]) -> None:
    if legs:
        prepared.execute(_UPDATE_LEGS, _columns([(leg.id, *stored_leg(leg)) for leg in legs]))


def _columns(found: Sequence[tuple[object, ...]]) -> list[Any]:
    return [list(column) for column in zip(*found, strict=True)]
