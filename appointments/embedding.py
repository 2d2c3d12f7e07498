"""The booking pages within other sites: which may show them, and what they put there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from agents.models import Application

# Where a request says itself that its answer goes into a frame (Fetch Metadata).
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})


def is_within_a_frame(request: HttpRequest) -> bool:
    """Tell whether the page is shown within another; what older browsers do not say, we do."""
    destination = request.headers.get("Sec-Fetch-Dest", "")
    return destination in _FRAMES or request.GET.get("embedded") == "1"


def let_sites_frame(response: HttpResponseBase, application: Application) -> None:
    """Let the sites of the application show the page, and nobody else."""
    if not application.embed_origins:
        return
    # Attributes by which both middlewares are told of an exception.
    frames = {"frame-ancestors": list(application.embed_origins)}
    setattr(response, "_csp_replace", frames)  # noqa: B010  # it is not declared
    # The older header knows no list of sites, and would keep out even those.
    setattr(response, "xframe_options_exempt", True)  # noqa: B010  # it is not declared


def snippet_of(application: Application) -> str:
    """Give the tag that puts the booking page into another site."""
    return format_html(
        '<script src="{}{}" data-application="{}" async></script>',
        settings.PUBLIC_URL,
        static("frontdesk/embed.js"),
        application.pk,
    )
