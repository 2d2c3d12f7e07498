"""Somebody's desk under lock: what a command changes on it is written down and told in one go.

The order of locks is the person, calls, devices, channels, streams; each by its key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents import desk_wire
from agents.agent_states import Descriptor, Descriptors
from agents.desk_wire import CHANNELS_TOPIC, DEVICES_TOPIC, JsonObject, Viewer
from agents.errors import UserNotFound
from agents.models import Device, MediaChannel, Medium, Organization, User
from agents.models.tenancy import Feature
from agents.services import desk_calls, state_history
from agents.services.push import Told
from agents.services.state_history import Row
from config.kernel.actors import Actor

# Those that have rows; voice is the devices.
CHANNELS = (Medium.EMAIL, Medium.CHAT)
_KEPT = ("state", "work_mode", "reason", "state_since", "do_not_disturb")
_KEPT_OF_DEVICES = (
    *_KEPT,
    # The columns themselves: nothing is read for a comparison.
    "user_id",
    "is_active",
    "forward_to",
    "monitored_by_id",
    "monitoring_kind",
    "monitoring_mode",
    "monitoring_scope",
)
_KEPT_OF_CHANNELS = (*_KEPT, "is_open")


@dataclass(frozen=True, kw_only=True)
class House:
    """What an organisation has for its desks."""

    organization_id: UUID
    features: frozenset[str]
    descriptors: Descriptors

    @classmethod
    def of(cls, organization_id: UUID) -> House:
        """Give what an organisation has now."""
        rows = Organization.objects.filter(pk=organization_id)
        return cls(
            organization_id=organization_id,
            features=frozenset(rows.values_list("features", flat=True).first() or ()),
            descriptors=Descriptors.of(organization_id),
        )

    @property
    def has_voice(self) -> bool:
        return Feature.VOICE in self.features

    @property
    def has_channels(self) -> bool:
        return Feature.MULTIMEDIA in self.features


def lock_person(user_id: UUID, *, actor: Actor) -> User:
    """Give somebody whose desk nobody else changes meanwhile.

    Raises UserNotFound.
    """
    rows = User.objects.visible_to(actor).filter(organization__isnull=False)
    # Keys that point to the person may be checked meanwhile: it stays who it is.
    person: User | None = rows.select_for_update(no_key=True).filter(pk=user_id).first()
    if person is None:
        raise UserNotFound
    return person


def lock_devices(wanted: Q) -> list[Device]:
    """Give devices that nobody else changes meanwhile, each with the one that monitors it."""
    rows = Device.objects.select_for_update(of=("self",), no_key=True)
    return list(rows.select_related("monitored_by").filter(wanted).order_by("pk"))


def house_of(person: User) -> UUID:
    """Give the organisation of somebody who has a desk. Raises UserNotFound for an operator."""
    if person.organization_id is None:
        raise UserNotFound
    return person.organization_id


class Desk:
    """Devices and channels that a command holds, and how their owner saw them before.

    `owner` is whoever is told: of devices of others, a supervisor.
    """

    def __init__(
        self,
        owner: User,
        *,
        devices: Iterable[Device] = (),
        channels: Iterable[MediaChannel] = (),
        now: datetime,
    ) -> None:
        self.owner, self.now = owner, now
        self.devices, self.channels = list(devices), list(channels)
        self._pictures = {row.pk: self._picture(row) for row in self._rows()}
        self._values = {row.pk: _values(row) for row in self._rows()}

    @classmethod
    def lock(cls, owner: User, *, device_ids: Collection[UUID] = (), now: datetime) -> Desk:
        """Hold all that somebody has, and some other devices of the organisation besides.

        The caller holds the person's row. More than these devices is held on no account.
        """
        mine = Q(user_id=owner.pk) | Q(pk__in=device_ids)
        devices = lock_devices(Q(organization_id=owner.organization_id) & mine)
        return cls(owner, devices=devices, channels=_lock_channels(owner), now=now)

    @cached_property
    def house(self) -> House:
        return House.of(house_of(self.owner))

    @property
    def own_devices(self) -> list[Device]:
        return [one for one in self.devices if one.user_id == self.owner.pk]

    @property
    def active_devices(self) -> list[Device]:
        """The devices that the owner is logged in on, as far as there are telephones."""
        return [one for one in self.own_devices if one.is_active and self.house.has_voice]

    def channel(self, medium: str) -> MediaChannel:
        """Give one channel of the owner. Raises StopIteration for another medium."""
        return next(one for one in self.channels if one.medium == medium)

    def set_owners_flag(self, do_not_disturb: bool) -> None:
        """Write down whether the owner may be disturbed, beside the flags of what it has."""
        if self.owner.do_not_disturb == do_not_disturb:
            return
        self.owner.do_not_disturb = do_not_disturb
        # Not saved as a whole: it is no other user now, whom credentials would be asked anew of.
        User.objects.filter(pk=self.owner.pk).update(do_not_disturb=do_not_disturb)

    def put(self, rows: Iterable[Row], descriptor: Descriptor) -> None:
        """Let devices and channels stand as a descriptor says."""
        for row in rows:
            row.put(*descriptor.meaning, now=self.now)

    def changes(self) -> list[Told]:
        """Give what the owner is to be told of what looks different now, and of nothing else."""
        devices = [new for row in self.devices if (new := self._news_of(row))]
        channels = [new for row in self.channels if (new := self._news_of(row))]
        messages: list[tuple[str, JsonObject]] = []
        if devices and self.house.has_voice:
            messages.append((DEVICES_TOPIC, desk_wire.devices_message(devices)))
        if channels and self.house.has_channels:
            messages.append((CHANNELS_TOPIC, desk_wire.channels_message(channels)))
        return [Told(user_id=self.owner.pk, topic=topic, data=data) for topic, data in messages]

    def write(self) -> None:
        """Store what is different, and the history with it."""
        changed = [row for row in self._rows() if _values(row) != self._values[row.pk]]
        devices = [row for row in changed if isinstance(row, Device)]
        channels = [row for row in changed if isinstance(row, MediaChannel)]
        Device.objects.bulk_update(devices, _KEPT_OF_DEVICES)
        MediaChannel.objects.bulk_update(channels, _KEPT_OF_CHANNELS)
        for device in devices:
            desk_calls.device_changed(device, self._values[device.pk])
        standing = [row for row in changed if self._stands_otherwise(row)]
        state_history.write_down(standing, user_id=self.owner.pk, now=self.now)
        if any(one.is_active and one.takes_work for one in devices):
            organization_id = house_of(self.owner)
            transaction.on_commit(lambda: desk_calls.offer_waiting(organization_id, now=self.now))

    def _rows(self) -> list[Row]:
        return [*self.devices, *self.channels]

    def _news_of(self, row: Row) -> JsonObject | None:
        picture = self._picture(row)
        return picture if picture != self._pictures[row.pk] else None

    def _picture(self, row: Row) -> JsonObject:
        match row:
            case Device():
                viewer = Viewer.of_user(self.owner)
                return desk_wire.device_json(row, viewer, self.house.descriptors)
            case MediaChannel():
                return desk_wire.channel_json(row, self.house.descriptors)

    def _stands_otherwise(self, row: Row) -> bool:
        before = self._values[row.pk]
        return any(before[name] != getattr(row, name) for name in _KEPT)


def _values(row: Row) -> dict[str, Any]:
    kept = _KEPT_OF_DEVICES if isinstance(row, Device) else _KEPT_OF_CHANNELS
    return {name: getattr(row, name) for name in kept}


def _lock_channels(owner: User) -> list[MediaChannel]:
    rows = MediaChannel.objects.select_for_update().filter(user_id=owner.pk).order_by("pk")
    present = list(rows)
    missing = [
        MediaChannel(
            organization_id=house_of(owner),
            user=owner,
            medium=medium,
            do_not_disturb=owner.do_not_disturb,
        )
        for medium in CHANNELS
        if medium not in {one.medium for one in present}
    ]
    MediaChannel.objects.bulk_create(missing)
    return sorted([*present, *missing], key=lambda one: CHANNELS.index(Medium(one.medium)))
