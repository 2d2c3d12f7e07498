"""Query parameters of the Appointments API v1: what differs from v2."""

from __future__ import annotations

from dataclasses import replace

from django.http import QueryDict

from appointments.api.v2 import filters as newer
from appointments.listing import SORT_FIELDS, ListFilter
from config.kernel.pagination import PageRequest, parse_page

# `name` stands in the samples of v2 alone.
_SORT_FIELDS = {name: field for name, field in SORT_FIELDS.items() if name != "name"}


def list_page(params: QueryDict) -> PageRequest:
    """Read which page is wanted. Raises InvalidParameter."""
    return parse_page(params, sort_fields=_SORT_FIELDS, default_field="start")


def list_filter(params: QueryDict) -> ListFilter:
    """Read what the list is narrowed to; it goes by organizer alone (list.r5 to r9).

    Raises InvalidParameter.
    """
    return replace(newer.shared_filter(params), organized_only=True)
