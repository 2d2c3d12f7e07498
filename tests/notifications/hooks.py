"""Webhooks of the ledger, receivers that keep what they got, and what became of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from agents.models import Application
from config.kernel.ids import uuid7
from config.kernel.secrets import seal, unseal
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationType,
    RecipientType,
    SigningSecret,
    Subscription,
)
from notifications.transports.webhooks.signing import new_secret
from tests.kernel.receivers import Receiver
from tests.notifications.ledger import make_notification


def make_hook(
    application: Application, receiver: Receiver | None = None, **facts: Any
) -> Subscription:
    """Make a subscription with a secret, whose requests go to the receiver."""
    subscription = Subscription.objects.create(
        organization=application.organization,
        application=application,
        **{"url": receiver.url() if receiver else "https://hooks.example.org/", **facts},
    )
    SigningSecret.objects.create(
        organization=application.organization,
        subscription=subscription,
        sealed=seal(new_secret(), purpose="signing-secret"),
    )
    return subscription


# In one piece: a worker that is at work cancels what belongs to no subscription.
@transaction.atomic
def make_event(
    subscription: Subscription,
    *,
    subject: UUID | None = None,
    sequence: int = 1,
    payload: dict[str, Any] | None = None,
    **facts: Any,
) -> Notification:
    """Make a webhook that is due now."""
    one = make_notification(
        subscription.application,
        type=facts.pop("type", NotificationType.UPDATE),
        channel=Channel.WEBHOOKS,
        subject_sequence=sequence,
        **facts,
    )
    Notification.objects.filter(pk=one.pk).update(
        recipient_type=RecipientType.SYSTEM,
        recipient_id=subscription.pk,
        subject_id=subject or uuid7(),
        cause=f"event {one.pk}",
    )
    body = seal(orjson.dumps(payload or {"title": "Review"}).decode(), purpose="webhook-payload")
    NotificationContent.objects.filter(pk=one.pk).update(body=body)
    one.refresh_from_db()
    return one


@dataclass(frozen=True)
class Got:
    """A request as the receiver had it; its signature was right."""

    id: str
    envelope: dict[str, Any]
    headers: dict[str, str]
    body: bytes


def got(receiver: Receiver, subscription: Subscription) -> list[Got]:
    """Give what the receiver got, verified with the public library."""
    secret = subscription.secrets.latest("created_at")
    webhook = Webhook(unseal(secret.sealed, purpose="signing-secret"))
    found = []
    for request in receiver.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
        headers = {name.decode().lower(): value.decode() for name, _, value in lines}
        found.append(
            Got(
                id=headers["webhook-id"],
                envelope=webhook.verify(body, headers),
                headers=headers,
                body=body,
            )
        )
    return found


def ids(receiver: Receiver, subscription: Subscription) -> list[UUID]:
    """Give the events that the receiver got, in this order."""
    return [UUID(one.id) for one in got(receiver, subscription)]


def make_events(subscription: Subscription, count: int) -> list[Notification]:
    """Make webhooks of as many subjects, due now."""
    return [make_event(subscription) for _ in range(count)]


def come_due() -> None:
    """Let the time of every retry, lease and probe come."""
    past = timezone.now() - timedelta(seconds=1)
    Notification.objects.filter(due_at__isnull=False).update(due_at=past)
    probes_come_due()


def probes_come_due() -> None:
    """Let the time come to ask the receivers that are paused."""
    past = timezone.now() - timedelta(seconds=1)
    Subscription.objects.filter(probe_at__isnull=False).update(probe_at=past)


def numbers(subscription: Subscription) -> list[tuple[int | None, UUID]]:
    """Give the feed as the ledger has it."""
    rows = Notification.objects.filter(recipient_id=subscription.pk, feed_sequence__isnull=False)
    return list(rows.order_by("feed_sequence").values_list("feed_sequence", "id"))


def an_hour_ago() -> datetime:
    return timezone.now() - timedelta(hours=1)


def standing(*events: Notification) -> list[tuple[str, int, str]]:
    """Give status, failed attempts and the provider's word of each."""
    found = {one.pk: one for one in Notification.objects.all()}
    rows = [found[one.pk] for one in events]
    return [(one.status, one.retry_count, one.provider_status) for one in rows]


def fresh(hook: Subscription) -> Subscription:
    return Subscription.objects.get(pk=hook.pk)
