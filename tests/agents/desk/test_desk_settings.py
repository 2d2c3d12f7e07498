"""Settings: their groups, the country, and the states that an organisation names for itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from agents.agent_states import BUILT_IN
from agents.api.desk.views_me import MeView
from agents.api.desk.views_presence import MyChannelView
from agents.models import AgentState, Device, Organization, User, WorkState
from agents.services.agent_states import RESERVED
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import Asker, path_in, refusal, stored
from tests.agents.desk.desk import make_active_device, make_agent, make_house
from tests.make import make_application, make_user

pytestmark = pytest.mark.django_db

LUNCH = {
    "operationName": "OutToLunch",
    "displayName": "Not Ready - Out to lunch",
    "state": "NotReady",
    "workMode": "AuxWork",
    "reason": "Lunch",
}
STATES = "/settings/agent-states"


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def admin(house: Organization) -> Asker:
    asker = Asker(make_user(house, [Role.ADMIN]))
    asker.get("/me")
    return asker


def make_state(house: Organization, name: str = "OutToLunch", **fields: str) -> AgentState:
    """Give an organisation a state of its own, in which people are out to lunch."""
    meaning = {"state": "NotReady", "work_mode": "AuxWork", "reason": "Lunch", **fields}
    return AgentState.objects.create(
        organization=house, operation_name=name, display_name="Out to lunch", **meaning
    )


def state_of(agent: User) -> dict[str, Any]:
    [device] = Asker(agent).get("/me/devices", fields="*").json()["devices"]
    shown: dict[str, Any] = device["userState"]
    return shown


# --- The groups ---------------------------------------------------------------------------------


@pytest.mark.rule("cc.settings.list.r1", "cc.settings.list.r2", "cc.settings.list.r3")
def test_the_groups_are_objects_also_without_fields(admin: Asker) -> None:
    groups = admin.get("/settings").json()["settings"]

    # None of them belongs to a feature: there is nothing to leave out.
    assert [(one["displayName"], path_in(one["uri"])) for one in groups] == [
        ("General", "/settings/general-settings"),
        ("Agent States", "/settings/agent-states"),
    ]
    assert all(admin.get(path_in(one["uri"])).status_code == 200 for one in groups)


@pytest.mark.rule("cc.settings.list.r4")
def test_an_agent_does_not_see_the_groups(house: Organization) -> None:
    assert refusal(Asker(make_agent(house)).get("/settings")) == (403, 5)


@pytest.mark.rule("cc.settings.general.get.r1")
@pytest.mark.parametrize(
    ("options", "code", "digits", "name"),
    [
        ({"default_country": "DE"}, "DE", "49", "Germany"),
        ({"default_locale": "en-GB"}, "GB", "44", "United Kingdom"),
        ({"default_locale": "fr"}, "US", "1", "United States"),
    ],
)
def test_the_country_is_that_of_the_default_application(
    options: dict[str, str], code: str, digits: str, name: str, house: Organization
) -> None:
    make_application(house, **options)

    answer = Asker(make_agent(house)).get("/settings/general-settings").json()

    assert answer["settings"] == {
        "countryCode": code,
        "countryDigits": digits,
        "countryName": name,
    }


@pytest.mark.rule("cc.settings.general.get.r2")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_country_is_not_changed_here(method: str, admin: Asker) -> None:
    answer = admin.send(method, "/settings/general-settings", json={"countryCode": "DE"})

    assert refusal(answer) == (405, 3)


# --- The states: reading ------------------------------------------------------------------------


@pytest.mark.rule(
    "cc.settings.agent_states.list.r1",
    "cc.settings.agent_states.list.r2",
    "cc.settings.agent_states.list.r3",
    "cc.settings.agent_states.list.r4",
    "cc.settings.agent_states.list.r5",
)
def test_a_new_contact_center_has_five_states(house: Organization) -> None:
    assert Asker(make_agent(house)).get(STATES).json() == {
        "statusCode": 0,
        "key": "operationName",
        "settings": [
            {
                "id": "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF",
                "operationName": "AfterCallWork",
                "displayName": "AfterCallWork",
                "state": "NotReady",
                "workMode": "AfterCallWork",
            },
            {
                "id": "2B36138D-C564-4562-A8CB-3C32D564F296",
                "operationName": "AuxWork",
                "displayName": "AuxWork",
                "state": "NotReady",
                "workMode": "AuxWork",
            },
            {
                "id": "900D55CC-2BB0-431F-8BF9-D3525B383BE6",
                "operationName": "NotReady",
                "displayName": "Not Ready",
                "state": "NotReady",
            },
            {
                "id": "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB",
                "operationName": "Offline",
                "displayName": "Offline",
                "state": "Logout",
            },
            {
                "id": "9430250E-0A1B-421F-B372-F29E69366DED",
                "operationName": "Ready",
                "displayName": "Ready",
                "state": "Ready",
            },
        ],
    }


def test_states_of_others_are_not_listed(house: Organization) -> None:
    make_state(make_house())

    assert len(Asker(make_agent(house)).get(STATES).json()["settings"]) == 5


# --- Creating -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.settings.agent_states.create.r1")
def test_a_state_is_created_and_read_at_its_address(admin: Asker, house: Organization) -> None:
    made = admin.post(STATES, LUNCH).json()

    found = admin.client.get(made["uri"], headers={"Authorization": admin.authorization}).json()

    assert UUID(made["id"])
    assert found["setting"] == {"id": made["id"], **LUNCH}
    assert admin.get(STATES).json()["settings"][-1] == found["setting"]
    assert OutboxEvent.objects.get().type == "agent_state.created"


@pytest.mark.rule("cc.settings.agent_states.create.r2")
@pytest.mark.parametrize("name", ["operationName", "displayName", "state"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_a_state_needs_is_named(name: str, value: str | None, admin: Asker) -> None:
    before = stored()

    answer = admin.post(STATES, {**LUNCH, name: value})

    assert refusal(answer) == (400, 1)
    assert name in answer.json()["statusMessage"]
    assert stored() == before


@pytest.mark.rule("cc.settings.agent_states.create.r3")
@pytest.mark.parametrize("state", ["Logout", "ready", "Busy"])
def test_a_state_is_ready_or_not_ready(state: str, admin: Asker) -> None:
    before = stored()

    answer = admin.post(STATES, {**LUNCH, "state": state, "workMode": None})

    assert refusal(answer) == (400, 2)
    assert stored() == before


READY_MODES = ("ManualIn", "AutoIn", "ReturnBack")
OTHER_MODES = ("AfterCallWork", "AuxWork", "LegalGuard", "NoCallDisconnect", "WalkAway")


@pytest.mark.rule("cc.settings.agent_states.create.r4")
@pytest.mark.parametrize("state", ["Ready", "NotReady"])
@pytest.mark.parametrize("mode", [*READY_MODES, *OTHER_MODES, "Sleeping"])
def test_a_mode_belongs_to_one_state(state: str, mode: str, admin: Asker) -> None:
    fits = mode in (READY_MODES if state == "Ready" else OTHER_MODES)

    answer = admin.post(STATES, {**LUNCH, "state": state, "workMode": mode})

    assert answer.json()["statusCode"] == (0 if fits else 2)


@pytest.mark.rule(
    "cc.settings.agent_states.create.r5",
    "cc.settings.agent_states.create.r6",
    "cc.settings.agent_states.create.r7",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"operationName": "OutToLunch", "reason": "Other"},
        {"operationName": "Ready", "reason": "Other"},
        {"operationName": "Other", "reason": "Lunch", "workMode": "LegalGuard"},
        # What AuxWork and Ready mean already.
        {"operationName": "Other", "reason": None},
        {"operationName": "Other", "reason": None, "workMode": None, "state": "Ready"},
    ],
)
def test_name_reason_and_meaning_are_those_of_one_state(
    changes: dict[str, Any], admin: Asker, house: Organization
) -> None:
    make_state(house)
    before = stored()

    assert refusal(admin.post(STATES, {**LUNCH, **changes})) == (400, 2)
    assert stored() == before


def test_two_contact_centers_may_name_their_states_alike(admin: Asker) -> None:
    make_state(make_house())

    assert admin.post(STATES, LUNCH).status_code == 200


@pytest.mark.rule("cc.settings.agent_states.create.r8")
@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_state_is_not_called_as_another_operation(name: str, admin: Asker) -> None:
    assert refusal(admin.post(STATES, {**LUNCH, "operationName": name})) == (400, 2)


def test_all_other_operations_are_reserved() -> None:
    named = {*MeView.post.named, *MyChannelView.post.named}

    assert named - {one.operation_name for one in BUILT_IN} <= RESERVED


@pytest.mark.rule("cc.settings.agent_states.create.r9")
def test_a_new_state_can_be_set_at_once(admin: Asker, house: Organization) -> None:
    agent = make_agent(house)
    make_active_device(agent)
    made = admin.post(STATES, LUNCH).json()
    asker = Asker(agent)

    everywhere = asker.post("/me", {"operationName": "OutToLunch"})
    one = asker.post("/me/channels/chat", {"operationName": "OutToLunch"})

    assert everywhere.json() == one.json() == {"statusCode": 0, "status": "ok"}
    assert state_of(agent)["id"] == made["id"]


@pytest.mark.rule("cc.settings.agent_states.create.r10")
def test_an_agent_changes_no_states(house: Organization) -> None:
    asker = Asker(make_agent(house))

    assert refusal(asker.post(STATES, LUNCH)) == (403, 5)
    assert refusal(asker.put(STATES, LUNCH)) == (403, 5)
    assert refusal(asker.delete(STATES, LUNCH)) == (403, 5)


# --- Changing -----------------------------------------------------------------------------------


@pytest.mark.rule(
    "cc.settings.agent_states.update.r1",
    "cc.settings.agent_states.update.r2",
    "cc.settings.agent_states.update.r6",
)
def test_only_what_the_body_holds_is_changed(admin: Asker, house: Organization) -> None:
    before = make_state(house)

    answer = admin.put(STATES, {"operationName": "OutToLunch", "displayName": "Having lunch"})

    assert answer.json() == {"statusCode": 0}
    after = AgentState.objects.get()
    assert (after.pk, after.display_name) == (before.pk, "Having lunch")
    assert (after.state, after.work_mode, after.reason) == ("NotReady", "AuxWork", "Lunch")


def test_mode_and_reason_are_taken_away_by_an_empty_text(admin: Asker, house: Organization) -> None:
    make_state(house)

    admin.put(STATES, {"operationName": "OutToLunch", "workMode": "LegalGuard", "reason": ""})

    after = AgentState.objects.get()
    assert (after.work_mode, after.reason) == ("LegalGuard", "")


@pytest.mark.rule("cc.settings.agent_states.update.r3")
def test_a_state_is_selected_by_its_name(admin: Asker) -> None:
    assert refusal(admin.put(STATES, {"displayName": "x"})) == (400, 1)
    assert refusal(admin.put(STATES, {"operationName": "Nothing"})) == (404, 6)


@pytest.mark.rule("cc.settings.agent_states.update.r4", "cc.settings.agent_states.delete.r3")
@pytest.mark.parametrize("name", [one.operation_name for one in BUILT_IN])
def test_built_in_states_stay_as_they_are(name: str, admin: Asker) -> None:
    before = stored()

    assert refusal(admin.put(STATES, {"operationName": name, "displayName": "x"})) == (403, 3)
    assert refusal(admin.delete(STATES, {"operationName": name})) == (403, 3)
    assert stored() == before


@pytest.mark.rule("cc.settings.agent_states.update.r5")
@pytest.mark.parametrize(
    "changes",
    [
        {"state": "Ready"},
        {"state": "Logout"},
        {"workMode": "AutoIn"},
        {"reason": "Meeting"},
        {"reason": ""},
        {"displayName": " "},
        {"displayName": ""},
    ],
)
def test_a_changed_state_obeys_the_rules_of_a_new_one(
    changes: dict[str, str], admin: Asker, house: Organization
) -> None:
    make_state(house)
    make_state(house, "InMeeting", work_mode="LegalGuard", reason="Meeting")
    before = stored()

    assert refusal(admin.put(STATES, {"operationName": "OutToLunch", **changes})) == (400, 2)
    assert stored() == before


@pytest.mark.rule("cc.settings.agent_states.update.r7")
def test_whoever_is_in_a_changed_state_is_shown_with_its_new_name(
    admin: Asker, house: Organization
) -> None:
    agent = make_agent(house)
    lunch = make_state(house)
    make_active_device(agent, WorkState.NOT_READY, work_mode="AuxWork", reason="Lunch")

    admin.put(STATES, {"operationName": "OutToLunch", "displayName": "Having lunch"})
    named = state_of(agent)
    admin.put(STATES, {"operationName": "OutToLunch", "reason": "Dinner"})
    kept = {"state": "NotReady", "workMode": "AuxWork", "reason": "Lunch"}

    assert named == {"id": str(lunch.pk), "displayName": "Having lunch", **kept}
    assert state_of(agent) == kept


# --- Deleting -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.settings.agent_states.delete.r1", "cc.settings.agent_states.delete.r2")
@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"operationName": "OutToLunch"}, ""),
        ({}, "OutToLunch"),
        ({"operationName": "OutToLunch"}, "InMeeting"),
    ],
)
def test_a_state_is_named_by_the_body_or_the_query(
    body: dict[str, str], query: str, admin: Asker, house: Organization
) -> None:
    make_state(house)
    make_state(house, "InMeeting", work_mode="LegalGuard", reason="Meeting")

    answer = admin.delete(STATES, body, operationName=query)

    assert answer.json() == {"statusCode": 0}
    assert [one.operation_name for one in AgentState.objects.all()] == ["InMeeting"]
    gone = Asker(make_agent(house)).post("/me", {"operationName": "OutToLunch"})
    assert refusal(gone) == (400, 2)


def test_a_client_that_cannot_send_a_body_deletes_by_the_query(
    admin: Asker, house: Organization
) -> None:
    make_state(house)

    assert admin.delete(STATES, operationName="OutToLunch").json() == {"statusCode": 0}


@pytest.mark.rule("cc.settings.agent_states.delete.r4")
def test_to_delete_nothing_gives_1_and_something_unknown_6(
    admin: Asker, house: Organization
) -> None:
    make_state(make_house())

    assert refusal(admin.delete(STATES)) == (400, 1)
    assert refusal(admin.delete(STATES, {"operationName": "OutToLunch"})) == (404, 6)


@pytest.mark.rule("cc.settings.agent_states.delete.r5")
def test_whoever_is_in_a_deleted_state_keeps_all_but_its_name(
    admin: Asker, house: Organization
) -> None:
    agent = make_agent(house)
    make_state(house)
    make_active_device(agent, WorkState.NOT_READY, work_mode="AuxWork", reason="Lunch")

    admin.delete(STATES, {"operationName": "OutToLunch"})

    assert state_of(agent) == {"state": "NotReady", "workMode": "AuxWork", "reason": "Lunch"}
    assert Device.objects.get().reason == "Lunch"
