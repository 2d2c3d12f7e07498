"""The pages behind a customer's ticket: the appointment, and what its customer can do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from agents.errors import CodeRefused
from appointments import services
from appointments.calendar_links import google_url, office365_url, open_entry
from appointments.commands_offered import Command
from appointments.forms import ZoneForm
from appointments.forms_visit import DetailsForm
from appointments.models import Participant
from appointments.services.own_details import addresses_to_change
from appointments.services.page_tokens import page_url
from appointments.services.tickets import find_ticket
from appointments.views import CustomerPage, calendar_file_of
from appointments.views_own import Cancelling, Moving, OwnPage, actor_for, words_of
from appointments.visit import ITS_OWN_ZONE, Phase, Visit
from appointments.waiting_room import WaitingRoom, read_waiting_room
from appointments.whereabouts import read_whereabouts
from config.kernel.actors import Actor, ActorKind
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.throttling import client_address
from notifications.calendar import Method

if TYPE_CHECKING:
    from django.http import HttpRequest

# What was done before this page is shown, as it stands in the address.
_DONE = {
    "booked": gettext_lazy("Your appointment is booked."),
    "moved": gettext_lazy("The appointment was moved. You will get a message with the new time."),
    "asked": gettext_lazy("Your request was sent. We will tell you as soon as it is accepted."),
    "saved": gettext_lazy("Your details were saved."),
}


class TicketPage(OwnPage):
    """A page behind a ticket; the appointment's own ticket is nobody's, and lets do nothing."""

    ticket: str
    customer: Participant | None

    def admit(self, request: HttpRequest, **kwargs: str) -> Visit:
        """Give the appointment that the ticket opens.

        Raises TicketUnknown, TooManyAttempts.
        """
        self.now, self.ticket = timezone.now(), kwargs["ticket"]
        admission = find_ticket(self.ticket, address=client_address(request), now=self.now)
        self.customer = admission.customer
        actor = actor_for(self.customer) if self.customer else _nobody(admission.appointment)
        return self.enter(admission, actor, is_customer=True)

    @property
    def links(self) -> dict[str, str]:
        """Give the addresses of the ticket's other pages."""
        found = {
            name: reverse(f"visit-{page}", args=[self.ticket])
            for name, page in (
                ("cancel", "cancel"),
                ("edit", "move"),
                ("invite", "move"),
                ("details", "details"),
                ("ical", "calendar"),
            )
        }
        return {**found, "home": reverse("visit", args=[self.ticket])}

    def home(self, done: str = "") -> HttpResponse:
        """Lead back to the appointment."""
        return HttpResponseRedirect(f"{self.links['home']}{done and f'?done={done}'}")


def _nobody(appointment: Any) -> Actor:
    return Actor(
        kind=ActorKind.CUSTOMER, id="", organization_id=appointment.organization_id, origin="page"
    )


class VisitPage(TicketPage):
    """The customer's appointment in the customer's zone."""

    # Nothing is sent from here but the choice of a zone.
    HEADERS: ClassVar[dict[str, str]] = CustomerPage.HEADERS

    def get(self, request: HttpRequest, ticket: str) -> HttpResponse:
        """Show what, when, where and with whom."""
        form = ZoneForm(
            request.GET,
            default_zone=self.appointment.timezone,
            default_label=str(ITS_OWN_ZONE),
            now=self.appointment.start or self.now,
        )
        zone = form.chosen_zone
        return self.show(
            request,
            "visit",
            when=self.visit.when(zone),
            asked=self.visit.asked(zone),
            form=form,
            ticket=ticket,
            done=_DONE.get(request.GET.get("done", ""), ""),
            calendars=self._calendars(),
            place=read_whereabouts(self.visit),
            waiting=self._waiting(form),
            # The clock that was chosen here is that of the next page too.
            zone_query="" if zone == self.zone else f"?{urlencode({'zone': zone.key}, safe='/')}",
            may_change_details=self.customer is not None and _is_open(self),
        )

    def _waiting(self, form: ZoneForm) -> WaitingRoom | None:
        if self.visit.phase not in (Phase.AHEAD, Phase.NOW):
            return None
        join = urlsplit(page_url(self.customer.pk, "video")).path if self.customer else ""
        return read_waiting_room(
            self.visit, self.everyone, zone=form.chosen_zone, now=self.now, join=join
        )

    def _calendars(self) -> dict[str, str]:
        """Give where the appointment can be taken in; what was called off is only taken out."""
        entry = open_entry(self.appointment)
        if entry is None or entry.method is Method.CANCEL:
            return {}
        about: dict[str, Any] = {"title": entry.summary, "start": entry.start, "end": entry.end}
        return {
            "google": google_url(**about, zone=entry.zone),
            "office365": office365_url(**about),
        }


