"""The Appointments API v2: each operation reads, calls one service, and answers."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.authentication import parse_basic
from agents.api.base import Roles, SurfaceViewSet, parse
from appointments import services
from appointments.api.v2 import filters, serializers, wire
from appointments.api.v2.bookings.arrangement import arrangement_of
from appointments.api.v2.schema import documented
from appointments.counting import count_overlaps, count_slots
from appointments.errors import AppointmentNotFound
from appointments.listing import list_appointments
from appointments.models import Appointment
from config.kernel.actors import Role
from config.kernel.ids import parse_uuid
from config.kernel.json import StrictJSONParser, TextParser, body_of
from config.kernel.pagination import InvalidParameter, envelope
from config.kernel.throttling import client_address
from notifications import history
from notifications.errors import NotificationNotFound

AGENT, SUPERVISOR = Role.AGENT, Role.SUPERVISOR
CLIENT, CUSTOMER = Role.CLIENT_SERVICE, Role.CUSTOMER


def appointment_key(text: str) -> UUID:
    """Give an appointment's id; what has not the form of one is unknown."""
    key = parse_uuid(text)
    if key is None:
        raise AppointmentNotFound
    return key


class AppointmentViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "list": (AGENT, SUPERVISOR, CLIENT),
        "schedule": (AGENT, CLIENT),
        "update": (AGENT, SUPERVISOR, CLIENT),
        "activate": (CLIENT,),
        "schedule_as_customer": None,
        "reassign": (AGENT, SUPERVISOR),
        "reschedule": (AGENT, SUPERVISOR, CLIENT),
        "destroy": (AGENT, SUPERVISOR, CLIENT),
        "retrieve": (AGENT, SUPERVISOR, CUSTOMER, CLIENT),
        "count": None,
        "eligible": (CLIENT,),
        "overlap_count": None,
    }
    not_repeatable = frozenset({"schedule_as_customer"})

    @documented("v2.appointments.list")
    def list(self, request: Request) -> Response:
        page = filters.list_page(request.query_params)
        found = list_appointments(
            filters.list_filter(request.query_params), page, actor=self.actor, now=timezone.now()
        )
        content = [wire.listed_item(item) for item in found.items]
        return Response(envelope(content, found.total, page))

    @documented("v2.appointments.schedule")
    def schedule(self, request: Request) -> Response:
        data = parse(serializers.ScheduleAppointmentRequest, request)
        case = services.schedule_appointment(
            serializers.booking_of(data), actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.update")
    def update(self, request: Request) -> Response:
        data = parse(serializers.UpdateAppointmentRequest, request)
        case = services.update_appointment(
            appointment_key(data.pop("id")),
            changes=serializers.changes_of(data),
            customer=serializers.customer_change_of(data),
            about=arrangement_of(data),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.activate")
    def activate(self, _request: Request, id: str) -> Response:
        case = services.activate_appointment(
            appointment_key(id), actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.schedule_as_customer")
    def schedule_as_customer(self, request: Request) -> Response:
        credentials, now = parse_basic(request), timezone.now()
        # Who asks is checked before the rest of the body (contract, conventions).
        booker = services.prove_booker(
            parse(serializers.ApplicationNamedRequest, request)["application_id"],
            address=credentials.username,
            code=credentials.password,
            sender=client_address(request),
            now=now,
        )
        data = parse(serializers.ScheduleAsCustomerRequest, request)
        case = services.schedule_as_customer(
            serializers.booking_of(data), booker=booker, origin=self.surface, now=now
        )
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.reassign")
    def reassign(self, request: Request) -> Response:
        data = parse(serializers.ReassignAppointmentRequest, request)
        case = services.reassign_appointment(
            appointment_key(data["id"]),
            user_id=data["user_id"],
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.reschedule")
    def reschedule(self, request: Request) -> Response:
        data = parse(serializers.RescheduleAppointmentRequest, request)
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

    @documented("v2.appointments.delete")
    def destroy(self, _request: Request, id: str) -> Response:
        services.delete_appointment(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(status=204)

    @documented("v2.appointments.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        case = services.read_case(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(wire.appointment_response(case))

    @documented("v2.appointments.count")
    def count(self, request: Request) -> Response:
        organization, application, *_ = filters.needed(
            request.query_params, "organizationId", "applicationId", "start", "timeFrame"
        )
        start, until = filters.period(request.query_params, length="timeFrame")
        slots = count_slots(organization, application, start=start, until=until)
        return Response([wire.slot(slot) for slot in slots])

    @documented("v2.appointments.eligible")
    def eligible(self, request: Request) -> Response:
        filters.optional_duration(request.query_params, "timeFrame")
        found = Appointment.objects.visible_to(self.actor).eligible(timezone.now())
        return Response([wire.eligible_item(one) for one in found])

    @documented("v2.appointments.overlap_count")
    def overlap_count(self, request: Request) -> Response:
        organization, application, *_ = filters.needed(
            request.query_params, "organizationId", "applicationId", "start", "duration"
        )
        start, end = filters.period(request.query_params, length="duration")
        count = count_overlaps(organization, application, start=start, end=end)
        return Response({"count": count})


class ParticipantViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "add_agent": (AGENT, SUPERVISOR),
        "add_customer": (AGENT, SUPERVISOR),
        "remove": (AGENT, SUPERVISOR),
        "retrieve": (AGENT, SUPERVISOR, CUSTOMER),
        "update_state": (AGENT, SUPERVISOR, CUSTOMER),
    }

    @documented("v2.participants.add_agent")
    def add_agent(self, request: Request) -> Response:
        data = parse(serializers.AddParticipantAgentRequest, request)
        case, agent = services.add_agent(
            appointment_key(data["id"]),
            user_id=data["user_id"],
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.participant_details(case, agent))

    @documented("v2.participants.add_customer")
    def add_customer(self, request: Request) -> Response:
        data = parse(serializers.AddParticipantCustomerRequest, request)
        case, customer = services.add_customer(
            appointment_key(data["id"]),
            data=serializers.customer_of(data["customer"]),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.participant_details(case, customer))

    @documented("v2.participants.remove")
    def remove(self, _request: Request, id: str, participantId: str) -> Response:
        case = services.remove_participant(
            appointment_key(id), participant_id=participantId, actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v2.participants.get")
    def retrieve(self, _request: Request, id: str, participantId: str) -> Response:
        case, participant = services.read_participant(
            appointment_key(id), participant_id=participantId, actor=self.actor, now=timezone.now()
        )
        return Response(wire.participant_details(case, participant))

    @documented("v2.participants.update_state")
    def update_state(self, request: Request, id: str, participantId: str) -> Response:
        state = filters.participant_state(request.query_params, request.data)
        case = services.set_participant_state(
            appointment_key(id),
            participant_id=participantId,
            state=state,
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))


class InteractionViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "accept": (AGENT,),
        "failed": (AGENT, CUSTOMER),
        "retrieve": (AGENT, SUPERVISOR, CUSTOMER),
        "update": (AGENT, SUPERVISOR),
    }

    def get_parsers(self) -> list[Any]:
        """The body of accept may be plain text (accept.r4)."""
        # The request is parsed before the frame sets the action.
        action = getattr(self, "action", None) or self._action_of(self.request)
        return [StrictJSONParser(), *([TextParser()] if action == "accept" else [])]

    @documented("v2.interaction.accept")
    def accept(self, request: Request, id: str) -> Response:
        participant_id = body_of(request)
        if not isinstance(participant_id, str) or not participant_id:
            raise InvalidParameter(errors={"body": ["It is a string: the participant's id."]})
        case = services.accept_interaction(
            appointment_key(id), participant_id=participant_id, actor=self.actor, now=timezone.now()
        )
        return Response(wire.appointment_response(case))

    @documented("v2.interaction.failed")
    def failed(self, request: Request, id: str) -> Response:
        system_message, user_message = filters.messages(
            request.query_params, "systemMessage", "userMessage"
        )
        case = services.report_failure(
            appointment_key(id),
            system_message=system_message,
            user_message=user_message,
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))

    @documented("v2.interaction.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        case = services.read_case(appointment_key(id), actor=self.actor, now=timezone.now())
        return Response(wire.interaction(case.appointment))

    @documented("v2.interaction.update")
    def update(self, request: Request, id: str) -> Response:
        data = parse(serializers.UpdateInteractionBody, request)
        case = services.update_interaction(
            appointment_key(id),
            routing=serializers.routing_of(data["routing"]),
            custom_fields=data.get("custom_fields"),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.appointment_response(case))


class NotificationViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "list": (SUPERVISOR, AGENT),
        "events": (SUPERVISOR, AGENT),
        "retry": (SUPERVISOR, AGENT),
    }

    @documented("v2.notifications.list")
    def list(self, request: Request, id: str) -> Response:
        page = filters.history_page(request.query_params, history.NOTIFICATION_SORT_FIELDS)
        wanted = filters.history_filter(request.query_params)
        found = services.read_notifications(
            appointment_key(id), wanted, page, actor=self.actor, now=timezone.now()
        )
        content = [wire.notification(one) for one in found.rows]
        return Response(envelope(content, found.total, page))

    @documented("v2.notifications.events")
    def events(self, request: Request, id: str) -> Response:
        page = filters.history_page(request.query_params, history.EVENT_SORT_FIELDS)
        wanted = filters.history_filter(request.query_params)
        found = services.read_notification_events(
            appointment_key(id), wanted, page, actor=self.actor, now=timezone.now()
        )
        content = [wire.notification_event(one) for one in found.rows]
        return Response(envelope(content, found.total, page))

    @documented("frontdesk.notifications.retry")
    def retry(self, _request: Request, id: str, notificationId: str) -> Response:
        key = parse_uuid(notificationId)
        if key is None:
            raise NotificationNotFound
        notification = services.retry_notification(
            appointment_key(id), key, actor=self.actor, now=timezone.now()
        )
        return Response(wire.notification(notification))
