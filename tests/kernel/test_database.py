from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from config.kernel.database import (
    constraint_of,
    lock_keys,
    look_under_lock,
    retrying,
    sqlstate_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import DjangoAssertNumQueries

SOON = timedelta(milliseconds=100)


def in_thread(work: Callable[[], object]) -> object:
    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(run).result(20)


def fail_with(state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def try_lock(key: str) -> str:
    try:
        with transaction.atomic():
            lock_keys(key, lock_timeout=SOON)
    except OperationalError as error:
        return sqlstate_of(error)
    return "held"


@pytest.mark.django_db(transaction=True)
def test_a_lock_keeps_others_out_until_the_transaction_ends() -> None:
    with transaction.atomic():
        lock_keys("agent:1", "agent:2")

        assert in_thread(lambda: try_lock("agent:2")) == "55P03"
        assert in_thread(lambda: try_lock("agent:3")) == "held"

    assert in_thread(lambda: try_lock("agent:2")) == "held"


@pytest.mark.django_db
def test_all_locks_take_one_round_trip(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        lock_keys("b", "a", "b")
    with django_assert_num_queries(1):
        lock_keys("b", "a", lock_timeout=SOON)
    with django_assert_num_queries(0):
        lock_keys()


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_a_wait_holds_for_the_transaction_and_statements_keep_theirs() -> None:
    usual = setting("lock_timeout"), setting("statement_timeout")

    with transaction.atomic():
        lock_keys("a", lock_timeout=timedelta(seconds=10))

        assert (setting("lock_timeout"), setting("statement_timeout")) == ("10s", usual[1])

    assert (setting("lock_timeout"), setting("statement_timeout")) == usual


@pytest.mark.django_db(transaction=True)
def test_a_wait_may_be_longer_than_a_statement() -> None:
    entered = threading.Event()

    def wait_for_the_lock() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '50ms'")
        with transaction.atomic():
            entered.set()
            lock_keys("agent:1", lock_timeout=timedelta(milliseconds=300))
        return "held"

    with transaction.atomic():
        lock_keys("agent:1")

        with pytest.raises(OperationalError) as refusal:
            in_thread(wait_for_the_lock)

    assert entered.is_set()
    # The limit of the wait ended it, not that of the statement (57014).
    assert sqlstate_of(refusal.value) == "55P03"


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_would_hold_nothing() -> None:
    with pytest.raises(TransactionManagementError):
        lock_keys("a")


@pytest.mark.django_db(transaction=True)
def test_locks_in_opposite_orders_do_not_deadlock() -> None:
    together = threading.Barrier(2)

    def take(first: str, second: str) -> None:
        together.wait(10)
        for _ in range(20):
            with transaction.atomic():
                lock_keys(first, second)

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(in_thread, lambda: take("b", "a"))
        take("a", "b")

    assert other.result(20) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_command_that_lost_is_repeated(state: str) -> None:
    runs: list[int] = []

    @retrying
    @transaction.atomic
    def command(first: int, *, second: int) -> int:
        runs.append(first)
        if len(runs) <= 3:
            fail_with(state)
        return first + second

    assert command(1, second=2) == 3
    assert len(runs) == 4


@pytest.mark.django_db(transaction=True)
def test_the_fourth_loss_is_the_callers() -> None:
    runs: list[int] = []

    @retrying
    @transaction.atomic
    def command() -> None:
        runs.append(1)
        fail_with("40001")

    with pytest.raises(OperationalError):
        command()
    assert len(runs) == 4


@pytest.mark.django_db(transaction=True)
def test_another_error_is_not_repeated() -> None:
    runs: list[int] = []

    @retrying
    @transaction.atomic
    def command() -> None:
        runs.append(1)
        fail_with("55P03")

    with pytest.raises(OperationalError):
        command()
    assert len(runs) == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_only_the_outermost_command_starts_again() -> None:
    runs: list[str] = []

    @retrying
    @transaction.atomic
    def inner() -> None:
        runs.append("inner")
        if len(runs) < 4:
            fail_with("40P01")

    @retrying
    @transaction.atomic
    def outer() -> None:
        runs.append("outer")
        inner()

    outer()

    assert runs == ["outer", "inner", "outer", "inner"]


@pytest.mark.django_db(transaction=True)
def test_of_two_commands_in_a_deadlock_both_succeed() -> None:
    together = threading.Barrier(2)
    losses: list[str] = []

    def take(first: int, second: int) -> str:
        runs: list[int] = []

        @retrying
        @transaction.atomic
        def command() -> None:
            runs.append(1)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [first])
                if len(runs) == 1:
                    together.wait(10)
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [second])

        command()
        losses.extend(["lost"] * (len(runs) - 1))
        return "done"

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(in_thread, lambda: take(2, 1))
        assert take(1, 2) == "done"

    assert other.result(20) == "done"
    assert losses == ["lost"]


@pytest.mark.django_db
def test_an_error_tells_its_constraint_and_its_code() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE slots (n int CONSTRAINT slot_is_free UNIQUE)")
        cursor.execute("INSERT INTO slots VALUES (1)")

        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            cursor.execute("INSERT INTO slots VALUES (1)")

    assert constraint_of(refusal.value) == "slot_is_free"
    assert sqlstate_of(refusal.value) == "23505"
    assert isinstance(refusal.value.__cause__, psycopg.IntegrityError)
    assert constraint_of(refusal.value.__cause__) == "slot_is_free"


def test_an_error_that_did_not_come_from_the_server_has_neither() -> None:
    assert constraint_of(IntegrityError("x")) == ""
    assert sqlstate_of(psycopg.OperationalError("x")) == ""
    assert sqlstate_of(ValueError("x")) == ""


@pytest.mark.django_db(transaction=True)
def test_what_is_looked_at_under_a_lock_is_what_its_last_holder_left() -> None:
    taken, looking = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_keys("agent:1")
            taken.set()
            looking.wait(10)
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE left_behind AS SELECT 42 AS number")

    statement = "SELECT count(*) FROM pg_class WHERE relname = %s"
    with ThreadPoolExecutor(1) as threads:
        holder = threads.submit(lambda: in_thread(hold))
        assert taken.wait(10)
        before = setting("statement_timeout")
        with transaction.atomic():
            looking.set()
            found = look_under_lock(
                statement, ["left_behind"], keys=["agent:1"], lock_timeout=timedelta(seconds=10)
            )
            assert setting("statement_timeout") == before
        holder.result(10)

    assert found == [(1,)]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE left_behind")
