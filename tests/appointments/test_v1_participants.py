"""Participants with the older version: answered with the appointment, read without tickets."""

from __future__ import annotations

from typing import Any

import pytest

from appointments.models import Appointment
from notifications.models import Channel, Notification
from tests import make
from tests.appointments import older
from tests.appointments.scene import UNKNOWN, Scene, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
AGENTS = "/api/appointments/participants/agents/"
CUSTOMERS = "/api/appointments/participants/customers/"
ADA = make.make_customer(phone="+4930901820", username="countess", metadata={"vip": True})
GRACE = make.make_customer(first_name="Grace", last_name="", email="grace@example.org")
NEW: dict[str, Any] = {
    "name": {"firstName": "Grace", "lastName": "Hopper"},
    "contact": {"primaryEmail": "grace@example.org", "primaryPhone": "+1 212 5550100"},
    "username": "amazing",
    "metadata": {"ship": ["Hopper", 70]},
}


def ids(one: Scene, **more: Any) -> dict[str, Any]:
    return {"id": str(one.appointment.id), **more}


def path_of(one: Scene, pid: object) -> str:
    return f"{older.path(one)}/participants/{getattr(pid, 'wire_id', pid)}"


# --- Adding an agent ------------------------------------------------------------------------


@pytest.mark.rule("v1.participants.add_agent.r4")
@pytest.mark.parametrize("who", ["agent", "supervisor"])
def test_an_added_agent_is_answered_with_the_whole_appointment(who: str) -> None:
    one = make_scene()
    was = older.read(one)

    answer = one.by(getattr(one, who)).post(AGENTS, ids(one, userId=str(one.colleague.id)))

    added = {"id": str(one.colleague.id), "type": "AGENT"}
    assert answer.status_code == 200
    assert answer.json() == was | {"participantIds": [*was["participantIds"], added]}
    assert answer.json() == older.as_older(one.read())


@pytest.mark.rule(
    "v1.participants.add_agent.r3", "v1.participants.add_agent.r5", "v1.participants.add_agent.r6"
)
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": None}, 400), ({"id": ""}, 400), ({"userId": None}, 400), ({"userId": ""}, 400),
        ({"id": UNKNOWN}, 404), ({"id": "x"}, 404), ({"userId": UNKNOWN}, 404),
        ({"userId": "supervisor"}, 404), ({"userId": "agent"}, 409),
    ],
)  # fmt: skip
def test_an_agent_who_cannot_be_added_is_refused(changes: dict[str, Any], status: int) -> None:
    one = make_scene(*ALL)
    people = {"supervisor": one.supervisor, "agent": one.agent}
    user = changes.get("userId", str(one.colleague.id))
    body = ids(one, **{**changes, "userId": str(people[user].id) if user in people else user})
    before = everything()

    answer = one.by(one.supervisor).post(AGENTS, body)

    assert (answer.status_code, everything()) == (status, before)


@pytest.mark.rule("v1.participants.add_agent.r7")
def test_subscribers_hear_of_an_added_agent() -> None:
    one = make_scene(*ALL)

    with listening() as told:
        one.by(one.agent).post(AGENTS, ids(one, userId=str(one.colleague.id)))

    assert told == [at_once("PARTICIPANT_ADDED", "WEBHOOKS", one.hook)]


# --- Adding a customer ----------------------------------------------------------------------


@pytest.mark.rule(
    "v1.participants.add_customer.r4", "v1.participants.add_customer.r5",
    "v1.participants.add_customer.r7",
)  # fmt: skip
def test_an_added_customer_is_answered_with_the_whole_appointment_and_the_same_room() -> None:
    one = make_scene()
    was = older.read(one)

    answer = one.by(one.agent).post(CUSTOMERS, ids(one, customer=NEW))

    new = answer.json()["participantIds"][-1]
    assert answer.json() == was | {"participantIds": [*was["participantIds"], new]}
    assert new["type"] == "CUSTOMER"
    assert one.by(one.agent).get(path_of(one, new["id"])).json() == {**new, **NEW}


@pytest.mark.rule("v1.participants.add_customer.r3", "v1.participants.add_customer.r6")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": None}, 400), ({"id": ""}, 400), ({"customer": None}, 400), ({"customer": 7}, 400),
        ({"customer": {"contact": {"primaryEmail": "nobody"}}}, 400),
        ({"id": UNKNOWN}, 404), ({"id": "x"}, 404),
    ],
)  # fmt: skip
def test_a_customer_who_cannot_be_added_is_refused(changes: dict[str, Any], status: int) -> None:
    one = make_scene(*ALL)
    before = everything()

    answer = one.by(one.supervisor).post(CUSTOMERS, {**ids(one, customer=NEW), **changes})

    assert (answer.status_code, everything()) == (status, before)


@pytest.mark.rule("v1.participants.add_customer.r8")
def test_the_new_customer_is_told_and_subscribers_hear_of_it() -> None:
    one = make_scene(Channel.EMAIL, Channel.WEBHOOKS)

    with listening() as told:
        one.by(one.agent).post(CUSTOMERS, ids(one, customer=NEW))

    _, new = make.customers_of(one.appointment)
    assert told == [
        at_once("CREATE", "EMAIL", new), at_once("PARTICIPANT_ADDED", "WEBHOOKS", one.hook),
    ]  # fmt: skip


