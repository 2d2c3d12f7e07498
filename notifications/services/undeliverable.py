"""Addresses that mail came back from, or whose owners complained: remembered, and shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, models, transaction

from config.kernel.secrets import SealBroken, fingerprint, fingerprints, seal, unseal
from notifications.models import Undeliverable

_PURPOSE = "undeliverable"
_SAID_LENGTH = 500
Reason = Undeliverable.Reason


def remember(
    address: str,
    *,
    organization_id: UUID,
    reason: Undeliverable.Reason,
    said: str,
    notification_id: UUID,
    at: datetime,
) -> None:
    """Note that an address takes no mail of ours; what is known of it already gives way.

    A complaint stays one when mail comes back besides.
    """
    if not address.strip():
        return
    facts = {
        "reason": reason,
        "said": said[:_SAID_LENGTH],
        "notification_id": notification_id,
        "noted_at": at,
    }
    known = _known([address], organization_id)
    if known.update(**facts | _kept_of(known, reason)):
        return
    try:
        with transaction.atomic():
            Undeliverable.objects.create(
                organization_id=organization_id,
                fingerprint=fingerprint(_normal(address), purpose=_PURPOSE),
                sealed_address=seal(address.strip(), purpose=_PURPOSE),
                **facts,
            )
    except IntegrityError:
        # Somebody else has noted it at this moment; what is said of it is the same.
        return


def _kept_of(
    known: models.QuerySet[Undeliverable], reason: Undeliverable.Reason
) -> dict[str, object]:
    if reason is not Reason.COMPLAINED and known.filter(reason=Reason.COMPLAINED).exists():
        return {"reason": Reason.COMPLAINED}
    return {}


def forget_bounce(address: str, *, organization_id: UUID, before: datetime) -> None:
    """Note that mail has reached an address after all; a complaint stays."""
    if address.strip():
        known = _known([address], organization_id)
        known.filter(reason=Reason.BOUNCED, noted_at__lte=before).delete()


def undeliverable_among(
    addresses: Collection[str], *, organization_id: UUID
) -> Mapping[str, Undeliverable]:
    """Give what is known against some addresses, by address; nothing for those that are good."""
    prints = {one: fingerprints(_normal(one), purpose=_PURPOSE) for one in addresses if one.strip()}
    if not prints:
        return {}
    rows = {bytes(row.fingerprint): row for row in _known(prints, organization_id)}
    return {
        address: rows[each] for address, found in prints.items() for each in found if each in rows
    }


def address_of(row: Undeliverable) -> str:
    """Give the address, for those who may see it; empty when its key is gone."""
    try:
        return unseal(row.sealed_address, purpose=_PURPOSE)
    except SealBroken:
        return ""


def _known(addresses: Collection[str], organization_id: UUID) -> models.QuerySet[Undeliverable]:
    found = [each for one in addresses for each in fingerprints(_normal(one), purpose=_PURPOSE)]
    return Undeliverable.objects.filter(organization_id=organization_id, fingerprint__in=found)


def _normal(address: str) -> str:
    return address.strip().lower()
