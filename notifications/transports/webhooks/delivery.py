"""How one webhook is written and sent."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never
from uuid import UUID

import orjson

from config.kernel.http import OutgoingError, Request, header_problem
from config.kernel.outgoing import Pool
from config.kernel.secrets import SealBroken, unseal
from config.kernel.time import format_instant
from notifications.errors import CannotBuild
from notifications.models import SigningSecret, Subscription, WebhookAuth
from notifications.transports import Outcome, Refused
from notifications.transports.webhooks import oauth
from notifications.transports.webhooks.answers import outcome_of, outcome_of_failure
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.transports.webhooks.signing import check_secret, signed_headers
from notifications.transports.webhooks.wire import USER_AGENT, post

CONTENT_TYPE = "application/json; charset=utf-8"
# What only we say. An appointment's notificationHeaders never speak for us in these.
_OURS = frozenset(
    {"authorization", "content-type", "user-agent", "x-signature"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """A user name and a password."""

    username: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of Authorization (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A subscription as its requests need it, complete: nothing is looked up any more."""

    subscription_id: UUID
    url: str
    # The application's own, those that are kept secret too.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: Basic | ClientCredentials | None = None
    # Those that are valid, newest first.
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one receiver."""

    id: UUID
    type: str
    occurred_at: datetime
    payload: bytes = field(repr=False)
    # Of the booking webhook; its body names the subscription too.
    is_booking: bool = False
    subscription_id: UUID | None = None


def target_of(
    subscription: Subscription, secrets: Iterable[SigningSecret], *, now: datetime
) -> Target:
    """Open what is sealed of a subscription.

    Raises CannotBuild.
    """
    valid = [each for each in secrets if each.expires_at is None or each.expires_at > now]
    valid.sort(key=lambda secret: secret.created_at, reverse=True)
    if not valid:
        raise CannotBuild("The subscription has no signing secret.")
    headers = {name.lower(): str(value) for name, value in subscription.headers.items()}
    if subscription.secret_headers is not None:
        more = _members(subscription.secret_headers, purpose="webhook-headers")
        headers |= {name.lower(): value for name, value in more.items()}
    return Target(
        subscription_id=subscription.pk,
        url=subscription.url,
        headers=headers,
        auth=_auth_of(subscription),
        secrets=tuple(_opened_secret(each) for each in valid),
    )


def _opened_secret(secret: SigningSecret) -> str:
    text = _unsealed(secret.sealed, purpose="signing-secret")
    try:
        check_secret(text)
    except ValueError:
        raise CannotBuild("A signing secret of the subscription is malformed.") from None
    return text


def _auth_of(subscription: Subscription) -> Basic | ClientCredentials | None:
    auth = WebhookAuth(subscription.auth)
    if auth is WebhookAuth.NONE:
        return None
    if subscription.auth_secrets is None:
        raise CannotBuild("The subscription has no credentials.")
    given = _members(subscription.auth_secrets, purpose="webhook-auth")
    try:
        match auth:
            case WebhookAuth.BASIC:
                return Basic(username=given["username"], password=given["password"])
            case WebhookAuth.OAUTH2:
                return ClientCredentials(
                    token_url=given["tokenUrl"],
                    client_id=given["clientId"],
                    client_secret=given["clientSecret"],
                    scope=given.get("scope") or "",
                )
            case _ as never:
                assert_never(never)
    except KeyError:
        raise CannotBuild("The credentials of the subscription are not complete.") from None


def _members(sealed: bytes | memoryview, *, purpose: str) -> dict[str, str]:
    try:
        members = orjson.loads(_unsealed(sealed, purpose=purpose))
    except orjson.JSONDecodeError:
        members = None
    if not isinstance(members, dict):
        raise CannotBuild("What was sealed of the subscription cannot be read.")
    return {name: value for name, value in members.items() if isinstance(value, str)}


def _unsealed(sealed: bytes | memoryview, *, purpose: str) -> str:
    try:
        return unseal(sealed, purpose=purpose)
    except SealBroken:
        raise CannotBuild("The subscription was sealed with a key that is gone.") from None


def body_of(delivery: Delivery) -> bytes:
    """Give the envelope: the same for the same delivery, with the payload's very bytes in it."""
    if delivery.is_booking:
        # Its payload is the rest of the object (webhook.appointment.post.r21).
        return b'{"id":"%s","webhookConfigurationId":"%s",%s' % (
            str(delivery.id).encode(),
            str(delivery.subscription_id).encode(),
            delivery.payload[1:],
        )
    return b'{"id":"%s","type":"%s","timestamp":"%s","payload":%s}' % (
        str(delivery.id).encode(),
        delivery.type.encode(),
        format_instant(delivery.occurred_at).encode(),
        delivery.payload,
    )


