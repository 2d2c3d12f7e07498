"""Devices, channels and states as desktops read them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from agents.agent_states import Descriptors
from agents.desk_wire import Viewer, channel_json, device_json, user_state_json
from agents.models import AgentState, Device, MediaChannel, WorkState
from config.kernel.ids import uuid7
from tests.agents.desk.desk import LOGGED_OUT, NOT_READY, READY

HOUSE, PERSON = uuid7(), uuid7()
AGENT = Viewer(user_id=PERSON, is_supervisor=False)
SUPERVISOR = Viewer(user_id=PERSON, is_supervisor=True)
OTHER_SUPERVISOR = Viewer(user_id=uuid7(), is_supervisor=True)
LUNCH = AgentState(
    operation_name="OutToLunch",
    display_name="Out to lunch",
    state=WorkState.NOT_READY,
    work_mode="AuxWork",
    reason="Lunch",
)
STATES = Descriptors([LUNCH])


def device(user_id: UUID | None = PERSON, **fields: Any) -> Device:
    defaults: dict[str, Any] = {"phone_number": "5001", "is_active": True, "state": WorkState.READY}
    return Device(organization_id=HOUSE, user_id=user_id, **{**defaults, **fields})


@pytest.mark.rule("cc.devices.create.r4", "cc.me.devices.list.r5")
def test_a_device_is_shown_whole() -> None:
    telephone = device()

    assert device_json(telephone, AGENT, STATES) == {
        "id": str(telephone.pk),
        "uri": f"/api/v2/devices/{telephone.pk}",
        "deviceState": "Active",
        "phoneNumber": "5001",
        "phoneNumberUri": f"/api/v2/phone-numbers/{telephone.pk}",
        "e164Number": "5001",
        "localNumber": "5001",
        "country": {"name": "", "code": "", "callingCode": ""},
        "telephonyNetwork": "Private",
        "voiceEnvironmentUri": f"/api/v2/voice-environments/{HOUSE}",
        "doNotDisturb": "Off",
        "capabilities": ["DoNotDisturbOn", "ForwardCallsOn"],
        "userState": READY,
    }


def test_what_a_device_has_besides_is_shown_when_it_has_it() -> None:
    telephone = device(
        phone_number="+1 650 987 0000", model="D65", vendor="Snom", kind="SIP", forward_to="5002"
    )

    shown = device_json(telephone, AGENT, STATES)

    more = ("location", "model", "vendor", "type", "forwardTo", "e164Number")
    assert [shown[name] for name in more] == [
        "United States",
        "D65",
        "Snom",
        "SIP",
        "5002",
        "+16509870000",
    ]


@pytest.mark.rule("cc.devices.get.r3")
def test_nobodys_device_has_no_state_and_is_inactive() -> None:
    shown = device_json(device(None, is_active=False, state=WorkState.LOGOUT), AGENT, STATES)

    assert "userState" not in shown
    assert (shown["deviceState"], shown["capabilities"]) == ("Inactive", [])


@pytest.mark.rule("cc.lifecycle.device.r1", "cc.devices.get.r4")
@pytest.mark.parametrize(
    ("fields", "capabilities"),
    [
        ({}, ["DoNotDisturbOn", "ForwardCallsOn"]),
        ({"do_not_disturb": True}, ["DoNotDisturbOff", "ForwardCallsOn"]),
        ({"forward_to": "5002"}, ["DoNotDisturbOn", "ForwardCallsOff"]),
    ],
)
def test_capabilities_are_what_can_be_switched(
    fields: dict[str, Any], capabilities: list[str]
) -> None:
    assert device_json(device(**fields), AGENT, STATES)["capabilities"] == capabilities


@pytest.mark.rule("cc.lifecycle.device.r2", "cc.lifecycle.device.r3", "cc.devices.get.r5")
@pytest.mark.rule("cc.me.devices.ListenIn.r5", "cc.me.devices.ListenIn.r6")
def test_monitoring_is_offered_to_supervisors_while_nobody_else_does_it() -> None:
    watched = device(
        uuid7(),
        monitored_by=device(PERSON),
        monitoring_kind="Coach",
        monitoring_mode="AllCalls",
        monitoring_scope="Call",
    )

    offered = [
        device_json(one, viewer, STATES)["capabilities"][2:]
        for one in (device(uuid7()), watched)
        for viewer in (AGENT, SUPERVISOR, OTHER_SUPERVISOR)
    ]

    three = ["ListenIn", "BargeIn", "Coach"]
    assert offered == [[], three, three, [], [*three, "CancelSupervisorMonitoring"], []]


def test_only_supervisors_see_that_a_device_is_monitored() -> None:
    watched = device(
        monitored_by=device(),
        monitoring_kind="Coach",
        monitoring_mode="AllCalls",
        monitoring_scope="Call",
    )

    to_agent, to_other = (device_json(watched, one, STATES) for one in (AGENT, OTHER_SUPERVISOR))

    assert not any(name.startswith("supervisor") for name in to_agent)
    assert {name: value for name, value in to_other.items() if name.startswith("super")} == {
        "supervisorMonitoringState": "Coach",
        "supervisorMonitoringMode": "AllCalls",
        "supervisorMonitoringScope": "Call",
    }


@pytest.mark.rule("cc.lifecycle.user_state.r2", "cc.me.get.r6")
@pytest.mark.rule("cc.settings.agent_states.delete.r5")
def test_a_state_has_id_and_name_when_all_of_it_matches() -> None:
    named = {"id": str(LUNCH.pk), "displayName": "Out to lunch"}
    state = {"state": "NotReady", "workMode": "AuxWork"}

    assert user_state_json(LUNCH_MEANS, STATES) == {**named, **state, "reason": "Lunch"}
    assert user_state_json(("NotReady", "AuxWork", "Dinner"), STATES) == {
        **state,
        "reason": "Dinner",
    }
    assert user_state_json(("Logout", "", ""), STATES) == LOGGED_OUT


LUNCH_MEANS = ("NotReady", "AuxWork", "Lunch")


@pytest.mark.rule("cc.lifecycle.dnd.r1", "cc.me.DoNotDisturbOn.r4")
def test_ready_is_shown_as_not_ready_while_nobody_may_disturb() -> None:
    ready, lunch = device(do_not_disturb=True), device(do_not_disturb=True)
    lunch.state, lunch.work_mode, lunch.reason = LUNCH_MEANS

    assert device_json(ready, AGENT, STATES)["userState"] == NOT_READY
    assert device_json(lunch, AGENT, STATES)["userState"]["reason"] == "Lunch"
    assert (ready.takes_work, device().takes_work) == (False, True)


@pytest.mark.rule("cc.me.channels.list.r1")
def test_a_channel_is_shown_with_what_can_be_done() -> None:
    channel = MediaChannel(organization_id=HOUSE, user_id=PERSON, medium="email")
    channel.state, channel.work_mode, channel.reason = LUNCH_MEANS

    shown = channel_json(channel, STATES)

    state = shown.pop("userState")
    assert (state["reason"], state["reasonCode"]) == ("Lunch", "Lunch")
    assert shown == {
        "channel": "email",
        "id": "email",
        "uri": "/api/v2/me/channels/email",
        "dndState": "Off",
        "capabilities": [
            "DoNotDisturbOn",
            "AfterCallWork",
            "AuxWork",
            "NotReady",
            "Offline",
            "Ready",
            "OutToLunch",
        ],
    }
