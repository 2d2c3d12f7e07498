"""Calls as desktops read them: which there are, and how each looks from one telephone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from agents.models import Call, Leg, LegState
from agents.models.tenancy import Feature
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.desk import OK, Desktop, make_active_device, make_agent, make_house
from tests.agents.desk.telephony import (
    DIALING,
    ESTABLISHED,
    HELD,
    RINGING,
    Phone,
    confer,
    connect,
    consult,
    deaf,
    make_phones,
)

pytestmark = pytest.mark.django_db

NOBODY = {"name": "", "code": "", "callingCode": ""}


@pytest.fixture
def pair() -> tuple[Phone, Phone]:
    first, second = make_phones(2)
    return first, second


def _info(number: str) -> dict[str, object]:
    return {
        "country": NOBODY,
        "location": None,
        "localPhoneNumber": number,
        "formattedPhoneNumber": number,
        "isValidNumber": False,
        "E164digits": number,
    }


@pytest.mark.rule(
    "cc.me.calls.get.r1",
    "cc.me.calls.list.r4",
    "cc.lifecycle.call.r4",
    "cc.lifecycle.call.r5",
    "cc.lifecycle.call.r7",
)
def test_a_call_looks_as_its_device_has_it(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    ada.dial(bob.number, userData={"case": 7})

    answer = bob.desktop.get(f"/me/calls/{bob.only}").json()

    leg = Leg.objects.get(user=bob.user)
    base = f"{settings.PUBLIC_URL}/api/v2"
    assert answer == {
        "statusCode": 0,
        "call": {
            "id": leg.call.number,
            "uri": f"{base}/me/calls/{leg.call.number}",
            "state": "Ringing",
            "callUuid": leg.call.uuid,
            "connId": leg.call.number,
            "deviceUri": f"{base}/devices/{bob.device.pk}",
            "participants": [ada.number],
            "participantsInfo": [_info(ada.number)],
            "ani": ada.number,
            "dnis": bob.number,
            "callType": "Internal",
            "capabilities": RINGING,
            "duration": "0",
            "mute": "Off",
            "userData": {"case": 7},
        },
    }


def test_a_number_with_a_country_tells_where_it_lies(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    ada.dial("+49 30 123456")

    assert ada.call()["participantsInfo"] == [
        {
            "country": {"name": "Germany", "code": "DE", "callingCode": "49"},
            "location": "Germany",
            "localPhoneNumber": "030 123456",
            "formattedPhoneNumber": "+49 30 123456",
            "isValidNumber": True,
            "E164digits": "+4930123456",
        }
    ]


@pytest.mark.rule("cc.me.calls.list.r1")
def test_a_list_has_addresses_or_calls(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)

    bare = ada.desktop.get("/me/calls").json()
    # The members that are asked for, and no others: less than the schema says.
    some = Desktop(ada.user, held=False).get("/me/calls", fields="state,mute").json()

    uri = f"{settings.PUBLIC_URL}/api/v2/me/calls/{call}"
    assert bare == {"statusCode": 0, "uris": [uri]}
    assert some == {
        "statusCode": 0,
        "calls": [{"id": call, "state": "Established", "mute": "Off"}],
    }


@pytest.mark.rule("cc.me.calls.list.r2", "cc.me.calls.get.r2")
def test_agents_see_their_own_calls_and_administrators_all(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)
    house = ada.user.organization
    admin = Desktop(make_agent(house, (Role.ADMIN,)))
    other = Desktop(make_agent(house))
    stranger = Desktop(make_agent(make_house(), (Role.ADMIN, Role.AGENT)))

    assert [one["id"] for one in admin.get("/me/calls", fields="*").json()["calls"]] == [call]
    assert admin.get(f"/me/calls/{call}").json()["call"]["capabilities"] == []
    for desktop in (other, stranger):
        assert desktop.get("/me/calls", fields="*").json()["calls"] == []
        answer = desktop.get(f"/me/calls/{call}")
        assert (answer.status_code, answer.json()["statusCode"]) == (404, 6)


@pytest.mark.rule("cc.me.calls.list.r3", "cc.me.calls.get.r3", "cc.lifecycle.call.r3")
def test_a_call_that_is_over_is_nowhere(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)

    ada.do("Hangup")

    assert ada.calls() == bob.calls() == []
    for number in (call, "%00", "x" * 500):
        assert ada.desktop.get(f"/me/calls/{number}").json()["statusCode"] == 6
    assert ada.ask("Hold", call).json()["statusCode"] == 6


@pytest.mark.rule("cc.me.calls.get.r4")
def test_a_call_is_served_below_both_spellings(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)

    held = ada.desktop.post(f"/me/call/{call}/", "Hold")

    assert held.json() == OK
    assert ada.desktop.get(f"/me/call/{call}").json()["call"] == ada.call(call)


@pytest.mark.rule("cc.lifecycle.call.r1")
def test_each_state_offers_what_the_table_says(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    ada.dial(bob.number)
    early = (ada.offered(), bob.offered())
    bob.do("Answer")
    talking = ada.offered()
    ada.do("Hold")

    assert [sorted(one) for one in (*early, talking, ada.offered())] == [
        sorted(one) for one in (DIALING, RINGING, ESTABLISHED, HELD)
    ]


@pytest.mark.rule("cc.lifecycle.call.r1")
def test_a_consultation_offers_what_can_come_of_it() -> None:
    ada, bob, cleo = make_phones(3)
    call = connect(ada, bob)
    new = consult(ada, call, cleo)
    asking = ada.offered(call), ada.offered(new)

    cleo.do("Answer")

    asked = set(ada.offered(call)) & set(ada.offered(new))
    assert "CompleteTransfer" in set(asking[0]) & set(asking[1])
    assert "CompleteConference" not in {*asking[0], *asking[1]}
    assert {"CompleteTransfer", "CompleteConference", "SwapCalls", "MergeWithOtherCall"} <= asked
    assert not {"InitiateTransfer", "InitiateConference", "SingleStepTransfer", "Retrieve"} & set(
        ada.offered(call)
    )


@pytest.mark.rule("cc.lifecycle.call.r1")
def test_a_conference_offers_what_goes_among_three() -> None:
    ada, bob, cleo = make_phones(3)
    confer(ada, bob, cleo)

    offered = set(ada.offered())

    assert "RemoveParticipantFromConference" in offered
    assert not {"SingleStepTransfer", "InitiateTransfer"} & offered


@pytest.mark.rule("cc.lifecycle.call.r4")
def test_duration_counts_from_the_answer(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    call = connect(ada, bob)
    legs = Leg.objects.filter(call__number=call)
    legs.update(established_at=F("established_at") - timedelta(seconds=90))

    assert int(ada.call()["duration"]) in range(90, 100)


@pytest.mark.rule("cc.lifecycle.call.r6")
def test_nobody_outside_is_told(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    ada.dial("+4930123456")

    outside = Leg.objects.get(device__isnull=True)

    assert (outside.user_id, outside.state) == (None, LegState.ESTABLISHED)
    assert ada.call()["callType"] == "Outbound"


@pytest.mark.rule("cc.lifecycle.switch.r14")
def test_calls_have_the_ids_of_calls(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    for _ in range(20):
        ada.dial("+4930123456")
        ada.do("Hangup")

    numbers, uuids = zip(*Call.objects.values_list("number", "uuid"), strict=True)

    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in numbers)
    assert all(re.fullmatch("[0-9A-Z]{32}", one) for one in uuids)
    assert len(set(numbers)) == len(set(uuids)) == 20


def test_every_change_is_an_event_without_persons_outside(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    ada.dial("+4930123456", userData={"name": "Grace"})
    ada.do("SendDtmf", digits="4711")
    ada.do("Hangup")

    events = list(OutboxEvent.objects.filter(subject_type="call").order_by("subject_sequence"))

    assert [(one.type, one.subject_sequence) for one in events] == [
        ("call.dialled", 1),
        ("call.tones_sent", 2),
        ("call.released", 3),
    ]
    assert not re.search("4711|123456|Grace", str([one.facts for one in events]))


def test_a_house_without_voice_has_no_calls() -> None:
    ada = Desktop(make_agent(make_house(Feature.MULTIMEDIA)))

    assert ada.get("/me/calls").json()["statusCode"] == 6
    assert ada.post("/me/calls/0123456789abcdef", "Answer").json()["statusCode"] == 6


def test_a_list_of_three_costs_as_many_queries_as_one(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    ada.dial("+4930123456")
    with CaptureQueriesContext(connection) as few:
        ada.calls()
    for _ in range(2):
        for call, state in ada.states.items():
            if state == "Established":
                ada.do("Hold", call)
        ada.dial("+4930123456")

    with CaptureQueriesContext(connection) as many:
        assert len(ada.calls()) == 3

    assert len(many) <= len(few)


def test_what_a_desktop_is_told_is_what_it_would_read(pair: tuple[Phone, Phone]) -> None:
    ada, bob = pair
    ada.dial(bob.number)
    deaf(ada, bob)

    bob.do("Answer")

    [told] = bob.messages()
    read = bob.call()
    paths = {name: read[name].removeprefix(settings.PUBLIC_URL) for name in ("uri", "deviceUri")}
    assert told == {
        "messageType": "CallStateChangeMessage",
        "notificationType": "StatusChange",
        "call": {**read, **paths},
        "phoneNumber": bob.number,
    }


def test_of_two_telephones_the_one_that_offers_it_does_it(pair: tuple[Phone, Phone]) -> None:
    ada, _ = pair
    second = make_active_device(ada.user)
    ada.dial(second.phone_number)
    [ringing] = ada.calls()

    ada.do("Answer", ringing["id"])
    deaf(ada)
    ada.do("UpdateUserData", ringing["id"], userData={"a": 1})

    assert ringing["state"] == "Ringing"
    states = Leg.objects.filter(call__number=ringing["id"]).values_list("state", flat=True)
    assert list(states) == ["Established", "Established"]
    assert len(ada.messages()) == 1
