"""What is planned and not sent yet: called off, or brought up to date."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import orjson
from django.db import connection

from config.kernel import secrets
from notifications.models import NotificationType
from notifications.services.planning import Recipient, Topic, sealed_payload, snapshot_for
from notifications.services.rehearsal import current_rehearsal
from notifications.services.steps import DATED, noted


def cancel(
    topic_id: UUID,
    *,
    organization_id: UUID,
    reason: str,
    types: Iterable[NotificationType] = tuple(NotificationType),
    recipient_ids: Iterable[UUID] | None = None,
) -> int:
    """Cancel what was not handed over yet; return how many notifications that were."""
    if current_rehearsal():
        return 0
    recipients = list(recipient_ids) if recipient_ids is not None else None
    with connection.cursor() as cursor:
        cursor.execute(
            _CANCEL,
            {
                "organization": organization_id,
                "subject": topic_id,
                "types": [str(type_) for type_ in types],
                "recipients": recipients,
                "reason": reason,
            },
        )
        return int(cursor.rowcount)


# What waits for a retry was handed over once, but must not be told late either. What a worker has
# in its hands may still arrive; if this attempt comes to nothing, there is to be no other.
_CANCEL = f"""
WITH concerned AS MATERIALIZED (
    SELECT id, lease_until IS NOT NULL AS is_in_hand FROM notifications_notification
    WHERE organization_id = %(organization)s AND subject_id = %(subject)s
        AND type = ANY(%(types)s) AND status IN ('INITIALIZED', 'PENDING')
        AND due_at IS NOT NULL AND NOT is_submitted
        AND (%(recipients)s::uuid[] IS NULL OR recipient_id = ANY(%(recipients)s::uuid[]))
    FOR UPDATE
), last_attempt AS (
    UPDATE notifications_notification AS notification
    SET not_after = LEAST(not_after, statement_timestamp())
    FROM concerned WHERE notification.id = concerned.id AND is_in_hand
), changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, lease_until = NULL, message = %(reason)s,
        attempt = attempt + 1, {DATED}
    FROM concerned WHERE notification.id = concerned.id AND NOT is_in_hand
    RETURNING notification.*, gen_random_uuid() AS event_id
)
{noted("changed")}
"""


def refresh(topic: Topic, recipients: Iterable[Recipient]) -> None:
    """Bring what is still to be sent up to date: new texts, names, addresses and links."""
    if current_rehearsal():
        return
    rows = [
        {
            "id": recipient.id,
            "first_name": recipient.first_name,
            "last_name": recipient.last_name,
            "addresses": {str(key): address for key, address in recipient.addresses.items()},
            "link": secrets.seal(recipient.link, purpose="notification-link").hex()
            if recipient.link
            else None,
            "locale": recipient.locale or None,
        }
        for recipient in recipients
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _REFRESH,
            {
                "rows": orjson.dumps(rows).decode(),
                "organization": topic.organization_id,
                "subject": topic.id,
                "snapshot": orjson.dumps(topic.snapshot).decode(),
                "texts": orjson.dumps(topic.texts).decode(),
                "body": sealed_payload(topic),
            },
        )


_REFRESH = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given(
        id uuid, first_name text, last_name text, addresses jsonb, link text, locale text)
), fresh AS (
    UPDATE notifications_notification
    SET snapshot = {snapshot_for("(SELECT locale FROM given WHERE given.id = recipient_id)")}
        -- What it says stays; the words of a request do not become those of a booking.
        || CASE WHEN snapshot ? 'wording' THEN jsonb_build_object('wording', snapshot -> 'wording')
            ELSE '{{}}' END
    WHERE organization_id = %(organization)s AND subject_id = %(subject)s
        AND status IN ('INITIALIZED', 'PENDING') AND due_at IS NOT NULL AND lease_until IS NULL
        AND NOT is_submitted
        -- The word that something is called off is about what it was.
        AND type <> 'CANCELLED'
    RETURNING id, channel, recipient_id,
        -- What has its number in a feed keeps its bytes; what tells of an event tells of then.
        channel = 'WEBHOOKS' AND scheduled_for IS NOT NULL AND feed_sequence IS NULL AS is_open
)
UPDATE notifications_notificationcontent AS content
SET facts = %(texts)s::jsonb,
    first_name = COALESCE(given.first_name, content.first_name),
    last_name = COALESCE(given.last_name, content.last_name),
    address = CASE WHEN given.id IS NULL THEN content.address
        ELSE COALESCE(given.addresses ->> fresh.channel, '') END,
    link = CASE WHEN given.id IS NULL THEN content.link ELSE decode(given.link, 'hex') END,
    body = CASE WHEN fresh.is_open THEN %(body)s::bytea ELSE content.body END
FROM fresh LEFT JOIN given ON given.id = fresh.recipient_id
WHERE content.notification_id = fresh.id
"""
