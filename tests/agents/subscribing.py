"""Requests to the API of the webhook subscriptions, and what they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.models import Application
    from tests.contract.client import ApiClient

PATH = "/api/v2/webhook-subscriptions/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
BODY = {"url": "https://hooks.example.org/frontdesk", "format": "appointment-event"}
BASIC = {"type": "BASIC", "username": "frontdesk", "password": "open sesame"}
OAUTH2 = {
    "type": "OAUTH2",
    "tokenUrl": "https://login.example.org/token",
    "clientId": "frontdesk",
    "clientSecret": "open sesame",
    "scope": "hooks",
}


def body(application: Application, **members: object) -> dict[str, Any]:
    """Give what makes a subscription of an application."""
    return {"applicationId": str(application.id), **BODY, **members}


def created(client: ApiClient, application: Application, **members: object) -> dict[str, Any]:
    """Make a subscription and give the answer."""
    answer = client.post(PATH, body(application, **members))
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def refused(answer: Any, *members: str) -> None:
    """Expect a 400 that names these members and no others."""
    assert answer.status_code == 400, answer.content
    assert sorted(answer.json()["errors"]) == sorted(members)
