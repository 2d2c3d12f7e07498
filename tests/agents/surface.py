"""A surface of the tests' own: one operation that makes a team, and one that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.urls import include, path
from rest_framework import serializers
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from agents.errors import UserNotFound
from agents.models import Team
from config.kernel.actors import Role
from config.kernel.openapi import operation

if TYPE_CHECKING:
    from rest_framework.request import Request


class Part(serializers.Serializer[Any]):
    size = serializers.IntegerField(min_value=1)


class TeamRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=20)
    parts = Part(many=True, required=False)


class TeamViewSet(SurfaceViewSet):
    surface = "test"
    roles: ClassVar[Roles] = {
        "create": (Role.ADMIN, Role.SUPERVISOR),
        "look": None,
        "who": (Role.AGENT, Role.CUSTOMER),
        "remember_nothing": (Role.ADMIN,),
    }
    not_repeatable = frozenset({"remember_nothing"})

    def create(self, request: Request) -> Response:
        """Make a team; one that is called Missing is answered 404 after it was made."""
        data = parse(TeamRequest, request)
        organization_id = self.actor.organization_id
        assert organization_id is not None
        team = Team.objects.create(organization_id=organization_id, name=data["name"])
        if data["name"] == "Missing":
            raise UserNotFound
        return Response({"id": str(team.pk)}, status=201)

    def remember_nothing(self, request: Request) -> Response:
        """Make a team each time."""
        return self.create(request)

    def look(self, request: Request) -> Response:
        """Tell anybody."""
        return Response({"who": request.auth})

    def who(self, request: Request) -> Response:
        """Tell who asks."""
        return Response({"id": self.actor.id, "origin": self.actor.origin})


urlpatterns = [
    path(
        "api/",
        include(
            [
                *operation("teams/", TeamViewSet.as_view({"post": "create"})),
                *operation("forgetful/", TeamViewSet.as_view({"post": "remember_nothing"})),
                *operation("look/", TeamViewSet.as_view({"get": "look"})),
                *operation("who/", TeamViewSet.as_view({"get": "who"})),
            ]
        ),
    )
]
