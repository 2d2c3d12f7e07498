"""The Appointments API v1: the operations of v2 in their older form, over the same services."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import ClassVar

from django.utils import timezone
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.authentication import parse_basic
from agents.api.base import Roles, SurfaceViewSet, parse
from appointments import services
from appointments.api.v1 import filters, serializers, wire
from appointments.api.v1.schema import documented
from appointments.api.v2 import filters as newer_filters
from appointments.api.v2 import serializers as newer_serializers
from appointments.api.v2 import wire as newer_wire
from appointments.api.v2.views import appointment_key
from appointments.counting import count_overlaps, count_slots
from appointments.listing import list_appointments
from appointments.models import Appointment
from config.kernel.actors import Role
from config.kernel.pagination import envelope
from config.kernel.throttling import client_address

AGENT, SUPERVISOR = Role.AGENT, Role.SUPERVISOR
CLIENT, CUSTOMER = Role.CLIENT_SERVICE, Role.CUSTOMER

# The day on which this version was first served here, beside the one that follows it. No date is
# fixed for its end, so there is no Sunset.
DEPRECATED_SINCE = datetime(2026, 11, 25, tzinfo=UTC)
_END = re.compile(r"(?<=/api/v2/appointments/)([^/]+)/end/?$")


def successor_of(path: str) -> str:
    """Give the path under which the newer version does what this one does."""
    newer = path.replace("/api/appointments", "/api/v2/appointments", 1)
    return _END.sub(r"\1/complete", newer)


class OlderViewSet(SurfaceViewSet):
    """Says with every answer, refusals too, that there is a newer version, and where."""

    surface = "api/v1"

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Give what every answer says (RFC 9745; RFC 5829, successor-version)."""
        successor = escape_uri_path(successor_of(self.request.path))
        return {
            **super().default_response_headers,
            "Deprecation": f"@{DEPRECATED_SINCE.timestamp():.0f}",
            "Link": f'<{successor}>; rel="successor-version"',
        }


