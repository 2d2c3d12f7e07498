"""The older version of the API: how to book with it, and what it shows of a newer answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import make
from tests.appointments import ways
from tests.appointments.scene import Scene
from tests.contract.client import ApiClient
from tests.contract.samples import ADDRESS, older_booking

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import Application

APPOINTMENTS = "/api/appointments/"
AS_CUSTOMER = "/api/appointments/basic"
# What the newer version alone shows of an appointment.
NEWER_ONLY = {"participants", "targetAssignment", "notificationHeaders", "secureToken"}


class Caller(ways.Caller):
    """Somebody who may book with the older version, once."""

    def book(self, **members: object) -> Answer:
        """Book for tomorrow, as Ada, with members of the body changed or added."""
        return self.send(older_booking(self.application, **members))


def agent(application: Application) -> Caller:
    """Make an agent of the application's organization who is about to book."""
    headers = ways.agent(application).headers
    return Caller(application=application, path=APPOINTMENTS, headers=headers)


def service(application: Application) -> Caller:
    """Make an API client of the application's organization that is about to book."""
    headers = ways.service(application).headers
    return Caller(application=application, path=APPOINTMENTS, headers=headers)


def customer(application: Application, address: str = ADDRESS) -> Caller:
    """Make a customer who has a one-time password for the application."""
    headers = ways.customer(application, address).headers
    return Caller(application=application, path=AS_CUSTOMER, headers=headers)


both_ways = pytest.mark.parametrize(
    "by", [pytest.param(agent, id="agent"), pytest.param(customer, id="customer")]
)


def path(one: Scene) -> str:
    """Give the path of the scene's appointment."""
    return f"{APPOINTMENTS}{one.appointment.id}"


def read(one: Scene, who: Any = None) -> Any:
    """Read the scene's appointment, as its supervisor unless somebody is named."""
    answer = one.by(who or one.supervisor).get(path(one))
    assert answer.status_code == 200, answer.content
    return answer.json()


def service_of(one: Scene) -> ApiClient:
    """Give a client with the token of a service of the scene's organization."""
    return ApiClient(make.token_for(make.make_api_client(one.application.organization)[0]))


def as_older(newer: dict[str, Any]) -> dict[str, Any]:
    """Give, member by member, what the older version shows of an answer of the newer one."""
    shown = {name: value for name, value in newer.items() if name not in NEWER_ONLY}
    shown["participantIds"] = [
        {"id": one["id"], "type": one["type"]} for one in newer["participants"]
    ]
    shown["interaction"] = {
        name: value for name, value in newer["interaction"].items() if name != "properties"
    }
    tickets = [one["ticket"] for one in newer["participants"] if "ticket" in one]
    if tickets:
        shown["roomAccess"] = {
            "url": tickets[0]["accessUrl"],
            "expires": tickets[0]["expiresAt"],
            "type": "MULTI_USE_TICKET",
        }
    return shown
