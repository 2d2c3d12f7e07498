"""What can be chosen of what waits, and what is said for a new request or invite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext

from appointments.forms import ZoneForm, zone_choices
from appointments.forms_commands import TimeForm
from appointments.models import MeetingType, Office, RequestStatus, Subject
from appointments.services import Booking, CustomerData, Draft
from appointments.services.requests import USUAL_DURATION
from config.kernel import limits
from config.kernel.time import Duration, parse_zone

if TYPE_CHECKING:
    from django.http import QueryDict

    from agents.models import Application
    from appointments.services import Arrangement

REQUEST, INVITE = "request", "invite"
_NOTHING = [("", "–")]
_MEETING_TYPES = [
    # A place of its own takes more than a line: the API takes it.
    (one.value, one.label)
    for one in (MeetingType.VIDEO, MeetingType.PHONE, MeetingType.OFFICE)
]


class RequestsForm(ZoneForm):
    """Which requests and invites are shown, and in which zone."""

    status = forms.ChoiceField(
        label="Status", required=False, choices=[("", "All"), *RequestStatus.choices]
    )
    field_order = ["status", "zone"]

    @property
    def chosen_status(self) -> RequestStatus | None:
        """Give the status that was asked for, if there is such a one."""
        wanted = self.data.get("status", "")
        return RequestStatus(wanted) if wanted in RequestStatus.values else None


class NewRequestForm(TimeForm):
    """A request on a customer's behalf, or an invite."""

    kind = forms.ChoiceField(
        label="What",
        choices=[
            (INVITE, "An invite: the customer chooses the time"),
            (REQUEST, "A request: the customer has asked for a time"),
        ],
        widget=forms.RadioSelect,
    )
    application = forms.ChoiceField(label="Application")
    subject = forms.ChoiceField(label="Subject", required=False)
    office = forms.ChoiceField(label="Office", required=False)
    meeting_type = forms.ChoiceField(label="How they meet", choices=_MEETING_TYPES)
    first_name = forms.CharField(label="First name", required=False, max_length=limits.NAME_LENGTH)
    last_name = forms.CharField(label="Last name", required=False, max_length=limits.NAME_LENGTH)
    email = forms.EmailField(label="E-mail", required=False, max_length=limits.EMAIL_LENGTH)
    phone = forms.CharField(
        label="Phone",
        required=False,
        max_length=limits.PHONE_LENGTH,
        validators=[RegexValidator(r"\d", "A phone number has digits.")],
    )
    zone = forms.ChoiceField(label="Time zone")
    field_order = [
        "kind",
        "application",
        "subject",
        "office",
        "meeting_type",
        "first_name",
        "last_name",
        "email",
        "phone",
        "day",
        "time",
        "zone",
        "message",
    ]

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        applications: Sequence[Application],
        subjects: Sequence[Subject],
        offices: Sequence[Office],
        zone: ZoneInfo,
        now: datetime,
    ) -> None:
        self._applications = {str(one.pk): one for one in applications}
        self._subjects = {str(one.pk): one for one in subjects}
        zones = zone_choices(zone.key, label="Default", asked="", now=now)
        known = {name for _, choices in zones for name, _ in choices}
        asked = data.get("zone", "") if data else ""
        super().__init__(data, zone=parse_zone(asked) if asked in known else zone, now=now)
        self.initial.update(kind=INVITE, zone=zone.key)
        self.order_fields(self.field_order)
        self.fields["day"].required = self.fields["time"].required = self._wants("kind", REQUEST)
        for name, choices in (
            ("application", [(key, one.name) for key, one in self._applications.items()]),
            ("subject", [*_NOTHING, *((key, str(one)) for key, one in self._subjects.items())]),
            ("office", [*_NOTHING, *((str(one.pk), str(one)) for one in offices)]),
            ("zone", zones),
        ):
            cast("forms.ChoiceField", self.fields[name]).choices = choices

    def _wants(self, name: str, value: str) -> bool:
        return bool(self.is_bound) and self.data.get(name) == value

    def clean(self) -> None:
        """Ask for a way to reach the customer: without one nobody could answer."""
        super().clean()
        given = self.cleaned_data
        # One of the two that is not valid has its own message.
        if "email" in given and "phone" in given and not (given["email"] or given["phone"]):
            self.add_error(
                "email", gettext("Please give an e-mail address or a phone number of the customer.")
            )

    @property
    def is_request(self) -> bool:
        return bool(self.cleaned_data["kind"] == REQUEST)

    def draft(self) -> Draft:
        """Give what is to be arranged, once the form is valid."""
        application = self._applications[self.cleaned_data["application"]]
        return Draft(
            application_id=str(application.pk),
            zone=self.clock_zone,
            locale=application.default_locale,
            customers=(self._customer(),),
            about=self._about(),
        )

    def booking(self) -> Booking:
        """Give what is to be arranged with the time that was asked for."""
        draft = self.draft()
        subject = self._subjects.get(self.cleaned_data["subject"])
        return Booking(
            application_id=draft.application_id,
            zone=draft.zone,
            locale=draft.locale,
            customers=draft.customers,
            about=draft.about,
            start=self.start,
            duration=Duration.of(subject.duration, exact=True) if subject else USUAL_DURATION,
        )

    def _customer(self) -> CustomerData:
        names = ("first_name", "last_name", "email", "phone")
        return CustomerData(**{name: self.cleaned_data[name] for name in names})

    def _about(self) -> Arrangement:
        names = ("subject", "office", "meeting_type")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}
