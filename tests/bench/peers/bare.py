"""The floor: one function, our two statements, and nobody is asked who is asking."""

from __future__ import annotations

from datetime import datetime

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from psycopg import Cursor

_WHERE = """
FROM appointments_involvement AS i
JOIN appointments_appointment AS a ON a.id = i.appointment_id
WHERE a.organization_id = %(organization)s AND a.start IS NOT NULL AND a.state <> 'CANCELLED'
    AND i.agent_id = %(agent)s AND i.is_assigned
    AND i.start BETWEEN %(first)s AND %(last)s AND a."end" <= %(last)s
"""
_TOTAL = f"SELECT count(*) {_WHERE}"
_PAGE = f"""
SELECT a.id::text, a.application_id::text, a.title, a.notes, a.metadata::text, a.start, a."end",
    a.duration::text, a.timezone, a.locale, a.organizer_type, a.organizer_id, a.target_type,
    a.target_id, a.interaction_state, a.routing_type, a.routing_properties::text,
    a.custom_fields::text, a.interaction_properties::text, a.notifications_active,
    a.notification_headers::text, a.access_expires_at, a.details_expire_at,
    (
        SELECT json_agg(json_build_array(p.id, p.user_id, p.type, p.state) ORDER BY p.id)::text
        FROM appointments_participant AS p WHERE p.appointment_id = a.id
    )
{_WHERE} ORDER BY i.start, i.appointment_id LIMIT 25
"""


def page(request: HttpRequest) -> HttpResponse:
    """Give 25 appointments of an agent from a moment on, with their participants."""
    params = {
        "organization": request.GET["organization"],
        "agent": request.GET["agent"],
        "first": datetime.fromisoformat(request.GET["first"]),
        "last": datetime.fromisoformat(request.GET["last"]),
    }
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0
    with Cursor(connection.connection) as cursor:
        total = cursor.execute(_TOTAL, params, prepare=True, binary=True).fetchall()[0][0]
        rows = cursor.execute(_PAGE, params, prepare=True, binary=True).fetchall()
    content = [[*row[:-1], orjson.Fragment(row[-1])] for row in rows]
    return HttpResponse(
        orjson.dumps({"content": content, "total": total}), content_type="application/json"
    )
