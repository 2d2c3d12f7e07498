"""What replies say besides the members that are asked for, and what refusals look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.kernel.errors import DomainError, Kind

_BY_KIND: Mapping[Kind, int] = {
    "missing": 1,
    "invalid": 2,
    "conflict": 2,
    "reused": 2,
    "too_large": 2,
    "forbidden": 3,
    "too_many": 3,
    "unavailable": 4,
    "unauthenticated": 5,
    "not_found": 6,
}
_BY_STATUS = {400: 2, 401: 5, 403: 3, 404: 6, 405: 3, 409: 2, 413: 2, 415: 2, 422: 2, 429: 3}
_HTTP = {1: 400, 2: 400, 3: 403, 4: 500, 5: 403, 6: 404}
# They say something that no statusCode says.
_KEPT = {401, 405, 413, 429, 503}

Failure = Callable[[int, str], dict[str, Any]]


def _error(code: int, message: str) -> dict[str, Any]:
    return {"statusCode": code, "statusMessage": message}


def _error_status(code: int, message: str) -> dict[str, Any]:
    return {**_error(code, message), "status": "error", "errorDescription": message}


def _error_zero(code: int, message: str) -> dict[str, Any]:
    return {**_error(code, message), "status": code}


@dataclass(frozen=True)
class Shape:
    """What success adds to a reply, and the schema of failures."""

    failure: Failure = _error
    success: Mapping[str, Any] = field(default_factory=dict)


# Error, whatever success says.
PLAIN = Shape()
# ErrorStatus; success has its own members (GET) or is StatusOk.
ERROR_STATUS = Shape(_error_status)
OK = Shape(_error_status, {"status": "ok"})
# StatusZero with ErrorZero.
ZERO = Shape(_error_zero, {"status": 0})


def status_code_of(error: BaseException, status: int) -> int:
    """Give the statusCode of a refusal that other surfaces answer with this HTTP status."""
    own = getattr(error, "desk_code", None)
    if isinstance(own, int):
        return own
    if isinstance(error, DomainError):
        return _BY_KIND[error.kind]
    return _BY_STATUS.get(status, 4)


def http_status_of(code: int, status: int) -> int:
    """Give the HTTP status that goes with a statusCode (contract, conventions)."""
    return status if status in _KEPT else _HTTP[code]


def message_of(refusal: Mapping[str, Any]) -> str:
    """Give the sentence that people read, with what is wrong with each member."""
    details = [
        f"{name}: {' '.join(messages)}" for name, messages in refusal.get("errors", {}).items()
    ]
    return " ".join([str(refusal["message"]), *details])
