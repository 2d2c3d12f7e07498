"""Calls that wait: in queues, on telephones that ring, and those that come from outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from agents import tasks
from agents.errors_calls import CallNotFound
from agents.models import Call, Device, Queue, WorkState
from agents.services import outside_calls, waiting_calls
from config.kernel.actors import Role
from tests.agents.desk.desk import Desktop, make_agent, make_house, make_queue
from tests.agents.desk.telephony import Phone, connect, consult, deaf, make_phones

pytestmark = pytest.mark.django_db

STATUS, UPDATED = "StatusChange", "ParticipantsUpdated"
OUTSIDE = "+4930123456"


@pytest.fixture
def caller() -> Phone:
    return Phone(make_house())


def _ready(house: Phone, since: datetime, **fields: Any) -> Phone:
    return Phone(house.user.organization, state=WorkState.READY, state_since=since, **fields)


# --- Queues ---------------------------------------------------------------------------------------


def test_a_queue_rings_where_somebody_has_been_ready_longest(caller: Phone, now: datetime) -> None:
    short, long = _ready(caller, now), _ready(caller, now - timedelta(hours=1))
    silenced = _ready(caller, now - timedelta(hours=2), do_not_disturb=True)
    forwarding = _ready(caller, now - timedelta(hours=2), forward_to=OUTSIDE)
    not_ready = Phone(caller.user.organization, state_since=now - timedelta(hours=2))
    outsider = _ready(caller, now - timedelta(hours=2))
    queue = make_queue(*(one.user for one in (short, long, silenced, forwarding, not_ready)))

    caller.dial(queue.phone_number)

    assert long.call()["participants"] == [caller.number]
    for phone in (short, silenced, forwarding, not_ready, outsider):
        assert phone.calls() == []


def test_a_queue_passes_over_who_is_busy(caller: Phone, now: datetime) -> None:
    busy, free = _ready(caller, now - timedelta(hours=1)), _ready(caller, now)
    queue = make_queue(busy.user, free.user)
    busy.dial(OUTSIDE)

    caller.dial(queue.phone_number)

    assert free.call()["state"] == "Ringing"


def test_nobody_is_called_by_the_own_queue(caller: Phone) -> None:
    Device.objects.filter(pk=caller.device.pk).update(state=WorkState.READY)
    queue = make_queue(caller.user)

    caller.dial(queue.phone_number)

    assert caller.call()["state"] == "Dialing"
    assert caller.call()["participants"] == [queue.phone_number]


def _waiting(caller: Phone, agent: Phone) -> tuple[Queue, str]:
    queue = make_queue(agent.user)
    caller.dial(queue.phone_number)
    deaf(caller, agent)
    return queue, caller.only


def test_a_queue_rings_as_soon_as_somebody_is_ready(
    caller: Phone, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    agent = Phone(caller.user.organization)
    _, call = _waiting(caller, agent)

    with django_capture_on_commit_callbacks(execute=True):
        agent.desktop.post("/me", "Ready")

    assert agent.heard() == [(STATUS, call, "Ringing")]
    assert caller.heard() == [(UPDATED, call, "Dialing")]
    assert caller.call()["participants"] == [agent.number]


def test_a_queue_rings_as_soon_as_somebody_is_free(
    caller: Phone,
    now: datetime,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    agent = _ready(caller, now)
    agent.dial(OUTSIDE)
    _, call = _waiting(caller, agent)

    with django_capture_on_commit_callbacks(execute=True):
        agent.do("Hangup", next(iter(agent.states)))

    assert agent.states == {call: "Ringing"}


def test_the_sweep_finds_what_waits(caller: Phone, now: datetime) -> None:
    agent = Phone(caller.user.organization)
    _, call = _waiting(caller, agent)
    Device.objects.filter(pk=agent.device.pk).update(state=WorkState.READY)

    tasks.move_waiting_calls()

    assert waiting_calls.offer_waiting(now=now) == 0
    assert agent.states == {call: "Ringing"}


def test_who_waits_can_hang_up(caller: Phone, now: datetime) -> None:
    agent = Phone(caller.user.organization)
    _, call = _waiting(caller, agent)

    caller.do("Hangup")

    assert caller.heard() == [(STATUS, call, "Released")]
    assert waiting_calls.offer_waiting(now=now) == 0


def test_a_call_is_handed_over_to_a_queue_and_waits(caller: Phone, now: datetime) -> None:
    bob, agent = Phone(caller.user.organization), Phone(caller.user.organization)
    queue = make_queue(agent.user)
    call = connect(caller, bob)

    caller.do("SingleStepTransfer", destination=queue.phone_number)
    waits = bob.messages()
    Device.objects.filter(pk=agent.device.pk).update(state=WorkState.READY)
    waiting_calls.offer_waiting(now=now)
    agent.do("Answer", call)

    assert [one["call"]["participants"] for one in waits] == [[queue.phone_number]]
    assert bob.call()["participants"] == [agent.number]


def test_a_consultation_that_waits_moves_with_the_transfer(caller: Phone, now: datetime) -> None:
    bob, agent = Phone(caller.user.organization), Phone(caller.user.organization)
    queue = make_queue(agent.user)
    call = connect(caller, bob)
    caller.do("InitiateTransfer", call, destination=queue.phone_number)
    caller.do("CompleteTransfer", call)
    Device.objects.filter(pk=agent.device.pk).update(state=WorkState.READY)

    waiting_calls.offer_waiting(now=now)

    assert (caller.calls(), agent.states) == ([], {call: "Ringing"})


# --- Nobody answers -------------------------------------------------------------------------------


def test_what_nobody_answers_ends(settings: Any, now: datetime) -> None:
    ada, bob = make_phones(2)
    ada.dial(bob.number)
    call = ada.only
    deaf(ada, bob)
    settings.AGENTS_SWITCH_RINGS_FOR = timedelta(seconds=20)

    early = waiting_calls.end_unanswered(now=now + timedelta(seconds=15))
    late = waiting_calls.end_unanswered(now=now + timedelta(seconds=25))

    assert (early, late) == (0, 1)
    [told] = ada.messages()
    assert told["call"]["state"] == "Released"
    assert told["errorMessage"] == "The destination does not answer."
    assert bob.heard() == [(STATUS, call, "Released")]


def test_a_conference_goes_on_without_who_does_not_answer(now: datetime) -> None:
    ada, bob, cleo = make_phones(3)
    call = connect(ada, bob)
    ada.do("SingleStepConference", destination=cleo.number)

    waiting_calls.end_unanswered(now=now + timedelta(minutes=1))

    assert cleo.calls() == []
    assert ada.states == bob.states == {call: "Established"}


def test_a_consultation_that_nobody_answers_leaves_the_call_held(now: datetime) -> None:
    ada, bob, cleo = make_phones(3)
    call = connect(ada, bob)
    consult(ada, call, cleo)

    waiting_calls.end_unanswered(now=now + timedelta(minutes=1))

    assert ada.states == {call: "Held"}
    assert "Retrieve" in ada.offered(call)


def test_what_is_answered_is_not_ended(now: datetime) -> None:
    ada, bob = make_phones(2)
    connect(ada, bob)

    assert waiting_calls.end_unanswered(now=now + timedelta(hours=1)) == 0


# --- Outside --------------------------------------------------------------------------------------


def test_a_call_from_outside_rings(now: datetime) -> None:
    [ada] = make_phones(1)
    house = ada.device.organization_id

    call = outside_calls.take_in_call(
        house, ada.number, caller=OUTSIDE, user_data={"case": 7}, now=now
    )

    assert call is not None
    assert ada.heard() == [(STATUS, call.number, "Ringing")]
    shown = ada.call()
    assert (shown["callType"], shown["ani"], shown["dnis"]) == ("Inbound", OUTSIDE, ada.number)
    assert (shown["participants"], shown["userData"]) == ([OUTSIDE], {"case": 7})
    ada.do("Answer")
    assert ada.call()["state"] == "Established"


def test_a_call_from_outside_waits_in_a_queue(now: datetime) -> None:
    [ada] = make_phones(1)
    queue = make_queue(ada.user)
    admin = Desktop(make_agent(ada.user.organization, (Role.ADMIN,)))

    outside_calls.take_in_call(
        ada.device.organization_id, queue.phone_number, caller=OUTSIDE, now=now
    )

    [seen] = admin.get("/me/calls", fields="*").json()["calls"]
    assert (seen["state"], seen["participants"]) == ("Dialing", [queue.phone_number])
    assert ada.calls() == []


def test_a_call_from_outside_to_nobody_is_none(now: datetime) -> None:
    [ada] = make_phones(1)
    ada.dial(OUTSIDE)
    house = ada.device.organization_id

    for number in (ada.number, "+49999"):
        assert outside_calls.take_in_call(house, number, caller=OUTSIDE, now=now) is None
    assert Call.objects.count() == 1


def test_whoever_is_outside_answers_and_hangs_up(settings: Any, now: datetime) -> None:
    settings.AGENTS_SWITCH_SILENT_NUMBERS = [OUTSIDE]
    [ada] = make_phones(1)
    ada.dial(OUTSIDE)
    call, house = ada.only, ada.device.organization_id

    outside_calls.outside_answered(house, call, now=now)
    outside_calls.outside_released(house, call, now=now)

    assert [one[2] for one in ada.heard()] == ["Dialing", "Established", "Released"]
    with pytest.raises(CallNotFound):
        outside_calls.outside_released(house, call, now=now)


def test_a_call_that_only_others_are_in_is_forgotten_some_time(now: datetime) -> None:
    [ada] = make_phones(1)
    outside_calls.take_in_call(ada.device.organization_id, ada.number, caller=OUTSIDE, now=now)
    ada.do("Answer")
    ada.do("SingleStepTransfer", destination="+49301")

    early = waiting_calls.end_forgotten(now=now + timedelta(minutes=59))
    late = waiting_calls.end_forgotten(now=now + timedelta(minutes=61))

    assert (early, late) == (0, 1)
    assert Call.objects.get().ended_at == now + timedelta(minutes=61)
