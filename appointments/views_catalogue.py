"""The page of the catalogue: what appointments can be about, where, and what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import Application
from appointments.about import line_of
from appointments.embedding import snippet_of
from appointments.models import Form, LeadSegment, Listing, Office, Subject, SubjectGroup
from config.kernel.actors import Role
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# More than a page can show to anybody's use; the administration has all of them.
_SHOWN_AT_MOST = 200


@method_decorator(never_cache, name="dispatch")
class CataloguePage(OfficePage):
    """Everything that a booking can name."""

    roles = frozenset({Role.SUPERVISOR, Role.ADMIN})

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it, with the way to where it is changed."""
        actor = self.actor
        subjects = Subject.objects.visible_to(actor).order_by("order", "created_at", "id")
        groups = SubjectGroup.objects.visible_to(actor).prefetch_related(
            Prefetch("subjects", queryset=subjects)
        )
        offices = Office.objects.visible_to(actor).order_by("created_at", "id")
        listings = Listing.objects.visible_to(actor).order_by("created_at", "id")
        segments = LeadSegment.objects.visible_to(actor).existing().order_by("number")
        applications = Application.objects.visible_to(actor).filter(customers_may_book=True)
        in_use = Count("questions", filter=Q(questions__removed_at__isnull=True))
        forms = Form.objects.visible_to(actor).annotate(question_count=in_use)
        return render(
            request,
            "appointments/catalogue.html",
            {
                "place": "catalogue",
                "groups": [
                    (group, [(one, _length_of(one)) for one in group.subjects.all()])
                    for group in groups.order_by("order", "created_at", "id")[:_SHOWN_AT_MOST]
                ],
                "offices": [(one, line_of(one.location)) for one in offices[:_SHOWN_AT_MOST]],
                "listings": listings[:_SHOWN_AT_MOST],
                "segments": segments[:_SHOWN_AT_MOST],
                "forms": forms.order_by("name", "id")[:_SHOWN_AT_MOST],
                "booking_pages": [
                    (one, snippet_of(one))
                    for one in applications.order_by("-is_default", "name", "id")[:_SHOWN_AT_MOST]
                ],
                "may_add": actor.has(Role.ADMIN),
            },
        )


def _length_of(subject: Subject) -> str:
    return f"{subject.duration.total_seconds() / 60:g} minutes"
