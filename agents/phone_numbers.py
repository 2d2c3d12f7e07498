"""Phone numbers as desktops show them: where one lies, and how it is written there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from babel import Locale
from phonenumbers import NumberParseException, PhoneNumberFormat

# Blanks, dots, dashes and parentheses make no difference (cc.lifecycle, number_resolution 1).
_BETWEEN = re.compile(r"[\s.()\-‐-―]")
# Where a number lies that belongs to no country: 001 to the library.
_NOWHERE = "001"


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country by its English name, its two letters and its calling code; empty if unknown."""

    name: str = ""
    code: str = ""
    calling_code: str = ""

    def as_json(self) -> dict[str, str]:
        """Give the country as desktops read it."""
        return {"name": self.name, "code": self.code, "callingCode": self.calling_code}


@dataclass(frozen=True, kw_only=True)
class PhoneNumber:
    """A number, and what follows from it."""

    number: str
    e164: str
    local: str
    formatted: str
    country: Country
    # Nobody knows where an extension lies.
    location: str | None
    is_valid: bool


def dialled(number: str) -> str:
    """Give a number without what people write between its digits: two that match are one."""
    return _BETWEEN.sub("", number)


@lru_cache(maxsize=4096)
def read_number(number: str) -> PhoneNumber:
    """Give what follows from a number; one without +country code says no more than itself."""
    parsed = _parsed(number)
    if parsed is None:
        return PhoneNumber(
            number=number,
            e164=number,
            local=number,
            formatted=number,
            country=Country(),
            location=None,
            is_valid=False,
        )
    country = _country_of(parsed)
    return PhoneNumber(
        number=number,
        e164=phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        local=phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        formatted=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        country=country,
        location=country.name or None,
        is_valid=phonenumbers.is_valid_number(parsed),
    )


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    if not number.strip().startswith("+"):
        return None
    try:
        return phonenumbers.parse(number)
    except NumberParseException:
        return None


def _country_of(parsed: phonenumbers.PhoneNumber) -> Country:
    code = phonenumbers.region_code_for_number(parsed)
    code = code or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    if code == _NOWHERE:
        return Country(calling_code=str(parsed.country_code))
    name = Locale("en").territories.get(code, "")
    return Country(name=name, code=code, calling_code=str(parsed.country_code))
