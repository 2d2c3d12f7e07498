"""Two at once: whoever comes second sees what the first has done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from agents.errors_presence import DeviceTaken, MonitoredByAnother, NumberTaken
from agents.models import DeskSession, Device, MonitoringKind, PushMessage
from agents.services import desk_monitoring, desk_sessions, desk_states, devices
from agents.services.desk_monitoring import Monitoring
from agents.services.devices import NewDevice
from appointments.consistency import differences
from config.kernel.actors import Role
from tests.agents.desk.desk import (
    history,
    make_active_device,
    make_agent,
    make_device,
    make_house,
    make_login,
    make_place,
)
from tests.appointments.races import run_together
from tests.make import actor_for

pytestmark = pytest.mark.django_db(transaction=True)

LISTEN = Monitoring(kind=MonitoringKind.LISTEN_IN)


@pytest.mark.rule("cc.me.StartContactCenterSession.r4", "cc.lifecycle.device.r4")
def test_one_of_two_gets_a_place(now: datetime) -> None:
    house = make_house()
    place = make_place(make_device(house=house), make_device(house=house))
    agents = [make_agent(house) for _ in range(4)]
    for agent in agents:
        make_login(agent)

    outcomes = run_together(
        [
            partial(
                desk_sessions.start_session,
                ["voice"],
                place=place.name,
                actor=actor_for(agent),
                now=now,
            )
            for agent in agents
        ]
    )

    assert [type(one) for one in outcomes if one] == [DeviceTaken] * 3
    assert Device.objects.values("user").distinct().count() == 1
    assert DeskSession.objects.count() == 1


@pytest.mark.rule("cc.lifecycle.session.r1")
def test_one_person_begins_once(now: datetime) -> None:
    agent = make_agent()
    begin = partial(desk_sessions.start_session, ["email"], actor=actor_for(agent), now=now)

    outcomes = run_together([begin] * 4)

    assert outcomes == [None] * 4
    assert DeskSession.objects.get(user=agent).media == ["email"]
    assert PushMessage.objects.filter(user=agent).count() == 1


def test_states_that_are_set_at_once_follow_each_other(now: datetime) -> None:
    agent = make_agent()
    make_active_device(agent)
    names = ["Ready", "NotReady", "AuxWork", "AfterCallWork", "Offline"] * 2

    outcomes = run_together(
        [
            partial(
                desk_states.set_state,
                name,
                actor=actor_for(agent),
                now=now + timedelta(seconds=seconds),
            )
            for seconds, name in enumerate(names)
        ]
    )

    intervals = history(agent)
    sequences = PushMessage.objects.filter(user=agent).values_list("sequence", flat=True)
    assert outcomes == [None] * len(names)
    assert [one[2] for one in intervals[:-1]] == [one[1] for one in intervals[1:]]
    assert sorted(sequences) == list(range(1, len(sequences) + 1))
    assert list(differences()) == []


def test_the_desk_and_the_device_alone_can_be_switched_at_once(now: datetime) -> None:
    agent = make_agent()
    telephones = [make_active_device(agent) for _ in range(3)]
    actor = actor_for(agent)

    outcomes = run_together(
        [
            partial(desk_states.set_do_not_disturb, True, actor=actor, now=now),
            partial(desk_states.set_state, "Ready", actor=actor, now=now),
            *(
                partial(devices.forward_calls, one.pk, "5999", actor=actor, now=now)
                for one in telephones
            ),
        ]
    )

    rows = Device.objects.filter(user=agent)
    assert outcomes == [None] * 5
    assert {(one.state, one.do_not_disturb, one.forward_to) for one in rows} == {
        ("Ready", True, "5999")
    }


@pytest.mark.rule("cc.me.devices.ListenIn.r5")
def test_one_of_two_supervisors_monitors_a_device(now: datetime) -> None:
    agent = make_agent()
    target = make_active_device(agent)
    supervisors = [make_agent(agent.organization, [Role.SUPERVISOR]) for _ in range(3)]
    for supervisor in supervisors:
        make_active_device(supervisor)

    outcomes = run_together(
        [
            partial(desk_monitoring.monitor, target.pk, LISTEN, actor=actor_for(one), now=now)
            for one in supervisors
        ]
    )

    assert [type(one) for one in outcomes if one] == [MonitoredByAnother] * 2
    target.refresh_from_db()
    assert target.monitored_by is not None


@pytest.mark.rule("cc.devices.create.r2")
def test_one_number_is_one_device_however_it_is_written(now: datetime) -> None:
    administrator = make_agent(roles=[Role.ADMIN])

    outcomes = run_together(
        [
            partial(
                devices.create_device,
                NewDevice(phone_number=number),
                actor=actor_for(administrator),
                now=now,
            )
            for number in ("4977", "49-77", "(49) 77", "49.77")
        ]
    )

    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [NumberTaken] * 3
    assert Device.objects.count() == 1


def test_whoever_came_back_is_not_logged_out(now: datetime) -> None:
    agent = make_agent()
    long_ago = now - timedelta(hours=1)
    desk_sessions.start_session(["email"], actor=actor_for(agent), now=long_ago)

    commands: list[Callable[[], int | None]] = [
        partial(desk_sessions.start_session, ["email"], actor=actor_for(agent), now=now),
        partial(desk_sessions.end_idle_sessions, now=now),
    ]
    run_together(commands)

    # In either order it ends with one session, or with one that began anew.
    assert DeskSession.objects.get(user=agent).seen_at == now
