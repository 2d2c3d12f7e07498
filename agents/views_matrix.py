"""The page of skills and levels: everybody at once, as supervisors plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.forms_matrix import MatrixForm
from agents.models import Skill, User
from agents.services import skill_matrix
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.core.paginator import Page
    from django.http import HttpRequest, HttpResponse, QueryDict

# A form may have 1,000 fields.
_PEOPLE_ON_A_PAGE, _SKILLS_ON_A_PAGE = 40, 20


@method_decorator(never_cache, name="dispatch")
class SkillMatrixPage(OfficePage):
    """A page of people and a page of skills, with a level where one has the other."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SUPERVISOR, Role.ADMIN})
    people: Page[User]
    skills: Page[Skill]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        self._find(request)
        return self._show(request, self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change what was changed on the page, for all or for none."""
        self._find(request)
        form = self._form(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            changed = skill_matrix.set_levels(form.changes(), actor=self.actor, now=timezone.now())
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(request, form, status=STATUSES[refusal.kind])
        people = "1 person is" if changed == 1 else f"{changed} people are"
        messages.success(request, f"The skills of {people} changed.")
        return redirect(request.get_full_path())

    def _find(self, request: HttpRequest) -> None:
        rows = User.objects.visible_to(self.actor).filter(
            is_active=True, roles__overlap=[Role.AGENT, Role.SUPERVISOR]
        )
        people = rows.order_by("last_name", "first_name", "pk")
        skills = Skill.objects.visible_to(self.actor).order_by("name", "id")
        self.people = Paginator(people, _PEOPLE_ON_A_PAGE).get_page(request.GET.get("page"))
        self.skills = Paginator(skills, _SKILLS_ON_A_PAGE).get_page(request.GET.get("skills"))

    def _form(self, data: QueryDict | None = None) -> MatrixForm:
        people, skills = list(self.people), list(self.skills)
        present = skill_matrix.levels_of(people, skills)
        return MatrixForm(data, people=people, skills=skills, present=present)

    def _show(self, request: HttpRequest, form: MatrixForm, *, status: int = 200) -> HttpResponse:
        return render(
            request,
            "agents/skill_matrix.html",
            {
                "place": "people",
                "form": form,
                "people": self.people,
                "skills": self.skills,
                "has_problems": bool(form.errors),
            },
            status=status,
        )
