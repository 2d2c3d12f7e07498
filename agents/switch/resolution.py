"""What a number means: a device, a queue, or somebody outside (number_resolution)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, Func, OuterRef, QuerySet, TextField, Value

from agents.models import Device, Leg, Medium, Queue, WorkState
from agents.phone_numbers import dialled, read_number
from agents.switch.exchange import Exchange
from agents.switch.state import ACTIVE

BUSY = "The destination is busy."
# A destination that forwards, and four more; whoever comes after that counts as busy.
_FORWARDINGS = 5
# Of a queue with many who are free somebody is, even if others are called meanwhile.
_LOOKED_AT = 20


@dataclass(frozen=True)
class AtDevice:
    """A device that can ring now."""

    device: Device


@dataclass(frozen=True)
class InQueue:
    """A queue of which nobody is free."""

    queue: Queue


@dataclass(frozen=True)
class Outside:
    """Somebody outside, who answers at once or lets it ring."""

    number: str
    answers: bool


@dataclass(frozen=True)
class Unreachable:
    """Nobody who can be called now, and why."""

    reason: str


Destination = AtDevice | InQueue | Outside | Unreachable


def resolve(exchange: Exchange, number: str, *, avoid: Collection[UUID] = ()) -> Destination:
    """Give whom a number reaches, with the device that is to ring locked.

    Devices that take part already are to be avoided: they are busy for it.
    """
    while True:
        found = _follow(exchange, number, avoid)
        match found:
            case AtDevice(device) if device.id not in exchange.devices:
                exchange.hold(calls=exchange.calls.keys(), devices=[device.id])
            case _:
                return found


def candidates(organization_id: UUID, number: str) -> set[UUID]:
    """Give the devices that a number could lead to, so that they can be locked in order."""
    found: set[UUID] = set()
    for _ in range(_FORWARDINGS + 1):
        device = device_with(organization_id, number)
        if device is None:
            queue = _queue_with(organization_id, number)
            return found | {one.id for one in ready_devices(queue)[:1]} if queue else found
        if device.id in found:
            break
        found.add(device.id)
        if not device.forward_to:
            break
        number = device.forward_to
    return found


def _follow(exchange: Exchange, number: str, avoid: Collection[UUID]) -> Destination:
    for _ in range(_FORWARDINGS + 1):
        device = device_with(exchange.organization_id, number)
        if device is None:
            return _elsewhere(exchange, number, avoid)
        # As it is under the lock, where we have it.
        device = exchange.devices.get(device.id, device)
        if not device.forward_to:
            return AtDevice(device) if _can_ring(exchange, device, avoid) else Unreachable(BUSY)
        number = device.forward_to
    return Unreachable(BUSY)


def _can_ring(exchange: Exchange, device: Device, avoid: Collection[UUID]) -> bool:
    if not device.is_active or device.do_not_disturb or device.id in avoid:
        return False
    return not exchange.is_busy(device.id)


def _elsewhere(exchange: Exchange, number: str, avoid: Collection[UUID]) -> Destination:
    queue = _queue_with(exchange.organization_id, number)
    if queue is not None:
        return whoever_is_free(exchange, queue, avoid=avoid)
    key = dialled(number)
    if key in settings.AGENTS_SWITCH_BUSY_NUMBERS:
        return Unreachable(BUSY)
    return Outside(number.strip(), answers=key not in settings.AGENTS_SWITCH_SILENT_NUMBERS)


def whoever_is_free(
    exchange: Exchange, queue: Queue, *, avoid: Collection[UUID] = ()
) -> AtDevice | InQueue:
    """Give the device whose user has been ready longest for a queue, or the queue to wait in.

    Who is busy on one telephone may be called on another: readiness is kept for each.
    """
    for device in ready_devices(queue)[:_LOOKED_AT]:
        if device.id not in exchange.devices:
            exchange.hold(calls=exchange.calls.keys(), devices=[device.id])
        held = exchange.devices.get(device.id)
        # Somebody else may have called it while we waited for its lock.
        if held is not None and _is_ready(held) and _can_ring(exchange, held, avoid):
            return AtDevice(held)
    return InQueue(queue)


def ready_devices(queue: Queue) -> QuerySet[Device]:
    """Give the devices of a queue that are ready and free, the one that is so longest first."""
    free = Device.objects.filter(
        organization_id=queue.organization_id,
        user__queues=queue,
        user__is_active=True,
        is_active=True,
        state=WorkState.READY,
        do_not_disturb=False,
        forward_to="",
    )
    busy = Leg.objects.filter(device_id=OuterRef("id"), state__in=sorted(ACTIVE))
    return free.exclude(Exists(busy)).order_by("state_since", "id")


def _is_ready(device: Device) -> bool:
    return device.state == WorkState.READY and not device.forward_to


def device_with(organization_id: UUID, number: str) -> Device | None:
    """Give the device of a number, however it is written."""
    mine = Device.objects.filter(organization_id=organization_id)
    same = _spellings(number)
    exact = mine.filter(phone_number__in=same).first()
    return exact or mine.annotate(key=_key()).filter(key__in=same).first()


def _queue_with(organization_id: UUID, number: str) -> Queue | None:
    mine = Queue.objects.filter(organization_id=organization_id, medium=Medium.VOICE)
    return (
        mine.exclude(phone_number="")
        .annotate(key=_key())
        .filter(key__in=_spellings(number))
        .first()
    )


def is_same(number: str, other: str) -> bool:
    """Tell whether two numbers are one, however they are written."""
    return not _spellings(number).isdisjoint(_spellings(other))


def _spellings(number: str) -> set[str]:
    key = dialled(number)
    return {key, read_number(key).e164}


def _key() -> Func:
    return Func(
        F("phone_number"),
        Value(r"[[:space:].()‐-―-]"),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
