"""The correlation id: the caller's name for a request, in every log line and event it causes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Correlation-Id"
_WANTED = re.compile(r"[A-Za-z0-9._-]{1,100}")
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current_correlation_id() -> str:
    """Give the id of the request or task that runs in this context, or nothing."""
    return _current.get()


@contextmanager
def correlation(text: str = "") -> Iterator[str]:
    """Run what follows under the given id, or under a new one where it cannot be used."""
    correlation_id = text if _WANTED.fullmatch(text) else str(uuid4())
    token = _current.set(correlation_id)
    try:
        yield correlation_id
    finally:
        _current.reset(token)


class CorrelationMiddleware:
    """Takes the id from the request, keeps it while it runs and sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with correlation(request.headers.get(HEADER, "")) as correlation_id:
            response = self.get_response(request)
            response.headers[HEADER] = correlation_id
            return response
