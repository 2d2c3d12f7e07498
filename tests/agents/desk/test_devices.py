"""Telephones: which there are, whose they are, and where their calls are forwarded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import DeskSession, Device, StateInterval, User, WorkState
from agents.models.tenancy import Feature
from agents.services import desk_states, devices
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.desk import (
    LOGGED_OUT,
    OK,
    Desktop,
    house_of,
    make_active_device,
    make_agent,
    make_device,
    make_house,
    stored,
    told,
    told_of_devices,
)
from tests.make import actor_for

pytestmark = pytest.mark.django_db

NOWHERE = {"name": "", "code": "", "callingCode": ""}


@pytest.fixture
def administrator() -> User:
    return make_agent(roles=[Role.ADMIN])


@pytest.fixture
def agent(administrator: User) -> User:
    """Give an agent of the administrator's organisation."""
    return make_agent(administrator.organization)


def paths(uris: list[str]) -> list[str]:
    return [one[one.index("/api/v2") :] for one in uris]


# --- The caller's own ---------------------------------------------------------------------------


@pytest.mark.rule("cc.me.devices.list.r1", "cc.me.devices.list.r2", "cc.me.devices.list.r4")
@pytest.mark.rule("cc.me.devices.list.r5")
def test_own_devices_are_listed_with_and_without_addresses(agent: User) -> None:
    own = make_active_device(agent)
    make_device(house=agent.organization)
    desktop = Desktop(agent)

    plain, whole = desktop.get("/me/devices").json(), desktop.get("/me/devices", fields="*").json()

    assert paths(plain["uris"]) == [f"/api/v2/devices/{own.pk}"]
    assert plain["devices"] == whole["devices"]
    assert set(whole) == {"statusCode", "devices"}
    assert {"userState", "doNotDisturb", "deviceState", "capabilities"} <= set(whole["devices"][0])


@pytest.mark.rule("cc.me.devices.list.r3")
def test_own_devices_are_listed_with_the_named_members(agent: User) -> None:
    own = make_device(agent)

    answer = Desktop(agent, held=False).get("/me/devices", fields="phoneNumber,nothing")

    assert answer.json()["devices"] == [{"id": str(own.pk), "phoneNumber": own.phone_number}]


@pytest.mark.rule("cc.me.devices.list.r4")
def test_nobody_has_devices_at_first(agent: User) -> None:
    assert Desktop(agent).get("/me/devices").json() == {**OK, "devices": [], "uris": []}


@pytest.mark.rule("cc.me.devices.list.r6")
def test_without_the_feature_there_are_no_devices() -> None:
    agent = make_agent(make_house(Feature.MULTIMEDIA, Feature.PROVISIONING_READ))
    own = make_active_device(agent)
    desktop = Desktop(agent)

    answers = [
        desktop.get("/me/devices"),
        desktop.get(f"/me/devices/{own.pk}"),
        desktop.get(f"/devices/{own.pk}"),
        desktop.post(f"/devices/{own.pk}", "DoNotDisturbOn"),
    ]

    assert [(one.status_code, one.json()["statusCode"]) for one in answers] == [(404, 6)] * 4


@pytest.mark.rule("cc.me.devices.get.r1", "cc.me.devices.get.r2")
def test_one_of_the_own_devices_is_read(agent: User) -> None:
    own, other = make_device(agent), make_device(house=agent.organization)
    desktop = Desktop(agent)

    (listed,) = desktop.get("/me/devices", fields="*").json()["devices"]

    assert desktop.get(f"/me/devices/{own.pk}").json() == {**OK, "device": listed}
    for unknown in (other.pk, agent.pk, "x"):
        assert desktop.get(f"/me/devices/{unknown}").json()["statusCode"] == 6


# --- All of them --------------------------------------------------------------------------------


