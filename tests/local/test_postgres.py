from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import psycopg
import pytest

from config.local.home import Home
from config.local.leftovers import Roll, is_alive
from config.local.postgres import Postgres
from config.local.refusals import StartRefused
from config.local.supervisor import Supervisor


@contextmanager
def running(postgres: Postgres) -> Iterator[None]:
    roll = Roll(postgres.home.path / "children.json")
    with Supervisor(roll, output=io.StringIO()) as supervisor:
        supervisor.start_and_wait(postgres.program(), is_ready=postgres.is_ready)
        postgres.create_database()
        yield


def answer_of(postgres: Postgres, statement: str) -> object:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else None


def postmaster_of(postgres: Postgres) -> psutil.Process:
    first_line = (postgres.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0]
    return psutil.Process(int(first_line))


@pytest.fixture
def postgres(home: Home) -> Postgres:
    return Postgres.of(home, is_durable=False)


def test_rows_are_there_again_after_a_stop_and_after_a_kill(postgres: Postgres) -> None:
    with running(postgres):
        answer_of(postgres, "CREATE EXTENSION btree_gist")
        answer_of(postgres, "CREATE TABLE kept AS SELECT 42 AS number")
        stopped = postmaster_of(postgres)
    assert not stopped.is_running()

    # A postmaster that ends like this leaves its note behind.
    durable = replace(postgres, is_durable=True)
    with running(durable):
        assert answer_of(durable, "TABLE kept") == [(42,)]
        postmaster_of(durable).kill()
    with running(durable):
        assert answer_of(durable, "TABLE kept") == [(42,)]


def test_a_server_of_a_killed_run_is_ended_before_the_next_one_starts(
    postgres: Postgres, supervisor: Supervisor
) -> None:
    # A supervisor that is no longer looking, on a system where its children outlive it.
    supervisor.start_and_wait(postgres.program(), is_ready=postgres.is_ready)
    orphan = postmaster_of(postgres)

    with running(postgres):
        assert not is_alive(orphan)
        assert postmaster_of(postgres).pid != orphan.pid


def test_the_number_of_a_foreign_process_in_the_old_note_does_not_matter(
    postgres: Postgres,
) -> None:
    postgres.prepare()
    note = postgres.data / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{postgres.data}\n0\n0\n\n\n\nready\n", encoding="ascii")

    postgres.prepare()

    assert psutil.pid_exists(os.getpid())
    assert not note.exists()


def test_a_cluster_that_was_only_half_made_is_made_anew(postgres: Postgres) -> None:
    half = postgres.data.parent / "new-0123abcd"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")

    postgres.prepare()

    assert not half.exists()
    assert (postgres.data / "global" / "pg_control").exists()


def test_data_of_another_version_is_refused_in_one_line(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("14\n", encoding="ascii")

    with pytest.raises(StartRefused, match=r"made by PostgreSQL 14, this is 18") as refusal:
        postgres.prepare()

    assert "\n" not in str(refusal.value)


def test_the_application_is_no_superuser_and_nobody_comes_in_without_the_password(
    postgres: Postgres,
) -> None:
    with running(postgres):
        rights = answer_of(
            postgres, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = user"
        )
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(replace(postgres, password="guessed").url)

    assert rights == [(False, True)]
