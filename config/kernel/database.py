"""PostgreSQL: locks by name, repeated transactions, and what an error says."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.db import Error, IntegrityError, OperationalError, connection
from django.db.transaction import TransactionManagementError

P = ParamSpec("P")
R = TypeVar("R")

_DEADLOCK, _SERIALIZATION_FAILURE = "40P01", "40001"
_REPEATS = 3
_random = random.SystemRandom()

_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
# One message, three statements, each under the limit that stood when it began: lock_timeout ends
# a wait for one lock, statement_timeout would end it earlier and is given back afterwards.
_LOCK_WITHIN = f"""
    SELECT set_config('frontdesk.statement_timeout', current_setting('statement_timeout'), true),
           set_config('statement_timeout', %s, true),
           set_config('lock_timeout', %s, true);
    {_LOCK};
    SELECT set_config('statement_timeout', current_setting('frontdesk.statement_timeout'), true)
"""


def lock_keys(*keys: str, lock_timeout: timedelta | None = None) -> None:
    """Hold the named locks until the transaction ends, taken in an order that cannot deadlock.

    With lock_timeout, that is how long this transaction waits for any one lock, from here on.
    Raises OperationalError when it is over, TransactionManagementError outside a transaction.
    """
    numbers = _numbers(keys)
    if not numbers:
        return
    with connection.cursor() as cursor:
        if lock_timeout is None:
            cursor.execute(_LOCK, [numbers])
        else:
            _lock_within(cursor, keys, lock_timeout)


def try_lock_key(key: str) -> bool:
    """Hold the named lock until the transaction ends, unless somebody else holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", _numbers([key]))
        return bool(cursor.fetchone()[0])


def look_under_lock(
    statement: str, params: Sequence[object], *, keys: Sequence[str], lock_timeout: timedelta
) -> list[tuple[Any, ...]]:
    """Lock as `lock_keys` does, and give what a statement reads then, in one message.

    Each statement of a message sees what was committed when it began: this one sees what those
    who held the locks before have done. Raises as `lock_keys`.
    """
    with connection.cursor() as cursor:
        _lock_within(cursor, keys, lock_timeout, then=f";{statement}", params=params)
        while cursor.nextset():
            pass
        return list(cursor.fetchall())


def _lock_within(
    cursor: Any,
    keys: Sequence[str],
    lock_timeout: timedelta,
    *,
    then: str = "",
    params: Sequence[object] = (),
) -> None:
    numbers = _numbers(keys)
    longest = lock_timeout * len(numbers) + timedelta(seconds=1)
    limits = [_milliseconds(longest), _milliseconds(lock_timeout)]
    cursor.execute(_LOCK_WITHIN + then, [*limits, numbers, *params])


def _numbers(keys: Sequence[str]) -> list[int]:
    if not connection.in_atomic_block:
        raise TransactionManagementError("A lock that ends with the transaction needs one.")
    return sorted({_number(key) for key in keys})


def _milliseconds(length: timedelta) -> str:
    return f"{length // timedelta(milliseconds=1)}ms"


def _number(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def retrying(command: Callable[P, R]) -> Callable[P, R]:
    """Make a command start again, up to three times, when PostgreSQL gave it up for another.

    It stands above `transaction.atomic`; inside an open transaction it leaves the error alone,
    because there only the outermost command can start again.
    """

    @functools.wraps(command)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        for repeat in range(_REPEATS):
            try:
                return command(*args, **kwargs)
            except OperationalError as error:
                lost = sqlstate_of(error) in {_DEADLOCK, _SERIALIZATION_FAILURE}
                if connection.in_atomic_block or not lost:
                    raise
            # Those who collided must not meet again.
            time.sleep(_random.uniform(0.005, 0.02) * 2**repeat)
        return command(*args, **kwargs)

    return repeated


def sqlstate_of(error: BaseException) -> str:
    """Give PostgreSQL's code of an error, or nothing when the server did not send one."""
    cause = _cause(error)
    return (cause.sqlstate or "") if cause else ""


def constraint_of(error: IntegrityError | psycopg.IntegrityError) -> str:
    """Give the name of the violated constraint, or nothing."""
    cause = _cause(error)
    return (cause.diag.constraint_name or "") if cause else ""


def _cause(error: BaseException) -> psycopg.Error | None:
    # Django wraps the driver's errors in its own.
    cause = error.__cause__ if isinstance(error, Error) else error
    return cause if isinstance(cause, psycopg.Error) else None
