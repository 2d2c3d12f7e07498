"""What is typed in of people: absences, holidays, what they can do, and who is looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from agents.forms_week import RefusableForm, day_field
from agents.models import AbsenceReason
from agents.services.abilities import Abilities
from agents.services.absences import AbsenceData
from config.kernel import limits

if TYPE_CHECKING:
    from django.http import QueryDict

    from agents.models import Skill, Team


class AbsenceForm(RefusableForm):
    """When and why somebody is away."""

    first_day = day_field("First day")
    last_day = day_field("Last day")
    reason = forms.ChoiceField(choices=AbsenceReason.choices)
    note = forms.CharField(
        required=False,
        max_length=limits.NOTES_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For those who plan, and the person itself; in no calendar.",
    )

    def absence(self) -> AbsenceData:
        """Give what was typed in, once the form is valid."""
        given = self.cleaned_data
        return AbsenceData(
            first_day=given["first_day"],
            last_day=given["last_day"],
            reason=AbsenceReason(given["reason"]),
            note=given["note"],
        )


class HolidayForm(RefusableForm):
    """A day on which the house is closed."""

    day = day_field("Day")
    name = forms.CharField(max_length=limits.NAME_LENGTH)


class SkillForm(RefusableForm):
    """Something that people can be able to do."""

    name = forms.CharField(max_length=limits.NAME_LENGTH)
    description = forms.CharField(required=False, max_length=limits.TITLE_LENGTH)


class AbilitiesForm(RefusableForm):
    """Languages, a daily maximum, and a level for each skill that somebody has."""

    languages = forms.CharField(
        required=False, max_length=400, help_text="What it speaks with customers: de, en."
    )
    daily_maximum = forms.IntegerField(
        required=False,
        min_value=1,
        help_text="So many appointments in a day. Empty: any number.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, skills: Sequence[Skill], present: Abilities
    ) -> None:
        super().__init__(data, prefix="can")
        self.fields["languages"].initial = ", ".join(present.languages)
        self.fields["daily_maximum"].initial = present.daily_maximum
        self._skills = {_skill_name(one.pk): one for one in skills}
        # What the page does not show is not taken away.
        self._others = {
            key: level
            for key, level in present.skills.items()
            if _skill_name(key) not in self._skills
        }
        for name, one in self._skills.items():
            self.fields[name] = forms.IntegerField(
                label=one.name,
                required=False,
                initial=present.skills.get(one.pk),
                validators=[MinValueValidator(0), MaxValueValidator(limits.SKILL_LEVEL_MAX)],
                widget=forms.NumberInput(
                    attrs={"class": "form-control", "min": 0, "max": limits.SKILL_LEVEL_MAX}
                ),
            )

    @property
    def levels(self) -> list[forms.BoundField]:
        """Give the fields of the skills."""
        return [self[name] for name in self._skills]

    def abilities(self) -> Abilities:
        """Give what was typed in, once the form is valid."""
        given = self.cleaned_data
        levels: Mapping[UUID, int] = {
            one.pk: given[name] for name, one in self._skills.items() if given[name] is not None
        }
        return Abilities(
            skills={**self._others, **levels},
            languages=tuple(given["languages"].replace(",", " ").lower().split()),
            daily_maximum=given["daily_maximum"],
        )


def _skill_name(skill_id: UUID) -> str:
    return f"skill-{skill_id}"


class PeopleForm(RefusableForm):
    """Which people are shown."""

    name = forms.CharField(label="Name", required=False, max_length=limits.NAME_LENGTH)
    team = forms.ChoiceField(required=False)

    def __init__(self, data: QueryDict, *, teams: Sequence[Team]) -> None:
        super().__init__(data)
        self._teams = [one.pk for one in teams]
        choices = [("", "All"), *((str(one.pk), one.name) for one in teams)]
        field = self.fields["team"] = forms.ChoiceField(
            label="Team", required=False, choices=choices
        )
        field.widget.attrs["class"] = "form-select"

    @property
    def chosen_name(self) -> str:
        """Give the part of a name that was asked for."""
        return str(self.data.get("name", ""))[: limits.NAME_LENGTH].replace("\0", "").strip()

    @property
    def chosen_team(self) -> UUID | None:
        """Give the team that was asked for, if there is such a one."""
        return next((key for key in self._teams if str(key) == self.data.get("team")), None)
