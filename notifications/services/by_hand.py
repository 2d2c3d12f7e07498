"""What people do with single notifications: have one sent again, or keep one from being sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from config.kernel.actors import Actor
from config.kernel.ids import uuid7
from notifications.errors import (
    NotificationErased,
    NotificationNotCancellable,
    NotificationNotRetriable,
    NotificationTooLate,
    SubscriptionEnded,
)
from notifications.models import Channel, Notification, NotificationContent, Subscription
from notifications.nudges import nudge
from notifications.services.steps import DATED, noted

_BY_HAND = "Sent again by hand."
_CANCELLED_BY_HAND = "Cancelled by hand."


@transaction.atomic
def retry_notification(
    notification_id: UUID, *, subject_id: UUID, actor: Actor, now: datetime
) -> Notification:
    """Have a notification sent again now, its schedule of retries from the beginning.

    Raises NotificationNotFound, NotificationNotRetriable, NotificationTooLate,
    NotificationErased, SubscriptionEnded.
    """
    one = _lock(notification_id, subject_id=subject_id, actor=actor)
    if not one.can_retry:
        raise NotificationNotRetriable
    _check_can_be_sent(one, actor=actor, now=now)
    _change(_RETRY, one, message=_BY_HAND)
    transaction.on_commit(lambda: nudge(Channel(one.channel)))
    return _read(one, actor=actor)


@transaction.atomic
def cancel_notification(notification_id: UUID, *, subject_id: UUID, actor: Actor) -> Notification:
    """Keep a notification from being sent.

    Raises NotificationNotFound, NotificationNotCancellable.
    """
    one = _lock(notification_id, subject_id=subject_id, actor=actor)
    if not one.can_cancel:
        raise NotificationNotCancellable
    _change(_CANCEL, one, message=_CANCELLED_BY_HAND)
    return _read(one, actor=actor)


def _lock(notification_id: UUID, *, subject_id: UUID, actor: Actor) -> Notification:
    rows = Notification.objects.visible_to(actor).of(subject_id).with_outdated()
    return rows.lock(notification_id)


def _check_can_be_sent(one: Notification, *, actor: Actor, now: datetime) -> None:
    if one.not_after is not None and one.not_after <= now:
        raise NotificationTooLate
    # A webhook goes out without its payload too: it names the appointment.
    if one.channel == Channel.WEBHOOKS:
        ours = Subscription.objects.visible_to(actor).filter(pk=one.recipient_id, is_active=True)
        if not ours.exists():
            raise SubscriptionEnded
    elif not NotificationContent.objects.filter(pk=one.pk, erased_at__isnull=True).exists():
        raise NotificationErased


def _change(statement: str, one: Notification, *, message: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": one.pk, "event_id": uuid7(), "message": message})


def _read(one: Notification, *, actor: Actor) -> Notification:
    rows = Notification.objects.visible_to(actor).with_outdated().select_related("content")
    return rows.get(pk=one.pk)


# The row is locked, and a worker takes only what it can lock: nobody else has it in hand. The
# attempt moves on all the same, so that nothing of an earlier one can be written down late.

# What waits for a retry has counted it already.
_RETRY = f"""
WITH changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'PENDING', due_at = statement_timestamp(), schedule_step = 0, is_held = false,
        is_submitted = false, attempt = attempt + 1, message = %(message)s, {DATED},
        retry_count = retry_count + CASE status WHEN 'FAILED' THEN 1 ELSE 0 END
    WHERE id = %(id)s
    RETURNING notification.*, %(event_id)s::uuid AS event_id
)
{noted("changed")}
"""

_CANCEL = f"""
WITH changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, attempt = attempt + 1, message = %(message)s, {DATED}
    WHERE id = %(id)s
    RETURNING notification.*, %(event_id)s::uuid AS event_id
)
{noted("changed")}
"""
