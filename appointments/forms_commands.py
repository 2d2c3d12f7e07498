"""What people say with a command: a message, answers to questions, and a time on a clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from appointments.commands_offered import Command
from appointments.models import AnswerType, Appointment, Form, Question, QuestionKind
from appointments.services import GivenAnswer
from appointments.services.forms import questions_of
from config.kernel import limits

if TYPE_CHECKING:
    from django.http import QueryDict

    from config.kernel.errors import DomainError

_ANSWER = re.compile(r"answers\.([0-9]+)\.")
# A question that nothing was chosen of.
_NOTHING = ("", "–")
# Where refusals name a member of an API's body, the field that people see.
_FIELDS = {"start": "day"}


def instant_on(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Give the instant at which a clock of the zone shows this; of two the first.

    Raises ValueError when the clocks skip it.
    """
    local = datetime.combine(day, clock)
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(local)
    return instant


def text_in(texts: Mapping[str, str], language: str) -> str:
    """Give a text in a language, else in English, else in any that it has."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def questionnaire_for(
    appointment: Appointment, command: Command, *, is_customer: bool = False
) -> Form | None:
    """Give the form that the subject names for whoever cancels or closes an appointment."""
    match command:
        case Command.CANCEL:
            return appointment.form_for(
                AnswerType.APPOINTMENT_CANCELLATION, by_customer=is_customer
            )
        case Command.COMPLETE | Command.NO_SHOW:
            return appointment.form_for(AnswerType.APPOINTMENT_COMPLETION)
        case _:
            return None


class CommandForm(forms.Form):
    """A message, and the questions that the subject has for the occasion."""

    message = forms.CharField(
        label=gettext_lazy("Message (optional)"),
        required=False,
        max_length=limits.MESSAGE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        questionnaire: Form | None = None,
        language: str = "en",
        label: str = "",
        initial: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        if label:
            self.fields["message"].label = label
        self._questions = list(questions_of(questionnaire)) if questionnaire else []
        for number, question in enumerate(self._questions):
            self.fields[_name(number)] = _field_for(question, language)
        self.order_fields([name for name in self.fields if name != "message"])
        for one in self.fields.values():
            _dress(one)

    @property
    def answers(self) -> list[GivenAnswer] | None:
        """Give what was answered, once the form is valid; None where nothing was asked."""
        if not self._questions:
            return None
        return [
            _answer_to(question, self.cleaned_data[_name(number)])
            for number, question in enumerate(self._questions)
        ]

    @property
    def said(self) -> str:
        """Give the message, once the form is valid."""
        text: str = self.cleaned_data["message"]
        return text

    def refuse(self, refusal: DomainError, *, words: str) -> None:
        """Say next to the fields, or above them, why a command was refused."""
        is_said = False
        for path, lines in refusal.errors.items():
            if match := _ANSWER.match(path):
                for line in lines:
                    self.add_error(_name(int(match[1])), gettext(line))
                is_said = True
            elif (name := _FIELDS.get(path, path)) in self.fields:
                self.add_error(name, words)
                is_said = True
        if not is_said:
            self.add_error(None, words)


class TimeForm(CommandForm):
    """A time on the clock of a zone."""

    day = forms.DateField(
        label=pgettext_lazy("of a calendar", "Date"),
        validators=[
            MinValueValidator(date(limits.YEAR_MIN, 1, 2)),
            MaxValueValidator(date(limits.YEAR_MAX, 12, 30)),
        ],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    time = forms.TimeField(
        label=pgettext_lazy("on a clock", "Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H:%M:%S"],
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        zone: ZoneInfo,
        now: datetime,
        start: datetime | None = None,
        **options: Any,
    ) -> None:
        local = start.astimezone(zone) if start else None
        given = {"day": local.date(), "time": local.time()} if local else {}
        super().__init__(data, initial=given, **options)
        self.clock_zone = zone
        self.fields["day"].widget.attrs["min"] = now.astimezone(zone).date().isoformat()
        self.order_fields(["day", "time", *self.fields])

    @property
    def start(self) -> datetime:
        """Give the instant that is meant, once the form is valid."""
        instant: datetime = self.cleaned_data["start"]
        return instant

    def clean(self) -> None:
        """Find the instant that is meant; a time that the clocks skip is none."""
        day, clock = self.cleaned_data.get("day"), self.cleaned_data.get("time")
        if day is None or clock is None:
            return
        try:
            self.cleaned_data["start"] = instant_on(day, clock, self.clock_zone)
        except ValueError:
            self.add_error(
                "time",
                gettext(
                    "The clocks are put forward then, so that there is no such time on this day."
                    " Please choose an earlier or a later one."
                ),
            )


def _name(number: int) -> str:
    return f"answer-{number}"


def _field_for(question: Question, language: str) -> forms.Field:
    label = text_in(question.label, language)
    if not question.is_required:
        label = gettext("%(question)s (optional)") % {"question": label}
    common: dict[str, Any] = {"label": label, "required": question.is_required}
    options = [(str(one.pk), one.value) for one in question.options.all()]
    match QuestionKind(question.kind):
        case QuestionKind.CHOICE:
            return forms.ChoiceField(choices=[_NOTHING, *options], **common)
        case QuestionKind.CHOICES:
            return forms.MultipleChoiceField(
                choices=options, widget=forms.CheckboxSelectMultiple, **common
            )
        case QuestionKind.NUMBER:
            return forms.CharField(
                max_length=limits.NOTES_LENGTH,
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
                **common,
            )
        case QuestionKind.TEXT:
            return forms.CharField(
                max_length=limits.NOTES_LENGTH,
                widget=forms.Textarea(attrs={"rows": 2}),
                **common,
            )


def _answer_to(question: Question, given: str | list[str]) -> GivenAnswer:
    key = str(question.pk)
    match QuestionKind(question.kind), given:
        case QuestionKind.CHOICE, str():
            return GivenAnswer(question_id=key, option_ids=[given] if given else [])
        case QuestionKind.CHOICES, list():
            return GivenAnswer(question_id=key, option_ids=given)
        case _:
            return GivenAnswer(question_id=key, value=str(given))


def _dress(field: forms.Field) -> None:
    if isinstance(field.widget, forms.CheckboxSelectMultiple | forms.RadioSelect):
        return
    is_list = isinstance(field.widget, forms.Select)
    field.widget.attrs["class"] = "form-select" if is_list else "form-control"
