"""Who is in a room, and what the browsers in it have to tell each other: in Redis alone.

Nothing here outlives an hour, and nobody misses it: when Redis is lost, the browsers join again.
The moments are those of the callers, so that a test needs no clock of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from appointments.errors import NotInRoom, RoomFull, SeatTaken, TooManySignals
from config.kernel import limits

_TIMEOUT = 2.0
_KEPT_SECONDS = 3_600
# Two looks are compared that are less far apart.
_MISSED_SECONDS = 120
_PREFIX = "frontdesk:room:"
# Rooms with people in them, by when something happened there last.
_ROOMS = "frontdesk:rooms"

# KEYS: seats by participant, when each was heard of, all rooms; ARGV: participant, card, peer,
# now, how many may be in, seconds that it is kept, room, queues' prefix.
_JOIN = """
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  return 0
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] and cjson.decode(all[i + 1]).peer == ARGV[3] then
    return 1
  end
end
if old then
  local was = cjson.decode(old).peer
  if was ~= ARGV[3] then
    redis.call('DEL', ARGV[8] .. was, ARGV[8] .. was .. ':n')
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[7])
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[6])
end
return 2
"""

# What is handed out stays until the next question says that it came: an answer can be lost.
# KEYS: seats, heard, rooms, the peer's queue; ARGV: participant, peer, now, seconds, got, room.
_POLL = """
local card = redis.call('HGET', KEYS[1], ARGV[1])
if not card then
  return {0}
end
card = cjson.decode(card)
if card.peer ~= ARGV[2] then
  return {1}
end
if card.is_away then
  card.is_away = false
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(card))
end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[6])
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[4])
end
local head = redis.call('LINDEX', KEYS[4], 0)
while head and tonumber(string.match(head, '^%d+')) <= tonumber(ARGV[5]) do
  redis.call('LPOP', KEYS[4])
  head = redis.call('LINDEX', KEYS[4], 0)
end
return {2, redis.call('HVALS', KEYS[1]), redis.call('LRANGE', KEYS[4], 0, -1)}
"""

# KEYS: seats; ARGV: participant, peer, most, seconds, queues' prefix, then target and signal by
# turns. All or nothing, so that trying again repeats nothing.
_SEND = """
local card = redis.call('HGET', KEYS[1], ARGV[1])
if not card then
  return {0}
end
if cjson.decode(card).peer ~= ARGV[2] then
  return {1}
end
local present, wanted = {}, {}
for _, other in ipairs(redis.call('HVALS', KEYS[1])) do
  present[cjson.decode(other).peer] = true
end
for i = 6, #ARGV, 2 do
  wanted[ARGV[i]] = (wanted[ARGV[i]] or 0) + 1
end
for peer, count in pairs(wanted) do
  if present[peer] and redis.call('LLEN', ARGV[5] .. peer) + count > tonumber(ARGV[3]) then
    return {2}
  end
end
local gone = {}
for i = 6, #ARGV, 2 do
  local queue = ARGV[5] .. ARGV[i]
  if present[ARGV[i]] then
    local number = redis.call('INCR', queue .. ':n')
    redis.call('RPUSH', queue, number .. ' ' .. ARGV[2] .. ' ' .. ARGV[i + 1])
    redis.call('EXPIRE', queue, ARGV[4])
    redis.call('EXPIRE', queue .. ':n', ARGV[4])
  elseif wanted[ARGV[i]] then
    gone[#gone + 1] = ARGV[i]
    wanted[ARGV[i]] = nil
  end
end
return {3, gone}
"""

# KEYS: seats, heard, rooms, the peer's queue and its number; ARGV: participant, peer, room, and
# when it was heard of last: one that has come back meanwhile stays.
_LEAVE = """
local card = redis.call('HGET', KEYS[1], ARGV[1])
if not card or cjson.decode(card).peer ~= ARGV[2] then
  return 0
end
if ARGV[4] ~= '' and tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1])) ~= tonumber(ARGV[4]) then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[4], KEYS[5])
if redis.call('HLEN', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[3], ARGV[3])
end
return 1
"""

# KEYS: seats; ARGV: participant, peer.
_STEP_OUT = """
local card = redis.call('HGET', KEYS[1], ARGV[1])
if not card then
  return 0
