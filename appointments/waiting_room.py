"""The waiting room: when a customer can go in, and how long it is until then, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.units import format_unit
from django.utils.translation import gettext

from appointments.video import RoomPhase, meeting_place

if TYPE_CHECKING:
    from babel import Locale

    from appointments.models import Participant
    from appointments.visit import Visit

# How long a page without scripts waits by itself for the room to open.
_WAITS_AT_MOST = timedelta(hours=1)
# How often it is looked again for a room that should be open, and is not yet.
_LOOKS_AGAIN_AFTER = timedelta(seconds=60)
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, kw_only=True)
class WaitingRoom:
    """Whether the room can be gone into, and else when."""

    is_open: bool
    # The address of the room; empty for whoever has no place in it.
    join: str
    # On the clock of the page.
    date: str
    time: str
    # How long it is until then; nothing once it should be open.
    remaining: str
    seconds: int

    @property
    def words(self) -> str:
        """Give how it is said how long it is, with a place for the time."""
        return gettext("In {time}")

    @property
    def countdown(self) -> str:
        """Say how long it is until the room opens."""
        return self.words.replace("{time}", self.remaining)

    @property
    def refresh(self) -> int:
        """Give after how many seconds the page is worth another look; 0: not so soon."""
        if self.is_open or self.seconds > _WAITS_AT_MOST.total_seconds():
            return 0
        return self.seconds + 1 if self.seconds else int(_LOOKS_AGAIN_AFTER.total_seconds())


def read_waiting_room(
    visit: Visit, everyone: list[Participant], *, zone: ZoneInfo, now: datetime, join: str
) -> WaitingRoom | None:
    """Give the waiting room of a visit; None where people do not meet by video, or it is over."""
    one = visit.customer
    # Without a customer nobody goes in from here, so that it does not matter who it is.
    place = meeting_place(
        visit.appointment, everyone, one.pk if one else visit.appointment.pk, now=now
    )
    if place.opens_at is None or place.phase not in (RoomPhase.EARLY, RoomPhase.OPEN):
        return None
    seconds = max(0, ceil((place.opens_at - now).total_seconds()))
    local, locale = place.opens_at.astimezone(zone), visit.words_locale
    return WaitingRoom(
        is_open=place.phase == RoomPhase.OPEN,
        join=join,
        date=format_date(local, "full", locale=locale),
        time=format_time(local, "short", locale=locale),
        remaining=_in_words(seconds, locale) if seconds else "",
        seconds=seconds,
    )


def _in_words(seconds: int, locale: Locale) -> str:
    """Give the two largest units of a time: 3 days 4 hours; the last minute is one."""
    parts, rest = [], max(seconds, 60)
    for unit, length in _UNITS:
        number, rest = divmod(rest, length)
        if number:
            parts.append(format_unit(number, f"duration-{unit}", locale=locale))
        elif parts:
            break
    return " ".join(parts[:2])
