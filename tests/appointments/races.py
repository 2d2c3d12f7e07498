"""Races: many at once, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

# Left to whatever else uses the server at the same time.
_OTHERS = 60


def run_together(commands: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all commands at the same moment and give what became of each, in their order.

    Where the server allows fewer connections than there are commands, the last ones follow as
    soon as the first are through.
    """
    threads = min(len(commands), _connections_to_spare())
    together = threading.Barrier(threads)

    def start() -> None:
        connection.ensure_connection()
        together.wait(timeout=60)

    def outcome(command: Callable[[], T]) -> T | Exception:
        try:
            return command()
        except Exception as error:  # noqa: BLE001  # what became of it is for the test to judge
            return error

    def close(_: object) -> None:
        together.wait(timeout=60)
        connection.close()

    # Each thread waits in `start` for all the others, so each takes one; so it is with `close`.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: start(), range(threads)))
        outcomes = list(pool.map(outcome, commands))
        list(pool.map(close, range(threads)))
    return outcomes


def _connections_to_spare() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity"
        )
        free: int = cursor.fetchone()[0]
    return max(free - _OTHERS, 8)
