"""A test of a webhook subscription: one signed request, now, that nothing remembers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.conf import settings

from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.ids import uuid7
from config.kernel.outgoing import Pool
from config.kernel.throttling import Rate, limiter
from config.kernel.time import format_instant
from notifications.booking_sample import booking_sample
from notifications.errors import CannotBuild, TooManyTests
from notifications.models import Subscription, WebhookFormat
from notifications.services.subscriptions import read_subscription
from notifications.transports import Outcome, Refused, TryLater
from notifications.transports.webhooks.delivery import Delivery, Target, deliver, target_of

TYPE = "test"
_RATE = Rate(limit=limits.WEBHOOK_TESTS, window=60)
# Ids that nothing has.
_APPOINTMENT = "00000000-0000-7000-8000-000000000001"
_CUSTOMER = "00000000-0000-7000-8000-000000000002"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What the receiver made of the test."""

    is_delivered: bool
    # None: it did not answer.
    status: int | None
    reason: str
    duration: timedelta


def send_test(subscription_id: UUID, *, actor: Actor, now: datetime) -> Trial:
    """Send a sample to a subscription, active or not, and tell what came of it.

    It is in no feed and in no history. Raises SubscriptionNotFound, TooManyTests.
    """
    subscription = read_subscription(subscription_id, actor=actor)
    _take_turn(subscription.organization_id)
    begun = time.monotonic()
    try:
        target = target_of(subscription, subscription.secrets.all(), now=now)
    except CannotBuild as problem:
        outcome: Outcome = Refused(reason=str(problem))
    else:
        delivery = Delivery(
            id=uuid7(),
            type=TYPE,
            occurred_at=now,
            payload=sample_of(subscription, now=now),
            is_booking=subscription.format == WebhookFormat.BOOKING,
            subscription_id=subscription.pk,
        )
        outcome = asyncio.run(_sent(target, delivery, now=now))
    return Trial(
        is_delivered=not isinstance(outcome, TryLater | Refused),
        status=int(outcome.provider_status) if outcome.provider_status.isdecimal() else None,
        reason=outcome.reason if isinstance(outcome, TryLater | Refused) else "",
        duration=timedelta(seconds=time.monotonic() - begun),
    )


def _take_turn(organization_id: UUID) -> None:
    key = f"webhook-test:{organization_id}"
    if wait := limiter(settings.REDIS_URL).wait_for(key, _RATE):
        raise TooManyTests(retry_after=timedelta(seconds=wait))


async def _sent(target: Target, delivery: Delivery, *, now: datetime) -> Outcome:
    pool = Pool()
    try:
        return await deliver(
            pool, target, delivery, deadline=float(limits.WEBHOOK_TEST_SECONDS), now=now
        )
    finally:
        await pool.close()


def sample_of(subscription: Subscription, *, now: datetime) -> bytes:
    """Give an appointment that never was, in the shape that events of its format have."""
    if subscription.format == WebhookFormat.BOOKING:
        return orjson.dumps(booking_sample(now=now))
    start = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    return orjson.dumps(
        {
            "id": _APPOINTMENT,
            "applicationId": str(subscription.application_id),
            "title": "Test of a webhook subscription",
            "notes": "This appointment does not exist.",
            "metadata": {"test": True},
            "start": format_instant(start),
            "end": format_instant(start + timedelta(minutes=30)),
            "duration": "PT30M",
            "timezone": "UTC",
            "locale": "en-US",
            "participants": [{"id": _CUSTOMER, "type": "CUSTOMER", "detailsAvailable": False}],
            "interaction": {"routing": {}, "state": "PENDING"},
            "notificationsActive": False,
        }
    )
