"""Whether a kept connection still stands, told without a round trip; migrations take their time."""

from __future__ import annotations

import select
from types import TracebackType
from typing import Self

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor


class _SchemaEditor(DatabaseSchemaEditor):
    """Changes tables of any size.

    The limits of requests do not hold for its statements. But for indexes that are built beside
    the running house, which wait for all who came before, it waits for no lock for long: everybody
    else would queue behind it.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if self.atomic_migration:
            self._run("SET LOCAL statement_timeout = 0")
        else:
            self._run("SET statement_timeout = 0", "SET lock_timeout = 0")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            super().__exit__(exc_type, exc_value, traceback)
        finally:
            if not self.atomic_migration:
                self._run("RESET statement_timeout", "RESET lock_timeout")

    def _run(self, *statements: str) -> None:
        # What only shows the statements of a migration has no business with the connection.
        if not self.collect_sql:
            with self.connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as Django knows it; a health check (CONN_HEALTH_CHECKS) looks at the socket."""

    SchemaEditorClass = _SchemaEditor

    def is_usable(self) -> bool:
        """Tell whether the server has kept the connection.

        A server that is not asked says nothing: what can be read from an idle connection is its
        farewell. `SELECT 1` at each request would cost as much as who is asking.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)
