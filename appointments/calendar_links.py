"""An appointment in anybody's calendar: by a link or a file that shows no person and no link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from appointments.models import Appointment, State
from config.kernel.time import format_instant
from notifications.calendar import CalendarEntry, Method, uid_of

if TYPE_CHECKING:
    from uuid import UUID

_GOOGLE = "https://calendar.google.com/calendar/render"
_OFFICE365 = "https://outlook.office.com/calendar/0/deeplink/compose"


def find_open(appointment_id: UUID) -> Appointment | None:
    """Give an appointment for whoever knows its id, of whichever organisation."""
    found = Appointment.objects.filter(pk=appointment_id, organization__is_active=True)
    return found.select_related("application__organization").first()


def open_entry(appointment: Appointment) -> CalendarEntry | None:
    """Give the entry that anybody may have; None while no time is fixed."""
    start, end = appointment.start, appointment.end
    if start is None or end is None:
        return None
    organization = appointment.application.organization.name
    is_cancelled = appointment.state == State.CANCELLED
    return CalendarEntry(
        uid=uid_of(appointment.id),
        sequence=appointment.sequence,
        # To whoever has the entry already, the file of a cancelled appointment takes it away.
        method=Method.CANCEL if is_cancelled else Method.PUBLISH,
        start=start,
        end=end,
        zone=appointment.timezone,
        summary=appointment.title.strip() or organization,
        organizer_name=organization,
        created=appointment.created_at,
        last_modified=appointment.updated_at,
    )


def google_url(*, title: str, start: datetime, end: datetime, zone: str) -> str:
    """Give the address at which Google Calendar offers to take an appointment in."""
    query = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{_compact(start)}/{_compact(end)}",
        "ctz": zone,
    }
    return f"{_GOOGLE}?{urlencode(query, quote_via=quote)}"


def office365_url(*, title: str, start: datetime, end: datetime) -> str:
    """Give the address at which Outlook on the web offers to take an appointment in."""
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": _in_seconds(start),
        "enddt": _in_seconds(end),
    }
    return f"{_OFFICE365}?{urlencode(query, quote_via=quote)}"


def _compact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _in_seconds(moment: datetime) -> str:
    return format_instant(moment.replace(microsecond=0))
