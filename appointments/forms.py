"""What can be chosen on the pages: a day, a zone, an application."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, cast
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext, gettext_lazy

from agents.models import Application
from config.kernel import limits
from config.kernel.time import parse_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import QueryDict

    from agents.models import User
    from appointments.models import Office

Day = date
Choices = list[tuple[str, str]]
Groups = list[tuple[str, Choices]]
_REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def _zone_names() -> dict[str, tuple[str, ...]]:
    """Give the zones that people look for, by region: names without one are left-overs."""
    names = sorted(available_timezones())
    return {
        region: tuple(name for name in names if name.startswith(f"{region}/"))
        for region in _REGIONS
    }


def zone_choices(first: str, *, label: str, asked: str, now: datetime) -> Groups:
    """Give every zone that people look for with its present offset, one of them first."""
    groups: Groups = [(label, [_choice(first, now)])]
    groups += [
        (region, [_choice(name, now) for name in names if name != first])
        for region, names in _zone_names().items()
    ]
    listed = {name for _, choices in groups for name, _ in choices}
    others = [name for name in dict.fromkeys(("UTC", asked)) if name not in listed]
    groups.append((gettext("Other"), [_choice(name, now) for name in others if _exists(name)]))
    return groups


def _exists(name: str) -> bool:
    try:
        parse_zone(name)
    except ValueError:
        return False
    return True


def _choice(name: str, now: datetime) -> tuple[str, str]:
    return name, zone_label(parse_zone(name), now)


def zone_label(zone: ZoneInfo, moment: datetime) -> str:
    """Give the name of a zone with its offset at a moment: Europe/Berlin (UTC+01:00)."""
    if zone.key == "UTC":
        return "UTC"
    offset = moment.astimezone(zone).strftime("%z")
    return f"{zone.key.replace('_', ' ')} (UTC{offset[:3]}:{offset[3:5]})"


class ZoneForm(forms.Form):
    """In which zone times are shown."""

    zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)

    def __init__(
        self, data: QueryDict, *, default_zone: str, default_label: str, now: datetime
    ) -> None:
        super().__init__(data.copy())
        asked = data.get("zone", "")
        self.chosen_zone = parse_zone(asked if _exists(asked) else default_zone)
        self.offer("zone", zone_choices(default_zone, label=default_label, asked=asked, now=now))
        for name, one in self.fields.items():
            kind = "form-select" if isinstance(one, forms.ChoiceField) else "form-control"
            # The page has one such form, so ids may be plain words.
            one.widget.attrs.update({"class": kind, "id": name})

    def offer(self, name: str, choices: Choices | Groups) -> None:
        """Let one of these be chosen in a field."""
        cast("forms.ChoiceField", self.fields[name]).choices = choices


class DayForm(ZoneForm):
    """Which day is shown, of which application."""

    date = forms.DateField(
        label="Date",
        required=False,
        validators=[
            MinValueValidator(date(limits.YEAR_MIN, 1, 2)),
            MaxValueValidator(date(limits.YEAR_MAX, 12, 30)),
        ],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    application = forms.ChoiceField(label="Application", required=False)
    field_order = ["date", "zone", "application"]

    def __init__(
        self, data: QueryDict, *, applications: Sequence[Application], now: datetime
    ) -> None:
        wanted = data.get("application", "")
        self.chosen_application = next((one for one in applications if str(one.pk) == wanted), None)
        # The first one is the default application.
        home = self.chosen_application or next(iter(applications), None)
        super().__init__(
            data,
            default_zone=home.default_timezone if home else "UTC",
            default_label=home.name if home else "Default",
            now=now,
        )
        self.today = now.astimezone(self.chosen_zone).date()
        if not data.get("date"):
            self.data["date"] = self.today.isoformat()  # type: ignore[index]  # our own copy
        self.offer("application", [("", "All"), *((str(one.pk), one.name) for one in applications)])

    @property
    def chosen_date(self) -> Day:
        """Give the day that was asked for, or today where there is no such day."""
        self.is_valid()
        found = self.cleaned_data.get("date")
        return found if isinstance(found, Day) else self.today


class FeedForm(forms.Form):
    """Whose calendar a new feed shows, and how much of it."""

    whose = forms.ChoiceField(
        label="Whose calendar", widget=forms.Select(attrs={"class": "form-select"})
    )
    shows_customers = forms.BooleanField(
        label="With the names of customers",
        required=False,
        help_text="Names are then also with whoever runs the calendar that subscribes.",
    )

    def __init__(
        self, data: QueryDict | None, *, agents: Sequence[User], offices: Sequence[Office]
    ) -> None:
        super().__init__(data)
        groups: Groups = [
            ("Agents", [(f"agent {one.pk}", str(one)) for one in agents]),
            ("Offices", [(f"office {one.pk}", str(one)) for one in offices]),
        ]
        self.has_owners = bool(agents or offices)
        field = cast("forms.ChoiceField", self.fields["whose"])
        field.choices = [group for group in groups if group[1]]

    @property
    def owner(self) -> tuple[UUID | None, UUID | None]:
        """Give the id of the agent or that of the office, once the form is valid."""
        kind, _, key = self.cleaned_data["whose"].partition(" ")
        return (UUID(key), None) if kind == "agent" else (None, UUID(key))
