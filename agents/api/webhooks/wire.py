"""Subscriptions as the API shows them: members without a value left out, and no secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from config.kernel.time import format_instant
from notifications.credentials import auth_of, secret_headers_of
from notifications.models import Subscription
from notifications.services.feed import FeedItem, FeedPage
from notifications.services.subscriptions import WithSecret, state_of
from notifications.services.trial import Trial
from notifications.transports.webhooks.delivery import Basic
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.webhook_rules import Auth

JsonObject = dict[str, Any]


def _present(**members: object) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}


def _instant(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment is not None else None


def subscription(one: Subscription) -> JsonObject:
    """Give a subscription (schema WebhookSubscription)."""
    return _present(
        id=str(one.pk),
        applicationId=str(one.application_id),
        name=one.name or None,
        url=one.url,
        format=one.format,
        eventTypes=list(one.types),
        headers=one.headers,
        secretHeaders=sorted(secret_headers_of(one)),
        authentication=_authentication(auth_of(one)),
        contact=one.contact or None,
        active=one.is_active,
        state=state_of(one).value,
        failingSince=_instant(one.failing_since),
        pausedAt=_instant(one.paused_at),
        endedReason=one.ended_reason or None,
        lastSequence=one.last_sequence,
        createdAt=_instant(one.created_at),
    )


def with_secret(made: WithSecret) -> JsonObject:
    """Give a subscription with its secret (schema NewWebhookSubscription)."""
    return {**subscription(made.subscription), "secret": made.secret}


def _authentication(auth: Auth) -> JsonObject:
    match auth:
        case Basic():
            return {"type": "BASIC", "username": auth.username}
        case ClientCredentials():
            return _present(
                type="OAUTH2",
                tokenUrl=auth.token_url,
                clientId=auth.client_id,
                scope=auth.scope or None,
            )
        case _:
            return {"type": "NONE"}


def feed_page(page: FeedPage) -> JsonObject:
    """Give a part of a feed (schema WebhookEvents)."""
    return {
        "content": [_feed_item(item) for item in page.items],
        "lastSequence": page.last_sequence,
        "hasMore": page.has_more,
    }


def _feed_item(item: FeedItem) -> JsonObject:
    return {
        "sequence": item.sequence,
        "id": str(item.id),
        "type": item.type,
        "timestamp": format_instant(item.occurred_at),
        # The very bytes that were sent.
        "payload": None if item.payload is None else orjson.Fragment(item.payload),
        "status": item.status,
    }


def trial(one: Trial) -> JsonObject:
    """Give what came of a test (schema WebhookTestResult)."""
    return _present(
        delivered=one.is_delivered,
        status=one.status,
        reason=one.reason or None,
        durationMs=round(one.duration.total_seconds() * 1000),
    )
