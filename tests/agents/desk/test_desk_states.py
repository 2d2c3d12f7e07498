"""How ready people are: on all that they are logged in on, on one channel, and in history."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from agents.api.desk.addresses import made_absolute
from agents.errors_presence import StateUnknown
from agents.models import Device, User
from agents.models.tenancy import Feature
from agents.services import desk_states
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    LOGGED_OUT,
    NOT_READY,
    READY,
    STATUS_OK,
    Desktop,
    history,
    make_active_device,
    make_agent,
    make_channel,
    make_device,
    make_house,
    make_state,
    stored,
    told,
    told_of_channels,
    told_of_devices,
)
from tests.contract import contract
from tests.make import actor_for

pytestmark = pytest.mark.django_db

AFTER_CALL_WORK = {
    "id": "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF",
    "displayName": "AfterCallWork",
    "state": "NotReady",
    "workMode": "AfterCallWork",
}
AUX_WORK = {
    "id": "2B36138D-C564-4562-A8CB-3C32D564F296",
    "displayName": "AuxWork",
    "state": "NotReady",
    "workMode": "AuxWork",
}


@pytest.fixture
def agent() -> User:
    """Give an agent who is logged in on a telephone and on e-mail, and not on chat."""
    person = make_agent()
    make_active_device(person)
    make_channel(person, "email")
    return person


def states(agent: User) -> dict[str, dict[str, str]]:
    """Give the state of each device and channel as the agent's desktop reads them."""
    desktop = Desktop(agent)
    devices = desktop.get("/me/devices", fields="*").json()["devices"]
    channels = desktop.get("/me/channels", fields="*").json()["channels"]
    return {
        **{one["phoneNumber"]: one["userState"] for one in devices},
        **{one["channel"]: one["userState"] for one in channels},
    }


def number_of(agent: User) -> str:
    return Device.objects.get(user=agent).phone_number


# --- On everything ------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.Ready.r1", "cc.me.Ready.r2", "cc.me.Ready.r3")
@pytest.mark.rule("cc.lifecycle.user_state.r1")
def test_ready_is_for_active_devices_and_for_channels_that_are_logged_in(agent: User) -> None:
    idle = make_device(agent)

    answer = Desktop(agent).post("/me", "Ready")

    assert (answer.status_code, answer.json()) == (200, STATUS_OK)
    assert states(agent) == {
        number_of_active(agent): READY,
        idle.phone_number: LOGGED_OUT,
        "email": READY,
        "chat": LOGGED_OUT,
    }


def number_of_active(agent: User) -> str:
    return Device.objects.get(user=agent, is_active=True).phone_number


@pytest.mark.rule("cc.me.Ready.r4", "cc.cometd.topics.r7")
def test_one_message_of_each_kind_tells_what_changed(agent: User) -> None:
    Desktop(agent).post("/me", "Ready")

    ((device,),), ((channel,),) = told_of_devices(agent), told_of_channels(agent)
    assert [one["messageType"] for one in told(agent)] == [
        "DeviceStateChangeMessage",
        "ChannelStateChangeMessage",
    ]
    assert (device["phoneNumber"], device["userState"]) == (number_of(agent), READY)
    assert (channel["channel"], channel["userState"]) == ("email", READY)


@pytest.mark.rule("cc.cometd.topics.r2")
@pytest.mark.parametrize("operation", ["Ready", "OutToLunch", "DoNotDisturbOn", "Offline"])
def test_messages_are_as_the_contract_has_them(agent: User, operation: str) -> None:
    make_state(agent)

    Desktop(agent).post("/me", operation)

    messages = told(agent)
    schemas = [contract.json_schema(name, surface=contract.DESK) for name in NOTIFICATIONS]
    assert len(messages) == 2
    for message, schema in zip(messages, schemas, strict=True):
        Draft202012Validator(schema).validate(made_absolute(message))


NOTIFICATIONS = ("DeviceNotification", "ChannelNotification")


@pytest.mark.rule("cc.me.Ready.r4", "cc.me.NotReady.r3")
def test_what_did_not_change_is_not_told(agent: User) -> None:
    desktop = Desktop(agent)
    desktop.post("/me/channels/email", "Ready")
    desktop.post("/me", "Ready")

    answer = desktop.post("/me", "Ready")

    assert answer.json() == STATUS_OK
    assert (len(told_of_devices(agent)), len(told_of_channels(agent))) == (1, 1)


