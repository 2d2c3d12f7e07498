"""Refusals and failures on the wire: `{"code", "message", "errors"}`, or a plain page."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
from django import db
from django.core import signals
from django.core.exceptions import (
    NON_FIELD_ERRORS,
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from redis.exceptions import RedisError
from rest_framework import exceptions as api
from rest_framework.response import Response
from rest_framework.settings import api_settings

from config.kernel import limits
from config.kernel.database import sqlstate_of
from config.kernel.errors import DomainError, Kind
from config.kernel.json import dumps

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)

STATUSES: Mapping[Kind, int] = {
    "missing": 400,
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "reused": 422,
    "too_many": 429,
    "unavailable": 503,
}
_WORDS: Mapping[int, tuple[str, str]] = {
    400: ("INVALID_REQUEST", "The request is not valid."),
    401: ("UNAUTHENTICATED", "The credentials are missing or not valid."),
    403: ("FORBIDDEN", "This is not permitted."),
    404: ("NOT_FOUND", "There is nothing here."),
    405: ("METHOD_NOT_ALLOWED", "The method is not allowed here."),
    406: ("NOT_ACCEPTABLE", "The answer cannot be given in a form that is accepted."),
    409: ("CONFLICT", "Something else was there first."),
    413: ("BODY_TOO_LARGE", f"The body is larger than {limits.BODY_BYTES} bytes."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body is expected as application/json."),
    429: ("TOO_MANY_REQUESTS", "There were too many requests: try again later."),
    500: ("INTERNAL_ERROR", "Something went wrong on our side."),
    503: ("UNAVAILABLE", "The service is busy: try again in a moment."),
}
# The first that fits decides: RequestDataTooBig is a SuspiciousOperation.
_PLAIN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
    (Http404, 404),
    (PermissionDenied, 403),
    (RequestDataTooBig, 413),
    ((SuspiciousOperation, BadRequest, UnreadablePostError, MultiPartParserError), 400),
    (RedisError, 503),
)
# Where what is wrong belongs to no field.
WHOLE_REQUEST = "request"

# Foreign key, unique and exclusion violations: somebody else was faster than our own checks.
_OVERTAKEN = {"23503", "23505", "23P01"}
# Lock timeout, read-only server, transactions given up for others; and the classes of lost
# connections, missing resources, interventions by the operator and system errors.
_BUSY = {"55P03", "25006", "40001", "40P01"}
_BUSY_CLASSES = {"08", "53", "57", "58"}


@dataclass(frozen=True)
class Refusal:
    """What a client is told."""

    status: int
    code: str
    message: str
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, object]:
        """Give the members that every error of ours has."""
        return {"code": self.code, "message": self.message, "errors": dict(self.errors)}


def _plain(
    status: int,
    *,
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    code, message = _WORDS[status]
    if headers is None:
        headers = {"Retry-After": "1"} if status == 503 else {}
    return Refusal(status, code, message, errors or {}, headers)


def refusal_of(error: BaseException | None) -> Refusal | None:
    """Give what a client is told of an error, or None when it is a bug."""
    match error:
        case DomainError():
            return _of_domain(error)
        case api.APIException():
            return _of_framework(error)
        case ValidationError():
            return _plain(400, errors=_of_validation(error))
        case db.Error() | psycopg.Error():
            return _of_database(error)
    for kinds, status in _PLAIN:
        if isinstance(error, kinds):
            return _plain(status)
    return None


def _of_domain(error: DomainError) -> Refusal:
    headers = {}
    wait = error.facts.get("retry_after")
    if error.kind == "unauthenticated":
        headers["WWW-Authenticate"] = str(error.facts.get("challenge", "Bearer"))
    elif error.kind in {"too_many", "unavailable"}:
        headers["Retry-After"] = _seconds(wait)
    return Refusal(STATUSES[error.kind], error.code, error.text, error.errors, headers)


def _seconds(wait: object) -> str:
    if isinstance(wait, timedelta):
        wait = wait.total_seconds()
    return str(max(1, math.ceil(wait))) if isinstance(wait, int | float) else "1"


def _of_framework(error: api.APIException) -> Refusal:
    match error:
        case api.ValidationError():
            return _plain(400, errors=flatten(error.detail))
        case api.ParseError():
            return _plain(400)
        case api.NotAuthenticated() | api.AuthenticationFailed():
            challenge = str(getattr(error, "auth_header", None) or "Bearer")
            return _plain(401, headers={"WWW-Authenticate": challenge})
        case api.Throttled():
            return _plain(429, headers={"Retry-After": _seconds(getattr(error, "wait", None))})
    if error.status_code not in _WORDS:
        return _plain(500)
    return _plain(error.status_code)


def _of_validation(error: ValidationError) -> dict[str, list[str]]:
    if hasattr(error, "error_dict"):
        return {
            WHOLE_REQUEST if name == NON_FIELD_ERRORS else name: messages
            for name, messages in error.message_dict.items()
        }
    return {WHOLE_REQUEST: error.messages}


def _of_database(error: db.Error | psycopg.Error) -> Refusal | None:
    state = sqlstate_of(error)
    if state in _OVERTAKEN:
        return _plain(409)
    if state in _BUSY or state[:2] in _BUSY_CLASSES:
        return _plain(503)
    match error:
        case db.DataError() | psycopg.DataError():
            return _plain(400)
        case (
            db.OperationalError()
            | db.InterfaceError()
            | psycopg.OperationalError()
            | psycopg.InterfaceError()
        ):
            return _plain(503)
    return None


def flatten(detail: object) -> dict[str, list[str]]:
    """Give the messages of a nested error by path: `customers.0.contact.primaryEmail`."""
    errors: dict[str, list[str]] = {}
    for path, message in _walk(detail, ""):
        errors.setdefault(path or WHOLE_REQUEST, []).append(message)
    return errors


def _walk(detail: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _walk(inner, path if whole else _join(path, name))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            # Texts say several things of one field; objects stand for the members of a list.
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _walk(inner, _join(path, index) if nested else path)
    else:
        yield path, str(detail)


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def exception_handler(error: Exception, context: Mapping[str, object]) -> Response:
    """Answer whatever an API view raises."""
    refusal = refusal_of(error)
    if refusal is None:
        logger.error("%s failed.", type(context.get("view")).__name__, exc_info=error)
        # Tests, and whoever collects failures, hear of it as of any other uncaught exception.
        signals.got_request_exception.send(sender=None, request=context.get("request"))
        refusal = _plain(500)
    elif refusal.status >= 500:
        _log_unavailable(error)
    return Response(refusal.body, status=refusal.status, headers=dict(refusal.headers))


def _log_unavailable(error: BaseException) -> None:
    logger.warning(
        "Answered 503 after %s %s.", type(error).__name__, sqlstate_of(error), exc_info=error
    )


class ApiErrorsMiddleware:
    """Answers refusals, and failures of PostgreSQL and Redis, that plain Django views raise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Give the answer to a refusal, and leave a bug to Django."""
        refusal = refusal_of(exception)
        if refusal is None:
            return None
        if refusal.status >= 500:
            _log_unavailable(exception)
        return answer(request, refusal)


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Give a refusal as JSON under the paths of the APIs, and as a page elsewhere."""
    if request.path.startswith(("/api/", "/rest/")):
        content, content_type = dumps(refusal.body), "application/json"
    else:
        # Without the request: its context processors would ask the database that is down.
        page = render_to_string("errors/error.html", {"refusal": refusal})
        content, content_type = page.encode(), "text/html; charset=utf-8"
    return HttpResponse(
        content, status=refusal.status, content_type=content_type, headers=dict(refusal.headers)
    )


def answer_to(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Give what a client is told of one of our own refusals."""
    return answer(request, _of_domain(error))


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refused to read."""
    return answer(request, refusal_of(exception) or _plain(400))


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that a page refused."""
    return answer(request, refusal_of(exception) or _plain(403))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere."""
    return answer(request, refusal_of(exception) or _plain(404))


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer an exception that nobody caught, from middleware too: 503 when a server is away."""
    return answer(request, refusal_of(sys.exc_info()[1]) or _plain(500))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from our own page."""
    logger.info("A form was refused: %s", reason)
    return answer(request, _plain(403))
