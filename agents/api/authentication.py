"""What a caller proves itself by: a token, ours or the outside issuer's, or a one-time password."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication

from agents.errors import CodeRefused, Unauthenticated
from agents.services.callers import actor_of
from config.kernel import limits

if TYPE_CHECKING:
    from rest_framework.request import Request

    from config.kernel.actors import Actor

# A user name and a code, in base64.
_BASIC_LENGTH = 2 * limits.EMAIL_LENGTH


@dataclass(frozen=True)
class Authenticated:
    """What `request.auth` is: who asks, made once from the credentials."""

    actor: Actor


class TokenAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer <token>`, and the bare token."""

    def authenticate(self, request: Request) -> tuple[None, Authenticated]:
        """Give who asks.

        Raises Unauthenticated, also when nothing is sent.
        """
        view = (request.parser_context or {}).get("view")
        origin = getattr(view, "surface", "api")
        return None, Authenticated(actor_of(parse_bearer(request), origin=origin))

    def authenticate_header(self, request: Request) -> str:
        """Give the challenge of a 401."""
        return "Bearer"


def actor_of_request(request: Request) -> Actor:
    """Give who asks.

    Raises Unauthenticated.
    """
    proof: object = request.auth
    if not isinstance(proof, Authenticated):
        raise Unauthenticated
    return proof.actor


def _words(request: Request) -> list[str]:
    return str(request.META.get("HTTP_AUTHORIZATION", "")).split()


def parse_bearer(request: Request) -> str:
    """Give the token of a request.

    Raises Unauthenticated when there is none.
    """
    match _words(request):
        case [token]:
            return token
        case [scheme, token] if scheme.lower() == "bearer":
            return token
    raise Unauthenticated


@dataclass(frozen=True)
class BasicCredentials:
    """An address and the one-time password that proves it; an empty one asks for a new one."""

    username: str
    password: str = field(repr=False)


def parse_basic(request: Request) -> BasicCredentials:
    """Give the HTTP Basic credentials of a request.

    Raises CodeRefused when there are none that can be read, or another scheme's.
    """
    match _words(request):
        case [scheme, encoded] if scheme.lower() == "basic" and len(encoded) <= _BASIC_LENGTH:
            return _decoded(encoded)
    raise CodeRefused


def _decoded(encoded: str) -> BasicCredentials:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise CodeRefused from None
    username, colon, password = text.partition(":")
    if not colon or not username.strip() or not text.isprintable():
        raise CodeRefused
    return BasicCredentials(username.strip(), password)
