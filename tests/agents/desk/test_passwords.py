"""Changing passwords from the desk: the reply says that it was taken, an event how it went."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError

from agents.models import Organization, User
from agents.services import passwords
from config.kernel.actors import Role
from notifications.models import OutboxEvent
from tests.agents.desk.asking import COOKIE, Asker, basic, refusal, stored
from tests.agents.desk.desk import make_agent, make_house, told
from tests.make import PASSWORD, actor_for, make_user

pytestmark = pytest.mark.django_db

GOOD = "a-long-enough-passwörd"
MINE, OTHERS = "/v2/me", "/v2/users"
CHANGED = {
    "messageType": "UserNotificationMessage",
    "notificationType": "PasswordChangeSuccessful",
}


@pytest.fixture
def house() -> Organization:
    return make_house()


@pytest.fixture
def agent(house: Organization) -> User:
    return make_agent(house)


@pytest.fixture
def boss(house: Organization) -> User:
    return make_user(house, [Role.ADMIN])


def coded(password: str) -> str:
    return base64.b64encode(password.encode()).decode()


def change(old: str = PASSWORD, new: str = GOOD) -> dict[str, str]:
    return {
        "operationName": "ChangePassword",
        "oldPassword": coded(old),
        "newPassword": coded(new),
    }


def reset(new: str = GOOD) -> dict[str, str]:
    return {"operationName": "ResetPassword", "newPassword": coded(new)}


def has(user: User, password: str) -> bool:
    user.refresh_from_db()
    return user.check_password(password)


def failed(user: User, topic: str) -> dict[str, Any]:
    """Give the one thing that somebody was told, whose words are for people."""
    [message] = told(user, topic)
    assert message.pop("errorMessage")
    return message


# --- One's own ----------------------------------------------------------------------------------


@pytest.mark.rule("cc.me.ChangePassword.r2", "cc.me.ChangePassword.r3")
def test_a_right_password_is_changed_and_its_owner_alone_is_told(agent: User, boss: User) -> None:
    answer = Asker(agent).post("/me", change())

    assert answer.json() == {"statusCode": 0}
    assert has(agent, GOOD)
    assert told(agent) == [CHANGED]
    assert told(boss) == []
    assert OutboxEvent.objects.get().type == "user.password_changed"
    assert Asker(authorization=basic(agent.username, GOOD)).get("/me").status_code == 200


@pytest.mark.rule("cc.me.ChangePassword.r1")
@pytest.mark.parametrize("name", ["oldPassword", "newPassword"])
@pytest.mark.parametrize(
    ("value", "code"), [(None, 1), ("", 1), ("not base64", 2), ("/w==", 2), ("AA==", 2), (5, 2)]
)
def test_a_request_that_is_not_well_formed_tells_nobody(
    name: str, value: object, code: int, agent: User
) -> None:
    asker = Asker(agent)
    asker.get("/me")
    before = stored()

    assert refusal(asker.post("/me", {**change(), name: value})) == (400, code)
    assert stored() == before


@pytest.mark.rule("cc.me.ChangePassword.r4")
def test_a_wrong_old_password_is_told_and_changes_nothing(agent: User) -> None:
    answer = Asker(agent).post("/me", change(old="not-the-old-one"))

    assert answer.json() == {"statusCode": 0}
    assert has(agent, PASSWORD)
    assert failed(agent, MINE) == {
        "messageType": "UserNotificationMessage",
        "notificationType": "PasswordChangeError",
        "errorCode": 2,
    }
    assert not OutboxEvent.objects.exists()


@pytest.mark.rule("cc.me.ChangePassword.r5")
@pytest.mark.parametrize("new", ["short", "123456789012"])
def test_a_weak_new_password_is_told_and_changes_nothing(new: str, agent: User) -> None:
    answer = Asker(agent).post("/me", change(new=new))

    assert answer.json() == {"statusCode": 0}
    assert has(agent, PASSWORD)
    assert failed(agent, MINE)["errorCode"] == 1


@pytest.mark.rule("cc.me.ChangePassword.r6")
def test_a_failure_inside_is_told_as_well(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(User, "set_password", busy)

    answer = Asker(agent).post("/me", change())

    assert answer.json() == {"statusCode": 0}
    assert has(agent, PASSWORD)
    assert failed(agent, MINE)["errorCode"] == 3


@pytest.mark.rule("cc.me.ChangePassword.r7")
@pytest.mark.parametrize(
    ("value", "code"), [("true", 0), ("false", 0), ("", 0), ("1", 2), ("x", 2)]
)
def test_first_login_is_true_or_false(value: str, code: int, agent: User) -> None:
    answer = Asker(agent).post("/me", change(), firstLogin=value)

    assert answer.json()["statusCode"] == code


@pytest.mark.rule("cc.me.ChangePassword.r8", "cc.me.ChangePassword.r9", "cc.users.create.r5")
def test_whoever_has_to_change_its_password_says_that_it_is_the_first_login(
    house: Organization,
) -> None:
    user = make_agent(house, change_password_on_first_login=True)
    asker = Asker(user)

    unsaid = asker.post("/me", change())
    said = asker.post("/me", change(), firstLogin="true")

    assert refusal(unsaid) == (403, 3)
    assert said.json() == {"statusCode": 0}
    assert has(user, GOOD)
    assert not user.change_password_on_first_login
    assert Asker(authorization=basic(user.username, GOOD)).get("/me").status_code == 200


@pytest.mark.rule("cc.me.ChangePassword.r8")
def test_a_change_that_fails_still_has_to_be_made(house: Organization) -> None:
    user = make_agent(house, change_password_on_first_login=True)
    asker = Asker(user)

    asker.post("/me", change(new="short"), firstLogin="true")

    assert refusal(asker.get("/me")) == (403, 3)


@pytest.mark.rule("cc.me.ChangePassword.r10")
def test_no_password_is_told_or_logged(agent: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    asker = Asker(agent)

    answers = [asker.post("/me", change(old="an-old-secret")), asker.post("/me", change())]

    secrets = ("an-old-secret", GOOD, coded("an-old-secret"), coded(GOOD), PASSWORD)
    seen = caplog.text + str(told(agent)) + "".join(one.content.decode() for one in answers)
    assert not [one for one in secrets if one in seen]


def test_whoever_changes_its_password_goes_on_with_a_new_cookie_and_others_do_not(
    agent: User,
) -> None:
    here, there = Asker(agent), Asker(agent)
    for asker in (here, there):
        asker.get("/me")
        asker.authorization = ""

    assert COOKIE in here.post("/me", change()).cookies

    assert here.get("/me").status_code == 200
    assert refusal(there.get("/me")) == (401, 5)


def test_a_change_that_fails_gives_no_new_cookie(agent: User) -> None:
    asker = Asker(agent)
    asker.get("/me")

    assert COOKIE not in asker.post("/me", change(old="not-the-old-one")).cookies


def test_old_passwords_cannot_be_guessed_without_end(agent: User) -> None:
    asker = Asker(agent)
    for _ in range(10):
        asker.post("/me", change(old="not-the-old-one"))

    assert refusal(asker.post("/me", change())) == (429, 3)
    assert has(agent, PASSWORD)


# --- Somebody else's ----------------------------------------------------------------------------


@pytest.mark.rule("cc.users.ChangePassword.r1", "cc.users.ChangePassword.r2")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERVISOR])
def test_the_old_password_is_that_of_the_user_in_the_path(
    role: Role, house: Organization, agent: User
) -> None:
    leader = make_user(house, [role], password="the-password-of-the-caller")
    elsewhere = make_user(make_house(), [role])
    asker = Asker(authorization=basic(leader.username, "the-password-of-the-caller"))

    answer = asker.post(f"/users/{agent.pk}", change())

    assert answer.json() == {"statusCode": 0}
    assert has(agent, GOOD)
    assert told(leader, OTHERS) == [
        {**CHANGED, "userUri": f"/api/v2/users/{agent.pk}", "userId": str(agent.pk)}
    ]
    assert told(agent) == told(elsewhere) == []


@pytest.mark.rule("cc.users.ChangePassword.r3")
@pytest.mark.parametrize(
    ("body", "code"), [(change(old="not-the-old-one"), 2), (change(new="short"), 1)]
)
def test_how_it_failed_is_told_to_every_leader(
    body: dict[str, str], code: int, house: Organization, agent: User, boss: User
) -> None:
    supervisor = make_user(house, [Role.SUPERVISOR])

    answer = Asker(boss).post(f"/users/{agent.pk}", body)

    assert answer.json() == {"statusCode": 0}
    assert has(agent, PASSWORD)
    message = failed(boss, OTHERS)
    assert (message["errorCode"], message["userId"]) == (code, str(agent.pk))
    assert failed(supervisor, OTHERS) == message


@pytest.mark.rule("cc.users.ChangePassword.r4")
def test_an_agent_changes_no_password_there(agent: User) -> None:
    assert refusal(Asker(agent).post(f"/users/{agent.pk}", change())) == (403, 5)


@pytest.mark.rule("cc.users.ChangePassword.r5")
@pytest.mark.parametrize("body", [change(), reset()])
def test_the_password_of_a_user_who_is_not_there_gives_6(body: dict[str, str], boss: User) -> None:
    elsewhere = make_agent()
    asker = Asker(boss)

    assert refusal(asker.post(f"/users/{elsewhere.pk}", body)) == (404, 6)
    assert refusal(asker.post("/users/nothing", body)) == (404, 6)
    assert has(elsewhere, PASSWORD)


# --- Resetting ----------------------------------------------------------------------------------


@pytest.mark.rule("cc.users.ResetPassword.r2")
def test_an_administrator_resets_a_password_without_knowing_it(agent: User, boss: User) -> None:
    answer = Asker(boss).post(f"/users/{agent.pk}", reset())

    assert answer.json() == {"statusCode": 0}
    assert has(agent, GOOD)
    assert told(boss, OTHERS) == [
        {**CHANGED, "userUri": f"/api/v2/users/{agent.pk}", "userId": str(agent.pk)}
    ]


@pytest.mark.rule("cc.users.ResetPassword.r1")
@pytest.mark.parametrize(("value", "code"), [(None, 1), ("", 1), ("not base64", 2), (True, 2)])
def test_a_new_password_is_base64(value: object, code: int, agent: User, boss: User) -> None:
    answer = Asker(boss).post(f"/users/{agent.pk}", {**reset(), "newPassword": value})

    assert refusal(answer) == (400, code)
    assert told(boss) == []


@pytest.mark.rule("cc.users.ResetPassword.r3")
def test_a_weak_password_leaves_the_old_one_in_force(agent: User, boss: User) -> None:
    answer = Asker(boss).post(f"/users/{agent.pk}", reset("short"))

    assert answer.json() == {"statusCode": 0}
    assert has(agent, PASSWORD)
    assert failed(boss, OTHERS)["errorCode"] == 1


@pytest.mark.rule("cc.users.ResetPassword.r4")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_only_an_administrator_resets(role: Role, house: Organization, agent: User) -> None:
    caller = make_user(house, [role])

    assert refusal(Asker(caller).post(f"/users/{agent.pk}", reset())) == (403, 5)
    assert has(agent, PASSWORD)


@pytest.mark.rule("cc.users.ResetPassword.r5")
def test_a_password_that_was_reset_has_to_be_changed_where_that_is_asked_for(
    house: Organization, boss: User
) -> None:
    user = make_agent(house, change_password_on_first_login=True)

    Asker(boss).post(f"/users/{user.pk}", reset())

    asker = Asker(authorization=basic(user.username, GOOD))
    assert refusal(asker.get("/me")) == (403, 3)
    changed = asker.post("/me", change(old=GOOD, new="yet-another-password"), firstLogin="true")
    assert changed.json() == {"statusCode": 0}
    assert has(user, "yet-another-password")


@pytest.mark.rule("cc.users.ResetPassword.r6")
def test_nobody_resets_its_own(boss: User) -> None:
    assert refusal(Asker(boss).post("/me", reset())) == (400, 2)


def test_the_password_of_an_operator_is_nobodys_to_change(
    house: Organization, boss: User, now: datetime
) -> None:
    operator = make_user(house, [Role.ADMIN], is_superuser=True)

    answer = Asker(boss).post(f"/users/{operator.pk}", reset())

    assert refusal(answer) == (404, 6)
    assert has(operator, PASSWORD)


def test_an_operator_changes_its_own_and_has_no_desktop_to_be_told(now: datetime) -> None:
    operator = User.objects.create_superuser("root@example.org", PASSWORD)

    stored_hash = passwords.change_own_password(
        operator.pk, old=PASSWORD, new=GOOD, actor=actor_for(operator), now=now
    )

    assert has(operator, GOOD)
    assert operator.password == stored_hash
    assert told(operator) == []


@pytest.mark.usefixtures("slow_passwords")
def test_new_passwords_are_kept_as_argon2(agent: User) -> None:
    Asker(agent).post("/me", change())

    agent.refresh_from_db()
    assert agent.password.startswith("argon2$argon2id$")
