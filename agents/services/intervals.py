"""Hours of whoever keeps them, people and offices: what makes sense, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from agents.errors import InvalidHours
from agents.models import Weekday
from agents.models.hours import MIDNIGHT, SpecialHours, WeeklyHours, hours_in_words
from config.kernel import limits
from config.kernel.actors import Actor
from notifications import outbox
from notifications.models import OutboxEvent

WHOLE_DAY_WORDS = "The end is before the start: 00:00 is the end of the day."


@dataclass(frozen=True, order=True)
class Interval:
    """Wall time within one day; an end of 00:00 is the end of the day."""

    starts_at: time
    ends_at: time

    def __str__(self) -> str:
        return hours_in_words(self.starts_at, self.ends_at)

    @property
    def is_forward(self) -> bool:
        """Whether it ends after its start."""
        return self.ends_at == MIDNIGHT or self.ends_at > self.starts_at

    def reaches_into(self, later: Interval) -> bool:
        """Tell whether one that starts no earlier begins before this one has ended."""
        return self.ends_at == MIDNIGHT or later.starts_at < self.ends_at


@dataclass(frozen=True, order=True)
class WeekInterval:
    """An interval of every week; weekdays are those of ISO 8601."""

    weekday: int
    interval: Interval

    @classmethod
    def at(cls, weekday: int, starts_at: time, ends_at: time) -> WeekInterval:
        """Give the interval of a weekday."""
        return cls(weekday, Interval(starts_at, ends_at))

    def __str__(self) -> str:
        return f"{Weekday(self.weekday).label} {self.interval}"


WHOLE_DAY = Interval(MIDNIGHT, MIDNIGHT)


class Keeper(Protocol):
    """Somebody or something that keeps hours."""

    @property
    def pk(self) -> UUID: ...
    @property
    def organization_id(self) -> UUID | None: ...


class Lock(Protocol):
    """Fetches a keeper for a command: one at a time, and by whoever may give it."""

    def __call__(self, key: UUID, /, *, actor: Actor) -> Keeper: ...


@dataclass(frozen=True, kw_only=True)
class Book:
    """Where the hours of one kind of keeper are written."""

    # Also the name of the column that says whose they are.
    keeper: str
    weekly: type[WeeklyHours]
    single: type[SpecialHours]
    # Raises what is said of keepers that are not there, and HoursNotYours.
    lock: Lock

    def week_of(self, keeper: Keeper) -> list[WeekInterval]:
        """Give the hours of every week, in order."""
        return sorted(_of_week(row) for row in self.rows(self.weekly, keeper))

    def day_of(self, keeper: Keeper, day: date) -> list[Interval] | None:
        """Give the hours of a single day, none if it is free; None if the week's hold."""
        rows = list(self.rows(self.single, keeper).filter(day=day))
        return sorted(_intervals_of(rows)) if rows else None

    def days_of(self, keeper: Keeper, *, since: date) -> dict[date, list[Interval]]:
        """Give the single days from one on, with their hours."""
        rows = self.rows(self.single, keeper).filter(day__gte=since).order_by("day", "starts_at")
        return {
            day: sorted(_intervals_of(found)) for day, found in groupby(rows, lambda row: row.day)
        }

    def rows(self, model: type[Any], keeper: Keeper) -> Any:
        """Give what one keeper has in one of the two."""
        return model.objects.filter(**{f"{self.keeper}_id": keeper.pk})


def _of_week(row: WeeklyHours) -> WeekInterval:
    return WeekInterval.at(row.weekday, row.starts_at, row.ends_at)


def _intervals_of(rows: Iterable[SpecialHours]) -> Iterator[Interval]:
    for row in rows:
        if row.starts_at is not None and row.ends_at is not None:
            yield Interval(row.starts_at, row.ends_at)


# --- What makes sense -------------------------------------------------------------------------