@pytest.mark.rule("cc.me.NotReady.r1", "cc.me.NotReady.r2", "cc.me.NotReady.r3")
def test_not_ready_takes_everything_back(agent: User) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", "Ready")

    answer = desktop.post("/me", "NotReady")

    assert answer.json() == STATUS_OK
    assert states(agent) == {number_of(agent): NOT_READY, "email": NOT_READY, "chat": LOGGED_OUT}
    assert (len(told_of_devices(agent)), len(told_of_channels(agent))) == (2, 2)


@pytest.mark.parametrize(
    ("operation", "state"),
    [
        pytest.param(
            "AfterCallWork",
            AFTER_CALL_WORK,
            marks=pytest.mark.rule("cc.me.AfterCallWork.r1", "cc.me.AfterCallWork.r2"),
        ),
        pytest.param(
            "AuxWork", AUX_WORK, marks=pytest.mark.rule("cc.me.AuxWork.r1", "cc.me.AuxWork.r2")
        ),
        pytest.param(
            "Offline",
            LOGGED_OUT,
            marks=pytest.mark.rule("cc.me.Offline.r1", "cc.me.Offline.r3"),
        ),
    ],
)
def test_other_states_are_set_and_told_alike(
    agent: User, operation: str, state: dict[str, str]
) -> None:
    answer = Desktop(agent).post("/me", operation)

    assert answer.json() == STATUS_OK
    assert states(agent) == {number_of(agent): state, "email": state, "chat": LOGGED_OUT}
    assert (len(told_of_devices(agent)), len(told_of_channels(agent))) == (1, 1)


@pytest.mark.rule("cc.me.Offline.r2", "cc.lifecycle.user_state.r6")
def test_ready_after_offline_logs_in_on_the_same_again(agent: User) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", "Offline")

    desktop.post("/me", "Ready")

    assert states(agent) == {number_of(agent): READY, "email": READY, "chat": LOGGED_OUT}


@pytest.mark.rule("cc.me.Ready.r2")
def test_whoever_is_logged_in_on_nothing_is_logged_in_on_both_channels() -> None:
    agent = make_agent()

    Desktop(agent).post("/me", "Ready")

    assert states(agent) == {"email": READY, "chat": READY}


@pytest.mark.rule("cc.me.Ready.r7")
def test_without_anything_to_log_in_on_it_is_refused() -> None:
    agent = make_agent(make_house(Feature.VOICE))
    make_device(agent)
    before = stored()

    answer = Desktop(agent).post("/me", "Ready")

    words = "No device is active, and there is no channel to log in on."
    assert (answer.status_code, answer.json()) == (
        400,
        {"statusCode": 2, "statusMessage": words, "status": "error", "errorDescription": words},
    )
    assert stored() == before


@pytest.mark.rule("cc.lifecycle.user_state.r3")
def test_ready_after_other_work_has_neither_mode_nor_reason(agent: User) -> None:
    make_state(agent)
    desktop = Desktop(agent)
    desktop.post("/me", "OutToLunch")

    desktop.post("/me", "Ready")

    assert states(agent)["email"] == READY


@pytest.mark.rule("cc.me.AgentState.r1", "cc.me.AgentState.r2", "cc.me.AgentState.r3")
@pytest.mark.rule("cc.settings.agent_states.create.r9")
def test_an_organisations_own_state_is_set_by_its_name(agent: User) -> None:
    lunch = make_state(agent)

    answer = Desktop(agent).post("/me", "OutToLunch")

    assert answer.json() == STATUS_OK
    assert states(agent)[number_of(agent)] == {
        "id": str(lunch.pk),
        "displayName": "Out to lunch",
        "state": "NotReady",
        "workMode": "AuxWork",
        "reason": "Lunch",
    }
    assert (len(told_of_devices(agent)), len(told_of_channels(agent))) == (1, 1)


@pytest.mark.rule("cc.me.AgentState.r4")
def test_a_name_that_no_state_has_is_refused(agent: User) -> None:
    make_state(make_agent())

    answer = Desktop(agent).post("/me", "OutToLunch")

    assert (answer.status_code, answer.json()["statusCode"]) == (400, 2)
    assert told(agent) == []