class VisitCalendar(TicketPage):
    """The appointment as a file for the customer's calendar."""

    HEADERS: ClassVar[dict[str, str]] = CustomerPage.HEADERS

    def get(self, request: HttpRequest, ticket: str) -> HttpResponse:
        """Give the file, where there is a time to put into it."""
        return calendar_file_of(self.visit)


class VisitCancelPage(Cancelling, TicketPage):
    """Calls the appointment off."""

    def done(self, request: HttpRequest) -> HttpResponse:
        """Lead back to the appointment, which says so."""
        return self.home()


class VisitMovePage(Moving, TicketPage):
    """Another time, or the first one."""

    def done(self, request: HttpRequest) -> HttpResponse:
        """Lead back to the appointment with its new time."""
        return self.home("asked" if self.is_asked_for else "moved")


# --- Details ----------------------------------------------------------------------------------


def _is_open(page: OwnPage) -> bool:
    return Command.CANCEL in page.commands


class VisitDetailsPage(TicketPage):
    """How the customer wants to be called and reached."""

    def get(self, request: HttpRequest, ticket: str) -> HttpResponse:
        """Show what is known."""
        customer = self._customer()
        return self._show(request, self._form(request, customer) if _is_open(self) else None)

    def post(self, request: HttpRequest, ticket: str) -> HttpResponse:
        """Write it down, once new addresses are proven; until then codes are asked for."""
        customer = self._customer()
        if not _is_open(self):
            return self._show(request, None, status=409)
        form = self._form(request, customer)
        if not form.is_valid():
            return self._show(request, form, status=400)
        try:
            if not self._is_proven(request, form, customer):
                return self._show(request, form, status=400 if form.errors else 200)
        except DomainError as refusal:
            is_code = isinstance(refusal, CodeRefused)
            form.refuse(gettext("This code is not valid.") if is_code else words_of(refusal))
            return self._show(request, form, status=400 if is_code else STATUSES[refusal.kind])
        return self.home("saved")

    def _is_proven(self, request: HttpRequest, form: DetailsForm, customer: Participant) -> bool:
        proofs = services.prove_addresses(
            customer,
            form.details,
            self.appointment.application,
            given=form.codes,
            sender=client_address(request),
            now=self.now,
        )
        if not proofs.is_complete:
            form.show_codes(proofs.asked)
            form.show_codes(proofs.refused, words=gettext("This code is not valid."))
            return False
        services.change_own_details(
            self.appointment.pk,
            form.details,
            proofs=proofs.proven,
            actor=self.actor,
            now=self.now,
        )
        return True

    def _customer(self) -> Participant:
        if self.customer is None:
            raise Http404
        return self.customer

    def _form(self, request: HttpRequest, customer: Participant) -> DetailsForm:
        return DetailsForm(
            request.POST if request.method == "POST" else None,
            customer=customer,
            changeable=addresses_to_change(self.appointment, customer),
        )

    def _show(
        self, request: HttpRequest, form: DetailsForm | None, *, status: int = 200
    ) -> HttpResponse:
        return self.show(request, "visit_details", status=status, form=form)
