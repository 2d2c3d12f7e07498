"""What `requests` prepares goes out by our own door: no other library opens a connection.

So a provider is asked as everybody else: public addresses only, no redirects, 64 KiB of an answer,
one time limit for all of it; and neither proxies nor passwords of the environment have a say.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from config.kernel.http import (
    Answer,
    DeadlineExceeded,
    OutgoingError,
    Request,
    fetch,
    header_problem,
)

# A provider that needs longer than this is in trouble.
SECONDS = 10.0


class Door(BaseAdapter):
    """Sends the requests of a session by `config.kernel.http`."""

    def send(  # noqa: PLR0917  # as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Give the answer, whatever it says.

        Raises requests.Timeout and requests.ConnectionError, from the OutgoingError that it was.
        """
        outgoing = Request(
            method=str(request.method),
            url=str(request.url),
            deadline=timeout if isinstance(timeout, int | float) else SECONDS,
            headers=_headers_of(request),
            body=_body_of(request),
        )
        try:
            return _response(request, fetch(outgoing))
        except DeadlineExceeded as error:
            raise requests.Timeout(error.reason, request=request) from error
        except OutgoingError as error:
            raise requests.ConnectionError(error.reason, request=request) from error

    def close(self) -> None:
        """Keep nothing open: each request has a connection of its own."""


def through_the_door(session: requests.Session) -> None:
    """Let a session reach nothing but what our own door leads to."""
    session.trust_env = False
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Door())


def _headers_of(request: requests.PreparedRequest) -> dict[str, str]:
    named = {
        str(name): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    # The door says by itself how long a message is and how it is packed. What is left out besides
    # could not be sent: a provider's library puts no such thing into a header.
    return {name: value for name, value in named.items() if not header_problem(name, value)}


def _body_of(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    return body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[arg-type]  # never a stream here


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.url = str(request.url)
    response.request = request
    response.encoding = "utf-8"
    response.reason = ""
    # Without its address a redirect is an answer like any other, and nobody follows it.
    kept = {name: value for name, value in answer.headers.items() if name != "location"}
    response.headers = CaseInsensitiveDict(kept)
    response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False)
    return response