@pytest.mark.rule("cc.me.AgentState.r5")
def test_a_body_without_a_name_is_refused(agent: User) -> None:
    answer = Desktop(agent).post("/me", operationName="")

    assert (answer.status_code, answer.json()["statusCode"]) == (400, 1)


def test_a_state_that_is_gone_meanwhile_is_refused(agent: User, now: datetime) -> None:
    with pytest.raises(StateUnknown):
        desk_states.set_state("OutToLunch", actor=actor_for(agent), now=now)


def test_who_is_no_agent_has_no_state() -> None:
    administrator = make_agent(roles=[Role.ADMIN])

    answer = Desktop(administrator).post("/me", "Ready")

    assert (answer.status_code, answer.json()["statusCode"]) == (403, 5)


# --- On one channel -----------------------------------------------------------------------------


@pytest.mark.rule("cc.me.channels.Ready.r1", "cc.me.channels.Ready.r2", "cc.me.channels.Ready.r4")
@pytest.mark.rule("cc.me.channels.list.r3")
def test_one_channel_alone_is_set_and_logged_in_by_it(agent: User) -> None:
    answer = Desktop(agent).post("/me/channels/Chat", "Ready")

    assert answer.json() == STATUS_OK
    assert states(agent) == {number_of(agent): NOT_READY, "email": NOT_READY, "chat": READY}
    (message,) = told(agent)
    assert [one["channel"] for one in message["channels"]] == ["chat"]


@pytest.mark.rule("cc.me.channels.NotReady.r1", "cc.me.channels.NotReady.r2")
@pytest.mark.rule("cc.me.channels.NotReady.r5")
def test_not_ready_logs_a_channel_in_too(agent: User) -> None:
    answer = Desktop(agent).post("/me/channels/chat", "NotReady")

    assert answer.json() == STATUS_OK
    assert states(agent)["chat"] == NOT_READY
    assert [[one["channel"] for one in message] for message in told_of_channels(agent)] == [
        ["chat"]
    ]


@pytest.mark.rule("cc.me.channels.Ready.r5")
def test_voice_is_all_active_devices(agent: User) -> None:
    second = make_active_device(agent)

    answer = Desktop(agent).post("/me/channels/voice", "Ready")

    assert answer.json() == STATUS_OK
    ((one, other),) = told_of_devices(agent)
    assert {one["userState"]["state"], other["userState"]["state"]} == {"Ready"}
    assert told_of_channels(agent) == []
    assert second.phone_number in {one["phoneNumber"], other["phoneNumber"]}


@pytest.mark.rule("cc.me.channels.AgentState.r1", "cc.me.channels.AgentState.r2")
@pytest.mark.parametrize(
    ("operation", "state"),
    [("AfterCallWork", AFTER_CALL_WORK), ("AuxWork", AUX_WORK), ("Offline", LOGGED_OUT)],
)
def test_a_channel_can_be_in_every_state(
    agent: User, operation: str, state: dict[str, str]
) -> None:
    answer = Desktop(agent).post("/me/channels/email", operation)

    assert answer.json() == STATUS_OK
    assert states(agent)["email"] == state


@pytest.mark.rule("cc.me.channels.AgentState.r2")
def test_a_channel_repeats_the_reason_under_its_second_name(agent: User) -> None:
    make_state(agent)

    Desktop(agent).post("/me/channels/email", "OutToLunch")

    state = states(agent)["email"]
    assert (state["reason"], state["reasonCode"], state["workMode"]) == (
        "Lunch",
        "Lunch",
        "AuxWork",
    )


@pytest.mark.rule("cc.me.channels.AgentState.r3")
@pytest.mark.parametrize(("name", "code"), [("", 1), ("OutToLunch", 2)])
def test_a_channel_needs_a_state_that_there_is(agent: User, name: str, code: int) -> None:
    answer = Desktop(agent).post("/me/channels/email", operationName=name)

    assert (answer.status_code, answer.json()["statusCode"]) == (400, code)


