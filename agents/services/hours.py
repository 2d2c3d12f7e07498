"""Whose working hours there are, and who may read and change them."""

from __future__ import annotations

from uuid import UUID

from agents.errors import HoursNotYours, UserNotFound
from agents.models import User, WorkingDay, WorkingHours
from agents.services.intervals import Book
from config.kernel.actors import Actor, ActorKind, Role


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


PEOPLE = Book(keeper="user", weekly=WorkingHours, single=WorkingDay, lock=lock_person)
