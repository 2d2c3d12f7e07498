"""The history of an appointment: a page of it, however much has been told of others."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from appointments.models import Appointment
from tests.bench import progress
from tests.bench.databases import Sized, connected, copy_of, sized
from tests.bench.lists import LIST
from tests.bench.load import Case, Requests, compare, middle, ratio
from tests.bench.servers import OURS, Wanted, running
from tests.bench.table import Options, Row

_SIZE = 1_000
_LOOKED_AT = 200
# Of each appointment, as a booking with three channels leaves them.
_TOLD = 10


def measure_history(options: Options) -> Iterator[Row]:
    """Read pages of a history in a ledger that is nearly empty, and in one that is full."""
    others = 10_000_000 if options.is_full else 1_000_000
    original = sized(_SIZE)
    with copy_of(original, "told_little") as little, copy_of(original, "told_much") as much:
        with connected(little.name):
            seen = _seen(little)
            _tell(little, seen)
        with connected(much.name):
            progress.say(f"history: {others:,} notifications of others …")
            _tell_others(much, others)
            _tell(much, seen)
        yield _page(little, much, seen, others, options)


def _seen(data: Sized) -> list[UUID]:
    """Give the appointments whose history is read."""
    found = Appointment.objects.filter(organization_id=data.organization_id).order_by("id")
    return list(found.values_list("id", flat=True)[:_LOOKED_AT])


def _tell(data: Sized, subjects: list[UUID]) -> None:
    _fill(data, "SELECT unnest(%(subjects)s::uuid[])", subjects=subjects)


def _tell_others(data: Sized, count: int) -> None:
    _fill(data, "SELECT gen_random_uuid() FROM generate_series(1, %(many)s)", many=count // _TOLD)


def _fill(data: Sized, select: str, **params: int | list[UUID]) -> None:
    """Write notifications of subjects, all delivered, with what was said and their steps."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            _NOTIFICATIONS.format(subjects=select),
            {
                "organization": data.organization_id,
                "application": data.application_id,
                "told": _TOLD,
                **params,
            },
        )
        cursor.execute(_CONTENTS)
        cursor.execute(_STEPS)
        cursor.execute("VACUUM (ANALYZE)")


_NOTIFICATIONS = """
INSERT INTO notifications_notification (
    id, organization_id, application_id, subject_type, subject_id, type, channel, recipient_type,
    recipient_id, cause, status, provider_status, attempt, retry_count, poll_attempts, is_held,
    message, error_message, message_id, conversation_id, snapshot, created_at, updated_at)
SELECT gen_random_uuid(), %(organization)s, %(application)s, 'appointment', subject.id,
    (ARRAY['CREATE', 'UPDATE', 'RESCHEDULE', 'ACCEPT', 'CANCELLED'])[1 + number %% 5],
    (ARRAY['EMAIL', 'SMS', 'WEBHOOKS'])[1 + number %% 3], 'CUSTOMER', gen_random_uuid(),
    number::text, 'DELIVERED', '250', 1, 0, 0, false, '', '', '<1@frontdesk>', '',
    '{{"start": "2026-11-25T10:00:00Z", "timezone": "Europe/Berlin", "locale": "en-GB"}}',
    at.moment, at.moment
FROM ({subjects}) AS subject(id)
CROSS JOIN generate_series(1, %(told)s) AS number
CROSS JOIN LATERAL (SELECT now() - random() * interval '300 days' AS moment) AS at
"""

_CONTENTS = """
INSERT INTO notifications_notificationcontent (
    notification_id, organization_id, address, first_name, last_name, facts, subject, text, html)
SELECT id, organization_id, 'ada@example.com', 'Ada', 'Lovelace', '{"title": "Review"}',
    'Your appointment', repeat('We look forward to seeing you. ', 10), ''
FROM notifications_notification AS notification
WHERE NOT EXISTS (
    SELECT FROM notifications_notificationcontent WHERE notification_id = notification.id)
"""

_STEPS = """
INSERT INTO notification_event (
    id, organization_id, notification_id, at, status, provider_status, attempt, retry_count,
    poll_attempts, message, error_message, message_id, conversation_id)
SELECT gen_random_uuid(), organization_id, notification.id,
    created_at + number * interval '1 second',
    (ARRAY['INITIALIZED', 'PENDING', 'DELIVERED'])[number], '', 1, 0, 0, '', '', '', ''
FROM notifications_notification AS notification
CROSS JOIN generate_series(1, 3) AS number
WHERE NOT EXISTS (
    SELECT FROM notification_event WHERE notification_id = notification.id)
"""


def _page(little: Sized, much: Sized, seen: list[UUID], others: int, options: Options) -> Row:
    with connected(little.name):
        requests = Requests(
            paths=[f"{LIST}{one}/notifications" for one in seen],
            headers={"Authorization": f"Bearer {little.token()}"},
        )
    wanted = [Wanted(one.name, one.name, *OURS) for one in (little, much)]
    with running(*wanted) as servers:
        samples = compare(
            {
                one.name: Case(server=servers[one.name], requests=[requests])
                for one in (little, much)
            },
            rounds=options.rounds,
            seconds=options.seconds,
        )
    before, after = samples[little.name], samples[much.name]
    growth = ratio(before, after)
    return Row(
        number=3,
        name="history",
        what=f"page of one appointment's notifications, from {_LOOKED_AT * _TOLD:,} in all to"
        f" {others:,}",
        target="growth ≤ 1.2 ×",
        figure=f"{growth:.2f} ×: {middle(before, 'per_second'):,.0f}/s to"
        f" {middle(after, 'per_second'):,.0f}/s; CPU-ms {middle(before, 'cpu_ms'):.2f}"
        f" ({middle(before, 'postgres_ms'):.2f}) to {middle(after, 'cpu_ms'):.2f}"
        f" ({middle(after, 'postgres_ms'):.2f})",
        is_met=growth <= 1.2,
    )
