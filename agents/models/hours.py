"""When people are at work, and what they can do.

Hours are wall time on the clock of whoever keeps them, so that nine o'clock stays nine o'clock
when clocks change.
"""

from __future__ import annotations

from datetime import date, time
from typing import Self

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from agents.models.absences import WITHIN_THE_YEARS
from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization

MIDNIGHT = time(0)


class Weekday(models.IntegerChoices):
    """The days as ISO 8601 numbers them."""

    MONDAY = 1, "Monday"
    TUESDAY = 2, "Tuesday"
    WEDNESDAY = 3, "Wednesday"
    THURSDAY = 4, "Thursday"
    FRIDAY = 5, "Friday"
    SATURDAY = 6, "Saturday"
    SUNDAY = 7, "Sunday"


class WeeklyHours(TenantModel):
    """One interval of every week; a day may have several, what overlaps counts once."""

    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts_at = models.TimeField("from")
    # Of two intervals that meet at midnight nobody sees the seam.
    ends_at = models.TimeField("to", help_text="00:00 is the end of the day.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {hours_in_words(self.starts_at, self.ends_at)}"


class SpecialHours(TenantModel):
    """Hours of one day in place of those of every week; a row without times is a free day."""

    day = models.DateField(validators=WITHIN_THE_YEARS)
    starts_at = models.TimeField("from", null=True, blank=True)
    ends_at = models.TimeField(
        "to", null=True, blank=True, help_text="00:00 is the end of the day."
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        if self.starts_at is None or self.ends_at is None:
            return f"{self.day}: closed"
        return f"{self.day} {hours_in_words(self.starts_at, self.ends_at)}"


def hours_in_words(starts_at: time, ends_at: time) -> str:
    """Give an interval as people write it: 22:00–24:00."""
    end = "24:00" if ends_at == MIDNIGHT else f"{ends_at:%H:%M}"
    return f"{starts_at:%H:%M}–{end}"


# Of a day that ends at midnight the last moment is written 00:00.
_FORWARD = Q(ends_at__gt=F("starts_at")) | Q(ends_at=MIDNIGHT)


def weekly_constraints(table: str) -> list[models.BaseConstraint]:
    """Give what holds for every interval of a week."""
    return [
        unique_in_organization(table),
        models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name=f"{table}_weekday_known"),
        models.CheckConstraint(condition=_FORWARD, name=f"{table}_end_after_start"),
    ]


def special_constraints(table: str) -> list[models.BaseConstraint]:
    """Give what holds for the hours of every single day."""
    return [
        unique_in_organization(table),
        models.CheckConstraint(
            condition=Q(starts_at__isnull=True, ends_at__isnull=True)
            | (Q(starts_at__isnull=False, ends_at__isnull=False) & _FORWARD),
            name=f"{table}_end_after_start",
        ),
        models.CheckConstraint(
            condition=Q(day__range=(date(limits.YEAR_MIN, 1, 1), date(limits.YEAR_MAX, 12, 31))),
            name=f"{table}_within_the_years",
        ),
    ]


class WorkingHours(WeeklyHours):
    """An interval of every week in which somebody works."""

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="working_hours",
    )

    objects = TenantQuerySet["WorkingHours"].as_manager()

    class Meta:
        verbose_name_plural = "working hours"
        constraints = [
            *weekly_constraints("workinghours"),
            # The hours of some people; and nobody keeps the same interval twice.
            models.UniqueConstraint(
                fields=["user", "weekday", "starts_at"], name="workinghours_once"
            ),
        ]

    __str__ = WeeklyHours.__str__


class WorkingDay(SpecialHours):
    """The hours of somebody on one day, holiday or not."""

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="working_days",
    )

    objects = TenantQuerySet["WorkingDay"].as_manager()

    class Meta:
        constraints = [
            *special_constraints("workingday"),
            models.UniqueConstraint(
                fields=["user", "day", "starts_at"],
                nulls_distinct=False,
                name="workingday_once",
            ),
        ]

    __str__ = SpecialHours.__str__


class HolidayQuerySet(TenantQuerySet["Holiday"]):
    def between(self, first: date, last: date) -> Self:
        """Keep those from the first day to the last."""
        return self.filter(day__range=(first, last))


class Holiday(TenantModel):
    """A day on which the house is closed, but for those who have hours of their own on it."""

    day = models.DateField(validators=WITHIN_THE_YEARS)
    name = models.CharField(max_length=limits.NAME_LENGTH)

    objects = HolidayQuerySet.as_manager()

    class Meta:
        constraints = [
            unique_in_organization("holiday"),
            models.UniqueConstraint(fields=["organization", "day"], name="holiday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.day}"


class Skill(TenantModel):
    """Something that somebody can do, by which work is given out."""

    name = models.CharField(max_length=limits.NAME_LENGTH)
    description = models.CharField(max_length=limits.TITLE_LENGTH, blank=True)
    users = models.ManyToManyField("agents.User", through="UserSkill", related_name="skills")

    objects = TenantQuerySet["Skill"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("skill"),
            models.UniqueConstraint(fields=["organization", "name"], name="skill_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class UserSkill(TenantModel):
    """That somebody has a skill, and how well."""

    user = models.ForeignKey(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    skill = models.ForeignKey(
        Skill, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    level = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(limits.SKILL_LEVEL_MAX)]
    )

    objects = TenantQuerySet["UserSkill"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("userskill"),
            models.UniqueConstraint(fields=["user", "skill"], name="userskill_once"),
            models.CheckConstraint(
                condition=Q(level__range=(0, limits.SKILL_LEVEL_MAX)), name="userskill_level"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill}, {self.level}"
