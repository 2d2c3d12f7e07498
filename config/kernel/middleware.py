"""Django's middlewares for pages: an API's callers have no session, no form and no browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest

_APIS = ("/api/", "/rest/")
# The reference of the APIs is made of pages.
_PAGES_OF_APIS = "/api/schema/"


def is_for_an_api(request: HttpRequest) -> bool:
    """Tell whether programs ask for the path, which carry what proves who they are."""
    return request.path_info.startswith(_APIS) and not request.path_info.startswith(_PAGES_OF_APIS)


class _ForPages:
    """Steps aside for the APIs: the six of them cost a fifth of a list's time."""

    def __call__(self, request: HttpRequest) -> Any:
        if is_for_an_api(request):
            return self.get_response(request)  # type: ignore[attr-defined]  # every middleware's
        return super().__call__(request)  # type: ignore[misc]  # the middleware's beside it


class PageCSPMiddleware(_ForPages, CSPMiddleware):
    """Sends the Content-Security-Policy of a page."""


class PageSessionMiddleware(_ForPages, SessionMiddleware):
    """Keeps a page's session."""


class PageCsrfViewMiddleware(_ForPages, CsrfViewMiddleware):
    """Asks a form for its token."""


class PageAuthenticationMiddleware(_ForPages, AuthenticationMiddleware):
    """Gives a page its user."""


class PageMessageMiddleware(_ForPages, MessageMiddleware):
    """Keeps what the next page says."""


class PageXFrameOptionsMiddleware(_ForPages, XFrameOptionsMiddleware):
    """Keeps a page out of foreign frames."""
