"""Feeds: the events of each webhook subscription, numbered without gaps.

The numbers are given out after the commit, by whoever holds the subscription's row. There is no
cursor over ids, which would skip what is committed late: what has no number yet is looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Coalesce

from config.kernel.prepared import execute, fetch
from config.kernel.secrets import SealBroken, unseal
from notifications.errors import NotOneBeginning
from notifications.models import Channel, Notification, Subscription
from notifications.nudges import nudge
from notifications.services.steps import DATED, noted
from notifications.transports.webhooks.delivery import Delivery, body_of

_BATCH = 1000
_AGAIN = "Sent again by request."


class _Unnumbered(NamedTuple):
    id: UUID
    subscription_id: UUID
    subject_id: UUID
    subject_sequence: int
    is_ours: bool


@transaction.atomic
def number_due(*, limit: int = _BATCH) -> int:
    """Give numbers to the webhooks that are due and have none; return how many there were."""
    last: dict[UUID, int] = dict(fetch(_SUBSCRIPTIONS, {"limit": limit}))
    if not last:
        return 0
    found = fetch(_UNNUMBERED, {"subscriptions": list(last), "limit": limit})
    numbers = []
    for row in _in_order([_Unnumbered(*values) for values in found]):
        last[row.subscription_id] += 1
        numbers.append((row.id, last[row.subscription_id]))
    if numbers:
        ids, sequences = zip(*numbers, strict=True)
        execute(_NUMBER, {"ids": list(ids), "sequences": list(sequences)})
        execute(_LAST, {"subscriptions": list(last), "sequences": list(last.values())})
    return len(numbers)


# A subscription that somebody else is numbering is left to them.
_SUBSCRIPTIONS = """
WITH oldest AS MATERIALIZED (
    SELECT recipient_id FROM notifications_notification
    WHERE channel = 'WEBHOOKS' AND feed_sequence IS NULL AND NOT is_held
        AND due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %(limit)s
)
SELECT id, last_sequence FROM notifications_subscription
WHERE id IN (SELECT recipient_id FROM oldest)
ORDER BY id FOR UPDATE SKIP LOCKED
"""

# Together with a row come all of its subject, whose order is not that of the time. A row that
# somebody is about to change is not waited for: its subject has its turn the next time.
_UNNUMBERED = """
WITH oldest AS MATERIALIZED (
    SELECT id, recipient_id, subject_id FROM notifications_notification
    WHERE channel = 'WEBHOOKS' AND feed_sequence IS NULL AND NOT is_held
        AND due_at <= statement_timestamp() AND recipient_id = ANY(%(subscriptions)s)
    ORDER BY due_at LIMIT %(limit)s
), together AS MATERIALIZED (
    SELECT one.* FROM (SELECT DISTINCT recipient_id, subject_id FROM oldest) AS subject
    CROSS JOIN LATERAL (
        SELECT id, recipient_id, subject_id, subject_sequence
        FROM notifications_notification
        WHERE recipient_id = subject.recipient_id AND subject_id = subject.subject_id
            AND channel = 'WEBHOOKS' AND feed_sequence IS NULL AND NOT is_held
            AND due_at IS NOT NULL AND due_at + interval '0' <= statement_timestamp()
        ORDER BY feed_sequence OFFSET 0
    ) AS one
), ours AS MATERIALIZED (
    SELECT id FROM notifications_notification
    WHERE id = ANY(ARRAY(SELECT id FROM together)) AND feed_sequence IS NULL AND NOT is_held
        AND due_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
)
SELECT together.*, id IN (SELECT id FROM ours) FROM together ORDER BY id
"""

_NUMBER = """
UPDATE notifications_notification AS notification SET feed_sequence = given.sequence
FROM unnest(%(ids)s::uuid[], %(sequences)s::bigint[]) AS given(id, sequence)
WHERE notification.id = given.id
"""

_LAST = """
UPDATE notifications_subscription AS subscription SET last_sequence = given.sequence
FROM unnest(%(subscriptions)s::uuid[], %(sequences)s::bigint[]) AS given(id, sequence)
WHERE subscription.id = given.id
"""


def _in_order(rows: Sequence[_Unnumbered]) -> Iterator[_Unnumbered]:
    """Give the rows by age, but those of one subject in the order in which it had its events.

    The clocks of two machines may differ; what one subject caused was serialised by its lock.
    """
    of_subject: dict[tuple[UUID, UUID], list[_Unnumbered]] = defaultdict(list)
    for row in rows:
        of_subject[row.subscription_id, row.subject_id].append(row)
    whole = {key for key, several in of_subject.items() if all(one.is_ours for one in several)}
    ordered = {
        key: iter(sorted(several, key=lambda row: (row.subject_sequence, row.id)))
        for key, several in of_subject.items()
    }
    for row in rows:
        if (key := (row.subscription_id, row.subject_id)) in whole:
            yield next(ordered[key])


# --- What is in a feed ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One event of a feed; the payload is None once the persons in it have been forgotten."""

    sequence: int
    id: UUID
    type: str
    occurred_at: datetime
    payload: bytes | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Some events of a feed, the last number that it has, and whether there are more to fetch."""

    items: list[FeedItem]
    last_sequence: int
    has_more: bool


def events_after(subscription: Subscription, *, after: int, limit: int) -> FeedPage:
    """Give the events of a feed that come after a number, in their order."""
    rows = list(
        Notification.objects.filter(
            organization_id=subscription.organization_id,
            recipient_id=subscription.pk,
            channel=Channel.WEBHOOKS,
            feed_sequence__gt=after,
        )
        .select_related("content")
        .order_by("feed_sequence")[: limit + 1]
    )
    return FeedPage(
        items=[_item(row) for row in rows[:limit]],
        # Some may have been numbered since the subscription was read.
        last_sequence=max([subscription.last_sequence, *(row.feed_sequence or 0 for row in rows)]),
        has_more=len(rows) > limit,
    )


def _item(row: Notification) -> FeedItem:
    content = getattr(row, "content", None)
    payload = opened_payload(content.body) if content else None
    if payload is not None and row.booking_event:
        # As it was sent: its envelope is part of it.
        payload = body_of(delivery_of(vars(row), payload=payload))
    return FeedItem(
        sequence=row.feed_sequence or 0,
        id=row.pk,
        type=row.booking_event or row.type,
        occurred_at=row.scheduled_for or row.created_at,
        payload=payload,
        status=row.status,
    )


def delivery_of(row: Mapping[str, Any], *, payload: bytes) -> Delivery:
    """Give a row of the ledger as it goes out."""
    return Delivery(
        id=row["id"],
        type=row["booking_event"] or row["type"],
        occurred_at=row["scheduled_for"] or row["created_at"],
        payload=payload,
        is_booking=row["booking_event"] != "",
        subscription_id=row["recipient_id"],
    )


def opened_payload(sealed: bytes | memoryview | None) -> bytes | None:
    """Give the payload of a webhook; None when it was erased, or sealed with a key that is gone."""
    if sealed is None:
        return None
    try:
        return unseal(sealed, purpose="webhook-payload").encode()
    except SealBroken:
        return None


# --- Once more --------------------------------------------------------------------------------


def replay(
    subscription: Subscription,
    *,
    since: datetime | None = None,
    from_sequence: int | None = None,
) -> int:
    """Have the events of a feed sent again, from a moment or a number on; return how many.

    They keep their ids and their order. What waits to be sent anyway is left alone, and what was
    erased stays so. Raises NotOneBeginning.
    """
    if (since is None) == (from_sequence is None):
        raise NotOneBeginning(
            errors={"from_sequence": ["Either since or from_sequence is needed, not both."]}
        )
    first = from_sequence if from_sequence is not None else _first_since(subscription, since)
    count = 0
    while first is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                _REPLAY,
                {
                    "subscription": subscription.pk,
                    "first": first,
                    "limit": _BATCH,
                    "message": _AGAIN,
                },
            )
            [(looked_at, again, last)] = cursor.fetchall()
        count += again
        first = last + 1 if looked_at == _BATCH else None
    if count:
        transaction.on_commit(lambda: nudge(Channel.WEBHOOKS))
    return count


def _first_since(subscription: Subscription, since: datetime | None) -> int | None:
    found = (
        Notification.objects.filter(
            organization_id=subscription.organization_id,
            recipient_id=subscription.pk,
            feed_sequence__isnull=False,
        )
        .annotate(occurred_at=Coalesce("scheduled_for", "created_at"))
        .filter(occurred_at__gte=since)
        .aggregate(first=Min("feed_sequence"))
    )
    first: int | None = found["first"]
    return first


# A microsecond apart: due in the order of the feed. Whoever asks for it wants what is late too.
_REPLAY = f"""
WITH looked_at AS MATERIALIZED (
    SELECT notification.id, feed_sequence, due_at IS NULL AND content.body IS NOT NULL AS is_wanted
    FROM notifications_notification AS notification
    LEFT JOIN notifications_notificationcontent AS content
        ON content.notification_id = notification.id
    WHERE recipient_id = %(subscription)s AND feed_sequence >= %(first)s
    ORDER BY feed_sequence LIMIT %(limit)s
    FOR UPDATE OF notification
), changed AS (
    UPDATE notifications_notification AS notification
    SET status = 'PENDING', schedule_step = 0, is_held = false, attempt = attempt + 1,
        due_at = statement_timestamp()
            - (%(limit)s - looked_at.place) * interval '1 microsecond',
        not_after = NULL, message = %(message)s, {DATED}
    FROM (
        SELECT *, row_number() OVER (ORDER BY feed_sequence) AS place FROM looked_at
    ) AS looked_at
    WHERE notification.id = looked_at.id AND is_wanted
    RETURNING notification.*, gen_random_uuid() AS event_id
), steps AS (
{noted("changed")}
)
SELECT (SELECT count(*) FROM looked_at), (SELECT count(*) FROM changed),
    (SELECT coalesce(max(feed_sequence), 0) FROM looked_at)
"""