@pytest.mark.rule("cc.devices.list.r1", "cc.devices.list.r2")
def test_administrators_list_the_devices_of_their_organisation(administrator: User) -> None:
    ours = make_device(house=administrator.organization)
    make_device()
    desktop = Desktop(administrator)

    plain, whole = desktop.get("/devices").json(), desktop.get("/devices", fields="*").json()

    assert (set(plain), paths(plain["uris"])) == (
        {"statusCode", "uris"},
        [f"/api/v2/devices/{ours.pk}"],
    )
    assert [one["id"] for one in whole["devices"]] == [str(ours.pk)]


@pytest.mark.rule("cc.devices.list.r3")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_only_administrators_list_all_devices(role: Role) -> None:
    answer = Desktop(make_agent(roles=[role])).get("/devices")

    assert (answer.status_code, answer.json()["statusCode"]) == (403, 5)


@pytest.mark.rule("cc.devices.get.r1", "cc.devices.get.r2")
def test_agents_read_their_own_device_and_others_all(administrator: User, agent: User) -> None:
    own, other = make_device(agent), make_device(house=agent.organization)
    foreign = make_device()
    supervisor = make_agent(agent.organization, [Role.SUPERVISOR])

    def codes(user: User) -> list[int]:
        answers = [Desktop(user).get(f"/devices/{one.pk}") for one in (own, other, foreign)]
        return [one.json()["statusCode"] for one in answers]

    assert codes(agent) == [0, 6, 6]
    assert codes(supervisor) == codes(administrator) == [0, 0, 6]


@pytest.mark.rule("cc.devices.create.r1", "cc.devices.create.r3", "cc.devices.create.r4")
def test_a_new_device_is_nobodys(administrator: User) -> None:
    desktop = Desktop(administrator)

    made = desktop.post("/devices", phoneNumber=" 5999 ", model="D65").json()

    device = desktop.get(f"/devices/{made['id']}").json()["device"]
    expected = {
        "phoneNumber": "5999",
        "model": "D65",
        "deviceState": "Inactive",
        "telephonyNetwork": "Private",
        "e164Number": "5999",
        "country": NOWHERE,
    }
    assert set(made) == {"statusCode", "id", "uri"}
    assert made["uri"].endswith(f"/api/v2/devices/{made['id']}")
    assert {name: device[name] for name in expected} == expected
    assert "userState" not in device


@pytest.mark.rule("cc.devices.create.r4")
def test_country_and_spellings_follow_from_the_number(administrator: User) -> None:
    desktop = Desktop(administrator)

    made = desktop.post("/devices", phoneNumber="+1 650 987 0000").json()

    device = desktop.get(f"/devices/{made['id']}").json()["device"]
    assert (device["e164Number"], device["localNumber"]) == ("+16509870000", "(650) 987-0000")
    assert device["country"] == {"name": "United States", "code": "US", "callingCode": "1"}


@pytest.mark.rule("cc.devices.create.r2", "cc.devices.create.r3")
@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, 1),
        ({"phoneNumber": ""}, 1),
        ({"phoneNumber": 5001}, 2),
        ({"phoneNumber": "Anna"}, 2),
        ({"phoneNumber": "1" * 41}, 2),
        ({"phoneNumber": "(49) 77"}, 2),
        ({"phoneNumber": "5999", "telephonyNetwork": "Mobile"}, 2),
    ],
)
def test_a_device_needs_a_number_of_its_own(
    administrator: User, members: dict[str, Any], code: int
) -> None:
    make_device(house=administrator.organization, phone_number="4977")
    before = stored()

    answer = Desktop(administrator).post("/devices", **members)

    assert (answer.status_code, answer.json()["statusCode"]) == (400, code)
    assert stored() == before


def test_the_same_number_elsewhere_is_another_device(administrator: User) -> None:
    make_device(phone_number="4977")

    answer = Desktop(administrator).post("/devices", phoneNumber="4977")

    assert answer.json()["statusCode"] == 0


