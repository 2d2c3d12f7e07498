"""PUT of one participant: it waits, has joined or has left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from appointments.models import Appointment, Participant
from notifications.models import Channel
from tests import make
from tests.appointments.scene import UNKNOWN, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
STATES = ["WAITING", "JOINED", "LEFT"]
TWO = (make.make_customer(), make.make_customer(first_name="Grace", email="grace@example.org"))


@pytest.mark.rule("v2.participants.update_state.r3")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("index", [0, 1])
def test_the_answer_is_the_appointment_with_the_new_state(state: str, index: int) -> None:
    one = make_scene()
    before = one.read()
    participant = before["participants"][index]

    answer = one.by(one.supervisor).put(one.path_of(participant["id"]), state=state)

    participant["state"] = state
    assert answer.status_code == 200
    assert answer.json() == one.read() == before


@pytest.mark.rule("v2.participants.update_state.r18")
def test_whoever_was_never_there_has_no_state() -> None:
    one = make_scene()

    body = one.by(one.agent).put(one.path_of(one.agent_row), state="WAITING").json()

    assert [each.get("state", "none") for each in body["participants"]] == ["none", "WAITING"]
    assert ["state" in each for each in body["participants"]] == [False, True]


@pytest.mark.rule("v2.participants.update_state.r13")
@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", ["", *STATES])
def test_any_state_may_follow_any_other(before: str, after: str) -> None:
    one = make_scene()
    Participant.objects.filter(pk=one.customer.pk).update(state=before)

    body = one.by(one.customer).put(one.path_of(one.customer), state=after).json()

    assert body["participants"][0]["state"] == after == one.customer.state


# --- Where the state stands -------------------------------------------------------------------


@pytest.mark.rule("v2.participants.update_state.r5")
@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("JOINED", None),
        ("JOINED", "JOINED"),
        ("JOINED", {"state": "JOINED"}),
        ("JOINED", {}),
        ("JOINED", {"other": "LEFT"}),
        ('"JOINED"', None),
        ("", "JOINED"),
        ("", {"state": "JOINED"}),
        ("", {"state": "JOINED", "other": 7}),
    ],
)
def test_the_state_stands_in_the_query_or_else_in_the_body(query: str, body: Any) -> None:
    one = make_scene()
    parameters: dict[str, Any] = {"state": query} if query else {}
    sent = () if body is None else (body,)

    answer = one.by(one.agent).put(one.path_of(one.customer), *sent, **parameters)

    assert answer.json()["participants"][0]["state"] == "JOINED"


@pytest.mark.rule("v2.participants.update_state.r4")
@pytest.mark.parametrize("value", ["GONE", "joined", "JOINED,LEFT", "NONE", "J OINED"])
@pytest.mark.parametrize("place", ["query", "body", "member"])
def test_another_state_is_refused(place: str, value: str) -> None:
    one = make_scene(*ALL)
    parameters: dict[str, Any] = {"state": value} if place == "query" else {}
    body: object = {"body": value, "member": {"state": value}}.get(place, {})
    before = everything()

    answer = one.by(one.agent).put(one.path_of(one.customer), body, **parameters)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["state"])
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r4", "v2.participants.update_state.r5")
@pytest.mark.parametrize("body", [1, True, ["JOINED"], {"state": ["JOINED"]}, {"state": {}}])
def test_a_state_is_a_text(body: object) -> None:
    one = make_scene()
    before = everything()

    answer = one.by(one.agent).put(one.path_of(one.customer), body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["state"])
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r6")
@pytest.mark.parametrize(
    "body", [None, {}, {"status": "JOINED"}, {"state": None}, "", {"state": ""}]
)
def test_without_any_state_the_request_is_refused(body: object) -> None:
    one = make_scene()
    sent = () if body is None else (body,)
    before = everything()

    answer = one.by(one.agent).put(one.path_of(one.customer), *sent)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["state"])
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r7")
@pytest.mark.parametrize("body", ["LEFT", {"state": "LEFT"}, {"state": "joined"}])
def test_query_and_body_must_not_contradict_each_other(body: object) -> None:
    one = make_scene()
    before = everything()

    answer = one.by(one.agent).put(one.path_of(one.customer), body, state="JOINED")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["state"])
    assert everything() == before


# --- Whom one can reach -----------------------------------------------------------------------


@pytest.mark.rule("v2.participants.update_state.r8")
@pytest.mark.parametrize("who", ["customer", "agent", "agent's row id", "unknown", "no id"])
def test_a_participant_of_another_appointment_is_not_found(who: str) -> None:
    one = make_scene()
    other = make_scene(application=one.application)
    id = {
        "customer": str(other.customer.id),
        "agent": str(other.agent.id),
        "agent's row id": str(one.agent_row.id),
        "unknown": UNKNOWN,
        "no id": "ada",
    }[who]
    before = everything()

    answer = one.by(one.supervisor).put(one.path_of(id), state="JOINED")

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r8")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_is_not_found(place: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]
    before = everything()

    known, unreadable = (
        one.by(one.supervisor).put(
            f"/api/v2/appointments/{id}/participants/{theirs.customer.id}", state=state
        )
        for state in ("JOINED", "GONE")
    )

    assert (known.status_code, known.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    # The request is judged before what it names.
    assert unreadable.status_code == 400
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r9")
def test_a_customer_cannot_set_an_agents_state() -> None:
    one = make_scene()
    caller, before = one.by(one.customer), everything()

    answer = caller.put(one.path_of(one.agent_row), state="LEFT")

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_FOR_CUSTOMERS")
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r3", "v2.participants.update_state.r9")
@pytest.mark.parametrize("who", [0, 1])
def test_a_customer_can_set_the_state_of_every_customer_of_its_conference(who: int) -> None:
    one = make_scene(customers=TWO)
    wanted = make.customers_of(one.appointment)[who]

    body = one.by(one.customer).put(one.path_of(wanted), state="WAITING").json()

    assert [each.get("state") for each in body["participants"]][who] == "WAITING"
    assert "secureToken" not in body
    assert [index for index, each in enumerate(body["participants"]) if "ticket" in each] == [0]


@pytest.mark.rule("v2.participants.update_state.r10")
@pytest.mark.parametrize("is_active", [True, False])
def test_another_conference_or_none_is_out_of_a_customers_reach(is_active: bool) -> None:
    one = make_scene(application=make.make_application(activates_automatically=is_active))
    other = make_scene(application=one.application) if is_active else one
    caller, before = one.by(one.customer), everything()

    answer = caller.put(other.path_of(other.customer), state="JOINED")

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r11")
def test_a_customer_finds_nobody_once_the_tickets_have_expired(now: datetime) -> None:
    one = make_scene(*ALL)
    caller = one.by(one.customer)
    Appointment.objects.update(access_expires_at=now)
    before = everything()

    answer = caller.put(one.path_of(one.customer), state="JOINED")

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before
    assert one.by(one.agent).put(one.path_of(one.customer), state="LEFT").status_code == 200
