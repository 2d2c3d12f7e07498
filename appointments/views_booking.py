"""The booking pages: what they have in common, and the choice of a subject.

Everything works without cookies, so that it does within the page of another site.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from appointments.booking_language import babel_locale, language_of, locale_of
from appointments.booking_offer import find_bookable_application, groups_offered
from appointments.embedding import is_within_a_frame, let_sites_frame
from config.kernel.throttling import wait_for_free_times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.http import HttpRequest

    from agents.models import Application

# What addresses carry from page to page: nothing of it is about a person.
_KEPT = ("language", "embedded", "zone", "meetingType", "officeId")


# Whoever sends a form here has no authority that another site could borrow: no session and no
# cookie is looked at, and the code that the customer was sent is the proof. A token against forgery
# would need a cookie, which browsers keep back within the page of another site.
@method_decorator(csrf_exempt, name="dispatch")
class BookingPage(View):
    """A page of an application that customers may book with, in their language."""

    HEADERS: ClassVar[dict[str, str]] = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language",
    }

    now: datetime
    application: Application
    language: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in the customer's language; what cannot be booked is always the same page."""
        self.now = timezone.now()
        found = find_bookable_application(kwargs["application"])
        self.language = language_of(request, found)
        with translation.override(self.language):
            if wait := wait_for_free_times(request):
                response: HttpResponseBase = self._busy(wait)
            elif found is None or not self.admit(found, kwargs):
                response = render(request, "appointments/book_unknown.html", status=404)
            else:
                response = super().dispatch(request, *args, **kwargs)
                let_sites_frame(response, found)
        for name, value in self.HEADERS.items():
            response.headers[name] = value
        return response

    def admit(self, application: Application, named: Mapping[str, str]) -> bool:
        """Keep what the address names; tell whether there is such a thing."""
        self.application = application
        return True

    def _busy(self, seconds: float) -> HttpResponse:
        response = render(self.request, "appointments/book_busy.html", status=429)
        response.headers["Retry-After"] = str(int(seconds) + 1)
        return response

    @cached_property
    def locale(self) -> str:
        """Give the locale that the appointment gets."""
        return locale_of(self.request, self.application, self.language)

    def query(self, **changes: str) -> str:
        """Give what the address of the next page carries, after the question mark."""
        kept = {name: self.request.GET[name] for name in _KEPT if self.request.GET.get(name)}
        return urlencode({**kept, **changes})

    def show(
        self, request: HttpRequest, template: str, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Give a page, with what it has in common with the others."""
        return render(
            request,
            f"appointments/{template}.html",
            {
                "application": self.application,
                "organization": self.application.organization,
                "is_framed": is_within_a_frame(request),
                "languages": [
                    (code, name, self.query(language=code)) for code, name in settings.LANGUAGES
                ],
                "first_page": f"{reverse('book', args=[self.application.pk])}?{self.query()}",
                **context,
            },
            status=status,
        )


class SubjectsPage(BookingPage):
    """What can be booked."""

    def get(self, request: HttpRequest, application: str) -> HttpResponse:
        """Show it; where there is but one thing, go on with that."""
        groups = groups_offered(
            self.application, language=self.language, locale=babel_locale(self.locale)
        )
        subjects = [one for group in groups for one in group.subjects]
        if len(subjects) == 1:
            path = reverse("book-subject", args=[self.application.pk, subjects[0].id])
            return HttpResponseRedirect(f"{path}?{self.query()}" if self.query() else path)
        return self.show(request, "book_subjects", groups=groups, query=self.query())
