"""What is typed in of hours: those of every week, and those of a single day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any

from django import forms

from agents.models import Weekday
from agents.models.absences import WITHIN_THE_YEARS
from agents.services.intervals import Interval, WeekInterval, weekday_key
from config.kernel import limits

if TYPE_CHECKING:
    from django.http import QueryDict

    from config.kernel.errors import DomainError

Texts = dict[int, list[tuple[str, str]]]
SAVE, COPY, MORE = "save", "copy", "more-"
_ROWS_OF_A_DAY = 3
_INCOMPLETE = "Give both times, or neither."


def _time_field(words: str) -> forms.TimeField:
    return forms.TimeField(
        required=False,
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(
            attrs={"type": "time", "class": "form-control", "aria-label": words},
            format="%H:%M",
        ),
        error_messages={"invalid": "This is no time: write 09:00."},
    )


def day_field(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        validators=WITHIN_THE_YEARS,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def day_or_none(text: str) -> date | None:
    """Read a day as addresses carry it: 2027-02-08."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class RefusableForm(forms.Form):
    """A form at which a refusal can be shown, each line at the field that it names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in self.fields.values():
            if isinstance(one.widget, forms.CheckboxInput):
                continue
            kind = "form-select" if isinstance(one, forms.ChoiceField) else "form-control"
            one.widget.attrs.setdefault("class", kind)

    def refuse(self, refusal: DomainError) -> None:
        """Say what was refused."""
        for name, lines in refusal.errors.items():
            for line in lines:
                self.add_error(self.field_of(name), line)
        if not refusal.errors:
            self.add_error(None, str(refusal))

    def field_of(self, name: str) -> str | None:
        """Give the field that a refusal speaks of."""
        return name if name in self.fields else None


# --- A week -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DayRows:
    """The rows of one weekday, as the page shows them."""

    weekday: int
    label: str
    rows: list[tuple[forms.BoundField, forms.BoundField]]
    count: forms.BoundField
    problems: list[str]

    @property
    def more(self) -> str:
        """The name of the button that adds another row."""
        return f"{MORE}{self.weekday}"


class WeekForm(RefusableForm):
    """Seven days with as many rows as it takes; empty rows count for nothing."""

    def __init__(self, data: QueryDict | None = None, *, texts: Texts) -> None:
        self._texts = texts
        self._problems: dict[str, list[str]] = {}
        super().__init__(data)
        for weekday in Weekday:
            rows = texts[weekday.value]
            self.fields[f"rows-{weekday.value}"] = forms.IntegerField(
                initial=len(rows), required=False, widget=forms.HiddenInput
            )
            for number, (starts_at, ends_at) in enumerate(rows):
                for name, words, text in zip(
                    _names(weekday.value, number), ("from", "to"), (starts_at, ends_at), strict=True
                ):
                    field = _time_field(f"{weekday.label}, interval {number + 1}, {words}")
                    field.initial = text
                    self.fields[name] = field

    @classmethod
    def of(cls, week: Iterable[WeekInterval]) -> WeekForm:
        """Give the form of a week as it is kept, with a free row for each day."""
        texts: Texts = {weekday: [] for weekday in Weekday.values}
        for one in week:
            texts[one.weekday].append(
                (f"{one.interval.starts_at:%H:%M}", f"{one.interval.ends_at:%H:%M}")
            )
        for rows in texts.values():
            rows.extend([("", "")] * max(1, 2 - len(rows)))
        return cls(texts=texts)

    @classmethod
    def read(cls, data: QueryDict) -> WeekForm:
        """Give the form as it was sent."""
        return cls(data, texts=_texts_of(data))

    @classmethod
    def with_more(cls, data: QueryDict, wanted: str) -> WeekForm:
        """Give the form as it was sent with another row, or with Monday on each working day."""
        texts = _texts_of(data)
        if wanted == COPY:
            for weekday in range(Weekday.TUESDAY, Weekday.SATURDAY):
                texts[weekday] = list(texts[Weekday.MONDAY])
        for weekday, rows in texts.items():
            if wanted == f"{MORE}{weekday}" and len(rows) < limits.INTERVALS_PER_WEEK:
                rows.append(("", ""))
        return cls(texts=texts)

    @property
    def days(self) -> list[DayRows]:
        """Give the rows day by day."""
        return [
            DayRows(
                weekday=weekday.value,
                label=str(weekday.label),
                rows=[
                    (self[starts_at], self[ends_at])
                    for starts_at, ends_at in self._rows(weekday.value)
                ],
                count=self[f"rows-{weekday.value}"],
                problems=self._problems.get(weekday_key(weekday.value), []),
            )
            for weekday in Weekday
        ]

    @property
    def week(self) -> list[WeekInterval]:
        """Give what was typed in, once the form is valid."""
        found = []
        for weekday in Weekday.values:
            for starts_at, ends_at in self._rows(weekday):
                begin, end = self.cleaned_data[starts_at], self.cleaned_data[ends_at]
                if begin is not None:
                    found.append(WeekInterval.at(weekday, begin, end))
        return found

    def clean(self) -> None:
        """Ask for the other one of two times."""
        super().clean()
        for weekday in Weekday.values:
            for pair in self._rows(weekday):
                _check_pair(self, *pair)

    def refuse(self, refusal: DomainError) -> None:
        """Say what was refused, at the day that it speaks of."""
        days = {weekday_key(weekday) for weekday in Weekday.values}
        self._problems = {name: refusal.errors[name] for name in days & refusal.errors.keys()}
        if not self._problems:
            super().refuse(refusal)

    def _rows(self, weekday: int) -> list[tuple[str, str]]:
        return [_names(weekday, number) for number in range(len(self._texts[weekday]))]


def _names(weekday: int, number: int) -> tuple[str, str]:
    return f"from-{weekday}-{number}", f"to-{weekday}-{number}"


def _texts_of(data: QueryDict) -> Texts:
    texts: Texts = {}
    for weekday in Weekday.values:
        said = data.get(f"rows-{weekday}", "")
        count = int(said) if said.isascii() and said.isdigit() and len(said) <= 3 else 1
        texts[weekday] = [
            (data.get(starts_at, "")[:20], data.get(ends_at, "")[:20])
            for starts_at, ends_at in (
                _names(weekday, number)
                for number in range(min(max(count, 1), limits.INTERVALS_PER_WEEK))
            )
        ]
    return texts


def _check_pair(form: forms.Form, starts_at: str, ends_at: str) -> None:
    given = form.cleaned_data
    if starts_at in given and ends_at in given:
        begin, end = given[starts_at], given[ends_at]
        if (begin is None) != (end is None):
            form.add_error(starts_at if begin is None else ends_at, _INCOMPLETE)


# --- A single day -----------------------------------------------------------------------------


class SingleDayForm(RefusableForm):
    """Other hours on one day, or none."""

    day = day_field("Day")
    is_free = forms.BooleanField(label="Free all day", required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        day: date | None = None,
        hours: Sequence[Interval] | None = None,
        free: str = "Free all day",
    ) -> None:
        super().__init__(data, prefix="day")
        self.fields["day"].initial = day
        self.fields["is_free"].label = free
        self.fields["is_free"].initial = hours is not None and not hours
        shown = list(hours or [])
        count = max(_ROWS_OF_A_DAY, len(shown) + 1)
        if data is not None:
            sent = [name for name in data if name.startswith("day-from-")]
            count = min(max(len(sent), 1), limits.INTERVALS_PER_WEEK)
        self._count = count
        for number in range(count):
            of_row: tuple[time | None, time | None] = (None, None)
            if number < len(shown):
                of_row = (shown[number].starts_at, shown[number].ends_at)
            for name, words, at in zip(self._names(number), ("from", "to"), of_row, strict=True):
                field = _time_field(f"Interval {number + 1} of the day, {words}")
                field.initial = at
                self.fields[name] = field

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Give the rows of the day."""
        return [
            (self[starts_at], self[ends_at])
            for starts_at, ends_at in map(self._names, range(self._count))
        ]

    @property
    def hours(self) -> list[Interval]:
        """Give what was typed in, once the form is valid; nothing for a free day."""
        given = self.cleaned_data
        return [
            Interval(given[starts_at], given[ends_at])
            for starts_at, ends_at in map(self._names, range(self._count))
            if given[starts_at] is not None
        ]

    def clean(self) -> None:
        """Ask for hours, or for the word that there are none."""
        super().clean()
        for number in range(self._count):
            _check_pair(self, *self._names(number))
        if not self.errors and bool(self.hours) == self.cleaned_data["is_free"]:
            self.add_error("is_free", "Either give hours, or say that there are none.")

    def _names(self, number: int) -> tuple[str, str]:
        return f"from-{number}", f"to-{number}"
