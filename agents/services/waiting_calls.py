"""Calls that wait: in queues for somebody who is free, and on telephones that nobody answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from agents.models import Call, Leg, LegState, Queue
from agents.services import push
from agents.services.push import Told
from agents.switch.exchange import Exchange
from agents.switch.resolution import ready_devices
from agents.switch.selected import switch
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import retrying

_BATCH = 200


def finish(exchange: Exchange) -> None:
    """Write down and tell what a command has done; the last thing in its transaction."""
    push.tell(keep(exchange), organization_id=exchange.organization_id, now=exchange.now)


def keep(exchange: Exchange) -> list[Told]:
    """Write down what a command has done, and give what is to be told at its end."""
    exchange.save()
    _offer_soon(exchange)
    return exchange.told


def _offer_soon(exchange: Exchange) -> None:
    """Offer waiting calls once this is committed, if it may have left somebody free."""
    if not any(leg.released_at or leg.state == LegState.HELD for leg in exchange.legs):
        return
    organization_id, now = exchange.organization_id, exchange.now
    transaction.on_commit(lambda: offer_waiting(organization_id, now=now))


def move_waiting_calls(*, now: datetime) -> None:
    """End what nobody answers or takes part in, and let calls ring where somebody is free."""
    end_unanswered(now=now)
    end_forgotten(now=now)
    offer_waiting(now=now)


def offer_waiting(organization_id: UUID | None = None, *, now: datetime) -> int:
    """Let calls ring that wait in queues of which somebody is free; return how many were tried.

    Without an organisation in all of them: the sweep finds what a process did that died.
    """
    waiting = Call.objects.filter(ended_at__isnull=True, waits_in__isnull=False)
    if organization_id is not None:
        waiting = waiting.filter(organization_id=organization_id)
    tried = 0
    for queue in Queue.objects.filter(id__in=waiting.values("waits_in_id")).order_by("id"):
        # As many as there are agents for: whoever waits longer comes first.
        free = min(ready_devices(queue).count(), _BATCH)
        oldest = waiting.filter(waits_in=queue).order_by("began_at", "id")
        for call_id in list(oldest.values_list("id", flat=True)[:free]):
            _offer(call_id, queue.organization_id, now=now)
            tried += 1
    return tried


@retrying
@transaction.atomic
def _offer(call_id: UUID, organization_id: UUID, *, now: datetime) -> None:
    exchange = _for_the_clock(organization_id, now)
    exchange.hold(calls=[call_id])
    for call in list(exchange.calls.values()):
        switch().offer(exchange, call)
    finish(exchange)


def end_unanswered(*, now: datetime) -> int:
    """End what has rung for longer than the settings allow; return how many were tried."""
    since = now - settings.AGENTS_SWITCH_RINGS_FOR
    ringing = Leg.objects.filter(
        state=LegState.RINGING, released_at__isnull=True, began_at__lte=since
    )
    found = list(
        ringing.order_by("began_at", "id").values_list("id", "call_id", "organization_id")[:_BATCH]
    )
    for leg_id, call_id, organization_id in found:
        _end(leg_id, call_id, organization_id, now=now)
    return len(found)


def end_forgotten(*, now: datetime) -> int:
    """End calls in which nobody of the house takes part any more; return how many were tried.

    Parties outside may talk on without us, and nobody would say when they have ended.
    """
    inside = Leg.objects.filter(call=OuterRef("id"), device__isnull=False, released_at__isnull=True)
    forgotten = Call.objects.filter(
        ~Exists(inside),
        ended_at__isnull=True,
        waits_in__isnull=True,
        began_at__lte=now - limits.CALL_OUTSIDE_MAX,
    )
    found = list(forgotten.order_by("began_at").values_list("id", "organization_id")[:_BATCH])
    for call_id, organization_id in found:
        _end_call(call_id, organization_id, now=now)
    return len(found)


@retrying
@transaction.atomic
def _end_call(call_id: UUID, organization_id: UUID, *, now: datetime) -> None:
    exchange = _for_the_clock(organization_id, now)
    exchange.hold(calls=[call_id])
    for call in list(exchange.calls.values()):
        if not any(leg.device_id for leg in exchange.legs_of(call)):
            switch().outside_released(exchange, call)
    finish(exchange)


@retrying
@transaction.atomic
def _end(leg_id: UUID, call_id: UUID, organization_id: UUID, *, now: datetime) -> None:
    exchange = _for_the_clock(organization_id, now)
    exchange.hold(calls=[call_id])
    for leg in [one for one in exchange.legs if one.id == leg_id]:
        # It may have been answered while we waited for the lock.
        if leg.state == LegState.RINGING and leg.call_id in exchange.calls:
            switch().not_answered(exchange, leg)
    finish(exchange)


def _for_the_clock(organization_id: UUID, now: datetime) -> Exchange:
    actor = Actor.system(organization_id)
    return Exchange(organization_id=organization_id, actor=actor, now=now)
