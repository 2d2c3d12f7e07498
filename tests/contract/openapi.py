"""The OpenAPI document that the code makes of itself, for comparison with the contract."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.contract.contract import FORMATS, Operation

# Operations that the document leaves out: itself, and what only a load balancer asks.
LEFT_OUT = frozenset({"frontdesk.schema.get", "frontdesk.health.live", "frontdesk.health.ready"})

_URI = "urn:frontdesk:openapi"


@cache
def document() -> dict[str, Any]:
    """Give the document as a client would read it."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # untyped there
    plain: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return plain


def comparable(path: str) -> str:
    """Give a path without its closing slash and without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path.rstrip("/"))


@cache
def _paths() -> dict[str, str]:
    return {comparable(path): path for path in document()["paths"]}


def described(operation: Operation) -> dict[str, Any] | None:
    """Give what the document says about an operation of the contract, None if nothing."""
    path = _paths().get(comparable(operation.path))
    entry: dict[str, Any] = document()["paths"][path] if path else {}
    return entry.get(operation.method.lower())


@cache
def validator(operation: Operation, status: int) -> Draft202012Validator | None:
    """Give the validator of one answer's JSON body, None where no JSON body is described."""
    path = _paths()[comparable(operation.path)]
    answer = document()["paths"][path][operation.method.lower()]["responses"][str(status)]
    if "application/json" not in answer.get("content", {}):
        return None
    steps = ["paths", path, operation.method.lower(), "responses", str(status), "content"]
    steps += ["application/json", "schema"]
    pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    registry = Registry().with_resource(_URI, DRAFT202012.create_resource(document()))
    return Draft202012Validator(
        {"$ref": f"{_URI}#/{pointer}"}, registry=registry, format_checker=FORMATS
    )
