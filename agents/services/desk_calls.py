"""What happens to calls when somebody's desk changes: the switch is asked to do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from agents.models import Call, Device, Leg
from agents.services import waiting_calls
from agents.services.push import Told
from agents.switch.exchange import Exchange
from agents.switch.selected import switch
from config.kernel.actors import Actor


def lock_calls_on(device_ids: Iterable[UUID]) -> list[Call]:
    """Hold the calls that go on on devices, then these devices and those of all their parties."""
    ids = set(device_ids)
    legs = Leg.objects.filter(device_id__in=ids, released_at__isnull=True)
    wanted = Call.objects.filter(pk__in=legs.values("call_id"))
    calls = list(wanted.select_for_update(no_key=True).order_by("pk"))
    parties = Leg.objects.filter(call__in=calls, released_at__isnull=True, device__isnull=False)
    ids |= set(parties.values_list("device_id", flat=True))
    list(Device.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    return calls


def release_calls_of(user_id: UUID, *, actor: Actor, now: datetime) -> list[Told]:
    """Release every call of somebody, and give what desktops are to be told of it."""
    mine = Device.objects.filter(user_id=user_id).values_list("id", flat=True)
    exchange = _exchange(actor, now)
    if exchange is None:
        return []
    calls = Leg.objects.filter(user_id=user_id, released_at__isnull=True)
    exchange.hold(on=mine, calls=calls.values_list("call_id", flat=True))
    for leg in [one for one in exchange.legs if one.user_id == user_id]:
        # One may have ended with another of the same person.
        if leg.released_at is None and leg.call_id in exchange.calls:
            switch().release(exchange, leg)
    return waiting_calls.keep(exchange)


def monitoring_began(
    target: Device, supervisor: Device, *, actor: Actor, now: datetime
) -> list[Told]:
    """Let a supervisor join the call that goes on, if one does, and give what is to be told.

    The row of the device says already who monitors it, and how.
    """
    exchange = _exchange(actor, now)
    if exchange is None:
        return []
    exchange.hold(on=[target.pk, supervisor.pk])
    switch().start_monitoring(exchange, exchange.devices[target.pk])
    return waiting_calls.keep(exchange)


def monitoring_ended(
    target: Device, supervisor: Device, *, actor: Actor, now: datetime
) -> list[Told]:
    """Release what a supervisor has by monitoring, and give what is to be told.

    The row of the device still says who monitors it.
    """
    exchange = _exchange(actor, now)
    if exchange is None:
        return []
    others = Device.objects.filter(monitored_by=supervisor).values_list("id", flat=True)
    exchange.hold(on=[target.pk, supervisor.pk], devices=others)
    switch().stop_monitoring(exchange, exchange.devices[target.pk])
    return waiting_calls.keep(exchange)


def offer_waiting(organization_id: UUID, *, now: datetime) -> None:
    """Let calls that wait in queues ring where somebody has become free."""
    waiting_calls.offer_waiting(organization_id, now=now)


def device_changed(device: Device, before: Mapping[str, object]) -> None:
    """Let the switch do what follows from a device's row; `before` is what stood in it."""
    if before["is_active"] != device.is_active:
        (switch().login if device.is_active else switch().logout)(device)
    if before["forward_to"] != device.forward_to:
        switch().set_forwarding(device)
    if before["do_not_disturb"] != device.do_not_disturb:
        switch().set_do_not_disturb(device)


def _exchange(actor: Actor, now: datetime) -> Exchange | None:
    """Give what the calls of a house are changed by; operators have none."""
    if actor.organization_id is None:
        return None
    return Exchange(organization_id=actor.organization_id, actor=actor, now=now)
