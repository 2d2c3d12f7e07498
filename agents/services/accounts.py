"""Commands about the people of an organisation, as its desks give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from agents.errors import NotForYourRole, UserNotFound
from agents.errors_desk import UserNameFixed
from agents.models import AgentLogin, ExternalIdentity, QueueMember, Seat, TeamMember, User
from agents.services import desk_sessions
from agents.services.desks import Desk, lock_devices
from agents.services.intervals import record_next
from agents.services.staff import check_password, check_roles
from config.kernel.actors import Actor, Role
from config.kernel.database import retrying

# The roles that desktops know; others that somebody has are not theirs to take away.
ROLES = (Role.ADMIN, Role.AGENT, Role.SUPERVISOR)
# Where nobody receives anything (RFC 2606).
_GONE = "deleted.invalid"


@dataclass(frozen=True, kw_only=True)
class UserChanges:
    """What is to become of somebody; None leaves it as it is."""

    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    employee_id: str | None = None
    password: str | None = field(default=None, repr=False)
    roles: frozenset[Role] | None = None
    must_change_password: bool | None = None

    @property
    def is_for_administrators(self) -> bool:
        """Whether anything but the names is to change."""
        others = (self.employee_id, self.password, self.roles, self.must_change_password)
        return any(one is not None for one in others)


def users_of(actor: Actor) -> QuerySet[User]:
    """Give the people of the actor's organisation who are there; operators are none of them."""
    people: QuerySet[User] = User.objects.visible_to(actor)
    return people.filter(is_active=True, is_superuser=False).order_by("pk")


def user_seen_by(actor: Actor, user_id: UUID) -> User:
    """Give one person. Raises UserNotFound."""
    found = users_of(actor).filter(pk=user_id).first()
    if found is None:
        raise UserNotFound
    return found


@transaction.atomic
def change_user(user_id: UUID, changes: UserChanges, *, actor: Actor, now: datetime) -> User:
    """Change somebody; without the role of an administrator, one's own names only.

    Raises NotForYourRole, UserNotFound, UserNameFixed, WeakPassword, RoleNotForThis.
    """
    person = _lock(user_id, actor=actor)
    if changes.username not in (None, person.username):
        raise UserNameFixed
    if changes.is_for_administrators and not actor.has(Role.ADMIN):
        raise NotForYourRole
    before = _facts_of(person)
    for name in ("first_name", "last_name", "employee_id"):
        if (wanted := getattr(changes, name)) is not None:
            setattr(person, name, wanted)
    if changes.roles is not None:
        kept = {Role(role) for role in person.roles} - set(ROLES)
        person.roles = check_roles(kept | changes.roles, holder="user")
    if changes.must_change_password is not None:
        person.change_password_on_first_login = changes.must_change_password
    if changes.password is not None:
        check_password(changes.password, person)
        person.set_password(changes.password)
    person.save()
    after = _facts_of(person)
    if after != before:
        _record("changed", person, actor=actor, now=now, before=before, after=after)
    if changes.password is not None:
        _record("password_changed", person, actor=actor, now=now)
    return person


@retrying
@transaction.atomic
def delete_user(user_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Take somebody away: it cannot get in, has no devices, and gets no work any more.

    What it has done stays, under its name; its user name may be given anew. Raises
    NotForYourRole, UserNotFound.
    """
    person = _lock(user_id, actor=actor)
    desk_sessions.end_session(person.pk, actor=actor, now=now)
    # Those that the session has not given back already; the end of it has locked them.
    desk = Desk(person, devices=lock_devices(Q(user_id=person.pk)), now=now)
    for device in desk.devices:
        device.user, device.do_not_disturb = None, False
    desk.write()
    for model in (ExternalIdentity, TeamMember, AgentLogin, QueueMember, Seat):
        model._default_manager.filter(user=person).delete()
    person.username = f"{person.pk}@{_GONE}"
    person.is_active, person.employee_id = False, ""
    person.set_unusable_password()
    person.save(update_fields=["username", "is_active", "employee_id", "password", "updated_at"])
    _record("deleted", person, actor=actor, now=now)


def _lock(user_id: UUID, *, actor: Actor) -> User:
    """Hold somebody; who is no administrator finds out about nobody else."""
    if not actor.has(Role.ADMIN) and str(user_id) != actor.id:
        raise NotForYourRole
    found = users_of(actor).select_for_update(no_key=True).filter(pk=user_id).first()
    if found is None:
        raise UserNotFound
    return found


def _facts_of(person: User) -> dict[str, object]:
    # The outbox is kept for long: it holds no names of persons.
    return {
        "roles": list(person.roles),
        "mustChangePassword": person.change_password_on_first_login,
    }


def _record(
    what: str,
    person: User,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record_next(
        f"user.{what}",
        person.pk,
        person.organization_id,
        actor=actor,
        now=now,
        before=before,
        after=after,
    )
