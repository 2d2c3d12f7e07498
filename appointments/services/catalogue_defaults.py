"""The general entries: what is booked without a word about it belongs to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from agents.models import Application
from appointments.models import Office, Subject, SubjectGroup
from config.kernel.wording import entries_of

_GENERAL = {"en": "General", "de": "Allgemein", "el": "Γενικά"}
_APPOINTMENT = {"en": "Appointment", "de": "Termin", "el": "Ραντεβού"}
_ONLINE = {"en": "Online", "de": "Online", "el": "Διαδικτυακά"}
# Where neither the application nor its locale names a country; en-US is the product's own locale.
_COUNTRY = "US"


def default_subject(organization_id: UUID) -> Subject:
    """Give the organisation's general subject with its group; the first who needs it makes it."""
    rows = Subject.objects.filter(organization_id=organization_id, is_default=True)
    found = rows.select_related("group").first()
    if found is not None:
        return found
    # Of two who make it at once the second waits for the first, and finds what it made.
    Subject.objects.bulk_create(
        [
            Subject(
                organization_id=organization_id,
                group=_default_group(organization_id),
                is_default=True,
                name=_APPOINTMENT,
            )
        ],
        ignore_conflicts=True,
    )
    return rows.select_related("group").get()


def _default_group(organization_id: UUID) -> SubjectGroup:
    SubjectGroup.objects.bulk_create(
        [SubjectGroup(organization_id=organization_id, is_default=True, name=_GENERAL)],
        ignore_conflicts=True,
    )
    return SubjectGroup.objects.get(organization_id=organization_id, is_default=True)


def default_office(organization_id: UUID) -> Office:
    """Give the organisation's general office; the first who needs it makes it."""
    rows = Office.objects.filter(organization_id=organization_id, is_default=True)
    found = rows.first()
    if found is not None:
        return found
    application = Application.objects.filter(
        organization_id=organization_id, is_default=True
    ).first()
    Office.objects.bulk_create(
        [
            Office(
                organization_id=organization_id,
                is_default=True,
                is_virtual=True,
                name=_ONLINE,
                timezone=application.default_timezone if application else "UTC",
                location=_nowhere(_country_of(application)),
            )
        ],
        ignore_conflicts=True,
    )
    return rows.get()


def _country_of(application: Application | None) -> str:
    if application is None:
        return _COUNTRY
    region = application.default_locale.split("-")[-1]
    # A locale may name a script or a continent in its place.
    from_locale = region if len(region) == 2 and region.isupper() else _COUNTRY
    return application.default_country or from_locale


def _nowhere(country: str) -> dict[str, Any]:
    # An office has a place with a country, coordinates and a city, whether there is one or not
    # (schema Location); a receiver tells by `virtual` that nobody should drive there.
    return {
        "postalCode": None,
        "countryCode": country,
        "geolocation": {"latitude": 0, "longitude": 0},
        "translations": {"city": entries_of(_ONLINE), "street1": [], "street2": [], "state": []},
    }
