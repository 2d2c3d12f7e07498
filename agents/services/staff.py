"""Commands about organisations, and who works in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from agents.errors import (
    InvalidUserName,
    NameMissing,
    NotForYourRole,
    RoleNotForThis,
    UserNameTaken,
    UserNotFound,
    WeakPassword,
)
from agents.models import Application, Organization, User
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.database import constraint_of
from notifications import outbox
from notifications.models import OutboxEvent

# As it is, and in any case: whichever PostgreSQL looks at first.
_NAME_TAKEN = {"agents_user_username_key", "user_name_unique_in_any_case"}
STAFF_ROLES = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.CLIENT_SERVICE})


def check_may_staff(actor: Actor, organization_id: UUID) -> None:
    """Let administrators through, and the product itself.

    Raises NotForYourRole.
    """
    if actor.kind == ActorKind.SYSTEM:
        return
    if actor.organization_id != organization_id or not actor.has(Role.ADMIN):
        raise NotForYourRole


@transaction.atomic
def create_organization(
    name: str,
    *,
    application_name: str = "",
    default_locale: str = "en-US",
    default_timezone: str = "UTC",
    actor: Actor,
    now: datetime,
) -> Organization:
    """Make a tenant together with its default application.

    Only the product itself may: operators do it with manage.py. Raises NameMissing,
    NotForYourRole, ValidationError.
    """
    name = name.strip()
    if actor.kind != ActorKind.SYSTEM:
        raise NotForYourRole
    if not name:
        raise NameMissing(errors={"name": ["It is missing."]})
    organization = Organization(name=name)
    organization.full_clean()
    organization.save()
    application = Application(
        organization=organization,
        name=application_name.strip() or name,
        is_default=True,
        default_locale=default_locale,
        default_timezone=default_timezone,
    )
    application.full_clean()
    application.save()
    _record("organization.created", organization.pk, organization.pk, actor=actor, now=now)
    return organization


@transaction.atomic
def create_user(
    username: str,
    *,
    organization_id: UUID,
    roles: Iterable[Role],
    password: str | None,
    first_name: str = "",
    last_name: str = "",
    employee_id: str = "",
    must_change_password: bool = False,
    actor: Actor,
    now: datetime,
) -> User:
    """Make somebody who works here; without a password nobody can log in as that user.

    Raises NotForYourRole, InvalidUserName, UserNameTaken, WeakPassword, RoleNotForThis.
    """
    check_may_staff(actor, organization_id)
    user = User(
        username=checked_username(username),
        organization_id=organization_id,
        roles=check_roles(roles, holder="user"),
        first_name=first_name,
        last_name=last_name,
        employee_id=employee_id,
        change_password_on_first_login=must_change_password,
    )
    if password is not None:
        check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) in _NAME_TAKEN:
            raise UserNameTaken from None
        raise
    _record("user.created", user.pk, organization_id, actor=actor, now=now, roles=user.roles)
    return user


@transaction.atomic
def change_own_password(user_id: UUID, password: str, *, actor: Actor, now: datetime) -> User:
    """Give a user, who has just proven the old password, a new one; older tokens are refused.

    Raises UserNotFound, WeakPassword.
    """
    users = User.objects.select_for_update()
    user: User | None = users.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise UserNotFound
    check_password(password, user)
    user.set_password(password)
    user.change_password_on_first_login = False
    user.save(update_fields=["password", "change_password_on_first_login"])
    if user.organization_id is not None:
        _record("user.password_changed", user.pk, user.organization_id, actor=actor, now=now)
    return user


@transaction.atomic
def deactivate_user(user_id: UUID, *, actor: Actor, now: datetime) -> User:
    """Shut a user out at once: tokens and sessions are refused from the next request on.

    Raises UserNotFound, NotForYourRole.
    """
    users = User.objects.select_for_update()
    if actor.kind != ActorKind.SYSTEM:
        users = users.visible_to(actor)
    user: User | None = users.filter(pk=user_id, organization__isnull=False).first()
    if user is None or user.organization_id is None:
        raise UserNotFound
    check_may_staff(actor, user.organization_id)
    if user.is_active:
        user.is_active = False
        user.save(update_fields=["is_active"])
        _record("user.deactivated", user.pk, user.organization_id, actor=actor, now=now)
    return user


def checked_username(text: str) -> str:
    """Give a user name as it is kept.

    Raises InvalidUserName.
    """
    username = text.strip().lower()
    try:
        validate_email(username)
    except ValidationError:
        raise InvalidUserName(errors={"username": ["It is an e-mail address."]}) from None
    return username


def check_roles(roles: Iterable[Role], *, holder: str) -> list[str]:
    """Give the roles as they are kept: no one who works here is a customer.

    Raises RoleNotForThis.
    """
    wanted = {Role(role) for role in roles}
    for role in sorted(wanted - STAFF_ROLES):
        raise RoleNotForThis(role=role.value, holder=holder)
    return [role.value for role in Role if role in wanted]


def check_password(password: str, user: User) -> None:
    """Accept a password that cannot be guessed.

    Raises WeakPassword.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(errors={"password": error.messages}) from None


def _record(
    type_: str,
    subject_id: UUID,
    organization_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    roles: list[str] | None = None,
) -> None:
    subject_type = type_.partition(".")[0]
    # The caller holds the row, or has just made it: nobody else writes its events meanwhile.
    sequence = OutboxEvent.objects.filter(subject_id=subject_id).count() + 1
    outbox.record(
        type_,
        organization_id=organization_id,
        application_id=None,
        subject_type=subject_type,
        subject_id=subject_id,
        sequence=sequence,
        actor=actor,
        now=now,
        facts={"roles": roles} if roles is not None else None,
    )
