"""The pages of this app: a day, one appointment, and where a customer's link leads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from csp.decorators import csp
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin

from agents.errors import TooManyAttempts
from agents.models import Application
from appointments.about import buffer_of, place_of, read_answers
from appointments.command_words import buttons_for
from appointments.commands_offered import commands_offered
from appointments.day import Span, name_of, read_day, slot_of
from appointments.errors import TicketUnknown
from appointments.forms import DayForm, ZoneForm, zone_label
from appointments.models import Appointment, Participant
from appointments.services import (
    cancel_notification,
    find_ticket,
    may_act_by_hand,
    retry_notification,
)
from appointments.timeline import Told, read_timeline
from appointments.visit import Visit, read_visit
from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError
from config.kernel.exceptions import answer_to, handler404
from config.kernel.pages import OfficePage
from config.kernel.throttling import client_address
from notifications.models import Notification, NotificationContent

if TYPE_CHECKING:
    from django.http import HttpRequest

_APPLICATIONS_AT_MOST = 200


@method_decorator(never_cache, name="dispatch")
class DayPage(OfficePage):
    """What begins on a day, by agent."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the day that was asked for, else today."""
        applications = _applications(self.actor)
        form = DayForm(
            request.GET,
            applications=applications,
            now=timezone.now(),
        )
        chosen = form.chosen_date
        is_own_only = not self.actor.has(Role.SUPERVISOR, Role.ADMIN)
        day = read_day(
            self.actor,
            Span.of(chosen, form.chosen_zone),
            application=form.chosen_application,
            is_own_only=is_own_only,
        )
        one = timedelta(days=1)
        return render(
            request,
            "appointments/day.html",
            {
                "place": "day",
                "form": form,
                "day": day,
                "zone_label": zone_label(day.span.zone, day.span.start),
                "previous": chosen - one,
                "next": chosen + one,
                "is_today": chosen == form.today,
                "is_own_only": is_own_only,
                "names_applications": len(applications) > 1 and not form.chosen_application,
            },
        )


def _applications(actor: Actor) -> list[Application]:
    """Give the applications to choose from, the default one first."""
    rows = Application.objects.visible_to(actor).order_by("-is_default", "name", "id")
    return list(rows[:_APPLICATIONS_AT_MOST])


class OneAppointment(OfficePage):
    """A page about one appointment, for whoever may read it."""

    def fetch(self, appointment_id: UUID) -> tuple[Appointment, list[Participant]]:
        """Give the appointment and who takes part.

        Raises AppointmentNotFound, NotYourAppointment.
        """
        rows = Appointment.objects.visible_to(self.actor).select_related(
            "subject", "office", "listing", "lead_segment"
        )
        appointment = rows.fetch(appointment_id)
        participants = list(
            Participant.objects.visible_to(self.actor)
            .of(appointment_id)
            .select_related("user", "customer")
        )
        # Administrators look after the whole organisation here; the APIs do not know them.
        if not self.actor.has(Role.ADMIN):
            appointment.check_may_read(self.actor, participants)
        return appointment, participants


@method_decorator(never_cache, name="dispatch")
class AppointmentPage(OneAppointment):
    """One appointment, who takes part, and its timeline."""

    def get(self, request: HttpRequest, appointment_id: UUID) -> HttpResponse:
        """Show everything that is on record of it."""
        appointment, participants = self.fetch(appointment_id)
        form = ZoneForm(
            request.GET,
            default_zone=appointment.timezone,
            default_label="Of the appointment",
            now=appointment.start or timezone.now(),
        )
        zone = form.chosen_zone
        slot = slot_of(appointment, participants, zone=zone)
        now = timezone.now()
        timeline = read_timeline(appointment, participants, actor=self.actor, now=now)
        return render(
            request,
            "appointments/appointment.html",
            {
                "place": "appointment",
                "form": form,
                "zone": zone,
                "zone_label": zone_label(zone, appointment.start or timezone.now()),
                "slot": slot,
                "appointment": appointment,
                "people": [(name_of(one), one) for one in participants],
                "timeline": timeline,
                "is_told": any(isinstance(entry, Told) for entry in timeline),
                "may_act": may_act_by_hand(self.actor, participants),
                "place_line": place_of(appointment),
                "buffer": buffer_of(appointment),
                "answers": read_answers(appointment, actor=self.actor),
                "buttons": buttons_for(
                    commands_offered(appointment, participants, actor=self.actor, now=now)
                ),
                "now": now,
            },
        )


