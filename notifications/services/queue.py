"""The queue in the ledger: take what is due for a while, write down what came of it, give back.

Every function is one statement, and commits before it returns. The database's clock alone decides
what is due and what is late. An `attempt` is a fence: whoever took a row later has a higher one,
and a worker that was frozen in between can no longer write to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction

from config.kernel.ids import uuid7
from config.kernel.prepared import fetch
from config.kernel.secrets import SealBroken, unseal
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered, Snapshot
from notifications.models.kinds import Channel, NotificationType, RecipientType, Status
from notifications.services.steps import DATED, noted
from notifications.services.switches import switched_off

# Of the lease; what is left must be enough for one send to come to an end.
_BEGIN_WITHIN = 0.6
_ERROR_LENGTH = 500
LOST = "The attempt before this one came to no known end; it may have arrived."
_TOO_LATE = "Not sent: its time had passed."
_GIVEN_BACK = "Given back before it was sent."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A notification that is ours for the length of the lease."""

    id: UUID
    attempt: int
    # The place in the schedule of retries.
    schedule_step: int
    application_id: UUID
    # By the monotonic clock, from before the database was asked: never later than the lease.
    taken_at: float
    row: Mapping[str, Any] = field(repr=False)

    @property
    def is_submitted(self) -> bool:
        """Whether the provider has it already and is to be asked how it went."""
        return bool(self.row["is_submitted"])

    @property
    def begin_until(self) -> float:
        """Until when a send may begin, by the monotonic clock: in the lease, and not too late."""
        within_lease = settings.NOTIFICATIONS_LEASE.total_seconds() * _BEGIN_WITHIN
        # How it went with what was sent can be asked at any time.
        left = None if self.is_submitted else self.row["seconds_left"]
        return self.taken_at + (within_lease if left is None else min(within_lease, left))

    @property
    def now(self) -> datetime:
        """This moment, by the clock of the database."""
        now: datetime = self.row["claimed_at"]
        return now + timedelta(seconds=time.monotonic() - self.taken_at)

    def to_message(self) -> Message:
        """Give what is to be told, complete.

        Raises CannotBuild.
        """
        row = self.row
        return Message(
            id=self.id,
            organization_id=row["organization_id"],
            application_id=self.application_id,
            subject_id=row["subject_id"],
            type=NotificationType(row["type"]),
            channel=Channel(row["channel"]),
            recipient_type=RecipientType(row["recipient_type"]),
            offset=row["offset"],
            snapshot=Snapshot.read(orjson.loads(row["snapshot"])),
            provider_message_id=row["message_id"],
            address=row["address"],
            first_name=row["first_name"],
            last_name=row["last_name"],
            facts=orjson.loads(row["facts"]),
            link=_opened(row["link"]),
            sender=row["sender"],
            created_at=row["created_at"],
            attempt=self.attempt,
            # Retries by themselves count in both.
            round=row["retry_count"] - row["schedule_step"],
            country=row["default_country"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one claim brought: messages to send; the late ones were cancelled by it."""

    claims: Sequence[Claim]
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one attempt. With a delay, or until `due_at`, it waits for the next one.

    With `is_submitted` the next one is to ask the provider how it went.
    """

    claim: Claim
    status: Status
    provider_status: str = ""
    error: str = ""
    message: str = ""
    message_id: str = ""
    conversation_id: str = ""
    delay: timedelta | None = None
    due_at: datetime | None = None
    is_submitted: bool = False
    # Whether the repetition, or the question, counts: not while the provider was away.
    is_counted: bool = True
    rendered: Rendered | None = None


def _opened(link: memoryview | None) -> str | None:
    if link is None:
        return None
    try:
        return unseal(link, purpose="notification-link")
    except SealBroken:
        raise CannotBuild("The link was sealed with a key that is gone.") from None


# durable: the claim is committed before anything is sent, whoever calls.
@transaction.atomic(durable=True)
def claim_due(channel: Channel, *, limit: int) -> Taken:
    """Take what is due, the organisations in turns; what comes too late is cancelled at once."""
    taken_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "channel": channel.value,
                "limit": limit,
                "lease": settings.NOTIFICATIONS_LEASE.total_seconds(),
                "events": [uuid7() for _ in range(limit)],
                "lost": LOST,
                "too_late": _TOO_LATE,
            },
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    claims = [
        Claim(
            id=row["id"],
            attempt=row["attempt"],
            schedule_step=row["schedule_step"],
            application_id=row["application_id"],
            taken_at=taken_at,
            row=row,
        )
        for row in rows
        if row["status"] == Status.PENDING
    ]
    return Taken(claims=claims, late=len(rows) - len(claims))


# `oldest` is all that is due as long as it fits into the batch. Only when it does not, `turn` looks
# at every organisation that waits: one step down the index notification_due_fairly for each, which
# finds the organisation and its oldest row at once. No step reads an organisation's backlog.
# Those whose oldest row has waited longest come first, and each gets an equal share. Whoever
# has nothing but what waits for a switch takes no place: there may be more of them than places.
_CLAIM = f"""
WITH RECURSIVE oldest AS MATERIALIZED (
    SELECT organization_id, due_at FROM notifications_notification
    WHERE channel = %(channel)s AND NOT is_held AND due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %(limit)s + 1
), turn AS (
    (
        SELECT organization_id, due_at FROM notifications_notification
        WHERE channel = %(channel)s AND NOT is_held AND due_at IS NOT NULL
            AND (SELECT count(*) FROM oldest) > %(limit)s
        ORDER BY organization_id, due_at LIMIT 1
    ) UNION ALL
    SELECT next.organization_id, next.due_at FROM turn CROSS JOIN LATERAL (
        SELECT organization_id, due_at FROM notifications_notification
        WHERE channel = %(channel)s AND NOT is_held AND due_at IS NOT NULL
            AND organization_id > turn.organization_id
        ORDER BY organization_id, due_at LIMIT 1
    ) AS next
), waiting AS MATERIALIZED (
    SELECT first.organization_id, claimable.due_at FROM (
        SELECT organization.id AS organization_id, min(due_at) AS due_at
        FROM (SELECT * FROM oldest UNION ALL SELECT * FROM turn) AS seen
        JOIN agents_organization AS organization ON organization.id = seen.organization_id
        WHERE due_at <= statement_timestamp() AND is_active AND notifications_on
            AND EXISTS (SELECT FROM agents_application AS application
                WHERE application.organization_id = organization.id AND notifications_active)
        GROUP BY organization.id
    ) AS first CROSS JOIN LATERAL (
        SELECT due_at FROM notifications_notification AS due
        WHERE channel = %(channel)s AND NOT is_held AND due_at <= statement_timestamp()
            AND organization_id = first.organization_id AND NOT ({switched_off("due")})
        ORDER BY due_at LIMIT 1
    ) AS claimable
    ORDER BY first.due_at LIMIT %(limit)s
), picked AS MATERIALIZED (
    SELECT mine.* FROM waiting CROSS JOIN LATERAL (
        SELECT id, due_at AS was_due_at, status AS was_status, lease_until IS NOT NULL AS was_lost,
            not_after <= statement_timestamp() AND NOT is_submitted AS is_late
        FROM notifications_notification AS due
        WHERE channel = %(channel)s AND NOT is_held AND due_at <= statement_timestamp()
            AND organization_id = waiting.organization_id AND due_at >= waiting.due_at
            AND NOT ({switched_off("due")})
        ORDER BY due_at
        LIMIT (SELECT ceil(%(limit)s::numeric / nullif(count(*), 0)) FROM waiting)
        FOR UPDATE SKIP LOCKED
    ) AS mine LIMIT %(limit)s
), taken AS (
    UPDATE notifications_notification AS notification
    SET status = CASE WHEN is_late THEN 'CANCELLED' ELSE 'PENDING' END,
        attempt = attempt + 1,
        due_at = CASE WHEN is_late THEN NULL ELSE statement_timestamp() + lease END,
        lease_until = CASE WHEN is_late THEN NULL ELSE statement_timestamp() + lease END,
        message = concat_ws(' ', CASE WHEN was_lost AND NOT is_submitted THEN %(lost)s END,
            CASE WHEN is_late THEN %(too_late)s END),
        {DATED}
    FROM picked, (SELECT %(lease)s * interval '1 second' AS lease) AS settings
    WHERE notification.id = picked.id
    RETURNING notification.*, picked.was_due_at, picked.was_status
), numbered AS (
    SELECT *, (%(events)s::uuid[])[row_number() OVER ()] AS event_id FROM taken
    -- To take it again is no step of its own, unless nobody knows what became of the last attempt.
    WHERE NOT is_submitted AND (status <> was_status OR message <> '')
), noted AS (
{noted("numbered")}
)
SELECT taken.id, taken.status, taken.attempt, taken.retry_count, taken.organization_id,
    taken.application_id, taken.subject_id, taken.type, taken.channel, taken.recipient_type,
    taken."offset", taken.snapshot, taken.created_at, taken.is_submitted, taken.message_id,
    taken.schedule_step, taken.poll_attempts, taken.provider_status, taken.message,
    taken.not_after, taken.scheduled_for, statement_timestamp() AS claimed_at,
    extract(epoch FROM taken.not_after - statement_timestamp())::float AS seconds_left,
    coalesce(content.address, '') AS address, coalesce(content.first_name, '') AS first_name,
    coalesce(content.last_name, '') AS last_name, coalesce(content.facts, '{{}}') AS facts,
    content.link, coalesce(channelsettings.sender, '') AS sender,
    channelsettings.quiet_from, channelsettings.quiet_until,
    coalesce(application.default_country, '') AS default_country
FROM taken
LEFT JOIN notifications_notificationcontent AS content ON content.notification_id = taken.id
LEFT JOIN notifications_channelsettings AS channelsettings
    ON channelsettings.organization_id = taken.organization_id
    AND channelsettings.application_id = taken.application_id
    AND channelsettings.channel = taken.channel
LEFT JOIN agents_application AS application ON application.id = taken.application_id
ORDER BY taken.was_due_at, taken.id
"""


def settle(results: Sequence[Result]) -> set[UUID]:
    """Write down what came of attempts; return the notifications that were still ours."""
    rows = orjson.dumps([_settled(result) for result in results]).decode()
    # This runs for every few messages, and planning it costs as much as executing it.
    return {row[0] for row in fetch(_SETTLE, {"rows": rows})}


def _settled(result: Result) -> dict[str, object]:
    said = result.rendered
    return {
        "id": result.claim.id,
        "attempt": result.claim.attempt,
        "event_id": uuid7(),
        "status": result.status,
        "provider_status": result.provider_status,
        "delay": None if result.delay is None else result.delay.total_seconds(),
        "due_at": result.due_at,
        "counts": int(result.delay is not None and result.is_counted and not result.is_submitted),
        "message": result.message,
        "error_message": result.error[:_ERROR_LENGTH],
        "message_id": result.message_id,
        "conversation_id": result.conversation_id,
        "submitted": result.is_submitted,
        "polls": int(result.claim.is_submitted and result.is_counted),
        # Of the questions how it went only those are steps that brought something new.
        "noted": not result.claim.is_submitted
        or result.status is not Status.PENDING
        or result.provider_status != result.claim.row["provider_status"],
        "subject": said.subject if said else None,
        "text": said.text if said else None,
        "html": said.html if said else None,
    }


# The status is part of the fence: what was settled once stays so when an answer of the database
# was lost and the statement is sent again. The array repeats the join: PostgreSQL takes a JSON
# document for a hundred rows, and would rather read a table of some thousands than its index.
_SETTLE = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS given(
        id uuid, attempt int, event_id uuid, status text, provider_status text, delay float,
        due_at timestamptz, counts int, message text, error_message text, message_id text,
        conversation_id text, submitted boolean, polls int, noted boolean, subject text, text text,
        html text)
), settled AS (
    UPDATE notifications_notification AS notification
    SET status = given.status,
        provider_status = CASE WHEN given.provider_status = '' THEN notification.provider_status
            ELSE given.provider_status END,
        due_at = COALESCE(
            given.due_at, statement_timestamp() + given.delay * interval '1 second'),
        lease_until = NULL,
        retry_count = retry_count + given.counts,
        schedule_step = schedule_step + given.counts,
        poll_attempts = poll_attempts + given.polls,
        is_submitted = given.submitted,
        error_message = given.error_message,
        message_id = COALESCE(NULLIF(given.message_id, ''), notification.message_id),
        conversation_id = COALESCE(
            NULLIF(given.conversation_id, ''), notification.conversation_id),
        message = given.message,
        {DATED}
    FROM given
    WHERE notification.id = ANY(ARRAY(SELECT id FROM given))
        AND notification.id = given.id AND notification.attempt = given.attempt
        AND notification.status = 'PENDING' AND notification.lease_until IS NOT NULL
    RETURNING notification.*, given.event_id, given.noted, given.subject, given.text, given.html
), said AS (
    UPDATE notifications_notificationcontent AS content
    SET subject = settled.subject, text = settled.text, html = settled.html
    FROM settled
    WHERE content.notification_id = ANY(ARRAY(SELECT id FROM given))
        AND content.notification_id = settled.id AND settled.subject IS NOT NULL
        AND content.erased_at IS NULL
), steps AS (
{noted("(SELECT * FROM settled WHERE noted) AS steps", tells=True)}
)
SELECT id FROM settled
"""


def release(claims: Sequence[Claim]) -> None:
    """Give back what was not begun, so that another worker can take it at once."""
    if not claims:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASE,
            {
                "ids": [claim.id for claim in claims],
                "attempts": [claim.attempt for claim in claims],
                "events": [uuid7() for _ in claims],
                "message": _GIVEN_BACK,
                "lost": LOST,
            },
        )


_RELEASE = f"""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(events)s::uuid[])
        AS given(id, attempt, event_id)
), released AS (
    UPDATE notifications_notification AS notification
    SET status = CASE WHEN retry_count = 0 AND message <> %(lost)s AND NOT is_submitted
            THEN 'INITIALIZED' ELSE 'PENDING' END,
        due_at = statement_timestamp(), lease_until = NULL, {DATED}
    FROM given
    WHERE notification.id = given.id AND notification.attempt = given.attempt
        AND notification.status = 'PENDING' AND notification.lease_until IS NOT NULL
    RETURNING notification.*, given.event_id
)
-- What waited before it was taken waits again: its claim was no step either.
{noted("(SELECT * FROM released WHERE status = 'INITIALIZED') AS undone", message="%(message)s")}
"""


def time_to_next(channel: Channel) -> timedelta | None:
    """Give how long it takes until the next notification is due; None if none is planned.

    What has been due for longer than a moment and was not claimed waits for something else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"channel": channel.value})
        row = cursor.fetchone()
    return row[0] if row else None


_NEXT = """
SELECT due_at - statement_timestamp() FROM notifications_notification
WHERE channel = %(channel)s AND NOT is_held
    AND due_at > statement_timestamp() - interval '100 milliseconds' ORDER BY due_at LIMIT 1
"""