def checked_week(intervals: Iterable[WeekInterval]) -> list[WeekInterval]:
    """Give the intervals of a week in order.

    Raises InvalidHours, which names the weekdays (monday, …) and what is wrong with each.
    """
    found = sorted(intervals)
    if len(found) > limits.INTERVALS_PER_WEEK:
        words = f"A week has at most {limits.INTERVALS_PER_WEEK} intervals."
        raise InvalidHours(errors={"week": [words]})
    problems: dict[str, list[str]] = {}
    for weekday, of_day in groupby(found, lambda one: one.weekday):
        if weekday not in Weekday.values:
            problems["week"] = ["Weekdays are numbered from 1, Monday, to 7, Sunday."]
        elif lines := _problems([one.interval for one in of_day]):
            problems[weekday_key(weekday)] = lines
    if problems:
        raise InvalidHours(errors=problems)
    return found


def checked_day(intervals: Iterable[Interval]) -> list[Interval]:
    """Give the intervals of one day in order.

    Raises InvalidHours, which says what is wrong under `intervals`.
    """
    found = sorted(intervals)
    lines = _problems(found)
    if len(found) > limits.INTERVALS_PER_WEEK:
        lines = [f"A day has at most {limits.INTERVALS_PER_WEEK} intervals."]
    if lines:
        raise InvalidHours(errors={"intervals": lines})
    return found


def weekday_key(weekday: int) -> str:
    """Give the name under which refusals speak of a weekday: monday."""
    return Weekday(weekday).name.lower()


def _problems(intervals: Sequence[Interval]) -> list[str]:
    """Say what is wrong with the intervals of one day, which are in order."""
    lines = [f"{one}: {WHOLE_DAY_WORDS}" for one in intervals if not one.is_forward]
    lines += [
        f"{one}: Times are whole minutes."
        for one in intervals
        if any(at.second or at.microsecond for at in (one.starts_at, one.ends_at))
    ]
    # The order is that of the starts, so only neighbours of those that overlap need to be named.
    return lines or [
        f"{one} and {later} overlap."
        for one, later in pairwise(intervals)
        if one.reaches_into(later)
    ]


# --- Commands -----------------------------------------------------------------------------------
#
# Each locks the row of the keeper: of two at once the later one finds what the earlier one has
# written, and replaces all of it. They raise what the book's lock raises, and InvalidHours.


@transaction.atomic
def replace_week(
    book: Book, key: UUID, intervals: Iterable[WeekInterval], *, actor: Actor, now: datetime
) -> None:
    """Let these be a keeper's hours of every week, and no others."""
    _write_week(book, book.lock(key, actor=actor), intervals, actor=actor, now=now)


