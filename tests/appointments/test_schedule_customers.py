"""Booking: the customers who come, and the tickets that let them in, for both ways of booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from appointments.models import Appointment, State
from config.kernel.time import format_instant
from tests import make
from tests.appointments import ways
from tests.appointments.ways import By, both_ways, customers_in, faults
from tests.contract.samples import ADDRESS, booking
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.mark.rule("v2.appointments.schedule.r10", "v2.appointments.schedule_as_customer.r16")
@both_ways
def test_each_customer_becomes_a_participant_with_an_id_of_its_own(by: By) -> None:
    application = make.make_application(activates_automatically=False)
    customers: list[dict[str, Any]] = [
        {
            "name": {"firstName": "Ada", "lastName": "Lovelace"},
            "contact": {"primaryEmail": ADDRESS, "primaryPhone": "+44 20 7946 0018"},
            "username": "ada",
            "metadata": {"vip": True},
        },
        {"name": {"firstName": "Grace"}, "contact": {"primaryPhone": "030 / 90 18 20"}},
        {},
    ]

    booked = by(application).book(customers=customers).json()

    shown = customers_in(booked)
    assert [one.keys() for one in shown] == [{"id", "type", "detailsAvailable"}] * 3
    assert len({UUID(one["id"]) for one in shown}) == 3
    for given, one in zip(customers, shown, strict=True):
        details = ways.details_of(application, booked, one["id"])
        assert details.pop("expiresAt")
        assert details == {"id": one["id"], "type": "CUSTOMER", **given}


@pytest.mark.rule("v2.appointments.schedule.r11")
@pytest.mark.parametrize("members", [{"customers": []}, {"customers": None}, {}])
def test_an_agent_may_book_without_customers(members: dict[str, Any]) -> None:
    caller = ways.agent(make.make_application())
    body = {**booking(caller.application), **members}
    if not members:
        del body["customers"]

    answer = caller.send(body)

    assert answer.status_code == 200
    assert [one["type"] for one in answer.json()["participants"]] == ["AGENT"]


@pytest.mark.rule("v2.appointments.schedule.r12", "v2.appointments.schedule_as_customer.r17")
@both_ways
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("primaryEmail", value) for value in ["ada", "ada@", "@example.org", "a b@c.org", 5]),
        *(("primaryPhone", value) for value in ["none", "+", "( )", 5]),
    ],
)
def test_an_address_that_is_none_is_refused(by: By, name: str, value: object) -> None:
    caller = by(make.make_application())
    good = booking(caller.application)["customers"]
    before = everything()

    answer = caller.book(customers=[*good, {"contact": {name: value}}])

    assert (faults(answer), everything()) == ([f"customers.1.contact.{name}"], before)


@pytest.mark.rule("v2.appointments.schedule.r13", "v2.appointments.schedule_as_customer.r18")
@both_ways
def test_an_application_that_activates_gives_every_customer_a_ticket(by: By) -> None:
    application = make.make_application(ticket_grace=timedelta(hours=1))
    customers = [*booking(application)["customers"], {"name": {"firstName": "Grace"}}]

    booked = by(application).book(customers=customers).json()

    tickets = [one["ticket"] for one in customers_in(booked)]
    end = datetime.fromisoformat(booked["end"])
    assert [one["expiresAt"] for one in tickets] == [format_instant(end + timedelta(hours=1))] * 2
    assert len({one["accessUrl"] for one in tickets}) == 2
    made = Appointment.objects.get()
    assert (made.state, made.activated_at) == (State.ACTIVATED, made.created_at)


@pytest.mark.rule("v2.appointments.schedule.r14", "v2.appointments.schedule_as_customer.r19")
@both_ways
def test_without_automatic_activation_nobody_has_a_ticket(by: By) -> None:
    booked = by(make.make_application(activates_automatically=False)).book().json()

    assert [one for one in booked["participants"] if "ticket" in one] == []
    made = Appointment.objects.get()
    assert (made.state, made.activated_at) == (State.SCHEDULED, None)
