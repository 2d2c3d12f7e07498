"""What devices and supervisors link to: routing templates, the switch, phone numbers."""

from __future__ import annotations

import pytest

from agents.models import Organization
from agents.models.tenancy import Feature
from config.kernel.actors import Role
from tests.agents.desk.asking import Asker, path_in, refusal
from tests.agents.desk.desk import make_agent, make_device, make_house
from tests.make import make_user

pytestmark = pytest.mark.django_db

TEMPLATES = "/system/routing-templates"


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def admin(house: Organization) -> Asker:
    return Asker(make_user(house, [Role.ADMIN]))


@pytest.mark.rule("cc.system.routing_templates.list.r1", "cc.system.routing_templates.get.r1")
def test_every_template_can_be_read_at_its_address(admin: Asker) -> None:
    uris = admin.get(TEMPLATES).json()["uris"]
    whole = admin.get(TEMPLATES, fields="*").json()["routing-templates"]

    assert [admin.get(path_in(uri)).json()["routing-template"] for uri in uris] == whole
    assert [one["channel"] for one in whole] == ["voice", "email", "chat"]


@pytest.mark.rule("cc.system.routing_templates.list.r2", "cc.system.routing_templates.list.r3")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"channel": "chat"}, ["chat"]),
        ({"version": "1.0"}, ["voice", "email", "chat"]),
        ({"channel": "chat", "version": "1.0"}, ["chat"]),
        ({"channel": "chat", "version": "2.0"}, []),
        ({"channel": "fax"}, []),
    ],
)
def test_templates_are_those_of_a_channel_and_a_version(
    query: dict[str, str], found: list[str], admin: Asker
) -> None:
    answer = admin.get(TEMPLATES, fields="*", **query).json()

    assert [one["channel"] for one in answer["routing-templates"]] == found


@pytest.mark.rule("cc.system.routing_templates.get.r2")
def test_an_unknown_template_gives_6(admin: Asker) -> None:
    assert refusal(admin.get(f"{TEMPLATES}/nothing")) == (404, 6)


def test_without_the_feature_there_are_no_templates() -> None:
    asker = Asker(make_user(make_house(Feature.VOICE), [Role.ADMIN]))

    assert refusal(asker.get(TEMPLATES)) == (404, 6)


@pytest.mark.rule("cc.voice_environments.get.r1", "cc.phone_numbers.get.r1")
def test_what_a_device_links_to_can_be_read(house: Organization) -> None:
    make_device(house=make_house())
    agent = make_agent(house)
    make_device(agent, phone_number="+49 30 1234567")
    asker = Asker(agent)
    [device] = asker.get("/me/devices", fields="*").json()["devices"]

    switch = asker.get(path_in(device["voiceEnvironmentUri"])).json()["voice-environment"]
    number = asker.get(path_in(device["phoneNumberUri"])).json()["phone-number"]

    assert switch == {
        "id": str(house.pk),
        "uri": device["voiceEnvironmentUri"],
        "name": "Frontdesk",
    }
    assert number == {
        "id": device["id"],
        "uri": device["phoneNumberUri"],
        "phoneNumber": device["phoneNumber"],
        "country": {"name": "Germany", "code": "DE", "callingCode": "49"},
    }


@pytest.mark.rule("cc.voice_environments.get.r2", "cc.phone_numbers.get.r2")
def test_what_belongs_to_others_is_not_there(house: Organization) -> None:
    theirs = make_device(house=make_house())
    asker = Asker(make_agent(house))

    answers = [
        asker.get(f"/voice-environments/{theirs.organization_id}"),
        asker.get("/voice-environments/nothing"),
        asker.get(f"/phone-numbers/{theirs.pk}"),
        asker.get("/phone-numbers/nothing"),
    ]

    assert {refusal(answer) for answer in answers} == {(404, 6)}