# --- Removing -------------------------------------------------------------------------------


@pytest.mark.rule("v1.participants.remove.r3", "v1.participants.remove.r4")
@pytest.mark.parametrize("who", ["customer", "agent_row"])
def test_a_removed_participant_is_listed_no_more(who: str) -> None:
    one = make_scene(customers=[ADA, GRACE])
    was, gone = older.read(one), getattr(one, who)

    answer = one.by(one.supervisor).delete(path_of(one, gone))

    left = [each for each in was["participantIds"] if each["id"] != gone.wire_id]
    assert (answer.status_code, answer.json()["participantIds"]) == (200, left)
    assert one.by(one.supervisor).delete(path_of(one, gone)).status_code == 404


@pytest.mark.rule("v1.participants.remove.r5")
def test_who_takes_part_in_another_appointment_is_not_found() -> None:
    one, theirs = make_scene(*ALL), make_scene()
    other = make_scene(application=one.application)
    before = everything()

    answers = [
        one.by(one.supervisor).delete(path)
        for path in (
            path_of(one, other.customer), path_of(one, theirs.customer), path_of(one, UNKNOWN),
            path_of(theirs, theirs.customer), f"/api/appointments/x/participants/{one.agent.id}",
        )
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [404] * 5
    assert everything() == before


@pytest.mark.rule("v1.participants.remove.r6")
def test_a_removed_customer_is_told_and_subscribers_hear_of_it() -> None:
    one = make_scene(Channel.EMAIL, Channel.WEBHOOKS)
    gone = one.customer

    with listening() as told:
        one.by(one.supervisor).delete(path_of(one, gone))

    assert told == [
        at_once("CANCELLED", "EMAIL", gone), at_once("PARTICIPANT_REMOVED", "WEBHOOKS", one.hook),
    ]  # fmt: skip


def test_nobody_is_told_of_participants_while_notifications_are_not_active() -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    one.by(one.supervisor).post(AGENTS, ids(one, userId=str(one.colleague.id)))
    one.by(one.supervisor).post(CUSTOMERS, ids(one, customer=NEW))
    one.by(one.supervisor).delete(path_of(one, one.customer))

    assert list(Notification.objects.all()) == []


# --- Reading --------------------------------------------------------------------------------


@pytest.mark.rule("v1.participants.get.r3", "v1.participants.get.r4")
@pytest.mark.parametrize("who", ["agent", "supervisor", "customer"])
def test_a_customer_is_read_with_everything_but_the_ticket(who: str) -> None:
    one = make_scene(customers=[ADA])

    answer = one.by(getattr(one, who)).get(path_of(one, one.customer))

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": str(one.customer.id),
            "type": "CUSTOMER",
            "name": {"firstName": "Ada", "lastName": "Lovelace"},
            "contact": {"primaryEmail": "ada@example.org", "primaryPhone": "+4930901820"},
            "username": "countess",
            "metadata": {"vip": True},
        },
    )


@pytest.mark.rule("v1.participants.get.r3")
def test_an_agent_is_known_by_its_user() -> None:
    one = make_scene()

    answer = one.by(one.supervisor).get(path_of(one, one.agent_row))

    assert answer.json() == {
        "id": str(one.agent.id),
        "type": "AGENT",
        "name": {"firstName": "Grace", "lastName": "Hopper"},
        "contact": {"primaryEmail": one.agent.username},
        "username": one.agent.username,
    }


@pytest.mark.rule("v1.participants.get.r5")
def test_an_unknown_appointment_or_participant_is_not_found() -> None:
    one, theirs = make_scene(), make_scene()
    other = make_scene(application=one.application)

    answers = [
        one.by(one.supervisor).get(path)
        for path in (
            path_of(one, other.customer), path_of(one, UNKNOWN), path_of(one, "x"),
            path_of(theirs, theirs.customer), f"/api/appointments/x/participants/{one.agent.id}",
        )
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [404] * 5


@pytest.mark.rule("v1.participants.get.r6", "v1.participants.get.r7")
def test_a_customer_reaches_the_customers_of_its_own_conference_only() -> None:
    one = make_scene(customers=[ADA, GRACE])
    other = make_scene(application=one.application)
    ada, grace = make.customers_of(one.appointment)
    caller = one.by(ada)

    answers = [
        caller.get(path_of(one, one.agent_row)), caller.get(path_of(other, other.customer)),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403, 403]
    assert [answer.json()["code"] for answer in answers] == [
        "NOT_FOR_CUSTOMERS", "NOT_YOUR_CONFERENCE",
    ]  # fmt: skip
    assert caller.get(path_of(one, grace)).json() == {
        "id": str(grace.id), "type": "CUSTOMER", "name": {"firstName": "Grace"},
    }  # fmt: skip


@pytest.mark.rule("v1.participants.get.r8")
def test_after_it_has_expired_a_customer_finds_no_customer() -> None:
    one = make_scene()
    caller = one.by(one.customer)
    Appointment.objects.update(access_expires_at=one.appointment.created_at)

    answer = caller.get(path_of(one, one.customer))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert one.by(one.supervisor).get(path_of(one, one.customer)).status_code == 200
