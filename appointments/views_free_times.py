"""The page that says which times are free with whom, and why another is not offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import Application, Skill, User
from appointments.availability import Reason, Slot, explain, free_slots, starting
from appointments.forms import zone_label
from appointments.forms_free_times import FreeTimesForm
from appointments.models import Office, Subject
from appointments.reason_words import REASONS, ReasonWords
from appointments.slot_question import wanted_of
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

_CHOICES_AT_MOST = 500


@dataclass(frozen=True)
class ShownSlot:
    """A free time, with the names of those who could take it."""

    start: datetime
    end: datetime
    names: list[str]


@dataclass(frozen=True)
class ShownVerdict:
    """An agent, and in words why a time is not offered with it; None: it is."""

    agent: User
    words: ReasonWords | None


@method_decorator(never_cache, name="dispatch")
class FreeTimesPage(OfficePage):
    """The free times of a day as customers are offered them, and every agent's verdict on one."""

    roles = frozenset({Role.SUPERVISOR, Role.ADMIN})

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask what is looked for, and show what is found."""
        now = timezone.now()
        agents = User.objects.visible_to(self.actor).agents()
        people = list(agents.order_by("last_name", "first_name", "pk")[:_CHOICES_AT_MOST])
        form = self._form(request, people, now)
        context: dict[str, object] = {"place": "free-times", "form": form}
        status = 200
        if form.is_bound and form.is_valid():
            try:
                context |= self._found(form, {one.pk: str(one) for one in people}, now)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = STATUSES[refusal.kind]
        elif form.is_bound:
            status = 400
        return render(request, "appointments/free_times.html", context, status=status)

    def _form(self, request: HttpRequest, agents: list[User], now: datetime) -> FreeTimesForm:
        applications = Application.objects.visible_to(self.actor)
        subjects = Subject.objects.visible_to(self.actor)
        offices = Office.objects.visible_to(self.actor).filter(is_active=True)
        skills = Skill.objects.visible_to(self.actor)
        return FreeTimesForm(
            request.GET if "application" in request.GET else None,
            applications=list(
                applications.order_by("-is_default", "name", "id")[:_CHOICES_AT_MOST]
            ),
            subjects=list(subjects.order_by("order", "created_at", "id")[:_CHOICES_AT_MOST]),
            offices=list(offices.order_by("created_at", "id")[:_CHOICES_AT_MOST]),
            agents=agents,
            skills=list(skills.order_by("name", "id")[:_CHOICES_AT_MOST]),
            now=now,
        )

    def _found(
        self, form: FreeTimesForm, names: Mapping[UUID, str], now: datetime
    ) -> dict[str, object]:
        wanted = wanted_of(form.question, actor=self.actor)
        found: dict[str, object] = {
            "slots": [_shown(slot, names) for slot in free_slots(wanted, now=now)],
            "day": form.day,
            "zone": form.zone,
            "zone_label": zone_label(form.zone, form.day.start),
            "minutes": wanted.length,
        }
        if form.instant is not None:
            verdicts = explain(starting(wanted, form.instant), now=now)
            found |= {
                "instant": form.instant,
                "verdicts": [ShownVerdict(one.agent, _words(one.reason)) for one in verdicts],
                "is_free": any(one.reason is None for one in verdicts),
            }
        return found


def _shown(slot: Slot, names: Mapping[UUID, str]) -> ShownSlot:
    return ShownSlot(slot.start, slot.end, [names.get(key, "…") for key in slot.agent_ids])


def _words(reason: Reason | None) -> ReasonWords | None:
    return REASONS[reason] if reason else None
