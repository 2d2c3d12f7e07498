"""Commands about API clients: programs with credentials of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from agents.errors import ApiClientNotFound, NameMissing, Unauthenticated
from agents.models import ApiClient
from agents.services.staff import check_may_staff, check_roles
from config.kernel import secrets
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.ids import parse_uuid

# Compared with when there is no such client, so that the answer takes as long.
_NOBODY = bytes(32)


@dataclass(frozen=True)
class NewApiClient:
    """A client together with its secret, which cannot be shown again."""

    client: ApiClient
    secret: str = field(repr=False)


def create_api_client(
    name: str,
    *,
    organization_id: UUID,
    roles: Iterable[Role] = (Role.CLIENT_SERVICE,),
    actor: Actor,
) -> NewApiClient:
    """Make a client and give its secret, once.

    Raises NotForYourRole, NameMissing, RoleNotForThis.
    """
    check_may_staff(actor, organization_id)
    if not name.strip():
        raise NameMissing(errors={"name": ["It is missing."]})
    key = secrets.new_api_key(secrets.new_ticket(12))
    client = ApiClient.objects.create(
        organization_id=organization_id,
        name=name.strip(),
        prefix=key.prefix,
        digest=key.digest,
        roles=check_roles(roles, holder="client"),
    )
    return NewApiClient(client=client, secret=key.text)


@transaction.atomic
def deactivate_api_client(client_id: UUID, *, actor: Actor) -> ApiClient:
    """Shut a client out at once.

    Raises ApiClientNotFound, NotForYourRole.
    """
    clients = ApiClient.objects.select_for_update()
    if actor.kind != ActorKind.SYSTEM:
        clients = clients.visible_to(actor)
    client = clients.filter(pk=client_id).first()
    if client is None:
        raise ApiClientNotFound
    check_may_staff(actor, client.organization_id)
    client.is_active = False
    client.save(update_fields=["is_active"])
    return client


def authenticate_api_client(client_id: str, secret: str) -> ApiClient:
    """Give the client that the secret proves.

    Raises Unauthenticated, alike in every case.
    """
    client = _active(client_id)
    digest = bytes(client.digest) if client else _NOBODY
    if not secrets.same(digest, secrets.digest_of(secret)) or client is None:
        raise Unauthenticated
    return client


def _active(client_id: str) -> ApiClient | None:
    key = parse_uuid(client_id)
    if key is None:
        return None
    clients = ApiClient.objects.filter(is_active=True, organization__is_active=True)
    return clients.filter(pk=key).first()
