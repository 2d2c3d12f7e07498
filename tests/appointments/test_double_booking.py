"""Races for an agent's time: one winner, and everybody else is told what is in the way."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client

from agents.models import Application, User
from appointments import services
from appointments.errors import AgentOccupied, AppointmentNotFound, NoAgentFree
from appointments.models import Appointment, Participant, TargetType
from config.kernel.actors import Role
from config.kernel.time import format_instant, parse_duration, parse_zone
from notifications.models import Notification, OutboxEvent
from tests import make
from tests.appointments import ways
from tests.appointments.races import run_together
from tests.contract.client import check
from tests.contract.samples import booking

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db(transaction=True)

ZONE, HALF_HOUR = parse_zone("Europe/Berlin"), parse_duration("PT30M")
MIXED_WRITES = 240


@pytest.fixture
def application() -> Application:
    """An application in which an agent has one appointment at a time."""
    application = make.make_application(prevent_overlaps=True)
    make.make_channel(application, reminder_offsets=["PT1H"])
    return application


def agents_of(application: Application, number: int) -> list[User]:
    return [make.make_user(application.organization) for _ in range(number)]


def sent(path: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
    return Client().post(path, json.dumps(body), content_type="application/json", headers=headers)


def checked(answers: list[Answer | Exception], path: str) -> list[Answer]:
    """Hold every answer against the contract: outside the race, which it would slow down."""
    kept = [answer for answer in answers if not isinstance(answer, Exception)]
    assert kept == answers
    for answer in kept:
        check("POST", path, answer)
    return kept


def overlaps() -> int:
    """Count the pairs of appointments that take up the same agent's time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM appointments_participant one"
            " JOIN appointments_participant other ON one.user_id = other.user_id"
            " AND one.id < other.id AND one.occupies && other.occupies"
        )
        found: int = cursor.fetchone()[0]
    return found


# --- One slot -------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r30")
def test_of_two_hundred_bookings_of_one_slot_one_wins(
    application: Application, now: datetime
) -> None:
    (agent,) = agents_of(application, 1)
    callers = [ways.service(application) for _ in range(200)]
    for days in (1, 2):
        start, end = now + timedelta(days=days), now + timedelta(days=days, minutes=30)
        body = booking(
            application,
            start=format_instant(start),
            targetAssignment={"type": "AGENT", "id": str(agent.id)},
        )

        answers = checked(
            run_together([partial(sent, ways.APPOINTMENTS, body, one.headers) for one in callers]),
            ways.APPOINTMENTS,
        )

        sentence = f"The agent is occupied from {format_instant(start)} to {format_instant(end)}."
        refused = [answer.json() for answer in answers if answer.status_code == 409]
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 199}
        assert refused == 199 * [
            {"code": "AGENT_OCCUPIED", "message": sentence, "errors": {"start": [sentence]}}
        ]
        assert Appointment.objects.count() == OutboxEvent.objects.count() == days
        assert Notification.objects.filter(type="CREATE").count() == days


@pytest.mark.rule("v2.appointments.schedule_as_customer.r35")
def test_of_many_customers_who_want_one_slot_one_wins(application: Application) -> None:
    (agent,) = agents_of(application, 1)
    addresses = [f"customer-{number}@example.org" for number in range(30)]
    callers = [ways.customer(application, address) for address in addresses]
    bodies = [
        booking(
            application,
            customers=[{"contact": {"primaryEmail": address}}],
            targetAssignment={"type": "AGENT", "id": str(agent.id)},
        )
        for address in addresses
    ]

    answers = run_together(
        [
            partial(sent, ways.AS_CUSTOMER, body, caller.headers)
            for caller, body in zip(callers, bodies, strict=True)
        ]
    )

    statuses = Counter(answer.status_code for answer in checked(answers, ways.AS_CUSTOMER))
    assert statuses == {200: 1, 409: 29}
    assert Appointment.objects.count() == 1


@pytest.mark.rule("v2.appointments.schedule_as_customer.r5")
def test_of_many_bookings_with_one_password_one_is_made() -> None:
    application = make.make_application()
    caller, body = ways.customer(application), booking(application)

    answers = run_together(30 * [partial(sent, ways.AS_CUSTOMER, body, caller.headers)])

    statuses = Counter(answer.status_code for answer in checked(answers, ways.AS_CUSTOMER))
    assert statuses == {200: 1, 401: 29}
    assert Appointment.objects.count() == 1


# --- Any agent ------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r27")
@pytest.mark.parametrize("prevents", [True, False])
def test_any_never_takes_the_same_agent_twice(*, prevents: bool) -> None:
    application = make.make_application(prevent_overlaps=prevents)
    agents = agents_of(application, 7)
    caller = ways.service(application)
    body = booking(application, targetAssignment={"type": "ANY"})

    answers = checked(
        run_together(30 * [partial(sent, ways.APPOINTMENTS, body, caller.headers)]),
        ways.APPOINTMENTS,
    )

    assert Counter(answer.status_code for answer in answers) == {200: 7, 409: 23}
    taken = Participant.objects.filter(type="AGENT").values_list("user_id", flat=True)
    assert sorted(taken) == sorted(agent.id for agent in agents)


