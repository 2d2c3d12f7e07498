"""An organisation whose catalogue is looked after over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agents.models import Application, Organization, User
from appointments.models import Appointment
from config.kernel.actors import Role
from tests import make
from tests.appointments import entries
from tests.appointments.entries import BERLIN
from tests.contract.client import ApiClient

NAME = [{"value": "Kredite", "language": "de"}, {"value": "Loans", "language": "en"}]
NAMED = {"translations": {"name": NAME}}
CATALOGUE = "/api/v2/catalogue"


@dataclass(frozen=True)
class House:
    """An organisation with an application, and somebody who looks after its catalogue."""

    organization: Organization
    admin: User

    @property
    def client(self) -> ApiClient:
        return ApiClient(make.token_for(self.admin))

    def add(self, kind: str, **members: Any) -> dict[str, Any]:
        """Add a good entry of a kind, with these members."""
        answer = self.client.post(f"{CATALOGUE}/{kind}/", self.body(kind) | members)
        assert answer.status_code == 201, answer.content
        made: dict[str, Any] = answer.json()
        return made

    def body(self, kind: str) -> dict[str, Any]:
        """Give a good body of a kind, with what it cannot be without."""
        match kind:
            case "subjects":
                group = entries.make_group(self.organization)
                return {**NAMED, "subjectGroup": {"id": str(group.id)}}
            case "offices":
                return {**NAMED, "location": BERLIN}
            case "lead-segments":
                return {"code": entries.new_code()}
            case "forms":
                return {"name": "Before we meet"}
            case _:
                return dict(NAMED)

    def use(self, **columns: Any) -> Appointment:
        """Book an appointment that has these entries."""
        application = Application.objects.get(organization=self.organization)
        booked = make.make_appointment(application)
        Appointment.objects.filter(pk=booked.pk).update(**columns)
        return booked


KINDS = ["subject-groups", "subjects", "offices", "listings", "lead-segments", "forms"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def path_of(kind: str, made: dict[str, Any]) -> str:
    return f"{CATALOGUE}/{kind}/{made['id']}"


def ours(made: dict[str, Any], *names: str) -> dict[str, Any]:
    """Leave out what comes about by itself."""
    return {key: value for key, value in made.items() if key not in {"id", *DATES, *names}}


DATES = ("createdAt", "updatedAt", "deletedAt")


def make_house() -> House:
    """Make an organisation without a catalogue."""
    organization = make.make_application().organization
    return House(organization, make.make_user(organization, [Role.ADMIN]))


def question(text: str, **members: Any) -> dict[str, Any]:
    return {"translations": {"label": [{"value": text, "language": "en"}]}, **members}
