"""Clients of the desk whose every answer is held against the contract."""

from __future__ import annotations

import base64
import json as json_module
from typing import TYPE_CHECKING

from django.test import Client

from tests.contract import desk as desk_contract
from tests.contract.client import UNSET, Unset
from tests.contract.state import everything
from tests.make import PASSWORD

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import User

COOKIE = "JSESSIONID"


def basic(username: str, password: str = PASSWORD) -> str:
    """Give the header Authorization of somebody."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


class Asker:
    """Sends JSON to /api/v2; raises AssertionError for an answer that nobody promised."""

    def __init__(self, user: User | None = None, *, authorization: str = "") -> None:
        self.client = Client()
        self.authorization = basic(user.username) if user else authorization

    def get(self, path: str, **query: str) -> Answer:
        """Read."""
        return self.send("GET", path, query=query)

    def post(self, path: str, json: object = UNSET, **query: str) -> Answer:
        """Create, or carry out."""
        return self.send("POST", path, json=json, query=query)

    def put(self, path: str, json: object = UNSET) -> Answer:
        """Change."""
        return self.send("PUT", path, json=json)

    def delete(self, path: str, json: object = UNSET, **query: str) -> Answer:
        """Delete."""
        return self.send("DELETE", path, json=json, query=query)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object | Unset = UNSET,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        """Send anything. Raises AssertionError for what the contract does not say."""
        if json is not UNSET:
            body = json_module.dumps(json).encode()
        sent = {"Authorization": self.authorization} if self.authorization else {}
        answer: Answer = self.client.generic(
            method,
            f"/api/v2{path}",
            body or b"",
            content_type=content_type if body is not None else "",
            query_params=query,
            headers={**sent, **(headers or {})},
        )
        desk_contract.check(method, f"/api/v2{path}", json, answer)
        return answer


def refusal(answer: Answer) -> tuple[int, int]:
    """Give the HTTP status and the statusCode of a refusal."""
    return answer.status_code, answer.json()["statusCode"]


def stored() -> dict[str, str]:
    """Give a digest of all that is stored, but for how often somebody has proven itself."""
    return {
        table: digest for table, digest in everything().items() if table != "agents_securitycounter"
    }


def path_in(uri: str) -> str:
    """Give what an address is called below /api/v2."""
    return uri.partition("/api/v2")[2]
