"""A visit: an appointment as its customer sees it, in words and on a clock of the customer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from django.conf import settings
from django.utils.translation import gettext_lazy

from appointments.calendar_links import open_entry
from appointments.forms import zone_label
from appointments.models import (
    Appointment,
    Participant,
    ParticipantType,
    RequestStatus,
    State,
)
from appointments.services import Admission
from config.kernel.time import parse_locale
from notifications.calendar import calendar_file

ITS_OWN_ZONE = gettext_lazy("Time zone of the appointment")


class Phase(StrEnum):
    """Where a visit stands, as far as its customer cares."""

    CANCELLED = "cancelled"
    OVER = "over"
    NOW = "now"
    AHEAD = "ahead"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class When:
    """A time in words, on the clock of one zone."""

    date: str
    start: str
    time: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An appointment behind a ticket."""

    appointment: Appointment
    # Nobody, where the ticket is the appointment's own.
    customer: Participant | None
    agents: tuple[str, ...]
    phase: Phase

    @property
    def locale(self) -> Locale:
        return Locale.parse(parse_locale(self.appointment.locale), sep="-")

    @property
    def language(self) -> str:
        """Give the language of the page: the appointment's where we have it, else English."""
        known = dict(settings.LANGUAGES)
        return self.locale.language if self.locale.language in known else "en"

    @property
    def words_locale(self) -> Locale:
        """Give the locale of dates: they follow the language of the page, or it is in two."""
        return self.locale if self.language == self.locale.language else Locale("en", "GB")

    @property
    def organization_name(self) -> str:
        return self.appointment.application.organization.name

    def when(self, zone: ZoneInfo) -> When | None:
        """Give its time in words, or None while no time is fixed."""
        return self._in_words(self.appointment.start, self.appointment.end, zone)

    def asked(self, zone: ZoneInfo) -> When | None:
        """Give the time that was asked for in words, or None where none is waiting."""
        if self.appointment.request_status != RequestStatus.INCOMING_REQUEST:
            return None
        return self._in_words(self.appointment.asked_start, self.appointment.asked_end, zone)

    def _in_words(
        self, start: datetime | None, end: datetime | None, zone: ZoneInfo
    ) -> When | None:
        if start is None or end is None:
            return None
        locale = self.words_locale
        first, last = start.astimezone(zone), end.astimezone(zone)
        finish = format_time(last, "short", locale=locale)
        if last.date() != first.date():
            finish = f"{format_date(last, 'medium', locale=locale)}, {finish}"
        name = get_timezone_name(first, locale=locale)
        label = zone_label(zone, start)
        return When(
            date=format_date(first, "full", locale=locale),
            start=format_time(first, "short", locale=locale),
            time=f"{format_time(first, 'short', locale=locale)} – {finish}",
            zone=name if name == label else f"{name} · {label}",
        )

    def calendar(self) -> bytes | None:
        """Give a calendar file without persons and links, or None while no time is fixed."""
        entry = open_entry(self.appointment)
        return calendar_file(entry) if entry else None


def read_visit(admission: Admission, *, now: datetime) -> Visit:
    """Give the visit that a ticket opens."""
    appointment = admission.appointment
    agents = (
        Participant.objects.filter(
            organization_id=appointment.organization_id, type=ParticipantType.AGENT
        )
        .of(appointment.pk)
        .select_related("user")
    )
    return Visit(
        appointment=appointment,
        customer=admission.customer,
        agents=tuple(one.user.public_name for one in agents if one.user and one.user.public_name),
        phase=_phase_of(appointment, now),
    )


def _phase_of(appointment: Appointment, now: datetime) -> Phase:
    if appointment.state == State.CANCELLED:
        return Phase.CANCELLED
    if appointment.start is None or appointment.end is None:
        return Phase.OPEN
    if appointment.state in (State.COMPLETED, State.NO_SHOW) or appointment.end <= now:
        return Phase.OVER
    return Phase.NOW if appointment.start <= now else Phase.AHEAD
