"""What a desktop proves itself by: HTTP Basic, the cookie that it sets, or a token of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication

from agents.errors_desk import CsrfHeaderMissing
from agents.services import desk_access, desk_cookies
from config.kernel.throttling import client_address

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from agents.services.desk_access import DeskCaller

_SAFE = {"GET", "HEAD"}


class DeskAuthentication(BaseAuthentication):
    """Makes `request.auth` the DeskCaller."""

    def authenticate(self, request: Request) -> tuple[None, DeskCaller]:
        """Give who asks.

        Raises Unauthenticated, TooManyAttempts, CsrfHeaderMissing.
        """
        caller = desk_access.prove(
            str(request.META.get("HTTP_AUTHORIZATION", "")),
            str(request.COOKIES.get(desk_cookies.NAME, "")),
            address=client_address(request),
            now=timezone.now(),
        )
        _check_csrf(request, caller)
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        """Give the challenge of a 401."""
        return desk_access.CHALLENGE


def _check_csrf(request: Request, caller: DeskCaller) -> None:
    # Off by default, as the cookie is SameSite=Lax (contract, conventions).
    if not settings.AGENTS_DESK_CSRF or request.method in _SAFE:
        return
    if not caller.is_proven_by_cookie or caller.cookie is None:
        return
    sent = str(request.headers.get(desk_cookies.CSRF_HEADER, ""))
    if not desk_cookies.is_csrf_token(sent, cookie=caller.cookie):
        raise CsrfHeaderMissing(header=desk_cookies.CSRF_HEADER)


def set_cookie(answer: HttpResponseBase, cookie: str) -> None:
    """Have the client send the cookie from now on."""
    answer.set_cookie(
        desk_cookies.NAME,
        cookie,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.SECURE,
    )


def set_csrf_headers(answer: HttpResponseBase, caller: DeskCaller) -> None:
    """Tell the client what to send beside the cookie, where the settings ask for it."""
    cookie = caller.cookie_to_set or caller.cookie
    if settings.AGENTS_DESK_CSRF and cookie:
        answer["X-CSRF-HEADER"] = desk_cookies.CSRF_HEADER
        answer[desk_cookies.CSRF_HEADER] = desk_cookies.csrf_token(cookie)
