"""What follows from a phone number."""

from __future__ import annotations

import pytest

from agents.phone_numbers import dialled, read_number

UNKNOWN = {"name": "", "code": "", "callingCode": ""}


def test_a_number_with_a_country_code_says_where_it_lies() -> None:
    found = read_number("+1 650 987 0000")

    assert (found.e164, found.local) == ("+16509870000", "(650) 987-0000")
    assert found.country.as_json() == {
        "name": "United States",
        "code": "US",
        "callingCode": "1",
    }
    assert (found.location, found.is_valid) == ("United States", True)


@pytest.mark.rule("cc.lifecycle.call.r7")
@pytest.mark.parametrize("number", ["5001", "030 1234567", "+", "+999999", "Anna"])
def test_any_other_number_says_no_more_than_itself(number: str) -> None:
    found = read_number(number)

    assert (found.e164, found.local, found.formatted) == (number, number, number)
    assert (found.country.as_json(), found.location, found.is_valid) == (UNKNOWN, None, False)


def test_a_number_of_no_country_has_its_calling_code() -> None:
    assert read_number("+80012345678").country.as_json() == {**UNKNOWN, "callingCode": "800"}


@pytest.mark.parametrize("number", ["+1 (650) 987-0000", "+1.650.987.0000", "+16509870000"])
def test_what_is_written_between_digits_makes_no_difference(number: str) -> None:
    assert dialled(number) == "+16509870000"
