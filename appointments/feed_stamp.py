"""What a feed's file depends on, in one look: so long as it is the same, so is the file.

The rows themselves say when they change: `xmin` is the transaction that wrote a row last. It may
change without a difference in the file, which is then written and found to be the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from appointments.feed_file import window_of
from appointments.models import CalendarFeed

# Of the way in which the file is written: one more whenever that changes.
_EDITION = 1

_OF_AGENT = """
    FROM appointments_involvement AS own
    JOIN appointments_appointment AS one ON one.id = own.appointment_id
    WHERE own.agent_id = %(agent)s AND own.is_assigned
        AND (own.start >= %(first)s AND own.start < %(last)s OR own.start IS NULL)
"""
_OF_OFFICE = """
    FROM appointments_appointment AS one
    WHERE one.organization_id = %(organization)s
        AND one.start >= %(first)s AND one.start < %(last)s
        AND (one.office_id = %(office)s OR %(is_default)s AND one.office_id IS NULL)
"""
# An appointment's row is written with every change of it and of those who take part. When its
# details expire no row is written: so those that have expired are counted.
_STAMP = """
SELECT appointments.*, people.*, offices.*, absences.*
FROM (
    SELECT count(*), count(*) FILTER (WHERE one.details_expire_at <= %(now)s),
        bit_xor(uuid_hash_extended(one.id, one.xmin::text::bigint))
    {source}
) AS appointments, (
    SELECT bit_xor(hashtextextended(id::text || first_name || ' ' || last_name, 0))
    FROM agents_user WHERE organization_id = %(organization)s
) AS people, (
    SELECT bit_xor(uuid_hash_extended(id, xmin::text::bigint))
    FROM appointments_office WHERE organization_id = %(organization)s
) AS offices, (
    SELECT count(*), bit_xor(uuid_hash_extended(id, xmin::text::bigint))
    FROM agents_absence WHERE user_id = %(agent)s
) AS absences
"""


def stamp_of(feed: CalendarFeed, *, now: datetime) -> bytes:
    """Give a digest of all that the feed's file shows, without reading it."""
    first, midnight, last = window_of(now)
    params: dict[str, Any] = {
        "organization": feed.organization_id,
        "agent": feed.agent_id,
        "office": feed.office_id,
        "is_default": feed.office is not None and feed.office.is_default,
        "first": first,
        "last": last,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STAMP.format(source=_OF_AGENT if feed.agent_id else _OF_OFFICE), params)
        found = cursor.fetchone()
    facts = (
        _EDITION,
        settings.PUBLIC_URL,
        midnight,
        feed.organization.name,
        str(feed.agent or feed.office),
        feed.shows_customers,
        found,
    )
    return hashlib.sha256(repr(facts).encode()).digest()
