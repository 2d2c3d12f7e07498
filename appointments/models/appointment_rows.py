"""Which appointments are meant: the questions that are asked of their table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import Func, Q

from appointments.errors import AppointmentNotFound
from appointments.models.kinds import OCCUPYING, State
from config.kernel.models import TenantQuerySet

if TYPE_CHECKING:
    from appointments.models.appointment import Appointment

# What lists show, and their indexes hold: skipping rows reads no row.
LISTED = Q(start__isnull=False) & ~Q(state=State.CANCELLED)


class Period(Func):
    """The time of an appointment as PostgreSQL's range: it excludes its end."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class AppointmentQuerySet(TenantQuerySet["Appointment"]):
    def lock(self, appointment_id: UUID) -> Appointment:
        """Fetch one row for writing. What is not visible does not exist.

        Raises AppointmentNotFound.
        """
        try:
            return (
                self.select_related("application__organization")
                .select_for_update(of=("self",))
                .get(pk=appointment_id)
            )
        except self.model.DoesNotExist:
            raise AppointmentNotFound(id=appointment_id) from None

    def fetch(self, appointment_id: UUID) -> Appointment:
        """Fetch one row with its application for reading.

        Raises AppointmentNotFound.
        """
        try:
            return self.select_related("application__organization").get(pk=appointment_id)
        except self.model.DoesNotExist:
            raise AppointmentNotFound(id=appointment_id) from None

    def listed(self) -> Self:
        """Keep what lists show: cancelled appointments and those without a time are left out."""
        return self.filter(LISTED)

    def occupying(self) -> Self:
        """Keep those that take up their time (contract, lifecycle.counted)."""
        return self.filter(state__in=OCCUPYING)

    def overlapping(self, start: datetime, end: datetime) -> Self:
        """Keep those that start before `end` and end after `start`."""
        return self.alias(period=Period("start", "end")).filter(
            start__isnull=False, period__overlap=(start, end)
        )

    def eligible(self, now: datetime) -> Self:
        """Give those that wait to be activated: booked, never activated, not ended."""
        waiting = self.filter(state=State.SCHEDULED, activated_at__isnull=True, end__gt=now)
        return waiting.only("id", "start", "timezone", "created_at").order_by("start", "id")

    def ended(self, now: datetime) -> Self:
        """Keep those that take up their time although their scheduled end has passed."""
        return self.occupying().filter(end__lte=now, is_kept_open=False)

    def requests(self) -> Self:
        """Keep the requests and invites that somebody has to deal with, the oldest first."""
        return (
            self.exclude(request_status="")
            .exclude(state=State.CANCELLED)
            .order_by("waits_since", "id")
        )
