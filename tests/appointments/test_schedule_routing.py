"""Booking: where the interaction goes, as the request says and the application completes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import ApplicationKind
from tests import make
from tests.appointments.ways import By, both_ways, faults
from tests.contract.state import everything

if TYPE_CHECKING:
    from agents.models import Application

pytestmark = pytest.mark.django_db

FLOW, QUEUE = "GENESYS_CLOUD_FLOW", "GENESYS_CLOUD_QUEUE"
TALKDESK = "TALKDESK_DIGITAL_CONNECT"


def genesys(**options: Any) -> Application:
    return make.make_application(environment="mypurecloud.de", **options)


def talkdesk(**options: Any) -> Application:
    return make.make_application(
        kind=ApplicationKind.TALKDESK, environment="mypurecloud.de", **options
    )


def routed(by: By, application: Application, **routing: object) -> Any:
    answer = by(application).book(interaction={"routing": routing})
    assert answer.status_code == 200, answer.content
    return answer.json()["interaction"]["routing"]


@pytest.mark.rule(
    "v2.appointments.schedule.r15",
    "v2.appointments.schedule.r24",
    "v2.appointments.schedule_as_customer.r20",
    "v2.appointments.schedule_as_customer.r29",
)
@both_ways
@pytest.mark.parametrize(
    ("kind", "options", "routing"),
    [
        (
            ApplicationKind.GENESYS,
            {"deployment_id": "dep-1", "touchpoint_id": "touch-1", "environment": "mypurecloud.de"},
            {
                "type": FLOW,
                "properties": {
                    "chatMode": "genesys-web-messaging",
                    "deploymentId": "dep-1",
                    "pcEnvironment": "mypurecloud.de",
                },
            },
        ),
        (
            ApplicationKind.TALKDESK,
            {"deployment_id": "dep-1", "touchpoint_id": "touch-1", "environment": "mypurecloud.de"},
            {
                "type": TALKDESK,
                "properties": {
                    "chatMode": "talkdesk-digital-connect",
                    "touchpointId": "touch-1",
                },
            },
        ),
        # Nothing is configured: the booking is not refused for what it did not ask for.
        (
            ApplicationKind.TALKDESK,
            {},
            {"type": TALKDESK, "properties": {"chatMode": "talkdesk-digital-connect"}},
        ),
    ],
)
def test_without_an_interaction_it_goes_where_the_application_says(
    by: By, kind: ApplicationKind, options: dict[str, Any], routing: dict[str, Any]
) -> None:
    booked = by(make.make_application(kind=kind, **options)).book().json()

    assert booked["interaction"] == {"state": "PENDING", "properties": {}, "routing": routing}


@pytest.mark.rule("v2.appointments.schedule.r16", "v2.appointments.schedule_as_customer.r21")
@both_ways
@pytest.mark.parametrize(
    "interaction", [{}, {"customFields": {"a": "b"}}, {"routing": None}, {"routing": "flow"}]
)
def test_an_interaction_needs_a_routing(by: By, interaction: dict[str, Any]) -> None:
    caller = by(genesys(deployment_id="dep-1"))
    before = everything()

    answer = caller.book(interaction=interaction)

    assert faults(answer)[0].startswith("interaction.routing")
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r17", "v2.appointments.schedule_as_customer.r22")
@both_ways
@pytest.mark.parametrize(
    ("name", "value"), [(FLOW, "deploymentId"), (QUEUE, "queueName"), (TALKDESK, "touchpointId")]
)
def test_each_of_the_three_types_is_kept(by: By, name: str, value: str) -> None:
    routing = routed(by, genesys(), type=name, properties={value: "x", "chatMode": "y"})

    assert routing == {
        "type": name,
        "properties": {value: "x", "chatMode": "y", "pcEnvironment": "mypurecloud.de"},
    }


@pytest.mark.rule("v2.appointments.schedule.r17", "v2.appointments.schedule_as_customer.r22")
@both_ways
@pytest.mark.parametrize(
    "name",
    ["GENESYS_CLOUD_FLOW or TALKDESK_DIGITAL_CONNECT", "genesys_cloud_flow", "PHONE", "", 1, []],
)
def test_another_type_of_routing_is_refused(by: By, name: object) -> None:
    caller = by(genesys(deployment_id="dep-1"))
    before = everything()

    answer = caller.book(interaction={"routing": {"type": name}})

    assert (faults(answer), everything()) == (["interaction.routing.type"], before)


@pytest.mark.rule(
    "v2.appointments.schedule.r18",
    "v2.appointments.schedule.r19",
    "v2.appointments.schedule.r20",
    "v2.appointments.schedule.r21",
    "v2.appointments.schedule_as_customer.r23",
    "v2.appointments.schedule_as_customer.r24",
    "v2.appointments.schedule_as_customer.r25",
    "v2.appointments.schedule_as_customer.r26",
)
@both_ways
@pytest.mark.parametrize("routing", [{}, {"properties": {}}, {"type": None, "properties": None}])
def test_what_a_routing_leaves_out_is_filled_in(by: By, routing: dict[str, Any]) -> None:
    ours = genesys(deployment_id="dep-1", touchpoint_id="touch-1")
    theirs = talkdesk(deployment_id="dep-1", touchpoint_id="touch-1")

    assert routed(by, ours, **routing) == {
        "type": FLOW,
        "properties": {
            "chatMode": "genesys-web-messaging",
            "deploymentId": "dep-1",
            "pcEnvironment": "mypurecloud.de",
        },
    }
    assert routed(by, theirs, **routing) == {
        "type": TALKDESK,
        "properties": {"chatMode": "talkdesk-digital-connect", "touchpointId": "touch-1"},
    }


@pytest.mark.rule(
    "v2.appointments.schedule.r19",
    "v2.appointments.schedule.r20",
    "v2.appointments.schedule.r21",
    "v2.appointments.schedule_as_customer.r24",
    "v2.appointments.schedule_as_customer.r25",
    "v2.appointments.schedule_as_customer.r26",
)
@both_ways
def test_what_a_routing_says_is_kept_except_for_the_environment(by: By) -> None:
    given = {"chatMode": "genesys-cloud", "context.agentId": "7", "pcEnvironment": "evil.example"}
    ours = genesys(deployment_id="dep-1")
    theirs = talkdesk(touchpoint_id="touch-1")

    assert routed(by, ours, properties={**given, "deploymentId": "mine"})["properties"] == {
        **given,
        "deploymentId": "mine",
        "pcEnvironment": "mypurecloud.de",
    }
    assert routed(by, theirs, properties={**given, "touchpointId": "mine"})["properties"] == {
        **given,
        "touchpointId": "mine",
    }


@pytest.mark.rule("v2.appointments.schedule.r22", "v2.appointments.schedule_as_customer.r27")
@both_ways
@pytest.mark.parametrize(
    ("kind", "type_", "needed"),
    [
        (ApplicationKind.GENESYS, None, "deploymentId"),
        (ApplicationKind.GENESYS, FLOW, "deploymentId"),
        (ApplicationKind.GENESYS, QUEUE, "queueName"),
        (ApplicationKind.TALKDESK, None, "touchpointId"),
        (ApplicationKind.TALKDESK, TALKDESK, "touchpointId"),
    ],
)
@pytest.mark.parametrize("is_blank", [False, True])
def test_a_routing_that_leads_nowhere_is_refused(
    by: By, kind: ApplicationKind, type_: str | None, needed: str, *, is_blank: bool
) -> None:
    caller = by(make.make_application(kind=kind))
    properties = {needed: ""} if is_blank else {}
    before = everything()

    answer = caller.book(interaction={"routing": {"type": type_, "properties": properties}})

    assert answer.status_code == 400
    assert answer.json() == {
        "code": "ROUTING_INCOMPLETE",
        "message": f"The routing needs {needed} in its properties.",
        "errors": {f"interaction.routing.properties.{needed}": ["This field is required."]},
    }
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r22", "v2.appointments.schedule_as_customer.r27")
@both_ways
def test_the_name_of_a_queue_is_asked_for_although_there_is_a_deployment(by: By) -> None:
    caller = by(genesys(deployment_id="dep-1"))

    answer = caller.book(interaction={"routing": {"type": QUEUE}})

    assert faults(answer) == ["interaction.routing.properties.queueName"]


@pytest.mark.rule(
    "v2.appointments.schedule.r23",
    "v2.appointments.schedule.r24",
    "v2.appointments.schedule_as_customer.r28",
    "v2.appointments.schedule_as_customer.r29",
)
@both_ways
def test_custom_fields_come_back_unchanged(by: By) -> None:
    fields = {"Kundennummer": "007", "empty": "", "☂": "“quoted” \\ \n"}

    booked = by(genesys(deployment_id="dep-1")).book(
        interaction={"routing": {}, "customFields": fields}
    )

    interaction = booked.json()["interaction"]
    assert (interaction["customFields"], interaction["state"]) == (fields, "PENDING")


@pytest.mark.rule("v2.appointments.schedule.r25", "v2.appointments.schedule_as_customer.r30")
@both_ways
def test_an_object_of_strings_may_come_as_a_string(by: By) -> None:
    properties, headers = {"deploymentId": "dep-1"}, {"X-Trace": 'a"b', "X-Empty": ""}

    booked = by(genesys()).book(
        interaction={"routing": {"properties": json.dumps(properties)}},
        notificationHeaders=json.dumps(headers),
    )

    kept = booked.json()["interaction"]["routing"]["properties"]
    assert (kept["deploymentId"], booked.json()["notificationHeaders"]) == ("dep-1", headers)


@pytest.mark.rule("v2.appointments.schedule.r25", "v2.appointments.schedule_as_customer.r30")
@both_ways
@pytest.mark.parametrize("name", ["interaction.routing.properties", "notificationHeaders"])
@pytest.mark.parametrize(
    "value",
    ["x", "", "{", '"x"', "[]", '{"a": 1}', '{"a": "b", "a": "c"}', {"a": 1}, {"a": None}, [], 5],
)
def test_what_is_no_object_of_strings_is_refused(by: By, name: str, value: object) -> None:
    caller = by(genesys(deployment_id="dep-1"))
    before = everything()

    if name == "notificationHeaders":
        answer = caller.book(notificationHeaders=value)
    else:
        answer = caller.book(interaction={"routing": {"properties": value}})

    assert (faults(answer), everything()) == ([name], before)


@both_ways
@pytest.mark.parametrize(
    "headers",
    [{"X Trace": "a"}, {"X-Trace:": "a"}, {"": "a"}, {"X-Trace": "a\r\nHost: b"}, {"X": "a\x00"}],
)
def test_what_cannot_travel_as_a_header_is_refused(by: By, headers: dict[str, str]) -> None:
    caller = by(genesys())
    before = everything()

    answer = caller.book(notificationHeaders=headers)

    assert (answer.status_code, everything()) == (400, before)
