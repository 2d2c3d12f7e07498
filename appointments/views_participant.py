"""The pages behind a participant's own links: call it off, move it, choose a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from appointments.calendar_links import google_url, office365_url, open_entry
from appointments.commands_offered import Command
from appointments.models import Participant
from appointments.services.page_tokens import find_participant_by_token
from appointments.services.tickets import Admission
from appointments.views import calendar_file_of
from appointments.views_own import Cancelling, Moving, OwnPage, TimePage, actor_for
from appointments.visit import Visit
from config.kernel.throttling import client_address
from notifications.calendar import CalendarEntry, Method

if TYPE_CHECKING:
    from django.http import HttpRequest

# The pages that others lead to.
_PAGES = ("cancel", "edit", "invite", "ical")


class ParticipantPage(OwnPage):
    """A page behind a participant's token, in the language and zone of the appointment."""

    token: str
    participant: Participant

    def admit(self, request: HttpRequest, **kwargs: str) -> Visit:
        """Give the appointment that the participant's link is about.

        Raises TicketUnknown, TooManyAttempts.
        """
        self.now, self.token = timezone.now(), kwargs["token"]
        one = find_participant_by_token(self.token, address=client_address(request), now=self.now)
        self.participant = one
        customer = one if one.is_customer else None
        return self.enter(
            Admission(appointment=one.appointment, customer=customer),
            actor_for(one),
            is_customer=one.is_customer,
        )

    @property
    def links(self) -> dict[str, str]:
        """Give the addresses of the participant's other pages."""
        return {name: reverse(f"participant-{name}", args=[self.token]) for name in _PAGES}

    def show(
        self, request: HttpRequest, template: str, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Give the page."""
        return super().show(request, template, status=status, token=self.token, **context)


# --- Commands ---------------------------------------------------------------------------------


class CancelPage(Cancelling, ParticipantPage):
    """Calls the appointment off, by a participant's link."""


class EditPage(Moving, ParticipantPage):
    """Another time, by a participant's link."""


class InvitePage(TimePage, ParticipantPage):
    """Chooses the time of an invite, or another one when that was asked for."""

    template = "participant_invite"
    wanted = (Command.CHOOSE_TIME,)


# --- Calendars --------------------------------------------------------------------------------


class CalendarPage(ParticipantPage):
    """A way into a calendar."""

    def answer(self, entry: CalendarEntry) -> HttpResponse:
        """Give the calendar what it wants."""
        raise NotImplementedError

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Lead to the calendar, where there is something to put into it."""
        entry = open_entry(self.appointment)
        if entry is None or not self.is_for(entry):
            return self.show(request, "participant_no_time", status=404)
        return self.answer(entry)

    def is_for(self, entry: CalendarEntry) -> bool:
        """Tell whether the calendar can do something with the entry."""
        # What was called off is not to be added.
        return entry.method is not Method.CANCEL


class GooglePage(CalendarPage):
    """Leads to Google Calendar."""

    def answer(self, entry: CalendarEntry) -> HttpResponse:
        """Lead to where the entry can be taken in."""
        return HttpResponseRedirect(
            google_url(title=entry.summary, start=entry.start, end=entry.end, zone=entry.zone)
        )


class Office365Page(CalendarPage):
    """Leads to Outlook on the web."""

    def answer(self, entry: CalendarEntry) -> HttpResponse:
        """Lead to where the entry can be taken in."""
        return HttpResponseRedirect(
            office365_url(title=entry.summary, start=entry.start, end=entry.end)
        )


class IcalPage(CalendarPage):
    """Gives the file for every other calendar."""

    def is_for(self, entry: CalendarEntry) -> bool:
        """Give a cancelled one too: in a calendar that has the entry, the file takes it away."""
        return True

    def answer(self, entry: CalendarEntry) -> HttpResponse:
        """Give the file."""
        return calendar_file_of(self.visit)
