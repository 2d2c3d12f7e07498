"""The page of the calendar feeds: which there are, a new one, and an end to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import User
from appointments.forms import FeedForm
from appointments.models import CalendarFeed, Office
from appointments.services.feeds import create_feed, feed_url, may_make_all, revoke_feed
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.pages import OfficePage

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

_SHOWN_AT_MOST = 500
_OWNERS_AT_MOST = 1_000


@dataclass(frozen=True)
class ShownFeed:
    """A feed with its address, as the page shows it."""

    feed: CalendarFeed
    url: str | None

    @property
    def app_url(self) -> str:
        """Give the address by which a program for calendars opens and asks to subscribe."""
        return f"webcal://{(self.url or '').partition('://')[2]}"


@method_decorator(never_cache, name="dispatch")
class FeedsPage(OfficePage):
    """The feeds that somebody may see, and how to make another."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them with their addresses."""
        return self._show(request, self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make one, and show it with the others."""
        form = self._form(request)
        if not form.is_valid():
            return self._show(request, form, status=400)
        agent_id, office_id = form.owner
        try:
            feed = create_feed(
                agent_id=agent_id,
                office_id=office_id,
                shows_customers=form.cleaned_data["shows_customers"],
                actor=self.actor,
                now=timezone.now(),
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{feed}: the address is below. Keep it to yourself.")
        return redirect("feeds")

    def _form(self, request: HttpRequest | None = None) -> FeedForm:
        agents = User.objects.visible_to(self.actor).agents()
        offices = Office.objects.visible_to(self.actor)
        if not may_make_all(self.actor):
            agents, offices = agents.filter(pk=self.actor.id), offices.none()
        return FeedForm(
            request.POST if request else None,
            agents=list(agents.order_by("last_name", "first_name", "pk")[:_OWNERS_AT_MOST]),
            offices=list(offices.order_by("created_at", "pk")[:_OWNERS_AT_MOST]),
        )

    def _show(self, request: HttpRequest, form: FeedForm, *, status: int = 200) -> HttpResponse:
        rows = CalendarFeed.objects.visible_to(self.actor).concerning(self.actor).live()
        feeds = rows.select_related("agent", "office").order_by("-created_at", "pk")
        return render(
            request,
            "appointments/feeds.html",
            {
                "place": "feeds",
                "feeds": [ShownFeed(one, feed_url(one)) for one in feeds[:_SHOWN_AT_MOST]],
                "form": form,
                "sees_all": self.actor.has(Role.SUPERVISOR, Role.ADMIN),
            },
            status=status,
        )


@method_decorator(never_cache, name="dispatch")
class RevokeFeed(OfficePage):
    """Ends a feed, after a question."""

    def get(self, request: HttpRequest, feed_id: UUID) -> HttpResponse:
        """Ask whether it is meant."""
        rows = CalendarFeed.objects.visible_to(self.actor).concerning(self.actor).live()
        feed = rows.select_related("agent", "office").filter(pk=feed_id).first()
        if feed is None:
            raise Http404
        return render(request, "appointments/feed_revoke.html", {"place": "feeds", "feed": feed})

    def post(self, request: HttpRequest, feed_id: UUID) -> HttpResponse:
        """End it."""
        revoke_feed(feed_id, actor=self.actor, now=timezone.now())
        messages.success(request, "The address leads nowhere any more.")
        return redirect("feeds")
