"""The queue of the webhooks: whose turn it is, and how each receiver is doing.

Events of one subject are sent in order: a later one when its elder is settled, or has failed three
times. A receiver that fails costs one place, one that has failed for a day is left alone but for a
question now and then, and nothing that waits for it is lost.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from config.kernel.database import retrying
from config.kernel.ids import uuid7
from config.kernel.prepared import execute, fetch
from notifications.models.kinds import WebhookFormat
from notifications.services.queue import LOST, Claim
from notifications.services.steps import DATED, noted
from notifications.services.switches import switched_off

# An elder that has failed so often holds nobody up any more.
PATIENCE = 3
# At once, over all processes, to a receiver that is well; and to one that has not shown yet how
# quick it is, so that several that hang do not fill a worker.
_TO_ONE, _AT_FIRST = 64, 16
# What a receiver has shown is worth something for so long.
_SHOWN_SECONDS = 5.0
GONE = "410"
DELETED = "The webhook subscription was deleted."
_GONE = "The receiver answered 410 Gone: the subscription has ended."
_BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What became of the requests to one subscription since it was last written down."""

    subscription_id: UUID
    has_succeeded: bool
    is_gone: bool = False


class Shares:
    """How many requests at once each receiver has shown to bear: one more with each that it took.

    Like the window of TCP it doubles with every round trip, and begins anew after a failure.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[int, float]] = {}

    def note(self, subscription_id: UUID, *, has_succeeded: bool) -> None:
        """Learn from what became of a request."""
        if has_succeeded:
            size, _ = self._known.get(subscription_id, (_AT_FIRST, 0.0))
            self._known[subscription_id] = (min(size + 1, _TO_ONE), time.monotonic())
        else:
            self._known.pop(subscription_id, None)

    def current(self, *, answered: Iterable[UUID] = ()) -> Mapping[UUID, int]:
        """Give the shares of those that were heard of lately.

        A receiver that has `answered`, once for each, has room before that is written down.
        """
        latest = time.monotonic() - _SHOWN_SECONDS
        # Other threads add to it meanwhile.
        self._known = {key: one for key, one in list(self._known.items()) if one[1] > latest}
        found = {key: size for key, (size, _) in self._known.items()}
        for key, count in Counter(answered).items():
            found[key] = found.get(key, _AT_FIRST) + count
        return found


@retrying
@transaction.atomic(durable=True)
def claim_due(
    *, limit: int, to_failing: int | None = None, shares: Mapping[UUID, int] | None = None
) -> list[Claim]:
    """Take webhooks that are due and whose turn it is, from each subscription in its share.

    Of them `to_failing` at most go to receivers that fail.
    """
    taken_at = time.monotonic()
    shares = shares or {}
    # Locked before the claim looks, so that one worker asks a receiver that is paused.
    to_ask = [row[0] for row in fetch(_TO_ASK, {})]
    found = fetch(
        _CLAIM,
        {
            "limit": limit,
            "to_failing": limit if to_failing is None else to_failing,
            "to_ask": to_ask,
            "known": list(shares),
            "sizes": list(shares.values()),
            "at_first": _AT_FIRST,
            "patience": PATIENCE,
            "lease": settings.NOTIFICATIONS_LEASE.total_seconds(),
            "events": [uuid7() for _ in range(limit)],
            "lost": LOST,
        },
    )
    rows = [dict(zip(_COLUMNS, values, strict=True)) for values in found]
    if asked := {row["recipient_id"] for row in rows if row["is_paused"]}:
        execute(_ASKED, {"ids": list(asked), "pauses": settings.WEBHOOKS_PROBES})
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


_TO_ASK = """
SELECT id FROM notifications_subscription AS subscription
CROSS JOIN LATERAL (
    SELECT FROM notifications_notification AS waiting
    WHERE waiting.recipient_id = subscription.id AND waiting.channel = 'WEBHOOKS'
        AND NOT waiting.is_held AND waiting.due_at <= statement_timestamp()
    ORDER BY waiting.due_at LIMIT 1
) AS first
WHERE is_active AND paused_at IS NOT NULL AND probe_at <= statement_timestamp()
ORDER BY id FOR UPDATE OF subscription SKIP LOCKED
"""

_TAKEN = (
    "id",
    "attempt",
    "schedule_step",
    "organization_id",
    "application_id",
    "recipient_id",
    "subject_id",
    "type",
    "booking_event",
    "channel",
    "scheduled_for",
    "created_at",
    "is_submitted",
    "provider_status",
    "poll_attempts",
    "is_paused",
    "is_failing",
)
_COLUMNS = (*_TAKEN, "body", "claimed_at", "seconds_left")

_IS_BOOKING = f"subscription.format = '{WebhookFormat.BOOKING}'"

# Each subscription is looked at by itself, one step down notification_due_to: nobody's backlog is
# read. What is in hand is due again when its lease is over, so it stands at the near future.
# Each coalesce keeps the planner away from notification_numbered_once, which has all that ever was.
# What has become too late is left to upkeep.cancel_late. The places are shared out evenly, those
# that fail come last. When two workers look in the same instant, each may fill the last places.
_CLAIM = f"""
WITH ready AS MATERIALIZED (
    SELECT subscription.id, paused_at IS NOT NULL AS is_paused,
        paused_at IS NOT NULL OR failing_since IS NOT NULL AS is_failing,
        CASE WHEN paused_at IS NOT NULL OR failing_since IS NOT NULL THEN 1
            ELSE coalesce(shown.size, %(at_first)s) END - (
            SELECT count(*) FROM notifications_notification AS busy
            WHERE busy.recipient_id = subscription.id AND busy.channel = 'WEBHOOKS'
                AND NOT busy.is_held AND busy.lease_until IS NOT NULL
                AND busy.due_at > statement_timestamp()
                AND busy.due_at <= statement_timestamp() + %(lease)s * interval '1 second'
        ) AS room
    FROM notifications_subscription AS subscription
    JOIN agents_organization AS organization ON organization.id = subscription.organization_id
    LEFT JOIN unnest(%(known)s::uuid[], %(sizes)s::int[]) AS shown(id, size)
        ON shown.id = subscription.id
    CROSS JOIN LATERAL (
        -- Not EXISTS, which the planner may turn into a search through everything that is due.
        SELECT FROM notifications_notification AS waiting
        WHERE waiting.recipient_id = subscription.id AND waiting.channel = 'WEBHOOKS'
            AND NOT waiting.is_held AND waiting.due_at <= statement_timestamp()
        ORDER BY waiting.due_at LIMIT 1
    ) AS first
    WHERE subscription.is_active AND organization.is_active AND organization.notifications_on
        AND NOT ({switched_off("subscription", channel="'WEBHOOKS'", is_booking=_IS_BOOKING)})
        AND (paused_at IS NULL OR subscription.id = ANY(%(to_ask)s::uuid[]))
), turn AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY is_failing ORDER BY random()) AS place,
        count(*) OVER () AS those
    FROM ready WHERE room > 0
), picked AS MATERIALIZED (
    SELECT mine.*, turn.is_paused, turn.is_failing
    FROM (
        SELECT * FROM turn WHERE NOT is_failing OR place <= %(to_failing)s
        ORDER BY is_failing, place
    ) AS turn CROSS JOIN LATERAL (
        SELECT id, due_at AS was_due_at, status AS was_status, lease_until IS NOT NULL AS was_lost
        FROM notifications_notification AS due
        WHERE recipient_id = turn.id AND channel = 'WEBHOOKS' AND NOT is_held
            AND due_at <= statement_timestamp() AND coalesce(feed_sequence, 0) > 0
            AND (not_after IS NULL OR not_after > statement_timestamp())
            AND NOT EXISTS (
                SELECT FROM notifications_notification AS elder
                WHERE elder.recipient_id = due.recipient_id AND elder.channel = 'WEBHOOKS'
                    AND elder.subject_id = due.subject_id AND elder.due_at IS NOT NULL
                    AND coalesce(elder.feed_sequence, due.feed_sequence) < due.feed_sequence
                    AND elder.schedule_step < %(patience)s
            )
        ORDER BY due_at, feed_sequence
        LIMIT least(turn.room, ceil(%(limit)s::numeric / turn.those))
        FOR UPDATE SKIP LOCKED
    ) AS mine
    LIMIT %(limit)s
), taken AS (
    UPDATE notifications_notification AS notification
    SET status = 'PENDING', attempt = attempt + 1,
        due_at = statement_timestamp() + lease, lease_until = statement_timestamp() + lease,
        message = CASE WHEN was_lost THEN %(lost)s ELSE '' END, {DATED}
    FROM picked, (SELECT %(lease)s * interval '1 second' AS lease) AS settings
    -- The array repeats the join, as in queue._SETTLE.
    WHERE notification.id = ANY(ARRAY(SELECT id FROM picked)) AND notification.id = picked.id
    RETURNING notification.*, picked.was_due_at, picked.was_status, picked.is_paused,
        picked.is_failing
), numbered AS (
    SELECT *, (%(events)s::uuid[])[row_number() OVER ()] AS event_id FROM taken
    WHERE status <> was_status OR message <> ''
), steps AS (
{noted("numbered")}
)
SELECT taken.{", taken.".join(_TAKEN)}, content.body,
    statement_timestamp() AS claimed_at, NULL::float AS seconds_left
