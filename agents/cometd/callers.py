"""Who sends messages: proven as everywhere on this surface, and remembered for a few seconds.

A desktop polls without end, and a poll must not cost a look into the database each time. Whose
password has changed is forgotten at once (`publisher.forget_credentials`), and after the seconds
in any case.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from django.conf import settings
from django.utils import timezone

from agents.cometd.threads import Threads
from agents.errors import PasswordChangeNeeded
from agents.services import desk_access, desk_cookies, desk_sessions
from agents.services.desk_access import DeskCaller

_SECONDS = 5.0
_MOST = 20_000


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a request brings to prove who sends it."""

    authorization: str = field(default="", repr=False)
    cookie: str = field(default="", repr=False)
    csrf_token: str = field(default="", repr=False)
    # Asked only where somebody has to be proven.
    address_of: Callable[[], str] = field(default=str, repr=False)

    def key(self) -> bytes:
        """Give what they are remembered by."""
        text = f"{self.authorization}\0{self.cookie}\0{self.csrf_token}"
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


class Callers:
    """Proves who sends messages; it belongs to one event loop."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._known: OrderedDict[bytes, tuple[DeskCaller, float]] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[DeskCaller]] = {}

    async def prove(self, credentials: Credentials) -> DeskCaller:
        """Give who sends.

        Raises Unauthenticated, TooManyAttempts, PasswordChangeNeeded.
        """
        key = credentials.key()
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        # A thousand polls that come at once with the same credentials are one question.
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(self._ask(key, credentials))
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        # Whoever goes away must not take the answer from the others.
        return await asyncio.shield(asked)

    def forget_user(self, user_id: str) -> None:
        """Ask anew who this user is."""
        gone = [key for key, (caller, _) in self._known.items() if str(caller.user_id) == user_id]
        for key in gone:
            del self._known[key]

    async def _ask(self, key: bytes, credentials: Credentials) -> DeskCaller:
        caller = await self._threads.run(_proven, credentials)
        self._known[key] = caller, time.monotonic() + _SECONDS
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return caller


def _proven(credentials: Credentials) -> DeskCaller:
    now = timezone.now()
    caller = desk_access.prove(
        credentials.authorization, credentials.cookie, address=credentials.address_of(), now=now
    )
    if caller.must_change_password:
        raise PasswordChangeNeeded
    if settings.AGENTS_DESK_CSRF and caller.is_proven_by_cookie:
        _check_csrf(credentials)
    # Who only listens is there too.
    desk_sessions.note_seen(caller.user_id, seen_at=caller.desk_seen_at, now=now)
    return caller


def _check_csrf(credentials: Credentials) -> None:
    if not desk_cookies.is_csrf_token(credentials.csrf_token, cookie=credentials.cookie):
        raise desk_access.unauthenticated()
