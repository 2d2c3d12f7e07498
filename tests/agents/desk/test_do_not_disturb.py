"""Do not disturb: of a person, of one device, of one channel."""

from __future__ import annotations

import pytest

from agents.models import Device, MediaChannel, PushMessage, User
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    NOT_READY,
    OK,
    READY,
    STATUS_OK,
    Desktop,
    make_active_device,
    make_agent,
    make_device,
    told,
    told_of_channels,
    told_of_devices,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    """Give an agent who is ready on a telephone and on both channels."""
    person = make_agent()
    make_active_device(person)
    desktop = Desktop(person)
    desktop.post("/me", "Ready")
    for channel in ("email", "chat"):
        desktop.post(f"/me/channels/{channel}", "Ready")
    forget(person)
    return person


def forget(person: User) -> None:
    """Let a test count from here what somebody is told."""
    PushMessage.objects.filter(user=person).delete()


def shown(agent: User) -> dict[str, tuple[str, dict[str, str]]]:
    """Give flag and state of the device and the channels, as the agent reads them."""
    desktop = Desktop(agent)
    (device,) = desktop.get("/me/devices", fields="*").json()["devices"]
    channels = desktop.get("/me/channels", fields="*").json()["channels"]
    return {
        "voice": (device["doNotDisturb"], device["userState"]),
        **{one["channel"]: (one["dndState"], one["userState"]) for one in channels},
    }


def device_path(agent: User, root: str = "/devices") -> str:
    return f"{root}/{Device.objects.get(user=agent).pk}"


# --- Of a person --------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.DoNotDisturbOn.r1", "cc.me.DoNotDisturbOn.r2", "cc.me.DoNotDisturbOn.r4")
@pytest.mark.rule("cc.lifecycle.dnd.r1", "cc.lifecycle.dnd.r4")
def test_it_is_on_for_the_person_and_for_all_that_it_has(agent: User) -> None:
    answer = Desktop(agent).post("/me", "DoNotDisturbOn")

    agent.refresh_from_db()
    assert (answer.json(), agent.do_not_disturb) == (STATUS_OK, True)
    assert shown(agent) == dict.fromkeys(("voice", "email", "chat"), ("On", NOT_READY))


@pytest.mark.rule("cc.me.DoNotDisturbOn.r5", "cc.me.DoNotDisturbOn.r7")
def test_both_kinds_of_message_tell_it(agent: User) -> None:
    Desktop(agent).post("/me", "DoNotDisturbOn")

    ((device,),), (channels,) = told_of_devices(agent), told_of_channels(agent)
    assert (device["doNotDisturb"], device["capabilities"][0]) == ("On", "DoNotDisturbOff")
    assert [(one["dndState"], one["userState"]) for one in channels] == [("On", NOT_READY)] * 2


@pytest.mark.rule("cc.me.DoNotDisturbOn.r1", "cc.me.DoNotDisturbOff.r1")
@pytest.mark.parametrize("operation", ["DoNotDisturbOn", "DoNotDisturbOff"])
def test_switching_to_what_it_is_already_tells_nothing(agent: User, operation: str) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", operation)
    forget(agent)

    answer = desktop.post("/me", operation)

    assert (answer.json(), told(agent)) == (STATUS_OK, [])


@pytest.mark.rule("cc.me.Ready.r6", "cc.lifecycle.dnd.r2", "cc.me.DoNotDisturbOff.r3")
def test_what_is_asked_for_meanwhile_is_shown_afterwards(agent: User) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", "NotReady")
    desktop.post("/me", "DoNotDisturbOn")
    forget(agent)

    during = desktop.post("/me", "Ready")

    assert (during.json(), told(agent)) == (STATUS_OK, [])
    assert shown(agent)["voice"] == ("On", NOT_READY)
    desktop.post("/me", "DoNotDisturbOff")
    assert shown(agent) == dict.fromkeys(("voice", "email", "chat"), ("Off", READY))


@pytest.mark.rule("cc.me.DoNotDisturbOff.r2", "cc.me.DoNotDisturbOff.r4")
@pytest.mark.rule("cc.me.DoNotDisturbOff.r5", "cc.me.DoNotDisturbOff.r1")
def test_off_is_for_what_was_switched_on_alone_too(agent: User) -> None:
    desktop = Desktop(agent)
    desktop.post("/me/channels/email", "DoNotDisturbOn")
    desktop.post(device_path(agent), "DoNotDisturbOn")
    forget(agent)

    answer = desktop.post("/me", "DoNotDisturbOff")

    ((device,),), ((email,),) = told_of_devices(agent), told_of_channels(agent)
    assert answer.json() == STATUS_OK
    assert (device["doNotDisturb"], device["capabilities"][0]) == ("Off", "DoNotDisturbOn")
    assert (email["channel"], email["dndState"], email["userState"]) == ("email", "Off", READY)


# --- Of one device ------------------------------------------------------------------------------


