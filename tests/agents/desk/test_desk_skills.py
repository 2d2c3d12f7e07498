"""Skills from the desk: those of the contact center, those of somebody, and one's own."""

from __future__ import annotations

import pytest

from agents.models import Organization, Skill, User, UserSkill
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import Asker, path_in, refusal, stored
from tests.agents.desk.desk import make_agent, make_house
from tests.make import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def admin(house: Organization) -> Asker:
    asker = Asker(make_user(house, [Role.ADMIN]))
    asker.get("/me")
    return asker


@pytest.fixture
def agent(house: Organization) -> User:
    return make_agent(house)


def make_skill(house: Organization, name: str = "Loans", description: str = "") -> Skill:
    return Skill.objects.create(organization=house, name=name, description=description)


def give(user: User, skill: Skill, level: int = 7) -> None:
    UserSkill.objects.create(
        organization_id=skill.organization_id, user=user, skill=skill, level=level
    )


def levels(user: User) -> dict[str, int]:
    rows = UserSkill.objects.filter(user=user)
    return {row.skill.name: row.level for row in rows.select_related("skill")}


# --- Those that there are -----------------------------------------------------------------------


@pytest.mark.rule("cc.skills.list.r1", "cc.skills.list.r2", "cc.skills.list.r3")
def test_skills_are_listed_with_level_0(house: Organization, admin: Asker) -> None:
    cards = make_skill(house, "Cards", "Credit cards")
    loans = make_skill(house, "Loans")
    make_skill(make_house())

    uris = admin.get("/skills").json()["uris"]
    whole = admin.get("/skills", fields="*").json()["skills"]

    assert [path_in(uri) for uri in uris] == [f"/skills/{one.pk}" for one in (cards, loans)]
    described = {"name": "Cards", "description": "Credit cards", "level": "0"}
    assert whole == [
        {"id": str(cards.pk), "uri": uris[0], **described},
        {"id": str(loans.pk), "uri": uris[1], "name": "Loans", "level": "0"},
    ]


@pytest.mark.rule("cc.skills.list.r4")
def test_an_agent_does_not_see_all_skills(agent: User) -> None:
    assert refusal(Asker(agent).get("/skills")) == (403, 5)


@pytest.mark.rule("cc.skills.get.r1", "cc.skills.get.r2")
def test_one_skill_is_read(house: Organization, admin: Asker) -> None:
    skill = make_skill(house)
    [listed] = admin.get("/skills", fields="*").json()["skills"]
    theirs = make_skill(make_house())

    assert admin.get(f"/skills/{skill.pk}").json() == {"statusCode": 0, "skill": listed}
    assert refusal(admin.get(f"/skills/{theirs.pk}")) == (404, 6)
    assert refusal(admin.get("/skills/nothing")) == (404, 6)


@pytest.mark.rule("cc.skills.create.r1")
def test_a_skill_is_created_and_read_at_its_address(admin: Asker) -> None:
    made = admin.post("/skills", {"name": "Loans", "description": "Up to a million"}).json()

    found = admin.get(path_in(made["uri"])).json()["skill"]

    assert (found["id"], found["name"]) == (made["id"], "Loans")
    assert found["description"] == "Up to a million"
    assert OutboxEvent.objects.get().type == "skill.added"


@pytest.mark.rule("cc.skills.create.r2")
@pytest.mark.parametrize(
    ("name", "code"), [(None, 1), ("", 1), (" ", 2), ("Loans", 2), ("x" * 200, 2)]
)
def test_a_name_is_that_of_one_skill(
    name: str | None, code: int, house: Organization, admin: Asker
) -> None:
    make_skill(house)
    make_skill(make_house(), "Cards")
    before = stored()

    assert refusal(admin.post("/skills", {"name": name})) == (400, code)
    assert stored() == before
    assert admin.post("/skills", {"name": "Cards"}).status_code == 200


@pytest.mark.rule("cc.skills.create.r3")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_skill_is_neither_changed_nor_deleted_here(
    method: str, house: Organization, admin: Asker
) -> None:
    skill = make_skill(house)

    assert refusal(admin.send(method, f"/skills/{skill.pk}", json={"name": "x"})) == (405, 3)


# --- Those of somebody --------------------------------------------------------------------------


@pytest.mark.rule("cc.users.skills.list.r1", "cc.users.skills.get.r1")
def test_skills_of_somebody_have_that_ones_level(
    house: Organization, admin: Asker, agent: User
) -> None:
    skill = make_skill(house)
    give(agent, skill)
    give(make_agent(house), make_skill(house, "Cards"), level=1)
    path = f"/users/{agent.pk}/skills"

    [uri] = admin.get(path).json()["uris"]
    [listed] = admin.get(path, fields="*").json()["skills"]

    assert path_in(uri) == f"{path}/{skill.pk}"
    assert listed == {"id": str(skill.pk), "uri": uri, "name": "Loans", "level": "7"}
    assert admin.get(path_in(uri)).json() == {"statusCode": 0, "skill": listed}


