"""Commands about the numbers that agents call often."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.errors import NotForYourRole
from agents.errors_desk import ContactNotFound, ReadOnly
from agents.models import Contact, Queue
from agents.services import accounts
from agents.services.intervals import record_next
from config.kernel.actors import Actor, Role


@transaction.atomic
def add_contact(name: str, phone_number: str, *, actor: Actor, now: datetime) -> Contact:
    """Write a number down for everybody of the organisation. Raises NotForYourRole."""
    contact = Contact(organization_id=_check_may_write(actor), name=name, phone_number=phone_number)
    contact.save(force_insert=True)
    _record("added", contact, actor=actor, now=now)
    return contact


@transaction.atomic
def change_contact(
    contact_id: UUID,
    *,
    name: str | None = None,
    phone_number: str | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change a contact that somebody has written down; None leaves a member as it is.

    Raises NotForYourRole, ContactNotFound, and ReadOnly for colleagues and queues.
    """
    contact = _lock(contact_id, actor)
    if name is not None:
        contact.name = name
    if phone_number is not None:
        contact.phone_number = phone_number
    contact.save(update_fields=["name", "phone_number"])
    _record("changed", contact, actor=actor, now=now)


@transaction.atomic
def delete_contact(contact_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take a contact out that somebody has written down.

    Raises NotForYourRole, ContactNotFound, and ReadOnly for colleagues and queues.
    """
    contact = _lock(contact_id, actor)
    _record("deleted", contact, actor=actor, now=now)
    contact.delete()


def _lock(contact_id: UUID, actor: Actor) -> Contact:
    _check_may_write(actor)
    found = Contact.objects.visible_to(actor).select_for_update().filter(pk=contact_id).first()
    if found is not None:
        return found
    queues = Queue.objects.visible_to(actor).filter(pk=contact_id)
    if queues.exists() or accounts.users_of(actor).filter(pk=contact_id).exists():
        raise ReadOnly(what="A contact of type Queue or User")
    raise ContactNotFound


def _check_may_write(actor: Actor) -> UUID:
    if actor.organization_id is None or not actor.has(Role.ADMIN):
        raise NotForYourRole
    return actor.organization_id


def _record(what: str, contact: Contact, *, actor: Actor, now: datetime) -> None:
    # Neither name nor number: they are those of a person.
    record_next(f"contact.{what}", contact.pk, contact.organization_id, actor=actor, now=now)
