"""What OpenAPI says of the calendar's operations; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from agents.api.openapi import refusals

View = TypeVar("View", bound=Callable[..., Any])

_LEADS_AWAY = OpenApiResponse(description="The address is in Location.")
_FILE = {(200, "text/calendar"): OpenApiResponse(OpenApiTypes.STR, description="RFC 5545.")}

_OPERATIONS: dict[str, tuple[str, str, dict[Any, Any]]] = {
    "v1.cal.google": (
        "Events",
        "Leads to a prefilled Google Calendar event",
        {302: _LEADS_AWAY, **refusals(400, 404, 500)},
    ),
    "v1.cal.ical": (
        "Events",
        "The appointment as an iCalendar file",
        {**_FILE, **refusals(400, 404, 500)},
    ),
    "frontdesk.cal.office365": (
        "Events",
        "Leads to a prefilled event of Outlook on the web",
        {302: _LEADS_AWAY, **refusals(404, 500)},
    ),
    "frontdesk.cal.feed": (
        "Calendar feeds",
        "The calendar of an agent or an office, for calendars that subscribe to it",
        {
            **_FILE,
            304: OpenApiResponse(description="Nothing has changed."),
            **refusals(404, 429, 500),
        },
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    group, summary, responses = _OPERATIONS[operation_id]
    name = "secret" if operation_id == "frontdesk.cal.feed" else "id"
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=[group],
        parameters=[OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.PATH)],
        request=None,
        responses=responses,
    )
