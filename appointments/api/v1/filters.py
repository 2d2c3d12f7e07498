"""Query parameters of the Appointments API v1: what differs from v2."""

from __future__ import annotations

from dataclasses import replace

from django.http import QueryDict

from appointments.api.v2 import filters as newer
from appointments.listing import ListFilter


def list_filter(params: QueryDict) -> ListFilter:
    """Read what the list is narrowed to; it goes by organizer alone (list.r5 to r9).

    Raises InvalidParameter.
    """
    return replace(newer.shared_filter(params), organized_only=True)
