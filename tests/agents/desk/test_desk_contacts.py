"""Contacts: queues, colleagues, and the numbers that the contact center keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.models import Contact, Organization, User
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import Asker, path_in, refusal, stored
from tests.agents.desk.desk import (
    make_active_device,
    make_agent,
    make_device,
    make_house,
    make_queue,
)
from tests.make import make_user

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

TAXI = {"name": "Taxi", "phoneNumber": "22456"}


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def joe(house: Organization) -> User:
    return make_user(
        house,
        [Role.ADMIN],
        username="joej@example.org",
        first_name="Joe",
        last_name="Johnson",
        employee_id="J-1",
    )


@pytest.fixture
def asker(joe: User) -> Asker:
    found = Asker(joe)
    found.get("/me")
    return found


def keep(house: Organization, name: str = "Taxi", number: str = "22456") -> Contact:
    return Contact.objects.create(organization=house, name=name, phone_number=number)


def names(asker: Asker, **query: str) -> list[str]:
    return [one["name"] for one in asker.get("/contacts", **query).json()["contacts"]]


# --- Reading ------------------------------------------------------------------------------------


@pytest.mark.rule(
    "cc.contacts.list.r1", "cc.contacts.list.r2", "cc.contacts.list.r6", "cc.contacts.list.r7"
)
@pytest.mark.parametrize("query", [{}, {"fields": "*"}])
def test_queues_colleagues_and_kept_numbers_are_contacts(
    query: dict[str, str], house: Organization, joe: User, asker: Asker
) -> None:
    queue = make_queue(joe, name="Loans", phone_number="7001")
    make_device(joe, phone_number="5001")
    taxi = keep(house)
    keep(make_house(), "Theirs")
    make_agent()

    found = asker.get("/contacts", **query).json()["contacts"]

    assert [path_in(one.pop("uri")) for one in found] == [
        f"/contacts/{one.pk}" for one in (queue, joe, taxi)
    ]
    assert found == [
        {"id": str(queue.pk), "type": "Queue", "name": "Loans", "phoneNumber": "7001"},
        {
            "id": str(joe.pk),
            "type": "User",
            "name": "Joe Johnson",
            "phoneNumber": "5001",
            "userName": "joej@example.org",
            "firstName": "Joe",
            "lastName": "Johnson",
            "employeeId": "J-1",
        },
        {"id": str(taxi.pk), "type": "Custom", "name": "Taxi", "phoneNumber": "22456"},
    ]


@pytest.mark.rule("cc.contacts.list.r3", "cc.contacts.list.r5", "cc.contacts.list.r8")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"firstName": "Joe"}, ["Joe Johnson", "Joe Miller"]),
        (
            {"firstName": "Joe", "lastName": "Johnson", "userName": "joej@example.org"},
            ["Joe Johnson"],
        ),
        ({"firstName": "Joe", "lastName": "Nobody"}, []),
        ({"name": "Joe Miller"}, ["Joe Miller"]),
        ({"name": "joe miller"}, []),
        ({"name": "Joe"}, []),
        ({"phoneNumber": "22456"}, ["Taxi"]),
        ({"employeeId": "J-1"}, ["Joe Johnson"]),
        ({"colour": "red", "name": "Taxi"}, ["Taxi"]),
        ({"id": "nothing"}, []),
    ],
)
def test_all_filters_have_to_match_the_whole_value(
    query: dict[str, str], found: list[str], house: Organization, asker: Asker
) -> None:
    make_agent(house, first_name="Joe", last_name="Miller")
    keep(house)

    assert names(asker, **query) == found


@pytest.mark.rule("cc.contacts.list.r4")
@pytest.mark.parametrize(
    ("type_", "found"),
    [
        ("custom", ["Taxi"]),
        ("CUSTOM", ["Taxi"]),
        ("User", ["Joe Johnson"]),
        ("queue", []),
        ("x", []),
    ],
)
def test_a_type_is_compared_without_regard_to_case(
    type_: str, found: list[str], house: Organization, asker: Asker
) -> None:
    keep(house)

    assert names(asker, type=type_) == found


def test_a_colleague_is_called_on_the_device_that_is_in_use(joe: User, asker: Asker) -> None:
    make_device(joe, phone_number="5001")
    make_active_device(joe, phone_number="5002")

    assert names(asker, phoneNumber="5002") == ["Joe Johnson"]


def test_contacts_are_as_many_questions_for_three_as_for_one(
    house: Organization, asker: Asker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        asker.get("/contacts")

    for number in range(2):
        make_device(make_agent(house))
        keep(house, f"Taxi {number}")

    with django_assert_num_queries(5):
        asker.get("/contacts")


@pytest.mark.rule("cc.contacts.get.r1", "cc.contacts.get.r2")
def test_one_contact_is_read_whatever_its_type(
    house: Organization, joe: User, asker: Asker
) -> None:
    keep(house)
    make_queue(joe)
    listed = asker.get("/contacts").json()["contacts"]
    theirs = keep(make_house())

    assert [asker.get(f"/contacts/{one['id']}").json()["contact"] for one in listed] == listed
    assert refusal(asker.get(f"/contacts/{theirs.pk}")) == (404, 6)
    assert refusal(asker.get("/contacts/nothing")) == (404, 6)


# --- Writing ------------------------------------------------------------------------------------


@pytest.mark.rule("cc.contacts.create.r1")
@pytest.mark.parametrize("more", [{}, {"type": "Custom"}])
def test_a_number_is_written_down(more: dict[str, str], asker: Asker) -> None:
    made = asker.post("/contacts", {**TAXI, **more}).json()

    found = asker.get(path_in(made["uri"])).json()["contact"]

    assert (found["id"], found["type"]) == (made["id"], "Custom")
    assert (found["name"], found["phoneNumber"]) == ("Taxi", "22456")
    assert OutboxEvent.objects.get().after is None


@pytest.mark.rule("cc.contacts.create.r2", "cc.contacts.create.r3")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": None}, 1),
        ({"phoneNumber": ""}, 1),
        ({"type": "User"}, 2),
        ({"type": "custom"}, 2),
        ({"phoneNumber": "1" * 41}, 2),
    ],
)
def test_a_contact_needs_a_name_and_a_number(
    changes: dict[str, str | None], code: int, asker: Asker
) -> None:
    before = stored()

    assert refusal(asker.post("/contacts", {**TAXI, **changes})) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.contacts.create.r4")
def test_an_agent_writes_no_contacts(house: Organization) -> None:
    taxi, asker = keep(house), Asker(make_agent(house))

    assert refusal(asker.post("/contacts", TAXI)) == (403, 5)
    assert refusal(asker.put(f"/contacts/{taxi.pk}", TAXI)) == (403, 5)
    assert refusal(asker.delete(f"/contacts/{taxi.pk}")) == (403, 5)


@pytest.mark.rule("cc.contacts.update.r1", "cc.contacts.update.r2")
@pytest.mark.parametrize("in_path", [True, False])
def test_only_what_the_body_holds_is_changed(
    in_path: bool, house: Organization, asker: Asker
) -> None:
    taxi = keep(house)
    path, named = (f"/contacts/{taxi.pk}", {}) if in_path else ("/contacts", {"id": str(taxi.pk)})

    answer = asker.put(path, {**named, "phoneNumber": "22457"})

    assert answer.json() == {"statusCode": 0}
    taxi.refresh_from_db()
    assert (taxi.name, taxi.phone_number) == ("Taxi", "22457")


@pytest.mark.rule("cc.contacts.delete.r1", "cc.contacts.delete.r2")
@pytest.mark.parametrize("where", ["path", "query", "body"])
def test_a_contact_is_deleted(where: str, house: Organization, asker: Asker) -> None:
    taxi = keep(house)
    named = {"id": str(taxi.pk)}

    if where == "query":
        answer = asker.delete("/contacts", id=str(taxi.pk))
    elif where == "body":
        answer = asker.delete("/contacts", named)
    else:
        answer = asker.delete(f"/contacts/{taxi.pk}")

    assert answer.json() == {"statusCode": 0}
    assert names(asker) == ["Joe Johnson"]


@pytest.mark.rule("cc.contacts.update.r2", "cc.contacts.delete.r2")
def test_without_an_id_nothing_is_meant(house: Organization, asker: Asker) -> None:
    keep(house)

    assert refusal(asker.put("/contacts", TAXI)) == (400, 1)
    assert refusal(asker.delete("/contacts")) == (400, 1)


@pytest.mark.rule("cc.contacts.update.r3", "cc.contacts.delete.r3")
def test_colleagues_and_queues_are_not_changed_here(joe: User, asker: Asker) -> None:
    queue = make_queue(joe)
    before = stored()

    for contact in (joe, queue):
        assert refusal(asker.put(f"/contacts/{contact.pk}", TAXI)) == (403, 3)
        assert refusal(asker.delete(f"/contacts/{contact.pk}")) == (403, 3)
    assert stored() == before


@pytest.mark.rule("cc.contacts.update.r4", "cc.contacts.delete.r4")
def test_a_contact_of_others_is_not_there(asker: Asker) -> None:
    theirs = keep(make_house())
    queue = make_queue(make_agent())
    before = stored()

    for key in (theirs.pk, queue.pk, "nothing"):
        assert refusal(asker.put(f"/contacts/{key}", TAXI)) == (404, 6)
        assert refusal(asker.delete(f"/contacts/{key}")) == (404, 6)
    assert stored() == before
