"""JSON on the wire: one strict parser and one fast renderer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final

import orjson
from django.db.models import QuerySet
from django.http import UnreadablePostError
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from config.kernel import limits
from config.kernel.errors import DomainError, Kind
from config.kernel.time import Duration, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rest_framework.request import Request

_INT64 = range(-(2**63), 2**63)
_TOO_DEEP = f"it is nested deeper than {limits.JSON_DEPTH} levels"
_TOO_LARGE = "a number is too large"


class MalformedJson(DomainError):
    kind: ClassVar[Kind] = "invalid"
    message = "The body cannot be read as JSON: {reason}."


class BodyTooLarge(DomainError):
    kind: ClassVar[Kind] = "too_large"
    message = "The body is larger than {limit} bytes."


class MissingBody(DomainError):
    kind: ClassVar[Kind] = "missing"
    message = "The request needs a JSON body."


class _Empty(dict[str, object]):
    """An empty object that can be told apart from one that was sent."""


# What the parser gives for a body of nothing but white space.
EMPTY: Final[Mapping[str, object]] = _Empty()


def loads(body: bytes) -> Any:
    """Give the value that a body holds.

    Raises BodyTooLarge, and MalformedJson for what is not JSON in UTF-8 and for duplicate names,
    NaN, NUL, lone surrogates, numbers beyond 64 bits and nesting that goes too deep.
    """
    if len(body) > limits.BODY_BYTES:
        raise BodyTooLarge(limit=limits.BODY_BYTES)
    try:
        value = _DECODER.decode(_text(body))
    except json.JSONDecodeError as error:
        reason = f"{error.msg.lower()} at character {error.pos}"
        raise MalformedJson(reason=reason) from None
    except RecursionError:
        raise MalformedJson(reason=_TOO_DEEP) from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise MalformedJson(reason=_TOO_LARGE) from None
    _check(value)
    return value


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedJson(reason="it is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise MalformedJson(reason="it begins with a byte order mark")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson(reason="a name occurs twice in one object")
    for name in members:
        _check_text(name)
    return members


def _constant(_name: str) -> float:
    raise MalformedJson(reason="NaN and Infinity are not numbers")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _check(value: Any) -> None:
    # Level by level and without recursion: the depth is what is to be limited.
    level, depth = [value], 0
    while level:
        containers = [item for item in level if isinstance(item, dict | list)]
        depth += 1
        if containers and depth > limits.JSON_DEPTH:
            raise MalformedJson(reason=_TOO_DEEP)
        for item in level:
            _check_scalar(item)
        level = [
            item
            for container in containers
            for item in (container.values() if isinstance(container, dict) else container)
        ]


def _check_scalar(item: Any) -> None:
    if isinstance(item, str):
        _check_text(item)
    elif isinstance(item, float):
        # PostgreSQL writes 1e20 with all its digits: who reads it back sees an integer.
        if not math.isfinite(item) or abs(item) >= 2**63:
            raise MalformedJson(reason=_TOO_LARGE)
    elif isinstance(item, int) and item not in _INT64:
        raise MalformedJson(reason=_TOO_LARGE)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedJson(reason="a text holds the NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MalformedJson(reason="a text holds half of a surrogate pair") from None


class StrictJSONParser(BaseParser):
    """Reads request bodies, the size first; an empty one is EMPTY."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Give the value of the body.

        Raises BodyTooLarge, MalformedJson.
        """
        body = _read(stream, parser_context)
        return self.value_of(body) if body else EMPTY

    def value_of(self, body: bytes) -> Any:
        """Give what a body that is not empty says. Raises MalformedJson."""
        return loads(body)


class TextParser(StrictJSONParser):
    """Reads a body of type text/plain as one text, without the white space around it."""

    media_type = "text/plain"

    def value_of(self, body: bytes) -> str:
        """Give the text. Raises MalformedJson."""
        text = _text(body).strip()
        _check_text(text)
        return text


def _read(stream: IO[Any], parser_context: Mapping[str, Any] | None) -> bytes:
    request = (parser_context or {}).get("request")
    if request is not None and _declared_length(request) > limits.BODY_BYTES:
        raise BodyTooLarge(limit=limits.BODY_BYTES)
    try:
        body: bytes = stream.read(limits.BODY_BYTES + 1)
    except UnreadablePostError:
        raise MalformedJson(reason="it ends too early") from None
    if len(body) > limits.BODY_BYTES:
        raise BodyTooLarge(limit=limits.BODY_BYTES)
    return body.strip(b" \t\r\n")


def _declared_length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def body_of(request: Request) -> Any:
    """Give the value of the request's body.

    Raises MissingBody when there is none, BodyTooLarge, MalformedJson, UnsupportedMediaType.
    """
    data = request.data
    # Without a body the framework asks no parser and gives an object of its own.
    if data is EMPTY or request.stream is None:
        raise MissingBody
    return data


class JSONRenderer(BaseRenderer):
    """Writes responses; `orjson.Fragment` passes as it is."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Give the bytes of the response; none for None."""
        return b"" if data is None else dumps(data)


_OPTIONS = (
    orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)


def dumps(data: object) -> bytes:
    """Give the JSON of a value, its instants in UTC and its durations in ISO 8601.

    Raises TypeError for what has no place in JSON.
    """
    return orjson.dumps(data, default=_plain, option=_OPTIONS)


def _plain(value: object) -> object:
    match value:
        case datetime():
            return format_instant(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(Duration.of(value, exact=True))
        case Duration() | Decimal() | Promise():
            return str(value)
        case set() | frozenset() | QuerySet() | Mapping():
            return dict(value) if isinstance(value, Mapping) else list(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON.")


class JSONOnly(BaseContentNegotiation):
    """Takes the one parser by media type, and answers JSON whatever the client would accept.

    The contract knows no 406.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Give the parser of the request's media type, if there is one."""
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Give the first renderer."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)
