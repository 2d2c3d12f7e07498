"""Logging in: what is exchanged for tokens, and how often one may be wrong."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from agents.errors import PasswordChangeNeeded, Unauthenticated
from agents.models import User
from agents.services import clients, counters, tokens
from agents.services.callers import holder_of
from config.kernel.actors import ActorKind


def prove_user(username: str, password: str, *, address: str, now: datetime) -> User:
    """Give the user whom a password proves.

    Raises Unauthenticated, alike in every case and after the same time, and TooManyAttempts.
    """
    username = username.strip().lower()
    attempt = _login(username, address, now)
    # The index is on the lower-case form.
    users = User.objects.filter(Exact(Lower("username"), username))
    user: User | None = users.select_related("organization").first()
    if user is None:
        # As much work as for a user who is there.
        make_password(password)
        raise Unauthenticated
    if not user.check_password(password) or not _may_enter(user):
        raise Unauthenticated
    attempt.give_back()
    return user


def _may_enter(user: User) -> bool:
    return user.is_active and (user.organization is None or user.organization.is_active)


def _login(name: str, address: str, now: datetime) -> counters.Attempt:
    return counters.take(
        (counters.LOGINS_PER_NAME, name),
        (counters.LOGINS_PER_ADDRESS, counters.network_of(address)),
        now=now,
    )


def log_in(username: str, password: str, *, address: str, now: datetime) -> tokens.TokenPair:
    """Give a user's tokens against the password.

    Raises Unauthenticated, PasswordChangeNeeded, TooManyAttempts.
    """
    user = prove_user(username, password, address=address, now=now)
    if user.organization_id is None:
        # Operators have nothing that a surface could show them.
        raise Unauthenticated
    if user.change_password_on_first_login:
        raise PasswordChangeNeeded
    return tokens.tokens_for_user(user)


def refresh(token: str) -> str:
    """Give an access token against a refresh token, with the roles that the user has now.

    Raises Unauthenticated.
    """
    claims = tokens.read_own(token, use="refresh")
    if claims.get("kind") != ActorKind.USER:
        raise Unauthenticated
    holder = holder_of(claims)
    user = User.objects.filter(pk=holder.id).first()
    if user is None:
        raise Unauthenticated
    return tokens.access_for_user(user)


def log_in_client(client_id: str, secret: str, *, address: str, now: datetime) -> str:
    """Give a service's access token against its secret.

    Raises Unauthenticated, TooManyAttempts.
    """
    attempt = _login(client_id.strip().lower(), address, now)
    client = clients.authenticate_api_client(client_id.strip(), secret)
    attempt.give_back()
    return tokens.access_for_client(client)


def log_in_customer(ticket: str, *, address: str, now: datetime) -> str:
    """Give a customer's access token against the ticket.

    Raises Unauthenticated for a ticket that is unknown, expired or revoked, and TooManyAttempts.
    """
    attempt = counters.take(
        (counters.TICKETS_PER_ADDRESS, counters.network_of(address)),
        (counters.TICKETS_IN_ALL, ""),
        now=now,
    )
    customer = tokens.pass_of_ticket(ticket.strip())
    if customer is None or customer.expires_at <= now:
        raise Unauthenticated
    attempt.give_back()
    return tokens.access_for_customer(customer)
