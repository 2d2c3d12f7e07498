"""Who is at the desk: HTTP Basic on every request, the cookie that it sets, or a token of ours.

A password that was right is remembered in the process, because to hash it takes a tenth of a
second: by an HMAC over a key of the process, the user name, the stored hash and the password, so
that a changed password is not among them. The row of the user is read every time, in one
statement, so that whoever is shut out is so at once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password

from agents.errors import Unauthenticated
from agents.models import DeskCookie, DeskSession, Organization, User
from agents.services import counters, desk_cookies
from agents.services.callers import actor_of
from agents.services.desk_cookies import Cookie
from agents.services.tokens import version_of
from config.kernel import limits, prepared
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.secrets import same

ORIGIN = "contact-center"
CHALLENGE = 'Basic realm="Frontdesk", charset="UTF-8"'

_KNOWN_ROLES = {str(role): role for role in Role}
# A user name and a password of the greatest length, in base64.
_BASIC_LENGTH = 8 * 1024


@dataclass(frozen=True, kw_only=True)
class DeskCaller:
    """Whoever has proven who it is, as the rows have it now."""

    user_id: UUID
    # None for operators of the installation.
    organization_id: UUID | None
    roles: frozenset[Role]
    is_operator: bool
    must_change_password: bool
    # Those of the organisation, by the names that desktops know.
    features: frozenset[str]
    # The cookie that the request carries, and that counts; the one that its answer is to set.
    cookie: str | None = field(default=None, repr=False)
    cookie_to_set: str | None = field(default=None, repr=False)
    # When a desktop of the caller was last written down to be there; None while none is at work.
    desk_seen_at: datetime | None = None
    # Whether the cookie alone proved it: a browser sends it by itself.
    is_proven_by_cookie: bool = False

    @cached_property
    def actor(self) -> Actor:
        """Give whoever commands are carried out for."""
        return Actor(
            kind=ActorKind.USER,
            id=str(self.user_id),
            organization_id=self.organization_id,
            roles=self.roles,
            origin=ORIGIN,
            correlation_id=current_correlation_id(),
        )


def prove(authorization: str, cookie: str, *, address: str, now: datetime) -> DeskCaller:
    """Give whoever the header Authorization proves, or without one the session cookie.

    Raises Unauthenticated, alike in every case, and TooManyAttempts.
    """
    match authorization.split():
        case [scheme, encoded] if scheme.lower() == "basic":
            return _by_password(encoded, cookie, address=address, now=now)
        case [scheme, token] if scheme.lower() == "bearer":
            return _by_token(token)
        case [token]:
            return _by_token(token)
        case [] if cookie:
            return _by_cookie(cookie, now=now)
    raise unauthenticated()


def unauthenticated() -> Unauthenticated:
    """Give the refusal that tells a client how to prove itself here."""
    return Unauthenticated(challenge=CHALLENGE)


# --- The row: whoever asks, what its organisation has, and how its cookie stands ----------------


class _Row(NamedTuple):
    """Made for every request, so it is as cheap as it can be; in the order of the statement."""

    user_id: UUID
    organization_id: UUID | None
    roles: list[str]
    password: str
    is_superuser: bool
    must_change_password: bool
    is_let_in: bool
    features: list[str]
    seen_at: datetime | None
    ended_at: datetime | None
    desk_seen_at: datetime | None


_USERS, _HOUSES = User._meta.db_table, Organization._meta.db_table
_COOKIES, _DESKS = DeskCookie._meta.db_table, DeskSession._meta.db_table
_ROW = f"""
    SELECT one.id, one.organization_id, one.roles, one.password, one.is_superuser,
           one.change_password_on_first_login,
           one.is_active AND (house.is_active OR one.organization_id IS NULL),
           coalesce(house.features, '{{}}'), cookie.seen_at, cookie.ended_at, desk.seen_at
    FROM {_USERS} AS one
    LEFT JOIN {_HOUSES} AS house ON house.id = one.organization_id
    LEFT JOIN {_DESKS} AS desk ON desk.user_id = one.id
    LEFT JOIN {_COOKIES} AS cookie ON cookie.digest = %(digest)s AND cookie.user_id = one.id
