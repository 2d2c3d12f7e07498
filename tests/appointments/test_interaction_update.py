"""The interaction is read, and routed anew."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import ApplicationKind
from notifications.models import Channel
from tests import make
from tests.appointments.scene import UNKNOWN, Scene, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
QUEUE = {"type": "GENESYS_CLOUD_QUEUE", "properties": {"queueName": "Loans"}}
FILLED_IN = {"chatMode": "genesys-web-messaging", "pcEnvironment": "mypurecloud.de"}


def make_routed(*channels: Channel, **options: Any) -> Scene:
    """Make a scene of an application that completes routings."""
    options = {"deployment_id": "dep-1", "environment": "mypurecloud.de", **options}
    return make_scene(
        *channels,
        application=make.make_application(**options),
        custom_fields={"line": "7", "crm": "x"},
    )


def update(one: Scene, **body: Any) -> Any:
    return one.by(one.agent).put(f"{one.path}/interaction", body)


# --- Reading ----------------------------------------------------------------------------------


@pytest.mark.rule("v2.interaction.get.r3", "v2.interaction.get.r4", "v2.interaction.get.r5")
@pytest.mark.parametrize("who", ["agent", "supervisor", "customer"])
@pytest.mark.parametrize("state", ["PENDING", "COMPLETE"])
def test_the_interaction_is_answered_as_the_appointment_has_it(state: str, who: str) -> None:
    one = make_routed()
    accepted = one.by(one.agent).put(f"{one.path}/accept", str(one.agent.id)).json()
    if state == "COMPLETE":
        one.complete()

    answer = one.by(getattr(one, who)).get(f"{one.path}/interaction")

    assert answer.status_code == 200
    assert answer.json() == {
        "customFields": {"line": "7", "crm": "x"},
        "properties": accepted["interaction"]["properties"],
        "routing": {
            "type": "GENESYS_CLOUD_FLOW",
            "properties": {**FILLED_IN, "deploymentId": "dep-1"},
        },
        "state": state,
    }
    assert answer.json() == one.by(getattr(one, who)).get(one.path).json()["interaction"]


@pytest.mark.rule("v2.interaction.get.r3")
def test_without_custom_fields_the_member_is_left_out() -> None:
    one = make_scene()

    body = one.by(one.agent).get(f"{one.path}/interaction").json()

    assert sorted(body) == ["properties", "routing", "state"]
    assert body["properties"] == {}


@pytest.mark.rule("v2.interaction.get.r6", "v2.interaction.update.r10")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_has_no_interaction(place: str) -> None:
    one, theirs = make_routed(), make_routed()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]
    path, before = f"/api/v2/appointments/{id}/interaction", everything()

    answers = [
        one.by(one.supervisor).get(path),
        one.by(one.supervisor).put(path, {"routing": QUEUE}),
    ]

    refusal = (404, "APPOINTMENT_NOT_FOUND")
    assert [(each.status_code, each.json()["code"]) for each in answers] == [refusal] * 2
    assert everything() == before


@pytest.mark.rule("v2.interaction.get.r7")
@pytest.mark.parametrize("is_active", [True, False])
def test_another_conference_or_none_is_out_of_a_customers_reach(is_active: bool) -> None:
    one = make_routed(activates_automatically=is_active)
    other = make_scene(application=one.application) if is_active else one

    answer = one.by(one.customer).get(f"{other.path}/interaction")

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert "dep-1" not in answer.content.decode()


# --- Changing ---------------------------------------------------------------------------------


@pytest.mark.rule(
    "v2.interaction.update.r4", "v2.interaction.update.r6", "v2.interaction.update.r9"
)
def test_the_routing_is_replaced_as_a_whole_and_nothing_else() -> None:
    one = make_routed()
    one.by(one.agent).put(f"{one.path}/accept", str(one.agent.id))
    before = one.read()

    answer = update(one, routing=QUEUE, properties={"acceptedBy": "me"}, state="COMPLETE")

    # The deployment is the application's and is filled in for every type of Genesys.
    routing = {
        "type": "GENESYS_CLOUD_QUEUE",
        "properties": {**FILLED_IN, "deploymentId": "dep-1", "queueName": "Loans"},
    }
    assert answer.status_code == 200
    assert answer.json() == one.read()
    assert answer.json() == before | {"interaction": before["interaction"] | {"routing": routing}}


@pytest.mark.rule("v2.interaction.update.r6")
def test_properties_that_are_not_sent_again_are_gone() -> None:
    one = make_routed()
    update(one, routing={"type": "GENESYS_CLOUD_QUEUE", "properties": {"queueName": "L", "a": "1"}})

    body = update(one, routing={"properties": {"b": "2"}}).json()

    assert body["interaction"]["routing"] == {
        "type": "GENESYS_CLOUD_FLOW",
        "properties": {**FILLED_IN, "deploymentId": "dep-1", "b": "2"},
    }


@pytest.mark.rule("v2.interaction.update.r6")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, {**FILLED_IN, "deploymentId": "dep-1"}),
        ({"deploymentId": "own", "chatMode": "own"}, {"deploymentId": "own", "chatMode": "own"}),
        ({"pcEnvironment": "elsewhere"}, {"deploymentId": "dep-1"}),
        ('{"deploymentId": "own"}', {"deploymentId": "own"}),
    ],
)
def test_the_routing_is_completed_as_for_a_booking(sent: Any, kept: dict[str, str]) -> None:
    one = make_routed()

    body = update(one, routing={"type": "GENESYS_CLOUD_FLOW", "properties": sent}).json()

    assert body["interaction"]["routing"]["properties"] == FILLED_IN | kept


@pytest.mark.rule("v2.interaction.update.r6")
def test_another_kind_of_application_completes_it_in_its_own_way() -> None:
    one = make_routed(kind=ApplicationKind.TALKDESK, touchpoint_id="tp-1")

    body = update(one, routing={}).json()

    assert body["interaction"]["routing"] == {
        "type": "TALKDESK_DIGITAL_CONNECT",
        "properties": {"chatMode": "talkdesk-digital-connect", "touchpointId": "tp-1"},
    }


@pytest.mark.rule("v2.interaction.update.r5")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, {"line": "7", "crm": "x"}),
        ({"customFields": None}, {"line": "7", "crm": "x"}),
        ({"customFields": {"line": "8"}}, {"line": "8"}),
        ({"customFields": {}}, {}),
    ],
)
def test_custom_fields_are_replaced_as_a_whole_where_they_are_sent(
    sent: dict[str, Any], kept: dict[str, str]
) -> None:
    one = make_routed()

    body = update(one, routing=QUEUE, **sent).json()

    assert body["interaction"]["customFields"] == kept


@pytest.mark.rule("v2.interaction.update.r3")
@pytest.mark.parametrize("body", [{}, {"customFields": {"a": "1"}}, {"routing": None}, [], "x", 7])
def test_a_body_without_routing_is_refused(body: Any) -> None:
    one = make_routed(*ALL)
    before = everything()

    answer = one.by(one.agent).put(f"{one.path}/interaction", body)

    assert answer.status_code == 400
    assert everything() == before


@pytest.mark.rule("v2.interaction.update.r3")
def test_no_body_is_refused() -> None:
    one = make_routed(*ALL)
    before = everything()

    answer = one.by(one.agent).put(f"{one.path}/interaction")

    assert answer.status_code == 400
    assert everything() == before


@pytest.mark.rule("v2.interaction.update.r7")
@pytest.mark.parametrize("type", ["", "GENESYS", "genesys_cloud_flow", "QUEUE", 7, ["x"]])
def test_another_type_is_refused(type: object) -> None:
    one = make_routed(*ALL)
    before = everything()

    answer = update(one, routing={"type": type, "properties": {"queueName": "Loans"}})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["routing.type"])
    assert everything() == before


@pytest.mark.rule("v2.interaction.update.r7")
@pytest.mark.parametrize(
    ("type", "needed"),
    [
        ("GENESYS_CLOUD_FLOW", "deploymentId"),
        ("GENESYS_CLOUD_QUEUE", "queueName"),
        ("TALKDESK_DIGITAL_CONNECT", "touchpointId"),
    ],
)
def test_each_of_the_three_types_is_taken(type: str, needed: str) -> None:
    one = make_routed()

    body = update(one, routing={"type": type, "properties": {needed: "x"}}).json()

    assert body["interaction"]["routing"]["type"] == type
    assert body["interaction"]["routing"]["properties"][needed] == "x"


@pytest.mark.rule("v2.interaction.update.r6", "v2.interaction.update.r8")
@pytest.mark.parametrize(
    ("type", "needed"),
    [
        ("GENESYS_CLOUD_FLOW", "deploymentId"),
        ("GENESYS_CLOUD_QUEUE", "queueName"),
        ("TALKDESK_DIGITAL_CONNECT", "touchpointId"),
    ],
)
@pytest.mark.parametrize("properties", [{}, None, "empty"])
def test_a_routing_without_what_its_type_needs_is_refused(
    type: str, needed: str, properties: Any
) -> None:
    one = make_routed(*ALL, deployment_id="")
    sent = {needed: ""} if properties == "empty" else properties
    before = everything()

    answer = update(one, routing={"type": type, "properties": sent})

    assert (answer.status_code, answer.json()["code"]) == (400, "ROUTING_INCOMPLETE")
    assert everything() == before


@pytest.mark.rule("v2.interaction.update.r11")
def test_a_complete_interaction_stays_as_it_is() -> None:
    one = make_routed(*ALL)
    one.complete()
    before = everything()

    answer = update(one, routing=QUEUE)

    assert (answer.status_code, answer.json()["code"]) == (400, "INTERACTION_IS_COMPLETE")
    assert everything() == before


@pytest.mark.rule("v2.interaction.update.r12")
@pytest.mark.parametrize("is_active", [True, False])
def test_subscribers_alone_are_told_while_notifications_are_active(is_active: bool) -> None:
    one = make_routed(*ALL, notifications_active=is_active, notify_agents=True)

    with listening() as told:
        update(one, routing=QUEUE)

    expected = [at_once("INTERACTION_UPDATED", "WEBHOOKS", one.hook)] if is_active else []
    assert told == expected