@pytest.mark.rule("cc.users.skills.list.r2", "cc.users.skills.get.r2")
def test_what_somebody_does_not_have_gives_6(
    house: Organization, admin: Asker, agent: User
) -> None:
    skill = make_skill(house)

    assert refusal(admin.get(f"/users/{agent.pk}/skills/{skill.pk}")) == (404, 6)
    assert refusal(admin.get(f"/users/{make_agent().pk}/skills")) == (404, 6)
    assert refusal(admin.get("/users/nothing/skills")) == (404, 6)


@pytest.mark.rule("cc.users.skills.add.r1", "cc.users.skills.add.r2")
@pytest.mark.parametrize("form", ["{}", "/api/v2/skills/{}", "https://elsewhere/api/v2/skills/{}/"])
def test_a_skill_is_assigned_with_a_level_and_again_with_another(
    form: str, house: Organization, admin: Asker, agent: User
) -> None:
    named = {"uri" if "/" in form else "id": form.format(make_skill(house).pk)}
    path = f"/users/{agent.pk}/skills"

    answers = [admin.post(path, named), admin.post(path, {**named, "level": "9"})]

    assert [answer.json() for answer in answers] == [{"statusCode": 0}] * 2
    assert levels(agent) == {"Loans": 9}


@pytest.mark.rule("cc.users.skills.add.r2")
def test_without_a_level_it_is_0(house: Organization, admin: Asker, agent: User) -> None:
    give(agent, make_skill(house, "Cards"), level=3)

    admin.post(f"/users/{agent.pk}/skills", {"id": str(make_skill(house).pk)})

    assert levels(agent) == {"Cards": 3, "Loans": 0}


@pytest.mark.rule("cc.users.skills.add.r3")
def test_to_assign_nothing_gives_1_and_something_unknown_6(admin: Asker, agent: User) -> None:
    theirs = make_skill(make_house())
    path = f"/users/{agent.pk}/skills"
    before = stored()

    assert refusal(admin.post(path, {"level": "1"})) == (400, 1)
    assert refusal(admin.post(path, {"id": "nothing"})) == (404, 6)
    assert refusal(admin.post(path, {"id": str(theirs.pk)})) == (404, 6)
    assert stored() == before


@pytest.mark.parametrize("level", ["x", "-1", "101", "1.5", 7, True])
def test_a_level_is_a_number_from_0_to_100_as_a_text(
    level: object, house: Organization, admin: Asker, agent: User
) -> None:
    body = {"id": str(make_skill(house).pk), "level": level}

    assert refusal(admin.post(f"/users/{agent.pk}/skills", body)) == (400, 2)


@pytest.mark.rule("cc.users.skills.remove.r1", "cc.users.skills.remove.r2")
def test_a_skill_is_taken_away_and_stays_for_others(
    house: Organization, admin: Asker, agent: User
) -> None:
    skill, other = make_skill(house), make_agent(house)
    give(agent, skill)
    give(other, skill)
    path = f"/users/{agent.pk}/skills/{skill.pk}"

    assert admin.delete(path).json() == {"statusCode": 0}
    assert refusal(admin.delete(path)) == (404, 6)

    assert (levels(agent), levels(other)) == ({}, {"Loans": 7})
    assert admin.get(f"/skills/{skill.pk}").status_code == 200


# --- One's own ----------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.skills.list.r1", "cc.me.skills.get.r1")
def test_ones_own_skills_are_read_below_me(house: Organization, agent: User) -> None:
    skill = make_skill(house)
    give(agent, skill)
    asker = Asker(agent)

    [uri] = asker.get("/me/skills").json()["uris"]
    [listed] = asker.get("/me/skills", fields="*").json()["skills"]

    assert path_in(uri) == f"/me/skills/{skill.pk}"
    assert listed == {"id": str(skill.pk), "uri": uri, "name": "Loans", "level": "7"}
    assert asker.get(path_in(uri)).json() == {"statusCode": 0, "skill": listed}


@pytest.mark.rule("cc.me.skills.list.r2", "cc.me.skills.get.r2")
def test_whoever_has_none_gets_an_empty_list(house: Organization, agent: User) -> None:
    skill = make_skill(house)
    give(make_agent(house), skill)
    asker = Asker(agent)

    assert asker.get("/me/skills").json() == {"statusCode": 0, "uris": []}
    assert asker.get("/me/skills", fields="*").json() == {"statusCode": 0, "skills": []}
    assert refusal(asker.get(f"/me/skills/{skill.pk}")) == (404, 6)
