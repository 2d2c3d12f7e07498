"""What every kind of entry has: columns that are checked, compared, written and told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet

from appointments.errors import EntryInUse, InvalidEntry
from appointments.models import (
    Appointment,
    Form,
    LeadSegment,
    Listing,
    Office,
    Subject,
    SubjectGroup,
)
from config.kernel.actors import Actor
from config.kernel.errors import DomainError
from config.kernel.ids import parse_uuid
from config.kernel.time import Duration
from config.kernel.wording import Malformed, Problems

Entry = SubjectGroup | Subject | Office | Listing | LeadSegment | Form
E = TypeVar("E", bound=Entry)
Rule = Callable[[Any], Any]

# The history keeps neither how a person is reached, nor where a house is, nor long texts.
_NOT_WRITTEN_DOWN = frozenset(
    {
        "description",
        "directions",
        "email",
        "image",
        "instructions",
        "location",
        "parking",
        "phone",
        "tags",
    }
)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[E]):
    """One kind of entry: its columns are what callers say of it."""

    name: str
    model: type[E]
    columns: tuple[str, ...]
    # What a column must be besides what its field says.
    rules: Mapping[str, Rule] = field(default_factory=dict)
    # Columns that name a row of the same organisation.
    references: Mapping[str, type[Model]] = field(default_factory=dict)
    # How columns are called on the wire, where it is not their name in camel case.
    members: Mapping[str, str] = field(default_factory=dict)
    # The orders of the list; the first one unless told.
    sort_fields: Mapping[str, str] = field(default_factory=dict)
    # The column of appointments that names it, and what to do in place of deleting it then.
    used_as: str = ""
    in_use: str = ""
    # What it consists of besides columns.
    parts: str = ""
    refusals: Mapping[str, type[DomainError]] = field(default_factory=dict)

    @property
    def has_switch(self) -> bool:
        """Whether it can be switched off."""
        return "is_active" in self.columns

    def rows(self, actor: Actor) -> QuerySet[E]:
        """Give what exists for the actor."""
        # The plugin gives the managers of the whole union in place of the model's own.
        rows = cast("QuerySet[E]", self.model._default_manager.all())
        rows = rows.filter(organization_id=actor.organization_id)
        return rows.select_related("group") if "group_id" in self.columns else rows

    def find(self, rows: QuerySet[E], entry_id: str) -> E | None:
        """Give the row with this id, as callers write it."""
        key = parse_uuid(entry_id)
        return rows.filter(pk=key).first() if key else None

    def checked(self, values: Mapping[str, Any], *, organization_id: UUID) -> dict[str, Any]:
        """Give every column's value; what is left out has its default.

        Raises InvalidEntry.
        """
        checked: dict[str, Any] = {}
        errors: Problems = {}
        for column in self.columns:
            try:
                checked[column] = self._value(column, values, organization_id)
            except Malformed as error:
                name = self.member(column)
                errors |= {
                    f"{name}.{path}" if path else name: lines
                    for path, lines in error.problems.items()
                }
        if errors:
            raise InvalidEntry(errors=errors)
        return checked

    def problems(self, values: Mapping[str, Any], *, organization_id: UUID) -> Problems:
        """Give what is wrong with the values of some columns, by column."""
        found: Problems = {}
        for column in values:
            try:
                self._value(column, values, organization_id)
            except Malformed as error:
                found[column] = error.lines
        return found

    def _value(self, column: str, values: Mapping[str, Any], organization_id: UUID) -> Any:
        model_field = self._field(column)
        value = values.get(column, model_field.get_default())
        if column in self.references:
            return self._key(column, value, organization_id)
        try:
            value = model_field.clean(value, None)
        except ValidationError as error:
            raise Malformed({"": list(error.messages)}) from None
        rule = self.rules.get(column)
        return rule(value) if rule else value

    def _key(self, column: str, value: object, organization_id: UUID) -> UUID | None:
        if value is None and self._field(column).null:
            return None
        key = parse_uuid(str(value))
        rows = self.references[column]._default_manager.filter(organization_id=organization_id)
        if key is None or not rows.filter(pk=key).exists():
            raise Malformed({"": ["There is no such entry."]})
        return key

    def _field(self, column: str) -> Field[Any, Any]:
        return cast("Field[Any, Any]", self.model._meta.get_field(column))

    def member(self, column: str) -> str:
        """Give what a column is called on the wire."""
        return self.members.get(column) or _camel(column)

    def fill(self, entry: E, values: Mapping[str, Any]) -> None:
        """Write values into the columns."""
        for column in self.columns:
            setattr(entry, column, values[column])

    def values(self, entry: E) -> dict[str, Any]:
        """Give what the columns hold."""
        return {column: getattr(entry, column) for column in self.columns}

    def facts(self, entry: E) -> dict[str, Any]:
        """Give what the history keeps."""
        return {
            _camel(column): _fact(value)
            for column, value in self.values(entry).items()
            if column not in _NOT_WRITTEN_DOWN
        }

    def number(self, entry: E) -> None:
        """Give a new entry its number, where it has one."""

    def check_unused(self, entry: E) -> None:
        """Refuse to delete what something else rests on.

        Raises EntryInUse.
        """
        named = {"organization_id": entry.organization_id, self.used_as: entry.pk}
        if Appointment.objects.filter(**named).exists():
            raise EntryInUse(self.in_use)

    def remove(self, entry: E, *, now: datetime) -> None:
        """Delete the row; the keys of other tables have the last word."""
        rows = self.model._default_manager.filter(pk=entry.pk)
        # Django would look through the appointments of every organisation first.
        rows._raw_delete(rows.db)

    def write_parts(self, entry: E, values: Mapping[str, Any], *, now: datetime) -> bool:
        """Write what it consists of besides; tell whether that changed anything."""
        return False

    def with_parts(self, entry: E) -> E:
        """Give the entry with what it consists of."""
        return entry

    def with_all_parts(self, rows: QuerySet[E]) -> QuerySet[E]:
        """Let rows come with what they consist of."""
        return rows


def _camel(column: str) -> str:
    name = column.removeprefix("is_")
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _fact(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case timedelta():
            return str(Duration.of(value, exact=True))
    return value
