"""The pages of those who work here: who is at work, and each one's hours, absences and skills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from babel import Locale
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.errors import AbsenceNotFound
from agents.forms_hours import AbilitiesForm, AbsenceForm, PeopleForm
from agents.forms_week import SAVE, RefusableForm, SingleDayForm, WeekForm, day_or_none
from agents.models import Absence, Skill, Team, User, UserSkill
from agents.rota import Rota, read_rotas
from agents.services import abilities, absences, hours, intervals
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

_PER_PAGE = 50
_CHOICES_AT_MOST = 500
_DAYS_AHEAD = 14
_ABSENCES_SHOWN = 200
# Who was away until yesterday may still have to be written down.
_LOOKING_BACK = timedelta(days=90)
_ENGLISH = Locale("en")


def language_name(code: str) -> str:
    """Give the name of a language, or its code where there is none."""
    return str(_ENGLISH.languages.get(code, code))


@dataclass(frozen=True)
class ShownPerson:
    """Somebody who works here, as the list shows one."""

    person: User
    rota: Rota
    skills: Sequence[str]

    @property
    def languages(self) -> list[str]:
        return [language_name(code) for code in self.person.languages]


@method_decorator(never_cache, name="dispatch")
class PeoplePage(OfficePage):
    """Who works here, who is at work today, and who is away."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page of them to those who plan; others are shown themselves."""
        if not hours.may_edit_hours(self.actor):
            return redirect("person-hours", self.actor.id)
        teams = Team.objects.visible_to(self.actor).order_by("name", "id")[:_CHOICES_AT_MOST]
        form = PeopleForm(request.GET, teams=list(teams))
        form.is_valid()
        page = Paginator(self._people(form), _PER_PAGE).get_page(request.GET.get("page"))
        return render(
            request,
            "agents/people.html",
            {
                "place": "people",
                "form": form,
                "page": page,
                "rows": self._shown(list(page.object_list)),
                "is_filtered": bool(form.chosen_name or form.chosen_team),
            },
        )

    def _people(self, form: PeopleForm) -> QuerySet[User]:
        people: QuerySet[User] = User.objects.visible_to(self.actor).filter(is_active=True)
        if form.chosen_team:
            people = people.filter(teams=form.chosen_team)
        if form.chosen_name:
            full = Concat("first_name", Value(" "), "last_name")
            people = people.alias(full_name=full).filter(
                Q(full_name__icontains=form.chosen_name) | Q(username__icontains=form.chosen_name)
            )
        return people.order_by("last_name", "first_name", "pk")

    def _shown(self, people: Sequence[User]) -> list[ShownPerson]:
        skills: Mapping[UUID, list[str]] = defaultdict(list)
        rows = UserSkill.objects.filter(user__in=people).order_by("skill__name", "id")
        for user_id, name in rows.values_list("user_id", "skill__name"):
            skills[user_id].append(name)
        house = self.actor.organization_id
        if house is None:
            return []
        rotas = read_rotas(people, house, days=1, now=timezone.now())
        return [ShownPerson(one, rotas[one.pk], skills[one.pk]) for one in people]


