"""Customers: the people whom an organisation serves, each with a number."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from agents.models import Customer, Organization
from agents.services.codes import normalized
from config.kernel import secrets

_PURPOSE = "customer"


@transaction.atomic
def known_customer(
    organization_id: UUID, *, email: str = "", phone: str = "", country: str = ""
) -> Customer:
    """Give the customer who has an address, a new one where nobody has it.

    A phone number that names no country lies in the given one. What is kept of the address is
    its fingerprint: a person can be forgotten, and is known again by the same number when it
    comes back. Without an address everybody is new.
    """
    address = normalized(email or phone, country=country)
    if not address:
        return _new(organization_id, None)
    found = Customer.objects.filter(
        organization_id=organization_id,
        fingerprint__in=secrets.fingerprints(address, purpose=_PURPOSE),
    ).first()
    return found or _new(organization_id, secrets.fingerprint(address, purpose=_PURPOSE))


def _new(organization_id: UUID, fingerprint: bytes | None) -> Customer:
    # The row of the organisation orders those who take a number: of two who make the same
    # customer the second waits here, and finds it then.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    if fingerprint is not None:
        rows = Customer.objects.filter(organization_id=organization_id, fingerprint=fingerprint)
        if found := rows.first():
            return found
    number = organization.next_customer_number
    organization.next_customer_number += 1
    organization.save(update_fields=["next_customer_number"])
    return Customer.objects.create(
        organization_id=organization_id, number=number, fingerprint=fingerprint
    )