@transaction.atomic
def change_interval(
    book: Book,
    key: UUID,
    *,
    instead_of: WeekInterval | None = None,
    add: WeekInterval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of a keeper's week as it is by now, and leave the others."""
    keeper = book.lock(key, actor=actor)
    kept = [one for one in book.week_of(keeper) if one != instead_of]
    _write_week(book, keeper, [*kept, *([add] if add else [])], actor=actor, now=now)


@transaction.atomic
def set_day(
    book: Book, key: UUID, day: date, intervals: Iterable[Interval], *, actor: Actor, now: datetime
) -> None:
    """Give a keeper other hours on one day, holiday or not; without any it is free, or closed."""
    _write_day(book, book.lock(key, actor=actor), day, intervals, actor=actor, now=now)


@transaction.atomic
def change_interval_of_day(
    book: Book,
    key: UUID,
    day: date,
    *,
    instead_of: Interval | None = None,
    add: Interval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of a single day as it is by now; without any it is as every week."""
    keeper = book.lock(key, actor=actor)
    kept = [one for one in book.day_of(keeper, day) or [] if one != instead_of]
    wanted = [*kept, *([add] if add else [])]
    _write_day(book, keeper, day, wanted or None, actor=actor, now=now)


@transaction.atomic
def clear_day(book: Book, key: UUID, day: date, *, actor: Actor, now: datetime) -> None:
    """Let a keeper's hours of every week hold on a day again."""
    _write_day(book, book.lock(key, actor=actor), day, None, actor=actor, now=now)


# --- How it is written ------------------------------------------------------------------------


def _write_week(
    book: Book, keeper: Keeper, intervals: Iterable[WeekInterval], *, actor: Actor, now: datetime
) -> None:
    wanted, present = checked_week(intervals), book.week_of(keeper)
    if wanted == present:
        return
    rows = book.rows(book.weekly, keeper)
    # What stays keeps its row; what starts at the same time takes the place of what goes.
    gone = [row.pk for row in rows if _of_week(row) not in wanted]
    rows.filter(pk__in=gone).delete()
    book.weekly._default_manager.bulk_create(
        book.weekly(
            **_owner(book, keeper),
            weekday=one.weekday,
            starts_at=one.interval.starts_at,
            ends_at=one.interval.ends_at,
        )
        for one in wanted
        if one not in present
    )
    record_next(
        f"{book.keeper}.hours_changed",
        keeper.pk,
        keeper.organization_id,
        actor=actor,
        now=now,
        before={"week": [str(one) for one in present]},
        after={"week": [str(one) for one in wanted]},
    )


def _write_day(
    book: Book,
    keeper: Keeper,
    day: date,
    intervals: Iterable[Interval] | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Let these be the hours of one day, none of them a free day; None: as every week."""
    wanted = None if intervals is None else checked_day(intervals)
    present = book.day_of(keeper, day)
    if wanted == present:
        return
    if wanted is not None and present is None:
        _check_room(book, keeper, day, now=now)
    book.rows(book.single, keeper).filter(day=day).delete()
    if wanted is not None:
        book.single._default_manager.bulk_create(_rows_of_day(book, keeper, day, wanted))
    record_next(
        f"{book.keeper}.day_changed",
        keeper.pk,
        keeper.organization_id,
        actor=actor,
        now=now,
        before={"hours": _in_words(present)},
        after={"hours": _in_words(wanted)},
        facts={"day": day.isoformat()},
    )


def _check_room(book: Book, keeper: Keeper, day: date, *, now: datetime) -> None:
    if not limits.YEAR_MIN <= day.year <= limits.YEAR_MAX:
        words = f"A day lies in the years {limits.YEAR_MIN} to {limits.YEAR_MAX}."
        raise InvalidHours(errors={"day": [words]})
    # A day that is over somewhere is not elsewhere.
    since = now.date() - timedelta(days=1)
    ahead = book.rows(book.single, keeper).filter(day__gte=since).values("day").distinct()
    if ahead.count() >= limits.SINGLE_DAYS_AHEAD:
        words = f"There are {limits.SINGLE_DAYS_AHEAD} single days ahead already."
        raise InvalidHours(errors={"day": [words]})


def _rows_of_day(
    book: Book, keeper: Keeper, day: date, intervals: Sequence[Interval]
) -> Iterator[SpecialHours]:
    owner = _owner(book, keeper)
    if not intervals:
        yield book.single(**owner, day=day)
    for one in intervals:
        yield book.single(**owner, day=day, starts_at=one.starts_at, ends_at=one.ends_at)


def _owner(book: Book, keeper: Keeper) -> dict[str, object]:
    return {"organization_id": keeper.organization_id, f"{book.keeper}_id": keeper.pk}


def _in_words(intervals: Sequence[Interval] | None) -> list[str] | None:
    return None if intervals is None else [str(one) for one in intervals]


def record_next(
    type_: str,
    subject_id: UUID,
    organization_id: UUID | None,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write down what was done to something whose row the caller holds, or has just made.

    Raises ValueError for something that belongs to no organisation.
    """
    if organization_id is None:
        raise ValueError("Operators keep no hours.")
    outbox.record(
        type_,
        organization_id=organization_id,
        application_id=None,
        subject_type=type_.partition(".")[0],
        subject_id=subject_id,
        # Nobody else writes its events meanwhile.
        sequence=OutboxEvent.objects.filter(subject_id=subject_id).count() + 1,
        actor=actor,
        now=now,
        before=before,
        after=after,
        facts=facts,
    )
