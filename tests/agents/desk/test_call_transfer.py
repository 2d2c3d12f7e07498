"""Bringing others into a call: transfers, conferences, consultations, two calls made one."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Device, Leg
from tests.agents.desk.desk import OK, stored
from tests.agents.desk.telephony import (
    TO_OTHERS,
    Phone,
    confer,
    connect,
    consult,
    deaf,
    make_phones,
)

pytestmark = pytest.mark.django_db

STATUS, UPDATED = "StatusChange", "ParticipantsUpdated"
Three = tuple[Phone, Phone, Phone]
OPERATIONS = pytest.mark.parametrize("operation", ["InitiateConference", "InitiateTransfer"])


@pytest.fixture
def three() -> Three:
    first, second, third = make_phones(3)
    return first, second, third


def _code(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["statusCode"]


def _two_calls(ada: Phone, bob: Phone, cleo: Phone) -> tuple[str, str]:
    """Let Ada hold Bob and talk with Cleo."""
    held = connect(ada, bob)
    ada.do("Hold", held)
    talking = connect(ada, cleo)
    deaf(ada, bob, cleo)
    return held, talking


# --- To a number ----------------------------------------------------------------------------------
@pytest.mark.rule(
    "cc.me.calls.SingleStepTransfer.r1",
    "cc.me.calls.SingleStepConference.r1",
    "cc.me.calls.InitiateConference.r1",
    "cc.me.calls.InitiateTransfer.r1",
)
@pytest.mark.parametrize("operation", TO_OTHERS)
def test_a_destination_is_a_text_or_an_object(three: Three, operation: str) -> None:
    ada, bob, cleo = three
    connect(ada, bob)
    before = stored()

    missing = [ada.ask(operation), ada.ask(operation, destination={"phoneNumber": ""})]
    refused = stored()
    taken = ada.ask(operation, destination=cleo.number)

    assert [_code(one) for one in missing] == [(400, 1), (400, 1)]
    assert refused == before
    assert taken.json() == OK
    assert cleo.call()["state"] == "Ringing"


@pytest.mark.rule(
    "cc.me.calls.SingleStepTransfer.r3",
    "cc.me.calls.SingleStepConference.r4",
    "cc.lifecycle.switch.r12",
)
@pytest.mark.parametrize("operation", TO_OTHERS)
def test_who_cannot_be_reached_changes_nothing(three: Three, operation: str) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    Device.objects.filter(pk=cleo.device.pk).update(do_not_disturb=True)
    shown = ada.call()

    assert ada.ask(operation, destination=cleo.number).json() == OK

    [told] = ada.messages()
    assert {name: told[name] for name in told if name != "call"} == {
        "messageType": "CallStateChangeMessage",
        "notificationType": STATUS,
        "phoneNumber": ada.number,
        "errorMessage": "The destination is busy.",
        "deviceUri": f"/api/v2/devices/{ada.device.pk}",
        "connectionId": call,
        "callUuid": shown["callUuid"],
    }
    assert told["call"]["state"] == "Established"
    assert {**ada.call(), "duration": ""} == {**shown, "duration": ""}
    assert bob.messages() == cleo.messages() == []


@pytest.mark.parametrize("operation", TO_OTHERS)
@pytest.mark.parametrize("whom", [0, 1])
def test_who_takes_part_already_is_busy(three: Three, operation: str, whom: int) -> None:
    ada, bob, _ = three
    connect(ada, bob)
    for one in (ada, bob):
        one.do("Hold")
    deaf(ada, bob)

    ada.do(operation, destination=(ada, bob)[whom].number)

    assert [one["errorMessage"] for one in ada.messages()] == ["The destination is busy."]
    assert len(ada.calls()) == len(bob.calls()) == 1


@pytest.mark.rule("cc.me.calls.SingleStepTransfer.r2")
def test_a_transfer_leaves_the_call_to_the_others(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)

    ada.do("SingleStepTransfer", destination=cleo.number)

    [to_ada], [to_bob], [to_cleo] = (one.messages() for one in three)
    assert (to_ada["call"]["state"], to_ada["call"]["capabilities"]) == ("Released", [])
    assert (to_bob["notificationType"], to_bob["call"]["participants"]) == (UPDATED, [cleo.number])
    assert (to_cleo["call"]["state"], to_cleo["call"]["id"]) == ("Ringing", call)
    assert to_cleo["call"]["participants"] == [bob.number]


@pytest.mark.rule("cc.me.calls.SingleStepTransfer.r4")
def test_a_held_call_can_be_transferred(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    bob.do("Hold")
    ada.do("Hold")
    deaf(ada, bob)

    ada.do("SingleStepTransfer", destination=cleo.number)

    assert ada.heard() == [(STATUS, call, "Released")]
    assert bob.heard() == [(STATUS, call, "Established")]


@pytest.mark.rule("cc.me.calls.SingleStepConference.r2", "cc.me.calls.SingleStepConference.r3")
def test_a_conference_hears_of_who_has_answered(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    ada.do("SingleStepConference", destination=cleo.number)
    early = ada.call()["participants"], cleo.call()["participants"]
    deaf(*three)

    cleo.do("Answer", call)

    [to_ada], [to_bob], [to_cleo] = (one.messages() for one in three)
    assert early == ([bob.number], [ada.number, bob.number])
    assert [to_ada["notificationType"], to_bob["notificationType"]] == [UPDATED, UPDATED]
    assert to_ada["call"]["participants"] == [bob.number, cleo.number]
    assert to_bob["call"]["participants"] == [ada.number, cleo.number]
    assert to_cleo["call"]["state"] == "Established"


# --- Asking somebody ------------------------------------------------------------------------------
@OPERATIONS
@pytest.mark.rule(
    "cc.me.calls.InitiateConference.r2",
    "cc.me.calls.InitiateConference.r3",
    "cc.me.calls.InitiateTransfer.r1",
)
def test_a_consultation_is_a_call_of_its_own(three: Three, operation: str) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)

    new = consult(ada, call, cleo, operation)

    assert new != call
    assert ada.heard() == [(STATUS, call, "Held"), (STATUS, new, "Dialing")]
    assert cleo.heard() == [(STATUS, new, "Ringing")]
    assert bob.heard() == []
    assert (ada.call(new)["callType"], ada.call(new)["participants"]) == ("Consult", [cleo.number])


@OPERATIONS
def test_a_held_call_hears_of_its_consultation_too(three: Three, operation: str) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    ada.do("Hold")
    deaf(ada)

    new = consult(ada, call, cleo, operation)

    assert ada.heard() == [(STATUS, call, "Held"), (STATUS, new, "Dialing")]


def test_asking_from_a_held_call_holds_the_other_one(three: Three) -> None:
    ada, bob, cleo = three
    held, talking = _two_calls(ada, bob, cleo)

    ada.do("InitiateTransfer", held, destination="+4930123456")

    assert ada.states[held] == ada.states[talking] == "Held"
    assert sorted(ada.states.values()) == ["Established", "Held", "Held"]


@OPERATIONS
@pytest.mark.rule("cc.me.calls.InitiateConference.r4", "cc.me.calls.InitiateTransfer.r2")
def test_a_consultation_can_be_completed_on_both_calls(three: Three, operation: str) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    new = consult(ada, call, cleo, operation)
    while_it_rings = [set(ada.offered(one)) for one in (call, new)]

    cleo.do("Answer")

    for offered in while_it_rings:
        assert "CompleteTransfer" in offered
        assert "CompleteConference" not in offered
    for one in (call, new):
        assert {"CompleteTransfer", "CompleteConference"} <= set(ada.offered(one))


@pytest.mark.rule("cc.me.calls.CompleteConference.r1")
def test_a_conference_is_completed_with_its_consultation(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    consult(ada, call, cleo)
    cleo.do("Answer")
    before = stored()

    assert _code(ada.ask("CompleteConference", call)) == (400, 1)
    assert _code(ada.ask("CompleteConference", call, consultCallUri=call)) == (400, 2)
    assert _code(ada.ask("CompleteConference", call, consultCallUri="1" * 16)) == (400, 2)
    assert stored() == before


@pytest.mark.rule(
    "cc.me.calls.CompleteConference.r2",
    "cc.me.calls.CompleteConference.r3",
    "cc.me.calls.CompleteConference.r4",
    "cc.me.calls.CompleteConference.r6",
)
@pytest.mark.parametrize("by_consultation", [True, False])
def test_a_conference_is_completed(three: Three, by_consultation: bool) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    new = consult(ada, call, cleo, "InitiateConference")
    cleo.do("Answer")
    deaf(*three)

    path = new if by_consultation else call
    uri = f"http://elsewhere.example/api/v2/me/calls/{new}"
    assert ada.ask("CompleteConference", path, consultCallUri=uri).json() == OK

    moved = [(STATUS, new, "Released"), (STATUS, call, "Established")]
    assert ada.heard() == cleo.heard() == [*moved, (UPDATED, call, "Established")]
    assert bob.heard() == [(UPDATED, call, "Established")]
    for phone in three:
        others = {one.number for one in three} - {phone.number}
        assert set(phone.call(call)["participants"]) == others


@pytest.mark.rule("cc.me.calls.CompleteConference.r5")
def test_a_conference_waits_for_the_answer(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    new = consult(ada, call, cleo)
    before = stored()

    assert _code(ada.ask("CompleteConference", call, consultCallUri=new)) == (400, 2)
    assert stored() == before


@pytest.mark.rule(
    "cc.me.calls.CompleteTransfer.r1",
    "cc.me.calls.CompleteTransfer.r2",
    "cc.me.calls.CompleteTransfer.r3",
)
@pytest.mark.parametrize("names_it", [True, False])
def test_a_transfer_is_completed(three: Three, names_it: bool) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    new = consult(ada, call, cleo)
    cleo.do("Answer")
    deaf(*three)

    ada.do("CompleteTransfer", call, **({"consultCallUri": new} if names_it else {}))

    assert {*ada.heard()} == {(STATUS, call, "Released"), (STATUS, new, "Released")}
    assert ada.calls() == []
    assert bob.heard() == [(UPDATED, call, "Established")]
    assert bob.call(call)["participants"] == [cleo.number]
    assert cleo.call(call)["participants"] == [bob.number]


@pytest.mark.rule("cc.me.calls.CompleteTransfer.r4")
def test_a_transfer_is_completed_while_it_rings(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    new = consult(ada, call, cleo)
    deaf(*three)

    ada.do("CompleteTransfer", call)

    assert cleo.heard() == [(STATUS, new, "Released"), (STATUS, call, "Ringing")]
    assert bob.call()["participants"] == [cleo.number]


def test_a_transfer_takes_who_is_held_off_hold(three: Three) -> None:
    ada, bob, cleo = three
    call = connect(ada, bob)
    bob.do("Hold")
    consult(ada, call, cleo)
    deaf(*three)

    ada.do("CompleteTransfer", call)

    assert bob.heard() == [(STATUS, call, "Established")]


def test_whoever_talks_elsewhere_stays_on_hold() -> None:
    ada, bob, cleo, dan = make_phones(4)
    call = connect(ada, bob)
    bob.do("Hold")
    elsewhere = connect(bob, dan)
    deaf(bob)

    ada.do("SingleStepTransfer", call, destination=cleo.number)

    assert bob.states == {call: "Held", elsewhere: "Established"}
    assert bob.heard() == [(UPDATED, call, "Held")]


# --- Out of a conference --------------------------------------------------------------------------
@pytest.mark.rule("cc.me.calls.RemoveParticipantFromConference.r1")
def test_only_participants_are_removed(three: Three) -> None:
    ada, bob, cleo = three
    confer(ada, bob, cleo)
    remove = "RemoveParticipantFromConference"
    before = stored()

    assert _code(ada.ask(remove)) == (400, 1)
    assert _code(ada.ask(remove, participant="12345")) == (400, 2)
    assert _code(ada.ask(remove, participant=ada.number)) == (400, 2)
    assert stored() == before


@pytest.mark.rule(
    "cc.me.calls.RemoveParticipantFromConference.r2",
    "cc.me.calls.RemoveParticipantFromConference.r3",
)
def test_who_is_removed_leaves_an_ordinary_call(three: Three) -> None:
    ada, bob, cleo = three
    call = confer(ada, bob, cleo)

    ada.do("RemoveParticipantFromConference", participant=f" {cleo.number} ")

    [to_ada], [to_bob] = ada.messages(), bob.messages()
    assert cleo.heard() == [(STATUS, call, "Released")]
    assert to_ada["notificationType"] == to_bob["notificationType"] == UPDATED
    assert to_ada["call"]["participants"] == [bob.number]
    assert to_bob["call"]["participants"] == [ada.number]
    assert "RemoveParticipantFromConference" not in ada.offered()


def test_an_invitation_to_a_conference_can_be_taken_back(three: Three) -> None:
    ada, bob, cleo = three
    connect(ada, bob)
    ada.do("SingleStepConference", destination=cleo.number)

    ada.do("RemoveParticipantFromConference", participant=cleo.number)

    assert cleo.calls() == []
    assert ada.call()["state"] == bob.call()["state"] == "Established"


# --- Two calls ------------------------------------------------------------------------------------
@pytest.mark.rule("cc.me.calls.SwapCalls.r1")
def test_only_two_calls_of_a_device_are_swapped(three: Three) -> None:
    ada, bob, cleo = three
    held, talking = _two_calls(ada, bob, cleo)
    before = stored()

    assert _code(ada.ask("SwapCalls", held)) == (400, 1)
    assert _code(ada.ask("SwapCalls", held, otherCallUri=held)) == (400, 2)
    assert _code(ada.ask("SwapCalls", talking, otherCallUri="0" * 16)) == (400, 2)
    assert stored() == before


@pytest.mark.rule(
    "cc.me.calls.SwapCalls.r2", "cc.me.calls.SwapCalls.r3", "cc.me.calls.SwapCalls.r4"
)
@pytest.mark.parametrize("from_held", [True, False])
def test_swapped_calls_change_places(three: Three, from_held: bool) -> None:
    ada, bob, cleo = three
    held, talking = _two_calls(ada, bob, cleo)
    path, other = (held, talking) if from_held else (talking, held)

    ada.do("SwapCalls", path, otherCallUri=f"/api/v2/me/calls/{other}")

    assert ada.heard() == [(STATUS, talking, "Held"), (STATUS, held, "Established")]
    assert bob.heard() == cleo.heard() == []


@pytest.mark.rule("cc.me.calls.MergeWithOtherCall.r1")
def test_only_two_calls_of_an_agent_are_merged(three: Three) -> None:
    ada, bob, cleo = three
    held, _ = _two_calls(ada, bob, cleo)
    before = stored()

    assert _code(ada.ask("MergeWithOtherCall", held)) == (400, 1)
    assert _code(ada.ask("MergeWithOtherCall", held, otherCallUri=held)) == (400, 2)
    assert _code(ada.ask("MergeWithOtherCall", held, otherCallUri="0" * 16)) == (400, 2)
    assert stored() == before


@pytest.mark.rule("cc.me.calls.MergeWithOtherCall.r2", "cc.me.calls.MergeWithOtherCall.r3")
@pytest.mark.parametrize("into_held", [True, False])
def test_merged_calls_are_one(three: Three, into_held: bool) -> None:
    ada, bob, cleo = three
    held, talking = _two_calls(ada, bob, cleo)
    path, other = (held, talking) if into_held else (talking, held)
    stays, moves = (bob, cleo) if into_held else (cleo, bob)

    ada.do("MergeWithOtherCall", path, otherCallUri=other)

    moved = [(STATUS, other, "Released"), (STATUS, path, "Established")]
    updated = (UPDATED, path, "Established")
    assert moves.heard() == [*moved, updated]
    assert stays.heard() == [updated]
    assert ada.heard() == ([*moved, updated] if into_held else [moved[0], updated])
    for phone in three:
        others = {one.number for one in three} - {phone.number}
        assert set(phone.call(path)["participants"]) == others


def test_two_held_calls_are_merged_while_the_telephone_is_free(three: Three) -> None:
    ada, bob, cleo = three
    held, talking = _two_calls(ada, bob, cleo)
    ada.do("Hold", talking)
    ada.dial("+4930123456")
    refused = ada.ask("MergeWithOtherCall", held, otherCallUri=talking)
    ada.do("Hangup", next(call for call, state in ada.states.items() if state == "Established"))

    ada.do("MergeWithOtherCall", held, otherCallUri=talking)

    assert _code(refused) == (400, 2)
    assert ada.states == {held: "Established"}


def test_somebody_in_both_calls_has_one_place_in_the_merged_one(three: Three) -> None:
    ada, bob, cleo = three
    first = connect(ada, bob)
    bob.do("Hold")
    ada.do("Hold")
    second = connect(ada, cleo)
    ada.do("SingleStepConference", second, destination=bob.number)
    bob.do("Answer", second)

    ada.do("MergeWithOtherCall", first, otherCallUri=second)

    assert bob.states == cleo.states == ada.states == {first: "Established"}
    assert Leg.objects.filter(released_at__isnull=True).count() == 3
