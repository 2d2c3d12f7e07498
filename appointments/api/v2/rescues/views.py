"""The operations on rescues: each reads, calls one service, and answers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from appointments.api.v2.rescues import serializers
from appointments.api.v2.rescues.schema import documented
from appointments.errors import RescueNotFound
from appointments.services import rescue
from config.kernel.actors import Role
from config.kernel.ids import parse_uuid

_SUPERVISORS = (Role.SUPERVISOR, Role.ADMIN)


def _rescue_key(text: str) -> UUID:
    """Give a rescue's id; what has not the form of one is unknown."""
    key = parse_uuid(text)
    if key is None:
        raise RescueNotFound
    return key


class RescueViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "preview": _SUPERVISORS,
        "create": _SUPERVISORS,
        "retrieve": _SUPERVISORS,
        "undo": _SUPERVISORS,
    }
    # It changes nothing, and is to be asked anew.
    not_repeatable: ClassVar[frozenset[str]] = frozenset({"preview"})

    def _answer(self, rescue_id: UUID, *, status: int = 200) -> Response:
        found = rescue.read_rescue(rescue_id, actor=self.actor)
        return Response(serializers.RescueResponse(found).data, status=status)

    @documented("frontdesk.rescues.preview")
    def preview(self, request: Request) -> Response:
        data = parse(serializers.RescuePreviewRequest, request)
        plan = rescue.preview_rescue(
            data["agent_id"],
            start=data["start"],
            end=data["end"],
            excluded=serializers.excluded_of(data.get("excluded", [])),
            wishes=serializers.wishes_of(data.get("wishes", [])),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(serializers.PlanResponse(plan).data)

    @documented("frontdesk.rescues.create")
    def create(self, request: Request) -> Response:
        data = parse(serializers.RescueRequest, request)
        made = rescue.carry_out_rescue(
            data["agent_id"],
            start=data["start"],
            end=data["end"],
            moves=serializers.moves_of(data["moves"]),
            actor=self.actor,
            now=timezone.now(),
        )
        return self._answer(made.pk, status=201)

    @documented("frontdesk.rescues.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        return self._answer(_rescue_key(id))

    @documented("frontdesk.rescues.undo")
    def undo(self, _request: Request, id: str) -> Response:
        undone = rescue.undo_rescue(_rescue_key(id), actor=self.actor, now=timezone.now())
        return self._answer(undone.pk)
