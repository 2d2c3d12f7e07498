"""Whose appointments are to be moved, of which days, and what was chosen in the preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from appointments.day import Span
from appointments.services.rescue import Move
from config.kernel import limits
from config.kernel.ids import parse_uuid
from config.kernel.time import parse_instant

if TYPE_CHECKING:
    from django.http import QueryDict

    from agents.models import User

_WITHIN_THE_YEARS = [
    MinValueValidator(date(limits.YEAR_MIN, 1, 2)),
    MaxValueValidator(date(limits.YEAR_MAX, 12, 30)),
]


def _day_field(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        validators=_WITHIN_THE_YEARS,
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


class RescueForm(forms.Form):
    """The agent who is away, the days, and the colleagues who are to be left alone."""

    agent = forms.ChoiceField(
        label="Who is away", widget=forms.Select(attrs={"class": "form-select"})
    )
    day = _day_field("First day")
    until = _day_field("Last day (optional)", required=False)
    without = forms.MultipleChoiceField(
        label="Not to these colleagues", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: QueryDict | None, *, agents: Sequence[User], colleagues: Sequence[User]
    ) -> None:
        super().__init__(data)
        asked = data.get("agent", "") if data else ""
        self._agents = {str(one.pk): one for one in agents}
        choices = [(key, str(one)) for key, one in self._agents.items()]
        cast("forms.ChoiceField", self.fields["agent"]).choices = [("", "Choose…"), *choices]
        cast("forms.MultipleChoiceField", self.fields["without"]).choices = [
            (str(one.pk), str(one)) for one in colleagues if str(one.pk) != asked
        ]

    @property
    def chosen_agent(self) -> User:
        """Give who is away, once the form is valid."""
        return self._agents[self.cleaned_data["agent"]]

    @property
    def excluded(self) -> list[UUID]:
        """Give the colleagues who are to be left alone, once the form is valid."""
        return [UUID(key) for key in self.cleaned_data["without"]]

    def period(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Give the days as a period on the clock of a zone, once the form is valid."""
        first: date = self.cleaned_data["day"]
        last: date = self.cleaned_data.get("until") or first
        return Span.of(first, zone).start, Span.of(last, zone).end

    def clean(self) -> None:
        """Make sure that the last day is not before the first one."""
        first, last = self.cleaned_data.get("day"), self.cleaned_data.get("until")
        if first is None or last is None:
            return
        if last < first:
            self.add_error("until", "The last day is before the first one.")
        elif (last - first).days >= limits.SLOT_WINDOW_MAX.days:
            self.add_error("until", f"At most {limits.SLOT_WINDOW_MAX.days} days at once.")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What was chosen in the table of a preview."""

    moves: list[Move]
    left: list[UUID]

    @property
    def wishes(self) -> dict[UUID, UUID]:
        """Give who was chosen for which appointment."""
        return {
            one.appointment_id: one.user_id
            for one in self.moves
            if one.appointment_id and one.user_id
        }

    @property
    def is_whole(self) -> bool:
        """Whether somebody was chosen for each that is to be moved."""
        return all(move.user_id for move in self.moves)


def choices_in(data: QueryDict) -> Choices:
    """Read the rows of a preview that was sent back; what no page of ours sends is left out."""
    moves, left = [], []
    for text in data.getlist("row")[: limits.RESCUE_MOVES_MAX]:
        key = parse_uuid(text)
        if key is None:
            continue
        if f"leave-{text}" in data:
            left.append(key)
            continue
        try:
            start, end = (parse_instant(data.get(f"{edge}-{text}", "")) for edge in _EDGES)
        except ValueError:
            continue
        user_id = parse_uuid(data.get(f"to-{text}", ""))
        moves.append(Move(appointment_id=key, start=start, end=end, user_id=user_id))
    return Choices(moves=moves, left=left)


_EDGES = ("start", "end")
