"""The contract as data: typed operations and rules, and a strict JSON Schema of each schema.

Every ``*.yaml`` file beside this module is one surface.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import yaml
from jsonschema import FormatChecker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).resolve().parent
PENDING = FOLDER / "pending.txt"

# Statuses that every operation may answer besides those it lists (conventions of the contract).
ADDITIONS = frozenset({405, 413, 415, 422, 429, 503})

# Where the list of values in a schema is only an example, or a rule adds one to it.
OPEN_SETS = frozenset({"RecipientReasonCode"})
MORE_VALUES = {
    # v2.appointments.schedule.r27: ANY takes an agent who is free.
    "AssignmentTargetType": ["ANY"],
}

# Schemas of bodies that are no JSON.
CONTENT_TYPES = {
    "CalendarFile": "text/calendar; charset=utf-8",
    "ICalendarEvent": "text/calendar; charset=utf-8",
}

# Of this surface several operations share a path: tests/contract/desk.py tells them apart.
DESK = "contact-center"

JsonSchema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One testable sentence of the contract."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A query parameter of an operation."""

    name: str
    type: str
    required: bool
    repeated: bool
    enum: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One member of a schema; a type with a capital letter names another schema."""

    name: str
    type: str
    items: str | None
    format: str | None
    required: bool
    nullable: bool
    enum: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A body, or a part of one; `type` is object unless the contract says otherwise."""

    name: str
    surface: str
    type: str
    items: str | None
    enum: tuple[str, ...]
    fields: tuple[Field, ...]


# Each is made once, so two are equal when they are the same object.
@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One documented operation; `responses` pairs each status with a schema's name or None."""

    id: str
    surface: str
    group: str
    method: str
    path: str
    roles: tuple[str, ...]
    deprecated: bool
    query: tuple[Parameter, ...]
    request: str | None
    responses: Mapping[int, str | None]
    rules: tuple[Rule, ...]
    # What a body names that is for this operation; None where the path has but one.
    operation_name: str | None = None

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """Give the names in braces, in the order of the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def statuses(self) -> frozenset[int]:
        """Give every status that the operation may answer."""
        return frozenset(self.responses) | ADDITIONS

    def url(self, **parameters: object) -> str:
        """Give the path with its parameters filled in."""
        return self.path.format(**parameters)


@cache
def _files() -> dict[str, dict[str, Any]]:
    files = (yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml")))
    return {file["surface"]: file for file in files}


def _rules(entries: list[dict[str, str]]) -> tuple[Rule, ...]:
    return tuple(Rule(id=entry["id"], text=entry["text"]) for entry in entries)


def _parameter(entry: dict[str, Any]) -> Parameter:
    return Parameter(
        name=entry["name"],
        type=entry["type"],
        required=entry["required"],
        repeated=entry["repeated"],
        enum=tuple(entry["enum"]),
    )


def _operation(surface: str, entry: dict[str, Any]) -> Operation:
    return Operation(
        id=entry["id"],
        surface=surface,
        group=entry["group"],
        method=entry["method"],
        path=entry["path"],
        roles=tuple(entry["roles"]),
        deprecated=entry["deprecated"],
        query=tuple(_parameter(parameter) for parameter in entry["query"]),
        request=entry["request"],
        responses=MappingProxyType(dict(entry["responses"])),
        rules=_rules(entry["rules"]),
        operation_name=entry.get("operation_name"),
    )


def _field(entry: dict[str, Any]) -> Field:
    return Field(
        name=entry["name"],
        type=entry["type"],
        items=entry.get("items"),
        format=entry.get("format"),
        required=entry["required"],
        nullable=entry.get("nullable", False),
        enum=tuple(entry.get("enum", ())),
    )


@cache
def operations() -> tuple[Operation, ...]:
    """Give every operation that is served, but for those of the desk, in the order of the files."""
    return tuple(
        _operation(surface, entry)
        for surface, file in _files().items()
        if surface != DESK
        for entry in file["operations"]
        if not _is_outgoing(entry)
    )


@cache
def desk_operations() -> tuple[Operation, ...]:
    """Give every operation of agents' desktops, those of a later release among them."""
    return tuple(_operation(DESK, entry) for entry in _files()[DESK]["operations"])


def _is_outgoing(entry: dict[str, Any]) -> bool:
    # What the product sends itself (outgoing.py).
    return entry.get("direction") == "outgoing"


@cache
def _by_id() -> dict[str, Operation]:
    found = {each.id: each for each in operations()}
    if len(found) != len(operations()):
        raise ValueError("two operations of the contract have the same id")
    return found


def operation(operation_id: str) -> Operation:
    """Give one operation. Raises KeyError."""
    return _by_id()[operation_id]


@cache
def rules() -> Mapping[str, Rule]:
    """Give every rule by its id: those of operations, and those for all operations."""
    found: dict[str, Rule] = {}
    for rule in _every_rule():
        if rule.id in found:
            raise ValueError(f"two rules of the contract have the id {rule.id}")
        found[rule.id] = rule
    return MappingProxyType(found)