class AppointmentViewSet(OlderViewSet):
    roles: ClassVar[Roles] = {
        "list": (AGENT, SUPERVISOR, CLIENT),
        "schedule": (AGENT, CLIENT),
        "update": (AGENT, SUPERVISOR, CLIENT),
        "destroy": (AGENT, SUPERVISOR, CLIENT),
        "retrieve": (AGENT, SUPERVISOR, CUSTOMER, CLIENT),
        "end": (AGENT,),
        "activate": (CLIENT,),
        "schedule_as_customer": None,
        "count": None,
        "eligible": (CLIENT,),
        "overlap_count": None,
        "reassign": (AGENT, SUPERVISOR),
        "reschedule": (AGENT, SUPERVISOR, CLIENT),
    }
    not_repeatable = frozenset({"schedule_as_customer"})

    @documented("v1.appointments.list")
    def list(self, request: Request) -> Response:
        page = filters.list_page(request.query_params)
        found = list_appointments(
            filters.list_filter(request.query_params), page, actor=self.actor, now=timezone.now()
        )
        content = [wire.listed_item(item) for item in found.items]
        return Response(envelope(content, found.total, page))

    @documented("v1.appointments.schedule")
    def schedule(self, request: Request) -> Response:
        data = parse(serializers.ScheduleAppointmentRequest, request)
        case = services.schedule_appointment(
            serializers.booking_of(data), actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.update")
    def update(self, request: Request) -> Response:
        data = parse(serializers.UpdateAppointmentRequest, request)
        case = services.update_appointment(
            appointment_key(data.pop("id")),
            changes=newer_serializers.changes_of(data),
            customer=None,
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.delete")
    def destroy(self, _request: Request, id: str) -> Response:
        services.delete_appointment(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(status=204)

    @documented("v1.appointments.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        case = services.read_case(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.end")
    def end(self, _request: Request, id: str) -> Response:
        case = services.end_interaction(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.activate")
    def activate(self, _request: Request, id: str) -> Response:
        case = services.activate_appointment(
            appointment_key(id), actor=self.actor, now=timezone.now()
        )
        return Response(wire.room_access(case))

    @documented("v1.appointments.schedule_as_customer")
    def schedule_as_customer(self, request: Request) -> Response:
        credentials, now = parse_basic(request), timezone.now()
        # Who asks is checked before the rest of the body (contract, conventions).
        booker = services.prove_booker(
            parse(newer_serializers.ApplicationNamedRequest, request)["application_id"],
            address=credentials.username,
            code=credentials.password,
            sender=client_address(request),
            now=now,
        )
        data = parse(serializers.ScheduleAppointmentRequest, request)
        case = services.schedule_as_customer(
            serializers.booking_of(data), booker=booker, origin=self.surface, now=now
        )
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.count")
    def count(self, request: Request) -> Response:
        application, *_ = newer_filters.needed(
            request.query_params, "applicationId", "start", "timeFrame"
        )
        start, until = newer_filters.period(request.query_params, length="timeFrame")
        slots = count_slots(None, application, start=start, until=until)
        return Response([newer_wire.slot(slot) for slot in slots])

    @documented("v1.appointments.eligible")
    def eligible(self, request: Request) -> Response:
        newer_filters.optional_duration(request.query_params, "timeFrame")
        found = Appointment.objects.visible_to(self.actor).eligible(timezone.now())
        return Response([newer_wire.eligible_item(one) for one in found])

    @documented("v1.appointments.overlap_count")
    def overlap_count(self, request: Request) -> Response:
        application, *_ = newer_filters.needed(
            request.query_params, "applicationId", "start", "duration"
        )
        start, end = newer_filters.period(request.query_params, length="duration")
        count = count_overlaps(None, application, start=start, end=end)
        return Response({"count": count})

    @documented("v1.appointments.reassign")
    def reassign(self, request: Request) -> Response:
        data = parse(newer_serializers.ReassignAppointmentRequest, request)
        case = services.reassign_appointment(
            appointment_key(data["id"]),
            user_id=data["user_id"],
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v1.appointments.reschedule")
    def reschedule(self, request: Request) -> Response:
        data = parse(newer_serializers.RescheduleAppointmentRequest, request)
        case = services.reschedule_appointment(
            appointment_key(data["id"]),
            start=data["start"],
            duration=data["duration"],
            zone=data["zone"],
            locale=data.get("locale"),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))


class ParticipantViewSet(OlderViewSet):
    roles: ClassVar[Roles] = {
        "remove": (AGENT, SUPERVISOR),
        "retrieve": (AGENT, SUPERVISOR, CUSTOMER),
        "add_agent": (AGENT, SUPERVISOR),
        "add_customer": (AGENT, SUPERVISOR),
    }

    @documented("v1.participants.remove")
    def remove(self, _request: Request, id: str, pid: str) -> Response:
        case = services.remove_participant(
            appointment_key(id), participant_id=pid, actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v1.participants.get")
    def retrieve(self, _request: Request, id: str, pid: str) -> Response:
        case, participant = services.read_participant(
            appointment_key(id), participant_id=pid, actor=self.actor, now=timezone.now()
        )
        return Response(newer_wire.person(case, participant))

    @documented("v1.participants.add_agent")
    def add_agent(self, request: Request) -> Response:
        data = parse(newer_serializers.AddParticipantAgentRequest, request)
        case, _ = services.add_agent(
            appointment_key(data["id"]),
            user_id=data["user_id"],
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v1.participants.add_customer")
    def add_customer(self, request: Request) -> Response:
        data = parse(newer_serializers.AddParticipantCustomerRequest, request)
        case, _ = services.add_customer(
            appointment_key(data["id"]),
            data=newer_serializers.customer_of(data["customer"]),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))
