"""Tokens: `{{firstName}}` and the like, from a closed list, put in by one pass over the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_name, parse_pattern
from babel.lists import format_list
from babel.units import format_unit

from config.kernel.time import Duration, parse_duration, parse_zone
from notifications.errors import CannotBuild

if TYPE_CHECKING:
    from notifications.messages import Message

# The blank before a token goes with it when it has no value: "Hello {{firstName}}," → "Hello,".
# A name has no quote, no < and no &: else one could reach from an attribute into the next and take
# the quotes between them along. Nothing can match in two ways: the time is linear in the text.
_TOKEN = re.compile(r"( ?)\{\{([A-Za-z0-9_ .,:/-]{1,80})\}\}")
# Letters of CLDR date patterns in the lengths that are defined, with separators between them.
# A field is a whole run of its letter: read in one way only, so that no input takes long.
_LENGTHS = {"d": "1,2", "M": "1,5", "y": "1,4", "E": "1,5", "H": "1,2", "h": "1,2", "m": "1,2"}
_FIELD = "|".join(
    f"{letter}{{{lengths}}}(?!{letter})"
    for letter, lengths in {**_LENGTHS, "a": "1,1", "z": "1,4"}.items()
)
_DATE_PATTERN = re.compile(rf"(?:{_FIELD})(?:[ .,:/-]{{0,3}}(?:{_FIELD}))*\.?")
# Controls, line separators, and the marks that turn the direction of what follows.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_OPTIONAL = "? "


def fold(value: str) -> str:
    """Give a value on one line: runs of control characters become a blank."""
    # Most values have none, and to know it takes a tenth of the time.
    return value if value.isprintable() else _UNPRINTABLE.sub(" ", value).strip()


class Values(dict[str, str]):
    """The values of the tokens for one message; each is worked out when it is first asked for.

    Raises CannotBuild when the time zone is not known.
    """

    def __init__(self, message: Message, *, locale: str) -> None:
        super().__init__()
        self.message = message
        self.locale = locale
        self.zone = message.snapshot.zone
        start = message.snapshot.start
        self.start = start.astimezone(UTC) if start else None
        try:
            parse_zone(self.zone)
        except ValueError as error:
            raise CannotBuild(str(error)) from None

    def __missing__(self, token: str) -> str:
        if source := TOKENS.get(token):
            value = source(self)
        elif _DATE_PATTERN.fullmatch(token):
            value = self.date(token)
        else:
            value = ""
        value = self[token] = fold(value)
        return value

    def date(self, pattern: str) -> str:
        """Give the start by a pattern of CLDR; empty while no time is fixed."""
        return _formatted(self.start, self.zone, pattern, self.locale) if self.start else ""

    def date_of(self, kind: str, length: str) -> str:
        """Give the start as the locale writes dates or times of a length."""
        return self.date(_pattern_of(kind, length, self.locale))

    def fact(self, name: str) -> str:
        """Give one of the texts that came with the message; empty where it did not."""
        return str(self.message.facts.get(name) or "")


class EscapedValues(dict[str, str]):
    """The same values, fit for HTML text and for attributes in quotes."""

    def __init__(self, values: Values) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, token: str) -> str:
        value = self[token] = escape(self._values[token])
        return value


@lru_cache(maxsize=512)
def babel_locale(name: str) -> Locale:
    """Give the data of a locale, else those of its language, else English."""
    for candidate in (name, name.partition("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=8192)
def _formatted(start: datetime, zone: str, pattern: str, locale: str) -> str:
    # The start is in UTC: local times of two zones, or of one hour that comes twice, are equal
    # for Python and would share an entry of the cache.
    moment = start.astimezone(parse_zone(zone))
    # CLDR writes "9:00 AM" with a narrow no-break space: not in every font, and dear in an SMS.
    return parse_pattern(pattern).apply(moment, babel_locale(locale)).replace("\u202f", " ")


@lru_cache(maxsize=1024)
def _pattern_of(kind: str, length: str, locale: str) -> str:
    formats = (
        babel_locale(locale).date_formats if kind == "date" else babel_locale(locale).time_formats
    )
    return str(formats[length].pattern)


def _full_name(values: Values) -> str:
    return f"{values.message.first_name} {values.message.last_name}".strip()


def _link(values: Values) -> str:
    link = values.message.link or ""
    return link if link.startswith(("https://", "http://")) else ""


def _zone_name(values: Values) -> str:
    if values.start is None:
        return ""
    moment = values.start.astimezone(parse_zone(values.zone))
    return get_timezone_name(moment, locale=babel_locale(values.locale))


def _duration(values: Values) -> str:
    snapshot = values.message.snapshot
    if snapshot.duration:
        return _duration_in_words(snapshot.duration, values.locale)
    if snapshot.start is None or snapshot.end is None:
        return ""
    measured = Duration.of(snapshot.end - snapshot.start, exact=True)
    return _duration_in_words(str(measured), values.locale)


@lru_cache(maxsize=1024)
def _duration_in_words(text: str, locale: str) -> str:
    try:
        duration = parse_duration(text, most=None)
    except ValueError:
        return ""
    hours, minutes = divmod(int(duration.exact.total_seconds()) // 60, 60)
    amounts = {"day": duration.days, "hour": hours, "minute": minutes}
    words = [
        format_unit(amount, f"duration-{unit}", locale=babel_locale(locale))
        for unit, amount in amounts.items()
        if amount
    ]
    return format_list(words, style="unit", locale=babel_locale(locale)) if words else ""


TOKENS: Mapping[str, Callable[[Values], str]] = {
    "firstName": lambda values: values.message.first_name,
    "lastName": lambda values: values.message.last_name,
    "fullName": _full_name,
    "title": lambda values: values.fact("title"),
    # What whoever caused it wrote with the change.
    "message": lambda values: values.fact("message"),
    "agentName": lambda values: values.fact("agentName"),
    "customerName": lambda values: values.fact("customerName"),
    "applicationName": lambda values: values.fact("applicationName"),
    "organizationName": lambda values: values.fact("organizationName"),
    "link": _link,
    "joinUrl": _link,
    "duration": _duration,
    "zone": lambda values: values.zone,
    "zoneName": _zone_name,
    "time24": lambda values: values.date("HH:mm"),
    "time12": lambda values: values.date("h:mm a"),
    "weekday": lambda values: values.date("EEEE"),
    "month": lambda values: values.date("MMMM"),
    "date": lambda values: values.date_of("date", "long"),
    "time": lambda values: values.date_of("time", "short"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    # What stands before each token, the blank that goes with it, its name; and what comes last.
    pieces: tuple[tuple[str, str, str], ...]
    rest: str
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    """A text taken apart at its tokens."""

    lines: tuple[_Line, ...]

    def fill(self, values: Values | EscapedValues) -> str:
        """Give the text with the values put in; a token that is not known has none."""
        filled: list[str] = []
        for line in self.lines:
            if line.is_optional and "" in [values[token] for _, _, token in line.pieces]:
                continue
            for before, blank, token in line.pieces:
                filled.append(before)
                if value := values[token]:
                    filled.append(blank)
                    filled.append(value)
            filled.append(line.rest)
        return "".join(filled)


def compile_text(source: str, *, has_optional_lines: bool = False) -> Compiled:
    """Take a text apart at its tokens, in one pass; see Template for optional lines."""
    if not has_optional_lines:
        return Compiled((_line(source, is_optional=False),))
    lines = source.splitlines(keepends=True)
    runs = groupby(lines, key=lambda line: line.startswith(_OPTIONAL))
    compiled: list[_Line] = []
    for is_optional, run in runs:
        if is_optional:
            compiled += [_line(line.removeprefix(_OPTIONAL), is_optional=True) for line in run]
        else:
            compiled.append(_line("".join(run), is_optional=False))
    return Compiled(tuple(compiled))


def _line(source: str, *, is_optional: bool) -> _Line:
    pieces: list[tuple[str, str, str]] = []
    position = 0
    for match in _TOKEN.finditer(source):
        pieces.append((source[position : match.start()], match[1], match[2].strip()))
        position = match.end()
    return _Line(tuple(pieces), source[position:], is_optional)


def names_in(text: str) -> list[str]:
    """Give the names of the tokens of a text, in their order."""
    return [match[2].strip() for match in _TOKEN.finditer(text)]


def is_known(token: str) -> bool:
    """Say whether a token has a meaning: a name of the list, or a date pattern."""
    return token in TOKENS or _DATE_PATTERN.fullmatch(token) is not None


def check(text: str) -> list[str]:
    """Give what is wrong with the tokens of a text; nothing when it may be saved."""
    errors = [
        f"The token {{{{{name}}}}} is not known."
        for name in dict.fromkeys(names_in(text))
        if not is_known(name)
    ]
    rest = _TOKEN.sub("", text)
    for braces in ("{{", "}}"):
        if (position := rest.find(braces)) >= 0:
            near = fold(rest[max(position - 10, 0) : position + 22])
            errors.append(f"These braces are not those of a token: “{near}”.")
    return errors


def fill_known(source: str, values: Values | EscapedValues) -> str:
    """Give a text with the values of known tokens put in; one that is not known stays as it is."""

    def value_of(match: re.Match[str]) -> str:
        name = match[2].strip()
        return f"{match[1]}{values[name]}" if is_known(name) else match[0]

    return _TOKEN.sub(value_of, source)
