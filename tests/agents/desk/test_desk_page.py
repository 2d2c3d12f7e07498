"""The softphone's own addresses: who may open the page, and what it is given to ask with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from agents.models import User
from config.kernel.actors import Role
from tests.agents.desk.desk import make_active_device, make_agent, make_device, make_house
from tests.make import PASSWORD

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("role", "status"), [(Role.AGENT, 200), (Role.SUPERVISOR, 200), (Role.ADMIN, 403)]
)
def test_whoever_gets_calls_has_a_desk(role: Role, status: int) -> None:
    assert signed_in(make_agent(roles=[role])).get("/desk/").status_code == status


def test_nobody_has_a_desk_without_signing_in() -> None:
    answer = Client().get("/desk/")

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/desk/")


def test_an_operator_has_none() -> None:
    operator = User.objects.create_superuser("operator@example.org", password=PASSWORD)

    assert signed_in(operator).get("/desk/")["Location"] == "/admin/"


@pytest.mark.parametrize("path", ["/", "/desk/"])
def test_the_navigation_leads_to_the_desk(path: str) -> None:
    agent, admin = make_agent(), make_agent(roles=[Role.ADMIN])

    assert 'href="/desk/"' in signed_in(agent).get(path).text
    assert 'href="/desk/"' not in signed_in(admin).get("/").text


def test_the_page_is_given_a_token_that_the_api_takes() -> None:
    agent = make_agent()

    answer = signed_in(agent).post("/desk/token/")

    given = answer.json()
    assert set(given) == {"access", "expiresIn"}
    assert given["expiresIn"] == 15 * 60
    assert "no-store" in answer["Cache-Control"]
    me = Client().get("/api/v2/me", headers={"Authorization": f"Bearer {given['access']}"})
    assert me.json()["user"]["id"] == str(agent.pk)
    assert "JSESSIONID" not in me.cookies


def test_a_token_is_given_to_forms_of_ours_alone() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_agent())

    assert client.post("/desk/token/").status_code == 403
    assert client.get("/desk/token/").status_code == 405


def test_a_token_is_given_to_nobody_without_a_session() -> None:
    assert Client().post("/desk/token/").status_code == 302


def test_a_supervisor_is_shown_whom_it_can_listen_in_on() -> None:
    house = make_house()
    supervisor = make_agent(house, [Role.SUPERVISOR])
    ben = make_agent(house, first_name="Ben", last_name="Larsen")
    device = make_active_device(ben, phone_number="5001")
    make_active_device(supervisor)
    make_device(make_agent(house))
    make_device(house=house)
    make_active_device(make_agent())

    answer = signed_in(supervisor).get("/desk/telephones/")

    assert answer.json() == {
        "telephones": [{"id": str(device.pk), "name": "Ben Larsen", "phoneNumber": "5001"}]
    }


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_is_one_question_however_long(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    house = make_house()
    client = signed_in(make_agent(house, [Role.SUPERVISOR]))
    for _ in range(count):
        make_active_device(make_agent(house))

    # The session, its user with the organisation, and the telephones.
    with django_assert_num_queries(4):
        assert len(client.get("/desk/telephones/").json()["telephones"]) == count


def test_agents_are_shown_nobody() -> None:
    assert signed_in(make_agent()).get("/desk/telephones/").status_code == 403
