"""Requests as we read them: their text is UTF-8."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A request whose text is UTF-8, whatever it says of itself.

    Browsers send nothing else (WHATWG URL, 5.1; RFC 7578, 5.1.2). Django would believe any codec
    that Python has, also those whose text cannot be written down, and those that are no text.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(
            meta.get("CONTENT_TYPE", "")
        )
