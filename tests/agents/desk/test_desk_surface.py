"""What holds for every operation of the desk: who may, how it is read, what a refusal says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import get_resolver

from agents.api.desk.addresses import absolute, id_in, made_absolute
from agents.api.desk.base import DeskView, Operation, Operations
from agents.models import Skill, User
from agents.models.tenancy import Feature
from config.kernel.actors import Role
from tests.agents.desk.asking import Asker, basic, refusal, stored
from tests.agents.desk.desk import house_of, make_agent, make_house
from tests.contract import contract, desk
from tests.make import PASSWORD, make_user, token_for

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

UNKNOWN = "0190a1b2-0000-7000-8000-000000000001"
GUARDED = [
    pytest.param(each, id=each.id)
    for each in desk.served_operations()
    if each.roles != ("ANY",) and each.group not in desk.LATER_GROUPS
]
ROLES = {"ADMIN": Role.ADMIN, "AGENT": Role.AGENT, "SUPERVISOR": Role.SUPERVISOR}


@pytest.fixture
def admin() -> User:
    return make_user(make_house(), [Role.ADMIN])


def sent_to(operation: contract.Operation, asker: Asker) -> tuple[int, int]:
    """Ask for an operation with ids that are nobody's."""
    path = operation.url(**dict.fromkeys(operation.path_parameters, UNKNOWN))
    name = operation.operation_name
    body = {"operationName": "Ready" if str(name).startswith("{") else name} if name else {}
    answer = asker.send(operation.method, path.removeprefix("/api/v2"), json=body)
    return answer.status_code, answer.json()["statusCode"]


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", GUARDED)
def test_whoever_has_none_of_the_roles_gets_5_whether_or_not_it_exists(
    operation: contract.Operation,
) -> None:
    let_in = {ROLES[name] for name in operation.roles if name in ROLES}
    if Role.AGENT in let_in:
        let_in.add(Role.SUPERVISOR)
    askers = [Asker(make_user(make_house(), [role])) for role in set(ROLES.values()) - let_in]
    before = stored()

    answers = [sent_to(operation, asker) for asker in askers]

    assert set(answers) <= {(403, 5)}
    assert stored() == before


@pytest.mark.parametrize("operation", GUARDED)
def test_without_credentials_there_is_401(operation: contract.Operation) -> None:
    assert sent_to(operation, Asker()) == (401, 5)


def test_a_supervisor_is_let_in_wherever_an_agent_is() -> None:
    supervisor = make_user(make_house(), [Role.SUPERVISOR])

    assert Asker(supervisor).get("/features").status_code == 200


def test_a_token_of_ours_is_taken_as_well(admin: User) -> None:
    assert Asker(authorization=f"Bearer {token_for(admin)}").get("/skills").status_code == 200


# --- How it is read -----------------------------------------------------------------------------


def test_a_path_is_served_with_a_slash_and_without_one(admin: User) -> None:
    asker = Asker(admin)

    assert (
        asker.get("/skills/").json()
        == asker.get("/skills").json()
        == {
            "statusCode": 0,
            "uris": [],
        }
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"null", b"\xff", b'{"a":1,"a":2}'])
def test_a_body_that_is_no_json_object_gives_2(body: bytes, admin: User) -> None:
    before = stored()

    answer = Asker(admin).send("POST", "/skills", body=body)

    assert refusal(answer) == (400, 2)
    assert stored() == before


def test_a_body_of_another_type_gives_2(admin: User) -> None:
    answer = Asker(admin).send("POST", "/skills", body=b"name=Loans", content_type="text/plain")

    assert refusal(answer) == (400, 2)


def test_a_body_that_is_too_large_gives_2(admin: User) -> None:
    answer = Asker(admin).send("POST", "/skills", body=b"[" + b"1," * 2**20 + b"1]")

    assert refusal(answer) == (413, 2)


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}])
def test_a_member_that_is_missing_null_or_empty_gives_1_and_is_named(
    body: dict[str, object], admin: User
) -> None:
    answer = Asker(admin).post("/skills", body)

    assert refusal(answer) == (400, 1)
    assert answer.json()["statusMessage"] == "name is missing."


@pytest.mark.parametrize("name", [5, True, [], {}, 1.5])
def test_a_member_of_the_wrong_type_gives_2(name: object, admin: User) -> None:
    assert refusal(Asker(admin).post("/skills", {"name": name})) == (400, 2)


def test_members_that_nobody_knows_are_ignored(admin: User) -> None:
    assert Asker(admin).post("/skills", {"name": "Loans", "colour": 7}).status_code == 200


def test_a_method_that_a_path_does_not_have_gives_405_and_3(admin: User) -> None:
    asker = Asker(admin)

    answers = [asker.send(method, "/features/x") for method in ("PUT", "PATCH", "OPTIONS")]

    assert {refusal(answer) for answer in answers} == {(405, 3)}
    assert answers[0]["Allow"] == "GET, DELETE, HEAD"


def test_an_operation_is_named_exactly(admin: User) -> None:
    asker = Asker(make_agent())

    assert refusal(asker.post("/me", {"operationName": "donotdisturbon"})) == (400, 2)
    assert refusal(asker.post("/me", {})) == (400, 1)
    assert refusal(asker.post("/me", {"operationName": ""})) == (400, 1)
    assert refusal(asker.post("/me", {"operationName": 5})) == (400, 2)


def test_a_body_that_cannot_be_read_tells_nothing_to_whoever_may_not_ask() -> None:
    service = make_user(make_house(), [Role.CLIENT_SERVICE])

    answer = Asker(service).send("POST", f"/users/{service.pk}", body=b"{")

    assert refusal(answer) == (403, 5)


