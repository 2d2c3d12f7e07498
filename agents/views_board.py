"""The live board: one picture of everybody, kept up to date by what CometD tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.services import board
from config.kernel import json
from config.kernel.actors import Role
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.http import HttpRequest

_LEADERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


@method_decorator(never_cache, name="dispatch")
class BoardPage(OfficePage):
    """Agents, calls and queues as they are now."""

    roles: ClassVar[frozenset[Role]] = _LEADERS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the page; what is on it, the page asks for itself."""
        about = {"place": "board", "is_supervisor": self.actor.is_supervisor}
        return render(request, "agents/board.html", about)


@method_decorator(never_cache, name="dispatch")
class BoardState(OfficePage):
    """What the board shows at first, and after something was missed."""

    roles: ClassVar[frozenset[Role]] = _LEADERS

    def get(self, request: HttpRequest) -> HttpResponse:
        """Give it as JSON."""
        picture = board.picture_for(self.actor, now=timezone.now())
        return HttpResponse(json.dumps(picture), content_type="application/json")
