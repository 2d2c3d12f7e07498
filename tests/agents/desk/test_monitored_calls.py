"""What a supervisor has of the calls of others, and what these see of it."""

from __future__ import annotations

import pytest

from agents.models import Device
from config.kernel.actors import Role
from tests.agents.desk.desk import OK, make_house, told_of_devices
from tests.agents.desk.telephony import Phone, connect, deaf

pytestmark = pytest.mark.django_db

STATUS, UPDATED = "StatusChange", "ParticipantsUpdated"
Scene = tuple[Phone, Phone, Phone]
KINDS = pytest.mark.parametrize("kind", ["ListenIn", "BargeIn", "Coach"])


@pytest.fixture
def scene() -> Scene:
    """Give an agent who is monitored, a colleague and a supervisor."""
    house = make_house()
    return Phone(house), Phone(house), Phone(house, roles=(Role.SUPERVISOR,))


def _monitor(supervisor: Phone, agent: Phone, kind: str, mode: str = "", scope: str = "") -> None:
    members = {"supervisorMonitoringMode": mode, "supervisorMonitoringScope": scope}
    answer = supervisor.desktop.post(f"/devices/{agent.device.pk}", kind, **members)
    assert answer.json() == OK, answer.json()


@pytest.mark.rule("cc.me.devices.ListenIn.r7")
@pytest.mark.parametrize("before_the_call", [True, False])
def test_nobody_sees_who_listens(scene: Scene, before_the_call: bool) -> None:
    ada, bob, supervisor = scene
    if before_the_call:
        _monitor(supervisor, ada, "ListenIn")
    call = connect(ada, bob)
    if not before_the_call:
        _monitor(supervisor, ada, "ListenIn")

    assert supervisor.heard() == [(STATUS, call, "Established")]
    assert supervisor.call()["participants"] == [ada.number, bob.number]
    assert ada.messages() == bob.messages() == []
    assert ada.call()["participants"] == [bob.number]
    assert bob.call()["participants"] == [ada.number]


@pytest.mark.rule("cc.me.devices.BargeIn.r7")
def test_everybody_sees_who_barges_in(scene: Scene) -> None:
    ada, bob, supervisor = scene
    call = connect(ada, bob)

    _monitor(supervisor, ada, "BargeIn")

    assert supervisor.heard() == [(STATUS, call, "Established")]
    assert ada.heard() == bob.heard() == [(UPDATED, call, "Established")]
    assert ada.call()["participants"] == [bob.number, supervisor.number]
    assert bob.call()["participants"] == [ada.number, supervisor.number]


@pytest.mark.rule("cc.me.devices.Coach.r7")
def test_the_agent_alone_sees_who_coaches(scene: Scene) -> None:
    ada, bob, supervisor = scene
    call = connect(bob, ada)

    _monitor(supervisor, ada, "Coach")

    assert supervisor.heard() == [(STATUS, call, "Established")]
    assert ada.heard() == [(UPDATED, call, "Established")]
    assert ada.call()["participants"] == [bob.number, supervisor.number]
    assert bob.messages() == []
    assert bob.call()["participants"] == [ada.number]


@KINDS
def test_a_call_of_two_ends_for_the_supervisor_too(scene: Scene, kind: str) -> None:
    ada, bob, supervisor = scene
    _monitor(supervisor, ada, kind, scope="Agent")
    call = connect(ada, bob)
    deaf(*scene)

    ada.do("Hangup")

    # A supervisor who barged in stays a party until the agent it came for has left.
    assert (STATUS, call, "Released") in supervisor.heard()
    assert supervisor.calls() == bob.calls() == []


@pytest.mark.parametrize("kind", ["ListenIn", "Coach"])
def test_who_is_not_heard_is_no_party(scene: Scene, kind: str) -> None:
    ada, bob, supervisor = scene
    connect(ada, bob)
    _monitor(supervisor, ada, kind)

    assert sorted(supervisor.offered()) == ["Hangup", "Hold", "MuteCall"]
    assert "SingleStepTransfer" in ada.offered()
    assert "RemoveParticipantFromConference" not in ada.offered()


@pytest.mark.rule("cc.me.devices.ListenIn.r8")
@pytest.mark.parametrize(("mode", "goes_on"), [("NextCall", False), ("AllCalls", True)])
def test_monitoring_is_for_one_call_or_all(scene: Scene, mode: str, goes_on: bool) -> None:
    ada, bob, supervisor = scene
    _monitor(supervisor, ada, "ListenIn", mode)
    connect(ada, bob)
    before = len(told_of_devices(supervisor.user))

    ada.do("Hangup")

    device = Device.objects.get(pk=ada.device.pk)
    assert (device.monitored_by_id is not None) == goes_on
    assert len(told_of_devices(supervisor.user)) == before + (not goes_on)
    connect(ada, bob)
    assert bool(supervisor.calls()) == goes_on


@pytest.mark.rule("cc.me.devices.ListenIn.r9")
@pytest.mark.parametrize(("scope", "stays"), [("Agent", False), ("Call", True)])
def test_a_supervisor_stays_with_the_agent_or_the_call(
    scene: Scene, scope: str, stays: bool
) -> None:
    ada, bob, supervisor = scene
    cleo = Phone(ada.user.organization)
    _monitor(supervisor, ada, "ListenIn", scope=scope)
    call = connect(ada, bob)

    ada.do("SingleStepTransfer", destination=cleo.number)
    cleo.do("Answer")

    assert supervisor.states == ({call: "Established"} if stays else {})
    bob.do("Hangup")
    assert supervisor.calls() == []


@KINDS
@pytest.mark.rule("cc.me.devices.CancelSupervisorMonitoring.r2")
def test_cancelling_releases_the_supervisor_alone(scene: Scene, kind: str) -> None:
    ada, bob, supervisor = scene
    call = connect(ada, bob)
    _monitor(supervisor, ada, kind)
    deaf(*scene)

    answer = supervisor.desktop.post(f"/devices/{ada.device.pk}", "CancelSupervisorMonitoring")

    assert answer.json() == OK
    assert supervisor.heard() == [(STATUS, call, "Released")]
    assert ada.states == bob.states == {call: "Established"}
    assert ada.call()["participants"] == [bob.number]


def test_a_supervisor_who_talks_does_not_come_in(scene: Scene) -> None:
    ada, bob, supervisor = scene
    supervisor.dial("+4930123456")
    _monitor(supervisor, ada, "ListenIn")

    call = connect(ada, bob)

    assert call not in supervisor.states


def test_who_has_left_does_not_come_back_with_a_retrieved_call(scene: Scene) -> None:
    ada, bob, supervisor = scene
    connect(ada, bob)
    _monitor(supervisor, ada, "ListenIn")
    supervisor.do("Hangup")

    ada.do("Hold")
    ada.do("Retrieve")

    assert supervisor.calls() == []


def test_logging_out_releases_calls_and_is_told(scene: Scene) -> None:
    ada, bob, _ = scene
    call = connect(ada, bob)

    assert ada.desktop.post("/me", "EndContactCenterSession").json() == OK

    assert ada.heard() == bob.heard() == [(STATUS, call, "Released")]
