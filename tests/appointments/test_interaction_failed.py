"""The interaction is reported as failed."""

from __future__ import annotations

from typing import Any

import pytest

from appointments.models import (
    State,
)
from notifications.models import Channel
from tests import make
from tests.appointments.scene import UNKNOWN, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
MESSAGES: dict[str, Any] = {"systemMessage": "ICE failed: 701", "userMessage": "Kein Ton “hier”"}


@pytest.mark.rule(
    "v2.interaction.failed.r3",
    "v2.interaction.failed.r4",
    "v2.interaction.failed.r5",
    "v2.interaction.failed.r8",
)
@pytest.mark.parametrize(("who", "index"), [("customer", 0), ("agent", 1)])
def test_the_messages_are_kept_with_whoever_reports(who: str, index: int) -> None:
    one = make_scene(customers=[make.make_customer(), make.make_customer()])
    one.by(one.supervisor).post(
        "/api/v2/appointments/participants/agents/",
        {"id": str(one.appointment.id), "userId": str(one.colleague.id)},
    )
    before = one.read()
    own = str(one.customer.id if who == "customer" else one.agent.id)

    answer = one.by(getattr(one, who)).put(f"{one.path}/failed", **MESSAGES)

    [reporter] = [each for each in before["participants"] if each["id"] == own]
    reporter["errorData"] = MESSAGES
    assert answer.status_code == 200
    assert one.read() == before
    assert before["interaction"]["state"] == "PENDING"
    if who == "agent":
        assert answer.json() == before


@pytest.mark.rule("v2.interaction.failed.r4", "v2.interaction.failed.r7")
@pytest.mark.parametrize(
    "sent", [{}, {"userMessage": "No sound"}, {"systemMessage": "x"}, MESSAGES]
)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_later_report_replaces_the_earlier_one(sent: dict[str, Any], earlier: bool) -> None:
    one = make_scene()
    if earlier:
        one.by(one.agent).put(f"{one.path}/failed", systemMessage="old", userMessage="old")

    body = one.by(one.agent).put(f"{one.path}/failed", **sent).json()

    assert [each.get("errorData") for each in body["participants"]] == [None, sent]


@pytest.mark.rule("v2.interaction.failed.r4")
def test_a_message_has_an_end() -> None:
    one = make_scene()
    before = everything()

    answer = one.by(one.agent).put(f"{one.path}/failed", userMessage="x" * 2_001)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["userMessage"])
    assert everything() == before
    assert one.by(one.agent).put(f"{one.path}/failed", userMessage="x" * 2_000).status_code == 200


@pytest.mark.rule("v2.interaction.failed.r6")
@pytest.mark.parametrize("sent", [{}, {"userMessage": "No sound"}, MESSAGES])
def test_of_somebody_who_takes_no_part_the_interaction_keeps_the_messages(
    sent: dict[str, Any],
) -> None:
    one = make_scene(application=make.make_application(agents_see_only_their_own=False))
    one.accept()
    accepted = one.read()["interaction"]["properties"]
    one.by(one.colleague).put(f"{one.path}/failed", systemMessage="old", userMessage="old")

    answer = one.by(one.colleague).put(f"{one.path}/failed", **sent)

    assert answer.status_code == 200
    assert answer.json()["interaction"]["properties"] == accepted | sent
    assert all("errorData" not in each for each in answer.json()["participants"])


@pytest.mark.rule("v2.interaction.failed.r8", "v2.interaction.failed.r9")
@pytest.mark.parametrize("who", ["agent", "customer"])
@pytest.mark.parametrize("state", [State.SCHEDULED, State.ACTIVATED, State.IN_PROGRESS])
def test_a_report_marks_the_appointment_as_failed(state: State, who: str) -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True), state=state)

    with listening() as told:
        one.by(getattr(one, who)).put(f"{one.path}/failed", **MESSAGES)

    assert (one.state(), one.row().interaction_state) == (State.FAILED, "PENDING")
    assert told == [at_once("FAILED", "WEBHOOKS", one.hook)]


@pytest.mark.rule("v2.interaction.failed.r9")
def test_nobody_is_told_of_a_failure_while_notifications_are_not_active() -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    with listening() as told:
        one.by(one.agent).put(f"{one.path}/failed")

    assert (told, one.state()) == ([], State.FAILED)


@pytest.mark.rule("v2.interaction.failed.r10")
@pytest.mark.parametrize("how", ["accept", "join"])
def test_what_has_failed_can_be_taken_up_again(how: str) -> None:
    one = make_scene(*ALL, application=make.make_application(prevent_overlaps=True))
    one.accept()
    one.by(one.agent).put(f"{one.path}/failed")
    assert one.agent_row.occupies is None

    if how == "accept":
        one.accept()
    else:
        one.by(one.agent).put(f"{one.path}/participants/{one.agent.id}", state="JOINED")

    assert one.state() == State.IN_PROGRESS
    # The time is taken again, but nobody is refused for it: the people are there already.
    assert (one.agent_row.occupies is not None, one.agent_row.is_exclusive) == (True, False)


@pytest.mark.rule("v2.interaction.failed.r11")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_has_not_failed(place: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]
    before = everything()

    answer = one.by(one.agent).put(f"/api/v2/appointments/{id}/failed", **MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.interaction.failed.r12")
def test_a_customer_cannot_report_on_another_conference() -> None:
    one = make_scene(*ALL)
    other = make_scene(application=one.application)
    caller, before = one.by(one.customer), everything()

    answer = caller.put(f"{other.path}/failed", **MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert everything() == before


@pytest.mark.rule("v2.interaction.failed.r13")
@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_complete_interaction_has_not_failed(who: str) -> None:
    one = make_scene(*ALL)
    one.complete()
    caller, before = one.by(getattr(one, who)), everything()

    answer = caller.put(f"{one.path}/failed", **MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (400, "INTERACTION_IS_COMPLETE")
    assert everything() == before
