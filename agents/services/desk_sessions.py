"""Commands that begin and end somebody's work at the desk (cc.lifecycle.session)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents.agent_states import NOT_READY, OFFLINE
from agents.errors_presence import (
    DeviceTaken,
    LoginUnknown,
    MediumUnknown,
    NoDevice,
    NoLogin,
    PlaceUnknown,
)
from agents.models import AgentLogin, DeskSession, Device, Medium, Place, PlaceDevice, Seat, User
from agents.services import desk_calls, desk_monitoring, push
from agents.services.desks import Desk, house_of, lock_person
from agents.services.state_history import Row
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import retrying

logger = logging.getLogger(__name__)


@retrying
@transaction.atomic
def start_session(
    media: Sequence[str],
    *,
    place: str = "",
    login_code: str = "",
    queue: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Log the caller in on devices and channels; in an open session, on those that are new.

    Raises UserNotFound, MediumUnknown, PlaceUnknown, NoDevice, DeviceTaken, LoginUnknown, NoLogin.
    """
    person = lock_person(UUID(actor.id), actor=actor)
    session = DeskSession.objects.filter(user=person).first()
    is_new = session is None
    if session is None:
        session = DeskSession(organization_id=house_of(person), user=person, began_at=now)
    wanted = _checked(media, known=set(session.media))
    place_devices = _devices_at(person, place)
    takes_devices = Medium.VOICE in wanted
    desk = Desk.lock(person, device_ids=place_devices if takes_devices else (), now=now)
    _check_features(desk, wanted)
    if takes_devices:
        session.login_code = _login_code(person, login_code)
        session.queue = queue[: limits.NAME_LENGTH]
        session.borrowed = _take_devices(desk, place_devices)
    for medium in wanted - {Medium.VOICE}:
        channel = desk.channel(medium)
        if is_new or not channel.is_open:
            desk.put([channel], NOT_READY)
        channel.is_open = True
    session.media = [*session.media, *(one.value for one in Medium if one in wanted)]
    session.seen_at = now
    session.save()
    desk.write()
    push.tell(desk.changes(), organization_id=house_of(person), now=now)


@retrying
@transaction.atomic
def end_session(user_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Release somebody's calls and log it out of everything, whether or not a session is open.

    Raises UserNotFound.
    """
    _end(lock_person(user_id, actor=actor), actor=actor, now=now)


def _end(person: User, *, actor: Actor, now: datetime) -> None:
    told = desk_calls.release_calls_of(person.pk, actor=actor, now=now)
    session = DeskSession.objects.filter(user=person).first()
    desk = Desk.lock(person, device_ids=_monitored_from_devices_of(person), now=now)
    _log_out(desk)
    # Whether somebody watches this person, or the other way round: it is over.
    told += desk_monitoring.stop_watching(desk.devices, told_anyway=person)
    told += desk.changes()
    borrowed = set(session.borrowed) if session else set()
    for device in desk.own_devices:
        # What the administrator had given to the person before the session stays with it.
        if device.pk in borrowed:
            device.user = None
    desk.write()
    if session:
        session.delete()
    push.tell(told, organization_id=house_of(person), now=now)


def end_idle_sessions(*, now: datetime) -> int:
    """End the sessions of desktops that have disappeared; return how many."""
    gone_since = now - settings.AGENTS_DESK_IDLE
    found = DeskSession.objects.filter(seen_at__lte=gone_since).order_by("seen_at", "pk")
    ended = 0
    for user_id, organization_id in list(found.values_list("user_id", "organization_id")):
        try:
            ended += _end_if_idle(user_id, organization_id, gone_since, now=now)
        except Exception:
            # One that cannot be ended keeps nobody else at work.
            logger.exception("The desk session of user %s could not be ended.", user_id)
    return ended


@retrying
@transaction.atomic
def _end_if_idle(
    user_id: UUID, organization_id: UUID, gone_since: datetime, *, now: datetime
) -> bool:
    actor = Actor.system(organization_id)
    person = lock_person(user_id, actor=actor)
    # Under the person's lock: its desktop may have come back meanwhile.
    if not DeskSession.objects.filter(user=person, seen_at__lte=gone_since).exists():
        return False
    _end(person, actor=actor, now=now)
    logger.info("The desk session of user %s ended: nobody was there any more.", user_id)
    return True


def note_seen(user_id: UUID, *, seen_at: datetime | None, now: datetime) -> None:
    """Write down that somebody's desktop is there, unless that was done a moment ago."""
    known_until = now - limits.DESK_SEEN_EVERY
    if seen_at is None or seen_at > known_until:
        return
    DeskSession.objects.filter(user_id=user_id, seen_at__lte=known_until).update(seen_at=now)


# --- What a session takes -----------------------------------------------------------------------


def _checked(media: Sequence[str], *, known: set[str]) -> set[Medium]:
    for name in media:
        if name not in Medium.values:
            raise MediumUnknown(name=name)
    return {Medium(name) for name in media} - {Medium(name) for name in known}


def _check_features(desk: Desk, wanted: set[Medium]) -> None:
    for medium in sorted(wanted):
        if not (desk.house.has_voice if medium == Medium.VOICE else desk.house.has_channels):
            raise MediumUnknown(name=medium)


def _devices_at(person: User, place: str) -> list[UUID]:
    """Give the devices of the named or the default place in their order; none without a place."""
    place_id = Seat.objects.filter(user=person).values_list("place_id", flat=True).first()
    if place:
        houses = Place.objects.filter(organization_id=house_of(person))
        place_id = houses.filter(name=place).values_list("pk", flat=True).first()
        if place_id is None:
            raise PlaceUnknown
    if place_id is None:
        return []
    rows = PlaceDevice.objects.filter(place_id=place_id).order_by("order", "pk")
    return list(rows.values_list("device_id", flat=True))


def _login_code(person: User, login_code: str) -> str:
    """Give the code to log in with. There is one switch, so every login belongs to it."""
    logins = AgentLogin.objects.filter(user=person).order_by("pk")
    if login_code:
        if not logins.filter(code=login_code).exists():
            raise LoginUnknown
        return login_code
    first = logins.values_list("code", flat=True).first()
    if first is None:
        raise NoLogin
    return first


def _take_devices(desk: Desk, place_devices: Sequence[UUID]) -> list[UUID]:
    """Log the owner in on the devices of the place, or on its own; give those it did not have."""
    devices = [one for one in desk.devices if one.pk in place_devices] or desk.own_devices
    if not devices:
        raise NoDevice
    if any(one.user_id not in (None, desk.owner.pk) for one in devices):
        raise DeviceTaken
    borrowed = [one.pk for one in devices if one.user_id is None]
    for device in devices:
        device.user, device.is_active = desk.owner, True
        device.do_not_disturb = device.do_not_disturb or desk.owner.do_not_disturb
    desk.put(devices, NOT_READY)
    return borrowed


# --- What it gives back -------------------------------------------------------------------------


def _monitored_from_devices_of(person: User) -> list[UUID]:
    rows = Device.objects.filter(monitored_by__user_id=person.pk)
    return list(rows.values_list("pk", flat=True))


def _log_out(desk: Desk) -> None:
    desk.set_owners_flag(False)
    rows: list[Row] = [*desk.own_devices, *desk.channels]
    desk.put(rows, OFFLINE)
    for row in rows:
        row.do_not_disturb = False
    for device in desk.own_devices:
        device.is_active = False
    for channel in desk.channels:
        channel.is_open = False
