"""A few threads for the short questions to the database: no poll holds a connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import connection, connections

P = ParamSpec("P")
R = TypeVar("R")

_COUNT = 4


class Threads:
    """Runs what blocks; each thread keeps its connection."""

    def __init__(self, count: int = _COUNT) -> None:
        self._connections: list[Any] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(
            count, thread_name_prefix="cometd", initializer=self._note_connection
        )

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Give what a function gives, called in one of the threads."""

        def called() -> R:
            # What Django does before a request: a kept connection is asked before it is trusted.
            connection.close_if_unusable_or_obsolete()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, called)

    def end(self) -> None:
        """End the threads and their connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for one in self._connections:
            one.close()

    def _note_connection(self) -> None:
        one = connections[connection.alias]
        # It is closed by another thread in the end, when this one has ended.
        one.inc_thread_sharing()
        with self._lock:
            self._connections.append(one)
