"""The outside issuer: its keys, and the tokens that it signs with them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings

from agents.errors import Unauthenticated
from agents.services.tokens import LEEWAY, UNREADABLE, Claims, has_expired
from config.kernel import http

logger = logging.getLogger(__name__)

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
# Nobody looks at the id of a token that is not ours, and many issuers give none.
REQUIRED_CLAIMS = ["exp", "iat", "aud", "iss", "sub"]
KEPT = timedelta(hours=1)
# A token with an invented key id must not make us ask the issuer each time.
ASKED_AT_MOST_EVERY = timedelta(minutes=1)

# Seconds; requests wait for it.
ANSWERS_WITHIN = 3.0

Keys = Mapping[str | None, jwt.PyJWK]


class KeySet:
    """The keys of an issuer, read when they are needed and again when they have changed."""

    def __init__(self, source: str, algorithm: str) -> None:
        self._source = source
        self._algorithm = algorithm
        self._keys: Keys = {}
        self._read_at = self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def key(self, key_id: str | None) -> jwt.PyJWK:
        """Give one key; without an id the only one.

        Raises Unauthenticated when it is unknown or the keys cannot be had.
        """
        now = time.monotonic()
        with self._lock:
            too_old = now - self._read_at > KEPT.total_seconds()
            may_ask = now - self._asked_at > ASKED_AT_MOST_EVERY.total_seconds()
            if (too_old or self._find(key_id) is None) and may_ask:
                self._read(now)
            elif too_old:
                self._keys = {}
            key = self._find(key_id)
        if key is None:
            raise Unauthenticated
        return key

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _read(self, now: float) -> None:
        self._asked_at = now
        try:
            self._keys = parse_keys(load(self._source), algorithm=self._algorithm)
            self._read_at = now
        except (OSError, ValueError) as error:
            # Closed: without keys that can be trusted nobody is let in.
            self._keys = {}
            logger.warning("The keys of the outside issuer cannot be read: %s", error)


def load(source: str) -> str:
    """Give the text of a JWKS: of an address, of a file, or itself.

    Raises OSError, ValueError.
    """
    if source.lstrip().startswith("{"):
        return source
    if source.startswith(("http://", "https://")):
        return _fetched(source)
    return Path(source).read_text(encoding="utf-8")


def _fetched(url: str) -> str:
    try:
        answer = http.fetch(http.Request(method="GET", url=url, deadline=ANSWERS_WITHIN))
    except http.OutgoingError as error:
        raise ValueError(error.reason) from None
    if answer.status != 200 or answer.is_cut:
        raise ValueError(f"the answer is {answer.status}, or too long")
    return answer.body.decode()


def parse_keys(text: str, *, algorithm: str) -> Keys:
    """Give the keys of a JWKS that can sign with the algorithm, by their ids.

    Raises ValueError.
    """
    document = json.loads(text)
    match document:
        case {"keys": [*entries]}:
            pass
        case _:
            raise ValueError("a JWKS has a list of keys")
    keys: dict[str | None, jwt.PyJWK] = {}
    for entry in entries:
        if not (isinstance(entry, dict) and _signs(entry, algorithm)):
            continue
        try:
            keys[entry.get("kid")] = jwt.PyJWK(entry, algorithm=algorithm)
        except UNREADABLE:
            logger.warning("A key of the outside issuer cannot be read and is left out.")
    return keys


def _signs(entry: dict[str, Any], algorithm: str) -> bool:
    return (
        entry.get("kty") == ALGORITHMS[algorithm]
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
        and isinstance(entry.get("kid"), str | None)
    )


_key_sets: dict[tuple[str, str], KeySet] = {}


def _key_set() -> KeySet:
    issuer = settings.AGENTS_OUTSIDE_ISSUER
    wanted = (issuer["jwks"], issuer["algorithm"])
    return _key_sets.setdefault(wanted, KeySet(*wanted))


def is_configured() -> bool:
    """Tell whether tokens of an outside issuer are taken."""
    return bool(settings.AGENTS_OUTSIDE_ISSUER["issuer"])


def has_signed(token: str) -> bool:
    """Tell whether a token names the outside issuer: which does not prove anything yet."""
    if not is_configured():
        return False
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except UNREADABLE:
        return False
    return bool(claims.get("iss") == settings.AGENTS_OUTSIDE_ISSUER["issuer"])


def read_outside(token: str) -> Claims:
    """Give the claims of a token that the outside issuer signed, for us, and that is valid now.

    Raises Unauthenticated.
    """
    issuer = settings.AGENTS_OUTSIDE_ISSUER
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        claims: Claims = jwt.decode(
            token,
            _key_set().key(key_id),
            algorithms=[issuer["algorithm"]],
            issuer=issuer["issuer"],
            audience=issuer["audience"],
            leeway=LEEWAY,
            options={"require": REQUIRED_CLAIMS, "enforce_minimum_key_length": True},
        )
    except UNREADABLE:
        raise Unauthenticated from None
    if has_expired(claims):
        raise Unauthenticated
    return claims


@dataclass(frozen=True, kw_only=True)
class ClaimNames:
    """Where the outside issuer writes what; without a name for roles those of the row hold."""

    roles: str
    organization: str
    conference: str


def claim_names() -> ClaimNames:
    """Give the claim names of the settings."""
    issuer = settings.AGENTS_OUTSIDE_ISSUER
    return ClaimNames(
        roles=issuer["roles_claim"],
        organization=issuer["organization_claim"],
        conference=issuer["conference_claim"],
    )


def claim(claims: Claims, name: str) -> object:
    """Give a claim by its name, or by its path as in `realm_access.roles`; None if not there."""
    if not name or name in claims:
        return claims.get(name)
    value: object = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
