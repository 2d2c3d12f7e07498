"""GET of one participant: its details, who may read them, and how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from appointments import services
from appointments.models import Appointment
from appointments.models.participant import details_are_available
from config.kernel.time import format_instant
from tests import make
from tests.appointments.scene import UNKNOWN, Scene, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ADA = make.make_customer(phone="+4930901820", username="ada", metadata={"crm": 7})
GRACE = make.make_customer(first_name="Grace", email="grace@example.org", metadata={"crm": 8})
SECOND = timedelta(seconds=1)


def expire(one: Scene, **moments: datetime) -> None:
    """Move the ends of access or details, as an earlier end of the appointment would."""
    Appointment.objects.filter(pk=one.appointment.pk).update(**moments)


@pytest.mark.rule("v2.participants.get.r3", "v2.participants.get.r9", "v2.participants.get.r10")
@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_a_customer_is_answered_with_everything_that_is_known_of_it(who: str) -> None:
    one = make_scene(customers=[ADA, GRACE])
    end = one.appointment.end
    assert end

    answer = one.by(getattr(one, who)).get(one.path_of(one.customer))

    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(one.customer.id),
        "type": "CUSTOMER",
        "name": {"firstName": "Ada", "lastName": "Lovelace"},
        "contact": {"primaryEmail": "ada@example.org", "primaryPhone": "+4930901820"},
        "username": "ada",
        "metadata": {"crm": 7},
        "ticket": {
            "accessUrl": services.access_url(one.customer),
            "expiresAt": format_instant(end + timedelta(hours=4)),
        },
        "expiresAt": format_instant(end + timedelta(days=30)),
    }


@pytest.mark.rule("v2.participants.get.r3")
def test_a_customer_of_whom_nothing_is_known_has_no_empty_members() -> None:
    one = make_scene(customers=[services.CustomerData()])

    body = one.by(one.agent).get(one.path_of(one.customer)).json()

    assert sorted(body) == ["expiresAt", "id", "ticket", "type"]


@pytest.mark.rule("v2.participants.get.r3", "v2.participants.get.r9", "v2.participants.get.r10")
@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_an_agent_is_known_by_its_user_and_has_neither_ticket_nor_end(who: str) -> None:
    one = make_scene()

    answer = one.by(getattr(one, who)).get(one.path_of(one.agent_row))

    assert answer.json() == {
        "id": str(one.agent.id),
        "type": "AGENT",
        "name": {"firstName": "Grace", "lastName": "Hopper"},
        "contact": {"primaryEmail": one.agent.username},
        "username": one.agent.username,
    }


@pytest.mark.rule("v2.participants.get.r10")
def test_there_is_a_ticket_only_once_the_appointment_is_active() -> None:
    one = make_scene(application=make.make_application(activates_automatically=False))
    client, _ = make.make_api_client(one.application.organization)
    assert "ticket" not in one.by(one.agent).get(one.path_of(one.customer)).json()

    services.activate_appointment(
        one.appointment.id, actor=make.actor_for(client), now=one.appointment.created_at
    )

    ticket = one.by(one.agent).get(one.path_of(one.customer)).json()["ticket"]
    assert ticket == one.read()["participants"][0]["ticket"]


@pytest.mark.rule("v2.participants.get.r4")
@pytest.mark.parametrize("who", ["customer", "agent", "agent's row id", "unknown", "no id"])
def test_a_participant_of_another_appointment_is_not_found(who: str) -> None:
    one = make_scene()
    other = make_scene(application=one.application)
    id = {
        "customer": str(other.customer.id),
        "agent": str(other.agent.id),
        "agent's row id": str(one.agent_row.id),
        "unknown": UNKNOWN,
        "no id": "ada@example.org",
    }[who]

    answer = one.by(one.supervisor).get(one.path_of(id))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert str(other.customer.email) not in answer.content.decode()


@pytest.mark.rule("v2.participants.get.r4")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_has_no_participants(place: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]

    answer = one.by(one.supervisor).get(
        f"/api/v2/appointments/{id}/participants/{theirs.customer.id}"
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")


# --- Customers as callers ---------------------------------------------------------------------


@pytest.mark.rule("v2.participants.get.r3", "v2.participants.get.r11")
def test_a_customer_reads_all_of_its_own_details() -> None:
    one = make_scene(customers=[ADA, GRACE])

    own = one.by(one.customer).get(one.path_of(one.customer))

    assert own.json() == one.by(one.supervisor).get(one.path_of(one.customer)).json()
    assert own.json()["contact"]["primaryEmail"] == "ada@example.org"


@pytest.mark.rule("v2.participants.get.r11")
def test_a_customer_sees_of_another_one_who_it_is_and_no_more() -> None:
    one = make_scene(customers=[ADA, GRACE])
    ada, grace = make.customers_of(one.appointment)

    answer = one.by(ada).get(one.path_of(grace))

    assert answer.json() == {
        "id": str(grace.id),
        "type": "CUSTOMER",
        "name": {"firstName": "Grace", "lastName": "Lovelace"},
    }


@pytest.mark.rule("v2.participants.get.r5")
def test_agents_are_out_of_a_customers_reach() -> None:
    one = make_scene()

    answer = one.by(one.customer).get(one.path_of(one.agent_row))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_FOR_CUSTOMERS")
    assert one.agent.username not in answer.content.decode()


@pytest.mark.rule("v2.participants.get.r6")
@pytest.mark.parametrize("who", ["customer", "agent_row"])
def test_another_conference_is_out_of_a_customers_reach(who: str) -> None:
    one = make_scene()
    other = make_scene(application=one.application)

    answer = one.by(one.customer).get(other.path_of(getattr(other, who)))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert "Ada" not in answer.content.decode()


@pytest.mark.rule("v2.participants.get.r6")
def test_before_activation_there_is_no_conference_to_reach() -> None:
    one = make_scene(application=make.make_application(activates_automatically=False))

    answer = one.by(one.customer).get(one.path_of(one.customer))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")


@pytest.mark.rule("v2.participants.get.r7", "v2.participants.get.r8")
@pytest.mark.parametrize("who", [0, 1])
def test_a_customer_finds_nobody_once_the_tickets_have_expired(who: int, now: datetime) -> None:
    one = make_scene(customers=[ADA, GRACE])
    wanted = make.customers_of(one.appointment)[who]
    caller = one.by(one.customer)
    expire(one, access_expires_at=now + timedelta(hours=1))
    assert caller.get(one.path_of(wanted)).status_code == 200

    expire(one, access_expires_at=now)
    answer = caller.get(one.path_of(wanted))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert one.by(one.agent).get(one.path_of(wanted)).status_code == 200


@pytest.mark.rule("v2.participants.get.r8")
@pytest.mark.parametrize(
    ("early", "is_over"), [(timedelta(microseconds=1), False), (timedelta(0), True)]
)
def test_the_tickets_end_to_the_microsecond(early: timedelta, is_over: bool) -> None:
    one = make_scene(application=make.make_application(ticket_grace=timedelta(minutes=7)))
    end = one.appointment.end
    assert end

    assert one.appointment.has_expired(end + timedelta(minutes=7) - early) == is_over


# --- How long ---------------------------------------------------------------------------------


@pytest.mark.rule("v2.participants.get.r12")
@pytest.mark.parametrize("who", ["agent", "supervisor", "customer"])
def test_after_their_time_details_are_gone_for_everybody(who: str, now: datetime) -> None:
    # Details may end before the tickets do.
    one = make_scene(customers=[ADA])
    caller, customer = one.by(getattr(one, who)), one.customer
    expire(one, details_expire_at=now + timedelta(hours=1))
    assert caller.get(one.path_of(customer)).status_code == 200
    assert one.read()["participants"][0]["detailsAvailable"] is True

    expire(one, details_expire_at=now)
    answer = caller.get(one.path_of(customer))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert one.read()["participants"][0]["detailsAvailable"] is False


@pytest.mark.rule("v2.participants.get.r12")
@pytest.mark.parametrize(
    ("early", "is_there"), [(timedelta(microseconds=1), True), (timedelta(0), False)]
)
def test_details_end_to_the_microsecond(early: timedelta, is_there: bool, now: datetime) -> None:
    customer = make_scene().customer

    assert details_are_available(customer, expire_at=now, now=now - early) == is_there


@pytest.mark.rule("v2.participants.get.r12")
def test_agents_have_no_end(now: datetime) -> None:
    one = make_scene()
    expire(one, details_expire_at=now - SECOND)

    answer = one.by(one.supervisor).get(one.path_of(one.agent_row))

    assert answer.json()["contact"] == {"primaryEmail": one.agent.username}
    assert one.read()["participants"][1]["detailsAvailable"] is True


def test_reading_changes_nothing() -> None:
    one = make_scene()
    caller = one.by(one.customer)
    before = everything()

    caller.get(one.path_of(one.customer))
    one.by(one.agent).get(one.path_of(one.agent_row))

    assert everything() == before
