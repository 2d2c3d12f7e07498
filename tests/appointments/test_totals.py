"""What triggers derive: day totals and involvements agree with the rows, whatever wrote them."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing, suppress
from copy import copy
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from appointments import services
from appointments.models import (
    Appointment,
    DayTotal,
    Involvement,
    OrganizerType,
    Participant,
    ParticipantType,
    State,
    TargetType,
)
from config.kernel.actors import Role
from config.kernel.errors import DomainError
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments.races import run_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import ApiClient, Application, User
    from config.kernel.actors import Actor

pytestmark = pytest.mark.django_db

BERLIN = parse_zone("Europe/Berlin")
# Around midnight in UTC, in the two nights in which Berlin's clocks change.
STARTS = [
    datetime(2027, month, day, hour, minute, tzinfo=UTC)
    for month, day in ((3, 27), (3, 28), (10, 30), (10, 31))
    for hour, minute in ((0, 0), (0, 30), (12, 0), (23, 30), (23, 59))
]
ZERO = Q(total=0)
# In one moment: the applications whose sum is not the number of their appointments.
BOTH = """
    SELECT application_id, sum(change) FROM (
        SELECT application_id, change FROM appointments_daytotal WHERE agent_id IS NULL
        UNION ALL
        SELECT application_id, -1 FROM appointments_appointment
        WHERE start IS NOT NULL AND state <> 'CANCELLED'
    ) AS changes
    GROUP BY application_id HAVING sum(change) <> 0
"""
Place = tuple[UUID, UUID | None, date]


def involved() -> set[tuple[UUID, UUID, bool, bool, datetime | None]]:
    """Derive from the rows whose each appointment is, as what, and when it is in lists."""
    found = set()
    for one in Appointment.objects.prefetch_related("participants"):
        organizers = {one.organizer_id} if one.organizer_type == OrganizerType.AGENT else set()
        assigned = {
            str(each.user_id)
            for each in one.participants.all()
            if each.type == ParticipantType.AGENT
        }
        if one.target_type == TargetType.AGENT:
            assigned.add(one.target_id)
        start = one.start if one.state != State.CANCELLED else None
        for agent in organizers | assigned:
            found.add((one.id, UUID(agent), agent in organizers, agent in assigned, start))
    return found


def counted() -> Counter[Place]:
    """Count from the rows how many appointments each day has, in all and for each agent."""
    applications = dict(Appointment.objects.values_list("id", "application_id"))
    totals: Counter[Place] = Counter()
    for one in Appointment.objects.listed():
        assert one.start is not None
        totals[one.application_id, None, one.start.astimezone(UTC).date()] += 1
    for appointment_id, agent_id, _, _, start in involved():
        if start is not None:
            totals[applications[appointment_id], agent_id, start.astimezone(UTC).date()] += 1
    return totals


def check() -> None:
    """Compare what triggers have written with what the rows say. Raises AssertionError."""
    sums = (
        DayTotal.objects.values_list("application_id", "agent_id", "day")
        .annotate(total=Sum("change"))
        .filter(~ZERO)
    )
    assert {(a, b, day): total for a, b, day, total in sums} == dict(counted())
    columns = ("appointment_id", "agent_id", "is_organizer", "is_assigned", "start")
    assert set(Involvement.objects.values_list(*columns)) == involved()


class Office:
    """Somebody who does at random everything that can be done with appointments."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        first = make.make_application()
        organization = first.organization
        self.applications: list[Application] = [first, make.make_application(organization)]
        self.agents: list[User] = [make.make_user(organization) for _ in range(3)]
        self.service = make.make_api_client(organization)[0]
        supervisor = make.make_user(organization, [Role.SUPERVISOR])
        self.actor: Actor = make.actor_for(supervisor)

    def act(self) -> None:
        """Do one thing; what is refused is none."""
        commands: list[Callable[[UUID], object]] = [
            self._move, self._cancel, self._delete, self._reassign, self._remove, self._add,
        ]  # fmt: skip
        keys = list(
            Appointment.objects.visible_to(self.actor).order_by("id").values_list("id", flat=True)
        )
        if not keys or self.chance.random() < 0.4:
            self.book()
            return
        with suppress(DomainError):
            self.chance.choice(commands)(self.chance.choice(keys))

    def book(self) -> Appointment:
        """Book for an agent, a queue or nobody, by an agent or a service."""
        organizers: list[User | ApiClient] = [*self.agents, self.service]
        target = self.chance.choice(
            [
                None,
                services.Target(type=TargetType.QUEUE, id="Loans"),
                services.Target(type=TargetType.AGENT, id=self._agent()),
            ]
        )
        return make.make_appointment(
            self.chance.choice(self.applications),
            organizer=self.chance.choice(organizers),
            start=self.chance.choice(STARTS),
            target=target,
        )

    def _agent(self) -> str:
        return str(self.chance.choice(self.agents).id)

    def _move(self, key: UUID) -> None:
        services.reschedule_appointment(
            key, start=self.chance.choice(STARTS), duration=parse_duration("P1D"), zone=BERLIN,
            locale=None, actor=self.actor, now=timezone.now(),
        )  # fmt: skip

    def _cancel(self, key: UUID) -> None:
        services.cancel_appointment(key, actor=self.actor, now=timezone.now())

    def _delete(self, key: UUID) -> None:
        services.delete_appointment(key, actor=self.actor, now=timezone.now())

    def _reassign(self, key: UUID) -> None:
        services.reassign_appointment(
            key, user_id=self._agent(), actor=self.actor, now=timezone.now()
        )

    def _add(self, key: UUID) -> None:
        services.add_agent(key, user_id=self._agent(), actor=self.actor, now=timezone.now())

    def _remove(self, key: UUID) -> None:
        services.remove_participant(
            key, participant_id=self._agent(), actor=self.actor, now=timezone.now()
        )


