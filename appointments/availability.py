"""Free times: when an appointment could take place, with whom, and why not at another time.

Every condition is a set of starts; a time is free where all of them have it, and the first one
that has not is the reason why it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from agents.models import Application, User
from appointments.calendars import Calendars, Planned, Worker, load_calendars
from appointments.errors import TooManySlots
from appointments.minutes import (
    MINUTE,
    Window,
    instant_of,
    minute_from,
    minute_of,
    starts_of,
)
from appointments.models import Office
from config.kernel import limits


class Reason(StrEnum):
    """Why a time is not offered, in the order in which it is looked at."""

    TOO_SOON = "TOO_SOON"
    TOO_FAR_AHEAD = "TOO_FAR_AHEAD"
    NOT_A_STARTING_TIME = "NOT_A_STARTING_TIME"
    OFFICE_CLOSED = "OFFICE_CLOSED"
    NOT_ONLINE = "NOT_ONLINE"
    SKILL_MISSING = "SKILL_MISSING"
    LANGUAGE_MISSING = "LANGUAGE_MISSING"
    NOT_WORKING = "NOT_WORKING"
    HOLIDAY = "HOLIDAY"
    ABSENT = "ABSENT"
    DAILY_MAXIMUM = "DAILY_MAXIMUM"
    OCCUPIED = "OCCUPIED"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a free time is looked for.

    A time lies from `first` to `last`, its end included. `for_customer` holds to what the
    application asks of customers: notice, horizon, the grid of starts, and agents who can be
    booked online; who works here plans as it likes.
    """

    application: Application
    first: datetime
    last: datetime
    duration: timedelta
    zone: ZoneInfo
    office: Office | None = None
    # None: everybody.
    agent_ids: Sequence[UUID] | None = None
    skill_ids: Sequence[UUID] = ()
    language: str = ""
    for_customer: bool = True
    # The appointment that is to be moved: its own time is free to it.
    ignoring: UUID | None = None
    # None: what the application says.
    leading_buffer: timedelta | None = None
    trailing_buffer: timedelta | None = None
    # What is to be given away besides, as if it were written already.
    planned: Sequence[Planned] = ()
    # From `first` to `last` and at no other time, whether or not these are whole minutes.
    is_exact: bool = False

    @property
    def leading(self) -> timedelta:
        """What an agent needs before the start."""
        given = self.leading_buffer
        return self.application.buffer_before if given is None else given

    @property
    def trailing(self) -> timedelta:
        """What an agent needs after the end."""
        given = self.trailing_buffer
        return self.application.buffer_after if given is None else given

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute and the one after the last."""
        if self.is_exact:
            return minute_of(self.first), minute_from(self.last)
        return minute_from(self.first), minute_of(self.last)

    @property
    def is_in_whole_minutes(self) -> bool:
        """Whether it starts with a minute: of a longer search every start does."""
        return not self.is_exact or minute_of(self.first) == minute_from(self.first)

    @property
    def length(self) -> int:
        """The minutes from start to end."""
        begin, end = self.minutes
        return end - begin if self.is_exact else _whole(self.duration)


def _whole(length: timedelta) -> int:
    return -(-length // MINUTE)


@dataclass(frozen=True)
class Slot:
    """A free time, with those who could take it, by id."""

    start: datetime
    end: datetime
    agent_ids: tuple[UUID, ...] = ()


class Verdict(NamedTuple):
    """Whether an agent could take a time, or the first reason why not."""

    agent: User
    reason: Reason | None


def free_slots(
    wanted: Wanted, *, now: datetime, names_agents: bool = True, is_bounded: bool = False
) -> list[Slot]:
    """Give the free times in order of their start; without names only that there is somebody.

    Raises TooManySlots where there are more than one answer may hold.
    """
    search = _Search(wanted, now)
    free = {one.user.pk: search.free(one) for one in search.calendars.workers}
    every = reduce(or_, free.values(), 0)
    if is_bounded:
        _check_bounds(every, free.values() if names_agents else ())
    takers: dict[int, list[UUID]] = {}
    if names_agents:
        for key, starts in free.items():
            for minute in search.window.each(starts):
                takers.setdefault(minute, []).append(key)
    return [
        Slot(
            start=instant_of(minute),
            end=instant_of(minute) + wanted.duration,
            agent_ids=tuple(takers.get(minute, ())),
        )
        for minute in search.window.each(every)
    ]


def _check_bounds(every: int, named: Iterable[int]) -> None:
    agents = sum(starts.bit_count() for starts in named)
    if every.bit_count() > limits.SLOTS_MAX or agents > limits.SLOT_AGENTS_MAX:
        raise TooManySlots(errors={"to": [TooManySlots.message]})


def explain(wanted: Wanted, *, now: datetime) -> list[Verdict]:
    """Say of each agent why the first moment of the search is not offered, or that it is."""
    search = _Search(wanted, now)
    at, _ = wanted.minutes
    return [Verdict(one.user, search.reason(one, at)) for one in search.calendars.workers]


def free_agents(wanted: Wanted, *, now: datetime) -> list[User]:
    """Give those who could take the first moment of the search, whatever customers may book.

    Who was given an appointment longest ago comes first.
    """
    return FreeAgents(wanted, now=now).in_turn()


class FreeAgents:
    """Those who could take the first moment of a search, to be looked at more than once."""

    def __init__(self, wanted: Wanted, *, now: datetime) -> None:
        self._search = _Search(wanted, now)
        self._at, _ = wanted.minutes
        workers = self._search.calendars.workers
        self._free = {one.user.pk: one for one in workers if self._search.can_take(one, self._at)}

    def in_turn(self) -> list[User]:
        """Give them; who was given an appointment longest ago comes first."""
        with connection.cursor() as cursor:
            cursor.execute(_IN_TURN, [list(self._free)])
            return [self._free[key].user for (key,) in cursor.fetchall()]

    def is_still(self, user: User) -> bool:
        """Tell whether one of them could take it beside what it has been given by now."""
        worker = self._search.calendars.look_again(self._free[user.pk])
        return self._search.can_take(worker, self._at)


# Ids of participations grow with time.
_IN_TURN = """
SELECT agent.id FROM unnest(%s::uuid[]) AS agent(id)
LEFT JOIN LATERAL (
    SELECT id FROM appointments_participant
    WHERE user_id = agent.id AND type = 'AGENT' ORDER BY id DESC LIMIT 1
) AS given ON true
ORDER BY given.id NULLS FIRST, agent.id
"""


def starting(wanted: Wanted, start: datetime) -> Wanted:
    """Ask for one start alone."""
    return replace(wanted, first=start, last=start + wanted.duration, is_exact=True)


@dataclass
class _Search:
    wanted: Wanted
    now: datetime
    window: Window = field(init=False)
    calendars: Calendars = field(init=False)
    _common: list[tuple[Reason, int]] = field(init=False)

    def __post_init__(self) -> None:
        one = self.wanted
        begin, end = one.minutes
        leading, trailing = _whole(one.leading), _whole(one.trailing)
        self.window = Window(begin - leading, max(begin, end) + trailing)
        self.calendars = load_calendars(
            one.application,
            self.window,
            period=(one.first - one.leading, max(one.first, one.last) + one.trailing),
            office=one.office,
            agent_ids=one.agent_ids,
            ignoring=one.ignoring,
            planned=one.planned,
        )
        # Where a time may start so that it lies within what was asked for.
        self._within = self.window.set_of([(begin, end - one.length + 1)])
        self._common = list(self._common_conditions())

    def free(self, worker: Worker) -> int:
        """Give the starts at which a worker could take an appointment."""
        free = self._within
        for _, starts in self._conditions(worker):
            free &= starts
            if not free:
                break
        return free

    def reason(self, worker: Worker, minute: int) -> Reason | None:
        """Give the first condition that a start does not meet, or None."""
        for reason, starts in self._conditions(worker):
            if not self.window.has(starts, minute):
                return reason
        return None

    def can_take(self, worker: Worker, minute: int) -> bool:
        """Tell whether a worker could take a start, whatever customers may book."""
        conditions = (*self._of_office(), *self._of(worker))
        return all(self.window.has(starts, minute) for _, starts in conditions)

    def _common_conditions(self) -> Iterator[tuple[Reason, int]]:
        one, window = self.wanted, self.window
        application = one.application
        notice = application.minimum_notice if one.for_customer else timedelta(0)
        yield Reason.TOO_SOON, window.set_of([(minute_from(self.now + notice), window.end)])
        if one.for_customer:
            latest = minute_of(self.now + application.booking_horizon)
            yield Reason.TOO_FAR_AHEAD, window.set_of([(window.first, latest + 1)])
            grid = window.on_the_clock(application.slot_step, one.zone)
            yield Reason.NOT_A_STARTING_TIME, grid if one.is_in_whole_minutes else 0
        yield from self._of_office()

    def _of_office(self) -> Iterator[tuple[Reason, int]]:
        one = self.wanted
        if one.office is not None:
            is_open = starts_of(self.calendars.office_open, length=one.length)
            yield Reason.OFFICE_CLOSED, is_open

    def _conditions(self, worker: Worker) -> Iterator[tuple[Reason, int]]:
        yield from self._common
        yield from self._of(worker)

    def _of(self, worker: Worker) -> Iterator[tuple[Reason, int]]:
        one, window = self.wanted, self.window
        if one.for_customer and not worker.user.plans_online:
            yield Reason.NOT_ONLINE, 0
        if not worker.has_skills(one.skill_ids):
            yield Reason.SKILL_MISSING, 0
        if one.language and not worker.speaks(one.language):
            yield Reason.LANGUAGE_MISSING, 0
        yield Reason.NOT_WORKING, starts_of(worker.hours, length=one.length)
        yield Reason.HOLIDAY, starts_of(window.all & ~worker.holidays, length=one.length)
        yield Reason.ABSENT, starts_of(window.all & ~worker.absences, length=one.length)
        yield Reason.DAILY_MAXIMUM, window.all & ~worker.full_days
        leading = _whole(one.leading)
        needed = leading + one.length + _whole(one.trailing)
        free = starts_of(window.all & ~worker.occupied, length=needed)
        yield Reason.OCCUPIED, free << leading
