"""When offices are open, and who may change that."""

from __future__ import annotations

from uuid import UUID

from agents.services.hours import check_may_edit
from agents.services.intervals import Book
from appointments.errors import EntryNotFound
from appointments.models import Office, OfficeDay, OfficeHours
from config.kernel.actors import Actor


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


OFFICES = Book(keeper="office", weekly=OfficeHours, single=OfficeDay, lock=_lock)
