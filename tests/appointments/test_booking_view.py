"""What of a booking a caller of the API sees: nobody gets a link with which to be somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Application
from appointments import services
from appointments.models import Appointment
from config.kernel.time import format_instant
from tests import make
from tests.appointments.bookings import Desk, make_desk
from tests.contract.client import ApiClient

pytestmark = pytest.mark.django_db

LINKS = {"token", "cancelUrl", "editUrl", "inviteUrl", "videoUrl", "videoTestUrl", "icalUrl"}
OPEN_TO_CUSTOMERS = ["choose-time", "request-time", "cancel"]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def booked(desk: Desk) -> Appointment:
    """Give an appointment of Ada with Grace, to which Bob was added."""
    one = desk.booked(internal_notes="Pays late")
    services.add_customer(
        one.id,
        data=make.make_customer(first_name="Bob", email="bob@example.org"),
        actor=desk.actor,
        now=desk.now,
    )
    return one


def people(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the participants by their first names."""
    found = {}
    for one in body["participants"]:
        person = one.get("customer") or one.get("employee")
        found[person["firstName"]] = one
    return found


@pytest.mark.rule("frontdesk.bookings.get.r3")
def test_an_agent_sees_its_own_links_and_those_of_its_customers(
    desk: Desk, booked: Appointment
) -> None:
    body = desk.by(desk.agent).get(f"/api/v2/appointments/{booked.id}/booking").json()

    assert {name for name, one in people(body).items() if set(one) >= LINKS} == {
        *("Ada", "Bob"),
        "Grace",
    }


@pytest.mark.rule("frontdesk.bookings.get.r3")
def test_a_supervisor_does_not_see_the_agents_links(desk: Desk, booked: Appointment) -> None:
    body = desk.by(desk.supervisor).get(f"/api/v2/appointments/{booked.id}/booking").json()

    assert set(people(body)["Ada"]) >= LINKS
    assert set(people(body)["Grace"]).isdisjoint(LINKS)


@pytest.mark.rule("frontdesk.bookings.get.r3")
def test_whoever_may_only_read_sees_no_links_at_all(desk: Desk, booked: Appointment) -> None:
    Application.objects.filter(pk=desk.application.pk).update(agents_see_only_their_own=False)

    body = desk.by(desk.colleague).get(f"/api/v2/appointments/{booked.id}/booking").json()

    assert all(set(one).isdisjoint(LINKS) for one in people(body).values())
    assert len(people(body)) == 3


@pytest.mark.rule("frontdesk.bookings.choose.r5")
@pytest.mark.parametrize("word", OPEN_TO_CUSTOMERS)
def test_a_customer_sees_itself_and_who_it_meets(
    desk: Desk, booked: Appointment, word: str
) -> None:
    client = ApiClient(make.customer_token(make.customers_of(booked)[0]))
    if word == "choose-time":
        services.request_alternative(booked.id, actor=desk.actor, now=desk.now)
    time = {"start": format_instant(desk.start)}

    answer = client.post(f"/api/v2/appointments/{booked.id}/{word}", time)

    body = answer.json()
    assert answer.status_code == 200, body
    assert list(people(body)) == ["Ada", "Grace"]
    assert people(body)["Grace"]["employee"] == {
        "id": str(desk.agent.id),
        "firstName": "Grace",
        "lastName": "Hopper",
    }
    assert set(people(body)["Grace"]).isdisjoint(LINKS)
    assert body["internalNotes"] is None
