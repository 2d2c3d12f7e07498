"""Commands of supervisors who take part in the calls of others: what they leave on devices.

What becomes of calls, the switch does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents import desk_wire
from agents.agent_states import Descriptors
from agents.desk_wire import DEVICES_TOPIC, Viewer
from agents.errors import RoleMissing
from agents.errors_presence import (
    DeviceInactive,
    DeviceNotFound,
    MonitoredByAnother,
    MonitorsItself,
    MonitorsNothing,
    NothingToMonitorFrom,
)
from agents.models import Device, MonitoringKind, MonitoringMode, MonitoringScope, User
from agents.services import desk_calls, push
from agents.services.desks import Desk, house_of, lock_devices, lock_person
from agents.services.push import Told
from config.kernel.actors import Actor
from config.kernel.database import retrying


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """How a supervisor takes part."""

    kind: MonitoringKind
    mode: MonitoringMode = MonitoringMode.ALL_CALLS
    scope: MonitoringScope = MonitoringScope.CALL


@retrying
@transaction.atomic
def monitor(
    target_id: UUID,
    how: Monitoring,
    *,
    from_device_id: UUID | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Let the caller take part in the calls of a device, on a device of its own.

    Without one it is the first that the caller is logged in on. Raises RoleMissing,
    DeviceNotFound, DeviceInactive, MonitorsItself, MonitoredByAnother, NothingToMonitorFrom.
    """
    desk = _lock(target_id, actor=actor, now=now)
    own = _own_device(desk, from_device_id)
    target = _device(desk, target_id)
    if target.user_id == desk.owner.pk:
        raise MonitorsItself
    if not target.is_active:
        raise DeviceInactive
    if target.monitored_by_id and not desk_wire.is_monitored_by(target, desk.owner.pk):
        raise MonitoredByAnother
    former = target.monitored_by
    told = desk_calls.monitoring_ended(target, former, actor=actor, now=now) if former else []
    target.monitored_by = own
    target.monitoring_kind = how.kind.value
    target.monitoring_mode = how.mode.value
    target.monitoring_scope = how.scope.value
    desk.write()
    told += desk_calls.monitoring_began(target, own, actor=actor, now=now)
    push.tell([*desk.changes(), *told], organization_id=house_of(desk.owner), now=now)


@retrying
@transaction.atomic
def cancel_monitoring(
    device_id: UUID, *, own_only: bool = False, actor: Actor, now: datetime
) -> None:
    """End what the caller monitors: by the device that is monitored, or by its own one.

    Raises RoleMissing, DeviceNotFound, MonitorsNothing.
    """
    desk = _lock(device_id, actor=actor, now=now)
    named = _device(desk, device_id)
    is_own = named.user_id == desk.owner.pk
    if own_only and not is_own:
        raise DeviceNotFound
    if is_own:
        targets = [one for one in desk.devices if one.monitored_by_id == named.pk]
    else:
        targets = [one for one in [named] if desk_wire.is_monitored_by(one, desk.owner.pk)]
    if not targets:
        raise MonitorsNothing
    told: list[Told] = []
    for target in targets:
        former = target.monitored_by
        forget_monitoring(target)
        if former is not None:
            told += desk_calls.monitoring_ended(target, former, actor=actor, now=now)
    desk.write()
    push.tell([*desk.changes(), *told], organization_id=house_of(desk.owner), now=now)


def stop_watching(devices: Iterable[Device], *, told_anyway: User | None = None) -> list[Told]:
    """Let nobody take part any more in the calls of devices that the caller holds and stores.

    Gives what their supervisors are told, but for one who is told of all changes anyway.
    """
    watched = [one for one in devices if one.monitored_by is not None]
    by_supervisor: dict[UUID, list[Device]] = {}
    for device in watched:
        user_id = device.monitored_by.user_id if device.monitored_by else None
        forget_monitoring(device)
        if user_id is not None and (told_anyway is None or user_id != told_anyway.pk):
            by_supervisor.setdefault(user_id, []).append(device)
    supervisors = User.objects.filter(pk__in=by_supervisor).order_by("pk")
    return (
        [_news_for(user, by_supervisor[user.pk]) for user in supervisors] if by_supervisor else []
    )


def forget_monitoring(device: Device) -> None:
    """Leave nothing on a device of whoever took part in its calls; the caller stores it."""
    device.monitored_by = None
    device.monitoring_kind = device.monitoring_mode = device.monitoring_scope = ""


def _news_for(user: User, devices: list[Device]) -> Told:
    descriptors = Descriptors.of(house_of(user))
    viewer = Viewer.of_user(user)
    pictures = [desk_wire.device_json(one, viewer, descriptors) for one in devices]
    data = desk_wire.devices_message(pictures)
    return Told(user_id=user.pk, topic=DEVICES_TOPIC, data=data)


def _lock(device_id: UUID, *, actor: Actor, now: datetime) -> Desk:
    """Hold the device, the caller's own ones, and all that is monitored from them."""
    if not actor.is_supervisor:
        raise RoleMissing
    person = lock_person(UUID(actor.id), actor=actor)
    mine = Q(user_id=person.pk) | Q(monitored_by__user_id=person.pk)
    wanted = Q(organization_id=person.organization_id) & (mine | Q(pk=device_id))
    ids = list(Device.objects.filter(wanted).values_list("pk", flat=True))
    desk_calls.lock_calls_on(ids)
    # By their keys: what joins other rows could not be locked in one order.
    desk = Desk(person, devices=lock_devices(Q(pk__in=ids)), now=now)
    if not desk.house.has_voice:
        raise DeviceNotFound
    return desk


def _device(desk: Desk, device_id: UUID) -> Device:
    for one in desk.devices:
        if one.pk == device_id:
            return one
    raise DeviceNotFound


def _own_device(desk: Desk, device_id: UUID | None) -> Device:
    if device_id is None:
        for one in desk.active_devices:
            return one
        raise NothingToMonitorFrom
    own = _device(desk, device_id)
    if own.user_id != desk.owner.pk:
        raise DeviceNotFound
    if not own.is_active:
        raise DeviceInactive
    return own
