"""The pages of requests and invites, and what can be done with an appointment by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from agents.models import Application
from appointments import services
from appointments.command_words import WORDINGS
from appointments.commands_offered import Command, commands_offered
from appointments.day import name_of_customer, slot_of
from appointments.forms import zone_label
from appointments.forms_commands import CommandForm, questionnaire_for
from appointments.forms_requests import NewRequestForm, RequestsForm
from appointments.models import Appointment, Office, ParticipantType, Subject
from appointments.views import OneAppointment
from appointments.waiting import read_waiting
from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import OfficePage
from config.kernel.time import parse_zone

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_CHOICES_AT_MOST = 500


def _applications(actor: Actor) -> list[Application]:
    rows = Application.objects.visible_to(actor).order_by("-is_default", "name", "id")
    return list(rows[:_CHOICES_AT_MOST])


def _zone_of(request: HttpRequest, applications: list[Application]) -> ZoneInfo:
    """Give the reader's own zone, else that of the house."""
    own = str(getattr(request.user, "timezone", ""))
    return parse_zone(own or (applications[0].default_timezone if applications else "UTC"))


@method_decorator(never_cache, name="dispatch")
class RequestsPage(OfficePage):
    """The requests and invites that wait for somebody."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page of them, those that have waited longest first."""
        now = timezone.now()
        zone = _zone_of(request, _applications(self.actor))
        form = RequestsForm(
            request.GET, default_zone=zone.key, default_label="Your time zone", now=now
        )
        form.is_valid()
        page = read_waiting(
            self.actor,
            status=form.chosen_status,
            number=_number(request.GET.get("page", "")),
            zone=form.chosen_zone,
            now=now,
        )
        return render(
            request,
            "appointments/requests.html",
            {
                "place": "requests",
                "form": form,
                "page": page,
                "zone": form.chosen_zone,
                "zone_label": zone_label(form.chosen_zone, now),
                "may_make": self.actor.has(*NewRequestPage.roles),
            },
        )


def _number(text: str) -> int:
    # Other digits than ASCII's are digits to Python too; a long row of them costs time to read.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


@method_decorator(never_cache, name="dispatch")
class NewRequestPage(OfficePage):
    """A request on a customer's behalf, or an invite."""

    roles = frozenset({Role.AGENT, Role.SUPERVISOR})

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for what it takes."""
        return self._show(request, self._form(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, and show it."""
        form = self._form(request)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            made = self._make(form)
        except DomainError as refusal:
            form.refuse(refusal, words=str(refusal))
            return self._show(request, form, status=STATUSES[refusal.kind])
        done = "The request is noted." if form.is_request else "The customer is invited."
        messages.success(request, done)
        return redirect("appointment", made.pk)

    def _make(self, form: NewRequestForm) -> Appointment:
        now = timezone.now()
        if form.is_request:
            case = services.request_appointment(
                form.booking(), actor=self.actor, now=now, message=form.said
            )
        else:
            case = services.invite_customers(
                form.draft(), actor=self.actor, now=now, message=form.said
            )
        return case.appointment

    def _form(self, request: HttpRequest) -> NewRequestForm:
        applications = _applications(self.actor)
        subjects = Subject.objects.visible_to(self.actor).filter(is_for_employees=True)
        offices = Office.objects.visible_to(self.actor).filter(is_active=True)
        return NewRequestForm(
            request.POST if request.method == "POST" else None,
            applications=applications,
            subjects=list(subjects.order_by("order", "created_at", "id")[:_CHOICES_AT_MOST]),
            offices=list(offices.order_by("created_at", "id")[:_CHOICES_AT_MOST]),
            zone=_zone_of(request, applications),
            now=timezone.now(),
        )

    def _show(
        self, request: HttpRequest, form: NewRequestForm, *, status: int = 200
    ) -> HttpResponse:
        return render(
            request,
            "appointments/request_new.html",
            {"place": "requests", "form": form},
            status=status,
        )


# --- Commands ---------------------------------------------------------------------------------


