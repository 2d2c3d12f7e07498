"""The statements that PostgreSQL gets, counted where they are sent, and what each costs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from unittest.mock import patch

import psycopg
from django.db import connection


@dataclass(frozen=True)
class Statement:
    """A statement with its parameters."""

    text: str
    params: Any


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a statement costs in PostgreSQL."""

    milliseconds: float
    blocks: int


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Record every statement of this process, past Django or through it."""
    found: list[Statement] = []
    execute = psycopg.Cursor.execute

    def recording(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        found.append(Statement(str(query), params))
        return execute(self, query, params, **options)

    with patch.object(psycopg.Cursor, "execute", recording):
        yield found


def cost_of(statement: Statement, *, rounds: int = 15) -> Cost:
    """Give the median time of a statement inside PostgreSQL, and the blocks it reads."""
    connection.ensure_connection()
    times, blocks = [], 0
    with psycopg.ClientCursor(connection.connection) as cursor:
        for _ in range(rounds):
            cursor.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement.text}",
                statement.params,
            )
            row = cursor.fetchone()
            assert row is not None
            plan = row[0][0]
            times.append(plan["Execution Time"])
            blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return Cost(milliseconds=median(times), blocks=blocks)
