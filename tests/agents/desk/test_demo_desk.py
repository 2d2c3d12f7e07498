"""The demonstration's telephones: whoever logs in by hand has one."""

from __future__ import annotations

import pytest

from agents.models import Device, Place, Queue, User
from agents.services.demo import load_demo, password_of
from tests.agents.desk.desk import OK, Desktop

pytestmark = pytest.mark.django_db

AGENT = "anna.keller@northwind.example"


def test_an_agent_logs_in_without_saying_where() -> None:
    load_demo()
    desktop = Desktop(User.objects.get(username=AGENT), password_of(AGENT))

    answer = desktop.post("/me", "StartContactCenterSession", channels=["voice", "email"])

    (device,) = desktop.get("/me/devices", fields="*").json()["devices"]
    assert answer.json() == OK
    assert (device["phoneNumber"], device["deviceState"]) == ("5002", "Active")


def test_supervisors_and_agents_have_a_place_and_agents_a_queue() -> None:
    load_demo()

    assert (Place.objects.count(), Device.objects.count()) == (8, 8)
    assert [queue.agents.count() for queue in Queue.objects.all()] == [3, 3]


def test_what_somebody_changed_stays() -> None:
    load_demo()
    Device.objects.filter(phone_number="5001").update(phone_number="5999")
    Place.objects.filter(name="Desk 5004").delete()

    load_demo()

    assert Device.objects.filter(phone_number="5999").count() == 2
    assert not Place.objects.filter(name="Desk 5004").exists()
