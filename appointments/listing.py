"""The list of appointments that a caller may see: which, in which order, and how many in all.

This is the one read path that is written in SQL: two statements at any size of the table, and
rows that become JSON without becoming model instances first. A test holds it to the plain way
over random data.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from appointments.errors import ApplicationNotFound
from appointments.listing_scope import Known, ListFilter, Scope, params_of, seek_of, seen, total_of
from config.kernel import prepared
from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid
from config.kernel.pagination import PageRequest

__all__ = ["SORT_FIELDS", "ListFilter", "ListPage", "Listed", "ListedAppointment"]

# The names of the contract and the columns they mean; `name` stands in its samples.
SORT_FIELDS = {
    "start": "start",
    "end": "end",
    "duration": "duration",
    "id": "id",
    "title": "title",
    "name": "title",
}
_fetch = prepared.fetch
# From here on it costs less to ask the totals on which day the page begins than to skip rows.
_DEEP = 2_000


class ListedAppointment(NamedTuple):
    """An appointment as the list reads it; the names are the model's, JSON is not parsed.

    Each participant is a list: id, user id, type, state, sealed ticket, erased at, error data.
    """

    id: str
    application_id: str
    title: str
    notes: str
    metadata: str | None
    start: datetime
    end: datetime
    duration: timedelta
    timezone: str
    locale: str
    organizer_type: str
    organizer_id: str
    target_type: str
    target_id: str
    interaction_state: str
    routing_type: str
    routing_properties: str
    custom_fields: str | None
    interaction_properties: str
    notifications_active: bool
    notification_headers: str | None
    activated_at: datetime | None
    access_expires_at: datetime | None
    details_expire_at: datetime | None
    participants_json: str

    @property
    def is_active(self) -> bool:
        return self.activated_at is not None


class Listed(NamedTuple):
    """One appointment of the list, for one reader at one moment."""

    appointment: ListedAppointment
    actor: Actor
    now: datetime


class ListPage(NamedTuple):
    """One page of the list, and how many appointments there are in all."""

    items: list[Listed]
    total: int


def list_appointments(
    wanted: ListFilter, page: PageRequest, *, actor: Actor, now: datetime
) -> ListPage:
    """Give one page of what the caller may see.

    Raises ApplicationNotFound.
    """
    scope = seen(wanted, _applications(actor, wanted.application_id), actor)
    if scope.total is not None and page.offset >= scope.total:
        return ListPage(items=[], total=scope.total)
    rows, total = _rows(scope, page)
    return ListPage(items=[Listed(row, actor, now) for row in rows], total=total)


# --- The statements ---------------------------------------------------------------------------

# Sums over the roll-up, which triggers keep exact (models.totals).
_APPLICATIONS = """
SELECT application.id, application.agents_see_only_their_own,
    COALESCE(total.everything, 0)::bigint, COALESCE(total.own, 0)::bigint
FROM agents_application AS application
LEFT JOIN (
    SELECT application_id, sum(everything) AS everything, sum(own) AS own
    FROM (
        SELECT application_id, change AS everything, 0 AS own FROM appointments_daytotal
        WHERE organization_id = %(organization)s AND agent_id IS NULL
        UNION ALL
        SELECT application_id, 0, change FROM appointments_daytotal
        WHERE organization_id = %(organization)s AND agent_id = %(agent)s
    ) AS changes
    GROUP BY application_id
) AS total ON total.application_id = application.id
WHERE application.organization_id = %(organization)s
"""

_COLUMNS = """
    a.id::text, a.application_id::text, a.title, a.notes, a.metadata::text, a.start, a."end",
    a.duration, a.timezone, a.locale, a.organizer_type, a.organizer_id, a.target_type,
    a.target_id, a.interaction_state, a.routing_type, a.routing_properties::text,
    a.custom_fields::text, a.interaction_properties::text, a.notifications_active,
    a.notification_headers::text, a.activated_at, a.access_expires_at, a.details_expire_at,
    (
        SELECT COALESCE(json_agg(json_build_array(
            p.id, p.user_id, p.type, p.state, encode(p.ticket_sealed, 'hex'), p.erased_at,
            p.error_data) ORDER BY p.id), '[]')::text
        FROM appointments_participant AS p WHERE p.appointment_id = a.id
    )
"""


def _applications(actor: Actor, application_id: str | None) -> list[Known]:
    rows = _fetch(
        _APPLICATIONS,
        {"organization": actor.organization_id, "agent": parse_uuid(actor.id)},
    )
    known = [Known(*row) for row in rows]
    if application_id is None:
        return known
    key = parse_uuid(application_id)
    found = [one for one in known if one.id == key]
    if not found:
        raise ApplicationNotFound
    return found


def _rows(scope: Scope, page: PageRequest) -> tuple[list[ListedAppointment], int]:
    """Fetch a page, and in the same statement the total where it is not known yet."""
    direction = "DESC" if page.is_descending else "ASC"
    # Names of our own table, never of the caller's.
    order = f'a."{page.sort_field}" {direction}, a.id {direction}'
    if page.sort_field == "start" and scope.through_agent:
        order = f"i.start {direction}, i.appointment_id {direction}"
    params = {**params_of(scope), "limit": page.size, "offset": page.offset}
    if page.offset == 0:
        found = _fetch(
            f"SELECT {total_of(scope)}, {_COLUMNS} FROM {scope.source} WHERE {scope.where}"
            f" ORDER BY {order} LIMIT %(limit)s",
            params,
        )
        # No rows at all: then there are none to be counted.
        return [ListedAppointment(*row[1:]) for row in found], found[0][0] if found else 0
    seek, where = "", scope.where
    limit = "LIMIT %(limit)s OFFSET %(offset)s"
    if page.offset >= _DEEP and page.sort_field == "start" and scope.total is not None:
        seek = seek_of(scope, descending=page.is_descending)
        comparison = "<" if page.is_descending else ">="
        where += f" AND {scope.start} {comparison} (SELECT edge FROM seek)"
        limit = "LIMIT %(limit)s OFFSET %(offset)s - (SELECT skipped FROM seek)"
    # The columns of a row that is skipped would be computed too: find the page's ids first.
    statement = f"""
        WITH {seek} page AS MATERIALIZED (
            SELECT a.id, row_number() OVER () AS place FROM (
                SELECT a.id FROM {scope.source} WHERE {where} ORDER BY {order} {limit}
            ) AS a
        ), everything AS (SELECT {total_of(scope)} AS total)
        SELECT everything.total, {_COLUMNS}
        FROM everything
        LEFT JOIN (page JOIN appointments_appointment AS a USING (id)) ON true
        ORDER BY page.place
    """
    found = _fetch(statement, params)
    rows = [row[1:] for row in found if row[1] is not None]
    return [ListedAppointment(*row) for row in rows], found[0][0]
