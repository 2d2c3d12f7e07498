"""Who asks: made once from the credentials, and passed on in place of the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import TextChoices

if TYPE_CHECKING:
    from uuid import UUID


class Role(TextChoices):
    AGENT = "ROLE_AGENT", "Agent"
    SUPERVISOR = "ROLE_SUPERVISOR", "Supervisor"
    ADMIN = "ROLE_ADMIN", "Administrator"
    CLIENT_SERVICE = "ROLE_CLIENT_SERVICE", "Service"
    CUSTOMER = "ROLE_CUSTOMER", "Customer"


class ActorKind(TextChoices):
    USER = "USER", "User"
    CLIENT = "CLIENT", "Service"
    CUSTOMER = "CUSTOMER", "Customer"
    SYSTEM = "SYSTEM", "Frontdesk itself"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Whoever a command is carried out for; a system actor has no roles and no id."""

    kind: ActorKind
    id: str
    organization_id: UUID | None
    roles: frozenset[Role] = field(default_factory=frozenset)
    origin: str = ""
    conference_id: str | None = None
    correlation_id: str = ""

    @classmethod
    def system(cls, organization_id: UUID | None, *, origin: str = "clock") -> Actor:
        """Act for the product itself, as beat and commands do."""
        return cls(kind=ActorKind.SYSTEM, id="", organization_id=organization_id, origin=origin)

    def has(self, *roles: Role) -> bool:
        """Tell whether at least one of the roles is held."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_supervisor(self) -> bool:
        """A supervisor counts as one even when it is an agent too (contract, conventions)."""
        return Role.SUPERVISOR in self.roles
