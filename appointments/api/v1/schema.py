"""What OpenAPI says of each operation of v1; the ids are those of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from appointments.api.v1 import serializers as wire
from appointments.api.v2 import schema as newer
from appointments.api.v2 import serializers as newer_wire
from appointments.api.v2.schema import PAGING, Described, View, describe, page, query

# On every answer, refusals too (views.OlderViewSet).
_TOLD = [
    OpenApiParameter(
        "Deprecation",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        response=True,
        description="Since when a newer version stands beside this one (RFC 9745).",
    ),
    OpenApiParameter(
        "Link",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        response=True,
        description='The same operation there, as rel="successor-version".',
    ),
]
_SLOT = [
    query("applicationId", required=True),
    query("start", OpenApiTypes.DATETIME, required=True),
]


def _booking_example() -> OpenApiExample:
    """A booking that works against the demonstration data, once its applicationId is put in."""
    [shown] = newer.OPERATIONS["v2.appointments.schedule"].examples
    members = dict(shown.value)
    [customer] = members.pop("customers")
    return OpenApiExample(
        "A video consultation", value={**members, "customer": customer}, request_only=True
    )


_older = partial(Described, group="Appointments, version 1", answer=wire.GetAppointmentResponse)

OPERATIONS = {
    "v1.appointments.list": _older(
        summary="One page of appointments, filtered and sorted",
        answer=page(wire.FindAppointmentsResponsePaged),
        query=[
            query("applicationId"),
            query("organizerId", many=True, note="For supervisors; ignored otherwise."),
            query("duration", many=True, note="ISO 8601 durations."),
            query("range", many=True, note="Two date-times: both ends lie within."),
            *PAGING,
            query("sortField", note="start, end, duration, id or title."),
        ],
    ),
    "v1.appointments.schedule": _older(
        summary="Creates an appointment, and activates it when the application does so",
        body=wire.ScheduleAppointmentRequest,
        refused=(400, 401, 403, 409, 500),
        examples=[_booking_example()],
    ),
    "v1.appointments.update": _older(
        summary="Changes title, notes and metadata", body=wire.UpdateAppointmentRequest
    ),
    "v1.appointments.delete": _older(
        summary="Deletes an appointment for good",
        answer=None,
        success=204,
        refused=(401, 403, 404, 500),
    ),
    "v1.appointments.get": _older(summary="One appointment by id"),
    "v1.appointments.end": _older(
        summary="Ends the interaction of an appointment",
        # What an appointment is that has no time yet, the older version did not know.
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v1.participants.remove": _older(summary="Removes a participant from an appointment"),
    "v1.participants.get": _older(
        summary="Details of one participant", answer=wire.GetParticipantDetailsResponse
    ),
    "v1.appointments.activate": _older(
        summary="Activates a scheduled appointment, and says how to get into the room",
        answer=wire.RoomAccessResponse,
    ),
    "v1.appointments.schedule_as_customer": _older(
        summary="A customer books an appointment for itself, proven by a one-time password",
        body=wire.ScheduleAppointmentRequest,
        refused=(400, 401, 403, 409, 429, 500),
        examples=[_booking_example()],
    ),
    "v1.appointments.count": _older(
        summary="How many appointments are scheduled per slot within a time frame",
        answer=newer_wire.AppointmentCountResponse(many=True),
        query=[*_SLOT, query("timeFrame", OpenApiTypes.DURATION, required=True)],
        refused=(400, 401, 403, 500),
    ),
    "v1.appointments.eligible": _older(
        summary="Appointments that could be activated",
        answer=newer_wire.FindAppointmentsEligibleResponse(many=True),
        query=[query("timeFrame", OpenApiTypes.DURATION, note="No longer limits the result.")],
        refused=(400, 401, 403, 500),
        deprecated=True,
    ),
    "v1.appointments.overlap_count": _older(
        summary="How many appointments overlap a given time",
        answer=newer_wire.AppointmentOverlapResponse,
        query=[*_SLOT, query("duration", OpenApiTypes.DURATION, required=True)],
        refused=(400, 401, 403, 500),
    ),
    "v1.participants.add_agent": _older(
        summary="Adds an agent to an appointment",
        body=newer_wire.AddParticipantAgentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v1.participants.add_customer": _older(
        summary="Adds a customer to an appointment", body=newer_wire.AddParticipantCustomerRequest
    ),
    "v1.appointments.reassign": _older(
        summary="Hands an appointment over to another agent",
        body=newer_wire.ReassignAppointmentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
    "v1.appointments.reschedule": _older(
        summary="Moves an appointment to another time",
        body=newer_wire.RescheduleAppointmentRequest,
        refused=(400, 401, 403, 404, 409, 500),
    ),
}


def documented(operation_id: str) -> Callable[[View], View]:
    """Describe a view method as the operation of this id."""
    one = OPERATIONS[operation_id]
    return describe(operation_id, replace(one, query=[*one.query, *_TOLD]))
