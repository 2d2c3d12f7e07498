"""The session cookie of desktops: what it says, and whether it still counts.

It is signed, and names its user, the version of that user's password and when it was made. A
row is written when a cookie is used for the first time, so that a client that keeps no cookies
costs none.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from agents.models import DeskCookie
from agents.services.tokens import version_of
from config.kernel import limits
from config.kernel.secrets import digest_of, fingerprint, fingerprints, same

NAME = "JSESSIONID"
CSRF_HEADER = "X-CSRF-TOKEN"

_SEAL, _CSRF = "desk cookie", "desk cookie csrf"
# The user, when it was made in seconds, and chance that tells two of one second apart.
_SAYS = struct.Struct(">16sQ12s")
# How much a row may lag behind: each request would be a write otherwise.
_SEEN_EVERY = limits.DESK_COOKIE_SEEN_EVERY


@dataclass(frozen=True, kw_only=True)
class Cookie:
    """What a cookie says that we have signed."""

    user_id: UUID
    version: str = field(repr=False)
    made_at: datetime
    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """Give what its row is found by; it has to outlive the keys that sign."""
        return digest_of(self.text)


def make(user_id: UUID, password_hash: str, *, now: datetime) -> str:
    """Make the cookie of somebody who has just proven who it is."""
    said = _SAYS.pack(user_id.bytes, int(now.timestamp()), os.urandom(12))
    text = _plain(said + version_of(password_hash).encode())
    return f"{text}.{_plain(fingerprint(text, purpose=_SEAL))}"


def read(text: str, *, now: datetime) -> Cookie | None:
    """Give what a cookie says; None for one that is not ours or too old in any case."""
    if len(text) > limits.ID_LENGTH * 2 or not text.isascii():
        return None
    said, _, signature = text.partition(".")
    wanted = (_plain(one) for one in fingerprints(said, purpose=_SEAL))
    if not any(same(signature, one) for one in wanted):
        return None
    try:
        data = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
        user, seconds, _ = _SAYS.unpack(data[: _SAYS.size])
    except (binascii.Error, ValueError, struct.error):
        return None
    made_at = datetime.fromtimestamp(seconds, UTC)
    if made_at + limits.DESK_COOKIE_LIFETIME <= now:
        return None
    version = data[_SAYS.size :].decode()
    return Cookie(user_id=UUID(bytes=user), version=version, made_at=made_at, text=text)


def is_open(
    cookie: Cookie, *, seen_at: datetime | None, ended_at: datetime | None, now: datetime
) -> bool:
    """Tell whether a cookie still counts, by what its row says, if it has one."""
    return ended_at is None and (seen_at or cookie.made_at) + limits.DESK_COOKIE_IDLE > now


def note_use(cookie: Cookie, *, seen_at: datetime | None, now: datetime) -> None:
    """Write down that a cookie was used, unless that was done a moment ago."""
    if seen_at is not None and now < seen_at + _SEEN_EVERY:
        return
    # Another request of the same desktop may have done it meanwhile, or ended the session.
    row = DeskCookie(
        digest=cookie.digest, user_id=cookie.user_id, made_at=cookie.made_at, seen_at=now
    )
    DeskCookie.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["digest"], update_fields=["seen_at"]
    )


def end(text: str, *, now: datetime) -> None:
    """Let a cookie count no longer; one that is not ours never did."""
    cookie = read(text, now=now)
    if cookie is None:
        return
    row = DeskCookie(
        digest=cookie.digest,
        user_id=cookie.user_id,
        made_at=cookie.made_at,
        seen_at=now,
        ended_at=now,
    )
    DeskCookie.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["digest"], update_fields=["ended_at"]
    )


def csrf_token(text: str) -> str:
    """Give what a request must send beside the cookie, where the settings ask for it."""
    return fingerprint(text, purpose=_CSRF).hex()


def is_csrf_token(text: str, *, cookie: str) -> bool:
    """Tell whether this is what belongs to the cookie."""
    made = [one.hex() for one in fingerprints(cookie, purpose=_CSRF)]
    return any(same(text, one) for one in made)


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
