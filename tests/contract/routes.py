"""The API routes that the project has, read from its URL resolver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admindocs.views import simplify_regex
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from tests.contract.client import API, PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, kw_only=True, order=True)
class Route:
    """One method of one path, without a closing slash and without names: ``/api/v2/x/{}``."""

    path: str
    method: str


def api_routes() -> set[Route]:
    """Give every operation that the resolver knows under an API prefix, pages left out."""
    return {
        Route(path=path, method=method)
        for path, view in _walk(get_resolver(), "")
        if path.startswith(API) and path not in PAGES
        for method in methods_of(view)
    }


def view_of(view: Callable[..., object]) -> tuple[object, ...]:
    """Give what makes a view the same view, whichever route led to it."""
    found: Any = view
    return (
        getattr(found, "cls", None) or getattr(found, "view_class", None) or found,
        tuple(sorted((getattr(found, "actions", None) or {}).items())),
    )


def methods_of(view: Callable[..., object]) -> tuple[str, ...]:
    """Give the methods that a view answers."""
    found: Any = view
    actions = getattr(found, "actions", None)
    if actions:
        return tuple(name.upper() for name in actions if name.upper() in METHODS)
    kind = getattr(found, "cls", None) or getattr(found, "view_class", None)
    if kind:
        return tuple(name for name in METHODS if hasattr(kind, name.lower()))
    # A plain function does not say, so it is asked.
    return tuple(
        name for name in METHODS if found(RequestFactory().generic(name, "/")).status_code != 405
    )


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Callable[..., object]]]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern).lstrip("^")
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern)
        elif isinstance(entry, URLPattern):
            yield _plain(pattern), entry.callback


def _plain(pattern: str) -> str:
    """Turn ``api/<uuid:id>/`` or ``api/(?P<id>[^/]+)/?$`` into ``/api/{}``."""
    path = simplify_regex(re.sub(r"\\Z|\$$", "", pattern))
    path = re.sub(r"<(?:\w+:)?\w+>", "{}", path).replace("\\", "")
    return "/" + path.strip("/?").rstrip("/?")