@pytest.mark.parametrize("path", ["/me/nothing", "/users/x/y/z", "/system", "/interactions"])
def test_what_lies_beside_the_resources_gives_6(path: str, admin: User) -> None:
    assert refusal(Asker(admin).get(path)) == (404, 6)
    assert refusal(Asker().get(path)) == (401, 5)


def test_other_surfaces_keep_their_own_words_below_the_same_root(admin: User) -> None:
    answer = Asker(admin).client.get("/api/v2/appointments/nothing/of/this/kind")

    assert answer.json()["code"] == "NOT_FOUND"


def test_an_operation_that_fails_for_us_gives_4_and_no_word_of_why(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SELECT secrets FROM /etc/frontdesk")

    monkeypatch.setattr("agents.api.desk.views_skills.abilities.add_skill", broken)
    asker = Asker(admin)
    asker.client.raise_request_exception = False

    answer = asker.client.post(
        "/api/v2/skills",
        {"name": "Loans"},
        content_type="application/json",
        headers={"Authorization": asker.authorization},
    )

    assert refusal(answer) == (500, 4)
    assert "SELECT" not in answer.json()["statusMessage"]


# --- Lists and addresses ------------------------------------------------------------------------


def test_fields_chooses_between_addresses_objects_and_members(admin: User) -> None:
    skill = Skill.objects.create(organization_id=house_of(admin), name="Loans")
    asker, uri = Asker(admin), absolute(f"/api/v2/skills/{skill.pk}")

    assert asker.get("/skills").json() == {"statusCode": 0, "uris": [uri]}
    assert asker.get("/skills", fields="*").json() == {
        "statusCode": 0,
        "skills": [{"id": str(skill.pk), "uri": uri, "name": "Loans", "level": "0"}],
    }
    # The members that the schema needs are left out when they are not asked for.
    chosen = asker.client.get(
        "/api/v2/skills?fields=level,colour", headers={"Authorization": asker.authorization}
    )
    assert chosen.json()["skills"] == [{"id": str(skill.pk), "level": "0"}]


def test_every_list_can_be_paged(admin: User) -> None:
    for name in "abc":
        Skill.objects.create(organization_id=house_of(admin), name=name)
    asker = Asker(admin)

    page = asker.get("/skills", fields="*", offset="1", limit="1").json()["skills"]

    assert [one["name"] for one in page] == ["b"]
    assert len(asker.get("/skills", offset="1").json()["uris"]) == 2
    assert refusal(asker.get("/skills", limit="-1")) == (400, 2)


def test_addresses_are_absolute_wherever_they_stand(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://desk.example.org"
    here = "https://desk.example.org/api/v2/x"

    made = made_absolute(
        {"uri": "/api/v2/x", "uris": ["/api/v2/x"], "in": [{"phoneNumberUri": "/api/v2/x"}]}
    )

    assert made == {"uri": here, "uris": [here], "in": [{"phoneNumberUri": here}]}


def test_what_others_have_stored_is_no_address_of_ours() -> None:
    stored = {"userData": {"uri": "/their/own"}, "properties": {"uris": ["/their/own"]}}

    assert made_absolute(stored) == stored


@pytest.mark.parametrize(
    "text",
    ["a-1", " a-1 ", "/api/v2/skills/a-1", "http://elsewhere/api/v2/skills/a-1/?x=1", "/a%2D1"],
)
def test_an_address_in_a_body_is_compared_by_its_path(text: str) -> None:
    assert id_in(text) == "a-1"


# --- Features -----------------------------------------------------------------------------------


def test_without_reading_lists_are_not_there_and_without_writing_nothing_is_changed() -> None:
    house = make_house(Feature.VOICE)
    asker = Asker(make_user(house, [Role.ADMIN]))
    before = stored()

    reads = [refusal(asker.get(path)) for path in ("/users", "/skills")]
    writes = [
        refusal(asker.post("/users", {"userName": "new@example.org"})),
        refusal(asker.post("/skills", {"name": "Loans"})),
        refusal(asker.post("/contacts", {"name": "Taxi", "phoneNumber": "22456"})),
        refusal(asker.post("/settings/agent-states", {})),
    ]

    assert reads == [(404, 6)] * 2
    assert writes == [(400, 2)] * 4
    assert stored() == before


# --- Whoever has to change its password first ---------------------------------------------------


def test_until_the_password_is_changed_everything_else_gives_3() -> None:
    user = make_agent(change_password_on_first_login=True)
    asker = Asker(user)

    answers = [
        asker.get("/me"),
        asker.get("/features"),
        asker.post("/me", {"operationName": "Ready"}),
        asker.post("/me", {"operationName": "Nothing"}),
        asker.put(f"/users/{user.pk}", {"firstName": "Ada"}),
    ]

    assert {refusal(answer) for answer in answers} == {(403, 3)}


# --- The views themselves -----------------------------------------------------------------------


def test_every_resource_of_the_desk_says_who_may_ask_what() -> None:
    views = {
        pattern.callback.cls
        for entry in get_resolver().url_patterns
        for pattern in getattr(entry, "url_patterns", [])
        if issubclass(getattr(pattern.callback, "cls", object), DeskView)
    }

    entries = [
        getattr(view, method, None) for view in views for method in ("get", "post", "put", "delete")
    ]

    assert len(views) > 30
    assert all(isinstance(one, Operation | Operations) for one in entries if one is not None)


def test_an_operator_finds_nothing_that_belongs_to_an_organisation() -> None:
    User.objects.create_superuser("root@example.org", PASSWORD)
    asker = Asker(authorization=basic("root@example.org"))

    me = asker.get("/me", subresources="*").json()

    assert me["devices"] == me["skills"] == me["features"] == []
    assert refusal(asker.get("/users")) == (403, 5)
