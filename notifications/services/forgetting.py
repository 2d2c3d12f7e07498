"""Forgetting persons: addresses, names and texts go; that something was told stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from notifications.models import NotificationContent
from notifications.models.kinds import FINAL
from notifications.services.rehearsal import current_rehearsal


def forget(
    topic_id: UUID,
    *,
    organization_id: UUID,
    now: datetime,
    recipient_ids: Iterable[UUID] | None = None,
) -> None:
    """Have the persons of a topic forgotten as soon as nothing more is to be sent to them.

    What was planned in the same transaction, such as the word of the cancellation, still goes out.
    """
    if current_rehearsal():
        return
    contents = NotificationContent.objects.filter(
        organization_id=organization_id,
        notification__subject_id=topic_id,
        erase_at__isnull=True,
    )
    if recipient_ids is not None:
        contents = contents.filter(notification__recipient_id__in=list(recipient_ids))
    contents.update(erase_at=now)


def erase_forgotten(*, now: datetime, limit: int = 1000) -> int:
    """Erase what is to be forgotten and has nothing left to send; return how many contents."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ERASE, {"now": now, "final": sorted(str(one) for one in FINAL), "limit": limit}
        )
        return int(cursor.rowcount)


_ERASE = """
UPDATE notifications_notificationcontent AS content
SET address = '', first_name = '', last_name = '', facts = '{}', link = NULL,
    body = NULL,    subject = '', text = '', html = '', erased_at = %(now)s
FROM (
    SELECT due.notification_id
    FROM notifications_notificationcontent AS due
    JOIN notifications_notification AS notification ON notification.id = due.notification_id
    WHERE due.erase_at <= %(now)s AND due.erased_at IS NULL
        AND notification.status = ANY(%(final)s)
    ORDER BY due.erase_at
    LIMIT %(limit)s
    FOR UPDATE OF due SKIP LOCKED
) AS forgotten
WHERE content.notification_id = forgotten.notification_id
"""