def request_of(
    target: Target, delivery: Delivery, *, bearer: str = "", deadline: float, now: datetime
) -> Request:
    """Write the request; of equal names ours win, then the subscription's, then the appointment's.

    Raises CannotBuild when a header of ours or of the subscription cannot go out.
    """
    body = body_of(delivery)
    try:
        ours = signed_headers(
            str(delivery.id), body, delivery.payload, secrets=target.secrets, now=now
        )
    except ValueError as error:
        raise CannotBuild(str(error)) from None
    if delivery.is_booking:
        # Its contract knows one signature.
        del ours["x-signature"]
    ours |= {"content-type": CONTENT_TYPE, "user-agent": USER_AGENT}
    if isinstance(target.auth, Basic):
        ours["authorization"] = target.auth.header
    elif bearer:
        ours["authorization"] = f"Bearer {bearer}"
    headers = {} if delivery.is_booking else _notification_headers(delivery.payload)
    for name, value in (*target.headers.items(), *ours.items()):
        if problem := header_problem(name, value):
            raise CannotBuild(problem)
    headers |= {name.lower(): value for name, value in target.headers.items()}
    return post(target.url, headers=headers | ours, body=body, deadline=deadline)


def _notification_headers(payload: bytes) -> dict[str, str]:
    """Give the appointment's own headers, as far as they can go out, by lower-case name."""
    if b'"notificationHeaders"' not in payload:
        return {}
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise CannotBuild("The payload cannot be read.") from None
    given = content.get("notificationHeaders") if isinstance(content, dict) else None
    if not isinstance(given, dict):
        return {}
    return {
        name.lower(): value
        for name, value in given.items()
        if isinstance(value, str)
        and name.lower() not in _OURS
        and header_problem(name, value) is None
    }


async def deliver(
    pool: Pool, target: Target, delivery: Delivery, *, deadline: float, now: datetime
) -> Outcome:
    """Send a webhook and say what came of it within the deadline, in seconds.

    Nothing that a receiver or a token service does is an exception.
    """
    until = time.monotonic() + deadline
    try:
        if not isinstance(target.auth, ClientCredentials):
            return await _sent(pool, target, delivery, bearer="", until=until, now=now)
        return await _sent_with_token(pool, target, delivery, target.auth, until=until, now=now)
    except CannotBuild as problem:
        return Refused(reason=str(problem))


async def _sent(
    pool: Pool, target: Target, delivery: Delivery, *, bearer: str, until: float, now: datetime
) -> Outcome:
    left = until - time.monotonic()
    request = request_of(target, delivery, bearer=bearer, deadline=left, now=now)
    try:
        answer = await pool.send(request)
    except OutgoingError as error:
        return outcome_of_failure(error)
    return outcome_of(answer, now=now, is_patient=delivery.is_booking)


async def _sent_with_token(
    pool: Pool,
    target: Target,
    delivery: Delivery,
    credentials: ClientCredentials,
    *,
    until: float,
    now: datetime,
) -> Outcome:
    """Send it with a token; one that is not taken any more is replaced once."""
    tokens = oauth.tokens_of(pool)
    for is_last in (False, True):
        token = await tokens.get(target.subscription_id, credentials, until=until, now=now)
        if not isinstance(token, str):
            return token
        outcome = await _sent(pool, target, delivery, bearer=token, until=until, now=now)
        if is_last or not _is_unauthorized(outcome):
            break
        tokens.forget(target.subscription_id, token)
    return outcome


def _is_unauthorized(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.provider_status == "401"
