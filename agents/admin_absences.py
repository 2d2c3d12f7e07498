"""The admin of absences, holidays and skills: every change is the command of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from agents.admin_hours import ByCommand
from agents.models import Absence, AbsenceReason, Holiday, Skill, UserSkill
from agents.services import abilities, absences
from agents.services.absences import AbsenceData
from config.kernel.actors import Actor

if TYPE_CHECKING:
    from datetime import datetime


@admin.register(Absence)
class AbsenceAdmin(ByCommand):
    """Days on which somebody does not work; the calendar feeds show them."""

    fixed_fields = ("user",)
    list_display = ("user", "starts_on", "ends_on", "reason")
    list_filter = ("reason", "starts_on")
    list_select_related = ("user",)
    search_ids = ("id", "user_id")
    search_fields = ("user__username", "user__last_name")
    autocomplete_fields = ("user", "organization")
    date_hierarchy = "starts_on"
    ordering = ("-starts_on", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Write the absence down."""
        data = AbsenceData(
            first_day=obj.starts_on,
            last_day=obj.ends_on,
            reason=AbsenceReason(obj.reason),
            note=obj.note,
        )
        if change:
            return absences.change_absence(obj.pk, data, actor=actor, now=now).pk
        return absences.add_absence(obj.user_id, data, actor=actor, now=now).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the absence back."""
        absences.delete_absence(obj.pk, actor=actor, now=now)


@admin.register(Holiday)
class HolidayAdmin(ByCommand):
    list_display = ("day", "name")
    search_fields = ("name",)
    autocomplete_fields = ("organization",)
    date_hierarchy = "day"
    ordering = ("-day", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Write the holiday down."""
        if change:
            return absences.change_holiday(obj.pk, obj.day, obj.name, actor=actor, now=now).pk
        return absences.add_holiday(obj.day, obj.name, actor=actor, now=now).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the holiday out."""
        absences.delete_holiday(obj.pk, actor=actor, now=now)


@admin.register(Skill)
class SkillAdmin(ByCommand):
    list_display = ("name", "description")
    search_fields = ("name", "description")
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Make the skill, or name it anew."""
        if change:
            return abilities.change_skill(
                obj.pk, obj.name, obj.description, actor=actor, now=now
            ).pk
        return abilities.add_skill(obj.name, obj.description, actor=actor, now=now).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the skill away from everybody."""
        abilities.delete_skill(obj.pk, actor=actor, now=now)


@admin.register(UserSkill)
class UserSkillAdmin(ByCommand):
    fixed_fields = ("user", "skill")
    list_display = ("user", "skill", "level")
    list_filter = ("skill",)
    list_select_related = ("user", "skill")
    search_ids = ("id", "user_id", "skill_id")
    search_fields = ("user__username", "user__last_name", "skill__name")
    autocomplete_fields = ("user", "skill", "organization")
    ordering = ("skill__name", "id")

    def write(
        self,
        obj: Any,
        form: forms.BaseModelForm[Any],
        *,
        change: bool,
        actor: Actor,
        now: datetime,
    ) -> object:
        """Give somebody the skill."""
        abilities.give_skill(obj.user_id, obj.skill_id, obj.level, actor=actor, now=now)
        return UserSkill.objects.get(user_id=obj.user_id, skill_id=obj.skill_id).pk

    def take_away(self, obj: Any, *, actor: Actor, now: datetime) -> None:
        """Take the skill away from somebody."""
        abilities.give_skill(obj.user_id, obj.skill_id, None, actor=actor, now=now)
