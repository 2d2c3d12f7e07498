"""Texts in several languages, and places: what the booking webhook takes for well-formed.

Texts are kept by language, {"en": "Mortgages"}; a place is kept as it travels (schema Location).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from config.kernel import limits

# ISO 639-1 whole: whoever speaks Turkish to customers must not wait for a release. Public material
# of the payload lists da, de, el, en, es, fr, ja, nl, no and pl, but its schema says no more than
# two letters (webhook.appointment.post.r71), and a code that nobody reads harms nobody.
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da"
    " de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy"
    " hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg"
    " li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or"
    " os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta"
    " te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_CODES.split())
_COUNTRY = re.compile(r"[A-Z]{2}")
_PLACE_TEXTS = ("city", "street1", "street2", "state")
_BOUNDS = {"latitude": 90, "longitude": 180}

Problems = dict[str, list[str]]


class Malformed(ValueError):
    """What is wrong with a value, by the path inside it; "" stands for the value itself."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__(" ".join(self.lines))

    @property
    def lines(self) -> list[str]:
        """Give one line for each problem, with where it is."""
        return [
            f"{path}: {problem}" if path else problem
            for path, problems in self.problems.items()
            for problem in problems
        ]


def checked_texts(
    value: object, *, longest: int = limits.NOTES_LENGTH, is_needed: bool = False
) -> dict[str, str]:
    """Give texts by language, each language known and each text there; one of them if needed.

    Raises Malformed.
    """
    if not isinstance(value, Mapping):
        raise Malformed({"": ['It is an object of languages and texts, such as {"en": "Hello"}.']})
    problems = {
        str(language): [problem]
        for language, text in value.items()
        if (problem := _problem_of(language, text, longest=longest))
    }
    if problems:
        raise Malformed(problems)
    if is_needed and not value:
        raise Malformed({"": ["It needs a text in at least one language."]})
    return dict(value)


def _problem_of(language: object, text: object, *, longest: int) -> str:
    if language not in LANGUAGES:
        return "A language is a code of two letters (ISO 639-1), such as en."
    if not isinstance(text, str) or not text.strip():
        return "A text is missing: leave the language out."
    if len(text) > longest:
        return f"A text has at most {longest} characters."
    return ""


def texts_of(
    entries: object, *, longest: int = limits.NOTES_LENGTH, is_needed: bool = False
) -> dict[str, str]:
    """Give by language what travels as a list of {value, language}, each language once.

    Raises Malformed.
    """
    if not isinstance(entries, list):
        raise Malformed({"": ["It is a list of objects with value and language."]})
    texts: dict[str, str] = {}
    problems: Problems = {}
    for number, entry in enumerate(entries):
        language = entry.get("language") if isinstance(entry, Mapping) else None
        text = entry.get("value") if isinstance(entry, Mapping) else None
        if not isinstance(language, str) or not isinstance(text, str):
            problems[str(number)] = ["It is an object with value and language."]
        elif problem := _problem_of(language, text, longest=longest):
            problems[str(number)] = [problem]
        elif language in texts:
            problems[f"{number}.language"] = ["A language is there once at most."]
        else:
            texts[language] = text
    if problems:
        raise Malformed(problems)
    return checked_texts(texts, longest=longest, is_needed=is_needed)


def entries_of(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Give texts as they travel: one entry for each language, in the order of the codes."""
    return [{"value": texts[language], "language": language} for language in sorted(texts)]


def checked_location(value: object) -> dict[str, Any]:
    """Give a place with all its members and no others: country, coordinates and city are needed.

    Raises Malformed.
    """
    if not isinstance(value, Mapping):
        raise Malformed({"": ["It is an object with countryCode, geolocation and translations."]})
    problems: Problems = {}
    postal_code, country = value.get("postalCode"), value.get("countryCode")
    if not (postal_code is None or isinstance(postal_code, str)):
        problems["postalCode"] = ["Not a valid string."]
    elif postal_code and len(postal_code) > limits.POSTAL_CODE_LENGTH:
        problems["postalCode"] = [f"It has at most {limits.POSTAL_CODE_LENGTH} characters."]
    if not (isinstance(country, str) and _COUNTRY.fullmatch(country)):
        problems["countryCode"] = ["A country is a code of two capital letters, such as BE."]
    location = {
        "postalCode": postal_code or None,
        "countryCode": country,
        "geolocation": _geolocation(value.get("geolocation"), problems),
        "translations": _place_texts(value.get("translations"), problems),
    }
    if problems:
        raise Malformed(problems)
    return location


def _geolocation(value: object, problems: Problems) -> dict[str, object]:
    given = value if isinstance(value, Mapping) else {}
    for name, bound in _BOUNDS.items():
        number = given.get(name)
        if (
            not isinstance(number, int | float)
            or isinstance(number, bool)
            or not -bound <= number <= bound
        ):
            problems[f"geolocation.{name}"] = [f"It is a number from -{bound} to {bound}."]
    return {name: given.get(name) for name in _BOUNDS}


def _place_texts(value: object, problems: Problems) -> dict[str, list[dict[str, str]]]:
    given = value if isinstance(value, Mapping) else {}
    texts = {}
    for name in _PLACE_TEXTS:
        try:
            found = texts_of(
                given.get(name, []), longest=limits.TITLE_LENGTH, is_needed=name == "city"
            )
        except Malformed as error:
            problems |= {
                ".".join(filter(None, ("translations", name, path))): lines
                for path, lines in error.problems.items()
            }
        else:
            texts[name] = entries_of(found)
    return texts
