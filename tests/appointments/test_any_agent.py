"""Whom ANY takes: while the office is open, within the daily maximum, waiting as all others do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from agents.models import Application, User
from appointments import services
from appointments.errors import NoAgentFree
from appointments.models import Participant, TargetType
from appointments.services.occupancy import _key_of, lock_agents
from config.kernel.actors import Role
from config.kernel.database import _number
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments import entries
from tests.appointments.races import run_together
from tests.appointments.test_availability import MONDAY, NOW

HOUR = timedelta(hours=1)
BERLIN = parse_zone("Europe/Berlin")
# Nine and three o'clock in Berlin, on the Monday.
NINE = datetime(2027, 1, 11, 8, tzinfo=UTC)
THREE = NINE + 6 * HOUR
TRY_LOCK, LOCK = "pg_try_advisory_xact_lock", "pg_advisory_xact_lock"


@pytest.fixture
def application() -> Application:
    """An application in which an agent has one appointment at a time."""
    return make.make_application(prevent_overlaps=True, default_timezone="Europe/Berlin")


def book(
    application: Application, start: datetime, *, agent: User | None = None, **about: Any
) -> User:
    """Book half an hour of an agent's time, or of anybody's, and give whose it is."""
    actor = make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))
    target = services.Target(
        type=TargetType.AGENT if agent else TargetType.ANY, id=str(agent.pk) if agent else ""
    )
    booking = services.Booking(
        application_id=str(application.pk),
        zone=BERLIN,
        locale="en-GB",
        start=start,
        duration=parse_duration("PT30M"),
        target=target,
        about=about,
    )
    user = services.schedule_appointment(booking, actor=actor, now=NOW).agents[0].user
    assert user
    return user


# --- The office -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_any_takes_nobody_while_the_office_is_closed(application: Application) -> None:
    agent = make.make_user(application.organization)
    office = entries.make_office(application.organization)
    entries.make_office_hours(office, "09:00", "10:00", weekdays=[1])

    with pytest.raises(NoAgentFree):
        book(application, THREE, office=str(office.pk))

    assert book(application, NINE, office=str(office.pk)) == agent
    assert book(application, THREE) == agent


@pytest.mark.django_db
def test_any_takes_nobody_on_a_day_on_which_the_office_is_closed(
    application: Application,
) -> None:
    make.make_user(application.organization)
    office = entries.make_office(application.organization)
    entries.make_office_day(office, MONDAY)

    with pytest.raises(NoAgentFree):
        book(application, NINE, office=str(office.pk))


@pytest.mark.django_db
def test_a_time_that_is_chosen_for_any_holds_to_the_office_too(application: Application) -> None:
    make.make_user(application.organization)
    office = entries.make_office(application.organization)
    entries.make_office_hours(office, "09:00", "10:00", weekdays=[1])
    actor = make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))
    invite = services.Draft(
        application_id=str(application.pk),
        zone=BERLIN,
        locale="en-GB",
        customers=(make.make_customer(),),
        target=services.Target(type=TargetType.ANY),
        about={"office": str(office.pk)},
    )
    invited = services.invite_customers(invite, actor=actor, now=NOW).appointment
    choose = partial(
        services.choose_time, invited.pk, duration=None, zone=None, actor=actor, now=NOW
    )

    with pytest.raises(NoAgentFree):
        choose(start=THREE)

    assert len(choose(start=NINE).agents) == 1


# --- What it costs ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize(("maximum", "more"), [(None, 10), (5, 12)])
def test_any_takes_as_many_statements_however_many_there_are(
    application: Application, others: int, maximum: int | None, more: int
) -> None:
    agent, *_ = (
        make.make_user(application.organization, daily_maximum=maximum) for _ in range(others + 1)
    )
    make.make_hours(agent, "00:00", "00:00", weekdays=range(1, 8))
    # What is built once and kept is built by the first.
    book(application, NINE, agent=agent)
    book(application, NINE + HOUR, agent=agent)

    with CaptureQueriesContext(connection) as by_name:
        book(application, NINE + 2 * HOUR, agent=agent)
    with CaptureQueriesContext(connection) as anybody:
        book(application, THREE)

    # In place of the row of the target: a lock; agents, hours, days, holidays, absences, skills
    # and what is booked; whose turn it is; its lock, and what is booked by now. Of who has a
    # maximum, twice how many it has.
    assert count(anybody) - count(by_name) == more


def count(taken: CaptureQueriesContext) -> int:
    return len([one for one in taken if "SAVEPOINT" not in one["sql"]])


# --- Races --------------------------------------------------------------------------------------


@contextmanager
def before(statement: str, then: Callable[[], object]) -> Iterator[None]:
    """Do something once, just before this thread's connection is sent a statement."""
    waiting = [then]

    def wrapper(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if statement in sql and waiting:
            waiting.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


@contextmanager
def after(statement: str, then: Callable[[], object], *, times: int = 1) -> Iterator[None]:
    """Do something once this thread's connection was sent a statement so many times."""
    sent: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if statement in sql:
            sent.append(sql)
            if len(sent) == times:
                then()
        return answer

    with connection.execute_wrapper(wrapper):
        yield


def elsewhere(command: Callable[[], object]) -> None:
    """Carry out a command to its end, on another connection."""
    (outcome,) = run_together([command])
    assert not isinstance(outcome, Exception), outcome


def wait_for(event: threading.Event) -> None:
    assert event.wait(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_who_is_given_something_before_its_lock_is_looked_at_anew(
    application: Application,
) -> None:
    full, other = two_agents(application, daily_maximum=1)

    # The other time of the day is free, but the day is full.
    with before(TRY_LOCK, lambda: elsewhere(partial(book, application, NINE, agent=full))):
        taken = book(application, THREE)

    assert taken == other


@pytest.mark.django_db(transaction=True)
def test_who_is_given_something_while_its_lock_is_waited_for_is_looked_at_anew(
    application: Application,
) -> None:
    agent = make.make_user(application.organization, daily_maximum=1)
    held, tried = threading.Event(), threading.Event()

    def by_name() -> User:
        def let_the_other_try() -> None:
            held.set()
            wait_for(tried)

        with after(f"SELECT {LOCK}", let_the_other_try):
            return book(application, NINE, agent=agent)

    def anybody() -> User:
        wait_for(held)
        with after(TRY_LOCK, tried.set):
            return book(application, THREE)

    first, second = run_together([by_name, anybody])

    assert first == agent
    assert isinstance(second, NoAgentFree)
    assert Participant.objects.filter(user=agent).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_waits_holds_nobody_who_turned_out_to_be_busy(application: Application) -> None:
    busy, wanted = two_agents(application)
    held, tried = threading.Event(), threading.Event()

    def holder() -> None:
        with transaction.atomic():
            lock_agents([wanted.pk])
            held.set()
            wait_for(tried)
            # Whoever waits for `wanted` and keeps `busy` would wait for ever.
            lock_agents([busy.pk])

    def anybody() -> User:
        wait_for(held)
        by_name = partial(book, application, NINE, agent=busy)
        with (
            before(TRY_LOCK, lambda: elsewhere(by_name)),
            after(TRY_LOCK, tried.set, times=2),
            # Otherwise the command would begin again, and nobody see that it had failed.
            transaction.atomic(),
        ):
            return book(application, NINE)

    commands: list[Callable[[], object]] = [holder, anybody]
    assert run_together(commands) == [None, wanted]


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_several_waits_in_the_order_of_all_others(application: Application) -> None:
    first, second = two_agents_who_are_locked_in_another_order(application)
    held = [threading.Event(), threading.Event()]
    tried, may_lock = threading.Event(), threading.Event()

    def in_order() -> None:
        with transaction.atomic():
            lock_agents([first.pk])
            held[0].set()
            wait_for(may_lock)
            until_somebody_waits()
            lock_agents([second.pk])

    def by_name() -> User:
        def let_the_others_try() -> None:
            held[1].set()
            wait_for(tried)
            until_somebody_waits()
            may_lock.set()

        with after(f"SELECT {LOCK}", let_the_others_try):
            return book(application, NINE, agent=second)

    def anybody() -> User:
        for event in held:
            wait_for(event)
        with after(TRY_LOCK, tried.set, times=2), transaction.atomic():
            return book(application, NINE)

    commands: list[Callable[[], object]] = [in_order, by_name, anybody]
    assert run_together(commands) == [None, second, first]


def two_agents(application: Application, **facts: Any) -> tuple[User, User]:
    """Give two agents, the one first whose turn it is."""
    one, other = (make.make_user(application.organization, **facts) for _ in range(2))
    return (one, other) if one.pk < other.pk else (other, one)


def two_agents_who_are_locked_in_another_order(application: Application) -> tuple[User, User]:
    """Give two agents in the order of their locks, which is not that of their keys."""
    while True:
        pair = [make.make_user(application.organization) for _ in range(2)]
        one, other = sorted(pair, key=lambda user: _number(_key_of(user.pk)))
        if other.pk < one.pk:
            return one, other
        User.objects.filter(pk__in=[one.pk, other.pk]).update(is_active=False)


def until_somebody_waits() -> None:
    """Return as soon as a connection waits for a lock of this kind."""
    with connection.cursor() as cursor:
        for _ in range(3_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("Nobody waits.")
