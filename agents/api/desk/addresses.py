"""Addresses on the wire: paths inside, absolute in replies and events, compared by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

ROOT = "/api/v2"
# What people and programs store for themselves: nothing in it is an address of ours.
_FOREIGN = frozenset({"userData", "properties"})


def absolute(path: str) -> str:
    """Give a path with the public address before it; what is absolute already stays."""
    return f"{settings.PUBLIC_URL}{path}" if path.startswith("/") else path


def made_absolute(value: Any) -> Any:
    """Give JSON in which every `uri`, `…Uri` and `uris` is absolute, whatever holds it."""
    if isinstance(value, Mapping):
        return {name: _member(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [made_absolute(inner) for inner in value]
    return value


def _member(name: str, value: Any) -> Any:
    if name in _FOREIGN:
        return value
    if isinstance(value, str):
        return absolute(value) if name == "uri" or name.endswith("Uri") else value
    if name == "uris" and isinstance(value, list | tuple):
        return [absolute(one) for one in value]
    return made_absolute(value)


def id_in(text: str) -> str:
    """Give the id that a client names: an address, a path without a host, or the id alone.

    Addresses are compared by their paths only (contract, conventions).
    """
    if "/" not in text:
        return text.strip()
    return unquote(urlsplit(text.strip()).path.rstrip("/").rpartition("/")[2])
