"""Commands about working hours: those of every week, and those of single days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from agents.errors import HoursNotYours, UserNotFound
from agents.models import User, WorkingDay, WorkingHours
from agents.services.intervals import (
    Book,
    Interval,
    WeekInterval,
    change_day,
    change_week,
    write_day,
    write_week,
)
from config.kernel.actors import Actor, ActorKind, Role

PEOPLE = Book(keeper="user", weekly=WorkingHours, single=WorkingDay)


def may_edit_hours(actor: Actor) -> bool:
    """Tell whether somebody may change hours, absences, holidays and skills of its organisation.

    Agents may not, nor their own: customers are promised times by them, and whoever is away
    leaves appointments behind that a supervisor has to give to others.
    """
    return actor.kind == ActorKind.SYSTEM or actor.has(Role.SUPERVISOR, Role.ADMIN)


def check_may_edit(actor: Actor) -> None:
    """Let those through who may change hours.

    Raises HoursNotYours.
    """
    if not may_edit_hours(actor):
        raise HoursNotYours


def find_person(user_id: UUID, *, actor: Actor) -> User:
    """Give somebody whose hours may be read: agents find only themselves.

    Raises UserNotFound.
    """
    people = User.objects.visible_to(actor).filter(organization__isnull=False)
    if not may_edit_hours(actor):
        people = people.filter(pk=actor.id)
    found: User | None = people.filter(pk=user_id).first()
    if found is None:
        raise UserNotFound
    return found


def lock_person(user_id: UUID, *, actor: Actor) -> User:
    """Fetch somebody to change what it keeps: one command on a person at a time.

    Raises UserNotFound, HoursNotYours.
    """
    # The key stays as it is, so that who books meanwhile need not wait.
    people = User.objects.select_for_update(no_key=True).visible_to(actor)
    found: User | None = people.filter(pk=user_id, organization__isnull=False).first()
    if found is None:
        raise UserNotFound
    check_may_edit(actor)
    return found


def house_of(person: User) -> UUID:
    """Give the organisation for which somebody works.

    Raises UserNotFound for operators, who work for none.
    """
    if person.organization_id is None:
        raise UserNotFound
    return person.organization_id


@transaction.atomic
def replace_week(
    user_id: UUID, intervals: Iterable[WeekInterval], *, actor: Actor, now: datetime
) -> None:
    """Let these be the hours of somebody in every week; of two at once the later one's hold.

    Raises UserNotFound, HoursNotYours, InvalidHours.
    """
    person = lock_person(user_id, actor=actor)
    write_week(PEOPLE, person, intervals, actor=actor, now=now)


@transaction.atomic
def change_interval(
    user_id: UUID,
    *,
    instead_of: WeekInterval | None = None,
    add: WeekInterval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of somebody's week, and leave the others as they are by then.

    Raises UserNotFound, HoursNotYours, InvalidHours.
    """
    person = lock_person(user_id, actor=actor)
    change_week(PEOPLE, person, instead_of=instead_of, add=add, actor=actor, now=now)


@transaction.atomic
def set_day(
    user_id: UUID, day: date, intervals: Iterable[Interval], *, actor: Actor, now: datetime
) -> None:
    """Give somebody other hours on one day, holiday or not; without any the day is free.

    Raises UserNotFound, HoursNotYours, InvalidHours.
    """
    person = lock_person(user_id, actor=actor)
    write_day(PEOPLE, person, day, intervals, actor=actor, now=now)


@transaction.atomic
def change_interval_of_day(
    user_id: UUID,
    day: date,
    *,
    instead_of: Interval | None = None,
    add: Interval | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change one interval of a single day; once it has none left, it is as every week.

    Raises UserNotFound, HoursNotYours, InvalidHours.
    """
    person = lock_person(user_id, actor=actor)
    change_day(PEOPLE, person, day, instead_of=instead_of, add=add, actor=actor, now=now)


@transaction.atomic
def clear_day(user_id: UUID, day: date, *, actor: Actor, now: datetime) -> None:
    """Let the hours of every week hold on a day again.

    Raises UserNotFound, HoursNotYours.
    """
    person = lock_person(user_id, actor=actor)
    write_day(PEOPLE, person, day, None, actor=actor, now=now)
