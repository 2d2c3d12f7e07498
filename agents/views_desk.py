"""The softphone: a page that talks to the API of desktops and hears of everything by CometD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import User
from agents.services import devices
from agents.services.tokens import access_for_user
from config.kernel.actors import Role
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from agents.models import Device


@method_decorator(never_cache, name="dispatch")
class DeskPage(OfficePage):
    """States, telephones and calls of whoever is signed in."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.AGENT, Role.SUPERVISOR})

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the page; what is on it, the page asks for itself."""
        about = {"place": "desk", "is_supervisor": self.actor.is_supervisor}
        return render(request, "agents/desk.html", about)


@method_decorator(never_cache, name="dispatch")
class DeskToken(OfficePage):
    """What lets a page of ours ask the API: short-lived, for whoever has the session."""

    def post(self, request: HttpRequest) -> JsonResponse:
        """Give an access token, and for how many seconds it is good."""
        lifetime = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
        access = access_for_user(cast(User, request.user))
        return JsonResponse({"access": access, "expiresIn": int(lifetime.total_seconds())})


@method_decorator(never_cache, name="dispatch")
class WatchedTelephones(OfficePage):
    """The telephones that a supervisor can listen in on."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SUPERVISOR})

    def get(self, request: HttpRequest) -> JsonResponse:
        """Give those that somebody else is logged in on, by name."""
        found = devices.devices_seen_by(self.actor).filter(is_active=True, user__isnull=False)
        others = found.exclude(user_id=self.actor.id).select_related("user")
        order = ("user__last_name", "user__first_name", "phone_number")
        return JsonResponse({"telephones": [_named(one) for one in others.order_by(*order)]})


def _named(device: Device) -> dict[str, Any]:
    return {
        "id": str(device.pk),
        "name": device.user.get_full_name() if device.user else "",
        "phoneNumber": device.phone_number,
    }
