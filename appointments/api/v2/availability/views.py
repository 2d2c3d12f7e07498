"""Free times, open to everybody; who works here learns with whom, and why not."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.authentication import parse_bearer
from agents.api.base import Roles, SurfaceViewSet
from agents.errors import RoleMissing
from agents.services.callers import actor_of
from appointments.api.v2.availability import schema, serializers
from appointments.api.v2.availability.filters import slot_question
from appointments.api.v2.schema import describe
from appointments.availability import explain, free_slots, starting
from appointments.slot_question import wanted_of, works_here
from config.kernel.actors import Actor
from config.kernel.throttling import FreeTimesThrottle
from config.kernel.time import Duration


class AvailabilityViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {"retrieve": None}
    throttle_classes = (FreeTimesThrottle,)

    @describe("frontdesk.availability.get", schema.GET)
    def retrieve(self, request: Request) -> Response:
        actor = _asker(request)
        question = slot_question(request.query_params)
        if question.is_about_one_start and not works_here(actor):
            raise RoleMissing
        wanted = wanted_of(question, actor=actor)
        length = str(Duration.of(wanted.duration, exact=True))
        answer, now = serializers.common_of(wanted, duration=length), timezone.now()
        if question.is_about_one_start:
            verdicts = explain(starting(wanted, wanted.first), now=now)
            return Response({**answer, "verdicts": serializers.verdicts_of(verdicts)})
        knows = works_here(actor)
        slots = free_slots(wanted, now=now, names_agents=knows, is_bounded=True)
        return Response({**answer, "slots": serializers.slots_of(slots, names_agents=knows)})


def _asker(request: Request) -> Actor | None:
    """Give who asks, where a token is sent. Raises Unauthenticated."""
    if not request.META.get("HTTP_AUTHORIZATION"):
        return None
    return actor_of(parse_bearer(request), origin="api/v2")
