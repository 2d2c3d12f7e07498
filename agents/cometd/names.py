"""Where things lie in Redis. The scripts beside this module say the same."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

PREFIX = "frontdesk:cometd:"
# What every process that holds polls listens to: w<user> <user> …, b<organisation>,
# e<poll>, d<poll>, r<user>, o<user> <session>.
WAKE = f"{PREFIX}wake"


# Organisations whose boards somebody watches, by when they are forgotten.
BOARDS = f"{PREFIX}boards"


def board_positions_of(organization_id: UUID) -> str:
    """Give the key of what an organisation's board has had last of each person."""
    return f"{PREFIX}board:n:{organization_id}"


def head_of(user_id: UUID) -> str:
    """Give the key of the number of the last thing that a user was told."""
    return f"{PREFIX}h:{user_id}"


def session_of(cookie: str | None) -> str:
    """Give what an HTTP session is called; the cookie itself is said to nobody."""
    return blake2b(cookie.encode(), digest_size=16).hexdigest() if cookie else ""