_MESSAGE_POLICY: dict[str, Any] = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
    "form-action": ["'none'"],
    "base-uri": ["'none'"],
    "sandbox": True,
}


@method_decorator([never_cache, xframe_options_sameorigin, csp(_MESSAGE_POLICY)], name="dispatch")
class MessagePage(OneAppointment):
    """The HTML of one message as it was sent: shown in a frame that can do nothing."""

    def get(
        self, request: HttpRequest, appointment_id: UUID, notification_id: UUID
    ) -> HttpResponse:
        """Give the text that a template of the organisation wrote."""
        self.fetch(appointment_id)
        content = (
            NotificationContent.objects.visible_to(self.actor)
            .filter(notification_id=notification_id, notification__subject_id=appointment_id)
            .first()
        )
        if content is None or not content.html:
            raise Http404
        return HttpResponse(content.html)


class MessageCommand(OneAppointment):
    """What can be done with one message; afterwards its appointment is shown again."""

    done: ClassVar[str]

    def carry_out(self, appointment_id: UUID, notification_id: UUID) -> None:
        """Do it.

        Raises DomainError.
        """
        raise NotImplementedError

    def post(
        self, request: HttpRequest, appointment_id: UUID, notification_id: UUID
    ) -> HttpResponse:
        """Do it, and say that it was done or why it was not."""
        self.fetch(appointment_id)
        try:
            self.carry_out(appointment_id, notification_id)
        except DomainError as refusal:
            # Said on the page that they come from: the message may have gone out meanwhile.
            messages.error(request, str(refusal))
        else:
            messages.success(request, self.done)
        return redirect("appointment", appointment_id)


class RetryMessage(MessageCommand):
    """Sends a message again."""

    done = "The message is being sent."

    def carry_out(self, appointment_id: UUID, notification_id: UUID) -> None:
        """Have it sent now."""
        retry_notification(appointment_id, notification_id, actor=self.actor, now=timezone.now())


class CancelMessage(MessageCommand):
    """Keeps a message from being sent, after a question."""

    done = "The message will not be sent."

    def get(
        self, request: HttpRequest, appointment_id: UUID, notification_id: UUID
    ) -> HttpResponse:
        """Ask whether it is meant."""
        appointment, participants = self.fetch(appointment_id)
        notification = (
            Notification.objects.visible_to(self.actor)
            .of(appointment_id)
            .select_related("content")
            .filter(pk=notification_id)
            .first()
        )
        if notification is None or not may_act_by_hand(self.actor, participants):
            raise Http404
        return render(
            request,
            "appointments/message_cancel.html",
            {"notification": notification, "appointment": appointment},
        )

    def carry_out(self, appointment_id: UUID, notification_id: UUID) -> None:
        """Keep it from being sent."""
        cancel_notification(appointment_id, notification_id, actor=self.actor, now=timezone.now())


class CustomerPage(View):
    """A page behind a ticket: nobody keeps it, nobody finds it, and no link tells of it."""

    HEADERS: ClassVar[dict[str, str]] = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
    }

    visit: Visit

    def admit(self, request: HttpRequest, **kwargs: str) -> Visit:
        """Give what the address opens.

        Raises TicketUnknown, TooManyAttempts.
        """
        now = timezone.now()
        admission = find_ticket(kwargs["ticket"], address=client_address(request), now=now)
        return read_visit(admission, now=now)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, in the customer's language; what opens nothing is always the same page."""
        try:
            self.visit = self.admit(request, **kwargs)
        except TicketUnknown:
            response: HttpResponseBase = render(
                request, "appointments/ticket_unknown.html", status=404
            )
        except TooManyAttempts as refusal:
            # Here and not above us: this answer's address holds a ticket too.
            response = answer_to(request, refusal)
        else:
            with translation.override(self.visit.language):
                try:
                    response = super().dispatch(request, *args, **kwargs)
                except Http404 as problem:
                    # Here too: its address holds a ticket.
                    response = handler404(request, problem)
        for name, value in self.HEADERS.items():
            response.headers[name] = value
        return response


def calendar_file_of(visit: Visit) -> HttpResponse:
    """Give the file for a calendar.

    Raises Http404 while no time is fixed.
    """
    content = visit.calendar()
    if content is None:
        raise Http404
    return HttpResponse(
        content,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )
