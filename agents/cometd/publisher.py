"""From the database to whoever listens: what is committed is put where polls find it.

It is read from the rows, from behind the last number that Redis has, and added there by number. So
two processes that do it at once, one that dies before it has, and a Redis that has forgotten it
all cost at most a second, until a worker looks (`sweep`); nothing is doubled, lost, or overtaken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from agents.cometd import names, stream
from agents.cometd.board import Boards
from agents.cometd.stream import Entry
from agents.models import PushMessage, User
from config.kernel import limits, prepared

logger = logging.getLogger(__name__)

_SCRIPT = Path(__file__).with_name("publish.lua").read_text(encoding="utf-8")
# A commit waits for Redis no longer, and after a failure not at all for a while.
_TIMEOUT = 0.5
_REST = 2.0
_MOST = limits.COMETD_QUEUE
_DONE = -2
_PURGED_AT_ONCE = 1_000
_PURGE = f"""
    DELETE FROM {PushMessage._meta.db_table} WHERE id IN (
        SELECT id FROM {PushMessage._meta.db_table} WHERE made_at < now() - %s
        ORDER BY made_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
"""  # noqa: S608  # our own table


class Publisher:
    """Publishes to one Redis."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._add = Script(self._redis, _SCRIPT)
        self.boards = Boards(self._redis)
        self._rests_until = 0.0

    def publish_or_leave(self, user_ids: Collection[UUID]) -> None:
        """Publish what is new for these users; while Redis is away it is left to the sweep."""
        self._unless_away(lambda: self.publish(user_ids))

    def say_or_leave(self, word: str) -> None:
        """Say something to every process that holds polls, unless Redis is away."""
        self._unless_away(lambda: self._redis.publish(names.WAKE, word))

    def _unless_away(self, act: Callable[[], object]) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            act()
        except RedisError as error:
            self._rests_until = time.monotonic() + _REST
            logger.warning("Desktops are told later: Redis says %s.", type(error).__name__)

    def publish(self, user_ids: Collection[UUID]) -> int:
        """Publish what is new for those of the users who listen; give how many messages it was.

        Raises RedisError.
        """
        behind = self.heads(user_ids)
        published = 0
        while behind:
            entries = stream.after(behind, limit=_MOST)
            published += sum(len(some) for some in entries.values())
            behind = self._added(behind, {user: some for user, some in entries.items() if some})
        self.boards.feed(user_ids)
        return published

    def heads(self, user_ids: Collection[UUID]) -> dict[UUID, int]:
        """Give the last number that Redis has, for those of the users who listen.

        Raises RedisError.
        """
        if not user_ids:
            return {}
        found: Any = self._redis.mget([names.head_of(user_id) for user_id in user_ids])
        pairs = zip(user_ids, found, strict=True)
        return {user_id: int(head) for user_id, head in pairs if head is not None}

    def _added(
        self, sought: Mapping[UUID, int], entries: Mapping[UUID, list[Entry]]
    ) -> dict[UUID, int]:
        """Add entries; give who has to be read again, and after which number."""
        if not entries:
            return {}
        arguments: list[Any] = [_MOST]
        for user_id, some in entries.items():
            arguments += [str(user_id), sought[user_id], some[0].sequence, len(some)]
            arguments += [f"{entry.topic}\n{entry.data}" for entry in some]
        answers: Any = self._add(args=arguments)
        again: dict[UUID, int] = {}
        for (user_id, some), answer in zip(entries.items(), answers, strict=True):
            if answer >= 0:
                again[user_id] = answer
            elif answer == _DONE and len(some) == _MOST:
                again[user_id] = some[-1].sequence
        return again


@lru_cache(maxsize=4)
def publisher(url: str) -> Publisher:
    """Give this process's publisher to a Redis."""
    return Publisher(url)


def publish_soon(user_ids: Collection[UUID]) -> None:
    """Have what these users were just told reach their desktops; neither fails nor waits long."""
    publisher(settings.REDIS_URL).publish_or_leave(user_ids)


def forget_credentials(user_id: UUID) -> None:
    """Have every process ask anew who this user is, after a change of its password or its roles.

    Without Redis it takes the few seconds for which they remember.
    """
    publisher(settings.REDIS_URL).say_or_leave(f"r{user_id}")


def end_http_session(user_id: UUID, cookie: str) -> None:
    """Have the polls of an HTTP session that is over answered, and be the last ones.

    Without Redis they are refused when they come again.
    """
    word = f"o{user_id} {names.session_of(cookie)}"
    publisher(settings.REDIS_URL).say_or_leave(word)


def forget_saved_user(instance: User, *, created: bool, **_: object) -> None:
    """Have a user whose row was saved, wherever that was, be proven anew once it is committed."""
    if not created:
        user_id = instance.pk
        transaction.on_commit(lambda: forget_credentials(user_id))


def sweep() -> int:
    """Publish what was committed and did not get through; give how many messages it was.

    Raises RedisError.
    """
    lately = stream.told_lately()
    ours = publisher(settings.REDIS_URL)
    heads = ours.heads(lately)
    behind = [user_id for user_id, head in heads.items() if head < lately[user_id]]
    published = ours.publish(behind) if behind else 0
    ours.boards.look(lately)
    return published


def purge() -> int:
    """Delete what no desktop may ask for again any more; give how many messages it was."""
    return prepared.execute(_PURGE, [limits.COMETD_KEPT, _PURGED_AT_ONCE])
