"""Commands about organisations, users and API clients."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from agents.errors import (
    ApiClientNotFound,
    InvalidUserName,
    NameMissing,
    NotForYourRole,
    RoleNotForThis,
    Unauthenticated,
    UserNameTaken,
    UserNotFound,
    WeakPassword,
)
from agents.models import ApiClient, Application, Organization, User
from agents.services import clients, staff
from config.kernel.actors import Actor, Role
from notifications.models import OutboxEvent
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system(None, origin="test")
GOOD = "correct-horse-battery"


@pytest.fixture
def organization(db: None) -> Organization:
    return make.make_organization()


@pytest.fixture
def admin(organization: Organization) -> Actor:
    return make.actor_for(make.make_user(organization, roles=[Role.ADMIN]))


def new_user(organization: Organization, now: datetime, **changes: object) -> User:
    wanted = {
        "username": "Ada@Example.org",
        "organization_id": organization.pk,
        "roles": [Role.SUPERVISOR, Role.AGENT],
        "password": GOOD,
        "actor": SYSTEM,
        "now": now,
        **changes,
    }
    create: Callable[..., User] = staff.create_user
    return create(wanted.pop("username"), **wanted)


# --- Organisations --------------------------------------------------------------------------


def test_an_organization_comes_with_its_default_application(now: datetime) -> None:
    organization = staff.create_organization(
        " Acme ", default_timezone="Europe/Berlin", actor=SYSTEM, now=now
    )

    application = Application.objects.get(organization=organization)
    assert organization.name == application.name == "Acme"
    assert application.is_default
    assert (application.default_locale, application.default_timezone) == ("en-US", "Europe/Berlin")
    [event] = OutboxEvent.objects.all()
    assert (event.type, event.subject_id, event.origin) == (
        "organization.created",
        organization.pk,
        "test",
    )


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": "  "}, NameMissing),
        ({"name": "x" * 201}, ValidationError),
        ({"default_timezone": "Mars/Olympus"}, ValidationError),
        ({"default_locale": "xx-YY-ZZ"}, ValidationError),
    ],
)
def test_what_cannot_be_an_organization_is_refused_whole(
    now: datetime, changes: dict[str, str], refusal: type[Exception]
) -> None:
    name = changes.pop("name", "Acme")

    with pytest.raises(refusal):
        staff.create_organization(name, actor=SYSTEM, now=now, **changes)

    assert not Application.objects.exists()


def test_nobody_makes_an_organization_from_within_another(admin: Actor, now: datetime) -> None:
    with pytest.raises(NotForYourRole):
        staff.create_organization("Acme", actor=admin, now=now)


# --- Users ----------------------------------------------------------------------------------


def test_an_administrator_makes_a_user(
    organization: Organization, admin: Actor, now: datetime
) -> None:
    user = new_user(organization, now, actor=admin, first_name="Ada")

    user.refresh_from_db()
    assert (user.username, user.first_name) == ("ada@example.org", "Ada")
    assert user.roles == ["ROLE_AGENT", "ROLE_SUPERVISOR"]
    assert user.organization_id == organization.pk
    assert user.check_password(GOOD)
    [event] = OutboxEvent.objects.all()
    assert (event.type, event.actor_id, event.facts) == (
        "user.created",
        admin.id,
        {"roles": ["ROLE_AGENT", "ROLE_SUPERVISOR"]},
    )


def test_without_a_password_nobody_can_log_in(organization: Organization, now: datetime) -> None:
    user = new_user(organization, now, password=None)

    assert not user.has_usable_password()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"username": "ada"}, InvalidUserName),
        ({"username": ""}, InvalidUserName),
        ({"username": "a@b\n.example"}, InvalidUserName),
        ({"password": "short"}, WeakPassword),
        ({"password": "password1234"}, WeakPassword),
        ({"password": "ada@example.org"}, WeakPassword),
        ({"password": ""}, WeakPassword),
        ({"roles": [Role.CUSTOMER]}, RoleNotForThis),
    ],
)
def test_what_cannot_be_a_user_is_refused(
    organization: Organization,
    now: datetime,
    changes: dict[str, object],
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        new_user(organization, now, **changes)

    assert not User.objects.exists()


def test_a_taken_name_is_refused_in_any_case_and_everywhere(now: datetime) -> None:
    new_user(make.make_organization(), now)

    with pytest.raises(UserNameTaken) as refusal:
        new_user(make.make_organization(), now, username="ADA@example.ORG")

    assert str(refusal.value) == "The user name is taken."


def test_only_administrators_of_the_organization_make_users(
    organization: Organization, now: datetime
) -> None:
    supervisor = make.actor_for(make.make_user(organization, roles=[Role.SUPERVISOR]))
    stranger = make.actor_for(make.make_user(roles=[Role.ADMIN]))

    for actor in (supervisor, stranger):
        with pytest.raises(NotForYourRole):
            new_user(organization, now, actor=actor)


def test_a_user_is_deactivated_once(
    organization: Organization, admin: Actor, now: datetime
) -> None:
    user = make.make_user(organization)

    for _ in range(2):
        staff.deactivate_user(user.pk, actor=admin, now=now)

    user.refresh_from_db()
    assert not user.is_active
    assert [event.type for event in OutboxEvent.objects.all()] == ["user.deactivated"]


def test_users_of_another_organization_do_not_exist(admin: Actor, now: datetime) -> None:
    stranger = make.make_user()

    for user_id in (stranger.pk, uuid4()):
        with pytest.raises(UserNotFound):
            staff.deactivate_user(user_id, actor=admin, now=now)

    stranger.refresh_from_db()
    assert stranger.is_active


def test_a_supervisor_deactivates_nobody(organization: Organization, now: datetime) -> None:
    user = make.make_user(organization)
    supervisor = make.actor_for(make.make_user(organization, roles=[Role.SUPERVISOR]))

    with pytest.raises(NotForYourRole):
        staff.deactivate_user(user.pk, actor=supervisor, now=now)


def test_a_new_password_of_ones_own_ends_the_duty_to_change_it(now: datetime) -> None:
    user = make.make_user(change_password_on_first_login=True)
    actor = make.actor_for(user)
    with pytest.raises(WeakPassword):
        staff.change_own_password(user.pk, "12345678901", actor=actor, now=now)

    staff.change_own_password(user.pk, "another-horse-battery", actor=actor, now=now)

    user.refresh_from_db()
    assert user.check_password("another-horse-battery")
    assert not user.change_password_on_first_login
    assert [event.type for event in OutboxEvent.objects.all()] == ["user.password_changed"]


# --- API clients ----------------------------------------------------------------------------


def test_a_client_is_made_with_a_secret_that_only_its_maker_sees(
    organization: Organization, admin: Actor
) -> None:
    new = clients.create_api_client(" Widget ", organization_id=organization.pk, actor=admin)

    kept = ApiClient.objects.get()
    assert (kept.name, kept.roles) == ("Widget", ["ROLE_CLIENT_SERVICE"])
    assert new.secret.startswith(f"fd_{kept.prefix}_")
    assert new.secret not in repr(new)
    assert clients.authenticate_api_client(str(kept.pk), new.secret) == kept


@pytest.mark.parametrize(
    ("name", "roles", "refusal"),
    [(" ", [Role.CLIENT_SERVICE], NameMissing), ("Widget", [Role.CUSTOMER], RoleNotForThis)],
)
def test_what_cannot_be_a_client_is_refused(
    organization: Organization,
    admin: Actor,
    name: str,
    roles: list[Role],
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        clients.create_api_client(name, organization_id=organization.pk, roles=roles, actor=admin)


def test_a_deactivated_client_proves_nothing(organization: Organization, admin: Actor) -> None:
    client, secret = make.make_api_client(organization)

    clients.deactivate_api_client(client.pk, actor=admin)

    with pytest.raises(Unauthenticated):
        clients.authenticate_api_client(str(client.pk), secret)


def test_clients_of_another_organization_do_not_exist(admin: Actor) -> None:
    stranger, _ = make.make_api_client()

    with pytest.raises(ApiClientNotFound):
        clients.deactivate_api_client(stranger.pk, actor=admin)
