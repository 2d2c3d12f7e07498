"""Calls as they are shown: to those who take part, and to administrators."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from agents.call_wire import View
from agents.errors_calls import CallNotFound
from agents.models import Call, Leg, LegState
from agents.services.calls import exchange_for
from config.kernel.actors import Actor

_NUMBER = re.compile("[0-9a-f]{16}")


def calls_seen_by(actor: Actor, *, everybody: bool, now: datetime) -> list[View]:
    """Give the calls of somebody as its devices have them; for `everybody`, all that go on."""
    going_on = Call.objects.visible_to(actor).filter(ended_at__isnull=True)
    if not everybody:
        mine = Leg.objects.filter(user_id=UUID(actor.id), released_at__isnull=True)
        going_on = going_on.filter(id__in=mine.values("call_id"))
    ids = going_on.order_by("began_at", "id").values_list("id", flat=True)
    return _views(list(ids), actor=actor, now=now)


def call_seen_by(number: str, actor: Actor, *, everybody: bool, now: datetime) -> View:
    """Give one call as calls_seen_by does. Raises CallNotFound."""
    if not _NUMBER.fullmatch(number):
        raise CallNotFound
    found = Call.objects.visible_to(actor).filter(number=number, ended_at__isnull=True)
    if not everybody:
        found = found.filter(legs__user_id=UUID(actor.id), legs__released_at__isnull=True)
    views = _views(list(found.values_list("id", flat=True)[:1]), actor=actor, now=now)
    if not views:
        raise CallNotFound
    return views[0]


def _views(ids: list[UUID], *, actor: Actor, now: datetime) -> list[View]:
    exchange = exchange_for(actor, now)
    exchange.look(ids)
    views = []
    for call in (exchange.calls[id_] for id_ in ids if id_ in exchange.calls):
        legs = exchange.legs_of(call)
        own = [leg for leg in legs if str(leg.user_id) == actor.id]
        if own:
            views.append(exchange.view(_first(own)))
        elif legs:
            # Somebody who only watches can do nothing with it.
            views.append(exchange.view(_first(legs), takes_part=False))
    return views


def _first(legs: list[Leg]) -> Leg:
    """Give the party that a call is shown from: what rings wants to be answered."""
    ringing = [leg for leg in legs if leg.state == LegState.RINGING and leg.device_id]
    return (ringing or [leg for leg in legs if leg.device_id] or legs)[0]
