"""Features: which a contact center has, and how operators give and take them."""

from __future__ import annotations

import pytest

from agents.models import Organization, User
from agents.models.tenancy import ASSIGNED_AT_FIRST, Feature
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import Asker, basic, path_in, refusal, stored
from tests.agents.desk.desk import make_agent, make_house
from tests.make import PASSWORD, make_organization, make_user

pytestmark = pytest.mark.django_db

ALL = [str(one) for one in Feature]
AT_FIRST = [
    "api-provisioning-read",
    "api-provisioning-write",
    "api-voice",
    "ui-supervisor-provisioning-routing",
    "ui-supervisor-provisioning-skill",
    "ui-supervisor-provisioning-user",
    "ui-supervisor-recording",
    "ui-supervisor-reporting",
]


@pytest.fixture
def house() -> Organization:
    """Give a contact center as it is at first, the only one there is."""
    return make_organization()


@pytest.fixture
def operator() -> Asker:
    User.objects.create_superuser("root@example.org", PASSWORD)
    return Asker(authorization=basic("root@example.org"))


def features_of(house: Organization) -> list[str]:
    house.refresh_from_db()
    return list(house.features)


@pytest.mark.rule("cc.features.list.r1", "cc.features.list.r3")
def test_a_new_contact_center_has_eight_features_by_their_addresses(house: Organization) -> None:
    uris = Asker(make_agent(house)).get("/features").json()["uris"]

    assert [path_in(uri) for uri in uris] == [f"/features/{one}" for one in AT_FIRST]
    assert [str(one) for one in ASSIGNED_AT_FIRST] == AT_FIRST


@pytest.mark.rule("cc.features.list.r2", "cc.features.get.r1")
def test_features_are_read_whole_in_the_list_and_one_by_one(house: Organization) -> None:
    asker = Asker(make_agent(house))

    [first, *_] = asker.get("/features", fields="*").json()["features"]

    assert (first["id"], first["displayName"]) == (
        "api-provisioning-read",
        "Provisioning API, reading",
    )
    assert first["description"] == "Users, skills and devices can be read."
    for query in ({}, {"fields": "id"}):
        one = asker.get("/features/api-provisioning-read", **query)
        assert one.json() == {"statusCode": 0, "feature": first}


@pytest.mark.rule("cc.features.get.r2")
@pytest.mark.parametrize("name", ["api-multimedia", "api-nothing"])
def test_a_feature_that_is_not_assigned_gives_6(name: str, house: Organization) -> None:
    assert refusal(Asker(make_agent(house)).get(f"/features/{name}")) == (404, 6)


@pytest.mark.rule("cc.features.delete.r1", "cc.features.list.r4")
def test_an_operator_removes_a_feature_at_once(house: Organization, operator: Asker) -> None:
    asker = Asker(make_agent(house))

    answer = operator.delete("/features/api-voice")

    assert answer.json() == {"statusCode": 0}
    assert features_of(house) == [one for one in AT_FIRST if one != "api-voice"]
    assert refusal(asker.get("/features/api-voice")) == (404, 6)
    assert len(asker.get("/features").json()["uris"]) == 7


@pytest.mark.rule("cc.features.delete.r2")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT, Role.SUPERVISOR])
def test_nobody_of_the_contact_center_changes_its_features(role: Role, house: Organization) -> None:
    asker = Asker(make_user(house, [role]))
    before = stored()

    assert refusal(asker.delete("/features/api-voice")) == (403, 5)
    assert refusal(asker.post("/features", {"id": "api-multimedia"})) == (403, 5)
    assert stored() == before


@pytest.mark.rule("cc.features.delete.r3")
def test_without_multimedia_there_are_no_channels(operator: Asker) -> None:
    house = make_house()
    asker = Asker(make_agent(house))
    assert asker.get("/me/channels").status_code == 200

    operator.delete("/features/api-multimedia")

    answers = [
        asker.get("/me/channels"),
        asker.get("/me/channels/chat"),
        asker.post("/me/channels/chat", {"operationName": "Ready"}),
        asker.get("/me/interactions"),
        asker.get("/interactions"),
        asker.get("/me/workbins"),
    ]
    assert {refusal(answer) for answer in answers} == {(404, 6)}


