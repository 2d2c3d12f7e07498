"""What a webhook subscription proves itself by, and the headers nobody sees: sealed, and opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import orjson

from config.kernel.secrets import SealBroken, seal, unseal
from notifications.models import Subscription, WebhookAuth
from notifications.transports.webhooks.delivery import Basic
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.webhook_rules import Auth

_HEADERS, _AUTH = "webhook-headers", "webhook-auth"


def secret_headers_of(subscription: Subscription) -> dict[str, str]:
    """Give the headers that are shown to nobody; none when their key is gone."""
    return _opened(subscription.secret_headers, purpose=_HEADERS)


def set_secret_headers(subscription: Subscription, headers: Mapping[str, str]) -> None:
    """Seal headers into the row."""
    subscription.secret_headers = _sealed(headers, purpose=_HEADERS)


def auth_of(subscription: Subscription) -> Auth:
    """Give how its requests prove themselves; with empty members when their key is gone."""
    kept = _opened(subscription.auth_secrets, purpose=_AUTH)
    match WebhookAuth(subscription.auth):
        case WebhookAuth.NONE:
            return WebhookAuth.NONE
        case WebhookAuth.BASIC:
            return Basic(username=kept.get("username", ""), password=kept.get("password", ""))
        case WebhookAuth.OAUTH2:
            return ClientCredentials(
                token_url=kept.get("tokenUrl", ""),
                client_id=kept.get("clientId", ""),
                client_secret=kept.get("clientSecret", ""),
                scope=kept.get("scope", ""),
            )
        case _ as never:
            assert_never(never)


def set_auth(subscription: Subscription, auth: Auth) -> None:
    """Seal into the row how its requests prove themselves."""
    subscription.auth = kind_of(auth)
    subscription.auth_secrets = _sealed(_members_of(auth), purpose=_AUTH)


def kind_of(auth: Auth) -> WebhookAuth:
    """Give the kind of a proof."""
    match auth:
        case Basic():
            return WebhookAuth.BASIC
        case ClientCredentials():
            return WebhookAuth.OAUTH2
        case _:
            return WebhookAuth.NONE


def _members_of(auth: Auth) -> dict[str, str]:
    match auth:
        case Basic():
            return {"username": auth.username, "password": auth.password}
        case ClientCredentials():
            return {
                "tokenUrl": auth.token_url,
                "clientId": auth.client_id,
                "clientSecret": auth.client_secret,
                "scope": auth.scope,
            }
        case _:
            return {}


def _sealed(members: Mapping[str, str], *, purpose: str) -> bytes | None:
    return seal(orjson.dumps(dict(members)).decode(), purpose=purpose) if members else None


def _opened(sealed: bytes | memoryview | None, *, purpose: str) -> dict[str, str]:
    if sealed is None:
        return {}
    try:
        members: dict[str, str] = orjson.loads(unseal(sealed, purpose=purpose))
    except SealBroken:
        return {}
    return members