end
card = cjson.decode(card)
if card.peer ~= ARGV[2] then
  return 0
end
card.is_away = true
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(card))
return 1
"""


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Somebody's place in a room: one browser of one participant."""

    participant_id: str
    # How the participant is known to the services.
    wire_id: str
    organization_id: str
    # Chosen by the browser, so that it is the same when it has to join again.
    peer: str
    name: str
    is_customer: bool
    # When the room is closed, in seconds since 1970.
    closes_at: int
    # The page was left; a reload brings it back.
    is_away: bool = False


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What one browser tells another: opaque to us."""

    number: int
    sender: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a browser gets to know: who is in the room, itself too, and what was sent to it."""

    seats: tuple[Seat, ...]
    signals: tuple[Signal, ...]


@dataclass(frozen=True, kw_only=True)
class Lapsed:
    """A seat of which nothing was heard for too long."""

    seat: Seat
    heard_at: float


class Rooms:
    """The rooms on one Redis."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._join, self._poll, self._send, self._leave, self._step_out = (
            Script(self._redis, text) for text in (_JOIN, _POLL, _SEND, _LEAVE, _STEP_OUT)
        )

    def join(self, room: UUID, seat: Seat, *, now: datetime) -> tuple[Seat, ...]:
        """Take a seat, or the participant's own one anew, and give who is in the room.

        Raises RoomFull, SeatTaken.
        """
        answer: Any = self._join(
            keys=[*_keys(room), _ROOMS],
            args=[
                seat.participant_id,
                orjson.dumps(asdict(seat)),
                seat.peer,
                now.timestamp(),
                limits.ROOM_PEOPLE,
                _KEPT_SECONDS,
                str(room),
                _queue(room, ""),
            ],
        )
        if answer == 0:
            raise RoomFull(most=limits.ROOM_PEOPLE)
        if answer == 1:
            # Another participant's browser has chosen this name, by no chance.
            raise SeatTaken
        self.note_checked(room, seat.participant_id)
        return self.seats(room)

    def seats(self, room: UUID) -> tuple[Seat, ...]:
        """Give who is in the room."""
        cards: Any = self._redis.hvals(_keys(room)[0])
        return _present(cards)

    def poll(
        self, room: UUID, participant_id: UUID, *, peer: str, got: int, now: datetime
    ) -> Heard:
        """Say that a browser is still there, up to which signal it got, and give what is new.

        Raises NotInRoom, SeatTaken.
        """
        answer: Any = self._poll(
            keys=[*_keys(room), _ROOMS, _queue(room, peer)],
            args=[str(participant_id), peer, now.timestamp(), _KEPT_SECONDS, got, str(room)],
        )
        _check_seat(answer[0])
        return Heard(seats=_present(answer[1]), signals=tuple(map(_signal, answer[2])))

    def send(
        self,
        room: UUID,
        participant_id: UUID,
        *,
        peer: str,
        signals: Sequence[tuple[str, bytes]],
    ) -> list[str]:
        """Put signals into the queues of others, all or none, and give who is not there.

        Raises NotInRoom, SeatTaken, TooManySignals.
        """
        answer: Any = self._send(
            keys=[_keys(room)[0]],
            args=[
                str(participant_id),
                peer,
                limits.ROOM_SIGNALS_QUEUED,
                _KEPT_SECONDS,
                _queue(room, ""),
                *(part for signal in signals for part in signal),
            ],
        )
        _check_seat(answer[0])
        if answer[0] == 2:
            raise TooManySignals(retry_after=1)
        return [gone.decode() for gone in answer[1]]

    def leave(
        self, room: UUID, participant_id: UUID | str, *, peer: str, heard_at: float | None = None
    ) -> bool:
        """Give a seat up; false when it is another browser's, or was heard of again since."""
        queue = _queue(room, peer)
        left = self._leave(
            keys=[*_keys(room), _ROOMS, queue, f"{queue}:n"],
            args=[
                str(participant_id),
                peer,
                str(room),
                "" if heard_at is None else repr(heard_at),
            ],
        )
        return bool(left)

    def step_out(self, room: UUID, participant_id: UUID, *, peer: str) -> bool:
        """Hide a seat from the others until it is heard of again, or lapses."""
        return bool(self._step_out(keys=[_keys(room)[0]], args=[str(participant_id), peer]))

    def lapsed(self, room: UUID, *, now: datetime) -> list[Lapsed]:
        """Give the seats of which nothing was heard for too long."""
        cards, heard = _keys(room)
        last = (now - limits.ROOM_GONE_AFTER).timestamp()
        silent: Any = self._redis.zrangebyscore(heard, "-inf", f"({last!r}", withscores=True)
        found = []
        for participant, heard_at in silent:
            card: Any = self._redis.hget(cards, participant)
            if card is None:
                # Only a Redis that has lost a part of it has this.
                self._redis.zrem(heard, participant)
            else:
                found.append(Lapsed(seat=_seat(card), heard_at=heard_at))
        return found

    def seat_of(self, room: UUID, participant_id: UUID | str) -> Seat | None:
        """Give the seat of a participant, or None."""
        card: Any = self._redis.hget(_keys(room)[0], str(participant_id))
        return _seat(card) if card else None

    def missed_since(self, room: UUID, participant_id: UUID, *, now: datetime) -> datetime:
        """Give since when somebody is missed who should have a seat: now, the first time."""
        key = f"{_PREFIX}{room}:missed:{participant_id}"
        self._redis.set(key, now.isoformat(), nx=True, ex=_MISSED_SECONDS)
        first: Any = self._redis.get(key)
        return datetime.fromisoformat(first.decode()) if first else now

    def rooms(self) -> list[UUID]:
        """Give the rooms that people are in, those where nothing happens first."""
        names: Any = self._redis.zrange(_ROOMS, 0, -1)
        return [UUID(name.decode()) for name in names]

    def forget_if_empty(self, room: UUID) -> None:
        """Take a room off the list whose seats have gone by themselves."""
        if not self._redis.exists(_keys(room)[0]):
            self._redis.zrem(_ROOMS, str(room))

    def is_checked(self, room: UUID, participant_id: UUID | str) -> bool:
        """Tell whether the participant's address was found to open the room not long ago."""
        return bool(self._redis.exists(_checked(room, participant_id)))

    def note_checked(self, room: UUID, participant_id: UUID | str) -> None:
        """Believe for a while that the participant's address opens the room."""
        self._redis.set(_checked(room, participant_id), 1, ex=limits.ROOM_CHECKED_FOR)


@lru_cache(maxsize=4)
def _rooms_on(url: str) -> Rooms:
    return Rooms(url)


def rooms() -> Rooms:
    """Give this process's door to the rooms."""
    return _rooms_on(settings.REDIS_URL)


def _keys(room: UUID) -> tuple[str, str]:
    return f"{_PREFIX}{room}", f"{_PREFIX}{room}:heard"


def _queue(room: UUID, peer: str) -> str:
    return f"{_PREFIX}{room}:to:{peer}"


def _checked(room: UUID, participant_id: UUID | str) -> str:
    return f"{_PREFIX}{room}:checked:{participant_id}"


def _check_seat(answer: int) -> None:
    if answer == 0:
        raise NotInRoom
    if answer == 1:
        raise SeatTaken


def _seat(card: bytes) -> Seat:
    return Seat(**orjson.loads(card))


def _present(cards: Sequence[bytes]) -> tuple[Seat, ...]:
    seats = (_seat(card) for card in cards)
    return tuple(sorted((one for one in seats if not one.is_away), key=lambda one: one.peer))


def _signal(entry: bytes) -> Signal:
    number, sender, data = entry.split(b" ", 2)
    return Signal(number=int(number), sender=sender.decode(), data=data)
