"""Users of the organisation, as callers name them."""

from __future__ import annotations

from uuid import UUID

from agents.models import User
from appointments.errors import AgentNotFound
from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid
from config.kernel.prepared import Kept

_USER = Kept(
    lambda key, organization: User.objects.filter(pk=key, organization_id=organization),
    UUID(int=1),
    UUID(int=2),
)


def find_user(user_id: str, actor: Actor) -> User:
    """Give a user of the actor's organisation; what has not the form of an id is unknown.

    Raises AgentNotFound.
    """
    key = parse_uuid(user_id)
    user: User | None = _USER.first(key, actor.organization_id) if key else None
    if user is None:
        raise AgentNotFound
    return user
