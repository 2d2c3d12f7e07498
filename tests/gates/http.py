"""A client that keeps to itself what it sees: every request by a connection of its own."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.local.home import LOCALHOST

# No answer at all: refused, broken off, or none within the client's patience.
NOTHING = 0
_PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request, and when, by the wall clock."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    begun_at: float
    seconds: float

    @property
    def ended_at(self) -> float:
        """The moment of the answer."""
        return self.begun_at + self.seconds

    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Web:
    """A web server of this machine, and as whom to ask it."""

    port: int
    token: str = ""

    def get(self, path: str) -> Answer:
        """Read."""
        return self.send("GET", path)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Create, or carry out."""
        return self.send("POST", path, json.dumps(body).encode(), headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send anything; whatever goes wrong on the way is an answer too."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        begun_at, began = time.time(), time.monotonic()
        connection = http.client.HTTPConnection(LOCALHOST, self.port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            status, content, received = answer.status, answer.read(), dict(answer.getheaders())
        except (OSError, http.client.HTTPException):
            status, content, received = NOTHING, b"", {}
        finally:
            connection.close()
        return Answer(
            status=status,
            body=content,
            headers=received,
            begun_at=begun_at,
            seconds=time.monotonic() - began,
        )
