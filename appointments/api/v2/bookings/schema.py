"""What OpenAPI says of the operations on bookings; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from appointments.api.v2.bookings import serializers as wire
from appointments.api.v2.schema import PAGING, Described, describe, page, query
from appointments.models import RequestStatus

View = TypeVar("View", bound=Callable[..., Any])

_GROUP = "Requests, Invites & Bookings"
_COMMAND = (400, 401, 403, 404, 409, 500)


def _command(summary: str, body: Any) -> Described:
    return Described(
        group=_GROUP, summary=summary, answer=wire.BookingResponse, body=body, refused=_COMMAND
    )


OPERATIONS = {
    "frontdesk.bookings.waiting": Described(
        group=_GROUP,
        summary="Requests and invites that somebody has to deal with",
        answer=page(wire.BookingsPaged),
        query=[
            *PAGING,
            query("sortField", note="waitsSince."),
            query("status", enum=[str(one) for one in RequestStatus]),
        ],
        refused=(400, 401, 403, 500),
    ),
    "frontdesk.bookings.request": Described(
        group=_GROUP,
        summary="Asks for an appointment, which an employee is to accept",
        answer=wire.BookingResponse,
        body=wire.RequestRequest,
        refused=(400, 401, 403, 409, 500),
    ),
    "frontdesk.bookings.invite": Described(
        group=_GROUP,
        summary="Invites customers to choose a time",
        answer=wire.BookingResponse,
        body=wire.InviteRequest,
        refused=(400, 401, 403, 409, 500),
    ),
    "frontdesk.bookings.get": Described(
        group=_GROUP,
        summary="A booking with everything that the booking webhook tells of it",
        answer=wire.BookingResponse,
        refused=(401, 403, 404, 500),
    ),
    "frontdesk.bookings.accept": _command(
        "Accepts the time that was asked for", wire.MessageRequest
    ),
    "frontdesk.bookings.choose": _command(
        "Chooses the time of an invite, or another date", wire.TimeRequest
    ),
    "frontdesk.bookings.ask_again": _command("Asks for another time", wire.TimeRequest),
    "frontdesk.bookings.ask_for_alternative": _command(
        "Asks the customer to choose another date", wire.MessageRequest
    ),
    "frontdesk.bookings.complete": _command(
        "Closes an appointment that took place", wire.ClosingRequest
    ),
    "frontdesk.bookings.no_show": _command(
        "Closes an appointment to which the customer did not come", wire.ClosingRequest
    ),
    "frontdesk.bookings.cancel": _command(
        "Calls an appointment off; it can be reopened", wire.ClosingRequest
    ),
    "frontdesk.bookings.reopen": _command(
        "Opens a closed or cancelled appointment again", wire.MessageRequest
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    return describe(operation_id, OPERATIONS[operation_id])
