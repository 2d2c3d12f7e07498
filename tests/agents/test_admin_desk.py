"""The admin of the desk: what is typed in is the command, and what it refuses can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from agents.models import AgentState, Contact, Device, Place, PlaceDevice, PushMessage, User
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.desk import (
    make_active_device,
    make_agent,
    make_device,
    make_place,
    make_state,
)
from tests.make import make_organization, make_user

if TYPE_CHECKING:
    from django.db.models import Model
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return make_agent()


@pytest.fixture
def browser(agent: User) -> Client:
    """Give the browser of an administrator of the agent's organisation."""
    client = Client()
    client.force_login(make_user(agent.organization, [Role.ADMIN]))
    return client


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def refusals(answer: Answer) -> str:
    """Give what the form says is wrong. Raises KeyError for an answer without one."""
    return str(answer.context["errors"])


def test_a_device_is_made_and_given_to_somebody(agent: User, browser: Client) -> None:
    answer = browser.post(
        url(Device, "add"), {"phone_number": "5999", "network": "Public", "user": str(agent.pk)}
    )

    device = Device.objects.get()
    assert answer.status_code == 302
    assert (device.phone_number, device.network, device.user) == ("5999", "Public", agent)
    events = OutboxEvent.objects.filter(subject_id=device.pk).order_by("subject_sequence")
    assert [one.type for one in events] == ["device.created", "device.assigned"]
    assert PushMessage.objects.filter(user=agent).count() == 1


@pytest.mark.parametrize(
    ("number", "words"), [("49-77", "Another device has this"), ("Anna", "has digits")]
)
def test_a_number_that_is_none_or_taken_is_refused(
    agent: User, browser: Client, number: str, words: str
) -> None:
    make_device(agent, phone_number="4977")

    answer = browser.post(url(Device, "add"), {"phone_number": number, "network": "Private"})

    assert words in refusals(answer)
    assert Device.objects.count() == 1
    assert not OutboxEvent.objects.exists()


def test_a_device_is_described_and_taken_away(agent: User, browser: Client) -> None:
    device = make_device(agent)
    path = url(Device, "change", device.pk)

    browser.post(path, {"model": "D65", "network": "Private", "user": ""})

    device.refresh_from_db()
    assert (device.model, device.user, device.phone_number) == ("D65", None, device.phone_number)


def test_a_device_on_which_somebody_is_stays_with_it(agent: User, browser: Client) -> None:
    device = make_active_device(agent)

    refused = browser.post(url(Device, "change", device.pk), {"network": "Private", "user": ""})
    deleted = browser.post(url(Device, "delete", device.pk), {"post": "yes"})

    device.refresh_from_db()
    assert "Somebody is logged in" in refusals(refused)
    assert (deleted.status_code, device.user) == (403, agent)


def test_a_free_device_is_deleted(agent: User, browser: Client) -> None:
    device = make_device(agent)

    browser.post(url(Device, "delete", device.pk), {"post": "yes"})

    assert not Device.objects.exists()


def test_a_state_is_named_and_changed(browser: Client) -> None:
    words = {"operation_name": "Training", "display_name": "Training", "state": "NotReady"}
    browser.post(url(AgentState, "add"), {**words, "reason": "Training"})
    state = AgentState.objects.get()

    browser.post(
        url(AgentState, "change", state.pk),
        {"display_name": "In training", "state": "NotReady", "reason": "Training"},
    )

    state.refresh_from_db()
    assert (state.operation_name, state.display_name) == ("Training", "In training")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"operation_name": "Ready"}, "operationName"),
        ({"work_mode": "ManualIn"}, "it is one of"),
        ({"reason": "Lunch"}, "reason"),
    ],
)
def test_a_state_that_would_be_another_one_is_refused(
    agent: User, browser: Client, wrong: dict[str, str], words: str
) -> None:
    make_state(agent)
    given = {"operation_name": "Training", "display_name": "Training", "state": "NotReady"}

    answer = browser.post(url(AgentState, "add"), {**given, "reason": "Training", **wrong})

    assert words in refusals(answer)
    assert AgentState.objects.count() == 1


def test_a_state_is_deleted(agent: User, browser: Client) -> None:
    state = make_state(agent)

    browser.post(url(AgentState, "delete", state.pk), {"post": "yes"})

    assert not AgentState.objects.exists()


def test_a_contact_is_written_down_changed_and_struck_out(browser: Client) -> None:
    browser.post(url(Contact, "add"), {"name": "Locksmith", "phone_number": "112"})
    contact = Contact.objects.get()
    path = url(Contact, "change", contact.pk)
    browser.post(path, {"name": "Locksmith", "phone_number": "113"})
    contact.refresh_from_db()
    browser.post(url(Contact, "delete", contact.pk), {"post": "yes"})

    assert contact.phone_number == "113"
    assert not Contact.objects.exists()


def test_devices_of_another_organisation_stand_at_no_place(agent: User, browser: Client) -> None:
    place = make_place(make_device(agent))
    foreign = make_device(house=make_organization())

    browser.post(
        url(PlaceDevice, "add"), {"place": str(place.pk), "device": str(foreign.pk), "order": "1"}
    )

    assert PlaceDevice.objects.count() == 1


def test_two_places_have_two_names(agent: User, browser: Client) -> None:
    make_place(make_device(agent), name="Desk 7")

    answer = browser.post(url(Place, "add"), {"name": "Desk 7"})

    assert answer.status_code == 200
    assert Place.objects.count() == 1
