"""Who a token stands for: read from the rows at every request, so that revocation works at once."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from agents.errors import Unauthenticated
from agents.models import ApiClient, ExternalIdentity, User
from agents.services import issuer, tokens
from config.kernel import limits, prepared
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.correlation import current_correlation_id
from config.kernel.ids import parse_uuid

_KNOWN_ROLES = {str(role): role for role in Role}


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whoever a token was made for, as the rows have it now."""

    kind: ActorKind
    id: UUID
    organization_id: UUID
    roles: frozenset[Role]
    version: str = field(repr=False)
    conference_id: str | None = None


def actor_of(token: str, *, origin: str) -> Actor:
    """Give whoever a token proves, with the roles that both the token and the row name.

    Raises Unauthenticated.
    """
    if not token or len(token) > limits.TOKEN_BYTES or not token.isascii():
        raise Unauthenticated
    if issuer.has_signed(token):
        holder = _holder_outside(issuer.read_outside(token))
    else:
        holder = holder_of(tokens.read_own(token, use="access"))
    return Actor(
        kind=holder.kind,
        id=str(holder.id),
        organization_id=holder.organization_id,
        roles=holder.roles,
        origin=origin,
        conference_id=holder.conference_id,
        correlation_id=current_correlation_id(),
    )


def holder_of(claims: tokens.Claims) -> Holder:
    """Give the holder of a token of ours.

    Raises Unauthenticated when it is gone or inactive, or its secret is another by now.
    """
    subject = _uuid(claims["sub"])
    match claims.get("kind"):
        case ActorKind.USER:
            holder = _user(subject)
        case ActorKind.CLIENT:
            holder = _client(subject)
        case ActorKind.CUSTOMER:
            holder = _customer(subject)
        case _:
            raise Unauthenticated
    if (
        holder is None
        or not hmac.compare_digest(holder.version, str(claims.get("ver")))
        or str(holder.organization_id) != claims.get("organization_id")
        or claims.get("conferenceId") not in (None, holder.conference_id)
    ):
        raise Unauthenticated
    # A customer whose token names no conference is known, but reaches none (v2 get.r6).
    holder = replace(holder, conference_id=claims.get("conferenceId"))
    return _narrowed(holder, claims.get("roles"))


def _holder_outside(claims: tokens.Claims) -> Holder:
    names = issuer.claim_names()
    conference_id = issuer.claim(claims, names.conference)
    organization_id = issuer.claim(claims, names.organization)
    if conference_id is not None:
        holder = _customer(_uuid(claims["sub"]))
    else:
        holder = _mapped(claims["iss"], claims["sub"])
    # An outside issuer can narrow what the rows say, never widen it.
    if (
        holder is None
        or holder.conference_id != conference_id
        or (organization_id is None and conference_id is not None)
        or organization_id not in (None, str(holder.organization_id))
    ):
        raise Unauthenticated
    if not names.roles:
        return holder
    return _narrowed(holder, issuer.claim(claims, names.roles))


def _narrowed(holder: Holder, named: object) -> Holder:
    roles = named.split() if isinstance(named, str) else named if isinstance(named, list) else []
    named_roles = {role for role in roles if isinstance(role, str)}
    if holder.roles <= named_roles:
        return holder
    return replace(holder, roles=holder.roles & named_roles)


def _uuid(text: object) -> UUID:
    key = parse_uuid(str(text))
    if key is None:
        raise Unauthenticated
    return key


# --- The rows: one statement each, written by the queryset once and kept -------------------------


def _user(user_id: UUID) -> Holder | None:
    return _holder(ActorKind.USER, _first(_users_sql(), [user_id]))


def _client(client_id: UUID) -> Holder | None:
    return _holder(ActorKind.CLIENT, _first(_clients_sql(), [client_id]))


def _mapped(issuer_name: str, subject: str) -> Holder | None:
    return _holder(ActorKind.USER, _first(_identities_sql(), [issuer_name, subject]))


def _customer(participant_id: UUID) -> Holder | None:
    customer = tokens.pass_of_participant(participant_id)
    if customer is None:
        return None
    return Holder(
        kind=ActorKind.CUSTOMER,
        id=customer.participant_id,
        organization_id=customer.organization_id,
        roles=frozenset({Role.CUSTOMER}),
        version=tokens.version_of(customer.ticket_fingerprint),
        conference_id=str(customer.appointment_id),
    )


def _holder(kind: ActorKind, row: tuple[Any, ...] | None) -> Holder | None:
    if row is None:
        return None
    id_, organization_id, roles, secret = row
    return Holder(
        kind=kind,
        id=id_,
        organization_id=organization_id,
        roles=frozenset(_KNOWN_ROLES[role] for role in roles),
        version=tokens.version_of(secret),
    )


@cache
def _users_sql() -> str:
    users = User.objects.filter(pk=_PLACE, is_active=True, organization__is_active=True)
    return _statement(users.values_list("id", "organization_id", "roles", "password"))


@cache
def _clients_sql() -> str:
    clients = ApiClient.objects.filter(pk=_PLACE, is_active=True, organization__is_active=True)
    return _statement(clients.values_list("id", "organization_id", "roles", "digest"))


@cache
def _identities_sql() -> str:
    identities = ExternalIdentity.objects.filter(
        issuer="", subject="", user__is_active=True, organization__is_active=True
    )
    return _statement(
        identities.values_list("user_id", "organization_id", "user__roles", "user__password")
    )


_PLACE = UUID(int=0)


def _statement(queryset: QuerySet[Any, Any]) -> str:
    # Building the query costs more than running it; its text never changes.
    sql, _ = queryset.query.sql_with_params()
    return str(sql)


def _first(sql: str, parameters: list[UUID | str]) -> tuple[Any, ...] | None:
    return next(iter(prepared.fetch(sql, parameters)), None)
