"""The booking webhook's contract: a strict JSON Schema of its body, made from the data."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from tests.contract.contract import FOLDER

JsonSchema = dict[str, Any]

# The contract's word for a limit → JSON Schema's.
_LIMITS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "minimum": "minimum",
    "maximum": "maximum",
    "unique": "uniqueItems",
}
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    """Whether a text is a moment with the offset +00:00 (r31)."""
    if not isinstance(value, str):
        return True
    return value.endswith("+00:00") and datetime.fromisoformat(value).utcoffset() == timedelta(0)


@cache
def contract() -> dict[str, Any]:
    """Give the contract as it is written."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "appointment-webhook.yaml").read_text())
    return found


def event_types() -> list[str]:
    """Give every type of event."""
    return [entry["eventType"] for entry in contract()["event_types"]]


@cache
def json_schema(name: str = "AppointmentEvent") -> JsonSchema:
    """Give the JSON Schema (2020-12) of a body: no member that the contract does not know."""
    schemas = contract()["schemas"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_reference(name),
        "$defs": {each: _definition(entry) for each, entry in schemas.items()},
    }


def _reference(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _definition(entry: dict[str, Any]) -> JsonSchema:
    if "one_of" in entry:
        # By the discriminator: so that an error tells of the one variant that is meant.
        return {
            "type": "object",
            "required": [entry["discriminator"]],
            "properties": {entry["discriminator"]: {"enum": sorted(entry["mapping"])}},
            "allOf": [
                {
                    "if": {"properties": {entry["discriminator"]: {"const": value}}},
                    "then": _reference(name),
                }
                for value, name in entry["mapping"].items()
            ],
        }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field["name"]: _property(field) for field in entry["fields"]},
        "required": [field["name"] for field in entry["fields"] if field["required"]],
    }


def _property(field: dict[str, Any]) -> JsonSchema:
    match field["type"]:
        case "array":
            made: JsonSchema = {"type": "array", "items": _items(field)}
        case "map":
            made = {"type": "object"}
        case name if re.match("[A-Z]", name):
            made = _reference(name)
        case name:
            made = {"type": name, **({"enum": field["enum"]} if field["enum"] else {})}
    if "format" in field:
        made["format"] = field["format"]
    made |= {theirs: field[ours] for ours, theirs in _LIMITS.items() if ours in field}
    return {"anyOf": [made, {"type": "null"}]} if field["nullable"] else made


def _items(field: dict[str, Any]) -> JsonSchema:
    if re.match("[A-Z]", field["items"]):
        return _reference(field["items"])
    return {"type": field["items"], **({"enum": field["enum"]} if field["enum"] else {})}


def problems_of(body: object) -> list[str]:
    """Give what the contract has against a body."""
    validator = Draft202012Validator(json_schema(), format_checker=_FORMATS)
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator.iter_errors(body)
    ]
