"""Prepared statements, for what nearly every request asks, in the same words every time.

Building a query costs Django more than running it costs PostgreSQL, and planning one costs
PostgreSQL more than reading a few rows; here both are done once for each connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from psycopg import Cursor

M = TypeVar("M", bound=Model)
Parameters = Mapping[str, object] | Sequence[object]


def fetch(statement: str, params: Parameters, *, binary: bool = True) -> list[tuple[Any, ...]]:
    """Run a statement as a prepared one and give its rows."""
    with _running(statement, params, binary=binary) as cursor:
        return cursor.fetchall()


def execute(statement: str, params: Parameters) -> int:
    """Run a statement as a prepared one and give how many rows it wrote."""
    with _running(statement, params) as cursor:
        return cursor.rowcount


@contextmanager
def _running(
    statement: str, params: Parameters, *, binary: bool = False
) -> Iterator[Cursor[tuple[Any, ...]]]:
    connection.ensure_connection()
    # Django switches preparing off for its own cursors, which never prepare anyway.
    connection.connection.prepare_threshold = 0
    if connection.queries_logged:
        connection.queries_log.append({"sql": statement, "time": "-"})
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(statement, params, prepare=True, binary=binary)
        yield cursor


def insert(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in one statement; nothing is read back."""
    if not rows:
        return
    fields = _columns_of(type(rows[0]))
    # The thread's own, and not the proxy that looks for it each time.
    database = connections[DEFAULT_DB_ALIAS]
    execute(
        _insertion(type(rows[0]), len(rows)),
        [
            field.get_db_prep_save(field.pre_save(row, add=True), database)
            for row in rows
            for field in fields
        ],
    )
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


@cache
def _columns_of(model: type[Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


# As many kinds of statements as appointments have numbers of participants.
@lru_cache(maxsize=256)
def _insertion(model: type[Model], count: int) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in _columns_of(model))
    row = f"({', '.join(['%s'] * len(_columns_of(model)))})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES {rows}"  # noqa: S608  # our names


class Kept(Generic[M]):
    """A queryset that is compiled once: `Kept(lambda key: User.objects.filter(pk=key), PLACE)`.

    Each place is a value of its own that stands where an argument is to go.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *places: object) -> None:
        self._build = build
        self._places = places

    def fetch(self, *values: object) -> list[M]:
        """Give the rows as the queryset would, with these values in their places."""
        params = [values[place] if isinstance(place, int) else place[0] for place in self._order]
        rows = fetch(self._sql, params, binary=False)
        return [self._instance(row) for row in self._compiler.results_iter([rows])]

    def first(self, *values: object) -> M | None:
        """Give the first row, or None."""
        return next(iter(self.fetch(*values)), None)

    @cached_property
    def _compiler(self) -> Any:
        compiler = self._build(*self._places).query.get_compiler(DEFAULT_DB_ALIAS)
        compiler.kept = compiler.as_sql()
        return compiler

    @cached_property
    def _sql(self) -> str:
        return str(self._compiler.kept[0])

    @cached_property
    def _order(self) -> list[int | tuple[object]]:
        """For each parameter the number of its place, or the constant that it is."""
        return [
            self._places.index(param) if param in self._places else (param,)
            for param in self._compiler.kept[1]
        ]

    @cached_property
    def _populators(self) -> list[Any]:
        compiler = self._compiler
        return list(
            get_related_populators(  # type: ignore[call-arg]  # the stubs know a later Django
                compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS
            )
        )

    @cached_property
    def _fields(self) -> tuple[Any, int, int, list[str]]:
        info, select = self._compiler.klass_info, self._compiler.select
        first, last = info["select_fields"][0], info["select_fields"][-1] + 1
        return info["model"], first, last, [one[0].target.attname for one in select[first:last]]

    def _instance(self, row: Sequence[Any]) -> M:
        model, first, last, names = self._fields
        found: M = model.from_db(DEFAULT_DB_ALIAS, names, row[first:last])
        for populator in self._populators:
            populator.populate(row, found)
        return found