@method_decorator(never_cache, name="dispatch")
class CommandPage(OneAppointment):
    """One command on an appointment, after a question."""

    def get(self, request: HttpRequest, appointment_id: UUID, command: str) -> HttpResponse:
        """Ask what belongs to it, and whether it is meant."""
        wanted = _wanted(command)
        appointment = self._offering(request, appointment_id, wanted)
        if appointment is None:
            return redirect("appointment", appointment_id)
        return self._show(request, wanted, _form(appointment, wanted))

    def post(self, request: HttpRequest, appointment_id: UUID, command: str) -> HttpResponse:
        """Do it, and say that it was done or why it was not."""
        wanted = _wanted(command)
        appointment = self._offering(request, appointment_id, wanted)
        if appointment is None:
            return redirect("appointment", appointment_id)
        form = _form(appointment, wanted, request)
        if not form.is_valid():
            return self._show(request, wanted, form, status=400)
        try:
            self._carry_out(appointment_id, wanted, form)
        except DomainError as refusal:
            # Said where it was asked for: somebody else may have been faster.
            form.refuse(refusal, words=str(refusal))
            return self._show(request, wanted, form, status=STATUSES[refusal.kind])
        messages.success(request, WORDINGS[wanted].done)
        if request.GET.get("back") == "requests":
            return redirect("requests")
        return redirect("appointment", appointment_id)

    def _offering(
        self, request: HttpRequest, appointment_id: UUID, wanted: Command
    ) -> Appointment | None:
        """Give the appointment, or say that there is no such thing to do any more."""
        self.appointment, self.everyone = self.fetch(appointment_id)
        offered = commands_offered(
            self.appointment, self.everyone, actor=self.actor, now=timezone.now()
        )
        if wanted in offered:
            return self.appointment
        messages.error(request, "This is not possible as the appointment stands now.")
        return None

    def _carry_out(self, appointment_id: UUID, wanted: Command, form: CommandForm) -> None:
        now, said = timezone.now(), form.said
        match wanted:
            case Command.ACCEPT:
                services.accept_request(appointment_id, actor=self.actor, now=now, message=said)
            case Command.ASK_AGAIN:
                services.request_alternative(
                    appointment_id, actor=self.actor, now=now, message=said
                )
            case Command.REOPEN:
                services.reopen_appointment(appointment_id, actor=self.actor, now=now, message=said)
            case Command.CANCEL:
                services.cancel_appointment(
                    appointment_id, answers=form.answers, actor=self.actor, now=now, message=said
                )
            case _:
                services.close_appointment(
                    appointment_id,
                    came=wanted is Command.COMPLETE,
                    answers=form.answers,
                    actor=self.actor,
                    now=now,
                    message=said,
                )

    def _show(
        self, request: HttpRequest, wanted: Command, form: CommandForm, *, status: int = 200
    ) -> HttpResponse:
        zone = ZoneInfo(self.appointment.timezone)
        customers = [one for one in self.everyone if one.type == ParticipantType.CUSTOMER]
        return render(
            request,
            "appointments/command.html",
            {
                "place": "requests" if self.appointment.is_request else "appointment",
                "appointment": self.appointment,
                "slot": slot_of(self.appointment, self.everyone, zone=zone),
                "customers": [name_of_customer(one) for one in customers],
                "zone": zone,
                "zone_label": zone_label(zone, self.appointment.start or timezone.now()),
                "wording": WORDINGS[wanted],
                "form": form,
                "goes_back": request.GET.get("back") == "requests",
            },
            status=status,
        )


def _wanted(command: str) -> Command:
    found = next((one for one in WORDINGS if one == command), None)
    if found is None:
        raise Http404
    return found


def _form(
    appointment: Appointment, wanted: Command, request: HttpRequest | None = None
) -> CommandForm:
    return CommandForm(
        request.POST if request else None,
        questionnaire=questionnaire_for(appointment, wanted),
        label=WORDINGS[wanted].message,
    )
