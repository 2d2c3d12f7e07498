"""How many appointments there are at a time: figures without a person in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from django.db.models import Count

from appointments.models import Appointment
from appointments.models.appointment_rows import AppointmentQuerySet
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
    organization_id: str | None, application_id: str, *, start: datetime, until: datetime
) -> list[SlotCount]:
    """Count the appointments that start in [start, until), by slot, in the order of their start.

    Nothing is counted where the two do not belong together (count.r11); without an organisation
    it is the application's.
    """
    slots = (
        _of(organization_id, application_id)
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
    organization_id: str | None, application_id: str, *, start: datetime, end: datetime
) -> int:
    """Count the appointments that start before `end` and end after `start`."""
    return _of(organization_id, application_id).occupying().overlapping(start, end).count()


def _of(organization_id: str | None, application_id: str) -> AppointmentQuerySet:
    """Give the appointments of an application; what has not the form of an id has none."""
    application = parse_uuid(application_id)
    if application is None:
        return Appointment.objects.none()
    rows = Appointment.objects.filter(application_id=application)
    if organization_id is None:
        return rows
    organization = parse_uuid(organization_id)
    return rows.filter(organization_id=organization) if organization else rows.none()
