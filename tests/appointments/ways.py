"""The two ways of booking, each with the proof at hand, for what they have in common."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import Application
from config.kernel.actors import Role
from tests import make
from tests.contract.client import UNSET, ApiClient
from tests.contract.samples import ADDRESS, booking

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

APPOINTMENTS = "/api/v2/appointments/"
AS_CUSTOMER = "/api/v2/appointments/basic"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who may book with the application, once."""

    application: Application
    path: str
    headers: dict[str, str]

    def book(self, **members: object) -> Answer:
        """Book for tomorrow, as Ada, with members of the body changed or added."""
        return self.send(booking(self.application, **members))

    def send(self, body: object = UNSET) -> Answer:
        """Send any JSON, or no body."""
        return ApiClient().post(self.path, body, headers=self.headers)


By = Callable[[Application], Caller]


def basic(username: str, password: str = "") -> dict[str, str]:
    """Give the header of HTTP Basic."""
    return {"Authorization": f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """Give the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def agent(application: Application) -> Caller:
    """Make an agent of the application's organization who is about to book."""
    token = make.token_for(make.make_user(application.organization))
    return Caller(application=application, path=APPOINTMENTS, headers=bearer(token))


def service(application: Application) -> Caller:
    """Make an API client of the application's organization that is about to book."""
    client, _ = make.make_api_client(application.organization)
    headers = bearer(make.token_for(client))
    return Caller(application=application, path=APPOINTMENTS, headers=headers)


def customer(application: Application, address: str = ADDRESS) -> Caller:
    """Make a customer who has a one-time password for the application."""
    code = make.make_code(application, address)
    return Caller(application=application, path=AS_CUSTOMER, headers=basic(address, code))


both_ways = pytest.mark.parametrize(
    "by", [pytest.param(agent, id="agent"), pytest.param(customer, id="customer")]
)


def details_of(application: Application, booked: dict[str, Any], participant_id: str) -> Any:
    """Read the details of a participant, as a supervisor."""
    user = make.make_user(application.organization, roles=[Role.SUPERVISOR])
    path = f"{APPOINTMENTS}{booked['id']}/participants/{participant_id}"
    return ApiClient(make.token_for(user)).get(path).json()


def customers_in(booked: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the customers of an answer in their order."""
    return [one for one in booked["participants"] if one["type"] == "CUSTOMER"]


def faults(answer: Answer) -> list[str]:
    """Give the members that a 400 names. Raises AssertionError for another status."""
    assert answer.status_code == 400, answer.content
    return sorted(answer.json()["errors"])
