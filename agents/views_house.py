"""The pages of what the house keeps for all: its holidays, and the skills that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib import messages
from django.db.models import Count
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.errors import HolidayNotFound, SkillNotFound
from agents.forms_hours import HolidayForm, SkillForm
from agents.models import Holiday, Skill
from agents.services import abilities, absences, hours
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

_SHOWN_AT_MOST = 500
_PLANNING = frozenset({Role.SUPERVISOR, Role.ADMIN})


@method_decorator(never_cache, name="dispatch")
class HolidaysPage(OfficePage):
    """The days on which the house is closed, of this year and of those to come."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        return self._show(request, HolidayForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add one."""
        hours.check_may_edit(self.actor)
        form = HolidayForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        given = form.cleaned_data
        try:
            absences.add_holiday(given["day"], given["name"], actor=self.actor, now=timezone.now())
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        messages.success(request, f"{given['name']} is a holiday.")
        return redirect("holidays")

    def _show(self, request: HttpRequest, form: HolidayForm, *, status: int = 200) -> HttpResponse:
        rows = Holiday.objects.visible_to(self.actor).filter(
            day__gte=timezone.now().date().replace(month=1, day=1)
        )
        return render(
            request,
            "agents/holidays.html",
            {
                "place": "people",
                "holidays": rows.order_by("day")[:_SHOWN_AT_MOST],
                "form": form,
                "may_edit": hours.may_edit_hours(self.actor),
            },
            status=status,
        )


@method_decorator(never_cache, name="dispatch")
class HolidayPage(OfficePage):
    """One holiday, to be changed or taken out."""

    roles: ClassVar[frozenset[Role]] = _PLANNING
    holiday: Holiday

    def get(self, request: HttpRequest, holiday_id: UUID) -> HttpResponse:
        """Show it as it is."""
        self._find(holiday_id)
        initial = {"day": self.holiday.day, "name": self.holiday.name}
        return self._show(request, HolidayForm(initial=initial))

    def post(self, request: HttpRequest, holiday_id: UUID) -> HttpResponse:
        """Change it, or take it out."""
        self._find(holiday_id)
        now = timezone.now()
        if request.POST.get("do") == "delete":
            absences.delete_holiday(holiday_id, actor=self.actor, now=now)
            messages.success(request, f"{self.holiday.name} is no holiday any more.")
            return redirect("holidays")
        form = HolidayForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        given = form.cleaned_data
        try:
            absences.change_holiday(
                holiday_id, given["day"], given["name"], actor=self.actor, now=now
            )
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        messages.success(request, "The holiday is changed.")
        return redirect("holidays")

    def _find(self, holiday_id: UUID) -> None:
        found = Holiday.objects.visible_to(self.actor).filter(pk=holiday_id).first()
        if found is None:
            raise HolidayNotFound
        self.holiday = found

    def _show(self, request: HttpRequest, form: HolidayForm, *, status: int = 200) -> HttpResponse:
        return render(
            request,
            "agents/holiday.html",
            {"place": "people", "holiday": self.holiday, "form": form},
            status=status,
        )


@method_decorator(never_cache, name="dispatch")
class SkillsPage(OfficePage):
    """The skills that people can have, and how many have each."""

    roles: ClassVar[frozenset[Role]] = _PLANNING

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        return self._show(request, SkillForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add one."""
        form = SkillForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            made = abilities.add_skill(**form.cleaned_data, actor=self.actor, now=timezone.now())
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        messages.success(request, f"{made.name} is a skill that people can have.")
        return redirect("skills")

    def _show(self, request: HttpRequest, form: SkillForm, *, status: int = 200) -> HttpResponse:
        rows = Skill.objects.visible_to(self.actor).annotate(people=Count("users"))
        return render(
            request,
            "agents/skills.html",
            {
                "place": "people",
                "skills": rows.order_by("name", "id")[:_SHOWN_AT_MOST],
                "form": form,
            },
            status=status,
        )


@method_decorator(never_cache, name="dispatch")
class SkillPage(OfficePage):
    """One skill, to be named anew or taken away."""

    roles: ClassVar[frozenset[Role]] = _PLANNING
    skill: Skill

    def get(self, request: HttpRequest, skill_id: UUID) -> HttpResponse:
        """Show it as it is."""
        self._find(skill_id)
        initial = {"name": self.skill.name, "description": self.skill.description}
        return self._show(request, SkillForm(initial=initial))

    def post(self, request: HttpRequest, skill_id: UUID) -> HttpResponse:
        """Name it anew, or take it away from everybody."""
        self._find(skill_id)
        now = timezone.now()
        if request.POST.get("do") == "delete":
            abilities.delete_skill(skill_id, actor=self.actor, now=now)
            messages.success(request, f"{self.skill.name} is no skill any more.")
            return redirect("skills")
        form = SkillForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            abilities.change_skill(skill_id, **form.cleaned_data, actor=self.actor, now=now)
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        messages.success(request, "The skill is changed.")
        return redirect("skills")

    def _find(self, skill_id: UUID) -> None:
        rows = Skill.objects.visible_to(self.actor).annotate(people=Count("users"))
        found = rows.filter(pk=skill_id).first()
        if found is None:
            raise SkillNotFound
        self.skill = found

    def _show(self, request: HttpRequest, form: SkillForm, *, status: int = 200) -> HttpResponse:
        return render(
            request,
            "agents/skill.html",
            {"place": "people", "skill": self.skill, "form": form},
            status=status,
        )
