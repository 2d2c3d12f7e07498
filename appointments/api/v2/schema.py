"""What OpenAPI says of each operation; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.serializers import Serializer

from agents.api.openapi import refusals
from appointments.api.v2 import serializers as wire
from config.kernel.time import format_instant

View = TypeVar("View", bound=Callable[..., Any])


def query(
    name: str,
    type: Any = OpenApiTypes.STR,
    *,
    required: bool = False,
    many: bool = False,
    enum: list[str] | None = None,
    note: str = "",
) -> OpenApiParameter:
    return OpenApiParameter(name, type, required=required, many=many, enum=enum, description=note)


def page(serializer: type[Serializer[Any]]) -> Any:
    """A page is one object, whatever the method is called."""
    return forced_singular_serializer(serializer)  # type: ignore[no-untyped-call]  # untyped there


PAGING = [
    query("pageSize", OpenApiTypes.INT64, note="Items per page, 25 unless told, at most 1000."),
    query("pageNumber", OpenApiTypes.INT64, note="From 1."),
    query("sortOrder", enum=["asc", "desc"]),
]
_SLOT = [
    query("applicationId", required=True),
    query("organizationId", required=True),
    query("start", OpenApiTypes.DATETIME, required=True),
]
_HISTORY = [
    *PAGING,
    query("sortField"),
    query("type", many=True),
    query("channel", many=True),
    query("status", many=True),
]


def _booking_example() -> OpenApiExample:
    """A booking that works against the demonstration data, once its applicationId is put in."""
    start = (timezone.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    return OpenApiExample(
        "A video consultation",
        value={
            "applicationId": "put the id of an application here",
            "start": format_instant(start),
            "duration": "PT30M",
            "timezone": "Europe/Berlin",
            "locale": "en-GB",
            "title": "Product installation review",
            "customers": [
                {
                    "name": {"firstName": "Ada", "lastName": "Lovelace"},
                    "contact": {"primaryEmail": "ada@example.com"},
                }
            ],
        },
        request_only=True,
    )


@dataclass(frozen=True, kw_only=True)
class Described:
    """One operation: its group and summary in the prose, and its shapes."""

    group: str
    summary: str
    answer: Any = wire.AppointmentResponse
    body: Any = None
    query: list[OpenApiParameter] = field(default_factory=list)
    refused: tuple[int, ...] = (400, 401, 403, 404, 500)
    examples: list[OpenApiExample] = field(default_factory=list)
    success: int = 200
    deprecated: bool = False


_MANAGE, _SEARCH = "Schedule & Manage Appointments", "Search & Eligibility"
_PARTICIPANTS, _INTERACTION = "Participants", "Interaction Lifecycle & Routing"
_NOTIFICATIONS = "Appointment Notifications (Per Appointment)"

OPERATIONS = {
    "v2.appointments.list": Described(
        group=_MANAGE,
        summary="One page of appointments, filtered and sorted",
        answer=page(wire.FindAppointmentsResponsePaged),
        query=[
            query("applicationId"),
            query("organizerId", many=True, note="Deprecated: use agentId. For supervisors."),
            query("agentId", many=True),
            query("duration", many=True, note="ISO 8601 durations."),
            query("range", many=True, note="Two date-times: both ends lie within."),
            *PAGING,
            query("sortField", note="start, end, duration, id or title."),
        ],
    ),
    "v2.appointments.schedule": Described(
        group=_MANAGE,
        summary="Creates an appointment, and activates it when the application does so",
        body=wire.ScheduleAppointmentRequest,
        refused=(400, 401, 403, 409, 500),
        examples=[_booking_example()],
    ),
    "v2.appointments.update": Described(
        group=_MANAGE,
        summary="Changes title, notes, metadata, notification headers and customer data",
        body=wire.UpdateAppointmentRequest,
    ),
    "v2.appointments.activate": Described(
        group=_MANAGE, summary="Activates a scheduled appointment"
    ),
    "v2.appointments.schedule_as_customer": Described(
        group=_MANAGE,
        summary="A customer books an appointment for itself, proven by a one-time password",
        body=wire.ScheduleAsCustomerRequest,
        refused=(400, 401, 403, 409, 429, 500),
        examples=[_booking_example()],
    ),
    "v2.appointments.reassign": Described(
        group=_MANAGE,
        summary="Hands an appointment over to another agent",
        body=wire.ReassignAppointmentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v2.appointments.reschedule": Described(
        group=_MANAGE,
        summary="Moves an appointment to another time",
        body=wire.RescheduleAppointmentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v2.appointments.delete": Described(
        group=_MANAGE,
        summary="Deletes an appointment for good",
        answer=None,
        success=204,
        refused=(401, 403, 404, 500),
    ),
    "v2.appointments.get": Described(group=_MANAGE, summary="One appointment by id"),
    "v2.appointments.count": Described(
        group=_SEARCH,
        summary="How many appointments are scheduled per slot within a time frame",
        answer=wire.AppointmentCountResponse(many=True),
        query=[*_SLOT, query("timeFrame", OpenApiTypes.DURATION, required=True)],
        refused=(400, 401, 403, 500),
    ),
    "v2.appointments.eligible": Described(
        group=_SEARCH,
        summary="Appointments that could be activated",
        answer=wire.FindAppointmentsEligibleResponse(many=True),
        query=[query("timeFrame", OpenApiTypes.DURATION, note="No longer limits the result.")],
        refused=(400, 401, 403, 500),
        deprecated=True,
    ),
    "v2.appointments.overlap_count": Described(
        group=_SEARCH,
        summary="How many appointments overlap a given time",
        answer=wire.AppointmentOverlapResponse,
        query=[*_SLOT, query("duration", OpenApiTypes.DURATION, required=True)],
        refused=(400, 401, 403, 500),
    ),
    "v2.participants.add_agent": Described(
        group=_PARTICIPANTS,
        summary="Adds an agent to an appointment",
        answer=wire.ParticipantDetailsResponse,
        body=wire.AddParticipantAgentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v2.participants.add_customer": Described(
        group=_PARTICIPANTS,
        summary="Adds a customer to an appointment",
        answer=wire.ParticipantDetailsResponse,
        body=wire.AddParticipantCustomerRequest,
    ),
    "v2.participants.remove": Described(
        group=_PARTICIPANTS, summary="Removes a participant from an appointment"
    ),
    "v2.participants.get": Described(
        group=_PARTICIPANTS,
        summary="Details of one participant",
        answer=wire.ParticipantDetailsResponse,
    ),
    "v2.participants.update_state": Described(
        group=_PARTICIPANTS,
        summary="Sets whether a participant is waiting, has joined or has left",
        body=wire.ParticipantStateBody,
        query=[query("state", enum=["WAITING", "JOINED", "LEFT"])],
    ),
    "v2.interaction.accept": Described(
        group=_INTERACTION,
        summary="Records that a participant has accepted the interaction",
        body={"application/json": {"type": "string"}, "text/plain": {"type": "string"}},
    ),
    "v2.interaction.failed": Described(
        group=_INTERACTION,
        summary="Records that the interaction has failed, with the error",
        query=[query("systemMessage"), query("userMessage")],
    ),
    "v2.interaction.get": Described(
        group=_INTERACTION,
        summary="The interaction of an appointment",
        answer=wire.InteractionResponse,
    ),
    "v2.interaction.update": Described(
        group=_INTERACTION,
        summary="Changes routing and custom fields of the interaction",
        body=wire.UpdateInteractionBody,
    ),
    "v2.notifications.list": Described(
        group=_NOTIFICATIONS,
        summary="Delivery state of the notifications of one appointment",
        answer=page(wire.ListAppointmentNotificationsResponsePaged),
        query=_HISTORY,
    ),
    "v2.notifications.events": Described(
        group=_NOTIFICATIONS,
        summary="Every step in the delivery of the notifications of one appointment",
        answer=wire.ListAppointmentNotificationEventsResponsePaged,
        query=[*_HISTORY, query("statusId", many=True)],
    ),
    "frontdesk.notifications.retry": Described(
        group=_NOTIFICATIONS,
        summary="Sends a notification again now, wherever canRetry says so",
        answer=wire.NotificationStatusResponse,
        refused=(401, 403, 404, 409, 500),
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    return describe(operation_id, OPERATIONS[operation_id])


def describe(operation_id: str, one: Described) -> Callable[[View], View]:
    """Describe a view method."""
    return extend_schema(
        operation_id=operation_id,
        summary=one.summary,
        tags=[one.group],
        parameters=one.query,
        request=one.body,
        responses={one.success: one.answer, **refusals(*one.refused)},
        examples=one.examples,
        deprecated=one.deprecated,
    )
