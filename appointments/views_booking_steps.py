"""The booking of one subject, step by step: a time, who it is, and a code that proves it."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext

from agents.errors import CodeRefused, TooManyAttempts
from agents.services import codes
from appointments import services
from appointments.booking_language import babel_locale
from appointments.booking_offer import (
    Meeting,
    chosen_meeting,
    find_offered_subject,
    meetings_offered,
    offered,
    takes_sms,
    time_in_words,
    wanted_of,
)
from appointments.booking_state import BookingState, read_state
from appointments.embedding import is_within_a_frame
from appointments.errors import AgentOccupied, EndsInThePast, NoAgentFree, TimeNotOffered
from appointments.forms import ZoneForm, zone_label
from appointments.forms_booking import DetailsForm, read_code, wait_in_words
from appointments.forms_commands import text_in
from appointments.models import MeetingType, Participant, Subject, TargetType
from appointments.services.booking_online import book_online, is_offered
from appointments.services.page_tokens import token_of
from appointments.slot_picker import pick_slots, read_picked_day
from appointments.views_booking import BookingPage
from config.kernel import limits
from config.kernel.errors import DomainError
from config.kernel.exceptions import STATUSES
from config.kernel.throttling import client_address
from config.kernel.time import Duration, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, QueryDict

    from agents.models import Application
    from appointments.availability import Wanted
    from appointments.visit import When

# Somebody else was faster, or it has become too late: another time will do.
_GONE = (TimeNotOffered, NoAgentFree, AgentOccupied, EndsInThePast)


class SubjectPage(BookingPage):
    """The booking of one subject: a time, the details, the code."""

    subject: Subject

    def admit(self, application: Application, named: Mapping[str, str]) -> bool:
        """Keep the subject, where customers may book it."""
        found = find_offered_subject(application, named["subject"])
        if found is None:
            return False
        self.subject = found
        return super().admit(application, named)

    # --- What was chosen so far ---------------------------------------------------------------

    @cached_property
    def meetings(self) -> list[Meeting]:
        return meetings_offered(self.application)

    @cached_property
    def meeting(self) -> Meeting:
        """Give the chosen way to meet."""
        given = self.request.GET
        return chosen_meeting(
            self.meetings, type=given.get("meetingType", ""), office_id=given.get("officeId", "")
        )

    @cached_property
    def zones(self) -> ZoneForm:
        """Give the choice of a zone; in an office, people look at its clock."""
        office = self.meeting.office
        form = ZoneForm(
            self.request.GET,
            default_zone=(office and office.timezone) or self.application.default_timezone,
            default_label=self.application.organization.name,
            now=self.now,
        )
        if office is None and not self.request.GET.get("zone"):
            # For the script, which knows the clock of the browser.
            form.fields["zone"].widget.attrs["data-is-open"] = ""
        return form

    def wanted(self, start: datetime) -> Wanted:
        """Give what a free time is looked for."""
        return wanted_of(
            self.application,
            self.subject,
            self.meeting,
            zone=self.zones.chosen_zone,
            start=start,
        )

    def is_free(self, start: datetime) -> bool:
        """Tell whether the time is still there to be had."""
        return is_offered(self.wanted(start), start, now=self.now)

    def details(self, state: BookingState) -> DetailsForm:
        """Give the form of the details, with what was typed in so far."""
        return self._form(state.typed() if state.details else None)

    def _form(self, data: QueryDict | None) -> DetailsForm:
        return DetailsForm(
            data,
            application=self.application,
            is_by_phone=self.meeting.type == MeetingType.PHONE,
            takes_sms=takes_sms(self.application),
            questionnaire=self.subject.questionnaire_form,
            language=self.language,
        )

    def _new_state(self, start: datetime) -> BookingState:
        return BookingState(
            application_id=str(self.application.pk),
            subject_id=str(self.subject.pk),
            start=format_instant(start),
        )

    # --- The pages ----------------------------------------------------------------------------

    def get(self, request: HttpRequest, application: str, subject: str) -> HttpResponse:
        """Show the free times, or ask for the details once one is chosen."""
        if "start" not in request.GET:
            word = gettext("Please choose one of the times.") if "next" in request.GET else ""
            return self.show_times(word=word, status=400 if word else 200)
        start = _instant(request.GET["start"])
        if start is None:
            return self.show_times(word=gettext("Please choose one of the times."), status=400)
        if not self.is_free(start):
            return self.show_times(start=start, word=_gone(), status=409)
        state = self._new_state(start)
        return self.show_details(state, self.details(state))

    def post(self, request: HttpRequest, application: str, subject: str) -> HttpResponse:
        """Take the next step with what the page before has kept."""
        state = read_state(
            request.POST.get("state", ""),
            application_id=str(self.application.pk),
            subject_id=str(self.subject.pk),
        )
        if state is None:
            word = gettext("That has taken too long. Please choose a time once more.")
            return self.show_times(word=word, status=400)
        match request.POST.get("step"):
            case "details":
                return self.take_details(state)
            case "again":
                return self.send_code(state)
            case "change":
                return self.show_details(state, self.details(state))
            case "code":
                return self.take_code(state)
            case _:
                return self.take_time(state)

    def take_details(self, state: BookingState) -> HttpResponse:
        """Have a code sent to whoever it is, or say what is wrong."""
        form = self._form(self.request.POST)
        if not form.is_valid():
            return self.show_details(state, form, status=400)
        return self.send_code(state.with_details(form.typed()))

    def take_time(self, state: BookingState) -> HttpResponse:
        """Go on with another time; what was typed in stays, and the code that was sent holds."""
        posted = self.request.POST
        # A button for a day has the query of its link as its value.
        day = read_picked_day(posted.get("day", "").rpartition("=")[2])
        start = _instant(posted.get("start", "")) if day is None else None
        if start is None:
            word = "" if day else gettext("Please choose one of the times.")
            return self.show_times(state=state, day=day, word=word, status=200 if day else 400)
        state = state.at(format_instant(start))
        if not self.is_free(start):
            return self.show_times(state=state, start=start, word=_gone(), status=409)
        return self.show_code(state) if state.was_sent else self.send_code(state)

    def send_code(self, state: BookingState) -> HttpResponse:
        """Send a code while the time is to be had, and ask for it."""
        form, start = self.details(state), _moment(state)
        if not form.is_valid():
            return self.show_details(state, form, status=400)
        if not self.is_free(start):
            return self.show_times(state=state, start=start, word=_gone(), status=409)
        try:
            codes.ask_for_code(
                self.application,
                form.address,
                sender=client_address(self.request),
                now=self.now,
                locale=self.locale,
            )
        except TooManyAttempts as refusal:
            return self._later(state, form, refusal)
        return self.show_code(state.sent())

    def _later(
        self, state: BookingState, form: DetailsForm, refusal: TooManyAttempts
    ) -> HttpResponse:
        wait = refusal.facts["retry_after"]
        seconds = math.ceil(wait.total_seconds()) if isinstance(wait, timedelta) else 60
        form.add_error(None, wait_in_words(seconds))
        response = self.show_details(state, form, status=429)
        response.headers["Retry-After"] = str(max(1, seconds))
        return response

    def take_code(self, state: BookingState) -> HttpResponse:
        """Book, and show what came of it."""
        form = self.details(state)
        # Without its key, nobody was asked for a code by this page.
        if not form.is_valid() or not state.was_sent:
            return self.show_details(state, form, status=400)
        try:
            customer = self._book(state, form)
        except CodeRefused:
            return self.show_code(state, word=_wrong_code(), status=400)
        except _GONE:
            return self.show_times(state=state, start=_moment(state), word=_gone(), status=409)
        except DomainError as refusal:
            # What the subject asks has changed meanwhile, or an answer does not fit it.
            form.refuse(refusal, words=gettext("This cannot be booked as it is."))
            return self.show_details(state, form, status=STATUSES[refusal.kind])
        return self.show_outcome(customer, state)

    def _book(self, state: BookingState, form: DetailsForm) -> Participant:
        start = _moment(state)
        about: dict[str, Any] = {"subject": str(self.subject.pk), **self.meeting.arrangement}
        if form.answers is not None:
            about["answers"] = form.answers
        booking = services.Booking(
            application_id=str(self.application.pk),
            zone=self.zones.chosen_zone,
            locale=self.locale,
            title=text_in(self.subject.name, self.language),
            customers=(form.customer,),
            target=services.Target(type=TargetType.ANY),
            about=about,
            start=start,
            duration=Duration.of(self.subject.duration, exact=True),
        )
        return book_online(
            booking,
            application=self.application,
            wanted=self.wanted(start),
            address=form.address,
            code=read_code(self.request.POST.get("code", "")),
            key=state.key,
            sender=client_address(self.request),
            now=self.now,
        )

    # --- What is shown ------------------------------------------------------------------------

    def show(
        self, request: HttpRequest, template: str, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        """Give a page, with the subject and the way to meet."""
        return super().show(
            request,
            template,
            status=status,
            subject=offered(self.subject, language=self.language, locale=babel_locale(self.locale)),
            meeting=self.meeting.label(self.language),
            query=self.query(),
            **context,
        )

    def show_times(
        self,
        *,
        state: BookingState | None = None,
        start: datetime | None = None,
        day: date | None = None,
        word: str = "",
        status: int = 200,
    ) -> HttpResponse:
        """Show the free times, of the day of a start where there was one."""
        zone = self.zones.chosen_zone
        if day is None:
            given = start.astimezone(zone).date() if start else None
            day = given or read_picked_day(self.request.GET.get("day", ""))
        kept = dict(parse_qsl(self.query()))
        picker = pick_slots(
            self.wanted(self.now),
            now=self.now,
            day=day,
            locale=babel_locale(self.locale),
            keep=kept,
        )
        return self.show(
            self.request,
            "book_time",
            status=status,
            picker=picker,
            word=word,
            state=state.signed() if state else "",
            kept=kept,
            zones=self.zones,
            zone_label=zone_label(zone, self.now),
            meetings=[
                (one.label(self.language), self.query(**one.choice), one == self.meeting)
                for one in self.meetings
            ],
        )

    def show_details(
        self, state: BookingState, form: DetailsForm, *, status: int = 200
    ) -> HttpResponse:
        """Ask who it is."""
        return self.show(
            self.request,
            "book_details",
            status=status,
            form=form,
            state=state.signed(),
            when=self._when(state),
            other_time=self.query(day=self._day(state)),
        )

    def show_code(self, state: BookingState, *, word: str = "", status: int = 200) -> HttpResponse:
        """Ask for the code."""
        form = self.details(state)
        if not form.is_valid():
            return self.show_details(state, form, status=400)
        return self.show(
            self.request,
            "book_code",
            status=status,
            state=state.signed(),
            when=self._when(state),
            address=form.address,
            word=word,
            digits=limits.CODE_DIGITS,
            minutes=int(limits.CODE_LIFETIME.total_seconds() // 60),
        )

    def show_outcome(self, customer: Participant, state: BookingState) -> HttpResponse:
        """Lead to the appointment; say here what is asked for only, or stands in a frame."""
        url = services.access_url(customer)
        path = f"{urlsplit(url).path}?done=booked" if url else ""
        if path and not is_within_a_frame(self.request):
            return HttpResponseRedirect(path)
        is_request = customer.appointment.is_request
        return self.show(
            self.request,
            "book_done",
            when=self._when(state),
            path=path,
            is_request=is_request,
            withdraw=reverse("participant-cancel", args=[token_of(customer.pk)])
            if is_request
            else "",
        )

    def _when(self, state: BookingState) -> When:
        return time_in_words(
            _moment(state),
            self.subject.duration,
            zone=self.zones.chosen_zone,
            locale=babel_locale(self.locale),
        )

    def _day(self, state: BookingState) -> str:
        return _moment(state).astimezone(self.zones.chosen_zone).date().isoformat()


def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _moment(state: BookingState) -> datetime:
    # It was one when the page was signed.
    return parse_instant(state.start)


def _gone() -> str:
    return gettext("This time is taken. Please choose another one.")


def _wrong_code() -> str:
    return gettext(
        "This code is not the right one, or does not hold any more. Please look at the newest"
        " message, or have a new code sent."
    )
