"""The pages behind a participant's own links: call it off, move it, choose a time, meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast
from zoneinfo import ZoneInfo

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from appointments import services
from appointments.calendar_links import google_url, office365_url, open_entry
from appointments.commands_offered import Command, commands_offered
from appointments.errors import (
    AgentOccupied,
    AnswersIncomplete,
    AppointmentIsCancelled,
    EndsInThePast,
    EndsTooLate,
)
from appointments.forms import zone_label
from appointments.forms_commands import CommandForm, TimeForm, questionnaire_for
from appointments.models import Appointment, Participant
from appointments.models.appointment_time import nominal_duration
from appointments.services.case import participants_of
from appointments.services.page_tokens import find_participant_by_token
from appointments.services.requests import USUAL_DURATION
from appointments.services.tickets import Admission
from appointments.video import has_video, room_elsewhere, trial_elsewhere
from appointments.views import CustomerPage, calendar_file_of
from appointments.visit import Phase, Visit, read_visit
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import actor_of
from config.kernel.throttling import client_address
from notifications.calendar import CalendarEntry, Method

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

# Refusals in the words of somebody who does not know our house: the agent's other appointments
# are nobody's business.
_WORDS: Mapping[type[DomainError], _StrPromise] = {
    AgentOccupied: gettext_lazy("This time is taken. Please choose another one."),
    AnswersIncomplete: gettext_lazy("Please look at your answers again."),
    AppointmentIsCancelled: gettext_lazy("This appointment was cancelled."),
    EndsInThePast: gettext_lazy("This time has passed. Please choose a later one."),
    EndsTooLate: gettext_lazy("This time is too far away. Please choose an earlier one."),
}


def _words_of(refusal: DomainError) -> str:
    known = _WORDS.get(type(refusal))
    return str(known) if known else gettext("This is not possible any more.")


def _actor_of(one: Participant) -> Actor:
    """Give whom a participant's links let act: the customer, or the employee as in the office."""
    if one.user is not None:
        # The address alone lets it act: as an agent of this appointment, whatever it is besides.
        return replace(actor_of(one.user, origin="page"), roles=frozenset({Role.AGENT}))
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=str(one.pk),
        organization_id=one.organization_id,
        origin="page",
        correlation_id=current_correlation_id(),
    )


