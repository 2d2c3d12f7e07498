"""Commands about how ready people are: on all that they are logged in on, or on one channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.agent_states import Descriptor
from agents.errors_presence import ChannelNotFound, LoggedInOnNothing, StateUnknown
from agents.models import MediaChannel, Medium
from agents.services import push
from agents.services.desks import CHANNELS, Desk, house_of, lock_person
from agents.services.state_history import Row
from config.kernel.actors import Actor
from config.kernel.database import retrying


@retrying
@transaction.atomic
def set_state(operation_name: str, *, actor: Actor, now: datetime) -> None:
    """Let the caller stand as a descriptor says on every active device and open channel.

    Whoever is logged in on nothing is logged in on e-mail and chat by it. Raises UserNotFound,
    StateUnknown, LoggedInOnNothing.
    """
    desk = _lock_desk_of(actor, now=now)
    descriptor = _descriptor(desk, operation_name)
    _put(desk, _logged_in_on(desk), descriptor)
    _finish(desk)


@retrying
@transaction.atomic
def set_channel_state(channel_id: str, operation_name: str, *, actor: Actor, now: datetime) -> None:
    """Let the caller stand as a descriptor says on one channel; voice is all active devices.

    Raises UserNotFound, ChannelNotFound, StateUnknown, LoggedInOnNothing.
    """
    desk = _lock_desk_of(actor, now=now)
    medium = medium_of(channel_id)
    if not (desk.house.has_voice if medium == Medium.VOICE else desk.house.has_channels):
        raise ChannelNotFound
    descriptor = _descriptor(desk, operation_name)
    if medium == Medium.VOICE and not desk.active_devices:
        raise LoggedInOnNothing
    _put(
        desk, desk.active_devices if medium == Medium.VOICE else [desk.channel(medium)], descriptor
    )
    _finish(desk)


@retrying
@transaction.atomic
def set_do_not_disturb(on: bool, *, actor: Actor, now: datetime) -> None:
    """Switch do not disturb on or off for the caller, and for each of its devices and channels.

    Raises UserNotFound.
    """
    desk = _lock_desk_of(actor, now=now)
    for row in [*desk.own_devices, *desk.channels]:
        row.do_not_disturb = on
    desk.set_owners_flag(on)
    _finish(desk)


@retrying
@transaction.atomic
def set_channel_do_not_disturb(channel_id: str, on: bool, *, actor: Actor, now: datetime) -> None:
    """Switch do not disturb on or off for one channel of the caller, and for nothing else.

    Raises UserNotFound, ChannelNotFound.
    """
    desk = _lock_desk_of(actor, now=now)
    medium = medium_of(channel_id)
    if medium == Medium.VOICE or not desk.house.has_channels:
        raise ChannelNotFound
    desk.channel(medium).do_not_disturb = on
    _finish(desk)


def medium_of(channel_id: str) -> Medium:
    """Give the medium that a channel is named by, in any mix of capital and small letters.

    Raises ChannelNotFound.
    """
    try:
        return Medium(channel_id.lower())
    except ValueError:
        raise ChannelNotFound from None


def channels_of(user_id: UUID, *, organization_id: UUID) -> list[MediaChannel]:
    """Give both channels of somebody, whatever their state; one without a row is logged out."""
    rows = {one.medium: one for one in MediaChannel.objects.filter(user_id=user_id)}
    return [
        rows.get(medium)
        or MediaChannel(organization_id=organization_id, user_id=user_id, medium=medium)
        for medium in CHANNELS
    ]


def _lock_desk_of(actor: Actor, *, now: datetime) -> Desk:
    return Desk.lock(lock_person(UUID(actor.id), actor=actor), now=now)


def _descriptor(desk: Desk, operation_name: str) -> Descriptor:
    found = desk.house.descriptors.named(operation_name)
    if found is None:
        raise StateUnknown(name=operation_name)
    return found


def _logged_in_on(desk: Desk) -> Sequence[Row]:
    channels = desk.channels if desk.house.has_channels else []
    found: list[Row] = [*desk.active_devices, *(one for one in channels if one.is_open)]
    if not found:
        found.extend(channels)
    if not found:
        raise LoggedInOnNothing
    return found


def _put(desk: Desk, rows: Sequence[Row], descriptor: Descriptor) -> None:
    desk.put(rows, descriptor)
    for row in rows:
        if isinstance(row, MediaChannel):
            row.is_open = True


def _finish(desk: Desk) -> None:
    desk.write()
    push.tell(desk.changes(), organization_id=house_of(desk.owner), now=desk.now)
