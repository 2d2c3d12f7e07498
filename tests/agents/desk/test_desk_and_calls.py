"""What states, flags, sessions and supervisors mean to calls, and calls to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agents.models import Device, Leg, MediaChannel, PushMessage, WorkState
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    READY,
    Desktop,
    make_active_device,
    make_agent,
    make_house,
    make_queue,
)
from tests.agents.desk.telephony import Phone, connect, make_phones

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

CANCEL = "CancelSupervisorMonitoring"


def device_path(phone: Phone) -> str:
    return f"/devices/{phone.device.pk}"


def states(phone: Phone) -> list[str]:
    """Give how the calls of somebody stand that are not over."""
    legs = Leg.objects.filter(user=phone.user, released_at__isnull=True).order_by("began_at")
    return list(legs.values_list("state", flat=True))


def supervised() -> tuple[Phone, Phone, Phone]:
    """Give a supervisor, an agent, and another one who calls the first."""
    house = make_house()
    return Phone(house, roles=(Role.SUPERVISOR,)), Phone(house), Phone(house)


def numbers_seen(phone: Phone) -> list[str]:
    found: list[str] = phone.call()["participants"]
    return found


# --- States -------------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.Ready.r5", "cc.me.channels.Ready.r3")
def test_whoever_is_ready_gets_the_calls_of_a_queue(
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    caller, agent = make_phones(2)
    queue = make_queue(agent.user)
    caller.dial(queue.phone_number)
    assert states(agent) == []

    with django_capture_on_commit_callbacks(execute=True):
        agent.desktop.post("/me", "Ready")

    assert states(agent) == ["Ringing"]


@pytest.mark.rule("cc.me.NotReady.r4", "cc.me.NotReady.r5", "cc.me.channels.NotReady.r3")
@pytest.mark.rule("cc.me.channels.Ready.r3", "cc.channels.DoNotDisturbOn.r3")
def test_only_a_channel_that_is_ready_takes_new_work() -> None:
    agent = make_agent()
    desktop = Desktop(agent)

    def takes_work(operation: str) -> bool:
        desktop.post("/me/channels/email", operation)
        return MediaChannel.objects.get(user=agent, medium="email").takes_work

    orders = ("Ready", "DoNotDisturbOn", "DoNotDisturbOff", "NotReady")
    assert [takes_work(one) for one in orders] == [True, False, True, False]


@pytest.mark.rule("cc.me.NotReady.r4", "cc.me.DoNotDisturbOn.r6")
@pytest.mark.parametrize("operation", ["NotReady", "DoNotDisturbOn", "Offline"])
def test_calls_go_on_whatever_their_party_says_of_itself(operation: str) -> None:
    caller, called = make_phones(2)
    connect(caller, called)

    called.desktop.post("/me", operation)

    assert (states(caller), states(called)) == (["Established"], ["Established"])


@pytest.mark.rule("cc.lifecycle.user_state.r5")
def test_a_call_that_ends_changes_no_state() -> None:
    caller, called = make_phones(2)
    for phone in (caller, called):
        phone.desktop.post("/me", "Ready")
    connect(caller, called)

    caller.do("Hangup")

    (device,) = called.desktop.get("/me/devices", fields="*").json()["devices"]
    assert device["userState"] == READY


# --- Do not disturb and forwarding ----------------------------------------------------------------


@pytest.mark.rule("cc.devices.DoNotDisturbOn.r3", "cc.devices.DoNotDisturbOff.r3")
@pytest.mark.rule("cc.lifecycle.dnd.r3")
def test_a_device_that_is_not_disturbed_is_busy() -> None:
    caller, called = make_phones(2)
    called.desktop.post(device_path(called), "DoNotDisturbOn")
    caller.dial(called.number)
    during = (states(caller), states(called))

    called.desktop.post(device_path(called), "DoNotDisturbOff")
    caller.dial(called.number)

    assert during == ([], [])
    assert (states(caller), states(called)) == (["Dialing"], ["Ringing"])


@pytest.mark.rule("cc.me.DoNotDisturbOn.r3")
def test_no_device_of_somebody_rings_who_is_not_disturbed() -> None:
    caller, called = make_phones(2)
    second = make_active_device(called.user, WorkState.READY)
    queue = make_queue(called.user)
    called.desktop.post("/me", "Ready")
    called.desktop.post("/me", "DoNotDisturbOn")

    for number in (called.number, second.phone_number, queue.phone_number):
        caller.dial(number)

    assert states(called) == []


@pytest.mark.rule("cc.devices.ForwardCallsOn.r5")
def test_a_forwarded_call_rings_at_its_destination() -> None:
    caller, called, other = make_phones(3)
    called.desktop.post(device_path(called), "ForwardCallsOn", destination=other.number)

    caller.dial(called.number)

    assert (states(called), states(other)) == ([], ["Ringing"])


# --- The end of a session -----------------------------------------------------------------------


@pytest.mark.rule("cc.me.EndContactCenterSession.r2")
def test_calls_are_released_before_the_logout() -> None:
    caller, called = make_phones(2)
    connect(caller, called)
    PushMessage.objects.all().delete()

    called.desktop.post("/me", "EndContactCenterSession")

    heard = PushMessage.objects.filter(user=called.user).order_by("sequence")
    first, second = (one.data for one in heard)
    assert (first["notificationType"], first["call"]["state"]) == ("StatusChange", "Released")
    assert second["devices"][0]["deviceState"] == "Inactive"
    assert (states(caller), states(called)) == ([], [])


def test_a_supervisors_own_end_of_a_call_goes_with_its_session() -> None:
    supervisor, agent, caller = supervised()
    supervisor.desktop.post(device_path(agent), "BargeIn")
    connect(caller, agent)

    supervisor.desktop.post("/me", "EndContactCenterSession")

    assert states(supervisor) == []
    assert (states(agent), states(caller)) == (["Established"], ["Established"])


# --- Monitoring ---------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.devices.ListenIn.r7")
@pytest.mark.parametrize("is_talking", [True, False])
def test_whoever_listens_has_the_call_and_nobody_knows(is_talking: bool) -> None:
    supervisor, agent, caller = supervised()
    if is_talking:
        connect(caller, agent)
    supervisor.desktop.post(device_path(agent), "ListenIn")
    if not is_talking:
        connect(caller, agent)

    assert states(supervisor) == ["Established"]
    assert numbers_seen(agent) == [caller.number]
    assert numbers_seen(caller) == [agent.number]
    assert (agent.messages(), caller.messages()) == ([], [])


@pytest.mark.rule("cc.me.devices.BargeIn.r7")
def test_whoever_barges_in_is_a_party_for_everybody() -> None:
    supervisor, agent, caller = supervised()
    call = connect(caller, agent)

    supervisor.desktop.post(device_path(agent), "BargeIn")

    assert sorted(numbers_seen(caller)) == sorted([agent.number, supervisor.number])
    assert sorted(numbers_seen(agent)) == sorted([caller.number, supervisor.number])
    updated = [("ParticipantsUpdated", call, "Established")]
    assert (agent.heard(), caller.heard()) == (updated, updated)


@pytest.mark.rule("cc.me.devices.Coach.r7")
def test_whoever_coaches_is_known_to_the_agent_alone() -> None:
    supervisor, agent, caller = supervised()
    call = connect(caller, agent)

    supervisor.desktop.post(device_path(agent), "Coach")

    assert sorted(numbers_seen(agent)) == sorted([caller.number, supervisor.number])
    assert numbers_seen(caller) == [agent.number]
    assert agent.heard() == [("ParticipantsUpdated", call, "Established")]
    assert caller.heard() == []


@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r2")
@pytest.mark.parametrize("kind", ["ListenIn", "BargeIn", "Coach"])
def test_the_end_of_monitoring_leaves_the_call_to_the_others(kind: str) -> None:
    supervisor, agent, caller = supervised()
    connect(caller, agent)
    supervisor.desktop.post(device_path(agent), kind)

    supervisor.desktop.post(device_path(agent), CANCEL)

    assert states(supervisor) == []
    assert (states(agent), states(caller)) == (["Established"], ["Established"])
    assert numbers_seen(caller) == [agent.number]


def test_another_kind_keeps_the_supervisor_in_the_call() -> None:
    supervisor, agent, caller = supervised()
    connect(caller, agent)
    supervisor.desktop.post(device_path(agent), "ListenIn")

    supervisor.desktop.post(device_path(agent), "BargeIn")

    assert states(supervisor) == ["Established"]
    assert sorted(numbers_seen(caller)) == sorted([agent.number, supervisor.number])


@pytest.mark.rule("cc.me.devices.ListenIn.r8")
@pytest.mark.parametrize(("mode", "goes_on"), [("NextCall", False), ("AllCalls", True)])
def test_monitoring_is_for_one_call_or_for_all(mode: str, goes_on: bool) -> None:
    supervisor, agent, caller = supervised()
    supervisor.desktop.post(device_path(agent), "ListenIn", supervisorMonitoringMode=mode)
    connect(caller, agent)

    caller.do("Hangup")

    device = Device.objects.get(pk=agent.device.pk)
    assert (device.monitored_by is not None) == goes_on
    connect(caller, agent)
    assert states(supervisor) == (["Established"] if goes_on else [])


@pytest.mark.rule("cc.me.devices.ListenIn.r9")
@pytest.mark.parametrize(("scope", "stays"), [("Agent", []), ("Call", ["Established"])])
def test_the_supervisor_leaves_with_the_agent_or_with_the_call(
    scope: str, stays: list[str]
) -> None:
    supervisor, agent, caller = supervised()
    third = Phone(agent.user.organization)
    supervisor.desktop.post(device_path(agent), "ListenIn", supervisorMonitoringScope=scope)
    call = connect(caller, agent)
    agent.do("SingleStepTransfer", call, destination=third.number)

    third.do("Answer", call)

    assert states(supervisor) == stays
    caller.do("Hangup", call)
    assert states(supervisor) == []