@pytest.mark.rule("cc.devices.create.r5")
def test_what_can_only_be_read_is_ignored(administrator: User) -> None:
    answer = Desktop(administrator).post(
        "/devices",
        phoneNumber="5999",
        telephonyNetwork="Public",
        doNotDisturb="On",
        userState={"state": "Ready"},
        capabilities=7,
    )

    device = Device.objects.get(pk=answer.json()["id"])
    assert (device.network, device.do_not_disturb, device.state) == ("Public", False, "Logout")


@pytest.mark.rule("cc.devices.delete.r1", "cc.devices.delete.r3")
def test_a_device_is_deleted_once(administrator: User, agent: User) -> None:
    device, foreign = make_device(agent), make_device()
    desktop = Desktop(administrator)

    answer = desktop.delete(f"/devices/{device.pk}")

    assert answer.json() == OK
    for gone in (device.pk, foreign.pk, "x"):
        assert desktop.delete(f"/devices/{gone}").json()["statusCode"] == 6


@pytest.mark.rule("cc.devices.delete.r2", "cc.users.devices.remove.r2")
def test_an_active_device_stays(administrator: User, agent: User) -> None:
    device = make_active_device(agent)
    desktop = Desktop(administrator)
    before = stored()

    answers = [
        desktop.delete(f"/devices/{device.pk}"),
        desktop.delete(f"/users/{agent.pk}/devices/{device.pk}"),
    ]

    assert [(one.status_code, one.json()["statusCode"]) for one in answers] == [(400, 2)] * 2
    assert stored() == before


def test_the_history_of_a_device_ends_with_it(
    administrator: User, agent: User, now: datetime
) -> None:
    device = make_active_device(agent)
    desk_states.set_state("Ready", actor=actor_for(agent), now=now)
    Device.objects.filter(pk=device.pk).update(is_active=False, state=WorkState.LOGOUT)

    devices.delete_device(device.pk, actor=actor_for(administrator), now=now.replace(year=2099))

    (interval,) = StateInterval.objects.filter(device_id=device.pk)
    assert (interval.period.upper, interval.number) == (
        now.replace(year=2099),
        device.phone_number,
    )


def test_without_the_features_devices_are_neither_read_nor_made() -> None:
    administrator = make_agent(make_house(Feature.VOICE), [Role.ADMIN, Role.AGENT])
    own = make_active_device(administrator)
    desktop = Desktop(administrator)

    codes = [
        desktop.get("/devices").json()["statusCode"],
        desktop.post("/devices", phoneNumber="5999").json()["statusCode"],
        desktop.post(f"/devices/{own.pk}", "DoNotDisturbOn").json()["statusCode"],
    ]

    assert codes == [6, 2, 0]


# --- Those of somebody --------------------------------------------------------------------------


@pytest.mark.rule("cc.users.devices.list.r1", "cc.users.devices.list.r2")
def test_administrators_list_the_devices_of_somebody(administrator: User, agent: User) -> None:
    own, path = make_device(agent), f"/users/{agent.pk}/devices"
    make_device(administrator)
    desktop = Desktop(administrator)

    assert paths(desktop.get(path).json()["uris"]) == [f"/api/v2/devices/{own.pk}"]
    assert [one["id"] for one in desktop.get(path, fields="*").json()["devices"]] == [str(own.pk)]
    for unknown in (make_agent().pk, "x"):
        assert desktop.get(f"/users/{unknown}/devices").json()["statusCode"] == 6


@pytest.mark.rule("cc.users.devices.list.r3")
def test_agents_list_their_own_devices_only(administrator: User, agent: User) -> None:
    desktop = Desktop(agent)

    codes = [
        desktop.get(f"/users/{one}/devices").json()["statusCode"]
        for one in (agent.pk, administrator.pk, make_agent().pk)
    ]

    assert codes == [0, 5, 5]


@pytest.mark.rule("cc.users.devices.add.r1", "cc.users.devices.add.r5")
def test_a_device_is_made_for_somebody_who_hears_of_it(administrator: User, agent: User) -> None:
    made = Desktop(administrator).post(f"/users/{agent.pk}/devices", phoneNumber="5999").json()

    ((device,),) = told_of_devices(agent)
    assert set(made) == {"statusCode", "id", "uri"}
    assert (device["id"], device["userState"]) == (made["id"], LOGGED_OUT)
    assert Device.objects.get(pk=made["id"]).user == agent


