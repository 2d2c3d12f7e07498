"""The operations under /api/token/, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from agents.models import IdempotentRequest, SecurityCounter, User
from config.kernel.actors import Role
from tests import make
from tests.contract.client import ApiClient
from tests.contract.tokens import BAD, claims_of, signed

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
    from pytest_django import DjangoAssertNumQueries

    from tests.agents.conftest import Tickets

pytestmark = pytest.mark.django_db

Api = Callable[..., ApiClient]

REFUSED = {
    "code": "UNAUTHENTICATED",
    "message": "The credentials are missing or not valid.",
    "errors": {},
}


def log_in(api: Api, username: str, password: str = make.PASSWORD) -> Answer:
    return api().post("/api/token/", {"username": username, "password": password})


def whole(claims: dict[str, object]) -> dict[str, object]:
    """Leave out what is different each time."""
    return {name: claims[name] for name in claims if name not in {"exp", "iat", "jti", "ver"}}


# --- Users ----------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.token.obtain.r1", "frontdesk.token.obtain.r2")
def test_the_right_password_is_answered_with_two_tokens(api: Api) -> None:
    user = make.make_user(roles=[Role.AGENT, Role.SUPERVISOR])

    answer = log_in(api, user.username)

    assert answer.status_code == 200
    assert sorted(answer.json()) == ["access", "refresh"]
    assert answer["Cache-Control"] == "no-store"
    claims = claims_of(answer.json()["access"])
    assert whole(claims) == {
        "iss": "frontdesk",
        "aud": "frontdesk",
        "sub": str(user.pk),
        "kind": "USER",
        "organization_id": str(user.organization_id),
        "roles": ["ROLE_AGENT", "ROLE_SUPERVISOR"],
        "token_type": "access",
    }
    assert {"exp", "iat", "jti"} < set(claims)


@pytest.mark.rule("frontdesk.token.obtain.r7")
def test_tokens_last_a_quarter_of_an_hour_and_a_day(api: Api) -> None:
    tokens = log_in(api, make.make_user().username).json()

    access, refresh = claims_of(tokens["access"]), claims_of(tokens["refresh"])

    assert access["exp"] - access["iat"] == 15 * 60
    assert refresh["exp"] - refresh["iat"] == 24 * 60 * 60
    assert abs(access["iat"] - time.time()) < 60


@pytest.mark.rule("frontdesk.token.obtain.r3")
def test_the_user_name_is_known_in_any_case(api: Api) -> None:
    user = make.make_user(username="Ada.Lovelace@Example.org")

    assert log_in(api, "ADA.lovelace@example.ORG").status_code == 200
    assert user.username == "ada.lovelace@example.org"


@pytest.mark.rule("frontdesk.token.obtain.r4")
def test_nobody_is_told_which_half_was_wrong(api: Api) -> None:
    user = make.make_user()
    gone = make.make_user(is_active=False)
    shut = make.make_user(make.make_organization(is_active=False))
    operator = User.objects.create_superuser("operator@example.org", make.PASSWORD)

    answers = [
        log_in(api, user.username, "wrong"),
        log_in(api, "nobody@example.org"),
        log_in(api, "no address"),
        log_in(api, gone.username),
        log_in(api, shut.username),
        log_in(api, operator.username),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert [answer.json() for answer in answers] == [REFUSED] * len(answers)


@pytest.mark.rule("frontdesk.token.obtain.r5")
@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["password", "username"]),
        ({"username": "a@example.org"}, ["password"]),
        ({"username": "", "password": "x"}, ["username"]),
        ({"username": "a@example.org", "password": ""}, ["password"]),
        ({"username": None, "password": {}}, ["password", "username"]),
        ({"username": "a" * 255, "password": "x" * 1001}, ["password", "username"]),
    ],
)
def test_what_is_missing_is_named(api: Api, body: dict[str, object], names: list[str]) -> None:
    answer = api().post("/api/token/", body)

    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, names)


@pytest.mark.rule("frontdesk.token.obtain.r6")
@pytest.mark.parametrize("exists", [True, False])
def test_after_ten_failures_not_even_the_right_password_is_looked_at(
    api: Api, exists: bool
) -> None:
    username = make.make_user().username if exists else "nobody@example.org"
    for _ in range(10):
        assert log_in(api, username.upper(), "wrong").status_code == 401

    answer = log_in(api, username)

    assert answer.status_code == 429
    assert answer.json()["code"] == "TOO_MANY_ATTEMPTS"
    assert 0 < int(answer["Retry-After"]) <= 300
    assert log_in(api, make.make_user().username).status_code == 200


def test_success_is_no_failure(api: Api) -> None:
    user = make.make_user()

    for _ in range(12):
        assert log_in(api, user.username).status_code == 200


def test_success_does_not_make_failures_forgotten(api: Api) -> None:
    user = make.make_user()
    for _ in range(9):
        log_in(api, user.username, "wrong")
    log_in(api, user.username)
    log_in(api, user.username, "wrong")

    assert log_in(api, user.username).status_code == 429


def test_counters_hold_no_user_name_and_no_address(api: Api) -> None:
    user = make.make_user()
    log_in(api, user.username, "wrong")

    keys = [bytes(counter.key) for counter in SecurityCounter.objects.all()]

    assert len(keys) == 2
    assert all(len(key) == 32 and b"127.0.0.1" not in key for key in keys)


@pytest.mark.rule("frontdesk.token.obtain.r8")
def test_a_password_that_must_be_changed_lets_nobody_in(api: Api) -> None:
    user = make.make_user(change_password_on_first_login=True)

    answer = log_in(api, user.username, make.PASSWORD)

    assert answer.status_code == 403
    assert answer.json() == {
        "code": "PASSWORD_CHANGE_NEEDED",
        "message": "The password has to be changed before the first login.",
        "errors": {},
    }


def test_the_key_of_idempotency_keeps_no_tokens(api: Api) -> None:
    user = make.make_user()
    client = api()

    answers = [
        client.post(
            "/api/token",
            {"username": user.username, "password": make.PASSWORD},
            headers={"Idempotency-Key": "one"},
        ).json()
        for _ in range(2)
    ]

    assert answers[0] != answers[1]
    assert not IdempotentRequest.objects.exists()


@pytest.mark.usefixtures("slow_passwords")
def test_a_user_who_does_not_exist_costs_as_much_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What counts is that a hash is made, which is nearly all of the time.
    from argon2 import low_level  # noqa: PLC0415  # what Django's hasher calls

    user = make.make_user()
    made: list[str] = []
    original, verify = low_level.hash_secret, low_level.verify_secret

    def counted(*args: object, **kwargs: object) -> bytes:
        made.append("hash")
        return original(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    def counted_verify(*args: object, **kwargs: object) -> bool:
        made.append("verify")
        return verify(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(low_level, "hash_secret", counted)
    monkeypatch.setattr("argon2._password_hasher.verify_secret", counted_verify)

    log_in(api, "nobody@example.org")
    assert made == ["hash"]
    log_in(api, user.username, "wrong")
    assert made == ["hash", "verify"]


# --- Refresh --------------------------------------------------------------------------------


def refresh(api: Api, token: str) -> Answer:
    return api().post("/api/token/refresh/", {"refresh": token})


@pytest.mark.rule("frontdesk.token.refresh.r1")
def test_a_new_access_token_has_the_roles_of_now(api: Api) -> None:
    user = make.make_user(roles=[Role.AGENT])
    held = log_in(api, user.username).json()["refresh"]
    user.roles = [Role.SUPERVISOR]
    user.save()

    answer = refresh(api, held)

    assert (answer.status_code, list(answer.json())) == (200, ["access"])
    assert claims_of(answer.json()["access"])["roles"] == ["ROLE_SUPERVISOR"]


@pytest.mark.rule("frontdesk.token.refresh.r2")
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_what_is_no_refresh_token_is_refused(api: Api) -> None:
    tokens = log_in(api, make.make_user().username).json()
    client, _ = make.make_api_client()
    bad = {
        name: make_bad(tokens["refresh"])
        for name, make_bad in BAD.items()
        if name not in {"empty", "refresh in place of access"}
    }
    bad["access"] = tokens["access"]
    bad["of a client"] = signed(claims_of(make.token_for(client)) | {"token_type": "refresh"})

    for name, token in bad.items():
        answer = refresh(api, token)
        assert (answer.status_code, answer.json()) == (401, REFUSED), name


@pytest.mark.rule("frontdesk.token.refresh.r3")
def test_a_deactivated_user_gets_no_new_token(api: Api) -> None:
    user = make.make_user()
    held = log_in(api, user.username).json()["refresh"]
    user.is_active = False
    user.save()

    assert refresh(api, held).status_code == 401


def test_a_new_password_ends_refresh_tokens(api: Api) -> None:
    user = make.make_user()
    held = log_in(api, user.username).json()["refresh"]
    user.set_password("another-horse-battery")
    user.save()

    assert refresh(api, held).status_code == 401


@pytest.mark.rule("frontdesk.token.refresh.r4")
@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": None}])
def test_a_missing_refresh_token_is_named(api: Api, body: dict[str, object]) -> None:
    answer = api().post("/api/token/refresh", body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["refresh"])


# --- Services -------------------------------------------------------------------------------


def log_in_client(api: Api, client_id: object, secret: str) -> Answer:
    return api().post("/api/token/client/", {"client_id": str(client_id), "client_secret": secret})


@pytest.mark.rule("frontdesk.token.client.r1", "frontdesk.token.client.r2")
def test_the_right_secret_is_answered_with_an_access_token(api: Api) -> None:
    client, secret = make.make_api_client()

    answer = log_in_client(api, client.pk, secret)

    assert (answer.status_code, list(answer.json())) == (200, ["access"])
    assert whole(claims_of(answer.json()["access"])) == {
        "iss": "frontdesk",
        "aud": "frontdesk",
        "sub": str(client.pk),
        "kind": "CLIENT",
        "organization_id": str(client.organization_id),
        "roles": ["ROLE_CLIENT_SERVICE"],
        "token_type": "access",
    }


@pytest.mark.rule("frontdesk.token.client.r3")
def test_no_service_is_told_which_half_was_wrong(api: Api) -> None:
    client, secret = make.make_api_client()
    other, other_secret = make.make_api_client()
    gone, gone_secret = make.make_api_client(is_active=False)
    shut, shut_secret = make.make_api_client(make.make_organization(is_active=False))

    answers = [
        log_in_client(api, client.pk, "wrong"),
        log_in_client(api, client.pk, other_secret),
        log_in_client(api, other.pk, secret),
        log_in_client(api, "not-a-uuid", secret),
        log_in_client(api, client.prefix, secret),
        log_in_client(api, gone.pk, gone_secret),
        log_in_client(api, shut.pk, shut_secret),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, REFUSED)] * 7


@pytest.mark.rule("frontdesk.token.client.r4")
@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, ["client_id", "client_secret"]),
        ({"client_id": "x", "client_secret": ""}, ["client_secret"]),
    ],
)
def test_what_a_service_left_out_is_named(
    api: Api, body: dict[str, object], names: list[str]
) -> None:
    answer = api().post("/api/token/client", body)

    assert (answer.status_code, sorted(answer.json()["errors"])) == (400, names)


@pytest.mark.rule("frontdesk.token.client.r5")
def test_after_ten_failures_not_even_the_right_secret_is_looked_at(api: Api) -> None:
    client, secret = make.make_api_client()
    for _ in range(10):
        log_in_client(api, client.pk, "wrong")

    assert log_in_client(api, client.pk, secret).status_code == 429


# --- Customers ------------------------------------------------------------------------------


def exchange(api: Api, ticket: str) -> Answer:
    return api().post("/api/token/customer/", {"ticket": ticket})


@pytest.mark.rule("frontdesk.token.customer.r1", "frontdesk.token.customer.r2")
def test_a_valid_ticket_is_answered_with_an_access_token(api: Api, tickets: Tickets) -> None:
    customer = tickets.give("ticket-one", make.make_organization().pk)

    answer = exchange(api, "ticket-one")

    assert (answer.status_code, list(answer.json())) == (200, ["access"])
    assert whole(claims_of(answer.json()["access"])) == {
        "iss": "frontdesk",
        "aud": "frontdesk",
        "sub": str(customer.participant_id),
        "kind": "CUSTOMER",
        "organization_id": str(customer.organization_id),
        "roles": ["ROLE_CUSTOMER"],
        "conferenceId": str(customer.appointment_id),
        "token_type": "access",
    }


@pytest.mark.rule("frontdesk.token.customer.r3")
def test_an_unknown_and_an_expired_ticket_look_the_same(api: Api, tickets: Tickets) -> None:
    organization = make.make_organization()
    tickets.give("ticket-old", organization.pk, expires_at=timezone.now())
    tickets.give("ticket-gone", organization.pk)
    del tickets.passes["ticket-gone"]

    answers = [exchange(api, ticket) for ticket in ("ticket-old", "ticket-gone", "nothing")]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, REFUSED)] * 3


@pytest.mark.rule("frontdesk.token.customer.r4")
@pytest.mark.parametrize("body", [{}, {"ticket": ""}, {"ticket": ["x"]}])
def test_a_missing_ticket_is_named(api: Api, body: dict[str, object]) -> None:
    answer = api().post("/api/token/customer", body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ticket"])


@pytest.mark.rule("frontdesk.token.customer.r5")
def test_after_twenty_failures_not_even_a_valid_ticket_is_looked_at(
    api: Api, tickets: Tickets
) -> None:
    tickets.give("ticket-one", make.make_organization().pk)
    for number in range(20):
        assert exchange(api, f"guess-{number}").status_code == 401

    answer = exchange(api, "ticket-one")

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300


def test_tickets_that_are_valid_can_be_exchanged_again_and_again(
    api: Api, tickets: Tickets
) -> None:
    tickets.give("ticket-one", make.make_organization().pk)

    assert {exchange(api, "ticket-one").status_code for _ in range(25)} == {200}


@pytest.mark.rule("frontdesk.token.customer.r6")
def test_the_token_ends_with_its_ticket(api: Api, tickets: Tickets) -> None:
    soon = timezone.now() + timedelta(minutes=2)
    tickets.give("ticket-one", make.make_organization().pk, expires_at=soon)

    claims = claims_of(exchange(api, "ticket-one").json()["access"])

    assert claims["exp"] == int(soon.timestamp())


# --- Cost -----------------------------------------------------------------------------------


def test_logging_in_takes_a_constant_number_of_statements(
    api: Api, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = make.make_user()

    # Two counters, the user, the counters back.
    with django_assert_num_queries(4):
        log_in(api, user.username)
