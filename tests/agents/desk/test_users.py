"""Users of the contact center, as desks read, make, change and delete them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import (
    AgentLogin,
    DeskSession,
    Device,
    ExternalIdentity,
    Organization,
    QueueMember,
    Skill,
    User,
    UserSkill,
)
from agents.services import accounts
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import Asker, basic, path_in, refusal, stored
from tests.agents.desk.desk import (
    house_of,
    make_active_device,
    make_agent,
    make_device,
    make_house,
    make_login,
    make_queue,
)
from tests.make import PASSWORD, actor_for, make_user

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

GOOD = "a-long-enough-password"
NEW = {"userName": "grace@example.org", "password": GOOD}


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def boss(house: Organization) -> User:
    return make_user(house, [Role.ADMIN], first_name="Ada", last_name="Lovelace")


@pytest.fixture
def admin(boss: User) -> Asker:
    asker = Asker(boss)
    asker.get("/me")
    return asker


def created(answer: Any) -> User:
    user: User = User.objects.get(pk=answer.json()["id"])
    return user


def give_skill(user: User, name: str = "Loans", level: int = 7) -> Skill:
    skill = Skill.objects.create(organization_id=house_of(user), name=name)
    UserSkill.objects.create(organization_id=house_of(user), user=user, skill=skill, level=level)
    return skill


# --- The list -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.list.r1", "cc.users.list.r5")
def test_users_are_listed_by_their_addresses(house: Organization, boss: User) -> None:
    agent = make_agent(house)
    make_agent()

    uris = Asker(agent).get("/users").json()["uris"]

    assert [path_in(uri) for uri in uris] == [f"/users/{one.pk}" for one in (boss, agent)]


@pytest.mark.rule("cc.users.list.r2", "cc.users.list.r4")
def test_users_are_listed_whole_and_without_their_password(boss: User, admin: Asker) -> None:
    answer = admin.get("/users", fields="*")

    [shown] = answer.json()["users"]
    assert {**shown, "uri": path_in(shown["uri"])} == {
        "id": str(boss.pk),
        "uri": f"/users/{boss.pk}",
        "userName": boss.username,
        "firstName": "Ada",
        "lastName": "Lovelace",
        "roles": ["ROLE_ADMIN"],
        "doNotDisturb": "Off",
        "changePasswordOnFirstLogin": False,
        "employeeId": "",
    }
    assert b'assword":"' not in answer.content
    assert boss.password.encode() not in answer.content


@pytest.mark.rule("cc.users.list.r3")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("*", {"skills", "devices"}),
        ("skills", {"skills"}),
        ("skills,devices,x", {"skills", "devices"}),
    ],
)
def test_collections_are_added_as_they_are_asked_for(
    wanted: str, found: set[str], boss: User, admin: Asker
) -> None:
    give_skill(boss)
    make_device(boss, phone_number="5001")

    [shown] = admin.get("/users", subresources=wanted).json()["users"]

    assert {"skills", "devices"} & shown.keys() == found
    assert [one["level"] for one in shown["skills"]] == ["7"]
    assert [one["phoneNumber"] for one in shown.get("devices", [])] in ([], ["5001"])


def test_a_list_with_collections_asks_as_often_for_one_as_for_three(
    house: Organization, admin: Asker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        admin.get("/users", subresources="skills,devices")

    for _ in range(2):
        user = make_agent(house)
        make_device(user)
        give_skill(user, name=user.username)

    with django_assert_num_queries(5):
        admin.get("/users", subresources="skills,devices")


def test_whoever_cannot_get_in_any_more_is_not_listed(house: Organization, admin: Asker) -> None:
    gone = make_agent(house, is_active=False)

    assert len(admin.get("/users").json()["uris"]) == 1
    assert refusal(admin.get(f"/users/{gone.pk}")) == (404, 6)


# --- One of them --------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.get.r1", "cc.users.get.r2")
def test_one_user_is_read_without_collections(boss: User, admin: Asker) -> None:
    [listed] = admin.get("/users", fields="*").json()["users"]

    assert admin.get(f"/users/{boss.pk}").json() == {"statusCode": 0, "user": listed}


@pytest.mark.rule("cc.users.get.r3", "cc.users.get.r4")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("skills", {"skills"}),
        ("skills,devices", {"skills", "devices"}),
        ("*", {"skills", "devices", "settings"}),
        ("settings", {"settings"}),
    ],
)
def test_collections_of_one_user_stand_on_the_top_level_too(
    wanted: str, found: set[str], boss: User, admin: Asker
) -> None:
    give_skill(boss)

    answer = admin.get(f"/users/{boss.pk}", subresources=wanted).json()

    assert answer.keys() == {"statusCode", "user", "id", *found}
    assert answer["id"] == str(boss.pk)
    assert all(answer["user"][name] == answer[name] for name in found)


@pytest.mark.rule("cc.users.get.r5")
def test_a_user_of_another_contact_center_is_not_there(admin: Asker) -> None:
    assert refusal(admin.get(f"/users/{make_agent().pk}")) == (404, 6)
    assert refusal(admin.get("/users/nothing")) == (404, 6)


# --- Creating -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.create.r1", "cc.users.create.r4", "cc.users.create.r6")
def test_a_user_is_created_and_can_log_in(house: Organization, admin: Asker) -> None:
    answer = admin.post(
        "/users",
        {
            **NEW,
            "firstName": "Grace",
            "lastName": "Hopper",
            "employeeId": "H-7",
            "skills": [{"name": "Loans"}],
            "devices": [{"phoneNumber": "5001"}],
            "doNotDisturb": "On",
        },
    )

    user = created(answer)
    assert path_in(answer.json()["uri"]) == f"/users/{user.pk}"
    assert (user.organization, user.first_name, user.employee_id) == (house, "Grace", "H-7")
    assert (user.do_not_disturb, user.change_password_on_first_login) == (False, False)
    assert not UserSkill.objects.exists()
    assert not Device.objects.exists()
    assert Asker(authorization=basic("grace@example.org", GOOD)).get("/me").status_code == 200


@pytest.mark.rule("cc.users.create.r2")
@pytest.mark.parametrize(
    ("name", "code"),
    [(None, 1), ("", 1), ("grace", 2), ("Taken@Example.org", 2), ("elsewhere@example.org", 2)],
)
def test_a_user_name_is_an_address_that_nobody_has(
    name: str | None, code: int, house: Organization, admin: Asker
) -> None:
    make_user(house, username="taken@example.org")
    make_user(username="elsewhere@example.org")
    before = stored()

    answer = admin.post("/users", {**NEW, "userName": name})

    assert refusal(answer) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.users.create.r3")
@pytest.mark.parametrize(
    ("roles", "kept"),
    [
        (None, ["ROLE_AGENT"]),
        (["ROLE_SUPERVISOR"], ["ROLE_SUPERVISOR"]),
        (["ROLE_SUPERVISOR", "ROLE_AGENT"], ["ROLE_AGENT", "ROLE_SUPERVISOR"]),
        (
            ["ROLE_ADMIN", "ROLE_AGENT", "ROLE_SUPERVISOR"],
            ["ROLE_AGENT", "ROLE_SUPERVISOR", "ROLE_ADMIN"],
        ),
    ],
)
def test_roles_are_given_in_any_combination(
    roles: list[str] | None, kept: list[str], admin: Asker
) -> None:
    assert created(admin.post("/users", {**NEW, "roles": roles})).roles == kept


@pytest.mark.rule("cc.users.create.r3")
@pytest.mark.parametrize("roles", [["ROLE_CUSTOMER"], ["ROLE_CLIENT_SERVICE"], ["x"], "ROLE_AGENT"])
def test_other_roles_give_2(roles: object, admin: Asker) -> None:
    before = stored()

    assert refusal(admin.post("/users", {**NEW, "roles": roles})) == (400, 2)
    assert stored() == before


@pytest.mark.rule("cc.users.create.r5")
def test_a_first_login_only_changes_the_password(admin: Asker) -> None:
    admin.post("/users", {**NEW, "changePasswordOnFirstLogin": True})
    asker = Asker(authorization=basic("grace@example.org", GOOD))

    assert refusal(asker.get("/me")) == (403, 3)
    assert refusal(asker.get("/users")) == (403, 3)


@pytest.mark.rule("cc.users.create.r7")
@pytest.mark.parametrize("password", ["tiny1", "1234567890123", "grace@example.org"])
def test_a_password_that_can_be_guessed_makes_no_user(password: str, admin: Asker) -> None:
    before = stored()

    answer = admin.post("/users", {**NEW, "password": password})

    assert refusal(answer) == (400, 2)
    assert password not in answer.json()["statusMessage"]
    assert stored() == before


# --- Changing -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.update.r1", "cc.users.put.r1", "cc.users.put.r3", "cc.users.update.r6")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_only_the_members_of_the_body_are_changed(
    method: str, house: Organization, admin: Asker
) -> None:
    user = make_agent(house, first_name="Grace", last_name="Hopper", employee_id="H-7")

    answer = admin.send(
        method,
        f"/users/{user.pk}",
        json={"firstName": "Anna", "doNotDisturb": "On", "skills": [], "devices": []},
    )

    assert answer.json() == {"statusCode": 0}
    user.refresh_from_db()
    assert (user.first_name, user.last_name, user.employee_id) == ("Anna", "Hopper", "H-7")
    assert (user.roles, user.do_not_disturb) == (["ROLE_AGENT"], False)
    assert user.check_password(PASSWORD)


@pytest.mark.rule("cc.users.update.r2", "cc.users.put.r2")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_roles_replace_the_whole_set(method: str, house: Organization, admin: Asker) -> None:
    user = make_agent(house, [Role.AGENT, Role.ADMIN, Role.CLIENT_SERVICE])

    admin.send(method, f"/users/{user.pk}", json={"roles": ["ROLE_SUPERVISOR"]})

    user.refresh_from_db()
    # What desks do not know they do not take away.
    assert user.roles == ["ROLE_SUPERVISOR", "ROLE_CLIENT_SERVICE"]


@pytest.mark.rule("cc.users.update.r3")
def test_a_user_name_stays(house: Organization, admin: Asker) -> None:
    user = make_agent(house, username="grace@example.org")
    before = stored()

    same = admin.put(f"/users/{user.pk}", {"userName": "Grace@example.org"})
    other = admin.put(f"/users/{user.pk}", {"userName": "anna@example.org", "firstName": "A"})

    assert same.json() == {"statusCode": 0}
    assert refusal(other) == (400, 2)
    user.refresh_from_db()
    assert (user.username, user.first_name) == ("grace@example.org", "")
    assert stored().keys() == before.keys()


@pytest.mark.rule("cc.users.update.r4")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_without_being_an_administrator_one_changes_ones_own_names_only(
    role: Role, house: Organization, boss: User
) -> None:
    user = make_agent(house, [role])
    asker = Asker(user)

    own = asker.put(f"/users/{user.pk}", {"firstName": "Anna", "lastName": "Berg"})
    before = stored()
    refused = [
        asker.put(f"/users/{boss.pk}", {"firstName": "Anna"}),
        asker.put(f"/users/{house.pk}", {"firstName": "Anna"}),
        asker.put(f"/users/{user.pk}", {"roles": ["ROLE_ADMIN"]}),
        asker.put(f"/users/{user.pk}", {"password": GOOD}),
        asker.put(f"/users/{user.pk}", {"employeeId": "1"}),
        asker.post(f"/users/{user.pk}", {"changePasswordOnFirstLogin": False}),
    ]

    assert own.json() == {"statusCode": 0}
    assert {refusal(answer) for answer in refused} == {(403, 5)}
    assert stored() == before


@pytest.mark.rule("cc.users.update.r5")
@pytest.mark.parametrize("name", ["Ready", "Update", "changepassword"])
def test_a_body_with_an_operation_is_never_a_change(name: str, boss: User, admin: Asker) -> None:
    before = stored()

    answer = admin.post(f"/users/{boss.pk}", {"operationName": name, "firstName": "Anna"})

    assert refusal(answer) == (400, 2)
    assert stored() == before


@pytest.mark.rule("cc.users.update.r5")
def test_an_agent_too_is_told_that_there_is_no_such_operation(house: Organization) -> None:
    user = make_agent(house)

    assert refusal(Asker(user).post(f"/users/{user.pk}", {"operationName": "Ready"})) == (400, 2)


def test_null_leaves_a_member_as_it_is_and_an_empty_text_takes_it_away(
    house: Organization, admin: Asker
) -> None:
    user = make_agent(house, first_name="Grace", last_name="Hopper")

    admin.put(f"/users/{user.pk}", {"firstName": None, "lastName": "", "roles": None})

    user.refresh_from_db()
    assert (user.first_name, user.last_name, user.roles) == ("Grace", "", ["ROLE_AGENT"])


def test_a_password_that_an_administrator_gives_takes_effect_at_once(
    house: Organization, admin: Asker
) -> None:
    user = make_agent(house)
    asker = Asker(user)
    asker.get("/me")

    admin.put(f"/users/{user.pk}", {"password": GOOD})

    assert refusal(asker.get("/me")) == (401, 5)
    asker.authorization = ""
    assert refusal(asker.get("/me")) == (401, 5)
    assert Asker(authorization=basic(user.username, GOOD)).get("/me").status_code == 200


def test_a_weak_password_changes_nothing(house: Organization, admin: Asker) -> None:
    user = make_agent(house)
    before = stored()

    assert refusal(admin.put(f"/users/{user.pk}", {"password": "x", "firstName": "A"})) == (400, 2)
    assert stored() == before


def test_what_was_changed_is_on_record_without_names(house: Organization, admin: Asker) -> None:
    user = make_agent(house)

    admin.put(f"/users/{user.pk}", {"roles": ["ROLE_ADMIN"], "firstName": "Anna"})

    event = OutboxEvent.objects.get()
    assert (event.type, event.origin) == ("user.changed", "contact-center")
    assert event.after == {"roles": ["ROLE_ADMIN"], "mustChangePassword": False}


# --- Deleting -----------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.delete.r1")
def test_a_deleted_user_is_gone(house: Organization, admin: Asker) -> None:
    user = make_agent(house, username="grace@example.org")

    answer = admin.delete(f"/users/{user.pk}")

    assert answer.json() == {"statusCode": 0}
    assert refusal(admin.get(f"/users/{user.pk}")) == (404, 6)
    assert refusal(admin.delete(f"/users/{user.pk}")) == (404, 6)
    assert str(user.pk) not in admin.get("/users").content.decode()
    assert str(user.pk) not in admin.get("/contacts").content.decode()


@pytest.mark.rule("cc.users.delete.r2")
def test_an_agent_deletes_nobody_but_itself(house: Organization, boss: User) -> None:
    user = make_agent(house)
    asker = Asker(user)
    asker.get("/me")
    before = stored()

    assert refusal(asker.delete(f"/users/{boss.pk}")) == (403, 5)
    assert stored() == before
    assert asker.delete(f"/users/{user.pk}").json() == {"statusCode": 0}


@pytest.mark.rule("cc.users.delete.r3")
def test_what_a_deleted_user_had_is_nobodys(house: Organization, admin: Asker) -> None:
    user = make_agent(house)
    device = make_active_device(user)
    make_queue(user)
    make_login(user)
    DeskSession.objects.create(organization=house, user=user)
    ExternalIdentity.objects.create(organization=house, user=user, issuer="i", subject="s")

    admin.delete(f"/users/{user.pk}")

    device.refresh_from_db()
    assert (device.user_id, device.is_active) == (None, False)
    for model in (DeskSession, QueueMember, AgentLogin, ExternalIdentity):
        assert not model._default_manager.exists()


@pytest.mark.rule("cc.users.delete.r4")
def test_every_login_of_a_deleted_user_ends(house: Organization, admin: Asker) -> None:
    user = make_agent(house)
    with_password, with_cookie = Asker(user), Asker(user)
    with_password.get("/me")
    with_cookie.get("/me")
    with_cookie.authorization = ""

    admin.delete(f"/users/{user.pk}")

    assert refusal(with_password.get("/me")) == (401, 5)
    assert refusal(with_cookie.get("/me")) == (401, 5)


def test_the_name_of_a_deleted_user_can_be_given_anew(house: Organization, admin: Asker) -> None:
    user = make_agent(house, username="grace@example.org", first_name="Grace")

    admin.delete(f"/users/{user.pk}")

    assert admin.post("/users", NEW).status_code == 200
    user.refresh_from_db()
    # What it has done stays under its name.
    assert (user.first_name, user.is_active) == ("Grace", False)


def test_an_operator_is_none_of_the_users(house: Organization, boss: User, now: datetime) -> None:
    operator = make_user(house, [Role.ADMIN], is_superuser=True)

    assert operator not in accounts.users_of(actor_for(boss))
    assert refusal(Asker(boss).put(f"/users/{operator.pk}", {"password": GOOD})) == (404, 6)
