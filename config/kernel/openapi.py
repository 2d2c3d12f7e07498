"""Operations: each is served with and without a trailing slash, and described once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, path

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

View = Callable[..., "HttpResponseBase"]
Endpoint = tuple[str, str, str, Callable[..., Any]]


def operation(route: str, view: View, *, name: str | None = None) -> list[URLPattern]:
    """Give the two routes of an operation: as it is documented, and as clients also write it.

    Neither redirects, because a redirect would lose the body. Only the first has the name and is
    in the schema. With an empty route, or "/", include the list under a prefix without its slash.
    """
    alternate = route[:-1] if route.endswith("/") else f"{route}/"
    return [
        path(route, _marked(view, documented=True), name=name),
        path(alternate, _marked(view, documented=False)),
    ]


def _marked(view: View, *, documented: bool) -> View:
    # A function of its own for each route: attributes such as csrf_exempt and cls go along.
    @functools.wraps(view)
    def marked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    marked.documented = documented  # type: ignore[attr-defined]  # read by the hook below
    return marked


def documented_paths_only(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Keep the documented form of each operation under /api/."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint[0].startswith("/api/") and getattr(endpoint[3], "documented", False)
    ]
