"""Whom agents can call: queues, colleagues, and the numbers that the organisation keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from agents.errors_desk import ContactNotFound
from agents.models import Contact, Device, Queue
from agents.services import accounts
from config.kernel.actors import Actor

ATTRIBUTES = (
    "id",
    "name",
    "type",
    "phoneNumber",
    "userName",
    "firstName",
    "lastName",
    "employeeId",
)
CUSTOM, QUEUE, USER = "Custom", "Queue", "User"


@dataclass(frozen=True, kw_only=True)
class ContactCard:
    """A contact of any type; what belongs to colleagues alone is None for the others."""

    id: UUID
    type: str
    name: str
    phone_number: str
    user_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None

    def as_json(self) -> dict[str, str]:
        """Give the contact as desktops read it."""
        members = {
            "id": str(self.id),
            "uri": f"/api/v2/contacts/{self.id}",
            "type": self.type,
            "name": self.name,
            "phoneNumber": self.phone_number,
            "userName": self.user_name,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "employeeId": self.employee_id,
        }
        return {name: value for name, value in members.items() if value is not None}


def contacts_seen_by(actor: Actor, wanted: Mapping[str, str]) -> list[ContactCard]:
    """Give the contacts of the actor's organisation that have all the wanted attributes."""
    type_ = wanted.get("type", "").lower()
    exact = {name: value for name, value in wanted.items() if name in ATTRIBUTES}
    exact.pop("type", None)
    found = (
        card
        for name, cards in ((QUEUE, _queues), (USER, _colleagues), (CUSTOM, _kept))
        if type_ in ("", name.lower())
        for card in cards(actor)
    )
    return [card for card in found if _has(card, exact)]


def contact_seen_by(actor: Actor, contact_id: UUID) -> ContactCard:
    """Give one contact. Raises ContactNotFound."""
    found = contacts_seen_by(actor, {"id": str(contact_id)})
    if not found:
        raise ContactNotFound
    return found[0]


def _has(card: ContactCard, exact: Mapping[str, str]) -> bool:
    members = card.as_json()
    return all(members.get(name) == value for name, value in exact.items())


def _queues(actor: Actor) -> Iterator[ContactCard]:
    for queue in Queue.objects.visible_to(actor).order_by("name", "pk"):
        yield ContactCard(id=queue.pk, type=QUEUE, name=queue.name, phone_number=queue.phone_number)


def _colleagues(actor: Actor) -> Iterator[ContactCard]:
    numbers = _numbers(actor)
    for user in accounts.users_of(actor).order_by("first_name", "last_name", "pk"):
        yield ContactCard(
            id=user.pk,
            type=USER,
            # Of a colleague without a name, the user name (models, get_full_name).
            name=user.get_full_name(),
            phone_number=numbers.get(user.pk) or user.phone,
            user_name=user.username,
            first_name=user.first_name,
            last_name=user.last_name,
            employee_id=user.employee_id,
        )


def _numbers(actor: Actor) -> dict[UUID, str]:
    """Give the number at which each colleague is called: of a device that is in use, if any is."""
    devices = Device.objects.visible_to(actor).filter(user__isnull=False)
    rows = devices.order_by("is_active", "-created_at", "-pk")
    # The last of each user wins: the oldest of those in use.
    return {user: number for user, number in rows.values_list("user_id", "phone_number") if user}


def _kept(actor: Actor) -> Iterator[ContactCard]:
    for contact in Contact.objects.visible_to(actor).order_by("name", "pk"):
        yield ContactCard(
            id=contact.pk, type=CUSTOM, name=contact.name, phone_number=contact.phone_number
        )