@pytest.mark.parametrize("compacts", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_after_anything_that_is_done_totals_and_involvements_agree_with_the_rows(
    seed: int, compacts: bool
) -> None:
    office, other = Office(seed), Office(seed + 100)

    for number in range(60):
        office.act()
        if number % 10 == 0:
            other.act()
            if compacts:
                services.compact_totals()
            check()

    check()
    assert Appointment.objects.listed().count() > 5


def test_each_thing_that_is_done_changes_the_days_it_concerns() -> None:
    office = Office(1)
    agent = office.agents[0]
    booked = make.make_appointment(office.applications[0], agent=agent, start=STARTS[4])

    def totals() -> dict[str, int]:
        rows = DayTotal.objects.filter(agent_id=None).values_list("day").annotate(Sum("change"))
        return {str(day): total for day, total in rows if total}

    found = [totals()]
    services.reschedule_appointment(
        booked.id, start=STARTS[5], duration=parse_duration("PT1H"), zone=BERLIN, locale=None,
        actor=office.actor, now=timezone.now(),
    )  # fmt: skip
    found.append(totals())
    services.cancel_appointment(booked.id, actor=office.actor, now=timezone.now())
    found.append(totals())
    services.delete_appointment(booked.id, actor=office.actor, now=timezone.now())
    found.append(totals())

    # A minute before midnight, and at midnight, in UTC.
    assert found == [{"2027-03-27": 1}, {"2027-03-28": 1}, {}, {}]


def test_writing_in_bulk_past_the_services_counts_too() -> None:
    office = Office(2)
    booked = [office.book() for _ in range(12)]
    rows = Appointment.objects.order_by("id")
    check()

    rows.filter(id__in=[one.id for one in booked[:4]]).update(state=State.CANCELLED)
    check()
    rows.filter(id__in=[one.id for one in booked[2:8]]).update(
        start=F("start") + timedelta(days=1), end=F("end") + timedelta(days=1)
    )
    check()
    rows.filter(id=booked[5].id).update(
        start=None, end=None, duration=None, request_status="OUTGOING_INVITE"
    )
    check()
    rows.update(state=State.ACTIVATED, target_type="", target_id="")
    check()
    rows.update(organizer_id=str(office.agents[1].id))
    check()
    Participant.objects.filter(appointment_id__in=[one.id for one in booked[:6]]).delete()
    check()
    rows.filter(id__in=[one.id for one in booked[3:9]]).delete()
    check()

    assert rows.count() == 6


def test_what_is_rolled_back_was_never_counted() -> None:
    office = Office(3)
    office.book()

    with transaction.atomic():
        office.book()
        transaction.set_rollback(True)

    check()
    assert Appointment.objects.count() == 1


def test_compacting_leaves_one_row_a_day_and_tells_how_many_changes_there_were() -> None:
    application = make.make_application()
    agent = make.make_user(application.organization)
    for start in (STARTS[0], STARTS[0], STARTS[0], STARTS[7]):
        make.make_appointment(application, agent=agent, start=start)
    gone = make.make_appointment(application, agent=agent, start=STARTS[12])
    services.delete_appointment(gone.id, actor=make.actor_for(agent), now=timezone.now())
    before = DayTotal.objects.count()

    added_up = services.compact_totals()

    rows = DayTotal.objects.order_by("day", F("agent_id").asc(nulls_first=True))
    assert [(str(one.day), one.agent_id, one.change) for one in rows] == [
        ("2027-03-27", None, 3),
        ("2027-03-27", agent.id, 3),
        ("2027-03-28", None, 1),
        ("2027-03-28", agent.id, 1),
    ]
    assert added_up == before
    assert services.compact_totals() == 0
    check()


@pytest.mark.django_db(transaction=True)
def test_compacting_does_not_wait_for_rows_that_somebody_else_holds() -> None:
    office = Office(5)
    for start in (STARTS[0], STARTS[0], STARTS[7], STARTS[7]):
        make.make_appointment(office.applications[0], agent=office.agents[0], start=start)
    somebody = connection.copy()

    with closing(somebody), somebody.cursor() as cursor:
        somebody.set_autocommit(False)
        cursor.execute(
            "SELECT FROM appointments_daytotal WHERE day = %s FOR UPDATE", ["2027-03-27"]
        )
        added_up = services.compact_totals()
        somebody.rollback()

    # Two changes of the day, and two of the agent's day; the other day's are added up later.
    assert added_up == 4
    assert services.compact_totals() == 4
    check()


@pytest.mark.django_db(transaction=True)
def test_writers_readers_and_compacting_at_once_do_not_disturb_each_other() -> None:
    office = Office(4)
    for _ in range(10):
        office.book()
    seeds = iter(range(200))

    def write() -> str:
        writer = copy(office)
        writer.chance = random.Random(next(seeds))
        for _ in range(15):
            writer.act()
        return "written"

    def compact() -> str:
        for _ in range(20):
            services.compact_totals()
        return "compacted"

    def read() -> str:
        with connection.cursor() as cursor:
            for _ in range(40):
                cursor.execute(BOTH)
                assert cursor.fetchall() == []
        return "read"

    outcomes = run_together([write, write, compact, write, read, compact, write])

    assert outcomes == [
        "written",
        "written",
        "compacted",
        "written",
        "read",
        "compacted",
        "written",
    ]
    check()
    services.compact_totals()
    check()