@pytest.mark.rule("v2.appointments.schedule.r27", "v2.appointments.schedule.r30")
def test_any_and_those_who_are_named_never_get_the_same_agent(application: Application) -> None:
    agents = agents_of(application, 4)
    caller = ways.service(application)
    named = [{"type": "AGENT", "id": str(agent.id)} for agent in agents]
    targets: list[dict[str, str]] = [*3 * named, *12 * [{"type": "ANY"}]]
    bodies = [booking(application, targetAssignment=target) for target in targets]

    answers = checked(
        run_together([partial(sent, ways.APPOINTMENTS, body, caller.headers) for body in bodies]),
        ways.APPOINTMENTS,
    )

    assert Counter(answer.status_code for answer in answers) == {200: 4, 409: 20}
    assert (overlaps(), Participant.objects.filter(type="AGENT").count()) == (0, 4)


# --- Moving and handing over ----------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reschedule.r16")
def test_of_those_who_move_to_one_time_one_wins(application: Application, now: datetime) -> None:
    (agent,) = agents_of(application, 1)
    movers = [
        make.make_appointment(application, agent=agent, start=now + timedelta(days=days))
        for days in range(1, 25)
    ]
    wanted = now + timedelta(days=60)

    outcomes = run_together(
        [
            partial(
                services.reschedule_appointment,
                mover.id,
                start=wanted,
                duration=HALF_HOUR,
                zone=ZONE,
                locale=None,
                actor=make.actor_for(agent),
                now=now,
            )
            for mover in movers
        ]
    )

    assert Counter(type(one).__name__ for one in outcomes) == {"Case": 1, "AgentOccupied": 23}
    assert Appointment.objects.filter(start=wanted).count() == 1
    assert Notification.objects.filter(type="RESCHEDULE").count() == 1
    assert overlaps() == 0


@pytest.mark.rule("v2.appointments.reassign.r14")
def test_of_those_who_hand_over_to_one_agent_one_wins(
    application: Application, now: datetime
) -> None:
    wanted, *others = agents_of(application, 25)
    theirs = [make.make_appointment(application, agent=one) for one in others]

    outcomes = run_together(
        [
            partial(
                services.reassign_appointment,
                one.id,
                user_id=str(wanted.id),
                actor=make.actor_for(other),
                now=now,
            )
            for one, other in zip(theirs, others, strict=True)
        ]
    )

    assert Counter(type(one).__name__ for one in outcomes) == {"Case": 1, "AgentOccupied": 23}
    # Whoever lost still has its own.
    assert Participant.objects.filter(user__in=others).count() == 23
    assert (Participant.objects.filter(user=wanted).count(), overlaps()) == (1, 0)


# --- Everything at once ---------------------------------------------------------------------


def once(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that does not start again, so that a deadlock cannot hide."""
    bare: Callable[..., Any] = command.__wrapped__  # type: ignore[attr-defined]  # functools.wraps
    return bare


def mixed_writes(application: Application, now: datetime) -> list[Callable[[], Any]]:
    """Give bookings, moves, hand-overs and cancellations that meet each other all the time."""
    dice = random.Random(7)
    agents = agents_of(application, 4)
    actor = make.actor_for(make.make_user(application.organization, roles=[Role.SUPERVISOR]))
    slots = [now + timedelta(days=1, minutes=15 * number) for number in range(8)]
    there = [
        make.make_appointment(application, agent=agent, start=start)
        for agent in agents
        for start in slots[::2]
    ]

    def book() -> Callable[[], Any]:
        named = services.Target(type=TargetType.AGENT, id=str(dice.choice(agents).id))
        wanted = services.Booking(
            application_id=str(application.id),
            start=dice.choice(slots),
            duration=HALF_HOUR,
            zone=ZONE,
            locale="en-US",
            target=dice.choice([named, services.Target(type=TargetType.ANY)]),
        )
        return partial(once(services.schedule_appointment), wanted, actor=actor, now=now)

    def move() -> Callable[[], Any]:
        return partial(
            once(services.reschedule_appointment),
            dice.choice(there).id,
            start=dice.choice(slots),
            duration=HALF_HOUR,
            zone=ZONE,
            locale=None,
            actor=actor,
            now=now,
        )

    def hand_over() -> Callable[[], Any]:
        return partial(
            once(services.reassign_appointment),
            dice.choice(there).id,
            user_id=str(dice.choice(agents).id),
            actor=actor,
            now=now,
        )

    def delete() -> Callable[[], Any]:
        return partial(
            once(services.delete_appointment), dice.choice(there).id, actor=actor, now=now
        )

    kinds = [book, move, hand_over, delete]
    return [dice.choices(kinds, weights=[4, 4, 4, 1])[0]() for _ in range(MIXED_WRITES)]


def test_mixed_writes_neither_deadlock_nor_book_twice(
    application: Application, now: datetime
) -> None:
    outcomes = run_together(mixed_writes(application, now))

    failed = [one for one in outcomes if isinstance(one, Exception)]
    refusals = (AgentOccupied, NoAgentFree, AppointmentNotFound)
    assert [one for one in failed if not isinstance(one, refusals)] == []
    # They did meet, and they did not all lose.
    assert {type(one) for one in failed} == set(refusals)
    assert len(failed) < MIXED_WRITES
    assert overlaps() == 0
    assert not Participant.objects.filter(occupies__isnull=False, is_exclusive=False).exists()