@pytest.mark.rule("cc.users.devices.add.r2", "cc.users.devices.add.r5")
@pytest.mark.parametrize("member", ["id", "uri"])
def test_an_existing_device_is_assigned(administrator: User, agent: User, member: str) -> None:
    device = make_device(house=agent.organization)
    name = str(device.pk) if member == "id" else f"https://elsewhere/api/v2/devices/{device.pk}/"

    desktop = Desktop(administrator, held=False)
    answer = desktop.post(f"/users/{agent.pk}/devices", "", **{member: name})

    device.refresh_from_db()
    assert (answer.json(), device.user) == (OK, agent)
    assert len(told_of_devices(agent)) == 1


@pytest.mark.rule("cc.users.devices.add.r3")
def test_somebody_elses_device_is_not_given_away(administrator: User, agent: User) -> None:
    theirs, foreign = make_device(administrator), make_device()
    desktop, path = Desktop(administrator), f"/users/{agent.pk}/devices"
    before = stored()

    codes = [
        desktop.post(path, id=str(one)).json()["statusCode"]
        for one in (theirs.pk, foreign.pk, agent.pk)
    ]
    taken = desktop.post(path, phoneNumber=theirs.phone_number).json()["statusCode"]

    assert (codes, taken) == ([2, 6, 6], 2)
    assert stored() == before


@pytest.mark.rule("cc.users.devices.add.r4")
def test_a_device_has_to_be_named(administrator: User, agent: User) -> None:
    answer = Desktop(administrator).post(f"/users/{agent.pk}/devices", model="D65")

    assert (answer.status_code, answer.json()["statusCode"]) == (400, 1)


def test_a_borrowed_device_that_is_given_stays_at_the_end(
    administrator: User, agent: User, now: datetime
) -> None:
    device = make_active_device(agent)
    DeskSession.objects.create(organization_id=house_of(agent), user=agent, borrowed=[device.pk])

    devices.give_device(agent.pk, device.pk, actor=actor_for(administrator), now=now)

    assert DeskSession.objects.get(user=agent).borrowed == []
    assert told(agent) == []


@pytest.mark.rule("cc.users.devices.remove.r1", "cc.users.devices.remove.r2")
def test_a_device_is_taken_away_and_stays(administrator: User, agent: User) -> None:
    device, other = make_device(agent), make_device(administrator)
    desktop, path = Desktop(administrator), f"/users/{agent.pk}/devices"

    answer = desktop.delete(f"{path}/{device.pk}")

    device.refresh_from_db()
    ((shown,),) = told_of_devices(agent)
    assert (answer.json(), device.user) == (OK, None)
    assert "userState" not in shown
    for unknown in (device.pk, other.pk, "x"):
        assert desktop.delete(f"{path}/{unknown}").json()["statusCode"] == 6


def test_what_is_done_to_devices_is_written_down(administrator: User, agent: User) -> None:
    desktop, path = Desktop(administrator), f"/users/{agent.pk}/devices"
    made = desktop.post(path, phoneNumber="5999").json()
    desktop.delete(f"{path}/{made['id']}")
    desktop.delete(f"/devices/{made['id']}")

    events = OutboxEvent.objects.filter(subject_id=made["id"]).order_by("subject_sequence")

    assert [(one.type, one.actor_id) for one in events] == [
        (f"device.{what}", str(administrator.pk))
        for what in ("created", "assigned", "removed", "deleted")
    ]


