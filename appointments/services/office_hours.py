"""Commands about when offices are open: every week, and on single days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from agents.services.hours import check_may_edit
from agents.services.intervals import (
    Book,
    Interval,
    WeekInterval,
    change_day,
    change_week,
    write_day,
    write_week,
)
from appointments.errors import EntryNotFound
from appointments.models import Office, OfficeDay, OfficeHours
from config.kernel.actors import Actor

OFFICES = Book(keeper="office", weekly=OfficeHours, single=OfficeDay)


def find_office_for_hours(office_id: UUID, *, actor: Actor) -> Office:
    """Give an office whose hours may be changed.

    Raises EntryNotFound, HoursNotYours.
    """
    return _checked(Office.objects.visible_to(actor).filter(pk=office_id).first(), actor=actor)


def _lock(office_id: UUID, *, actor: Actor) -> Office:
    # The key stays as it is, so that who books meanwhile need not wait.
    offices = Office.objects.visible_to(actor).select_for_update(no_key=True)
    return _checked(offices.filter(pk=office_id).first(), actor=actor)


def _checked(office: Office | None, *, actor: Actor) -> Office:
    if office is None:
        raise EntryNotFound
    check_may_edit(actor)
    return office


@transaction.atomic
def replace_office_week(
    office_id: UUID, intervals: Iterable[WeekInterval], *, actor: Actor, now: datetime
) -> None:
    """Let an office be open at these hours of every week; without any it is always open.

    Raises EntryNotFound, HoursNotYours, InvalidHours.
    """
    office = _lock(office_id, actor=actor)
    write_week(OFFICES, office, intervals, actor=actor, now=now)


@transaction.atomic
def change_office_interval(
    office_id: UUID,
    *,
    instead_of: WeekInterval | None = None,
    add: WeekInterval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of an office's week, and leave the others as they are by then.

    Raises EntryNotFound, HoursNotYours, InvalidHours.
    """
    office = _lock(office_id, actor=actor)
    change_week(OFFICES, office, instead_of=instead_of, add=add, actor=actor, now=now)


@transaction.atomic
def set_office_day(
    office_id: UUID, day: date, intervals: Iterable[Interval], *, actor: Actor, now: datetime
) -> None:
    """Let an office be open at other hours on one day; without any it is closed.

    Raises EntryNotFound, HoursNotYours, InvalidHours.
    """
    office = _lock(office_id, actor=actor)
    write_day(OFFICES, office, day, intervals, actor=actor, now=now)


@transaction.atomic
def change_interval_of_office_day(
    office_id: UUID,
    day: date,
    *,
    instead_of: Interval | None = None,
    add: Interval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of a single day; once it has none left, it is as every week.

    Raises EntryNotFound, HoursNotYours, InvalidHours.
    """
    office = _lock(office_id, actor=actor)
    change_day(OFFICES, office, day, instead_of=instead_of, add=add, actor=actor, now=now)


@transaction.atomic
def clear_office_day(office_id: UUID, day: date, *, actor: Actor, now: datetime) -> None:
    """Let the hours of every week hold on a day again.

    Raises EntryNotFound, HoursNotYours.
    """
    office = _lock(office_id, actor=actor)
    write_day(OFFICES, office, day, None, actor=actor, now=now)