@pytest.mark.rule("cc.me.channels.Ready.r6", "cc.me.channels.NotReady.r6")
@pytest.mark.parametrize("operation", ["Ready", "NotReady"])
def test_a_channel_that_there_is_not_is_not_found(agent: User, operation: str) -> None:
    answer = Desktop(agent).post("/me/channels/fax", operation)

    assert (answer.status_code, answer.json()["statusCode"]) == (404, 6)


# --- Reading ------------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.channels.list.r1", "cc.me.channels.list.r2", "cc.me.channels.list.r3")
def test_both_channels_are_listed_whatever_their_state() -> None:
    agent = make_agent()

    answer = Desktop(agent).get("/me/channels").json()

    assert [(one["channel"], one["userState"], one["dndState"]) for one in answer["channels"]] == [
        ("email", LOGGED_OUT, "Off"),
        ("chat", LOGGED_OUT, "Off"),
    ]
    assert [one.partition("/api/")[2] for one in answer["uris"]] == [
        "v2/me/channels/email",
        "v2/me/channels/chat",
    ]
    assert "uris" not in Desktop(agent).get("/me/channels", fields="*").json()


@pytest.mark.rule("cc.me.channels.get.r1", "cc.me.channels.get.r2")
def test_one_channel_is_read_in_any_spelling(agent: User) -> None:
    desktop = Desktop(agent)

    email = desktop.get("/me/channels/EMail").json()["channel"]
    others = [desktop.get(f"/me/channels/{name}").status_code for name in ("fax", "voice")]

    assert (email["channel"], email["userState"], email["dndState"]) == ("email", NOT_READY, "Off")
    assert others == [404, 404]


@pytest.mark.rule("cc.me.channels.list.r5", "cc.me.channels.list.r4")
def test_without_the_feature_there_are_no_channels() -> None:
    agent = make_agent(make_house(Feature.VOICE))
    make_active_device(agent)
    desktop = Desktop(agent)

    listed, set_ = desktop.get("/me/channels"), desktop.post("/me/channels/email", "Ready")
    voice = desktop.post("/me/channels/voice", "Ready")

    assert (listed.status_code, listed.json()["statusCode"]) == (404, 6)
    assert (set_.status_code, set_.json()["statusCode"]) == (404, 6)
    assert voice.json() == STATUS_OK


@pytest.mark.rule("cc.cometd.topics.r5")
def test_a_topic_without_its_feature_stays_silent() -> None:
    agent = make_agent(make_house(Feature.VOICE))
    make_active_device(agent)

    Desktop(agent).post("/me", "DoNotDisturbOn")

    assert [one["messageType"] for one in told(agent)] == ["DeviceStateChangeMessage"]


# --- History ------------------------------------------------------------------------------------


@pytest.mark.rule("cc.lifecycle.user_state.r4")
def test_history_has_neither_gap_nor_overlap(agent: User, now: datetime) -> None:
    minutes = [now + timedelta(minutes=number) for number in range(3)]

    for moment, name in zip(minutes, ("Ready", "AuxWork", "Ready"), strict=True):
        desk_states.set_state(name, actor=actor_for(agent), now=moment)

    assert history(agent) == [
        ("Ready", minutes[0], minutes[1]),
        ("NotReady", minutes[1], minutes[2]),
        ("Ready", minutes[2], None),
    ]
    assert len(history(agent, "email")) == 3


def test_what_lasted_no_time_is_not_in_the_history(agent: User, now: datetime) -> None:
    for name in ("Ready", "AuxWork"):
        desk_states.set_state(name, actor=actor_for(agent), now=now)

    assert history(agent) == [("NotReady", now, None)]


def test_a_clock_that_is_behind_makes_no_gap(agent: User, now: datetime) -> None:
    desk_states.set_state("Ready", actor=actor_for(agent), now=now)

    desk_states.set_state("AuxWork", actor=actor_for(agent), now=now - timedelta(seconds=1))

    assert history(agent) == [("NotReady", now, None)]


def test_setting_the_same_again_is_no_new_interval(agent: User, now: datetime) -> None:
    desk_states.set_state("Ready", actor=actor_for(agent), now=now)

    desk_states.set_state("Ready", actor=actor_for(agent), now=now + timedelta(minutes=1))

    assert history(agent) == [("Ready", now, None)]
    assert Device.objects.get(user=agent).state_since == now
