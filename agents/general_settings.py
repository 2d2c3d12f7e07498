"""The country of an organisation: where its numbers lie that are given without one."""

from __future__ import annotations

from uuid import UUID

import phonenumbers
from babel import Locale

from agents.models import Application

# Where nothing is set.
_ELSEWHERE = "US"


def general_settings_of(organization_id: UUID) -> dict[str, str]:
    """Give the general settings as desktops read them, from the default application."""
    applications = Application.objects.filter(organization_id=organization_id, is_default=True)
    found = applications.values_list("default_country", "default_locale").first()
    country, locale = found or ("", "")
    code = country or _territory_of(locale) or _ELSEWHERE
    return {
        "countryCode": code,
        "countryDigits": str(phonenumbers.country_code_for_region(code)),
        "countryName": Locale("en").territories.get(code, code),
    }


def _territory_of(locale: str) -> str:
    territory = locale.replace("_", "-").rpartition("-")[2].upper()
    return territory if len(territory) == 2 and "-" in locale.replace("_", "-") else ""