@pytest.mark.rule("cc.features.delete.r4")
def test_what_is_behind_a_feature_comes_back_with_it(operator: Asker) -> None:
    asker = Asker(make_agent(make_house()))
    asker.post("/me/channels/chat", {"operationName": "AuxWork"})
    before = asker.get("/me/channels/chat").json()

    operator.delete("/features/api-multimedia")
    operator.post("/features", {"id": "api-multimedia"})

    assert asker.get("/me/channels/chat").json() == before


@pytest.mark.rule("cc.features.delete.r5")
def test_the_features_of_the_system_cannot_be_changed(house: Organization, operator: Asker) -> None:
    assert refusal(operator.delete("/system/features/api-voice")) == (405, 3)
    assert refusal(operator.post("/system/features", {"id": "x"})) == (405, 3)


def test_a_feature_that_is_not_assigned_cannot_be_removed(
    house: Organization, operator: Asker
) -> None:
    assert refusal(operator.delete("/features/api-multimedia")) == (404, 6)


@pytest.mark.rule("cc.features.assign.r1")
@pytest.mark.parametrize(
    "body",
    [
        {"id": "api-multimedia"},
        {"uri": "https://elsewhere.example/api/v2/system/features/api-multimedia"},
        {"uri": "/api/v2/system/features/api-multimedia/"},
    ],
)
def test_an_operator_assigns_a_feature(
    body: dict[str, str], house: Organization, operator: Asker
) -> None:
    answer = operator.post("/features", body)

    assert answer.json() == {"statusCode": 0}
    assert features_of(house) == ALL
    assert OutboxEvent.objects.get().facts == {"feature": "api-multimedia"}


@pytest.mark.rule("cc.features.assign.r2")
def test_to_assign_twice_changes_nothing(house: Organization, operator: Asker) -> None:
    operator.get("/me")
    before = stored()

    assert operator.post("/features", {"id": "api-voice"}).json() == {"statusCode": 0}

    assert stored() == before


@pytest.mark.rule("cc.features.assign.r3")
def test_to_assign_nothing_gives_1_and_something_unknown_6(
    house: Organization, operator: Asker
) -> None:
    assert refusal(operator.post("/features", {})) == (400, 1)
    assert refusal(operator.post("/features", {"id": "api-nothing"})) == (404, 6)


def test_an_operator_of_several_contact_centers_says_which_one(
    house: Organization, operator: Asker
) -> None:
    other = make_organization()

    unsaid = operator.delete("/features/api-voice")
    said = operator.delete("/features/api-voice", organizationId=str(other.pk))
    unknown = operator.delete("/features/api-voice", organizationId="x")

    assert [refusal(unsaid), refusal(unknown)] == [(400, 1), (404, 6)]
    assert said.status_code == 200
    assert features_of(house) == AT_FIRST
    assert "api-voice" not in features_of(other)


# --- The system's -------------------------------------------------------------------------------


@pytest.mark.rule("cc.system.features.list.r1", "cc.system.features.list.r2")
def test_the_system_has_nine_features_whatever_is_assigned() -> None:
    asker = Asker(make_user(make_house(Feature.VOICE), [Role.ADMIN]))

    uris = asker.get("/system/features").json()["uris"]
    whole = asker.get("/system/features", fields="*").json()["features"]

    assert [path_in(uri) for uri in uris] == [f"/system/features/{one}" for one in ALL]
    assert [one["id"] for one in whole] == ALL
    assert all(one["description"] for one in whole)


@pytest.mark.rule("cc.system.features.list.r3")
def test_an_agent_does_not_see_the_features_of_the_system(house: Organization) -> None:
    assert refusal(Asker(make_agent(house)).get("/system/features")) == (403, 5)


@pytest.mark.rule("cc.system.features.get.r1", "cc.system.features.get.r2")
def test_every_feature_of_the_system_can_be_read_at_its_address(house: Organization) -> None:
    asker = Asker(make_user(house, [Role.ADMIN]))
    uris = asker.get("/system/features").json()["uris"]

    found = [asker.get(path_in(uri)).json()["feature"]["id"] for uri in uris]

    assert found == ALL
    assert refusal(asker.get("/system/features/api-nothing")) == (404, 6)
