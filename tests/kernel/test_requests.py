"""What a request says of its own text is not believed: it is UTF-8."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.http import HttpResponse

from config.kernel.requests import Utf8Request
from config.wsgi import application

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

# Python has a codec of each name.
CHARSETS = ["utf-7", "unicode_escape", "raw_unicode_escape", "hex", "zlib", "idna", "undefined"]


def environ_of(charset: str, *, query: str = "", body: bytes = b"") -> dict[str, Any]:
    """Give what a WSGI server passes on for a form in a charset."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "PATH_INFO": "/healthz",
        "QUERY_STRING": query,
        "CONTENT_TYPE": f"multipart/form-data; boundary=x; charset={charset}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    return environ


def ask(environ: dict[str, Any]) -> str:
    statuses: list[str] = []

    def start(status: str, headers: object, exc_info: object = None) -> Any:
        statuses.append(status)

    start_response: StartResponse = start
    application(environ, start_response)
    return statuses[0]


@pytest.mark.django_db
@pytest.mark.parametrize("charset", CHARSETS)
def test_an_odd_charset_breaks_nothing(charset: str) -> None:
    assert ask(environ_of(charset, query="a=1")) == "200 OK"


@pytest.mark.parametrize("charset", CHARSETS)
def test_text_is_read_as_utf_8_whatever_the_request_says(charset: str) -> None:
    part = 'Content-Disposition: form-data; name="name"\r\n\r\nJosé +2AA-'
    body = f"--x\r\n{part}\r\n--x--\r\n".encode()

    request = Utf8Request(environ_of(charset, query="zone=%2B2AA-&name=Jos%C3%A9", body=body))

    assert request.GET.dict() == {"zone": "+2AA-", "name": "José"}
    assert request.POST.dict() == {"name": "José +2AA-"}
    # It can be written down again.
    assert HttpResponse(request.GET["zone"] + request.POST["name"]).content
