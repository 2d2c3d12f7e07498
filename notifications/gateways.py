"""How a gateway for SMS is described: where messages go, in what form, and what it answers.

    {
      "url": "https://sms.example.com/v1/messages",
      "method": "POST",
      "headers": {"Authorization": "Bearer …"},
      "body": {"to": "{to}", "from": "{from}", "text": "{text}", "reference": "{id}"},
      "message_id": "messages.0.id",
      "status": "messages.0.status",
      "status_url": "https://sms.example.com/v1/messages/{message_id}",
      "status_of_message": "status",
      "delivered": ["DELIVRD"],
      "failed": ["UNDELIV", "REJECTD", "EXPIRED"],
      "from": "Northwind"
    }

Only `url` and `body` must be there. A path with dots leads to where a word stands in an answer; a
number is a place in a list. Headers and body may be texts that hold JSON, words may be separated
by commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson

from config.kernel.http import Blocked, Request, destination_of, header_problem

_PLACE = re.compile(r"\{(to|from|text|id)\}")
_MESSAGE_ID = "{message_id}"
_NUMBER = re.compile(r"[0-9]{1,6}")
_METHODS = frozenset({"POST", "PUT"})
# Each place in a body is filled with a whole text: a large body would fill the memory of a worker.
_BODY_BYTES = 4_096
_PLACES_MOST = 20
_KEYS = frozenset(
    {"url", "method", "headers", "body", "message_id", "status", "status_url"}
    | {"status_of_message", "delivered", "failed", "from"}
)

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway as it was described."""

    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Json] = field(repr=False)
    # Where the words stand in the answer to a message, and in the answer to a question about it.
    message_id: str
    status: str
    status_url: str
    status_of_message: str
    delivered: frozenset[str]
    failed: frozenset[str]
    sender: str

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Gateway:
        """Read a description.

        Raises ValueError, saying what is wrong with it.
        """
        if unknown := sorted(given.keys() - _KEYS):
            raise ValueError(f"{unknown[0]} is not known")
        gateway = cls(
            url=_text(given, "url"),
            method=_text(given, "method").upper() or "POST",
            headers={name: str(value) for name, value in _members(given, "headers").items()},
            body=_members(given, "body"),
            message_id=_text(given, "message_id"),
            status=_text(given, "status"),
            status_url=_text(given, "status_url"),
            status_of_message=_text(given, "status_of_message") or _text(given, "status"),
            delivered=_words(given, "delivered"),
            failed=_words(given, "failed"),
            sender=_text(given, "from"),
        )
        gateway._check()
        return gateway

    def _check(self) -> None:
        if self.method not in _METHODS:
            raise ValueError("method is POST or PUT")
        _check_address("url", self.url)
        for name, value in self.headers.items():
            if header_problem(name, value):
                raise ValueError("a header is not allowed")
        self._check_body()
        if not self.status_url:
            return
        if _MESSAGE_ID not in self.status_url:
            raise ValueError("status_url has no {message_id}")
        _check_address("status_url", self.status_url.replace(_MESSAGE_ID, "1"))
        if not (self.message_id and self.status_of_message and self.delivered):
            raise ValueError("status_url needs message_id, status and delivered")

    def _check_body(self) -> None:
        try:
            body = orjson.dumps(self.body)
        except orjson.JSONEncodeError:
            raise ValueError("body cannot be written as JSON") from None
        places = _PLACE.findall(body.decode())
        if not {"to", "text"} <= set(places):
            raise ValueError("body has no {to} or no {text}")
        if len(body) > _BODY_BYTES or len(places) > _PLACES_MOST:
            raise ValueError(f"body has over {_BODY_BYTES} bytes or {_PLACES_MOST} places")

    def body_for(self, *, to: str, sender: str, text: str, id: str) -> bytes:
        """Give the body of the request that hands a message over."""
        values = {"to": to, "from": sender, "text": text, "id": id}
        return orjson.dumps(_filled(dict(self.body), values))

    def status_address(self, message_id: str) -> str:
        """Give where to ask how it went with a message."""
        return self.status_url.replace(_MESSAGE_ID, quote(message_id, safe=""))


def _filled(template: Json, values: Mapping[str, str]) -> Json:
    """Put values into the texts of a template; nothing in them is read as a place again."""
    match template:
        case str():
            return _PLACE.sub(lambda match: values[match[1]], template)
        case list():
            return [_filled(each, values) for each in template]
        case dict():
            return {
                name: _filled(each, values)
                for name, each in template.items()
                # Gateways take no empty sender where they would choose one themselves.
                if not (each == "{from}" and not values["from"])
            }
        case _:
            return template


def word_at(path: str, answer: object) -> str:
    """Give the word to which a path with dots leads; empty when there is none."""
    if not path:
        return ""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and _NUMBER.fullmatch(step) and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return ""
    return str(answer) if isinstance(answer, str | int) else ""


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")  # noqa: TRY004  # one kind of refusal for all
    return value.strip()


def _members(given: Mapping[str, object], name: str) -> dict[str, Json]:
    value = given.get(name) or {}
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004  # one kind of refusal for all
    return value


def _words(given: Mapping[str, object], name: str) -> frozenset[str]:
    value = given.get(name) or []
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is not a list of words")
    return frozenset(each.strip().casefold() for each in value if each.strip())


def _check_address(name: str, url: str) -> None:
    try:
        destination_of(Request(method="GET", url=url, deadline=1))
    except Blocked:
        raise ValueError(f"{name} is not an http or https address") from None
