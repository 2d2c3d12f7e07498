"""Days on which somebody does not work."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

WITHIN_THE_YEARS = [
    MinValueValidator(date(limits.YEAR_MIN, 1, 1)),
    MaxValueValidator(date(limits.YEAR_MAX, 12, 31)),
]


class AbsenceReason(models.TextChoices):
    """Why somebody does not work."""

    VACATION = "VACATION", "Vacation"
    SICK = "SICK", "Sick"
    TRAINING = "TRAINING", "Training"
    OTHER = "OTHER", "Other"


# What calendars may tell: they belong to others, and health is nobody else's business. OTHER is
# kept back with it, or the missing word would say what it is.
TOLD = frozenset({AbsenceReason.VACATION, AbsenceReason.TRAINING})


class AbsenceQuerySet(TenantQuerySet["Absence"]):
    def between(self, first: date, last: date) -> Self:
        """Keep those that have a day from the first to the last."""
        return self.filter(starts_on__lte=last, ends_on__gte=first)


class Absence(TenantModel):
    """Whole days, the last one included, on whatever clock the person lives by."""

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="absences",
    )
    starts_on = models.DateField("first day", validators=WITHIN_THE_YEARS)
    ends_on = models.DateField("last day", validators=WITHIN_THE_YEARS)
    reason = models.CharField(
        max_length=10, choices=AbsenceReason.choices, default=AbsenceReason.VACATION
    )
    note = models.TextField(
        max_length=limits.NOTES_LENGTH, blank=True, help_text="For colleagues; in no calendar."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("absence"),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="absence_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=AbsenceReason.values), name="absence_reason_known"
            ),
            # The day after the last one is written into calendars: it has to exist.
            models.CheckConstraint(
                condition=Q(
                    starts_on__gte=date(limits.YEAR_MIN, 1, 1),
                    ends_on__lte=date(limits.YEAR_MAX, 12, 31),
                ),
                name="absence_within_the_years",
            ),
        ]
        # between: the absences of one person, the latest first.
        indexes = [models.Index(fields=["user", "ends_on"], name="absence_of")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.starts_on} to {self.ends_on}"

    @property
    def told(self) -> str:
        """Give the word for it that may stand in the person's own calendar."""
        return self.get_reason_display() if self.reason in TOLD else "Absent"
