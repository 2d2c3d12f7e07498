"""Meeting in our own room: going in, staying, telling the others something, and leaving.

The token in the address is the proof. Who is in the room stands in Redis (`appointments.room`);
PostgreSQL is asked when somebody comes or goes, and once a minute whether the address still opens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from appointments.errors import (
    AppointmentNotFound,
    NotInRoom,
    ParticipantNotFound,
    RoomNotOpen,
    SeatTaken,
    TicketUnknown,
    TooManySignals,
)
from appointments.ice import ice_servers_for
from appointments.models import Participant, ParticipantState
from appointments.room import Heard, Seat, rooms
from appointments.services.case import participants_of
from appointments.services.page_tokens import find_participant_by_token, proven_participant
from appointments.services.participants import set_participant_state
from appointments.video import MeetingPlace, meeting_place
from config.kernel import limits
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.throttling import Rate, limiter

logger = logging.getLogger(__name__)

_RATE = Rate(limit=limits.ROOM_REQUESTS_PER_MINUTE, window=60)
# Each coming and going is written down, and told to whoever listens.
_MOVES = Rate(limit=limits.ROOM_MOVES_PER_MINUTE, window=60)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What a browser needs to know when it has gone in."""

    room: UUID
    seats: tuple[Seat, ...]
    ice_servers: list[Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Knock:
    """A request from within the page: the address's token, and where it came from."""

    token: str
    address: str
    now: datetime


def join_room(knock: Knock, *, peer: str) -> Joined:
    """Go into the room of the appointment that the address is about; others hear of it.

    Raises TicketUnknown, TooManyAttempts, TooManySignals, RoomNotOpen, RoomFull, SeatTaken.
    """
    one, place = _admit(knock)
    _count(one.pk)
    _count(one.pk, "room moves", _MOVES)
    room = one.appointment_id
    note_who_vanished(room, now=knock.now)
    seat = _seat_of(one, place, peer=peer)
    seats = rooms().join(room, seat, now=knock.now)
    # After the seat is taken: whoever notes at this moment that an older one lapsed sees it.
    _set_state(room, seat, ParticipantState.JOINED, actor=_actor_in(room, seat), now=knock.now)
    return Joined(
        room=room,
        seats=seats,
        ice_servers=ice_servers_for(one.pk, until=_closing(place)),
    )


def hear(knock: Knock, *, room: UUID, peer: str, got: int) -> Heard:
    """Stay in the room, and give who is there and what was sent.

    Raises TicketUnknown, TooManyAttempts, TooManySignals, RoomNotOpen, NotInRoom, SeatTaken.
    """
    participant_id = _proven(knock)
    _check_seat(knock, room, participant_id, peer=peer)
    with _said_to_holders(knock):
        heard = rooms().poll(room, participant_id, peer=peer, got=got, now=knock.now)
    note_who_vanished(room, now=knock.now)
    return heard


def tell(knock: Knock, *, room: UUID, peer: str, signals: Sequence[tuple[str, bytes]]) -> list[str]:
    """Tell others in the room something, and give those who are not there any more.

    Raises TicketUnknown, TooManyAttempts, TooManySignals, RoomNotOpen, NotInRoom, SeatTaken.
    """
    participant_id = _proven(knock)
    _check_seat(knock, room, participant_id, peer=peer)
    with _said_to_holders(knock):
        return rooms().send(room, participant_id, peer=peer, signals=signals)


def leave_room(knock: Knock, *, room: UUID, peer: str, is_for_good: bool) -> None:
    """Go out; a page that is left without a word may be a reload, and has a while to come back.

    Raises TicketUnknown, TooManyAttempts, TooManySignals.
    """
    participant_id = _proven(knock)
    seat = rooms().seat_of(room, participant_id)
    if seat is None or seat.peer != peer:
        # Nothing is to be done, and whom the address lets in no more is told so.
        _find(knock)
    elif not is_for_good:
        rooms().step_out(room, participant_id, peer=peer)
    else:
        _count(participant_id, "room moves", _MOVES)
        _give_up(room, seat, actor=_actor_in(room, seat), now=knock.now)


def note_who_vanished(room: UUID, *, now: datetime) -> int:
    """Let those have left of whom nothing was heard for too long; return how many."""
    lapsed = rooms().lapsed(room, now=now)
    for one in lapsed:
        _give_up(room, one.seat, actor=_house_of(one.seat), now=now, heard_at=one.heard_at)
    return len(lapsed)


def note_all_who_vanished(*, now: datetime) -> int:
    """Do so for every room, as nobody else may be there who would notice."""
    try:
        open_rooms = rooms().rooms()
        missed = [one for one in _in_rooms() if _is_missed(one, now=now)]
    except RedisError as error:
        logger.warning("Nobody knows who is in the rooms: %s.", type(error).__name__)
        return 0
    vanished = 0
    for room in open_rooms:
        with _others_go_on(room):
            vanished += note_who_vanished(room, now=now)
            rooms().forget_if_empty(room)
    for one in missed:
        with _others_go_on(one.appointment_id):
            house = Actor.system(one.organization_id, origin="room")
            _set_state(one.appointment_id, one, ParticipantState.LEFT, actor=house, now=now)
            vanished += 1
    return vanished


def _in_rooms() -> Iterable[Participant]:
    return Participant.objects.filter(is_in_room=True).only("organization", "appointment", "user")


def _is_missed(one: Participant, *, now: datetime) -> bool:
    """Tell whether somebody has had no seat for too long: Redis was lost, and it with it."""
    if rooms().seat_of(one.appointment_id, one.pk):
        return False
    return now - rooms().missed_since(one.appointment_id, one.pk, now=now) >= limits.ROOM_GONE_AFTER


@contextmanager
def _others_go_on(room: UUID) -> Iterator[None]:
    try:
        yield
    except Exception:  # the others must not wait for somebody to mend this one
        logger.exception("Room %s cannot be looked after", room)


def _check_seat(knock: Knock, room: UUID, participant_id: UUID, *, peer: str) -> None:
    """Take out of the room whom its address lets in no more; PostgreSQL is asked now and then.

    Raises TicketUnknown, TooManyAttempts, RoomNotOpen.
    """
    seat = rooms().seat_of(room, participant_id)
    if seat is None or seat.peer != peer:
        return
    is_over = seat.closes_at <= knock.now.timestamp()
    if not is_over and rooms().is_checked(room, participant_id):
        return
    try:
        _admit(knock)
        rooms().note_checked(room, participant_id)
    except (TicketUnknown, RoomNotOpen):
        _give_up(room, seat, actor=_house_of(seat), now=knock.now)
        raise


def _give_up(
    room: UUID, seat: Seat, *, actor: Actor, now: datetime, heard_at: float | None = None
) -> None:
    """Let somebody have left; with a moment, only if it was not heard of since."""
    # First the state and then the seat: whoever fails in between is followed by another.
    try:
        _set_state(room, seat, ParticipantState.LEFT, actor=actor, now=now)
    except (AppointmentNotFound, ParticipantNotFound):
        # Deleted, or taken out of it, while in the room: there is no state to keep any more.
        logger.info("Room %s was left by somebody who takes part no more.", room)
    rooms().leave(room, seat.participant_id, peer=seat.peer, heard_at=heard_at)
    if rooms().seat_of(room, seat.participant_id):
        # It came back at this very moment, perhaps in another window, and may have been faster.
        _set_state(room, seat, ParticipantState.JOINED, actor=actor, now=now)


def _find(knock: Knock) -> Participant:
    return find_participant_by_token(knock.token, address=knock.address, now=knock.now)


@contextmanager
def _said_to_holders(knock: Knock) -> Iterator[None]:
    """Refuse whose address opens nothing any more as anybody else's, whoever is in the room."""
    try:
        yield
    except (NotInRoom, SeatTaken):
        _find(knock)
        raise


def _admit(knock: Knock) -> tuple[Participant, MeetingPlace]:
    one = _find(knock)
    everyone = participants_of(one.appointment)
    place = meeting_place(one.appointment, everyone, one.pk, now=knock.now)
    if not place.is_open_here:
        raise RoomNotOpen
    return one, place


def _proven(knock: Knock) -> UUID:
    """Give whose address it is; that of nobody is counted, and answered, as everywhere."""
    participant_id = proven_participant(knock.token)
    if participant_id is None:
        return _find(knock).pk
    _count(participant_id)
    return participant_id


def _count(participant_id: UUID, what: str = "room", rate: Rate = _RATE) -> None:
    wait = limiter(settings.REDIS_URL).wait_for(f"{what}:{participant_id}", rate)
    if wait:
        raise TooManySignals(retry_after=wait)


def _seat_of(one: Participant, place: MeetingPlace, *, peer: str) -> Seat:
    person = f"{one.first_name} {one.last_name}".strip()
    house = one.appointment.application.organization.name
    name = (one.user.public_name or house) if one.user else person
    return Seat(
        participant_id=str(one.pk),
        wire_id=one.wire_id,
        organization_id=str(one.organization_id),
        peer=peer,
        name=name,
        is_customer=one.is_customer,
        closes_at=int(_closing(place).timestamp()),
    )


def _closing(place: MeetingPlace) -> datetime:
    if place.closes_at is None:
        raise RoomNotOpen
    return place.closes_at


def _actor_in(room: UUID, seat: Seat) -> Actor:
    return Actor(
        kind=ActorKind.CUSTOMER if seat.is_customer else ActorKind.USER,
        id=seat.wire_id,
        organization_id=UUID(seat.organization_id),
        roles=frozenset({Role.CUSTOMER if seat.is_customer else Role.AGENT}),
        origin="room",
        conference_id=str(room),
        correlation_id=current_correlation_id(),
    )


def _house_of(seat: Seat) -> Actor:
    return Actor.system(UUID(seat.organization_id), origin="room")


@transaction.atomic
def _set_state(
    room: UUID, one: Seat | Participant, state: ParticipantState, *, actor: Actor, now: datetime
) -> None:
    set_participant_state(room, participant_id=one.wire_id, state=state, actor=actor, now=now)
    key = one.participant_id if isinstance(one, Seat) else one.pk
    Participant.objects.filter(pk=key).update(is_in_room=state == ParticipantState.JOINED)
