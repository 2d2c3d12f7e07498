"""When an office is open; one without hours is open whenever somebody works."""

from __future__ import annotations

from django.db import models

from agents.models.hours import (
    SpecialHours,
    WeeklyHours,
    special_constraints,
    weekly_constraints,
)
from config.kernel.models import TenantQuerySet


class OfficeHours(WeeklyHours):
    """An interval of every week in which an office is open, on the office's clock."""

    office = models.ForeignKey(
        "appointments.Office",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="hours",
    )

    objects = TenantQuerySet["OfficeHours"].as_manager()

    class Meta:
        verbose_name_plural = "office hours"
        constraints = [
            *weekly_constraints("officehours"),
            models.UniqueConstraint(
                fields=["office", "weekday", "starts_at"], name="officehours_once"
            ),
        ]

    __str__ = WeeklyHours.__str__


class OfficeDay(SpecialHours):
    """The hours of an office on one day, holiday or not."""

    office = models.ForeignKey(
        "appointments.Office",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="days",
    )

    objects = TenantQuerySet["OfficeDay"].as_manager()

    class Meta:
        constraints = [
            *special_constraints("officeday"),
            models.UniqueConstraint(
                fields=["office", "day", "starts_at"],
                nulls_distinct=False,
                name="officeday_once",
            ),
        ]

    __str__ = SpecialHours.__str__
