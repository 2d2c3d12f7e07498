"""What is typed in of skills and levels: a row for everybody, a column for each skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from agents.forms_week import RefusableForm
from agents.models import Skill, User
from agents.services.skill_matrix import Cell
from config.kernel import limits
from config.kernel.errors import DomainError
from config.kernel.json import dumps, loads

if TYPE_CHECKING:
    from django.http import QueryDict


@dataclass(frozen=True)
class MatrixRow:
    """Somebody, and a field for each skill that is shown."""

    person: User
    fields: Sequence[forms.BoundField]


class MatrixForm(RefusableForm):
    """A level for each skill that somebody has; an empty field for one that it has not."""

    # What the page showed: what nobody has touched is not written over somebody else's change.
    before = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        people: Sequence[User],
        skills: Sequence[Skill],
        present: Mapping[Cell, int],
    ) -> None:
        super().__init__(data)
        self._people, self._skills = people, skills
        shown = {_name(*cell): level for cell, level in sorted(present.items())}
        self.fields["before"].initial = dumps(shown).decode()
        for person in people:
            for skill in skills:
                self.fields[_name(person.pk, skill.pk)] = _level(
                    f"{person}: {skill.name}", present.get((person.pk, skill.pk))
                )

    @property
    def rows(self) -> list[MatrixRow]:
        """Give everybody with its fields."""
        return [
            MatrixRow(person, [self[_name(person.pk, one.pk)] for one in self._skills])
            for person in self._people
        ]

    def clean_before(self) -> dict[str, int]:
        """Give what the page showed; what is none of ours counts as nothing."""
        try:
            read = loads(self.cleaned_data["before"].encode())
        except DomainError:
            return {}
        levels = read if isinstance(read, dict) else {}
        return {str(name): level for name, level in levels.items() if isinstance(level, int)}

    def changes(self) -> dict[Cell, int | None]:
        """Give what was typed in, once the form is valid: only what is new."""
        given, before = self.cleaned_data, self.cleaned_data["before"]
        cells = [(person.pk, skill.pk) for person in self._people for skill in self._skills]
        names = {cell: _name(*cell) for cell in cells}
        return {
            cell: given[name] for cell, name in names.items() if given[name] != before.get(name)
        }


def _name(user_id: UUID, skill_id: UUID) -> str:
    return f"level-{user_id}-{skill_id}"


def _level(label: str, level: int | None) -> forms.IntegerField:
    most = limits.SKILL_LEVEL_MAX
    return forms.IntegerField(
        label=label,
        required=False,
        initial=level,
        validators=[MinValueValidator(0), MaxValueValidator(most)],
        widget=forms.NumberInput(
            attrs={"class": "form-control", "min": 0, "max": most, "aria-label": label}
        ),
    )