@pytest.mark.parametrize("path", ["/devices", "/me/devices", "/users/{}/devices", "/me/channels"])
def test_a_list_takes_as_many_queries_with_three_rows_as_with_one(path: str) -> None:
    person = make_agent(roles=[Role.ADMIN, Role.AGENT])
    supervisor = make_active_device(make_agent(person.organization, [Role.SUPERVISOR]))
    desktop = Desktop(person)

    def queries() -> int:
        make_active_device(person, monitored_by=supervisor, monitoring_kind="ListenIn")
        with CaptureQueriesContext(connection) as seen:
            desktop.get(path.format(person.pk), fields="*")
        return len(seen)

    queries()
    one, *_, three = [queries() for _ in range(3)]
    assert three == one


# --- Forwarding ---------------------------------------------------------------------------------


@pytest.mark.rule("cc.devices.ForwardCallsOn.r2", "cc.devices.ForwardCallsOn.r3")
@pytest.mark.rule("cc.devices.ForwardCallsOn.r4", "cc.devices.ForwardCallsOn.r8")
@pytest.mark.parametrize("root", ["/devices", "/me/devices"])
@pytest.mark.parametrize("destination", ["5888", {"phoneNumber": "5888"}])
def test_calls_are_forwarded(agent: User, root: str, destination: object) -> None:
    device = make_active_device(agent)

    answer = Desktop(agent).post(f"{root}/{device.pk}", "ForwardCallsOn", destination=destination)

    ((shown,),) = told_of_devices(agent)
    assert answer.json() == OK
    assert (shown["forwardTo"], shown["capabilities"]) == (
        "5888",
        ["DoNotDisturbOn", "ForwardCallsOff"],
    )
    assert Desktop(agent).get(f"/devices/{device.pk}").json()["device"]["forwardTo"] == "5888"


@pytest.mark.rule("cc.devices.ForwardCallsOn.r1", "cc.devices.ForwardCallsOn.r6")
@pytest.mark.parametrize(
    ("destination", "code"),
    [
        (None, 1),
        ("", 1),
        (" ", 1),
        ({}, 1),
        ({"phoneNumber": ""}, 1),
        (7, 2),
        ({"phoneNumber": 7}, 2),
        ("Anna", 2),
        ("4-977", 2),
    ],
)
def test_a_destination_is_another_number(agent: User, destination: object, code: int) -> None:
    device = make_active_device(agent, phone_number="4977")
    before = stored()

    answer = Desktop(agent).post(f"/devices/{device.pk}", "ForwardCallsOn", destination=destination)

    assert (answer.status_code, answer.json()["statusCode"]) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.devices.ForwardCallsOn.r7")
def test_another_destination_replaces_the_first(agent: User) -> None:
    device = make_active_device(agent, forward_to="5888")

    Desktop(agent).post(f"/devices/{device.pk}", "ForwardCallsOn", destination="5777")

    device.refresh_from_db()
    assert device.forward_to == "5777"


@pytest.mark.rule("cc.devices.ForwardCallsOff.r1", "cc.devices.ForwardCallsOff.r2")
@pytest.mark.rule("cc.devices.ForwardCallsOff.r3", "cc.devices.ForwardCallsOff.r4")
@pytest.mark.parametrize("root", ["/devices", "/me/devices"])
def test_forwarding_ends_once(agent: User, root: str) -> None:
    device = make_active_device(agent, forward_to="5888")
    desktop = Desktop(agent)

    answers = [desktop.post(f"{root}/{device.pk}", "ForwardCallsOff") for _ in range(2)]

    ((shown,),) = told_of_devices(agent)
    assert [one.json()["statusCode"] for one in answers] == [0, 2]
    assert "forwardTo" not in shown
    assert shown["capabilities"] == ["DoNotDisturbOn", "ForwardCallsOn"]


@pytest.mark.parametrize("root", ["/devices", "/me/devices"])
def test_administrators_switch_any_device_but_not_as_their_own(
    administrator: User, agent: User, root: str
) -> None:
    device = make_active_device(agent)
    expected = {"/devices": 0, "/me/devices": 6}[root]

    answer = Desktop(administrator).post(
        f"{root}/{device.pk}", "ForwardCallsOn", destination="5888"
    )

    assert answer.json()["statusCode"] == expected
    assert len(told_of_devices(agent)) == (0 if expected else 1)
