"""The caller as its desktop reads it, with everything that it has."""

from __future__ import annotations

import pytest

from agents.models import Organization, Skill, User, UserSkill, WorkState
from agents.models.tenancy import Feature
from tests.agents.desk.asking import Asker, path_in, refusal
from tests.agents.desk.desk import (
    NOT_READY,
    make_active_device,
    make_agent,
    make_device,
    make_house,
)
from tests.make import make_application

pytestmark = pytest.mark.django_db

COLLECTIONS = {"devices", "skills", "channels", "features", "settings"}


@pytest.fixture
def house() -> Organization:
    house = make_house()
    make_application(house, default_country="DE")
    return house


@pytest.fixture
def agent(house: Organization) -> User:
    return make_agent(house, first_name="Ada", last_name="Lovelace")


@pytest.mark.rule("cc.me.get.r1", "cc.me.get.r2")
def test_the_caller_is_read_without_collections(agent: User) -> None:
    answer = Asker(agent).get("/me")

    body = answer.json()
    assert path_in(body["user"].pop("uri")) == f"/users/{agent.pk}"
    assert body == {
        "statusCode": 0,
        "user": {
            "id": str(agent.pk),
            "userName": agent.username,
            "firstName": "Ada",
            "lastName": "Lovelace",
            "roles": ["ROLE_AGENT"],
            "doNotDisturb": "Off",
            "changePasswordOnFirstLogin": False,
            "employeeId": "",
        },
    }
    assert agent.password.encode() not in answer.content


@pytest.mark.rule("cc.me.get.r3", "cc.me.get.r4", "cc.me.get.r5")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("*", COLLECTIONS),
        ("features,devices,channels,settings", COLLECTIONS - {"skills"}),
        ("skills", {"skills"}),
        ("devices,nothing", {"devices"}),
        ("nothing", set()),
    ],
)
def test_collections_stand_in_the_user_and_on_the_top_level(
    wanted: str, found: set[str], agent: User
) -> None:
    answer = Asker(agent).get("/me", subresources=wanted).json()

    assert COLLECTIONS & answer.keys() == found
    assert COLLECTIONS & answer["user"].keys() == found
    assert all(answer[name] == answer["user"][name] for name in found)
    assert answer.get("id") == (str(agent.pk) if found else None)


@pytest.mark.rule("cc.me.get.r6")
def test_devices_and_channels_carry_their_state(agent: User) -> None:
    make_active_device(agent, WorkState.NOT_READY)
    make_device(make_agent(agent.organization))

    answer = Asker(agent).get("/me", subresources="devices,channels").json()

    [device] = answer["devices"]
    assert device["userState"] == NOT_READY
    assert {one["channel"]: one["userState"]["state"] for one in answer["channels"]} == {
        "email": "Logout",
        "chat": "Logout",
    }


@pytest.mark.rule("cc.me.get.r7")
def test_settings_are_objects_by_the_names_of_their_groups(agent: User) -> None:
    asker = Asker(agent)

    settings = asker.get("/me", subresources="settings").json()["settings"]

    states = asker.get("/settings/agent-states").json()
    del states["statusCode"]
    assert settings == {
        "general-settings": {
            "countryCode": "DE",
            "countryDigits": "49",
            "countryName": "Germany",
        },
        "agent-states": states,
    }


@pytest.mark.rule("cc.me.get.r8")
def test_what_the_contact_center_does_not_have_is_empty() -> None:
    without = make_agent(make_house(Feature.PROVISIONING_READ))
    make_device(without)

    answer = Asker(without).get("/me", subresources="*").json()

    assert answer["channels"] == answer["devices"] == []
    assert [one["id"] for one in answer["features"]] == ["api-provisioning-read"]
    assert Asker(make_agent()).get("/me", subresources="devices").json()["devices"] == []


@pytest.mark.rule("cc.me.get.r9")
def test_without_credentials_there_is_401() -> None:
    answer = Asker().get("/me")

    assert refusal(answer) == (401, 5)
    assert answer["WWW-Authenticate"].startswith("Basic ")
    assert answer.json() == {
        "statusCode": 5,
        "statusMessage": "The credentials are missing or not valid.",
        "status": "error",
        "errorDescription": "The credentials are missing or not valid.",
    }


def test_skills_have_the_callers_level(house: Organization, agent: User) -> None:
    skill = Skill.objects.create(organization=house, name="Loans")
    UserSkill.objects.create(organization=house, user=agent, skill=skill, level=7)

    [shown] = Asker(agent).get("/me", subresources="skills").json()["skills"]

    assert (shown["name"], shown["level"]) == ("Loans", "7")
