"""Supervisors who take part in the calls of others: what their devices and desktops say of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from agents.models import Device, PushMessage, User
from agents.services import desk_sessions
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    OK,
    Desktop,
    make_active_device,
    make_agent,
    make_device,
    stored,
    told,
    told_of_devices,
)
from tests.make import actor_for

pytestmark = pytest.mark.django_db

KINDS = ["ListenIn", "BargeIn", "Coach"]
MEMBERS = ("supervisorMonitoringState", "supervisorMonitoringMode", "supervisorMonitoringScope")


@pytest.fixture
def supervisor() -> User:
    """Give a supervisor who is logged in on a telephone."""
    person = make_agent(roles=[Role.SUPERVISOR])
    make_active_device(person)
    return person


@pytest.fixture
def agent(supervisor: User) -> User:
    """Give an agent of the same organisation who is logged in on a telephone."""
    person = make_agent(supervisor.organization)
    make_active_device(person)
    return person


def device_of(user: User) -> Device:
    return Device.objects.get(user=user)


def code(user: User, path: str, operation: str, **members: object) -> int:
    answer = Desktop(user).post(path, operation, **members)
    found: int = answer.json()["statusCode"]
    return found


def monitor(supervisor: User, agent: User, kind: str = "ListenIn", **members: object) -> int:
    """Monitor from the supervisor's own device and give the statusCode."""
    target = f"http://anywhere/api/v2/devices/{device_of(agent).pk}"
    path = f"/me/devices/{device_of(supervisor).pk}"
    return code(supervisor, path, kind, targetDeviceUri=target, **members)


def seen_by(user: User, target: Device) -> tuple[str | None, ...]:
    shown = Desktop(user).get(f"/devices/{target.pk}").json()["device"]
    return tuple(shown.get(name) for name in MEMBERS)


@pytest.mark.rule("cc.me.devices.ListenIn.r1", "cc.me.devices.ListenIn.r2")
@pytest.mark.rule("cc.me.devices.BargeIn.r1", "cc.me.devices.BargeIn.r2")
@pytest.mark.rule("cc.me.devices.Coach.r1", "cc.me.devices.Coach.r2")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_own_device", [True, False])
def test_a_device_is_monitored_by_either_path(
    supervisor: User, agent: User, kind: str, by_own_device: bool
) -> None:
    target = device_of(agent)
    own = {"targetDeviceUri": str(target.pk)} if by_own_device else {}
    path = f"/me/devices/{device_of(supervisor).pk}" if own else f"/devices/{target.pk}"

    answer = Desktop(supervisor).post(path, kind, **own)

    target.refresh_from_db()
    assert (answer.json(), target.monitored_by) == (OK, device_of(supervisor))
    assert seen_by(supervisor, target) == (kind, "AllCalls", "Call")
    assert seen_by(agent, target) == (None, None, None)


@pytest.mark.rule("cc.me.devices.ListenIn.r3")
@pytest.mark.rule("cc.me.devices.BargeIn.r3")
@pytest.mark.rule("cc.me.devices.Coach.r3")
@pytest.mark.parametrize("kind", KINDS)
def test_mode_and_scope_are_those_that_there_are(supervisor: User, agent: User, kind: str) -> None:
    refused = [
        monitor(supervisor, agent, kind, supervisorMonitoringMode="SomeCalls"),
        monitor(supervisor, agent, kind, supervisorMonitoringScope="House"),
    ]
    taken = monitor(
        supervisor,
        agent,
        kind,
        supervisorMonitoringMode="NextCall",
        supervisorMonitoringScope="Agent",
    )

    assert (refused, taken) == ([2, 2], 0)
    assert seen_by(supervisor, device_of(agent)) == (kind, "NextCall", "Agent")


@pytest.mark.rule("cc.me.devices.ListenIn.r4")
@pytest.mark.rule("cc.me.devices.BargeIn.r4")
@pytest.mark.rule("cc.me.devices.Coach.r4")
@pytest.mark.parametrize("kind", KINDS)
def test_the_supervisor_is_told_and_the_agent_is_not(
    supervisor: User, agent: User, kind: str
) -> None:
    monitor(supervisor, agent, kind)

    ((shown,),) = told_of_devices(supervisor)
    assert (shown["id"], shown["supervisorMonitoringState"]) == (str(device_of(agent).pk), kind)
    assert shown["capabilities"][2:] == [*KINDS, "CancelSupervisorMonitoring"]
    assert told(agent) == []


@pytest.mark.rule("cc.me.devices.ListenIn.r5")
@pytest.mark.rule("cc.me.devices.BargeIn.r5")
@pytest.mark.rule("cc.me.devices.Coach.r5")
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_monitors_it_meanwhile(supervisor: User, agent: User, kind: str) -> None:
    other = make_agent(supervisor.organization, [Role.SUPERVISOR])
    make_active_device(other)
    monitor(supervisor, agent, kind)
    path = f"/devices/{device_of(agent).pk}"

    shown = Desktop(other).get(path).json()["device"]

    assert not set(KINDS) & set(shown["capabilities"])
    assert [code(other, path, one) for one in KINDS] == [2, 2, 2]
    assert told(other) == []


