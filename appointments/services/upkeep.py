"""What beat has done: persons forgotten in time, totals added up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from appointments.models import Answer, Appointment, DayTotal, Participant, ParticipantType
from notifications.services import forget


def is_to_come(subject: str) -> str:
    """Give the condition in SQL that an appointment has not ended yet.

    `subject` is the name of the column that holds its id.
    """
    return (
        f"EXISTS (SELECT FROM {Appointment._meta.db_table} AS coming WHERE coming.id = {subject}"
        ' AND (coming."end" > statement_timestamp() OR coming."end" IS NULL'
        " AND coming.state <> 'CANCELLED' AND (coming.access_expires_at IS NULL"
        " OR coming.access_expires_at > statement_timestamp())))"
    )


def erase_expired_details(*, now: datetime, limit: int = 1000) -> int:
    """Forget the customers' details whose time has passed; return how many appointments had any."""
    with transaction.atomic():
        expired = list(
            Appointment.objects.filter(details_expire_at__lte=now)
            .order_by("details_expire_at")
            .select_for_update(skip_locked=True)[:limit]
        )
        # Those erased before too: new details may have come in since.
        customers = Participant.objects.filter(
            appointment__in=expired, type=ParticipantType.CUSTOMER
        )
        customers.update(
            first_name="",
            last_name="",
            email="",
            phone="",
            username="",
            metadata=None,
            error_data=None,
            ticket_fingerprint=None,
            ticket_sealed=None,
            erased_at=now,
        )
        # What customers write when they book is about themselves.
        Answer.objects.filter(appointment__in=expired).delete()
        for one in expired:
            forget(one.id, organization_id=one.organization_id, now=now)
            # Nothing more to erase: the row leaves the index of those that have something.
            one.details_expire_at = None
            one.forget_failure()
            one.last_message = one.internal_notes = ""
            one.location = coarse(one.location)
        Appointment.objects.bulk_update(expired, _ERASED)
    return len(expired)


def coarse(location: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give a place without what leads to somebody's door: its city and country stay."""
    if location is None:
        return None
    place = location["geolocation"]
    return {
        "postalCode": None,
        "countryCode": location["countryCode"],
        # Within some fifty kilometres.
        "geolocation": {name: round(place[name]) for name in ("latitude", "longitude")},
        "translations": {
            "city": location["translations"]["city"],
            **{name: [] for name in ("street1", "street2", "state")},
        },
    }


_ERASED = [
    *("details_expire_at", "interaction_properties"),
    *("last_message", "internal_notes", "location"),
]


def compact_totals(*, limit: int = 5000) -> int:
    """Add what has changed since to the sums of its days; return how many changes that were.

    One statement: whoever reads meanwhile sees the old rows or the new ones, never both. Two at
    once leave two sums for a day, which are added up as well.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COMPACT, {"limit": limit})
        return int(cursor.fetchone()[0])


_TABLE = DayTotal._meta.db_table
# Two steps for what is older, and OFFSET 0, so that each day is found by the index of the sums
# whatever the statistics say: they are old after a load.
_COMPACT = f"""
WITH fresh AS (
    DELETE FROM {_TABLE} WHERE id IN (
        SELECT id FROM {_TABLE} WHERE is_new ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    RETURNING organization_id, application_id, agent_id, day, change
), days AS (
    SELECT DISTINCT organization_id, application_id, agent_id, day FROM fresh
), older_of_agents AS (
    DELETE FROM {_TABLE} AS total USING days CROSS JOIN LATERAL (
        SELECT one.id FROM {_TABLE} AS one
        WHERE NOT one.is_new AND one.organization_id = days.organization_id
            AND one.agent_id = days.agent_id AND one.day = days.day
            AND one.application_id = days.application_id
        OFFSET 0
    ) AS found
    WHERE total.id = found.id
    RETURNING total.organization_id, total.application_id, total.agent_id, total.day, total.change
), older_of_all AS (
    DELETE FROM {_TABLE} AS total USING days CROSS JOIN LATERAL (
        SELECT one.id FROM {_TABLE} AS one
        WHERE NOT one.is_new AND one.organization_id = days.organization_id
            AND one.agent_id IS NULL AND days.agent_id IS NULL AND one.day = days.day
            AND one.application_id = days.application_id
        OFFSET 0
    ) AS found
    WHERE total.id = found.id
    RETURNING total.organization_id, total.application_id, total.agent_id, total.day, total.change
), written AS (
    INSERT INTO {_TABLE} (organization_id, application_id, agent_id, day, change, is_new)
    SELECT organization_id, application_id, agent_id, day, sum(change), false
    FROM (
        SELECT * FROM fresh UNION ALL SELECT * FROM older_of_agents
        UNION ALL SELECT * FROM older_of_all
    ) AS taken
    GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0
)
SELECT count(*) FROM fresh
"""
