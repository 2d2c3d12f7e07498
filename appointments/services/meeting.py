"""Meeting in our own room: going in, staying, telling the others something, and leaving.

The token in the address is the proof. Who is in the room stands in Redis (`appointments.room`);
PostgreSQL is asked when somebody comes or goes, and once a minute whether the address still opens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from appointments.errors import (
    AppointmentNotFound,
    NotInRoom,
    ParticipantNotFound,
    RoomNotOpen,
    SeatTaken,
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
    with _said_to_holders(knock):
        heard = rooms().poll(room, participant_id, peer=peer, got=got, now=knock.now)
    if heard.me.closes_at <= knock.now.timestamp():
        raise RoomNotOpen
    if not heard.is_checked:
        _admit(knock)
        rooms().note_checked(room, participant_id)
    note_who_vanished(room, now=knock.now)
    return heard


def tell(knock: Knock, *, room: UUID, peer: str, signals: Sequence[tuple[str, bytes]]) -> list[str]:
    """Tell others in the room something, and give those who are not there any more.

    Raises TicketUnknown, TooManyAttempts, TooManySignals, NotInRoom, SeatTaken.
    """
    participant_id = _proven(knock)
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
    elif rooms().leave(room, participant_id, peer=peer):
        _leave_for(room, seat, actor=_actor_in(room, seat), now=knock.now)


def note_who_vanished(room: UUID, *, now: datetime) -> int:
    """Let those have left of whom nothing was heard for too long; return how many."""
    lapsed = rooms().lapsed(room, now=now)
    for one in lapsed:
        seat = one.seat
        actor = Actor.system(UUID(seat.organization_id), origin="room")
        # First the state and then the seat: whoever fails in between is followed by another.
        _leave_for(room, seat, actor=actor, now=now)
        rooms().leave(room, seat.participant_id, peer=seat.peer, heard_at=one.heard_at)
        if rooms().seat_of(room, seat.participant_id):
            # It came back at this very moment, and may have been faster.
            _set_state(room, seat, ParticipantState.JOINED, actor=actor, now=now)
    return len(lapsed)


def note_all_who_vanished(*, now: datetime) -> int:
    """Do so for every room, as nobody else may be there who would notice."""
    try:
        open_rooms = rooms().rooms()
    except RedisError as error:
        logger.warning("Nobody knows who is in the rooms: %s.", type(error).__name__)
        return 0
    vanished = 0
    for room in open_rooms:
        try:
            vanished += note_who_vanished(room, now=now)
            rooms().forget_if_empty(room)
        except Exception:  # the others must not wait for somebody to mend this one
            logger.exception("Room %s cannot be looked after", room)
    return vanished


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


def _count(participant_id: UUID) -> None:
    wait = limiter(settings.REDIS_URL).wait_for(f"room:{participant_id}", _RATE)
    if wait:
        raise TooManySignals(retry_after=wait)


def _seat_of(one: Participant, place: MeetingPlace, *, peer: str) -> Seat:
    name = str(one.user) if one.user else f"{one.first_name} {one.last_name}".strip()
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


def _leave_for(room: UUID, seat: Seat, *, actor: Actor, now: datetime) -> None:
    try:
        _set_state(room, seat, ParticipantState.LEFT, actor=actor, now=now)
    except (AppointmentNotFound, ParticipantNotFound):
        # Deleted, or taken out of it, while in the room: there is no state to keep any more.
        logger.info("Room %s was left by somebody who takes part no more.", room)


def _set_state(
    room: UUID, seat: Seat, state: ParticipantState, *, actor: Actor, now: datetime
) -> None:
    set_participant_state(room, participant_id=seat.wire_id, state=state, actor=actor, now=now)
