"""The page of when an office is open."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.forms_week import SAVE, RefusableForm, SingleDayForm, WeekForm, day_or_none
from agents.services import intervals
from appointments.forms import zone_label
from appointments.models import Office
from appointments.services import office_hours
from appointments.services.office_hours import OFFICES
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage
from config.kernel.time import parse_zone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

_CLOSED = "Closed all day"
_PLANNING = frozenset({Role.SUPERVISOR, Role.ADMIN})


@method_decorator(never_cache, name="dispatch")
class OfficeHoursPage(OfficePage):
    """The opening hours of one office, on its own clock."""

    roles: ClassVar[frozenset[Role]] = _PLANNING
    office: Office

    def get(self, request: HttpRequest, office_id: UUID) -> HttpResponse:
        """Show them."""
        self.office = office_hours.find_office_for_hours(office_id, actor=self.actor)
        return self._show(request, self._forms(day=day_or_none(request.GET.get("day", ""))))

    def post(self, request: HttpRequest, office_id: UUID) -> HttpResponse:
        """Change those of the week, or of one day."""
        self.office = office_hours.find_office_for_hours(office_id, actor=self.actor)
        what, shown = request.POST.get("form", ""), self._forms()
        if what == "week" and (wanted := request.POST.get("do", SAVE)) != SAVE:
            return self._show(request, {**shown, "week": WeekForm.with_more(request.POST, wanted)})
        form = _sent(request, what)
        if not form.is_valid():
            return self._show(request, {**shown, what: form}, status=400)
        try:
            done = self._carry_out(form)
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, {**shown, what: form}, status=STATUSES[refusal.kind])
        messages.success(request, done)
        return redirect("office-hours", office_id)

    def _forms(self, *, day: date | None = None) -> dict[str, RefusableForm]:
        own = None if day is None else OFFICES.day_of(self.office, day)
        return {
            "week": WeekForm.of(OFFICES.week_of(self.office)),
            "day": SingleDayForm(day=day, hours=own, free=_CLOSED),
        }

    def _carry_out(self, form: RefusableForm) -> str:
        key, now = self.office.pk, timezone.now()
        match form:
            case WeekForm():
                intervals.replace_week(OFFICES, key, form.week, actor=self.actor, now=now)
                return "The hours of the week are kept."
            case SingleDayForm():
                day = form.cleaned_data["day"]
                intervals.set_day(OFFICES, key, day, form.hours, actor=self.actor, now=now)
                return f"The hours of {day:%-d %B %Y} are kept."
            case _:
                raise Http404

    def _show(
        self, request: HttpRequest, shown: Mapping[str, RefusableForm], *, status: int = 200
    ) -> HttpResponse:
        zone, now = parse_zone(self.office.timezone), timezone.now()
        today = now.astimezone(zone).date()
        return render(
            request,
            "appointments/office_hours.html",
            {
                "place": "catalogue",
                "office": self.office,
                "zone_label": zone_label(zone, now),
                "forms": shown,
                "is_always_open": not OFFICES.week_of(self.office),
                "single_days": OFFICES.days_of(self.office, since=today),
            },
            status=status,
        )


def _sent(request: HttpRequest, what: str) -> RefusableForm:
    match what:
        case "week":
            return WeekForm.read(request.POST)
        case "day":
            return SingleDayForm(request.POST, free=_CLOSED)
        case _:
            raise Http404


@method_decorator(never_cache, name="dispatch")
class ClearOfficeDay(OfficePage):
    """Lets the hours of the week hold on a day again."""

    roles: ClassVar[frozenset[Role]] = _PLANNING

    def post(self, request: HttpRequest, office_id: UUID, day: str) -> HttpResponse:
        """Take the hours of the single day away."""
        wanted = day_or_none(day)
        if wanted is None:
            raise Http404
        intervals.clear_day(OFFICES, office_id, wanted, actor=self.actor, now=timezone.now())
        messages.success(request, f"On {wanted:%-d %B %Y} the hours of the week hold again.")
        return redirect("office-hours", office_id)
