"""Combinations of settings and views that cannot work, or that would let somebody in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from agents.services import issuer

_NEEDED = ("issuer", "audience", "jwks")


@register(Tags.security)
def check_outside_issuer(**_context: Any) -> list[CheckMessage]:
    """Find an outside issuer that is set by half, or that could be taken for ourselves."""
    outside = settings.AGENTS_OUTSIDE_ISSUER
    given = [name for name in _NEEDED if outside[name]]
    if not given:
        return []
    if len(given) < len(_NEEDED):
        return [
            Error("OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS are set all or none.", id="agents.E010")
        ]
    return list(_problems(outside))


def _problems(outside: dict[str, str]) -> Iterator[CheckMessage]:
    if outside["algorithm"] not in issuer.ALGORITHMS:
        names = " or ".join(issuer.ALGORITHMS)
        yield Error(f"OIDC_ALGORITHM is {names}.", id="agents.E011")
    if outside["issuer"] == settings.AGENTS_TOKEN_ISSUER:
        yield Error("OIDC_ISSUER is the name of our own issuer.", id="agents.E012")
    if outside["jwks"].startswith("http://"):
        yield Warning(
            "OIDC_JWKS is read without TLS: whoever can change the answer can log in as anybody.",
            id="agents.W013",
        )
    elif not outside["jwks"].startswith("https://") and outside["algorithm"] in issuer.ALGORITHMS:
        yield from _unreadable(outside)


def _unreadable(outside: dict[str, str]) -> Iterator[CheckMessage]:
    try:
        keys = issuer.parse_keys(issuer.load(outside["jwks"]), algorithm=outside["algorithm"])
    except (OSError, ValueError) as error:
        yield Error(f"OIDC_JWKS cannot be read: {error}", id="agents.E014")
        return
    if not keys:
        yield Error("OIDC_JWKS has no key for OIDC_ALGORITHM.", id="agents.E015")


@register(Tags.security)
def check_secret_keys(**_context: Any) -> list[CheckMessage]:
    """Find keys that could be guessed, or that occur twice."""
    keys = settings.SECRET_KEYS
    problems: list[CheckMessage] = []
    if any(len(set(key)) < 8 for key in keys):
        problems.append(Error("A key of SECRET_KEY has hardly any randomness.", id="agents.E020"))
    if any(
        hmac.compare_digest(one, other) for i, one in enumerate(keys) for other in keys[i + 1 :]
    ):
        problems.append(Warning("A key of SECRET_KEY stands there twice.", id="agents.W021"))
    return problems


@register(Tags.security, deploy=True)
def check_public_address(**_context: Any) -> list[CheckMessage]:
    """Find tickets and cookies that would travel without TLS."""
    if settings.LOCAL or settings.PUBLIC_URL.startswith("https://"):
        return []
    return [
        Warning(
            "PUBLIC_URL is not https: links that let customers in would travel in clear text.",
            id="agents.W022",
        )
    ]


@register(Tags.compatibility)
def check_switch(**_context: Any) -> list[CheckMessage]:
    """Find a switch that is not there: it would be missed with the first call only."""
    try:
        import_string(settings.AGENTS_SWITCH)
    except ImportError:
        return [Error("SWITCH names no class.", id="agents.E023")]
    return []


@register(Tags.urls)
def check_roles_of_operations(**_context: Any) -> list[CheckMessage]:
    """Find operations of which nobody has written down who may call them."""
    # An import here: settings are checked before views can be imported.
    from agents.api.base import SurfaceViewSet  # noqa: PLC0415

    missing = {
        f"{view.__name__}.{action}"
        for callback in _callbacks(get_resolver().url_patterns)
        if (view := getattr(callback, "cls", None)) and issubclass(view, SurfaceViewSet)
        for action in callback.actions.values()
        if action not in view.roles
    }
    return [
        Error(f"{name} has no entry in roles: nobody can call it.", id="agents.E001")
        for name in sorted(missing)
    ]


def _callbacks(entries: Iterable[object]) -> Iterator[Any]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _callbacks(entry.url_patterns)
        elif isinstance(entry, URLPattern):
            yield entry.callback
