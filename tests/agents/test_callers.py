"""Whom a token proves, and for how long."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
import pytest

from agents.errors import Unauthenticated
from agents.services import tokens
from agents.services.callers import actor_of
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import correlation
from tests import make
from tests.contract.tokens import BAD, claims_of, signed

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

    from tests.agents.conftest import Tickets

pytestmark = pytest.mark.django_db


def proven(token: str) -> Actor:
    return actor_of(token, origin="test")


def test_a_users_token_proves_the_user() -> None:
    user = make.make_user(roles=[Role.AGENT, Role.SUPERVISOR])

    with correlation("from-the-test"):
        actor = proven(make.token_for(user))

    assert actor == Actor(
        kind=ActorKind.USER,
        id=str(user.pk),
        organization_id=user.organization_id,
        roles=frozenset({Role.AGENT, Role.SUPERVISOR}),
        origin="test",
        correlation_id="from-the-test",
    )


def test_a_clients_token_proves_the_client() -> None:
    client, _ = make.make_api_client()

    actor = proven(make.token_for(client))

    assert (actor.kind, actor.id) == (ActorKind.CLIENT, str(client.pk))
    assert actor.organization_id == client.organization_id
    assert actor.roles == {Role.CLIENT_SERVICE}


def test_a_customers_token_proves_the_participant_and_its_conference(tickets: Tickets) -> None:
    customer = tickets.give("ticket-one", make.make_organization().pk)

    actor = proven(tokens.access_for_customer(customer))

    assert (actor.kind, actor.id) == (ActorKind.CUSTOMER, str(customer.participant_id))
    assert actor.organization_id == customer.organization_id
    assert actor.roles == {Role.CUSTOMER}
    assert actor.conference_id == str(customer.appointment_id)


def test_one_statement_tells_who_asks(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    token = make.token_for(make.make_user())

    with django_assert_num_queries(1):
        proven(token)


# The test signs with HS512 and a key that is long enough for HS256.
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_proves_nobody(name: str) -> None:
    token = BAD[name](make.token_for(make.make_user()))

    with pytest.raises(Unauthenticated):
        proven(token)


@pytest.mark.parametrize(
    "token",
    [
        "a" * 9_000,
        ".".join(["e30"] * 3),
        # {"alg":"HS256","b64":false,"crit":["b64"]}, RFC 7797
        "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..c2lnbmF0dXJl",
    ],
)
def test_what_is_no_token_proves_nobody(token: str) -> None:
    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_token_nested_deeper_than_can_be_read_proves_nobody() -> None:
    head = "W1tb" * 1_500  # [[[…

    with pytest.raises(Unauthenticated):
        proven(f"{head}.e30.c2ln")


def test_exp_knows_no_leeway() -> None:
    good = make.token_for(make.make_user())
    over = signed(claims_of(good) | {"exp": int(time.time()) - 1})

    with pytest.raises(Unauthenticated):
        proven(over)


def test_a_clock_that_is_a_little_ahead_does_no_harm() -> None:
    good = make.token_for(make.make_user())
    early = signed(claims_of(good) | {"iat": int(time.time()) + 3})

    assert proven(early).roles == {Role.AGENT}


@pytest.mark.rule("frontdesk.bearer.r5")
def test_a_deactivated_user_is_refused_at_once() -> None:
    user = make.make_user()
    token = make.token_for(user)
    user.is_active = False
    user.save()

    with pytest.raises(Unauthenticated):
        proven(token)


@pytest.mark.rule("frontdesk.bearer.r5")
def test_a_deactivated_client_is_refused_at_once() -> None:
    client, _ = make.make_api_client()
    token = make.token_for(client)
    client.is_active = False
    client.save()

    with pytest.raises(Unauthenticated):
        proven(token)


def test_everybody_of_a_deactivated_organization_is_refused() -> None:
    user = make.make_user()
    assert user.organization is not None
    client, _ = make.make_api_client(user.organization)
    held = [make.token_for(user), make.token_for(client)]
    user.organization.is_active = False
    user.organization.save()

    for token in held:
        with pytest.raises(Unauthenticated):
            proven(token)


def test_a_deleted_user_is_refused() -> None:
    user = make.make_user()
    token = make.token_for(user)
    user.delete()

    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_new_password_ends_the_tokens_of_the_old_one() -> None:
    user = make.make_user()
    token = make.token_for(user)
    user.set_password("another-horse-battery")
    user.save()

    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_new_secret_ends_the_tokens_of_the_old_one() -> None:
    client, _ = make.make_api_client()
    token = make.token_for(client)
    client.digest = bytes(32)
    client.save()

    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_user_who_has_moved_to_another_organization_needs_a_new_token() -> None:
    user = make.make_user()
    token = make.token_for(user)
    user.organization = make.make_organization()
    user.save()

    with pytest.raises(Unauthenticated):
        proven(token)


@pytest.mark.rule("frontdesk.bearer.r10")
def test_roles_that_were_taken_away_are_gone_at_once() -> None:
    user = make.make_user(roles=[Role.AGENT, Role.SUPERVISOR])
    token = make.token_for(user)
    user.roles = [Role.AGENT]
    user.save()

    assert proven(token).roles == {Role.AGENT}


@pytest.mark.rule("frontdesk.bearer.r10")
def test_roles_that_were_added_wait_for_the_next_token() -> None:
    user = make.make_user(roles=[Role.AGENT])
    token = make.token_for(user)
    user.roles = [Role.AGENT, Role.SUPERVISOR]
    user.save()

    assert proven(token).roles == {Role.AGENT}
    assert proven(make.token_for(user)).roles == {Role.AGENT, Role.SUPERVISOR}


@pytest.mark.parametrize("roles", [None, 7, {}, [1, None], ["ROLE_EMPEROR"], []])
def test_a_token_that_names_no_roles_has_none(roles: object) -> None:
    good = make.token_for(make.make_user())

    assert proven(signed(claims_of(good) | {"roles": roles})).roles == frozenset()


@pytest.mark.parametrize("kind", ["CLIENT", "CUSTOMER", "SYSTEM", "", None, ["USER"]])
def test_a_user_cannot_pass_for_something_else(kind: object, tickets: Tickets) -> None:
    good = make.token_for(make.make_user())

    with pytest.raises(Unauthenticated):
        proven(signed(claims_of(good) | {"kind": kind}))


@pytest.mark.rule("frontdesk.bearer.r7")
def test_a_revoked_ticket_ends_the_customers_token(tickets: Tickets) -> None:
    customer = tickets.give("ticket-one", make.make_organization().pk)
    token = tokens.access_for_customer(customer)
    del tickets.passes["ticket-one"]

    with pytest.raises(Unauthenticated):
        proven(token)


def test_another_ticket_ends_the_customers_token(tickets: Tickets) -> None:
    organization = make.make_organization()
    customer = tickets.give("ticket-one", organization.pk)
    token = tokens.access_for_customer(customer)
    tickets.passes = {
        "ticket-two": tokens.CustomerPass(
            participant_id=customer.participant_id,
            organization_id=organization.pk,
            application_id=customer.application_id,
            appointment_id=customer.appointment_id,
            conference_id=customer.conference_id,
            ticket_fingerprint=b"ticket-two",
            expires_at=customer.expires_at,
        )
    }

    with pytest.raises(Unauthenticated):
        proven(token)


def test_a_customer_cannot_claim_another_conference(tickets: Tickets) -> None:
    organization = make.make_organization()
    customer = tickets.give("ticket-one", organization.pk)
    other = tickets.give("ticket-two", organization.pk)
    claims = claims_of(tokens.access_for_customer(customer))

    with pytest.raises(Unauthenticated):
        proven(signed(claims | {"conferenceId": str(other.appointment_id)}))


def test_keys_are_rotated_without_logging_anybody_out(settings: Settings) -> None:
    old, new = "old-key-" * 8, "new-key-" * 8
    token = jwt.encode(claims_of(make.token_for(make.make_user())), old, algorithm="HS256")
    settings.SECRET_KEYS = [new, old]

    assert proven(token).kind == ActorKind.USER

    settings.SECRET_KEYS = [new]
    with pytest.raises(Unauthenticated):
        proven(token)


def test_an_expired_pass_keeps_its_token_until_that_ends(tickets: Tickets) -> None:
    organization = make.make_organization()
    customer = tickets.give("ticket-one", organization.pk)
    token = tokens.access_for_customer(customer)
    tickets.passes["ticket-one"] = tokens.CustomerPass(
        participant_id=customer.participant_id,
        organization_id=organization.pk,
        application_id=customer.application_id,
        appointment_id=customer.appointment_id,
        conference_id=customer.conference_id,
        ticket_fingerprint=customer.ticket_fingerprint,
        expires_at=customer.expires_at - timedelta(days=1),
    )

    assert proven(token).kind == ActorKind.CUSTOMER
