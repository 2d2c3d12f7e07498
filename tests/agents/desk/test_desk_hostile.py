"""Requests that nobody means well with: each is refused in the words of the contract."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Contact, Skill, User, UserSkill
from config.kernel.actors import Role
from tests.agents.desk.asking import Asker, refusal, stored
from tests.agents.desk.desk import house_of, make_active_device, make_house
from tests.contract import contract, desk
from tests.make import make_user

pytestmark = pytest.mark.django_db

OPERATIONS = desk.served_operations()
TAKE_A_BODY = [pytest.param(each, id=each.id) for each in OPERATIONS if each.request]
TAKE_A_QUERY = [pytest.param(each, id=each.id) for each in OPERATIONS if each.query]
TAKE_AN_ID = [pytest.param(each, id=each.id) for each in OPERATIONS if each.path_parameters]

VALUES: list[Any] = [
    None,
    "",
    " ",
    "x",
    "'; DROP TABLE agents_user; --",
    "\u202e\U0001f4a9" * 10,
    "x" * 5_000,
    0,
    -1,
    2**62,
    1.5,
    True,
    [],
    [1, None],
    ["x" * 5_000],
    {},
    {"phoneNumber": []},
    {"a": {"b": {"c": "d"}}},
]
TEXTS = ["\0", "x" * 5_000, "%", "%00", "٣", "-1", "1e9", "*", "\u202e", "<script>", "' OR 1=1"]


class Scene:
    """Somebody who may ask for everything, and has one of each thing."""

    def __init__(self) -> None:
        self.user: User = make_user(make_house(), [Role.ADMIN, Role.SUPERVISOR, Role.AGENT])
        house = house_of(self.user)
        self.device = make_active_device(self.user)
        self.skill = Skill.objects.create(organization_id=house, name="Loans")
        UserSkill.objects.create(organization_id=house, user=self.user, skill=self.skill)
        self.contact = Contact.objects.create(organization_id=house, name="T", phone_number="1")
        self.asker = Asker(self.user)
        self.asker.get("/me")

    def path(self, operation: contract.Operation) -> str:
        """Give the path of an operation on what there is."""
        by_place = {
            "contacts": str(self.contact.pk),
            "devices": str(self.device.pk),
            "skills": str(self.skill.pk),
            "channels": "chat",
        }
        names = dict.fromkeys(operation.path_parameters, str(self.user.pk))
        names |= {"skill_id": str(self.skill.pk), "channelId": "chat"}
        collection = operation.path.split("/{")[0].rpartition("/")[2]
        if "id" in names and collection in by_place:
            names["id"] = by_place[collection]
        return operation.url(**names).removeprefix("/api/v2")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def members_of(operation: contract.Operation) -> list[str]:
    schema = contract.schemas(contract.DESK)[str(operation.request)]
    return [field.name for field in schema.fields if field.name != "operationName"]


def body_for(operation: contract.Operation, **members: object) -> dict[str, object]:
    """Give a body that is right but for what is said here."""
    good = {name: "x" for name in members_of(operation) if name not in {"roles", "userData"}}
    name = operation.operation_name
    named = {"operationName": "Ready" if str(name).startswith("{") else name} if name else {}
    return {**good, **named, **members}


@pytest.mark.parametrize("operation", TAKE_A_BODY)
def test_no_member_of_a_body_can_break_an_operation(
    operation: contract.Operation, scene: Scene
) -> None:
    path = scene.path(operation)

    for name in members_of(operation):
        for value in VALUES:
            body = body_for(operation, **{name: value})
            # The client raises for a 500, and for what the contract does not say.
            answer = scene.asker.send(operation.method, path, json=body)
            assert answer.status_code < 500


@pytest.mark.parametrize("operation", TAKE_A_QUERY)
def test_no_parameter_of_a_query_can_break_an_operation(
    operation: contract.Operation, scene: Scene
) -> None:
    path = scene.path(operation)
    before = stored()

    for parameter in operation.query:
        for text in TEXTS:
            query = {parameter.name: text}
            if operation.method == "GET" and parameter.name != "fields":
                answer = scene.asker.send("GET", path, query=query)
                assert answer.status_code < 500
    assert stored() == before


@pytest.mark.parametrize("operation", TAKE_AN_ID)
def test_no_id_of_a_path_can_break_an_operation(
    operation: contract.Operation, scene: Scene
) -> None:
    before = stored()

    for text in ("nothing", "%00", "x" * 500, "٣", "..", f"{scene.user.pk}0"):
        ids = dict.fromkeys(operation.path_parameters, text)
        body = body_for(operation) if operation.request else {}
        path = operation.url(**ids).removeprefix("/api/v2")
        answer = scene.asker.send(operation.method, path, json=body)
        assert answer.status_code in {400, 403, 404}
    assert stored() == before


@pytest.mark.parametrize(
    "operation",
    [case for case in TAKE_AN_ID if "hannel" not in case.values[0].path],  # type: ignore[union-attr]  # an operation
)
def test_what_belongs_to_another_contact_center_is_not_there(
    operation: contract.Operation, scene: Scene
) -> None:
    theirs = Scene()
    before = stored()

    body = body_for(operation) if operation.request else {}
    answer = scene.asker.send(operation.method, theirs.path(operation), json=body)

    # Features are the system's, and given by operators; bodies are read before anything is found.
    found_nothing = {(404, 6), (403, 5)} | ({(400, 1), (400, 2)} if body else set())
    assert refusal(answer) in found_nothing
    assert stored() == before
