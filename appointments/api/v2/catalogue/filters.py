"""Query parameters of the catalogue."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from appointments.services.catalogue import Kind
from config.kernel.pagination import InvalidParameter, PageRequest, parse_page
from config.kernel.time import unquote

_WORDS = {"true": True, "false": False}


def list_page(params: QueryDict, kind: Kind[Any]) -> PageRequest:
    """Read which page is wanted. Raises InvalidParameter."""
    names = {name: name for name in kind.sort_fields}
    return parse_page(params, sort_fields=names, default_field=next(iter(names)))


def active(params: QueryDict) -> bool | None:
    """Read whether active entries are wanted, or others; None: all. Raises InvalidParameter."""
    text = unquote(params.get("active", ""))
    if text and text not in _WORDS:
        raise InvalidParameter(errors={"active": ["It is true or false."]})
    return _WORDS.get(text)