"""  # noqa: S608  # the names of our own tables
_BY_NAME = f"{_ROW} WHERE one.username = %(username)s"
_BY_ID = f"{_ROW} WHERE one.id = %(user_id)s"


def _row_of(statement: str, params: dict[str, Any]) -> _Row | None:
    rows = prepared.fetch(statement, {"digest": b"", **params})
    if not rows:
        return None
    return _Row(*rows[0])


def _caller(row: _Row, **proof: Any) -> DeskCaller:
    return DeskCaller(
        user_id=row.user_id,
        organization_id=row.organization_id,
        roles=frozenset(_KNOWN_ROLES[role] for role in row.roles),
        is_operator=row.is_superuser and row.organization_id is None,
        must_change_password=row.must_change_password,
        features=frozenset(row.features),
        desk_seen_at=row.desk_seen_at,
        **proof,
    )


# --- Basic --------------------------------------------------------------------------------------


def _by_password(encoded: str, cookie: str, *, address: str, now: datetime) -> DeskCaller:
    username, password = _decoded(encoded)
    sent = desk_cookies.read(cookie, now=now) if cookie else None
    row = _row_of(_BY_NAME, {"username": username, "digest": sent.digest if sent else b""})
    if row is None:
        _refuse(username, address=address, now=now)
    _check(username, password, row, address=address, now=now)
    if not row.is_let_in:
        raise unauthenticated()
    if sent is not None and _counts(sent, row, now=now):
        return _caller(row, cookie=sent.text)
    made = desk_cookies.make(row.user_id, row.password, now=now)
    return _caller(row, cookie_to_set=made)


def _decoded(encoded: str) -> tuple[str, str]:
    if len(encoded) > _BASIC_LENGTH:
        raise unauthenticated()
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise unauthenticated() from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Before RFC 7617 clients sent ISO 8859-1.
        text = data.decode("latin-1")
    username, colon, password = text.partition(":")
    if not colon or not username or "\0" in text or len(password) > limits.PASSWORD_LENGTH:
        raise unauthenticated()
    return username.strip().lower(), password


class _Memory:
    """The credentials that were found to be right, the oldest forgotten first."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        # A desktop that starts sends ten requests at once: one of them hashes, the others wait.
        self._turns = [threading.Lock() for _ in range(64)]

    def key_of(self, username: str, password: str, stored: str) -> bytes:
        """Give what these three are known by in this process."""
        parts = (username.encode("utf-8", "surrogatepass"), stored.encode())
        message = b"\0".join([*parts, password.encode("utf-8", "surrogatepass")])
        return hmac.digest(self._key, message, "sha256")

    def knows(self, key: bytes) -> bool:
        """Tell whether it was right before."""
        with self._lock:
            if key not in self._known:
                return False
            self._known.move_to_end(key)
            return True

    def keep(self, key: bytes) -> None:
        """Remember that it was right."""
        with self._lock:
            self._known[key] = None
            while len(self._known) > limits.DESK_REMEMBERED:
                self._known.popitem(last=False)

    def turn_of(self, key: bytes) -> threading.Lock:
        """Give the lock under which one key is checked."""
        return self._turns[key[0] % len(self._turns)]


_memory = _Memory()


def _check(username: str, password: str, row: _Row, *, address: str, now: datetime) -> None:
    key = _memory.key_of(username, password, row.password)
    if _memory.knows(key):
        return
    with _memory.turn_of(key):
        if _memory.knows(key):
            return
        attempt = _attempt(username, address=address, now=now)
        if not check_password(password, row.password):
            raise unauthenticated()
        attempt.give_back()
        _memory.keep(key)


def _refuse(username: str, *, address: str, now: datetime) -> NoReturn:
    _attempt(username, address=address, now=now)
    # As much work as for a user who is there.
    make_password("nobody")
    raise unauthenticated()


def _attempt(username: str, *, address: str, now: datetime) -> counters.Attempt:
    network = counters.network_of(address)
    return counters.take(
        (counters.DESK_LOGINS, f"{username}\0{network}"),
        (counters.DESK_LOGINS_PER_NAME, username),
        (counters.LOGINS_PER_ADDRESS, network),
        now=now,
    )


# --- The cookie, and tokens -----------------------------------------------------------------------


def _by_cookie(text: str, *, now: datetime) -> DeskCaller:
    sent = desk_cookies.read(text, now=now)
    if sent is None:
        raise unauthenticated()
    row = _row_of(_BY_ID, {"user_id": sent.user_id, "digest": sent.digest})
    if row is None or not row.is_let_in or not _counts(sent, row, now=now):
        raise unauthenticated()
    desk_cookies.note_use(sent, seen_at=row.seen_at, now=now)
    return _caller(row, cookie=text, is_proven_by_cookie=True)


def _counts(sent: Cookie, row: _Row, *, now: datetime) -> bool:
    return (
        sent.user_id == row.user_id
        and same(sent.version, version_of(row.password))
        and desk_cookies.is_open(sent, seen_at=row.seen_at, ended_at=row.ended_at, now=now)
    )


def _by_token(token: str) -> DeskCaller:
    # A token lives shorter than a cookie and may name fewer roles: it is given none.
    try:
        actor = actor_of(token, origin=ORIGIN)
    except Unauthenticated:
        raise unauthenticated() from None
    row = _row_of(_BY_ID, {"user_id": UUID(actor.id)}) if actor.kind == ActorKind.USER else None
    if row is None or not row.is_let_in:
        raise unauthenticated()
    return DeskCaller(
        user_id=row.user_id,
        organization_id=row.organization_id,
        roles=actor.roles,
        is_operator=False,
        must_change_password=row.must_change_password,
        features=frozenset(row.features),
        desk_seen_at=row.desk_seen_at,
    )
