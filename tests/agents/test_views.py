"""The door of the back office: who gets in, how often one may be wrong, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.kernel import limits
from config.kernel.actors import Role
from tests.make import PASSWORD, make_organization, make_user

if TYPE_CHECKING:
    from django.test import Client

    from agents.models import User

pytestmark = pytest.mark.django_db

WRONG = "The user name and the password do not fit together."


@pytest.fixture
def supervisor() -> User:
    """Give somebody who may open the back office."""
    return make_user(make_organization(), [Role.SUPERVISOR], username="amara@example.org")


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login/", {"username": username, "password": password, **more})


def test_signing_in_leads_to_the_day(client: Client, supervisor: User) -> None:
    response = sign_in(client, "Amara@Example.org")

    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.session["_auth_user_id"] == str(supervisor.pk)


def test_signing_in_leads_on_to_where_one_wanted_to_go(client: Client, supervisor: User) -> None:
    response = sign_in(client, supervisor.username, next="/admin/")

    assert response["Location"] == "/admin/"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_signing_in_leads_nowhere_else(client: Client, supervisor: User, elsewhere: str) -> None:
    response = sign_in(client, supervisor.username, next=elsewhere)

    assert response["Location"] == "/"


@pytest.mark.parametrize("username", ["amara@example.org", "nobody@example.org", "x\x00y"])
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    client: Client, supervisor: User, username: str
) -> None:
    response = sign_in(client, username, "wrong")

    assert response.status_code == 200
    page = response.content.decode()
    assert WRONG in page or "Null characters are not allowed." in page
    assert "_auth_user_id" not in client.session


def test_a_deactivated_user_is_answered_as_an_unknown_one(client: Client, supervisor: User) -> None:
    type(supervisor).objects.update(is_active=False)

    response = sign_in(client, supervisor.username)

    assert WRONG in response.content.decode()


def test_a_name_cannot_be_guessed_at_for_long(client: Client, supervisor: User) -> None:
    for _ in range(limits.LOGIN_FAILURES):
        sign_in(client, supervisor.username, "wrong")

    response = sign_in(client, supervisor.username)

    assert "Too many attempts." in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_signing_in_asks_for_a_new_password_where_that_is_wanted(
    client: Client, supervisor: User
) -> None:
    type(supervisor).objects.update(change_password_on_first_login=True)

    first = sign_in(client, supervisor.username)
    day = client.get("/")
    administration = client.get("/admin/", follow=True)
    client.post(
        "/password/",
        {
            "old_password": PASSWORD,
            "new_password1": "another-horse-battery",
            "new_password2": "another-horse-battery",
        },
    )

    assert first["Location"] == "/password/"
    assert day["Location"] == "/password/"
    assert administration.redirect_chain[-1] == ("/password/", 302)
    supervisor.refresh_from_db()
    assert supervisor.check_password("another-horse-battery")
    assert not supervisor.change_password_on_first_login
    assert client.get("/").status_code == 200


def test_signing_out_needs_a_post_and_ends_the_session(client: Client, supervisor: User) -> None:
    client.force_login(supervisor)

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


def test_the_administration_is_entered_by_the_same_door(client: Client, supervisor: User) -> None:
    response = client.get("/admin/", follow=True)

    assert response.redirect_chain[-1] == ("/login/?next=/admin/", 302)
    client.force_login(supervisor)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/password_change/")["Location"] == "/password/"


def test_the_administration_is_closed_to_agents(client: Client) -> None:
    client.force_login(make_user())

    response = client.get("/admin/", follow=True)

    assert response.redirect_chain[-1][0] == "/login/?next=/admin/"
    assert "which may not open that page" in response.content.decode()
