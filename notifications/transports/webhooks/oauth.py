"""Tokens for receivers that want one: OAuth 2 client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson

from config.kernel.http import Answer, Blocked, DeadlineExceeded, OutgoingError, header_problem
from config.kernel.outgoing import Pool
from notifications.transports import Outcome, Refused, TryLater
from notifications.transports.webhooks.answers import retry_after
from notifications.transports.webhooks.wire import USER_AGENT, post

_LIFETIME = 300.0
_LIFETIME_MOST = 24 * 60 * 60.0
# A token must not run out on its way to the receiver.
_EARLY = 30.0
_IN_TIME = "The token service did not answer in time."
_clock = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """Where a token is had, and how we prove ourselves there."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


@dataclass(slots=True)
class _Kept:
    """What is known of one subscription's token."""

    credentials: ClientCredentials
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = field(default="", repr=False)
    until: float = 0.0
    failure: Outcome | None = None
    failed_at: float = 0.0

    def usable(self) -> str:
        return self.token if _clock() < self.until else ""


class Tokens:
    """Tokens by subscription, each fetched when it is needed, by one request at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: dict[UUID, _Kept] = {}

    async def get(
        self,
        subscription_id: UUID,
        credentials: ClientCredentials,
        *,
        until: float,
        now: datetime,
    ) -> str | Outcome:
        """Give a token, or what it means for the message that there is none."""
        kept = self._kept.get(subscription_id)
        if kept is None or kept.credentials != credentials:
            kept = self._kept[subscription_id] = _Kept(credentials)
        asked_at = _clock()
        try:
            async with asyncio.timeout(max(until - asked_at, 0)):
                return kept.usable() or await self._fetched(
                    kept, asked_at=asked_at, until=until, now=now
                )
        except TimeoutError:
            return TryLater(reason=_IN_TIME)

    def forget(self, subscription_id: UUID, token: str) -> None:
        """Forget a token that the receiver did not take, unless it has been replaced already."""
        kept = self._kept.get(subscription_id)
        if kept is not None and kept.token == token:
            kept.token = ""
            kept.until = 0.0

    async def _fetched(
        self, kept: _Kept, *, asked_at: float, until: float, now: datetime
    ) -> str | Outcome:
        async with kept.lock:
            # Whoever waited while another asked has its answer, for better or worse.
            if token := kept.usable():
                return token
            if kept.failure is not None and kept.failed_at >= asked_at:
                return kept.failure
            found = await self._asked(kept.credentials, until=until, now=now)
            if isinstance(found, _Token):
                kept.token, kept.until = found.text, found.until
                return found.text
            kept.failure, kept.failed_at = found, _clock()
            return found

    async def _asked(
        self, credentials: ClientCredentials, *, until: float, now: datetime
    ) -> _Token | Outcome:
        form = {"grant_type": "client_credentials"}
        if credentials.scope:
            form["scope"] = credentials.scope
        request = post(
            credentials.token_url,
            headers={
                "accept": "application/json",
                "authorization": _basic(credentials),
                "content-type": "application/x-www-form-urlencoded",
                "user-agent": USER_AGENT,
            },
            body=urlencode(form).encode(),
            deadline=until - _clock(),
        )
        asked_at = _clock()
        try:
            answer = await self._pool.send(request)
        except Blocked as error:
            return Refused(reason=f"The token service: {error.reason}")
        except DeadlineExceeded:
            return TryLater(reason=_IN_TIME)
        except OutgoingError as error:
            return TryLater(reason=f"The token service: {error.reason}")
        return _read(answer, asked_at=asked_at, now=now)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: float


def _basic(credentials: ClientCredentials) -> str:
    # Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
    pair = f"{quote_plus(credentials.client_id)}:{quote_plus(credentials.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _read(answer: Answer, *, asked_at: float, now: datetime) -> _Token | Outcome:
    if answer.status in {400, 401}:
        return Refused(reason=f"The token service does not take our credentials ({answer.status}).")
    if answer.status != 200:
        return TryLater(
            reason=f"The token service answered {answer.status}.",
            after=retry_after(answer, now=now),
        )
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        content = None
    token = content.get("access_token") if isinstance(content, dict) else None
    if not isinstance(token, str) or not token or header_problem("authorization", token):
        return TryLater(reason="The token service answered without a token.")
    return _Token(token, asked_at + _lifetime(content.get("expires_in")))


def _lifetime(given: Any) -> float:
    """Give the seconds for which a token is used: a little less than it lives."""
    try:
        seconds = float(given) if isinstance(given, int | float | str) else _LIFETIME
    except ValueError:
        seconds = _LIFETIME
    # Not a number is neither less nor more.
    seconds = min(seconds, _LIFETIME_MOST) if seconds > 0 else 0.0
    return max(seconds - _EARLY, seconds / 2)


_tokens: WeakKeyDictionary[Pool, Tokens] = WeakKeyDictionary()


def tokens_of(pool: Pool) -> Tokens:
    """Give the tokens that requests through this pool use."""
    if pool not in _tokens:
        _tokens[pool] = Tokens(pool)
    return _tokens[pool]