@pytest.mark.rule("cc.devices.DoNotDisturbOn.r1", "cc.devices.DoNotDisturbOn.r2")
@pytest.mark.rule("cc.devices.DoNotDisturbOn.r4", "cc.devices.DoNotDisturbOn.r6")
@pytest.mark.parametrize("root", ["/devices", "/me/devices"])
def test_one_device_alone_is_not_disturbed(agent: User, root: str) -> None:
    answer = Desktop(agent).post(device_path(agent, root), "DoNotDisturbOn")

    agent.refresh_from_db()
    assert (answer.json(), agent.do_not_disturb) == (OK, False)
    assert shown(agent) == {
        "voice": ("On", NOT_READY),
        "email": ("Off", READY),
        "chat": ("Off", READY),
    }
    (message,) = told(agent)
    assert message["devices"][0]["doNotDisturb"] == "On"


@pytest.mark.rule("cc.devices.DoNotDisturbOff.r1", "cc.devices.DoNotDisturbOff.r2")
@pytest.mark.rule("cc.devices.DoNotDisturbOff.r4", "cc.devices.DoNotDisturbOff.r6")
@pytest.mark.parametrize("root", ["/devices", "/me/devices"])
def test_one_device_alone_is_disturbed_again(agent: User, root: str) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", "DoNotDisturbOn")
    forget(agent)

    answer = desktop.post(device_path(agent, root), "DoNotDisturbOff")

    agent.refresh_from_db()
    assert (answer.json(), agent.do_not_disturb) == (OK, True)
    assert shown(agent)["voice"] == ("Off", READY)
    (message,) = told(agent)
    assert message["devices"][0]["doNotDisturb"] == "Off"


@pytest.mark.rule("cc.devices.DoNotDisturbOn.r5", "cc.devices.DoNotDisturbOff.r5")
@pytest.mark.parametrize("operation", ["DoNotDisturbOn", "DoNotDisturbOff"])
def test_agents_have_their_own_devices_and_administrators_all(agent: User, operation: str) -> None:
    colleague = make_agent(agent.organization)
    administrator = make_agent(agent.organization, [Role.ADMIN])
    stranger = make_agent(roles=[Role.ADMIN])
    path = device_path(agent)

    codes = [
        Desktop(one).post(path, operation).json()["statusCode"]
        for one in (colleague, stranger, administrator)
    ]

    assert codes == [6, 6, 0]
    assert told(administrator) == []


@pytest.mark.rule("cc.lifecycle.device.r5")
@pytest.mark.parametrize(
    "operation", ["DoNotDisturbOn", "DoNotDisturbOff", "ForwardCallsOn", "ForwardCallsOff"]
)
def test_an_inactive_device_refuses_everything(operation: str) -> None:
    agent = make_agent()
    idle = make_device(agent)

    answer = Desktop(agent).post(f"/devices/{idle.pk}", operation, destination="5999")

    assert (answer.status_code, answer.json()["statusCode"]) == (400, 2)
    assert told(agent) == []


# --- Of one channel -----------------------------------------------------------------------------


@pytest.mark.rule("cc.channels.DoNotDisturbOn.r1", "cc.channels.DoNotDisturbOn.r2")
@pytest.mark.rule("cc.channels.DoNotDisturbOn.r4", "cc.channels.DoNotDisturbOn.r6")
@pytest.mark.parametrize("root", ["/channels", "/me/channels"])
def test_one_channel_alone_is_not_disturbed(agent: User, root: str) -> None:
    answer = Desktop(agent).post(f"{root}/email", "DoNotDisturbOn")

    agent.refresh_from_db()
    assert (answer.json(), agent.do_not_disturb) == (STATUS_OK, False)
    (message,) = told(agent)
    assert [(one["channel"], one["dndState"]) for one in message["channels"]] == [("email", "On")]
    assert shown(agent)["voice"] == ("Off", READY)


@pytest.mark.rule("cc.channels.DoNotDisturbOff.r1", "cc.channels.DoNotDisturbOff.r2")
@pytest.mark.rule("cc.channels.DoNotDisturbOff.r3", "cc.channels.DoNotDisturbOff.r4")
@pytest.mark.rule("cc.channels.DoNotDisturbOff.r6")
@pytest.mark.parametrize("root", ["/channels", "/me/channels"])
def test_one_channel_alone_is_disturbed_again(agent: User, root: str) -> None:
    desktop = Desktop(agent)
    desktop.post("/me", "DoNotDisturbOn")
    forget(agent)

    answer = desktop.post(f"{root}/EMAIL", "DoNotDisturbOff")

    agent.refresh_from_db()
    assert (answer.json(), agent.do_not_disturb) == (STATUS_OK, True)
    assert [one["channel"] for one in told_of_channels(agent)[0]] == ["email"]
    assert MediaChannel.objects.get(user=agent, medium="email").takes_work


@pytest.mark.rule("cc.channels.DoNotDisturbOn.r5", "cc.channels.DoNotDisturbOff.r5")
@pytest.mark.parametrize("operation", ["DoNotDisturbOn", "DoNotDisturbOff"])
def test_the_flag_can_be_set_in_every_state_of_a_channel_that_there_is(operation: str) -> None:
    desktop = Desktop(make_agent())

    answers = [desktop.post(f"/channels/{name}", operation) for name in ("chat", "fax", "voice")]

    assert [one.json()["statusCode"] for one in answers] == [0, 6, 6]