def _every_rule() -> Iterator[Rule]:
    for each in (*operations(), *desk_operations()):
        yield from each.rules
    for part in ("cometd", "lifecycle"):
        yield from _rules_within(_files()[DESK][part])
    for file in _files().values():
        yield from _rules(file.get("rules", []))
        for entry in filter(_is_outgoing, file["operations"]):
            yield from _rules(entry["rules"])


def _rules_within(part: Any) -> Iterator[Rule]:
    """Give the rules of a part of the file that has them at several places."""
    if isinstance(part, dict):
        for value in part.values():
            yield from _rules_within(value)
    elif isinstance(part, list):
        found = [one for one in part if isinstance(one, dict) and {"id", "text"} <= one.keys()]
        yield from _rules(found)


@cache
def pending() -> Mapping[str, str]:
    """Give the ids of the rules that belong to the next release, with the reason of each.

    Raises ValueError for a line without a reason, or an id that stands there twice.
    """
    found: dict[str, str] = {}
    for line in PENDING.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        rule_id, _, reason = line.partition(" ")
        if not reason.strip() or rule_id in found:
            raise ValueError(f"pending.txt: {line}")
        found[rule_id] = reason.strip()
    return MappingProxyType(found)


def match(method: str, path: str) -> Operation | None:
    """Give the operation that a request is for; fixed segments win over parameters."""
    segments = path.partition("?")[0].rstrip("/").split("/")
    found = [
        each
        for each in operations()
        if each.method == method and _fits(each.path.rstrip("/").split("/"), segments)
    ]
    return min(found, key=lambda each: len(each.path_parameters), default=None)


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        wanted == given or (wanted.startswith("{") and given)
        for wanted, given in zip(template, segments, strict=True)
    )


# --- Schemas --------------------------------------------------------------------------------


@cache
def schemas(surface: str) -> Mapping[str, Schema]:
    """Give the schemas of one surface by name; our own operations also speak in those of v2."""
    found = dict(schemas("appointments-v2")) if surface == "frontdesk" else {}
    for name, entry in _files()[surface]["schemas"].items():
        found[name] = Schema(
            name=name,
            surface=surface,
            type=entry.get("type", "object"),
            items=entry.get("items"),
            enum=tuple(entry.get("enum", ())),
            fields=tuple(_field(field) for field in entry["fields"]),
        )
    return MappingProxyType(found)


def json_schema(name: str, *, surface: str = "appointments-v2") -> JsonSchema:
    """Give the JSON Schema (2020-12) of a contract schema, strict: no member it does not know.

    Raises KeyError.
    """
    known = schemas(surface)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_reference(known[name].name),
        "$defs": {each.name: _definition(each) for each in known.values()},
    }


def _reference(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _type(name: str) -> JsonSchema:
    if name == "any":
        return {}
    return _reference(name) if name[0].isupper() else {"type": name}


def _definition(schema: Schema) -> JsonSchema:
    if schema.type == "array":
        return {"type": "array", "items": _type(schema.items or "any")}
    if schema.type != "object":
        values = [*schema.enum, *MORE_VALUES.get(schema.name, [])]
        closed = bool(values) and schema.name not in OPEN_SETS
        return {"type": schema.type} | ({"enum": values} if closed else {})
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _property(field) for field in schema.fields},
        "required": [field.name for field in schema.fields if field.required],
    }


def _property(field: Field) -> JsonSchema:
    if field.type == "array":
        made: JsonSchema = {"type": "array", "items": _type(field.items or "any")}
    elif field.type == "object":
        made = {"type": "object", "additionalProperties": _type(field.items or "any")}
    else:
        made = dict(_type(field.type))
    if field.format == "int64":
        made |= {"minimum": -(2**63), "maximum": 2**63 - 1}
    elif field.format:
        made["format"] = field.format
    if field.enum and field.type == "array":
        made["items"] = {**made["items"], "enum": list(field.enum)}
    elif field.enum:
        made["enum"] = list(field.enum)
    return {"anyOf": [made, {"type": "null"}]} if field.nullable else made


# --- Formats --------------------------------------------------------------------------------

# jsonschema checks these only where further libraries are installed, and looser than we promise.
FORMATS = FormatChecker(formats=())

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_DURATION = re.compile(r"P(?=.)(\d+W|(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,6})?S)?)?)", re.ASCII)


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value: object) -> bool:
    """Tell whether a text is an existing moment in UTC, with the suffix Z."""
    if not isinstance(value, str):
        return True
    return bool(_INSTANT.fullmatch(value) and datetime.fromisoformat(value))


@FORMATS.checks("duration")
def is_duration(value: object) -> bool:
    """Tell whether a text is a plain ISO 8601 duration without years and months."""
    return not isinstance(value, str) or bool(_DURATION.fullmatch(value))


@FORMATS.checks("uuid", raises=ValueError)
def is_uuid(value: object) -> bool:
    """Tell whether a text is a UUID in its canonical form."""
    return not isinstance(value, str) or str(UUID(value)) == value


@FORMATS.checks("uri", raises=ValueError)
def is_uri(value: object) -> bool:
    """Tell whether a text is an absolute http or https address."""
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and value.isascii()
