"""Dialling, answering, hanging up, holding, tones and silence, as desktops ask for them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from agents.models import Call, Device, WorkState
from config.kernel.actors import Role
from tests.agents.desk.desk import OK, Desktop, make_agent, make_device, stored
from tests.agents.desk.telephony import (
    DIALING,
    ESTABLISHED,
    HELD,
    Phone,
    confer,
    connect,
    deaf,
    make_phones,
)

pytestmark = pytest.mark.django_db

STATUS = "StatusChange"


@pytest.fixture
def pair() -> tuple[Phone, Phone]:
    first, second = make_phones(2)
    return first, second


def _code(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["statusCode"]


# --- Dial ---------------------------------------------------------------------------------------


@pytest.mark.rule("cc.devices.calls.Dial.r1")
@pytest.mark.parametrize("destination", [None, "", {}, {"phoneNumber": ""}])
def test_dial_needs_a_destination(pair: tuple[Phone, Phone], destination: object) -> None:
    ada, _ = pair
    before = stored()

    answer = ada.dial(destination)

    assert _code(answer) == (400, 1)
    assert stored() == before


@pytest.mark.rule("cc.devices.calls.Dial.r1", "cc.devices.calls.Dial.r2", "cc.lifecycle.switch.r11")
@pytest.mark.parametrize("as_object", [True, False])
def test_dial_is_answered_at_once(pair: tuple[Phone, Phone], as_object: bool) -> None:
    ada, bob = pair

    answer = ada.dial({"phoneNumber": bob.number} if as_object else bob.number)

    assert (answer.status_code, answer.json()) == (200, OK)
    assert [one[0] for one in ada.heard()] == [STATUS]


@pytest.mark.rule(
    "cc.devices.calls.Dial.r3", "cc.devices.calls.Dial.r4", "cc.devices.calls.Dial.r10"
)
def test_dial_is_told_to_both(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair

    ada.dial(bob.number, userData={"case": 7})

    [dialing], [ringing] = ada.messages(), bob.messages()
    assert dialing["call"]["participants"] == [bob.number]
    assert sorted(dialing["call"]["capabilities"]) == sorted(DIALING)
    assert ringing["call"]["state"] == "Ringing"
    assert ringing["call"]["participants"] == [ada.number] == [ringing["call"]["ani"]]
    assert ringing["call"]["id"] == dialing["call"]["id"]
    assert ringing["call"]["userData"] == dialing["call"]["userData"] == {"case": 7}


@pytest.mark.rule("cc.me.devices.calls.Dial.r1")
def test_dial_is_served_below_me_too(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair

    answer = ada.desktop.post(f"/me{ada.path}", "Dial", destination=bob.number)

    assert answer.json() == OK
    assert bob.call()["state"] == "Ringing"
    assert _code(ada.desktop.post(f"/me{ada.path}", "Dial")) == (400, 1)


@pytest.mark.rule("cc.devices.calls.Dial.r5")
def test_dial_needs_an_active_device_of_the_caller(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    idle = make_device(ada.user)
    before = stored()

    of_another = ada.desktop.post(bob.path, "Dial", destination=bob.number)
    inactive = ada.desktop.post(f"/devices/{idle.pk}/calls", "Dial", destination=bob.number)
    unknown = ada.desktop.post(f"/devices/{bob.user.pk}/calls", "Dial", destination=bob.number)

    assert [_code(one) for one in (of_another, inactive, unknown)] == [
        (404, 6),
        (400, 2),
        (404, 6),
    ]
    assert stored() == before


@pytest.mark.rule("cc.devices.calls.Dial.r6")
def test_dial_waits_until_the_device_is_free() -> None:
    ada, bob, cleo = make_phones(3)
    connect(ada, bob)
    refused = ada.dial(cleo.number)
    ada.do("Hold")

    taken = ada.dial(cleo.number)

    assert _code(refused) == (400, 2)
    assert taken.json() == OK
    assert sorted(ada.states.values()) == ["Dialing", "Held"]


@pytest.mark.rule("cc.devices.calls.Dial.r7")
def test_nobody_dials_itself(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair

    assert _code(ada.dial(f"({ada.number[:2]}) {ada.number[2:]}")) == (400, 2)
    assert ada.messages() == []


@pytest.mark.rule("cc.devices.calls.Dial.r8", "cc.lifecycle.dnd.r3", "cc.lifecycle.switch.r12")
@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"do_not_disturb": True}, {"forward_to": "circle"}]
)
def test_dial_ends_where_nobody_can_be_called(
    pair: tuple[Phone, Phone], fields: dict[str, object]
) -> None:
    ada, bob = pair
    if "forward_to" in fields:
        fields = {"forward_to": bob.number}
    Device.objects.filter(pk=bob.device.pk).update(**fields)

    answer = ada.dial(bob.number)

    [dialing, released] = ada.messages()
    call = Call.objects.get()
    assert answer.json() == OK
    assert (dialing["call"]["state"], released["call"]["state"]) == ("Dialing", "Released")
    assert {name: released[name] for name in released if name != "call"} == {
        "messageType": "CallStateChangeMessage",
        "notificationType": STATUS,
        "phoneNumber": ada.number,
        "errorMessage": "The destination is busy.",
        "deviceUri": f"/api/v2/devices/{ada.device.pk}",
        "connectionId": call.number,
        "callUuid": call.uuid,
    }
    assert bob.messages() == []
    assert call.ended_at is not None


@pytest.mark.rule("cc.devices.calls.Dial.r9")
def test_dial_rings_where_calls_are_forwarded_to() -> None:
    ada, bob, cleo = make_phones(3)
    Device.objects.filter(pk=bob.device.pk).update(forward_to=cleo.number)

    ada.dial(bob.number)

    assert cleo.call()["state"] == "Ringing"
    assert ada.call()["participants"] == [cleo.number]
    assert bob.calls() == []


def test_after_five_forwardings_the_destination_is_busy() -> None:
    caller, *chain = make_phones(8)
    for one, following in pairwise(chain):
        Device.objects.filter(pk=one.device.pk).update(forward_to=following.number)

    caller.dial(chain[0].number)
    at_the_sixth = caller.heard()[-1][2]
    caller.dial(chain[1].number)

    assert at_the_sixth == "Released"
    assert caller.heard()[-1][2] == "Dialing"


@pytest.mark.rule("cc.devices.calls.Dial.r11")
def test_agents_dial_without_being_ready(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    assert ada.device.state == WorkState.NOT_READY

    assert ada.dial(bob.number).json() == OK


def test_the_configuration_names_who_outside_is_busy_or_silent(
    pair: tuple[Phone, Phone], settings: Any
) -> None:
    ada, bob = pair
    settings.AGENTS_SWITCH_BUSY_NUMBERS = ["+49301"]
    settings.AGENTS_SWITCH_SILENT_NUMBERS = ["+49302"]

    ada.dial("+49 30-1")
    bob.dial("+49 (30) 2")

    assert [one[2] for one in ada.heard()] == ["Dialing", "Released"]
    assert [one[2] for one in bob.heard()] == ["Dialing"]


def test_administrators_and_strangers_do_not_dial(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    admin = Desktop(make_agent(ada.user.organization, (Role.ADMIN,)))
    stranger = Phone()

    assert _code(admin.post(ada.path, "Dial", destination=bob.number)) == (403, 5)
    assert _code(stranger.desktop.post(ada.path, "Dial", destination=bob.number)) == (404, 6)
    # A number of another house is a number outside.
    stranger.dial(bob.number)
    assert bob.calls() == []


@pytest.mark.parametrize("destination", ["nobody", "+", "12" * 30, 12, ["12"]])
def test_what_is_no_number_is_not_dialled(pair: tuple[Phone, Phone], destination: object) -> None:
    ada, _ = pair

    assert _code(ada.dial(destination)) == (400, 2)
    assert ada.messages() == []


# --- Answer -------------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.calls.Answer.r1", "cc.me.calls.Answer.r2")
def test_answer_connects_both(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    ada.dial(bob.number)
    deaf(ada, bob)

    answer = bob.ask("Answer")

    assert answer.json() == OK
    [to_ada], [to_bob] = ada.messages(), bob.messages()
    for told in (to_ada, to_bob):
        assert told["notificationType"] == STATUS
        assert (told["call"]["state"], told["call"]["duration"]) == ("Established", "0")


@pytest.mark.rule("cc.me.calls.Answer.r3")
def test_a_public_telephone_is_answered_by_hand(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    bob = Phone(ada.user.organization, network="Public")
    ada.dial(bob.number)

    assert "Answer" not in bob.offered()
    assert _code(bob.ask("Answer")) == (400, 2)


# --- Hangup -------------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.calls.Hangup.r1", "cc.me.calls.Hangup.r2")
def test_hangup_releases_both_of_two(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)

    assert ada.ask("Hangup").json() == OK

    for phone in pair:
        [told] = phone.messages()
        assert (told["notificationType"], told["call"]["state"]) == (STATUS, "Released")
        assert told["call"]["capabilities"] == []


@pytest.mark.rule("cc.me.calls.Hangup.r3")
def test_hangup_leaves_a_conference_to_the_others() -> None:
    ada, bob, cleo = make_phones(3)
    confer(ada, bob, cleo)

    ada.do("Hangup")

    for phone, other in ((bob, cleo), (cleo, bob)):
        [told] = phone.messages()
        assert told["notificationType"] == "ParticipantsUpdated"
        assert told["call"]["state"] == "Established"
        assert told["call"]["participants"] == [other.number]


@pytest.mark.rule("cc.me.calls.Hangup.r4")
@pytest.mark.parametrize("by_caller", [True, False])
def test_hangup_rejects_or_gives_up(pair: tuple[Phone, Phone], by_caller: bool) -> None:
    ada, bob = pair
    ada.dial(bob.number)
    call = ada.only
    deaf(ada, bob)

    (ada if by_caller else bob).do("Hangup")

    assert ada.heard() == bob.heard() == [(STATUS, call, "Released")]
    assert ada.calls() == bob.calls() == []


@pytest.mark.rule("cc.me.calls.Hangup.r5")
def test_hangup_has_a_second_spelling(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)

    ada.do("HangUp")

    assert bob.calls() == []


# --- Hold and Retrieve ----------------------------------------------------------------------------


@pytest.mark.rule("cc.me.calls.Hold.r1", "cc.me.calls.Hold.r2")
def test_hold_is_told_to_the_agent_only(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)

    assert ada.ask("Hold").json() == OK

    [told] = ada.messages()
    assert (told["call"]["state"], sorted(told["call"]["capabilities"])) == ("Held", sorted(HELD))
    assert bob.messages() == []
    assert bob.call()["state"] == "Established"


@pytest.mark.rule("cc.me.calls.Retrieve.r1")
def test_retrieve_takes_a_call_back(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)
    ada.do("Hold")
    deaf(ada)

    assert ada.ask("Retrieve").json() == OK

    [told] = ada.messages()
    assert told["call"]["state"] == "Established"
    assert sorted(told["call"]["capabilities"]) == sorted(ESTABLISHED)
    assert bob.messages() == []


@pytest.mark.rule("cc.me.calls.Retrieve.r2")
@pytest.mark.parametrize("is_answered", [True, False])
def test_retrieve_waits_for_the_other_call(is_answered: bool) -> None:
    ada, bob, cleo = make_phones(3)
    held = connect(ada, bob)
    ada.do("Hold")
    ada.dial(cleo.number)
    if is_answered:
        cleo.do("Answer")

    assert "Retrieve" not in ada.offered(held)
    assert _code(ada.ask("Retrieve", held)) == (400, 2)


# --- Tones and silence ----------------------------------------------------------------------------


@pytest.mark.rule("cc.me.calls.SendDtmf.r1", "cc.me.calls.SendDtmf.r2")
@pytest.mark.parametrize(("digits", "code"), [(None, 1), ("", 1), ("12a", 2), (" 1", 2), (12, 2)])
def test_tones_have_the_signs_of_a_dial_pad(
    pair: tuple[Phone, Phone], digits: object, code: int
) -> None:
    ada, bob = pair
    connect(ada, bob)
    before = stored()

    assert _code(ada.ask("SendDtmf", digits=digits)) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.me.calls.SendDtmf.r3", "cc.me.calls.SendDtmf.r4")
def test_tones_are_told_once_to_who_sent_them(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)

    assert ada.ask("SendDtmf", digits="12*#").json() == OK

    assert ada.heard() == [("DtmfSent", call, "Established")]
    assert bob.heard() == []
    assert Call.objects.get().dtmf == "12*#"


@pytest.mark.rule("cc.me.calls.MuteCall.r1", "cc.me.calls.MuteCall.r2")
def test_mute_is_told_to_the_agent_only(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)

    assert ada.ask("MuteCall").json() == OK

    [told] = ada.messages()
    assert told["notificationType"] == STATUS
    assert (told["call"]["state"], told["call"]["mute"]) == ("Established", "On")
    assert "UnmuteCall" in told["call"]["capabilities"]
    assert "MuteCall" not in told["call"]["capabilities"]
    assert bob.messages() == []


@pytest.mark.rule("cc.me.calls.UnmuteCall.r1", "cc.me.calls.UnmuteCall.r2")
def test_unmute_lets_the_agent_be_heard(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    connect(ada, bob)
    ada.do("MuteCall")
    deaf(ada)

    assert ada.ask("UnmuteCall").json() == OK

    [told] = ada.messages()
    assert (told["call"]["state"], told["call"]["mute"]) == ("Established", "Off")
    assert "MuteCall" in told["call"]["capabilities"]
    assert "UnmuteCall" not in told["call"]["capabilities"]


# --- What each of them refuses --------------------------------------------------------------------

# How to bring a call where its operation is not offered, and what the operation is sent with.
_TALKING, _RINGING, _DIALING = "talking", "ringing", "dialing"


def _refused(
    where: str, operation: str, members: dict[str, object], *rules: pytest.MarkDecorator
) -> Any:
    return pytest.param(where, operation, members, marks=rules, id=operation)


@pytest.mark.parametrize(
    ("where", "operation", "members"),
    [
        _refused(_TALKING, "Answer", {}, pytest.mark.rule("cc.me.calls.Answer.r4")),
        _refused(_RINGING, "Hold", {}, pytest.mark.rule("cc.me.calls.Hold.r3")),
        _refused(_TALKING, "Retrieve", {}, pytest.mark.rule("cc.me.calls.Retrieve.r3")),
        _refused(
            _RINGING,
            "SingleStepTransfer",
            {"destination": "1"},
            pytest.mark.rule("cc.me.calls.SingleStepTransfer.r5"),
        ),
        _refused(
            _DIALING,
            "SingleStepConference",
            {"destination": "1"},
            pytest.mark.rule("cc.me.calls.SingleStepConference.r5"),
        ),
        _refused(
            _RINGING,
            "InitiateConference",
            {"destination": "1"},
            pytest.mark.rule("cc.me.calls.InitiateConference.r5"),
        ),
        _refused(
            _DIALING,
            "InitiateTransfer",
            {"destination": "1"},
            pytest.mark.rule("cc.me.calls.InitiateTransfer.r3"),
        ),
        _refused(
            _TALKING,
            "CompleteConference",
            {"consultCallUri": "1"},
            pytest.mark.rule("cc.me.calls.CompleteConference.r7"),
        ),
        _refused(
            _TALKING, "CompleteTransfer", {}, pytest.mark.rule("cc.me.calls.CompleteTransfer.r5")
        ),
        _refused(
            _RINGING, "SendDtmf", {"digits": "1"}, pytest.mark.rule("cc.me.calls.SendDtmf.r5")
        ),
        _refused(
            _TALKING,
            "RemoveParticipantFromConference",
            {"participant": "1"},
            pytest.mark.rule("cc.me.calls.RemoveParticipantFromConference.r4"),
        ),
        _refused(_DIALING, "MuteCall", {}, pytest.mark.rule("cc.me.calls.MuteCall.r3")),
        _refused(_TALKING, "UnmuteCall", {}, pytest.mark.rule("cc.me.calls.UnmuteCall.r3")),
        _refused(
            _TALKING,
            "SwapCalls",
            {"otherCallUri": "1"},
            pytest.mark.rule("cc.me.calls.SwapCalls.r5"),
        ),
        _refused(
            _TALKING,
            "MergeWithOtherCall",
            {"otherCallUri": "1"},
            pytest.mark.rule("cc.me.calls.MergeWithOtherCall.r4"),
        ),
    ],
)
def test_what_is_not_offered_is_refused(
    pair: tuple[Phone, Phone], where: str, operation: str, members: dict[str, Any]
) -> None:
    ada, bob = pair
    ada.dial(bob.number)
    if where == _TALKING:
        bob.do("Answer")
    phone = bob if where == _RINGING else ada
    before = stored()

    assert operation not in phone.offered()
    assert _code(phone.ask(operation, **members)) == (400, 2)
    assert stored() == before


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param(operation, members, marks=mark, id=operation)
        for operation, members, mark in [
            ("Answer", {}, pytest.mark.rule("cc.me.calls.Answer.r5")),
            ("Hangup", {}, pytest.mark.rule("cc.me.calls.Hangup.r7")),
            ("Hold", {}, pytest.mark.rule("cc.me.calls.Hold.r4")),
            ("Retrieve", {}, pytest.mark.rule("cc.me.calls.Retrieve.r4")),
            ("MuteCall", {}, pytest.mark.rule("cc.me.calls.MuteCall.r4")),
            ("UnmuteCall", {}, pytest.mark.rule("cc.me.calls.UnmuteCall.r4")),
            ("SendDtmf", {"digits": "1"}, pytest.mark.rule("cc.me.calls.SendDtmf.r6")),
            (
                "SingleStepTransfer",
                {"destination": "1"},
                pytest.mark.rule("cc.me.calls.SingleStepTransfer.r6"),
            ),
            (
                "SingleStepConference",
                {"destination": "1"},
                pytest.mark.rule("cc.me.calls.SingleStepConference.r6"),
            ),
            (
                "InitiateConference",
                {"destination": "1"},
                pytest.mark.rule("cc.me.calls.InitiateConference.r6"),
            ),
            (
                "InitiateTransfer",
                {"destination": "1"},
                pytest.mark.rule("cc.me.calls.InitiateTransfer.r4"),
            ),
            (
                "CompleteConference",
                {"consultCallUri": "1"},
                pytest.mark.rule("cc.me.calls.CompleteConference.r8"),
            ),
            ("CompleteTransfer", {}, pytest.mark.rule("cc.me.calls.CompleteTransfer.r6")),
            (
                "RemoveParticipantFromConference",
                {"participant": "1"},
                pytest.mark.rule("cc.me.calls.RemoveParticipantFromConference.r5"),
            ),
            ("SwapCalls", {"otherCallUri": "1"}, pytest.mark.rule("cc.me.calls.SwapCalls.r6")),
            (
                "MergeWithOtherCall",
                {"otherCallUri": "1"},
                pytest.mark.rule("cc.me.calls.MergeWithOtherCall.r5"),
            ),
            (
                "AttachUserData",
                {"userData": {"a": 1}},
                pytest.mark.rule("cc.me.calls.AttachUserData.r5"),
            ),
            (
                "UpdateUserData",
                {"userData": {"a": 1}},
                pytest.mark.rule("cc.me.calls.UpdateUserData.r5"),
            ),
            ("DeleteUserData", {}, pytest.mark.rule("cc.me.calls.DeleteUserData.r4")),
            (
                "DeleteUserDataPair",
                {"key": "a"},
                pytest.mark.rule("cc.me.calls.DeleteUserDataPair.r4"),
            ),
        ]
    ],
)
def test_calls_of_others_are_not_there(
    pair: tuple[Phone, Phone], operation: str, members: dict[str, Any]
) -> None:
    ada, bob = pair
    call = connect(ada, bob)
    colleague, stranger = Phone(ada.user.organization), Phone()
    before = stored()

    for phone in (colleague, stranger):
        assert _code(phone.ask(operation, call, **members)) == (404, 6)
    assert stored() == before


@pytest.mark.rule("cc.me.calls.Hangup.r6")
def test_supervisors_hang_up_what_is_theirs_only(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)
    supervisor = Phone(ada.user.organization, roles=(Role.SUPERVISOR,))

    # Hangup is offered as long as a call is not over, and then there is none.
    assert _code(supervisor.ask("Hangup", call)) == (404, 6)
    ada.do("Hangup")
    assert _code(ada.ask("Hangup", call)) == (404, 6)
