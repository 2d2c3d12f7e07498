"""A kept connection is looked at before it is trusted; migrations have the time they need."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import pytest
from django.db import ProgrammingError, connection

from config.kernel.postgres.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> Iterator[DatabaseWrapper]:
    """Give a connection beside the test's own, to the same database."""
    wrapper = DatabaseWrapper(copy(connection.settings_dict))
    yield wrapper
    wrapper.close()


def server_of(wrapper: DatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_connection_that_stands_is_kept(kept: DatabaseWrapper) -> None:
    before = server_of(kept)

    assert kept.is_usable()
    kept.errors_occurred = True
    kept.close_if_unusable_or_obsolete()
    assert server_of(kept) == before


def test_a_connection_that_the_server_has_ended_is_made_anew(kept: DatabaseWrapper) -> None:
    before = server_of(kept)
    with connection.cursor() as cursor:
        # It waits until the other one is gone.
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
        assert cursor.fetchone() == (True,)

    assert not kept.is_usable()
    # As at the beginning of a request: the connection is looked at when it is used first.
    kept.close_if_unusable_or_obsolete()
    kept.health_check_enabled = True  # type: ignore[attr-defined]  # the stubs do not know it
    assert server_of(kept) != before


def test_a_connection_that_was_closed_is_not_usable(kept: DatabaseWrapper) -> None:
    server_of(kept)
    kept.connection.close()

    assert not kept.is_usable()


def test_a_connection_that_was_never_made_is_not_usable(kept: DatabaseWrapper) -> None:
    assert not kept.is_usable()


# --- Migrations -------------------------------------------------------------------------------


def current_limits() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
        )
        statement, lock = cursor.fetchone()
    return statement, lock


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_atomic", "limits"), [(True, ("0", "2s")), (False, ("0", "0"))])
def test_a_migration_has_time_and_the_limits_of_requests_come_back(
    is_atomic: bool, limits: tuple[str, str]
) -> None:
    before = current_limits()

    with connection.schema_editor(atomic=is_atomic):
        within = current_limits()

    assert (before, within, current_limits()) == (("5s", "2s"), limits, ("5s", "2s"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_atomic", [True, False])
def test_the_limits_come_back_after_a_migration_that_fails(is_atomic: bool) -> None:
    with pytest.raises(ProgrammingError), connection.schema_editor(atomic=is_atomic) as editor:
        editor.execute("ALTER TABLE nowhere ADD COLUMN nothing integer")

    assert current_limits() == ("5s", "2s")


def test_to_show_a_migration_changes_nothing_of_the_connection() -> None:
    with connection.schema_editor(collect_sql=True, atomic=False):
        assert current_limits() == ("5s", "2s")
