"""The queue of the webhooks: whose turn it is, and how each receiver is doing.

Events of one subject are sent in order: a later one when its elder is settled, or has failed three
times. A receiver that fails costs one place, one that has failed for a day is left alone but for a
question now and then, and nothing that waits for it is lost.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from config.kernel.ids import uuid7
from notifications.services.queue import LOST, Claim
from notifications.services.steps import DATED, noted

# An elder that has failed so often holds nobody up any more.
PATIENCE = 3
# At once, over all processes, to a receiver that is well.
_TO_ONE = 128
GONE = "410"
_DELETED = "The webhook subscription was deleted."
_GONE = "The receiver answered 410 Gone: the subscription has ended."


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What became of the requests to one subscription since it was last written down."""

    subscription_id: UUID
    has_succeeded: bool
    is_gone: bool = False
    error: str = ""


@transaction.atomic(durable=True)
def claim_due(*, limit: int) -> list[Claim]:
    """Take webhooks that are due and whose turn it is, from each subscription in its share."""
    taken_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "limit": limit,
                "to_one": _TO_ONE,
                "patience": PATIENCE,
                "lease": settings.NOTIFICATIONS_LEASE.total_seconds(),
                "events": [uuid7() for _ in range(limit)],
                "lost": LOST,
            },
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        probed = {row["recipient_id"] for row in rows if row["is_paused"]}
        if probed:
            cursor.execute(_PROBED, {"ids": list(probed), "pauses": _pauses()})
    return [
        Claim(
            id=row["id"],
            attempt=row["attempt"],
            schedule_step=row["schedule_step"],
            application_id=row["application_id"],
            taken_at=taken_at,
            row=row,
        )
        for row in rows
    ]


def _pauses() -> list[timedelta]:
    pauses: list[timedelta] = settings.WEBHOOKS_PROBES
    return pauses


# Each subscription is looked at by itself, one step down notification_due_to: nobody's backlog is
# read. What is in hand is due again when its lease is over, so it stands at the near future.
_CLAIM = f"""
WITH ready AS MATERIALIZED (
    SELECT subscription.id, paused_at IS NOT NULL AS is_paused,
        paused_at IS NOT NULL OR failing_since IS NOT NULL AS is_failing,
        CASE WHEN paused_at IS NOT NULL OR failing_since IS NOT NULL THEN 1 ELSE %(to_one)s END - (
            SELECT count(*) FROM notifications_notification AS busy
            WHERE busy.recipient_id = subscription.id AND busy.channel = 'WEBHOOKS'
                AND busy.lease_until IS NOT NULL AND busy.due_at > statement_timestamp()
                AND busy.due_at <= statement_timestamp() + %(lease)s * interval '1 second'
        ) AS room
    FROM notifications_subscription AS subscription
    JOIN agents_organization AS organization ON organization.id = subscription.organization_id
    JOIN agents_application AS application ON application.id = subscription.application_id
    WHERE subscription.is_active AND organization.is_active AND organization.notifications_on
        AND application.notifications_active
        AND NOT EXISTS (
            SELECT FROM notifications_channelsettings AS switch
            WHERE switch.application_id = subscription.application_id
                AND switch.channel = 'WEBHOOKS' AND NOT switch.is_on
        )
        AND (paused_at IS NULL OR probe_at <= statement_timestamp())
        AND EXISTS (
            SELECT FROM notifications_notification AS waiting
            WHERE waiting.recipient_id = subscription.id AND waiting.channel = 'WEBHOOKS'
                AND waiting.due_at <= statement_timestamp()
        )
    ORDER BY random()
), picked AS MATERIALIZED (
    SELECT mine.*, ready.is_paused, ready.is_failing FROM ready CROSS JOIN LATERAL (
        SELECT id, due_at AS was_due_at, status AS was_status, lease_until IS NOT NULL AS was_lost
        FROM notifications_notification AS due
        WHERE recipient_id = ready.id AND channel = 'WEBHOOKS' AND NOT is_held
            AND due_at <= statement_timestamp() AND feed_sequence IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM notifications_notification AS elder
                WHERE elder.recipient_id = due.recipient_id AND elder.channel = 'WEBHOOKS'
                    AND elder.subject_id = due.subject_id AND elder.due_at IS NOT NULL
                    AND elder.feed_sequence < due.feed_sequence
                    AND elder.schedule_step < %(patience)s
            )
        ORDER BY due_at LIMIT greatest(ready.room, 0)
        FOR UPDATE SKIP LOCKED
    ) AS mine
    LIMIT %(limit)s
), taken AS (
    UPDATE notifications_notification AS notification
    SET status = 'PENDING', attempt = attempt + 1,
        due_at = statement_timestamp() + lease, lease_until = statement_timestamp() + lease,
        message = CASE WHEN was_lost THEN %(lost)s ELSE '' END, {DATED}
    FROM picked, (SELECT %(lease)s * interval '1 second' AS lease) AS settings
    WHERE notification.id = picked.id
    RETURNING notification.*, picked.was_due_at, picked.was_status, picked.is_paused,
        picked.is_failing
), numbered AS (
    SELECT *, (%(events)s::uuid[])[row_number() OVER ()] AS event_id FROM taken
    WHERE status <> was_status OR message <> ''
), steps AS (
{noted("numbered")}
)
SELECT taken.id, taken.attempt, taken.schedule_step, taken.organization_id, taken.application_id,
    taken.recipient_id, taken.subject_id, taken.type, taken.channel, taken.scheduled_for,
    taken.created_at, taken.is_submitted, taken.provider_status, taken.poll_attempts,
    taken.is_paused, taken.is_failing, content.body, NULL::float AS seconds_left
FROM taken
LEFT JOIN notifications_notificationcontent AS content ON content.notification_id = taken.id
ORDER BY taken.was_due_at, taken.feed_sequence
"""

# The longer it has been away, the rarer it is asked.
_PROBED = """
UPDATE notifications_subscription
SET probe_at = statement_timestamp() + (%(pauses)s::interval[])[
    least(cardinality(%(pauses)s::interval[]), 1 + floor(extract(
        epoch FROM statement_timestamp() - paused_at) / 600)::int)]
WHERE id = ANY(%(ids)s::uuid[]) AND paused_at IS NOT NULL
"""


def note_health(results: Iterable[Health]) -> None:
    """Write down how receivers are doing: well, failing, paused after a day of it, or gone."""
    found = list(results)
    well = [one.subscription_id for one in found if one.has_succeeded]
    failing = [one.subscription_id for one in found if not one.has_succeeded and not one.is_gone]
    with connection.cursor() as cursor:
        if well:
            cursor.execute(_WELL, {"ids": well})
        if failing:
            after = settings.WEBHOOKS_PAUSE_AFTER.total_seconds()
            cursor.execute(_FAILING, {"ids": failing, "after": after})
    for one in found:
        if one.is_gone:
            end_subscription(one.subscription_id)


_WELL = """
UPDATE notifications_subscription
SET failing_since = NULL, paused_at = NULL, probe_at = NULL, owner_told_at = NULL
WHERE id = ANY(%(ids)s::uuid[]) AND (failing_since IS NOT NULL OR paused_at IS NOT NULL)
"""

_FAILING = """
UPDATE notifications_subscription
SET failing_since = coalesce(failing_since, statement_timestamp()),
    paused_at = CASE WHEN failing_since <= statement_timestamp() - %(after)s * interval '1 second'
        THEN coalesce(paused_at, statement_timestamp()) ELSE paused_at END,
    probe_at = CASE WHEN paused_at IS NULL
        AND failing_since <= statement_timestamp() - %(after)s * interval '1 second'
        THEN statement_timestamp() + interval '1 minute' ELSE probe_at END
WHERE id = ANY(%(ids)s::uuid[])
"""


@transaction.atomic
def end_subscription(subscription_id: UUID) -> None:
    """End a subscription whose receiver is gone; what was planned for it is cancelled."""
    with connection.cursor() as cursor:
        cursor.execute(_END, {"id": subscription_id, "reason": _GONE})
    cancel_planned(subscription_id, reason=_GONE)


_END = """
UPDATE notifications_subscription
SET is_active = false, ended_reason = %(reason)s, paused_at = NULL, probe_at = NULL,
    owner_told_at = NULL
WHERE id = %(id)s AND is_active
"""


def cancel_planned(subscription_id: UUID, *, reason: str) -> int:
    """Cancel all that waits for a subscription; return how many webhooks that were."""
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL, {"id": subscription_id, "reason": reason})
        return int(cursor.rowcount)


_CANCEL = f"""
WITH changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, lease_until = NULL, attempt = attempt + 1,
        message = %(reason)s, {DATED}
    WHERE recipient_id = %(id)s AND channel = 'WEBHOOKS' AND due_at IS NOT NULL
    RETURNING notification.*, gen_random_uuid() AS event_id
)
{noted("changed")}
"""


def cancel_orphans() -> int:
    """Cancel what a booking planned for a subscription that was deleted at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL_ORPHANS, {"reason": _DELETED})
        return int(cursor.rowcount)


_CANCEL_ORPHANS = f"""
WITH changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, lease_until = NULL, attempt = attempt + 1,
        message = %(reason)s, {DATED}
    WHERE channel = 'WEBHOOKS' AND due_at <= statement_timestamp() AND feed_sequence IS NULL
        AND NOT EXISTS (
            SELECT FROM notifications_subscription
            WHERE id = notification.recipient_id
        )
    RETURNING notification.*, gen_random_uuid() AS event_id
)
{noted("changed")}
"""


def in_one(results: Sequence[Health]) -> Collection[Health]:
    """Give one word for each subscription: one success among the results is enough."""
    found: dict[UUID, Health] = {}
    for one in results:
        known = found.get(one.subscription_id)
        if known is None or one.is_gone or (one.has_succeeded and not known.is_gone):
            found[one.subscription_id] = one
    return found.values()