class ParticipantPage(CustomerPage):
    """A page behind a participant's token, in the language and zone of the appointment."""

    HEADERS: ClassVar[dict[str, str]] = {
        **CustomerPage.HEADERS,
        # Other hosts learn nothing of the address. With no-referrer, browsers would send forms
        # with "Origin: null" (Fetch, 3.2), as from a stranger's page.
        "Referrer-Policy": "same-origin",
    }
    now: datetime
    token: str
    participant: Participant
    actor: Actor
    everyone: list[Participant]
    commands: frozenset[Command]

    def admit(self, request: HttpRequest, **kwargs: str) -> Visit:
        """Give the appointment that the participant's link is about.

        Raises TicketUnknown, TooManyAttempts.
        """
        self.now, self.token = timezone.now(), kwargs["token"]
        one = find_participant_by_token(self.token, address=client_address(request), now=self.now)
        self.participant, self.actor = one, _actor_of(one)
        self.everyone = participants_of(one.appointment)
        self.commands = commands_offered(
            one.appointment, self.everyone, actor=self.actor, now=self.now
        )
        customer = one if one.is_customer else None
        return read_visit(Admission(appointment=one.appointment, customer=customer), now=self.now)

    @property
    def appointment(self) -> Appointment:
        return self.visit.appointment

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.appointment.timezone)

    @property
    def has_video(self) -> bool:
        return has_video(self.appointment.meeting_type, is_hybrid=self.appointment.is_hybrid)

    def show(
        self, request: HttpRequest, template: str, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Give the page, with what it has in common with the others."""
        return render(
            request,
            f"appointments/{template}.html",
            {
                "visit": self.visit,
                "when": self.visit.when(self.zone),
                "asked": self.visit.asked(self.zone),
                "token": self.token,
                "zone_label": zone_label(self.zone, self.now),
                "offered": {command.name.lower(): True for command in self.commands},
                "is_customer": self.participant.is_customer,
                **context,
            },
            status=status,
        )


# --- Commands ---------------------------------------------------------------------------------


class CommandPage(ParticipantPage):
    """A page with one command; once it is carried out, the page says how things stand."""

    template: ClassVar[str]
    # The first that is offered is the one that the page is for.
    wanted: ClassVar[tuple[Command, ...]]

    @property
    def command(self) -> Command | None:
        """Give what can be done here now."""
        return next((one for one in self.wanted if one in self.commands), None)

    def form(self, request: HttpRequest) -> CommandForm:
        """Give what has to be said for it."""
        raise NotImplementedError

    def carry_out(self, form: CommandForm) -> None:
        """Do it.

        Raises DomainError.
        """
        raise NotImplementedError

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show what would be done, or why nothing can be."""
        return self._show(request, self.form(request) if self.command else None)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Do it, or say what is wrong."""
        if self.command is None:
            return self._show(request, None, status=409)
        form = self.form(request)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            self.carry_out(form)
        except DomainError as refusal:
            # Said where it was asked for: somebody else may have been faster.
            form.refuse(refusal, words=_words_of(refusal))
            return self._show(request, form, status=STATUSES[refusal.kind])
        return redirect(request.path)

    def _show(
        self, request: HttpRequest, form: CommandForm | None, *, status: int = 200
    ) -> HttpResponse:
        return self.show(request, self.template, status=status, form=form, command=self.command)


class CancelPage(CommandPage):
    """Calls the appointment off."""

    template = "participant_cancel"
    wanted = (Command.CANCEL,)

    def form(self, request: HttpRequest) -> CommandForm:
        """Ask for a reason, and what the subject asks whoever cancels."""
        return CommandForm(
            request.POST if request.method == "POST" else None,
            questionnaire=questionnaire_for(
                self.appointment, Command.CANCEL, is_customer=self.participant.is_customer
            ),
            language=self.visit.language,
            label=gettext("Reason (optional)"),
        )

    def carry_out(self, form: CommandForm) -> None:
        """Call it off."""
        services.cancel_appointment(
            self.appointment.pk,
            answers=form.answers,
            actor=self.actor,
            now=self.now,
            message=form.said,
        )


class TimePage(CommandPage):
    """Something is done with a time."""

    def form(self, request: HttpRequest) -> TimeForm:
        """Ask for a time on the clock of the appointment."""
        one = self.appointment
        return TimeForm(
            request.POST if request.method == "POST" else None,
            zone=self.zone,
            now=self.now,
            start=one.start or one.asked_start,
        )

    def carry_out(self, form: CommandForm) -> None:
        """Do it with the time that was given."""
        start = cast("TimeForm", form).start
        if self.command is Command.MOVE:
            self._move(start)
            return
        is_invited = self.command is Command.CHOOSE_TIME
        service = services.choose_time if is_invited else services.request_other_time
        service(
            self.appointment.pk,
            start=start,
            duration=None,
            zone=None,
            actor=self.actor,
            now=self.now,
            message=form.said,
        )

    def _move(self, start: datetime) -> None:
        one = self.appointment
        asked = nominal_duration(one.asked_start, one.asked_end, one.asked_duration)
        length = one.nominal_duration or asked or USUAL_DURATION
        services.reschedule_appointment(
            one.pk,
            start=start,
            duration=length,
            zone=self.zone,
            locale=None,
            actor=self.actor,
            now=self.now,
        )


class EditPage(TimePage):
    """Asks for another time as a customer, and moves the appointment as an employee."""

    template = "participant_edit"
    # Where a time is to be chosen, the link to the invite is the right one, and this does the same.
    wanted = (Command.CHOOSE_TIME, Command.MOVE, Command.ASK_FOR_TIME)


class InvitePage(TimePage):
    """Chooses the time of an invite, or another one when that was asked for."""

    template = "participant_invite"
    wanted = (Command.CHOOSE_TIME,)


# --- Where they meet --------------------------------------------------------------------------


class VideoPage(ParticipantPage):
    """The way to where people meet by video."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Lead there, or say when it begins."""
        is_possible = self.has_video and self.visit.phase in (Phase.AHEAD, Phase.NOW)
        if is_possible and (
            room := room_elsewhere(self.appointment, self.everyone, self.participant.pk)
        ):
            return HttpResponseRedirect(room)
        return self.show(request, "participant_video", has_video=self.has_video)


class VideoTestPage(ParticipantPage):
    """Where camera and sound can be tried out."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Lead there, or say what is needed."""
        if self.has_video and (place := trial_elsewhere(self.appointment, self.participant.pk)):
            return HttpResponseRedirect(place)
        return self.show(request, "participant_video_test", has_video=self.has_video)


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
