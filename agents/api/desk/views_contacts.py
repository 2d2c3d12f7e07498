"""Contacts: queues, colleagues, and the numbers that the contact center keeps."""

from __future__ import annotations

from agents.api.desk.addresses import ROOT, id_in
from agents.api.desk.base import ADMINS, STAFF, DeskRequest, DeskView, Members, Operation, id_of
from agents.contacts import ATTRIBUTES, CUSTOM, ContactCard, contact_seen_by, contacts_seen_by
from agents.errors_desk import MemberMissing
from agents.models.tenancy import Feature
from agents.services import contact_book
from config.kernel import limits

_WRITING = Feature.PROVISIONING_WRITE


def list_contacts(asked: DeskRequest) -> Members:
    """Give the contacts that have all attributes of the query; always whole objects."""
    wanted = {name: text for name in ATTRIBUTES if (text := asked.text(name))}
    found = asked.page(contacts_seen_by(asked.actor, wanted))
    return {"contacts": [asked.chosen(ContactCard.as_json(one)) for one in found]}


def read_contact(asked: DeskRequest, contact_id: str) -> Members:
    """Give one contact. Raises ContactNotFound."""
    return {"contact": contact_seen_by(asked.actor, id_of(contact_id, what="contact")).as_json()}


def create_contact(asked: DeskRequest) -> Members:
    """Write a number down, and say where it is read."""
    body = asked.body
    body.require("name", "phoneNumber")
    body.one_of("type", [CUSTOM])
    contact = contact_book.add_contact(
        body.text("name"),
        body.text("phoneNumber", most=limits.PHONE_LENGTH),
        actor=asked.actor,
        now=asked.now,
    )
    return {"id": str(contact.pk), "uri": f"{ROOT}/contacts/{contact.pk}"}


def change_contact(asked: DeskRequest, contact_id: str | None = None) -> None:
    """Change a contact that the path names, or the body."""
    body = asked.body
    wanted = contact_id or body.reference("id")
    contact_book.change_contact(
        id_of(wanted, what="contact"),
        name=body.text_or_none("name"),
        phone_number=body.text_or_none("phoneNumber", most=limits.PHONE_LENGTH),
        actor=asked.actor,
        now=asked.now,
    )


def delete_contact(asked: DeskRequest, contact_id: str | None = None) -> None:
    """Take a contact out that the path names, the query, or the body."""
    wanted = contact_id or _named(asked)
    contact_book.delete_contact(id_of(wanted, what="contact"), actor=asked.actor, now=asked.now)


def _named(asked: DeskRequest) -> str:
    in_query = asked.text("id")
    if in_query is None and "id" not in asked.body:
        raise MemberMissing(name="id")
    return asked.body.reference("id") if "id" in asked.body else id_in(str(in_query))


class ContactsView(DeskView):
    get = Operation(list_contacts, STAFF)
    post = Operation(create_contact, ADMINS, feature=_WRITING)
    put = Operation(change_contact, ADMINS, feature=_WRITING)
    delete = Operation(delete_contact, ADMINS, feature=_WRITING)


class ContactView(DeskView):
    get = Operation(read_contact, STAFF)
    put = Operation(change_contact, ADMINS, feature=_WRITING)
    delete = Operation(delete_contact, ADMINS, feature=_WRITING)
