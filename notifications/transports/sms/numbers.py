"""Phone numbers in the one form that every provider takes: E.164."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from notifications.errors import CannotBuild

# The shortest numbers of subscribers, with their country; emergency calls are shorter.
_DIGITS_LEAST = 7


def to_e164(number: str, country: str) -> str:
    """Give a number in E.164; one that names no country lies in the given one.

    Raises CannotBuild, which does not repeat the number.
    """
    try:
        parsed = phonenumbers.parse(number, country or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not country:
            raise CannotBuild(
                "The phone number names no country, and the application has no default one."
            ) from None
        raise CannotBuild("The phone number cannot be read.") from None
    text = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    # Of the right length only: what is in use today the provider knows better than a table.
    if not phonenumbers.is_possible_number(parsed) or len(text) <= _DIGITS_LEAST:
        raise CannotBuild("The phone number is too short or too long.")
    return text
