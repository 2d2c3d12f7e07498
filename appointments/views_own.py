"""What pages behind a secret of somebody's own have in common: call it off, choose a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy

from appointments import services
from appointments.commands_offered import Command, commands_offered
from appointments.errors import (
    AgentOccupied,
    AnswersIncomplete,
    AppointmentIsCancelled,
    EndsInThePast,
    EndsTooLate,
    NoAgentFree,
    TimeNotOffered,
)
from appointments.forms import ZoneForm, zone_label
from appointments.forms_commands import CommandForm, TimeForm, questionnaire_for
from appointments.forms_visit import SlotForm
from appointments.models import Appointment, Participant
from appointments.services.case import participants_of
from appointments.services.offered_times import times_offered
from appointments.services.requests import usual_duration
from appointments.services.tickets import Admission
from appointments.slot_picker import SlotPicker, pick_slots, read_picked_day
from appointments.video import has_video
from appointments.views import CustomerPage
from appointments.visit import ITS_OWN_ZONE, Visit, read_visit
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.pages import actor_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

    from appointments.availability import Wanted

# Refusals in the words of somebody who does not know our house: the agent's other appointments
# are nobody's business.
_WORDS: Mapping[type[DomainError], _StrPromise] = {
    AgentOccupied: gettext_lazy("This time is taken. Please choose another one."),
    AnswersIncomplete: gettext_lazy("Please look at your answers again."),
    AppointmentIsCancelled: gettext_lazy("This appointment was cancelled."),
    EndsInThePast: gettext_lazy("This time has passed. Please choose a later one."),
    EndsTooLate: gettext_lazy("This time is too far away. Please choose an earlier one."),
    NoAgentFree: gettext_lazy("This time is taken. Please choose another one."),
    TimeNotOffered: gettext_lazy("This time is taken. Please choose another one."),
}


def words_of(refusal: DomainError) -> str:
    """Give a refusal in a customer's words."""
    known = _WORDS.get(type(refusal))
    return str(known) if known else gettext("This is not possible any more.")


def actor_for(one: Participant) -> Actor:
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


class OwnPage(CustomerPage):
    """A page behind a secret of somebody's own: what it is about, who acts, what it may do."""

    HEADERS: ClassVar[dict[str, str]] = {
        **CustomerPage.HEADERS,
        # Other hosts learn nothing of the address. With no-referrer, browsers would send forms
        # with "Origin: null" (Fetch, 3.2), as from a stranger's page.
        "Referrer-Policy": "same-origin",
    }
    now: datetime
    actor: Actor
    everyone: list[Participant]
    commands: frozenset[Command]
    is_customer: bool

    def enter(self, admission: Admission, actor: Actor, *, is_customer: bool) -> Visit:
        """Take in whom the address lets in."""
        self.actor, self.is_customer = actor, is_customer
        self.everyone = participants_of(admission.appointment)
        self.commands = commands_offered(
            admission.appointment, self.everyone, actor=actor, now=self.now
        )
        return read_visit(admission, now=self.now)

    @property
    def links(self) -> dict[str, str]:
        """Give the addresses of the other pages behind the same secret, by name."""
        raise NotImplementedError

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
                "links": self.links,
                "zone_label": zone_label(self.zone, self.now),
                "offered": {command.name.lower(): True for command in self.commands},
                "is_customer": self.is_customer,
                **context,
            },
            status=status,
        )


# --- Commands ---------------------------------------------------------------------------------


