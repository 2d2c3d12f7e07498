"""A client whose every answer is held against the contract and against our own OpenAPI document."""

from __future__ import annotations

import json as json_module
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.test import Client
from jsonschema import Draft202012Validator

from tests.contract import contract, openapi

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    # Known to the stubs only: HttpResponse with .json().
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from tests.contract.contract import Operation

API = ("/api/", "/healthz", "/readyz")
# HTML pages under an API prefix: no operations, so in no contract.
PAGES = frozenset({"/api/schema/swagger", "/api/schema/redoc"})


class Unset(Enum):
    """Stands for a body that is not sent, since None is sent as null."""

    TOKEN = 0


UNSET = Unset.TOKEN

# A query value; a list is sent as the repeated parameter.
Value = str | int | list[str]


class ApiClient:
    """Send JSON with a bearer token; raise AssertionError for an answer nobody promised.

    So is a 503, unless the test says that something is out of order.
    """

    def __init__(self, token: str | None = None, *, out_of_order: bool = False) -> None:
        self._client = Client(raise_request_exception=True)
        self._token = token
        self._out_of_order = out_of_order

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Value) -> Answer:
        """Read."""
        return self.send("GET", path, headers=headers, query=query)

    def post(
        self,
        path: str,
        json: object = UNSET,
        *,
        headers: dict[str, str] | None = None,
        **query: Value,
    ) -> Answer:
        """Create, or carry out."""
        return self.send("POST", path, json=json, headers=headers, query=query)

    def put(
        self,
        path: str,
        json: object = UNSET,
        *,
        headers: dict[str, str] | None = None,
        **query: Value,
    ) -> Answer:
        """Change."""
        return self.send("PUT", path, json=json, headers=headers, query=query)

    def delete(self, path: str, *, headers: dict[str, str] | None = None, **query: Value) -> Answer:
        """Delete."""
        return self.send("DELETE", path, headers=headers, query=query)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = UNSET,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        query: dict[str, Value] | None = None,
    ) -> Answer:
        """Send anything: `json` as a value, or `body` as bytes that nobody looks at.

        Raises AssertionError for a status, header or body that is not documented.
        """
        if json is not UNSET:
            body = json_module.dumps(json).encode()
        sent = dict(headers or {})
        if self._token is not None:
            sent.setdefault("Authorization", f"Bearer {self._token}")
        answer: Answer = self._client.generic(
            method,
            path,
            body or b"",
            content_type=content_type if body is not None else "",
            query_params=query,
            headers=sent,
        )
        check(method, path, answer)
        if answer.status_code == 503 and not self._out_of_order:
            raise AssertionError(f"{method} {path} is answered 503, though nothing is wrong")
        return answer


def check(method: str, path: str, answer: HttpResponseBase) -> None:
    """Hold an answer against what the contract and the OpenAPI document promise.

    Raises AssertionError.
    """
    path = path.partition("?")[0]
    if not path.startswith(API) or path.rstrip("/") in PAGES:
        return
    operation = contract.match(method, path)
    if operation:
        check_operation(operation, answer)
        return
    _expect(f"{method} {path}", answer, frozenset({404, 405}))


def check_operation(operation: Operation, answer: HttpResponseBase) -> None:
    """Hold an answer against what is promised for one operation. Raises AssertionError."""
    _expect(operation.id, answer, operation.statuses)
    name = operation.responses.get(answer.status_code)
    if answer.status_code < 400 and name in contract.CONTENT_TYPES:
        wanted, given = contract.CONTENT_TYPES[name], answer.get("Content-Type")
        if given != wanted:
            raise AssertionError(f"{operation.id}: {given} is not {wanted}")
    elif answer.status_code < 400 and name:
        _hold(operation.id, answer, _schema_of(name, operation.surface))
    if answer.status_code in {204, 304} and content_of(answer):
        raise AssertionError(f"{operation.id} is answered {answer.status_code} with a body")
    if operation.id not in openapi.LEFT_OUT:
        _check_openapi(operation, answer)


def content_of(answer: HttpResponseBase) -> bytes:
    """Give the whole body."""
    return answer.getvalue()


_WANTED_HEADERS = {
    401: "WWW-Authenticate",
    405: "Allow",
    429: "Retry-After",
    503: "Retry-After",
}


def _expect(name: str, answer: HttpResponseBase, statuses: frozenset[int]) -> None:
    status = answer.status_code
    if status not in statuses or status == 500:
        raise AssertionError(
            f"{name} is answered {status}, documented are {sorted(statuses)}:"
            f" {content_of(answer)[:500]!r}"
        )
    if status < 400:
        return
    header = _WANTED_HEADERS.get(status)
    if header and not answer.get(header):
        raise AssertionError(f"{name} is answered {status} without {header}")
    _hold(name, answer, _schema_of("Error", "frontdesk"))


def _check_openapi(operation: Operation, answer: HttpResponseBase) -> None:
    entry = openapi.described(operation)
    if entry is None:
        raise AssertionError(f"{operation.id} is not in the OpenAPI document")
    if str(answer.status_code) not in entry["responses"]:
        if answer.status_code not in contract.ADDITIONS:
            raise AssertionError(f"OpenAPI has no {answer.status_code} for {operation.id}")
        return
    validator = openapi.validator(operation, answer.status_code)
    if validator is not None:
        _hold(operation.id, answer, validator)


@cache
def _schema_of(name: str, surface: str) -> Draft202012Validator:
    return Draft202012Validator(
        contract.json_schema(name, surface=surface), format_checker=contract.FORMATS
    )


def _hold(name: str, answer: HttpResponseBase, validator: Draft202012Validator) -> None:
    if not str(answer.get("Content-Type")).startswith("application/json"):
        raise AssertionError(f"{name}: {answer.get('Content-Type')} is not JSON")
    body: Any = json_module.loads(content_of(answer))
    for error in validator.iter_errors(body):
        where = "/".join(str(step) for step in error.absolute_path)
        raise AssertionError(f"{name} → {answer.status_code}, at “{where}”: {error.message[:500]}")
