"""What every operation has: the order of its checks, who may call it, how it is read."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from agents.models import Team
from agents.services import tokens
from config.kernel.actors import Role
from tests import make
from tests.agents.conftest import Tickets

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.agents.surface")]

UNAUTHENTICATED = {
    "code": "UNAUTHENTICATED",
    "message": "The credentials are missing or not valid.",
    "errors": {},
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def admin() -> dict[str, str]:
    return bearer(make.token_for(make.make_user(roles=[Role.ADMIN])))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
def test_the_token_is_taken_with_the_word_bearer_and_without(client: Client, scheme: str) -> None:
    user = make.make_user()

    answer = client.get("/api/who", headers={"Authorization": scheme + make.token_for(user)})

    assert answer.json() == {"id": str(user.pk), "origin": "test"}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x y", "Basic YTpi", "Token x", "Bearer x", "x,y", "\x80"]
)
def test_whatever_is_no_token_is_answered_alike(client: Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = client.get("/api/who/", headers=headers)

    assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_customers_token_is_taken(client: Client, tickets: Tickets) -> None:
    customer = tickets.give("ticket-one", make.make_organization().pk)

    answer = client.get("/api/who/", headers=bearer(tokens.access_for_customer(customer)))

    assert answer.json()["id"] == str(customer.participant_id)


def test_without_a_matching_role_the_answer_is_403_and_nothing_happens(client: Client) -> None:
    agent = make.make_user(roles=[Role.AGENT])

    answer = client.post(
        "/api/teams/",
        {"name": "Blue"},
        content_type="application/json",
        headers=bearer(make.token_for(agent)),
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_MISSING")
    assert not Team.objects.exists()


def test_one_matching_role_is_enough(client: Client) -> None:
    both = make.make_user(roles=[Role.AGENT, Role.SUPERVISOR])

    answer = client.post(
        "/api/teams",
        {"name": "Blue"},
        content_type="application/json",
        headers=bearer(make.token_for(both)),
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic YTpi"])
def test_an_open_operation_does_not_look_at_the_header(client: Client, header: str) -> None:
    answer = client.get("/api/look/", headers={"Authorization": header})

    assert (answer.status_code, answer.json()) == (200, {"who": None})


def test_a_missing_method_comes_before_a_missing_token(client: Client) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"):
        answer = client.generic(method, "/api/teams/")

        assert answer.status_code == 405, method
        assert answer["Allow"] == "POST"


def test_who_comes_before_what(client: Client, admin: dict[str, str]) -> None:
    agent = bearer(make.token_for(make.make_user(roles=[Role.AGENT])))

    statuses = [
        client.post(
            "/api/teams/", "{nonsense", content_type="application/json", headers=headers
        ).status_code
        for headers in ({}, agent, admin)
    ]

    assert statuses == [401, 403, 400]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["This field is required."]}),
        ([], {"request": ["Invalid data. Expected a dictionary, but got list."]}),
        (
            {"name": "Blue", "parts": [{"size": 1}, {"size": 0}]},
            {"parts.1.size": ["Ensure this value is greater than or equal to 1."]},
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    client: Client, admin: dict[str, str], body: object, errors: dict[str, list[str]]
) -> None:
    answer = client.post(
        "/api/teams/", json.dumps(body), content_type="application/json", headers=admin
    )

    assert answer.status_code == 400
    assert answer.json() == {
        "code": "INVALID_REQUEST",
        "message": "The request is not valid.",
        "errors": errors,
    }


def test_a_missing_body_is_said_to_be_missing(client: Client, admin: dict[str, str]) -> None:
    for body in ("", "  "):
        answer = client.post("/api/teams/", body, content_type="application/json", headers=admin)

        assert (answer.status_code, answer.json()["code"]) == (400, "MISSING_BODY")
