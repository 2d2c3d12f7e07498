"""The operations on bookings: each reads, calls one service, and answers with the booking."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from agents.api.base import Roles, SurfaceViewSet, parse
from appointments import services
from appointments.api.v2 import filters
from appointments.api.v2 import serializers as wire
from appointments.api.v2.bookings import serializers
from appointments.api.v2.bookings.arrangement import answers_of
from appointments.api.v2.bookings.schema import documented
from appointments.api.v2.views import appointment_key
from appointments.booking_view import booking_shown, bookings_shown
from appointments.services import Case
from appointments.waiting_list import SORT_FIELDS, list_waiting
from config.kernel.actors import Role
from config.kernel.json import MissingBody, body_of
from config.kernel.pagination import envelope, parse_page

AGENT, SUPERVISOR = Role.AGENT, Role.SUPERVISOR
CLIENT, CUSTOMER = Role.CLIENT_SERVICE, Role.CUSTOMER
_EMPLOYEES = (AGENT, SUPERVISOR, CLIENT)


def _parse(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Give what the body says; none at all says nothing."""
    try:
        body_of(request)
    except MissingBody:
        return {}
    return parse(serializer_class, request)


def _answers(data: dict[str, Any]) -> list[services.GivenAnswer] | None:
    return answers_of(data["answers"]) if "answers" in data else None


class BookingViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "waiting": _EMPLOYEES,
        "request_time": (AGENT, CLIENT),
        "invite": (AGENT, CLIENT),
        "retrieve": _EMPLOYEES,
        "accept": _EMPLOYEES,
        "choose": (*_EMPLOYEES, CUSTOMER),
        "ask_again": (*_EMPLOYEES, CUSTOMER),
        "ask_for_alternative": _EMPLOYEES,
        "complete": _EMPLOYEES,
        "miss": _EMPLOYEES,
        "cancel": (*_EMPLOYEES, CUSTOMER),
        "reopen": _EMPLOYEES,
    }

    def _answer(self, case: Case) -> Response:
        return Response(booking_shown(case))

    @documented("frontdesk.bookings.waiting")
    def waiting(self, request: Request) -> Response:
        page = parse_page(request.query_params, sort_fields=SORT_FIELDS, default_field="waitsSince")
        status = filters.request_status(request.query_params)
        found = list_waiting(page, status=status, actor=self.actor, now=timezone.now())
        return Response(envelope(bookings_shown(found.rows), found.total, page))

    @documented("frontdesk.bookings.request")
    def request_time(self, request: Request) -> Response:
        data = parse(serializers.RequestRequest, request)
        case = services.request_appointment(
            wire.booking_of(data),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.invite")
    def invite(self, request: Request) -> Response:
        data = parse(serializers.InviteRequest, request)
        case = services.invite_customers(
            wire.draft_of(data),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        case = services.read_case(appointment_key(id), actor=self.actor, now=timezone.now())
        return self._answer(case)

    @documented("frontdesk.bookings.accept")
    def accept(self, request: Request, id: str) -> Response:
        data = _parse(serializers.MessageRequest, request)
        case = services.accept_request(
            appointment_key(id),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.choose")
    def choose(self, request: Request, id: str) -> Response:
        return self._answer(services.choose_time(appointment_key(id), **self._time(request)))

    @documented("frontdesk.bookings.ask_again")
    def ask_again(self, request: Request, id: str) -> Response:
        return self._answer(services.request_other_time(appointment_key(id), **self._time(request)))

    def _time(self, request: Request) -> dict[str, Any]:
        data = parse(serializers.TimeRequest, request)
        return {
            "start": data["start"],
            "duration": data.get("duration"),
            "zone": data.get("zone"),
            "message": data.get("message") or "",
            "actor": self.actor,
            "now": timezone.now(),
        }

    @documented("frontdesk.bookings.ask_for_alternative")
    def ask_for_alternative(self, request: Request, id: str) -> Response:
        data = _parse(serializers.MessageRequest, request)
        case = services.request_alternative(
            appointment_key(id),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.complete")
    def complete(self, request: Request, id: str) -> Response:
        return self._close(request, id, came=True)

    @documented("frontdesk.bookings.no_show")
    def miss(self, request: Request, id: str) -> Response:
        return self._close(request, id, came=False)

    def _close(self, request: Request, id: str, *, came: bool) -> Response:
        data = _parse(serializers.ClosingRequest, request)
        case = services.close_appointment(
            appointment_key(id),
            came=came,
            answers=_answers(data),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.cancel")
    def cancel(self, request: Request, id: str) -> Response:
        data = _parse(serializers.ClosingRequest, request)
        case = services.cancel_appointment(
            appointment_key(id),
            answers=_answers(data),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)

    @documented("frontdesk.bookings.reopen")
    def reopen(self, request: Request, id: str) -> Response:
        data = _parse(serializers.MessageRequest, request)
        case = services.reopen_appointment(
            appointment_key(id),
            actor=self.actor,
            now=timezone.now(),
            message=data.get("message") or "",
        )
        return self._answer(case)
