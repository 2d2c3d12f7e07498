"""What happens outside and reaches the switch: somebody calls in, answers or hangs up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors_calls import CallNotFound
from agents.models import Call
from agents.services.waiting_calls import finish
from agents.switch.exchange import Exchange
from agents.switch.resolution import candidates
from agents.switch.selected import switch
from config.kernel.actors import Actor
from config.kernel.database import retrying

_NO_DATA: Mapping[str, object] = {}


@retrying
@transaction.atomic
def take_in_call(
    organization_id: UUID,
    number: str,
    *,
    caller: str,
    user_data: Mapping[str, object] = _NO_DATA,
    now: datetime,
) -> Call | None:
    """Let a call from outside ring at a device or wait in a queue; None if nobody can take it."""
    exchange = _exchange(organization_id, now)
    exchange.hold(devices=candidates(organization_id, number))
    call = switch().call_offered(exchange, number, caller=caller, user_data=user_data)
    finish(exchange)
    return call


@retrying
@transaction.atomic
def outside_answered(organization_id: UUID, number: str, *, now: datetime) -> None:
    """Let the party outside of a call answer. Raises CallNotFound."""
    exchange, call = _held(organization_id, number, now)
    switch().outside_answered(exchange, call)
    finish(exchange)


@retrying
@transaction.atomic
def outside_released(organization_id: UUID, number: str, *, now: datetime) -> None:
    """Let the parties outside leave a call. Raises CallNotFound."""
    exchange, call = _held(organization_id, number, now)
    switch().outside_released(exchange, call)
    finish(exchange)


def _held(organization_id: UUID, number: str, now: datetime) -> tuple[Exchange, Call]:
    exchange = _exchange(organization_id, now)
    found = Call.objects.filter(organization_id=organization_id, number=number)
    exchange.hold(calls=found.values_list("id", flat=True))
    for call in exchange.calls.values():
        return exchange, call
    raise CallNotFound


def _exchange(organization_id: UUID, now: datetime) -> Exchange:
    actor = Actor.system(organization_id, origin="switch")
    return Exchange(organization_id=organization_id, actor=actor, now=now)
