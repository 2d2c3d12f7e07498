"""What an operation of the desk is asked, and how lists are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request

from agents.api.desk.body import Body
from agents.cometd.publisher import end_http_session
from agents.errors import RoleMissing
from agents.errors_desk import MemberInvalid, NothingThere
from agents.models.tenancy import Feature
from agents.services import desk_cookies
from agents.services.desk_access import DeskCaller
from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid
from config.kernel.json import EMPTY

T = TypeVar("T")
Members = Mapping[str, Any]


class DeskRequest:
    """What an operation is asked: who asks, when, and everything that was sent."""

    def __init__(self, request: Request, caller: DeskCaller, now: datetime) -> None:
        self.http = request
        self.caller = caller
        self.now = now
        # What the reply has the client keep: operations may put another one in its place.
        self.cookie_to_set = caller.cookie_to_set
        self.has_ended_session = False

    @property
    def actor(self) -> Actor:
        """Give whoever commands are carried out for."""
        return self.caller.actor

    @property
    def organization_id(self) -> UUID:
        """Give the caller's organisation; whoever has a role here has one."""
        if self.caller.organization_id is None:
            raise RoleMissing
        return self.caller.organization_id

    @cached_property
    def body(self) -> Body:
        """Give the members of the body. Raises MalformedJson, MemberInvalid."""
        return Body(members_of(self.http))

    def has_feature(self, feature: Feature) -> bool:
        """Tell whether the caller's organisation has a part of the desk."""
        return str(feature) in self.caller.features

    def end_session(self) -> None:
        """Let the request's cookie count no longer: take it from the client, and end its polls."""
        if self.caller.cookie is not None:
            desk_cookies.end(self.caller.cookie, now=self.now)
            end_http_session(self.caller.user_id, self.caller.cookie)
        self.cookie_to_set, self.has_ended_session = None, True

    # --- The query ---

    def text(self, name: str) -> str | None:
        """Give a parameter of the query; None when it is not there, or empty."""
        return self.http.query_params.get(name) or None

    def number(self, name: str) -> int | None:
        """Give a parameter that is a whole number from 0. Raises MemberInvalid."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise MemberInvalid(name=name, why="it is a whole number from 0")
        return int(text)

    @property
    def fields(self) -> frozenset[str] | None:
        """Give the members that are asked for, `*` among them for all; None for addresses only."""
        text = self.http.query_params.get("fields")
        return None if text is None else _names_in(text)

    def subresources(self, *known: str) -> list[str]:
        """Give the collections that are asked for, of those that there are."""
        wanted = _names_in(self.http.query_params.get("subresources", ""))
        return [name for name in known if name in wanted or "*" in wanted]

    # --- Replies ---

    def page(self, rows: Iterable[T]) -> Sequence[T]:
        """Give the rows from `offset` on, `limit` of them at most. Raises MemberInvalid."""
        offset, limit = self.number("offset") or 0, self.number("limit")
        found = rows if isinstance(rows, QuerySet | Sequence) else list(rows)
        return found[offset : None if limit is None else offset + limit]  # type: ignore[return-value]  # a queryset is one, when it is read

    def chosen(self, wire: Members) -> Members:
        """Keep the members that `fields` names, and the id."""
        fields = self.fields
        if fields is None or "*" in fields:
            return wire
        return {name: value for name, value in wire.items() if name == "id" or name in fields}

    def listing(
        self,
        name: str,
        rows: Iterable[T],
        *,
        uri: Callable[[T], str],
        wire: Callable[[T], Members],
    ) -> dict[str, Any]:
        """Give a list as it is asked for: `uris`, or an array of objects under its name."""
        found = self.page(rows)
        if self.fields is None:
            return {"uris": [uri(row) for row in found]}
        return {name: [self.chosen(wire(row)) for row in found]}


def _names_in(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def members_of(request: Request) -> Mapping[str, Any]:
    """Give what a body says, nothing for an empty one. Raises MalformedJson, MemberInvalid."""
    data = request.data
    if data is EMPTY or request.stream is None:
        return {}
    if not isinstance(data, dict):
        raise MemberInvalid(name="The body", why="it is an object")
    return data


def id_of(text: str, *, what: str) -> UUID:
    """Give the id that a path or a body names. Raises NothingThere for what is none."""
    found = parse_uuid(text)
    if found is None:
        raise NothingThere(what=what)
    return found