class CommandPage(OwnPage):
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

    def done(self, request: HttpRequest) -> HttpResponse:
        """Lead to where it is said how things stand."""
        return redirect(request.path)

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Show what would be done, or why nothing can be."""
        return self.show_form(request, self.form(request) if self.command else None)

    def post(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Do it, or say what is wrong."""
        if self.command is None:
            return self.show_form(request, None, status=409)
        form = self.form(request)
        if not form.is_valid():
            return self.show_form(request, form, status=400)
        try:
            self.carry_out(form)
        except DomainError as refusal:
            # Said where it was asked for: somebody else may have been faster.
            form.refuse(refusal, words=words_of(refusal))
            return self.show_form(request, form, status=STATUSES[refusal.kind])
        return self.done(request)

    def show_form(
        self,
        request: HttpRequest,
        form: CommandForm | None,
        *,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        """Give the page with the form, or without one where nothing can be done."""
        return self.show(
            request, self.template, status=status, form=form, command=self.command, **context
        )


class Cancelling(CommandPage):
    """Calls the appointment off."""

    template = "participant_cancel"
    wanted = (Command.CANCEL,)

    def form(self, request: HttpRequest) -> CommandForm:
        """Ask for a reason, and what the subject asks whoever cancels."""
        return CommandForm(
            request.POST if request.method == "POST" else None,
            questionnaire=questionnaire_for(
                self.appointment, Command.CANCEL, is_customer=self.is_customer
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
    """Something is done with a time: one of those that are offered, or any that is filled in."""

    # Once it was done: whether somebody has to accept the time.
    is_asked_for: bool

    @cached_property
    def zones(self) -> ZoneForm:
        """Give the choice of the clock on which free times are shown."""
        return ZoneForm(
            self.request.GET,
            default_zone=self.appointment.timezone,
            default_label=str(ITS_OWN_ZONE),
            now=self.appointment.start or self.now,
        )

    @cached_property
    def offer(self) -> Wanted | None:
        """Give what free times are looked for; None where any time can be filled in."""
        if not self.is_customer:
            return None
        zone = self.zones.chosen_zone
        return times_offered(self.appointment, self.everyone, zone=zone, now=self.now)

    def form(self, request: HttpRequest) -> CommandForm:
        """Ask for one of the free times, or for a time on the clock of the appointment."""
        data = request.POST if request.method == "POST" else None
        if self.offer is not None:
            return SlotForm(data)
        one = self.appointment
        return TimeForm(data, zone=self.zone, now=self.now, start=one.start or one.asked_start)

    def show_form(
        self,
        request: HttpRequest,
        form: CommandForm | None,
        *,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        """Give the page, with free times to choose from where there are any."""
        if form is not None and self.offer is not None:
            context |= {"picker": self._picker(self.offer), "zones": self.zones}
        return super().show_form(request, form, status=status, **context)

    def _picker(self, offer: Wanted) -> SlotPicker:
        zone = self.zones.chosen_zone
        held = self.appointment.start
        return pick_slots(
            offer,
            now=self.now,
            day=read_picked_day(self.request.GET.get("day", ""))
            or (held.astimezone(zone).date() if held else None),
            locale=self.visit.words_locale,
            start=self.request.POST.get("start", ""),
            keep={} if zone == self.zone else {"zone": zone.key},
        )

    def carry_out(self, form: CommandForm) -> None:
        """Do it with the time that was given."""
        if isinstance(form, SlotForm):
            case = services.take_offered_time(
                self.appointment.pk,
                start=form.instant,
                zone=self.zones.chosen_zone,
                actor=self.actor,
                now=self.now,
                message=form.said,
            )
        elif self.command is Command.MOVE:
            case = self._move(cast("TimeForm", form).start)
        else:
            case = self._agree(cast("TimeForm", form))
        self.is_asked_for = case.appointment.is_request

    def _agree(self, form: TimeForm) -> services.Case:
        is_invited = self.command is Command.CHOOSE_TIME
        service = services.choose_time if is_invited else services.request_other_time
        return service(
            self.appointment.pk,
            start=form.start,
            duration=None,
            zone=None,
            actor=self.actor,
            now=self.now,
            message=form.said,
        )

    def _move(self, start: datetime) -> services.Case:
        return services.reschedule_appointment(
            self.appointment.pk,
            start=start,
            duration=usual_duration(self.appointment),
            zone=self.zone,
            locale=None,
            actor=self.actor,
            now=self.now,
        )


class Moving(TimePage):
    """Moves the appointment, or asks for another time where somebody has to accept it."""

    template = "participant_edit"
    # Where a time is to be chosen, the link to the invite is the right one, and this does the same.
    wanted = (Command.CHOOSE_TIME, Command.MOVE, Command.ASK_FOR_TIME)