FROM taken
LEFT JOIN notifications_notificationcontent AS content ON content.notification_id = taken.id
ORDER BY taken.was_due_at, taken.feed_sequence
"""

# The longer it has been away, the rarer it is asked.
_ASKED = """
UPDATE notifications_subscription
SET probe_at = statement_timestamp() + (%(pauses)s::interval[])[
    least(cardinality(%(pauses)s::interval[]), 1 + floor(extract(
        epoch FROM statement_timestamp() - paused_at) / 600)::int)]
WHERE id = ANY(%(ids)s::uuid[])
"""


@retrying
def note_health(results: Iterable[Health]) -> None:
    """Write down how receivers are doing: well, failing, paused after a day of it, or gone."""
    found = list(results)
    well = [one.subscription_id for one in found if one.has_succeeded]
    failing = [one.subscription_id for one in found if not one.has_succeeded and not one.is_gone]
    if well:
        execute(_WELL, {"ids": well})
    if failing:
        pause = {"after": settings.WEBHOOKS_PAUSE_AFTER, "first": settings.WEBHOOKS_PROBES[0]}
        execute(_FAILING, {"ids": failing, **pause})
    for one in found:
        if one.is_gone:
            end_subscription(one.subscription_id)


_WELL = """
UPDATE notifications_subscription
SET failing_since = NULL, paused_at = NULL, probe_at = NULL, owner_told_at = NULL
WHERE id = ANY(%(ids)s::uuid[]) AND is_active
    AND (failing_since IS NOT NULL OR paused_at IS NOT NULL)
"""

_FAILING = """
WITH long AS (
    SELECT id, failing_since <= statement_timestamp() - %(after)s AS is_long
    FROM notifications_subscription
    WHERE id = ANY(%(ids)s::uuid[]) AND is_active AND paused_at IS NULL
        AND (failing_since IS NULL OR failing_since <= statement_timestamp() - %(after)s)
    ORDER BY id FOR UPDATE
)
UPDATE notifications_subscription AS subscription
SET failing_since = coalesce(failing_since, statement_timestamp()),
    paused_at = CASE WHEN is_long THEN statement_timestamp() END,
    probe_at = CASE WHEN is_long THEN statement_timestamp() + %(first)s END
FROM long WHERE long.id = subscription.id
"""


def end_subscription(subscription_id: UUID) -> None:
    """End a subscription whose receiver is gone; what was planned for it is cancelled."""
    with connection.cursor() as cursor:
        cursor.execute(_END, {"id": subscription_id, "reason": _GONE})
        has_ended = cursor.rowcount == 1
    # What waits for one that was switched off meanwhile goes on waiting.
    if has_ended:
        cancel_planned(subscription_id, reason=_GONE, has_feed=True)


_END = """
UPDATE notifications_subscription
SET is_active = false, ended_reason = %(reason)s, paused_at = NULL, probe_at = NULL,
    owner_told_at = NULL
WHERE id = %(id)s AND is_active
"""


def cancel_ended() -> None:
    """Cancel what still waits for receivers that are gone: a worker may have died over it."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDED)
        ended = [row[0] for row in cursor.fetchall()]
    for subscription_id in ended:
        cancel_planned(subscription_id, reason=_GONE, has_feed=True)


_ENDED = """
SELECT id FROM notifications_subscription AS subscription
CROSS JOIN LATERAL (
    SELECT FROM notifications_notification AS waiting
    WHERE waiting.recipient_id = subscription.id AND waiting.channel = 'WEBHOOKS'
        AND waiting.due_at IS NOT NULL
        AND (waiting.feed_sequence IS NOT NULL OR waiting.due_at > statement_timestamp())
    LIMIT 1
) AS remainder
WHERE NOT is_active AND ended_reason <> ''
"""


def cancel_planned(subscription_id: UUID, *, reason: str, has_feed: bool) -> int:
    """Cancel what waits for a subscription; return how many webhooks that were.

    While it has a feed, what has happened and has no number yet is to get one first: then it can be
    pulled and sent again, and `cancel_ended` cancels it in the next round.
    """
    count = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                _CANCEL,
                {
                    "id": subscription_id,
                    "reason": reason,
                    "has_feed": has_feed,
                    "limit": _BATCH,
                },
            )
            count += (some := int(cursor.rowcount))
        if some < _BATCH:
            return count


_CANCEL = f"""
WITH waiting AS MATERIALIZED (
    SELECT id FROM notifications_notification
    WHERE recipient_id = %(id)s AND channel = 'WEBHOOKS' AND due_at IS NOT NULL
        AND NOT (%(has_feed)s AND feed_sequence IS NULL AND due_at <= statement_timestamp())
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE
), changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'CANCELLED', due_at = NULL, lease_until = NULL, attempt = attempt + 1,
        message = %(reason)s, {DATED}
    FROM waiting WHERE notification.id = waiting.id
    RETURNING notification.*, gen_random_uuid() AS event_id
)
{noted("changed")}
"""


def cancel_orphans() -> int:
    """Cancel what a booking planned for a subscription that was deleted at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL_ORPHANS, {"reason": DELETED})
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
