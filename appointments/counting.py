"""How many appointments there are at a time: figures without a person in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from django.db.models import Count

from appointments.models import Appointment
from config.kernel.ids import parse_uuid

_Slot = tuple[datetime, datetime, timedelta, str, int]


class SlotCount(NamedTuple):
    """How many appointments have this start, duration and time zone."""

    start: datetime
    end: datetime
    duration: timedelta
    timezone: str
    total: int


def count_slots(
    organization_id: str, application_id: str, *, start: datetime, until: datetime
) -> list[SlotCount]:
    """Count the appointments that start in [start, until), by slot, in the order of their start.

    Nothing is counted where the two do not belong together (count.r11).
    """
    organization, application = parse_uuid(organization_id), parse_uuid(application_id)
    if organization is None or application is None:
        return []
    slots = (
        Appointment.objects.filter(organization_id=organization, application_id=application)
        .occupying()
        .filter(start__gte=start, start__lt=until)
        # Where the clocks change, a day and 24 hours are one length and have two ends.
        .values_list("start", "end", "duration", "timezone")
        .annotate(count=Count("id"))
        .order_by("start", "duration", "timezone", "end")
    )
    # Whatever starts within an interval has a time.
    return [SlotCount(*row) for row in cast("Iterable[_Slot]", slots)]


def count_overlaps(
    organization_id: str, application_id: str, *, start: datetime, end: datetime
) -> int:
    """Count the appointments that start before `end` and end after `start`."""
    organization, application = parse_uuid(organization_id), parse_uuid(application_id)
    if organization is None or application is None:
        return 0
    return (
        Appointment.objects.filter(organization_id=organization, application_id=application)
        .occupying()
        .overlapping(start, end)
        .count()
    )
