"""What the owners of webhook subscriptions are told by e-mail: that their receiver is away."""

from __future__ import annotations

import logging
import time
from smtplib import SMTPException
from uuid import UUID, uuid5

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from notifications.mime import message_id_of
from notifications.models import Notification, Subscription
from notifications.models.kinds import Channel

logger = logging.getLogger(__name__)

_AT_ONCE = 20
_PAUSE_SECONDS = 60.0
# Of a feed, when the last answer is looked for.
_LOOKED_AT = 1000
_UNTOLD = (
    Q(owner_told_at=None) & (Q(paused_at__isnull=False) | ~Q(ended_reason="")) & ~Q(contact="")
)
# By the monotonic clock: mail that was not taken is not tried again before this.
_again_at: dict[UUID, float] = {}


def tell_owners() -> int:
    """Tell the owners of subscriptions that have paused or ended; return how many were told.

    At least once: it is written down after the mail was handed over.
    """
    now = time.monotonic()
    postponed = [key for key, again_at in _again_at.items() if again_at > now]
    untold = Subscription.objects.filter(_UNTOLD).exclude(pk__in=postponed).order_by("id")
    told = 0
    for key in untold.values_list("pk", flat=True)[:_AT_ONCE]:
        try:
            told += _tell(key)
            _again_at.pop(key, None)
        except Exception:  # one mail must not hold up the others: log, postpone, go on
            logger.exception("The owner of webhook subscription %s could not be told", key)
            _again_at[key] = time.monotonic() + _PAUSE_SECONDS
    return told


@transaction.atomic
def _tell(key: UUID) -> bool:
    # A name is locked, not the row: requests to the receiver go on while a mail server thinks.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"told {key}"])
        [is_ours] = cursor.fetchone()
    subscription = Subscription.objects.filter(_UNTOLD, pk=key).first() if is_ours else None
    if subscription is None:
        return False
    try:
        _mail(subscription).send()
    except SMTPException as error:
        if not _is_final(error):
            raise
        logger.warning("Webhook subscription %s: its contact is refused by the mail server", key)
    # Not if it has come back meanwhile, and not the next pause.
    same = Subscription.objects.filter(
        pk=key, paused_at=subscription.paused_at, ended_reason=subscription.ended_reason
    )
    return bool(same.update(owner_told_at=timezone.now()))


def _is_final(error: SMTPException) -> bool:
    """Whether the server takes no mail for the contact, now or later."""
    # Of SMTPRecipientsRefused: the answer to each.
    refused = getattr(error, "recipients", {})
    return bool(refused) and all(code >= 500 for code, _ in refused.values())


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
    # A name may hold what no header can.
    return " ".join(f"Your webhook {subscription.label} {what}".split())


def _text(subscription: Subscription) -> str:
    last = _last_error(subscription)
    since = subscription.failing_since or subscription.changed_at
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
            f"No request has succeeded since {since:%Y-%m-%d %H:%M} UTC.",
            "We ask your receiver every few minutes with an event that waits. As soon as it takes",
            "that one, everything that waits follows. Nothing is lost meanwhile: the feed of the",
            "subscription has every event, and replay sends again what you choose.",
        ]
    return "\n".join(lines)


def _last_error(subscription: Subscription) -> str:
    """Give what came of the last request that failed, as far as it is near the end of the feed."""
    its = Notification.objects.filter(
        recipient_id=subscription.pk, channel=Channel.WEBHOOKS, feed_sequence__isnull=False
    )
    waiting = its.filter(due_at__isnull=False, is_held=False).order_by("-due_at")
    newest = its.order_by("-feed_sequence")
    for rows in (waiting, newest):
        latest = rows.values_list("updated_at", "error_message")[:_LOOKED_AT]
        if found := [one for one in latest if one[1]]:
            return max(found)[1]
    return ""
