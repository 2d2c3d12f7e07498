"""What every switch must do, whatever stands behind it: run it with the settings naming yours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.desk.telephony import (
    Phone,
    confer,
    connect,
    consult,
    deaf,
    make_phones,
)

STATUS, UPDATED = "StatusChange", "ParticipantsUpdated"


class SwitchContract:
    """The operations of lifecycle.embedded_switch, each with what it does and tells."""

    switch: str

    @pytest.fixture(autouse=True)
    def _selected(self, settings: Any) -> None:
        settings.AGENTS_SWITCH = self.switch

    @pytest.fixture
    def three(self) -> tuple[Phone, Phone, Phone]:
        first, second, third = make_phones(3)
        return first, second, third

    def test_dial_rings(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three

        ada.dial(bob.number)

        call = ada.only
        assert ada.heard() == [(STATUS, call, "Dialing")]
        assert bob.heard() == [(STATUS, call, "Ringing")]

    def test_dial_busy_ends(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        connect(bob, cleo)

        ada.dial(bob.number)

        [dialing, released] = ada.messages()
        assert dialing["call"]["state"] == "Dialing"
        assert released["call"]["state"] == "Released"
        assert {"errorMessage", "deviceUri", "connectionId", "callUuid"} <= released.keys()
        assert bob.heard() == cleo.heard() == []
        assert ada.calls() == []

    def test_dial_outside_is_answered_at_once(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, _, _ = three

        ada.dial("+4930123456")

        call = ada.only
        assert ada.heard() == [(STATUS, call, "Dialing"), (STATUS, call, "Established")]

    def test_answer_connects(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three
        ada.dial(bob.number)
        deaf(ada, bob)

        bob.do("Answer")

        call = ada.only
        assert ada.heard() == bob.heard() == [(STATUS, call, "Established")]

    def test_hangup_ends_a_call_of_two(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three
        call = connect(ada, bob)

        ada.do("Hangup")

        assert ada.heard() == bob.heard() == [(STATUS, call, "Released")]

    def test_hangup_leaves_a_conference(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = confer(ada, bob, cleo)

        ada.do("Hangup")

        assert ada.heard() == [(STATUS, call, "Released")]
        assert bob.heard() == cleo.heard() == [(UPDATED, call, "Established")]

    def test_hold_and_retrieve(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three
        call = connect(ada, bob)

        ada.do("Hold")
        ada.do("Retrieve")

        assert ada.heard() == [(STATUS, call, "Held"), (STATUS, call, "Established")]
        assert bob.heard() == []

    def test_single_step_transfer(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)

        ada.do("SingleStepTransfer", destination=cleo.number)

        assert ada.heard() == [(STATUS, call, "Released")]
        assert bob.heard() == [(UPDATED, call, "Established")]
        assert cleo.heard() == [(STATUS, call, "Ringing")]

    def test_single_step_transfer_is_answered(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)
        ada.do("SingleStepTransfer", destination=cleo.number)

        cleo.do("Answer")

        assert ada.calls() == []
        assert bob.states == cleo.states == {call: "Established"}

    def test_single_step_conference(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)

        ada.do("SingleStepConference", destination=cleo.number)
        rung = (ada.heard(), bob.heard(), cleo.heard())
        cleo.do("Answer")

        assert rung == ([], [], [(STATUS, call, "Ringing")])
        assert cleo.heard() == [(STATUS, call, "Established")]
        assert ada.heard() == bob.heard() == [(UPDATED, call, "Established")]

    def test_consultation_begins(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)

        new = consult(ada, call, cleo, "InitiateConference")

        assert ada.heard() == [(STATUS, call, "Held"), (STATUS, new, "Dialing")]
        assert bob.heard() == []
        assert cleo.heard() == [(STATUS, new, "Ringing")]

    def test_conference_is_completed(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)
        new = consult(ada, call, cleo, "InitiateConference")
        cleo.do("Answer")
        deaf(*three)

        ada.do("CompleteConference", call, consultCallUri=f"/api/v2/me/calls/{new}")

        moved = [(STATUS, new, "Released"), (STATUS, call, "Established")]
        assert ada.heard() == cleo.heard() == [*moved, (UPDATED, call, "Established")]
        assert bob.heard() == [(UPDATED, call, "Established")]
        numbers = {one.number for one in three}
        for phone in three:
            assert set(phone.call(call)["participants"]) == numbers - {phone.number}

    def test_transfer_is_completed(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)
        new = consult(ada, call, cleo)
        cleo.do("Answer")
        deaf(*three)

        ada.do("CompleteTransfer", call)

        assert sorted(ada.heard()) == sorted(
            [(STATUS, call, "Released"), (STATUS, new, "Released")]
        )
        assert cleo.heard() == [(STATUS, new, "Released"), (STATUS, call, "Established")]
        assert bob.heard() == [(UPDATED, call, "Established")]
        assert bob.call()["participants"] == [cleo.number]

    def test_transfer_is_completed_while_it_rings(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = connect(ada, bob)
        new = consult(ada, call, cleo)
        deaf(*three)

        ada.do("CompleteTransfer", new)
        heard = cleo.heard()
        cleo.do("Answer", call)

        assert heard == [(STATUS, new, "Released"), (STATUS, call, "Ringing")]
        assert (ada.calls(), bob.states, cleo.states) == (
            [],
            {call: "Established"},
            {call: "Established"},
        )

    def test_dtmf(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three
        call = connect(ada, bob)

        ada.do("SendDtmf", digits="12*#")

        assert ada.heard() == [("DtmfSent", call, "Established")]
        assert bob.heard() == []

    def test_party_is_removed(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        call = confer(ada, bob, cleo)

        ada.do("RemoveParticipantFromConference", participant=cleo.number)

        assert cleo.heard() == [(STATUS, call, "Released")]
        assert ada.heard() == bob.heard() == [(UPDATED, call, "Established")]

    def test_mute_and_unmute(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, _ = three
        call = connect(ada, bob)

        ada.do("MuteCall")
        ada.do("UnmuteCall")

        assert ada.heard() == [(STATUS, call, "Established")] * 2
        assert bob.heard() == []

    def test_swap(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        held = connect(ada, bob)
        ada.do("Hold")
        talking = connect(ada, cleo)
        deaf(ada)

        ada.do("SwapCalls", held, otherCallUri=talking)

        assert ada.heard() == [(STATUS, talking, "Held"), (STATUS, held, "Established")]

    def test_merge(self, three: tuple[Phone, Phone, Phone]) -> None:
        ada, bob, cleo = three
        first = connect(ada, bob)
        ada.do("Hold")
        second = connect(ada, cleo)
        deaf(ada)

        ada.do("MergeWithOtherCall", first, otherCallUri=second)

        moved = [(STATUS, second, "Released"), (STATUS, first, "Established")]
        assert ada.heard() == cleo.heard() == [*moved, (UPDATED, first, "Established")]
        assert bob.heard() == [(UPDATED, first, "Established")]

    @pytest.mark.parametrize(
        ("operation", "members"),
        [
            ("AttachUserData", {"userData": {"a": 1}}),
            ("UpdateUserData", {"userData": {"a": 1}}),
            ("DeleteUserData", {}),
            ("DeleteUserDataPair", {"key": "b"}),
        ],
    )
    def test_user_data(
        self, three: tuple[Phone, Phone, Phone], operation: str, members: dict[str, Any]
    ) -> None:
        ada, bob, _ = three
        call = connect(ada, bob)
        ada.do("AttachUserData", userData={"b": 2})
        deaf(ada, bob)

        ada.do(operation, **members)

        assert ada.heard() == bob.heard() == [("AttachedDataChanged", call, "Established")]
