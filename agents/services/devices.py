"""Commands about telephones: which there are, whose they are, and how each one stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Func, Q, QuerySet, TextField, Value

from agents.errors import UserNotFound
from agents.errors_desk import MemberMissing
from agents.errors_presence import (
    DeviceActive,
    DeviceInactive,
    DeviceNotFound,
    DevicesNotYours,
    DeviceTaken,
    InvalidDestination,
    InvalidDevice,
    NotForwarding,
    NumberTaken,
)
from agents.models import DeskSession, Device, TelephonyNetwork, User
from agents.phone_numbers import dialled, read_number
from agents.services import push, state_history
from agents.services.desks import Desk, house_of, lock_devices, lock_person
from agents.services.intervals import record_next
from config.kernel import limits
from config.kernel.actors import Actor, Role
from config.kernel.database import constraint_of, lock_keys, retrying

# Digits and the signs of a dial pad; what people write between them does not count.
_NUMBER = re.compile(r"\+?[0-9*#]+")


@dataclass(frozen=True, kw_only=True)
class NewDevice:
    """A telephone that is to be there from now on."""

    phone_number: str
    model: str = ""
    vendor: str = ""
    kind: str = ""
    network: TelephonyNetwork = TelephonyNetwork.PRIVATE


# --- Reading ------------------------------------------------------------------------------------


def devices_seen_by(actor: Actor) -> QuerySet[Device]:
    """Give the devices that exist for somebody: agents have their own, others see all."""
    rows = Device.objects.visible_to(actor).select_related("monitored_by").order_by("pk")
    if actor.has(Role.ADMIN, Role.SUPERVISOR):
        return rows
    return rows.filter(user_id=UUID(actor.id))


def device_seen_by(actor: Actor, device_id: UUID) -> Device:
    """Give one device. Raises DeviceNotFound."""
    found = devices_seen_by(actor).filter(pk=device_id).first()
    if found is None:
        raise DeviceNotFound
    return found


def devices_of(user_id: UUID) -> QuerySet[Device]:
    """Give the devices that are assigned to somebody."""
    return Device.objects.filter(user_id=user_id).select_related("monitored_by").order_by("pk")


def devices_of_user(user_id: UUID, *, actor: Actor) -> QuerySet[Device]:
    """Give the devices of somebody to administrators, and to whoever it is.

    Raises DevicesNotYours, UserNotFound.
    """
    if not actor.has(Role.ADMIN) and str(user_id) != actor.id:
        raise DevicesNotYours
    if not User.objects.visible_to(actor).filter(pk=user_id).exists():
        raise UserNotFound
    return devices_of(user_id)


# --- Which there are, and whose -----------------------------------------------------------------


@transaction.atomic
def create_device(new: NewDevice, *, actor: Actor, now: datetime) -> Device:
    """Make a device that is nobody's yet.

    Raises DevicesNotYours, InvalidDevice, NumberTaken.
    """
    _check_may_provide(actor)
    if actor.organization_id is None:
        raise InvalidDevice("A device belongs to an organisation.")
    number = new.phone_number.strip()
    _check_number(number, organization_id=actor.organization_id)
    device = Device(
        organization_id=actor.organization_id,
        phone_number=number,
        model=new.model,
        vendor=new.vendor,
        kind=new.kind,
        network=new.network,
        state_since=now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            device.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) == "device_number_unique":
            raise NumberTaken from None
        raise
    _record("created", device, actor=actor, now=now, facts={"number": number})
    return device


@retrying
@transaction.atomic
def describe_device(
    device_id: UUID,
    *,
    model: str,
    vendor: str,
    kind: str,
    network: TelephonyNetwork,
    actor: Actor,
    now: datetime,
) -> None:
    """Say anew what a device is; its number stays.

    Raises DevicesNotYours, DeviceNotFound.
    """
    _check_may_provide(actor)
    device = _lock_device(device_id, actor=actor)
    facts = {"model": model, "vendor": vendor, "kind": kind, "network": network.value}
    before = {name: getattr(device, name) for name in facts}
    if facts == before:
        return
    for name, value in facts.items():
        setattr(device, name, value)
    device.save(update_fields=list(facts))
    _record("described", device, actor=actor, now=now, facts={"before": before, "after": facts})


@retrying
@transaction.atomic
def delete_device(device_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take a device away for good; its history stays.

    Raises DevicesNotYours, DeviceNotFound, DeviceActive.
    """
    _check_may_provide(actor)
    device = _lock_device(device_id, actor=actor)
    if device.is_active:
        raise DeviceActive
    state_history.end_history_of(device.pk, now=now)
    _record("deleted", device, actor=actor, now=now, facts={"number": device.phone_number})
    device.delete()


