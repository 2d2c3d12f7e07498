"""What the owners of webhook subscriptions are told by e-mail: that their receiver is away."""

from __future__ import annotations

from uuid import uuid5

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notifications.mime import message_id_of
from notifications.models import Notification, Subscription
from notifications.models.kinds import Channel

_AT_ONCE = 20


def tell_owners() -> int:
    """Tell the owners of subscriptions that have paused or ended; return how many were told.

    At least once: it is written down after the mail was handed over.
    """
    told = 0
    while told < _AT_ONCE and _tell_one():
        told += 1
    return told


@transaction.atomic
def _tell_one() -> bool:
    subscription = (
        Subscription.objects.select_for_update(skip_locked=True)
        .filter(Q(paused_at__isnull=False) | ~Q(ended_reason=""), owner_told_at__isnull=True)
        .exclude(contact="")
        .order_by("id")
        .first()
    )
    if subscription is None:
        return False
    _mail(subscription).send()
    subscription.owner_told_at = timezone.now()
    subscription.save(update_fields=["owner_told_at"])
    return True


def _mail(subscription: Subscription) -> EmailMessage:
    moment = subscription.paused_at or subscription.changed_at
    return EmailMessage(
        subject=_subject(subscription),
        body=_text(subscription),
        to=[subscription.contact],
        headers={
            # The same however often it has to be handed over.
            "Message-ID": message_id_of(uuid5(subscription.pk, moment.isoformat())),
            "Auto-Submitted": "auto-generated",
        },
        connection=get_connection(timeout=settings.EMAIL_TIMEOUT),
    )


def _subject(subscription: Subscription) -> str:
    what = "has ended" if subscription.ended_reason else "is paused"
    return f"Your webhook {subscription.label} {what}"


def _text(subscription: Subscription) -> str:
    last = (
        Notification.objects.filter(recipient_id=subscription.pk, channel=Channel.WEBHOOKS)
        .exclude(error_message="")
        .order_by("-updated_at")
        .values_list("error_message", flat=True)
        .first()
    )
    lines = [
        f"Webhook: {subscription.label}",
        f"Id: {subscription.pk}",
        *([f"Last answer: {last}"] if last else []),
        "",
    ]
    if subscription.ended_reason:
        lines += [
            subscription.ended_reason,
            "Nothing more is sent to it. Switch it on again when the receiver is back; its feed",
            "and replay then give what was missed.",
        ]
    else:
        lines += [
            f"No request has succeeded since {subscription.failing_since:%Y-%m-%d %H:%M} UTC.",
            "We ask your receiver every few minutes with the oldest event. As soon as it takes",
            "that one, everything that waits follows in order. Nothing is lost meanwhile.",
        ]
    return "\n".join(lines)
