"""Texts in several languages, and places: what is taken, and what is said of the rest."""

from __future__ import annotations

import pytest

from config.kernel.wording import LANGUAGES, Malformed, checked_texts, entries_of, texts_of


def test_every_language_of_two_letters_is_known() -> None:
    assert {"da", "de", "el", "en", "es", "fr", "ja", "nl", "no", "pl"} < LANGUAGES
    assert {len(code) for code in LANGUAGES} == {2}
    assert len(LANGUAGES) == 183
    assert "xx" not in LANGUAGES


def test_texts_travel_in_the_order_of_their_languages() -> None:
    texts = {"en": "Loans", "de": "Kredite"}

    entries = entries_of(texts)

    assert [one["language"] for one in entries] == ["de", "en"]
    assert texts_of(entries) == texts


def test_what_is_wrong_is_said_with_its_place() -> None:
    with pytest.raises(Malformed) as error:
        texts_of([{"value": "A", "language": "en"}, {"value": " ", "language": "de"}, "b"])

    assert error.value.problems == {
        "1": ["A text is missing: leave the language out."],
        "2": ["It is an object with value and language."],
    }
    assert error.value.lines[0] == "1: A text is missing: leave the language out."


@pytest.mark.parametrize("value", [None, [], "en", 7])
def test_texts_are_an_object(value: object) -> None:
    with pytest.raises(Malformed):
        checked_texts(value)
