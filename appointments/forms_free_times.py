"""What a supervisor asks of free times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

from appointments.day import Span
from appointments.forms_commands import instant_on
from appointments.slot_question import SlotQuestion
from config.kernel import limits
from config.kernel.time import parse_zone

if TYPE_CHECKING:
    from django.http import QueryDict

    from agents.models import Application, Skill, User
    from appointments.models import Office, Subject

_MINUTES_MAX = limits.SLOT_LENGTH_MAX // timedelta(minutes=1)


class FreeTimesForm(forms.Form):
    """For which application, how long, with whom, and on which day; a time asks why."""

    application = forms.ChoiceField(label="Application")
    subject = forms.ChoiceField(label="Subject", required=False)
    minutes = forms.IntegerField(
        label="Minutes",
        required=False,
        min_value=1,
        max_value=_MINUTES_MAX,
        help_text="Empty: as long as the subject takes.",
    )
    office = forms.ChoiceField(label="Office", required=False)
    agent = forms.ChoiceField(label="Agent", required=False)
    skill = forms.ChoiceField(label="Skill", required=False)
    language = forms.CharField(
        label="Language",
        required=False,
        max_length=2,
        validators=[RegexValidator(r"^[a-z]{2}$", "Two small letters, for instance de.")],
    )
    date = forms.DateField(
        label="Date",
        validators=[
            MinValueValidator(date(limits.YEAR_MIN, 1, 2)),
            MaxValueValidator(date(limits.YEAR_MAX, 12, 30)),
        ],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    time = forms.TimeField(
        label="Why not at (optional)",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H:%M:%S"],
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        applications: Sequence[Application],
        subjects: Sequence[Subject],
        offices: Sequence[Office],
        agents: Sequence[User],
        skills: Sequence[Skill],
        now: datetime,
    ) -> None:
        self._applications = {str(one.pk): one for one in applications}
        home = next(iter(applications), None)
        today = now.astimezone(parse_zone(home.default_timezone if home else "UTC")).date()
        super().__init__(data, initial={"date": today, "minutes": 30})
        self._offer("application", applications, first=None)
        self._offer("subject", subjects, first="Any")
        self._offer("office", offices, first="None")
        self._offer("agent", agents, first="Everybody")
        self._offer("skill", skills, first="Any")
        for one in self.fields.values():
            is_list = isinstance(one, forms.ChoiceField)
            one.widget.attrs["class"] = "form-select" if is_list else "form-control"

    def _offer(self, name: str, rows: Sequence[object], *, first: str | None) -> None:
        choices = [(str(getattr(one, "pk", "")), str(one)) for one in rows]
        if first is not None:
            choices.insert(0, ("", first))
        cast("forms.ChoiceField", self.fields[name]).choices = choices

    @property
    def zone(self) -> ZoneInfo:
        """Give the clock of the application, once the form is valid."""
        return parse_zone(self._applications[self.cleaned_data["application"]].default_timezone)

    @property
    def day(self) -> Span:
        """Give the day that is looked at, once the form is valid."""
        return Span.of(self.cleaned_data["date"], self.zone)

    @property
    def instant(self) -> datetime | None:
        """Give the time that is asked about, once the form is valid."""
        found: datetime | None = self.cleaned_data.get("instant")
        return found

    @property
    def question(self) -> SlotQuestion:
        """Give the question as the API would have it, once the form is valid."""
        given, day = self.cleaned_data, self.day
        minutes: int | None = given["minutes"]
        return SlotQuestion(
            application_id=given["application"],
            first=day.start,
            last=day.end,
            duration=timedelta(minutes=minutes) if minutes else None,
            zone=self.zone,
            subject_id=given["subject"],
            office_id=given["office"],
            agent_ids=(given["agent"],) if given["agent"] else (),
            skills=(given["skill"],) if given["skill"] else (),
            language=given["language"],
        )

    def clean(self) -> None:
        """Find the moment that a clock of the application would show."""
        given = self.cleaned_data
        clock: time | None = given.get("time")
        if clock is None or "date" not in given or "application" not in given:
            return
        try:
            given["instant"] = instant_on(given["date"], clock, self.zone)
        except ValueError:
            self.add_error("time", "The clocks are put forward then: there is no such time.")
