"""One row of every model of the desk."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from agents.models import Call, Contact, DeskSession, Leg, User
from agents.services import desk_states
from config.kernel.ids import uuid7
from tests.agents.desk.desk import (
    house_of,
    make_active_device,
    make_channel,
    make_device,
    make_login,
    make_place,
    make_queue,
    make_seat,
    make_state,
)
from tests.make import actor_for


def fill_desk(agent: User) -> None:
    """Let somebody sit at a place, be in a queue, talk, and have a history of states."""
    house, now = house_of(agent), timezone.now()
    telephone = make_active_device(agent)
    make_active_device(agent, monitored_by=telephone, monitoring_kind="ListenIn")
    make_seat(agent, make_place(telephone, make_device(house=agent.organization)))
    make_channel(agent, "email")
    make_login(agent)
    queue = make_queue(agent)
    make_state(agent)
    DeskSession.objects.create(organization_id=house, user=agent)
    Contact.objects.create(organization_id=house, name="Locksmith", phone_number="112")
    call = _call(agent)
    _call(agent, consults=call, waits_in=queue)
    Leg.objects.create(
        organization_id=house,
        call=call,
        device=telephone,
        user=agent,
        phone_number=telephone.phone_number,
        state="Established",
    )
    # Its history, its stream and what it is told come about by themselves.
    desk_states.set_state("Ready", actor=actor_for(agent), now=now)


def _call(agent: User, **fields: Any) -> Call:
    key = uuid7().hex.upper()
    return Call.objects.create(
        organization_id=house_of(agent), number=key[-16:].lower(), uuid=key, **fields
    )
