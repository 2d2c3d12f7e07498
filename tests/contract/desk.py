"""The contract of agents' desktops: which operation a request is for, and what it is answered."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

from tests.contract import contract
from tests.contract.openapi import comparable
from tests.contract.routes import Route

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from tests.contract.contract import JsonSchema, Operation

# What comes in a later release.
LATER_GROUPS = frozenset(
    {
        "Interactions API Operations",
        "Interactions On E-mail Channel",
        "Interactions On Chat Channel",
        "Attachments API",
        "Workbins",
    }
)
LATER_LIFECYCLES = ("cc.lifecycle.interaction.", "cc.lifecycle.workbin.")
# Of an operation of this release, but about interactions alone.
LATER_RULES = frozenset({"cc.me.channels.NotReady.r4"})
# Served beside Django, by config.asgi.
BESIDE = "CometD Notifications"

# Beyond the operations: the object that a creation gives the address of, the singular spelling of
# calls, and what is said of everything else.
MORE_ROUTES = frozenset(
    {
        Route(path="/api/v2/settings/agent-states/{}", method="GET"),
        *(Route(path="/api/v2/me/call/{}", method=method) for method in ("GET", "POST")),
        *(Route(path="/api/v2/{}", method=method) for method in ("GET", "POST", "PUT", "DELETE")),
        *(
            Route(path="/api/v2/contacts", method=method)
            # cc.contacts.update.r2, cc.contacts.delete.r2
            for method in ("PUT", "DELETE")
        ),
    }
)

# Where a path without the id does what the path with it does: the query or the body has it.
_ID_ELSEWHERE = frozenset({("/api/v2/contacts", "PUT"), ("/api/v2/contacts", "DELETE")})

# Rules that go beyond their schemas: cc.me.get.r5 repeats every collection that was asked for.
_MORE_MEMBERS = {"UserOne": {"features": {"type": "array"}, "settings": {"type": "object"}}}
_FILES = frozenset({"AttachmentContent"})
# Statuses that every operation may answer besides those it lists, with the schema Error.
_ADDITIONS = frozenset({400, 401, 403, 404, 405, 413, 429, 503})
_HTTP = {1: {400}, 2: {400, 413}, 3: {403, 405, 429}, 4: {500, 503}, 5: {401, 403}, 6: {404}}

_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date-time", raises=ValueError)(contract.is_instant)
_FORMATS.checks("uri", raises=ValueError)(contract.is_uri)


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    # Those of the built-in states are written in capitals, but for one letter.
    return not isinstance(value, str) or bool(UUID(value))


def served_operations() -> list[Operation]:
    """Give what this release serves by Django's routes."""
    skipped = LATER_GROUPS | {BESIDE}
    return [each for each in contract.desk_operations() if each.group not in skipped]


def served_routes() -> set[Route]:
    """Give the routes of these operations, and those beyond them."""
    found = {Route(path=comparable(each.path), method=each.method) for each in served_operations()}
    return found | MORE_ROUTES


def rules_of_later() -> set[str]:
    """Give the rules whose tests come with a later release."""
    of_operations = {
        rule.id
        for each in contract.desk_operations()
        if each.group in LATER_GROUPS
        for rule in each.rules
    }
    of_operations |= LATER_RULES
    return of_operations | {rule for rule in contract.rules() if rule.startswith(LATER_LIFECYCLES)}


def matching(method: str, path: str, body: object = None) -> list[Operation]:
    """Give the operations that a request can be for: of a path by operationName, if it says one."""
    wanted = re.sub(r"^/api/v2/me/call/", "/api/v2/me/calls/", path.partition("?")[0]).rstrip("/")
    if (wanted, method) in _ID_ELSEWHERE:
        wanted = f"{wanted}/id"
    found = [each for each in served_operations() if each.method == method]
    found = [each for each in found if _fits(each.path, wanted)]
    fewest = min((len(each.path_parameters) for each in found), default=0)
    found = [each for each in found if len(each.path_parameters) == fewest]
    name = body.get("operationName") if isinstance(body, dict) else None
    named = [each for each in found if each.operation_name == (name or None)]
    by_data = [each for each in found if str(each.operation_name).startswith("{")]
    return named or by_data or found


def _fits(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def check(method: str, path: str, body: object, answer: HttpResponseBase) -> None:
    """Hold an answer against what is promised. Raises AssertionError."""
    found = matching(method, path, body)
    where = f"{method} {path} {body if isinstance(body, dict) else ''}"
    if answer.status_code == 500:
        raise AssertionError(f"{where} is answered 500: {answer.getvalue()[:300]!r}")
    if not found:
        _hold(where, answer, ["Error"])
        return
    documented = {
        name
        for each in found
        for status, name in each.responses.items()
        if status == answer.status_code and name
    }
    if documented & _FILES and answer.status_code == 200:
        return
    if not documented and answer.status_code in _ADDITIONS:
        # Of those that name no such status, refusals look as their other refusals do.
        documented = {name for each in found for name in _refusals(each)} | {"Error"}
    _hold(where, answer, sorted(documented))


def _refusals(operation: Operation) -> set[str]:
    return {name for status, name in operation.responses.items() if status >= 400 and name}


def _hold(where: str, answer: HttpResponseBase, schemas: list[str]) -> None:
    if not str(answer.get("Content-Type")).startswith("application/json"):
        raise AssertionError(f"{where}: {answer.get('Content-Type')} is not JSON")
    body: Any = json.loads(answer.getvalue())
    _hold_status(where, answer.status_code, body)
    problems = [_problem(name, body) for name in schemas]
    if not schemas or all(problems):
        raise AssertionError(f"{where} → {answer.status_code}: {problems or 'not documented'}")


def _hold_status(where: str, status: int, body: dict[str, Any]) -> None:
    code = body.get("statusCode")
    if status == 200:
        if code != 0 or "statusMessage" in body:
            raise AssertionError(f"{where} succeeds with {body}")
    elif status not in _HTTP.get(code or 0, set()) or not body.get("statusMessage"):
        raise AssertionError(f"{where}: {status} does not go with {body}")


def _problem(name: str, body: object) -> str:
    for error in _validator(name).iter_errors(body):
        where = "/".join(str(step) for step in error.absolute_path)
        return f"{name}, at “{where}”: {error.message[:300]}"
    return ""


@cache
def _validator(name: str) -> Draft202012Validator:
    schema: JsonSchema = contract.json_schema(name, surface=contract.DESK)
    for each, members in _MORE_MEMBERS.items():
        schema["$defs"][each]["properties"] |= members
    return Draft202012Validator(schema, format_checker=_FORMATS)