@pytest.mark.rule("cc.me.devices.ListenIn.r6")
@pytest.mark.rule("cc.me.devices.BargeIn.r6")
@pytest.mark.rule("cc.me.devices.Coach.r6")
@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
def test_only_supervisors_monitor(agent: User, role: Role) -> None:
    other = make_agent(agent.organization, [role])
    make_active_device(other)
    path = f"/devices/{device_of(agent).pk}"

    codes = [code(other, path, one) for one in (*KINDS, "CancelSupervisorMonitoring")]

    assert codes == [5, 5, 5, 5]


def test_another_kind_takes_the_place_of_the_first(supervisor: User, agent: User) -> None:
    monitor(supervisor, agent, "ListenIn")

    assert monitor(supervisor, agent, "Coach") == 0

    assert seen_by(supervisor, device_of(agent))[0] == "Coach"


def test_what_is_named_has_to_be_there(supervisor: User, agent: User) -> None:
    own, target = device_of(supervisor), device_of(agent)
    idle, foreign = make_device(house=agent.organization), make_active_device(make_agent())
    before = stored()

    codes = [
        code(supervisor, f"/me/devices/{own.pk}", "ListenIn"),
        code(supervisor, f"/me/devices/{own.pk}", "ListenIn", targetDeviceUri="x"),
        code(supervisor, f"/me/devices/{own.pk}", "ListenIn", targetDeviceUri=str(foreign.pk)),
        code(supervisor, f"/me/devices/{target.pk}", "ListenIn", targetDeviceUri=str(target.pk)),
        code(supervisor, f"/devices/{foreign.pk}", "ListenIn"),
        code(supervisor, f"/devices/{idle.pk}", "ListenIn"),
        code(supervisor, f"/devices/{own.pk}", "ListenIn"),
    ]

    assert codes == [1, 6, 6, 6, 6, 2, 2]
    assert stored() == before


def test_a_supervisor_needs_a_telephone_of_its_own(supervisor: User, agent: User) -> None:
    Device.objects.filter(user=supervisor).update(is_active=False)

    assert code(supervisor, f"/devices/{device_of(agent).pk}", "ListenIn") == 2
    assert monitor(supervisor, agent) == 2


@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r1")
@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r4")
@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r5")
@pytest.mark.parametrize("root", ["/me/devices", "/devices"])
def test_monitoring_ends_by_either_path(supervisor: User, agent: User, root: str) -> None:
    monitor(supervisor, agent)
    PushMessage.objects.all().delete()
    named = device_of(supervisor if root == "/me/devices" else agent)

    answer = Desktop(supervisor).post(f"{root}/{named.pk}", "CancelSupervisorMonitoring")

    ((shown,),) = told_of_devices(supervisor)
    assert answer.json() == OK
    assert seen_by(supervisor, device_of(agent)) == (None, None, None)
    assert shown["capabilities"][2:] == KINDS
    assert not set(MEMBERS) & set(shown)


@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r3")
def test_only_whoever_monitors_ends_it(supervisor: User, agent: User) -> None:
    other = make_agent(supervisor.organization, [Role.SUPERVISOR])
    make_active_device(other)
    monitor(supervisor, agent)
    cancel = "CancelSupervisorMonitoring"

    codes = [
        code(other, f"/me/devices/{device_of(other).pk}", cancel),
        code(other, f"/devices/{device_of(agent).pk}", cancel),
        code(other, f"/me/devices/{device_of(agent).pk}", cancel),
    ]

    assert codes == [2, 2, 6]
    assert seen_by(supervisor, device_of(agent))[0] == "ListenIn"


def test_it_ends_when_the_agent_logs_out(supervisor: User, agent: User, now: datetime) -> None:
    monitor(supervisor, agent)
    PushMessage.objects.all().delete()

    desk_sessions.end_session(agent.pk, actor=actor_for(agent), now=now)

    ((shown,),) = told_of_devices(supervisor)
    assert (shown["deviceState"], shown.get("supervisorMonitoringState")) == ("Inactive", None)
    assert seen_by(supervisor, device_of(agent)) == (None, None, None)


def test_it_ends_when_the_supervisor_logs_out(supervisor: User, agent: User, now: datetime) -> None:
    target = device_of(agent)
    monitor(supervisor, agent)
    PushMessage.objects.all().delete()

    desk_sessions.end_session(supervisor.pk, actor=actor_for(supervisor), now=now)

    (devices,) = told_of_devices(supervisor)
    assert {one["id"] for one in devices} == {str(target.pk), str(device_of(supervisor).pk)}
    target.refresh_from_db()
    assert (target.monitored_by, target.monitoring_kind) == (None, "")
    assert told(agent) == []