@retrying
@transaction.atomic
def give_device(user_id: UUID, device_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Assign a device to somebody.

    Raises DevicesNotYours, UserNotFound, DeviceNotFound, DeviceTaken.
    """
    _check_may_provide(actor)
    person = lock_person(user_id, actor=actor)
    _give(person, _lock_device(device_id, actor=actor), actor=actor, now=now)


@retrying
@transaction.atomic
def create_device_for(user_id: UUID, new: NewDevice, *, actor: Actor, now: datetime) -> Device:
    """Make a device and assign it to somebody, or neither.

    Raises DevicesNotYours, UserNotFound, InvalidDevice, NumberTaken.
    """
    _check_may_provide(actor)
    person = lock_person(user_id, actor=actor)
    device = create_device(new, actor=actor, now=now)
    _give(person, device, actor=actor, now=now)
    return device


def _give(person: User, device: Device, *, actor: Actor, now: datetime) -> None:
    if device.user_id not in (None, person.pk):
        raise DeviceTaken
    # What a session has borrowed is from now on the person's own.
    for session in DeskSession.objects.filter(user=person, borrowed__contains=[device.pk]):
        session.borrowed = [one for one in session.borrowed if one != device.pk]
        session.save(update_fields=["borrowed"])
    if device.user_id == person.pk:
        return
    desk = Desk(person, devices=[device], now=now)
    device.user, device.do_not_disturb = person, person.do_not_disturb
    desk.write()
    _record("assigned", device, actor=actor, now=now, facts={"user": str(person.pk)})
    push.tell(desk.changes(), organization_id=house_of(person), now=now)


@retrying
@transaction.atomic
def take_device_away(user_id: UUID, device_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Let a device be nobody's again.

    Raises DevicesNotYours, UserNotFound, DeviceNotFound, DeviceActive.
    """
    _check_may_provide(actor)
    person = lock_person(user_id, actor=actor)
    device = _lock_device(device_id, actor=actor)
    if device.user_id != person.pk:
        raise DeviceNotFound
    if device.is_active:
        raise DeviceActive
    desk = Desk(person, devices=[device], now=now)
    device.user, device.do_not_disturb = None, False
    desk.write()
    _record("removed", device, actor=actor, now=now, facts={"user": str(person.pk)})
    push.tell(desk.changes(), organization_id=house_of(person), now=now)


def _check_may_provide(actor: Actor) -> None:
    if not actor.has(Role.ADMIN):
        raise DevicesNotYours


def _check_number(number: str, *, organization_id: UUID) -> None:
    """Let a number pass that no other device has, however it is written."""
    if not _NUMBER.fullmatch(dialled(number)) or len(number) > limits.PHONE_LENGTH:
        words = f"A phone number has digits, and at most {limits.PHONE_LENGTH} characters."
        raise InvalidDevice(errors={"phoneNumber": [words]})
    # Two spellings of one number are two values to the constraint.
    lock_keys(f"device numbers {organization_id}")
    bare = Func(
        F("phone_number"),
        Value(r"[\s.()-]"),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
    rows = Device.objects.filter(organization_id=organization_id).annotate(bare=bare)
    if rows.filter(bare=dialled(number)).exists():
        raise NumberTaken


def _record(what: str, device: Device, *, actor: Actor, now: datetime, facts: Any) -> None:
    record_next(
        f"device.{what}", device.pk, device.organization_id, actor=actor, now=now, facts=facts
    )


# --- How one stands -----------------------------------------------------------------------------


@retrying
@transaction.atomic
def set_device_do_not_disturb(
    device_id: UUID, on: bool, *, own_only: bool = False, actor: Actor, now: datetime
) -> None:
    """Switch do not disturb on or off for one device, and for nothing else.

    Raises DeviceNotFound, DeviceInactive.
    """
    desk = _lock_active(device_id, own_only=own_only, actor=actor, now=now)
    desk.devices[0].do_not_disturb = on
    _finish(desk)


@retrying
@transaction.atomic
def forward_calls(
    device_id: UUID, destination: str, *, own_only: bool = False, actor: Actor, now: datetime
) -> None:
    """Let calls to a device ring elsewhere from now on.

    Raises MemberMissing, DeviceNotFound, DeviceInactive, InvalidDestination.
    """
    destination = destination.strip()
    if not destination:
        raise MemberMissing(name="destination")
    desk = _lock_active(device_id, own_only=own_only, actor=actor, now=now)
    device = desk.devices[0]
    if not _NUMBER.fullmatch(dialled(destination)) or len(destination) > limits.PHONE_LENGTH:
        raise InvalidDestination("The destination is no phone number.")
    own = {dialled(device.phone_number), read_number(device.phone_number).e164}
    if dialled(destination) in own:
        raise InvalidDestination("A device cannot forward its calls to itself.")
    device.forward_to = destination
    _finish(desk)


@retrying
@transaction.atomic
def stop_forwarding(
    device_id: UUID, *, own_only: bool = False, actor: Actor, now: datetime
) -> None:
    """Let calls to a device ring on it again.

    Raises DeviceNotFound, DeviceInactive, NotForwarding.
    """
    desk = _lock_active(device_id, own_only=own_only, actor=actor, now=now)
    if not desk.devices[0].forward_to:
        raise NotForwarding
    desk.devices[0].forward_to = ""
    _finish(desk)


def _lock_active(device_id: UUID, *, own_only: bool, actor: Actor, now: datetime) -> Desk:
    """Hold a device of the caller, for administrators any one, as its user sees it.

    Whose it is cannot change meanwhile: that locks the device too.
    """
    device = _lock_device(device_id, actor=actor)
    is_own = str(device.user_id) == actor.id
    if not is_own and (own_only or not actor.has(Role.ADMIN)):
        raise DeviceNotFound
    if not device.is_active or device.user_id is None:
        raise DeviceInactive
    return Desk(User.objects.get(pk=device.user_id), devices=[device], now=now)


def _lock_device(device_id: UUID, *, actor: Actor) -> Device:
    for device in lock_devices(Q(pk=device_id, organization_id=actor.organization_id)):
        return device
    raise DeviceNotFound


def _finish(desk: Desk) -> None:
    desk.write()
    push.tell(desk.changes(), organization_id=house_of(desk.owner), now=desk.now)
