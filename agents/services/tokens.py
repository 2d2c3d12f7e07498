"""Tokens of our own: what they say, how they are made, and how they are read.

simplejwt makes them, PyJWT reads them; nobody else in the product knows either.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from agents.errors import Unauthenticated
from agents.models import ApiClient, User
from config.kernel.actors import ActorKind, Role

Claims = dict[str, Any]
Use = Literal["access", "refresh"]

ALGORITHM = "HS256"
# RFC 7519, 4.1.4: clocks of our own machines differ a little; `exp` is exact all the same.
LEEWAY = timedelta(seconds=5)
REQUIRED_CLAIMS = ["exp", "iat", "aud", "iss", "sub", "jti"]
# PyJWT's own errors, and what a nested, huge or oddly typed claim can raise beside them.
UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class CustomerPass:
    """What lets a customer in: the participant's ticket, while it has not been revoked."""

    participant_id: UUID
    organization_id: UUID
    application_id: UUID
    appointment_id: UUID
    # None while the appointment has no conference.
    conference_id: UUID | None
    ticket_fingerprint: bytes = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class TokenPair:
    access: str = field(repr=False)
    refresh: str = field(repr=False)


# --- Customers: their tickets are rows of another app, which tells us how to find them -----------

TicketLookup = Callable[[str], CustomerPass | None]
ParticipantLookup = Callable[[UUID], CustomerPass | None]
_lookups: list[tuple[TicketLookup, ParticipantLookup]] = []


def register_customer_lookup(
    *, lookup_ticket: TicketLookup, lookup_participant: ParticipantLookup
) -> None:
    """Have tickets and their participants looked up by these two from now on."""
    _lookups[:] = [(lookup_ticket, lookup_participant)]


def pass_of_ticket(ticket: str) -> CustomerPass | None:
    """Give the pass that a ticket stands for, expired or not; None when there is none."""
    return next((by_ticket(ticket) for by_ticket, _ in _lookups), None)


def pass_of_participant(participant_id: UUID) -> CustomerPass | None:
    """Give the pass of a customer; None when it has been revoked."""
    return next((by_participant(participant_id) for _, by_participant in _lookups), None)


# --- Making ---------------------------------------------------------------------------------


def version_of(secret: str | bytes | memoryview) -> str:
    """Give the mark by which a token notices that its holder's secret has been changed."""
    data = secret.encode() if isinstance(secret, str) else bytes(secret)
    # The secret is a salted hash or random already; 72 bits of a hash of it give nothing away.
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:9]).decode()


def tokens_for_user(user: User) -> TokenPair:
    """Make the two tokens of a user who has just proven who it is."""
    claims = _claims(ActorKind.USER, user.pk, user.organization_id, user.roles, user.password)
    return TokenPair(access=_made(AccessToken(), claims), refresh=_made(RefreshToken(), claims))


def access_for_user(user: User) -> str:
    """Make an access token that names the roles which the user has now."""
    return _made(
        AccessToken(),
        _claims(ActorKind.USER, user.pk, user.organization_id, user.roles, user.password),
    )


def access_for_client(client: ApiClient) -> str:
    """Make the access token of an API client."""
    return _made(
        AccessToken(),
        _claims(ActorKind.CLIENT, client.pk, client.organization_id, client.roles, client.digest),
    )


def access_for_customer(customer: CustomerPass) -> str:
    """Make the access token of a customer; it does not outlive the ticket."""
    token = AccessToken()
    if customer.expires_at < token.current_time + settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]:
        token.set_exp(from_time=customer.expires_at, lifetime=timedelta(0))
    claims = _claims(
        ActorKind.CUSTOMER,
        customer.participant_id,
        customer.organization_id,
        [Role.CUSTOMER],
        customer.ticket_fingerprint,
    )
    return _made(token, claims | {"conferenceId": str(customer.appointment_id)})


def _claims(
    kind: ActorKind,
    subject: UUID,
    organization_id: UUID | None,
    roles: list[str],
    secret: str | bytes | memoryview,
) -> Claims:
    return {
        "sub": str(subject),
        "kind": kind.value,
        "organization_id": str(organization_id),
        "roles": [str(role) for role in roles],
        "ver": version_of(secret),
    }


def _made(token: Token, claims: Claims) -> str:
    token.payload |= claims
    return str(token)


# --- Reading --------------------------------------------------------------------------------


def read_own(token: str, *, use: Use) -> Claims:
    """Give the claims of a token that we signed, for us, and that is valid now.

    Raises Unauthenticated.
    """
    try:
        claims = _verified(token)
    except UNREADABLE:
        raise Unauthenticated from None
    if claims.get("token_type") != use or has_expired(claims):
        raise Unauthenticated
    return claims


def _verified(token: str) -> Claims:
    issuer, audience = settings.AGENTS_TOKEN_ISSUER, settings.AGENTS_TOKEN_AUDIENCE
    return dict(_claims_of(token, tuple(settings.SECRET_KEYS), issuer, audience))


# A client sends its token again and again. What was signed stays signed; whether it is over, and
# whether its holder still is who it was, is looked at every time.
@lru_cache(maxsize=1024)
def _claims_of(token: str, keys: tuple[str, ...], issuer: str, audience: str) -> Claims:
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=issuer,
                audience=audience,
                leeway=LEEWAY,
                options={"require": REQUIRED_CLAIMS},
            )
        except jwt.InvalidSignatureError:
            # Signed before the keys were rotated, perhaps.
            continue
    raise Unauthenticated


def has_expired(claims: Claims) -> bool:
    """Tell whether a token is over, without leeway; one whose end is not a number is."""
    end = claims.get("exp")
    return isinstance(end, bool) or not isinstance(end, int | float) or end <= time.time()