@method_decorator(never_cache, name="dispatch")
class PersonHoursPage(OfficePage):
    """The hours, absences and abilities of one person; it reads its own, others change them."""

    person: User

    def get(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Show them, and the next days as they come out."""
        self.person = hours.find_person(user_id, actor=self.actor)
        return self._show(request, self._forms(day=day_or_none(request.GET.get("day", ""))))

    def post(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        """Change what one of the forms of the page is about."""
        self.person = hours.find_person(user_id, actor=self.actor)
        hours.check_may_edit(self.actor)
        what, shown = request.POST.get("form", ""), self._forms()
        if what == "week" and (wanted := request.POST.get("do", SAVE)) != SAVE:
            # Nothing is kept yet: the form comes back with what was asked for.
            return self._show(request, {**shown, "week": WeekForm.with_more(request.POST, wanted)})
        form = self._sent(request, what)
        if not form.is_valid():
            return self._show(request, {**shown, what: form}, status=400)
        try:
            done = self._carry_out(form)
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, {**shown, what: form}, status=STATUSES[refusal.kind])
        messages.success(request, done)
        return redirect("person-hours", user_id)

    def _forms(self, *, day: date | None = None) -> dict[str, RefusableForm]:
        own = None if day is None else hours.PEOPLE.day_of(self.person, day)
        return {
            "week": WeekForm.of(hours.PEOPLE.week_of(self.person)),
            "day": SingleDayForm(day=day, hours=own),
            "absence": AbsenceForm(prefix="absence"),
            "abilities": self._abilities_form(),
        }

    def _sent(self, request: HttpRequest, what: str) -> RefusableForm:
        match what:
            case "week":
                return WeekForm.read(request.POST)
            case "day":
                return SingleDayForm(request.POST)
            case "absence":
                return AbsenceForm(request.POST, prefix="absence")
            case "abilities":
                return self._abilities_form(request)
            case _:
                raise Http404

    def _abilities_form(self, request: HttpRequest | None = None) -> AbilitiesForm:
        skills = Skill.objects.visible_to(self.actor).order_by("name", "id")
        return AbilitiesForm(
            request.POST if request else None,
            skills=list(skills[:_CHOICES_AT_MOST]),
            present=abilities.abilities_of(self.person),
        )

    def _carry_out(self, form: RefusableForm) -> str:
        """Do what was typed in, and say what was done."""
        key, actor, now = self.person.pk, self.actor, timezone.now()
        match form:
            case WeekForm():
                intervals.replace_week(hours.PEOPLE, key, form.week, actor=actor, now=now)
                return "The hours of the week are kept."
            case SingleDayForm():
                day = form.cleaned_data["day"]
                intervals.set_day(hours.PEOPLE, key, day, form.hours, actor=actor, now=now)
                return f"The hours of {day:%-d %B %Y} are kept."
            case AbsenceForm():
                absences.add_absence(key, form.absence(), actor=actor, now=now)
                return "The absence is written down. Appointments on these days stay as they are."
            case AbilitiesForm():
                abilities.set_abilities(key, form.abilities(), actor=actor, now=now)
                return "Skills and languages are kept."
            case _:
                raise Http404

    def _show(
        self, request: HttpRequest, shown: Mapping[str, RefusableForm], *, status: int = 200
    ) -> HttpResponse:
        house = hours.house_of(self.person)
        rota = read_rotas([self.person], house, days=_DAYS_AHEAD, now=timezone.now())
        mine = rota[self.person.pk]
        away = Absence.objects.filter(user=self.person, ends_on__gte=mine.today.day - _LOOKING_BACK)
        skills = UserSkill.objects.filter(user=self.person).select_related("skill")
        return render(
            request,
            "agents/person_hours.html",
            {
                "place": "people",
                "person": self.person,
                "is_own": str(self.person.pk) == self.actor.id,
                "may_edit": hours.may_edit_hours(self.actor),
                "forms": shown,
                "rota": mine,
                "week": hours.PEOPLE.week_of(self.person),
                "single_days": hours.PEOPLE.days_of(self.person, since=mine.today.day),
                "absences": away.order_by("starts_on", "id")[:_ABSENCES_SHOWN],
                "languages": [language_name(code) for code in self.person.languages],
                "skills": skills.order_by("skill__name", "id"),
            },
            status=status,
        )


@method_decorator(never_cache, name="dispatch")
class ClearDay(OfficePage):
    """Lets the hours of the week hold on a day again."""

    def post(self, request: HttpRequest, user_id: UUID, day: str) -> HttpResponse:
        """Take the hours of the single day away."""
        wanted = day_or_none(day)
        if wanted is None:
            raise Http404
        hours.find_person(user_id, actor=self.actor)
        intervals.clear_day(hours.PEOPLE, user_id, wanted, actor=self.actor, now=timezone.now())
        messages.success(request, f"On {wanted:%-d %B %Y} the hours of the week hold again.")
        return redirect("person-hours", user_id)


@method_decorator(never_cache, name="dispatch")
class AbsencePage(OfficePage):
    """One absence, to be changed or taken back."""

    absence: Absence

    def get(self, request: HttpRequest, absence_id: UUID) -> HttpResponse:
        """Show it as it is."""
        self._find(absence_id)
        names = {
            "first_day": "starts_on",
            "last_day": "ends_on",
            "reason": "reason",
            "note": "note",
        }
        initial = {name: getattr(self.absence, column) for name, column in names.items()}
        return self._show(request, AbsenceForm(initial=initial))

    def post(self, request: HttpRequest, absence_id: UUID) -> HttpResponse:
        """Change it, or take it back."""
        self._find(absence_id)
        person, now = self.absence.user_id, timezone.now()
        if request.POST.get("do") == "delete":
            absences.delete_absence(absence_id, actor=self.actor, now=now)
            messages.success(request, "The absence is taken back.")
            return redirect("person-hours", person)
        form = AbsenceForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            absences.change_absence(absence_id, form.absence(), actor=self.actor, now=now)
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        messages.success(request, "The absence is changed.")
        return redirect("person-hours", person)

    def _find(self, absence_id: UUID) -> None:
        rows = Absence.objects.visible_to(self.actor).select_related("user")
        found = rows.filter(pk=absence_id).first()
        if found is None:
            raise AbsenceNotFound
        # Of colleagues nobody is told that they are away.
        hours.find_person(found.user_id, actor=self.actor)
        hours.check_may_edit(self.actor)
        self.absence = found

    def _show(self, request: HttpRequest, form: AbsenceForm, *, status: int = 200) -> HttpResponse:
        return render(
            request,
            "agents/absence.html",
            {"place": "people", "absence": self.absence, "form": form},
            status=status,
        )
