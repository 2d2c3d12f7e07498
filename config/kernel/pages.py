"""Pages of the back office: who may open one, and for whom it then acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.views import View

from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponseBase


class Person(Protocol):
    """A user, as far as pages have to know one."""

    @property
    def pk(self) -> object: ...
    @property
    def organization_id(self) -> UUID | None: ...
    @property
    def roles(self) -> Sequence[str]: ...


def actor_of(user: Person, *, origin: str) -> Actor:
    """Give the actor that a person's session stands for."""
    return Actor(
        kind=ActorKind.USER,
        id=str(user.pk),
        organization_id=user.organization_id,
        roles=frozenset(Role(role) for role in user.roles),
        origin=origin,
        correlation_id=current_correlation_id(),
    )


def may_enter(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether a session still lets its user in: it ends with the organisation."""
    organization = getattr(user, "organization", None)
    return (
        user.is_authenticated
        and user.is_active
        and (organization is None or organization.is_active)
    )


def must_change_password(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether nothing is open to the user but the page with the password."""
    return bool(getattr(user, "change_password_on_first_login", False))


class OfficePage(View):
    """A page for people who have signed in and hold one of the roles."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.AGENT, Role.SUPERVISOR, Role.ADMIN})
    # Whether operators, who belong to no organisation and see all of them, have a use for it.
    is_for_operators: ClassVar[bool] = False
    actor: Actor

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Let the person in, or send them where they can go.

        Raises PermissionDenied.
        """
        user = request.user
        if not user.is_authenticated or not may_enter(user):
            return redirect_to_login(request.get_full_path())
        is_operator = user.organization_id is None
        if is_operator and not self.is_for_operators:
            # Operators of the installation have no day of their own.
            return redirect("admin:index")
        if must_change_password(user):
            return redirect("password")
        self.actor = actor_of(user, origin="office")
        if not is_operator and not self.actor.has(*self.roles):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)
