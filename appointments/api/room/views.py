"""Going in, staying, telling, leaving.

A forged request would need the token, which nobody else knows, and there is no cookie that a
browser would send by itself. Besides, browsers are refused that say that another page asks
(Fetch Metadata; RFC 6454, 7), and bodies that a foreign form could send are not read.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api.base import parse
from appointments.api.room.serializers import (
    JoinRequest,
    LeaveRequest,
    PollRequest,
    SendRequest,
    people_of,
    signal_of,
)
from appointments.services import meeting
from config.kernel.throttling import client_address


class FromOurPage(BasePermission):
    """Lets through what our own page asks for, and what is no browser."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell by what the browser says; scripts cannot change either header."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        ours = {request.get_host(), urlsplit(settings.PUBLIC_URL).netloc}
        return urlsplit(origin).netloc in ours


class RoomView(APIView):
    """An operation of the room; whatever opens nothing looks the same."""

    authentication_classes = ()
    permission_classes = (FromOurPage,)
    # What one participant may ask for is counted in the services.
    throttle_classes = ()
    schema = None
    http_method_names = ["post"]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Give what every answer behind a secret address says."""
        return {
            "Allow": "POST",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Robots-Tag": "noindex, nofollow",
        }

    def knock(self, request: Request) -> meeting.Knock:
        """Give what is known of who asks."""
        return meeting.Knock(
            token=self.kwargs["token"], address=client_address(request), now=timezone.now()
        )


class JoinView(RoomView):
    """Goes in."""

    def post(self, request: Request, token: str) -> Response:
        """Give the room, who is in it, and how browsers reach each other."""
        asked = parse(JoinRequest, request)
        joined = meeting.join_room(self.knock(request), peer=asked["peer"])
        return Response(
            {
                "room": joined.room,
                "people": people_of(joined.seats),
                "iceServers": joined.ice_servers,
            }
        )


class PollView(RoomView):
    """Stays in."""

    def post(self, request: Request, token: str) -> Response:
        """Give who is there, and what was sent since."""
        asked = parse(PollRequest, request)
        heard = meeting.hear(
            self.knock(request), room=asked["room"], peer=asked["peer"], got=asked["got"]
        )
        return Response(
            {
                "people": people_of(heard.seats),
                "signals": [signal_of(one) for one in heard.signals],
            }
        )


class SendView(RoomView):
    """Tells others something."""

    def post(self, request: Request, token: str) -> Response:
        """Give those who are not there any more."""
        asked = parse(SendRequest, request)
        gone = meeting.tell(
            self.knock(request),
            room=asked["room"],
            peer=asked["peer"],
            signals=[(one["to"], one["data"]) for one in asked["signals"]],
        )
        return Response({"gone": gone})


class LeaveView(RoomView):
    """Goes out."""

    def post(self, request: Request, token: str) -> Response:
        """Give nothing."""
        asked = parse(LeaveRequest, request)
        meeting.leave_room(
            self.knock(request),
            room=asked["room"],
            peer=asked["peer"],
            is_for_good=asked["forGood"],
        )
        return Response(status=204)
