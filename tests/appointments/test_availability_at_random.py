"""Free times, held to those that are found minute by minute, for calendars at random."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import Application, User
from appointments.availability import Wanted, explain, free_slots, starting
from appointments.models import Office, Participant, ParticipantRole, State
from config.kernel.time import _ZONES, Duration
from tests import make
from tests.appointments import entries
from tests.appointments.minute_by_minute import free_minutes

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = sorted(_ZONES)
# Clocks that do something strange, so that they are not left to chance.
STRANGE = [
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Apia", "Africa/Cairo", "America/Havana", "Antarctica/Troll", "Africa/Casablanca"),
]

# None: it is ahead, and takes up time.
STATES = [*4 * [None], State.COMPLETED, State.NO_SHOW, State.FAILED, State.CANCELLED]


class Dice:
    """What is thrown for one calendar, by one number."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def zone(self) -> str:
        return self.chance.choice(STRANGE if self.chance.random() < 0.5 else ZONES)

    def length(self, *minutes: int) -> timedelta:
        return self.chance.choice(minutes) * MINUTE

    def wall_time(self) -> time:
        return time(self.chance.randrange(24), self.chance.choice([0, 0, 15, 30, 45, 59]))

    def interval(self) -> tuple[time, time]:
        first, last = sorted([self.wall_time(), self.wall_time()])
        return (first, time(0)) if first == last or self.chance.random() < 0.2 else (first, last)

    def day(self, now: datetime) -> date:
        return (now + self.chance.randint(-1, 14) * DAY).date()

    def now(self) -> datetime:
        """Give a moment within twenty years; half of them near a change of some clock."""
        at = datetime(2016, 1, 1, tzinfo=UTC) + self.chance.random() * 20 * 365 * DAY
        if self.chance.random() < 0.5:
            month = self.chance.choice([3, 4, 10, 11, 12])
            at = at.replace(month=month, day=self.chance.randint(20, 29))
        return at


def make_calendar(dice: Dice, now: datetime) -> Wanted:
    """Make a house with one or two agents, and give what is looked for."""
    chance = dice.chance
    application = make.make_application(
        default_timezone=dice.zone(),
        slot_step=chance.choice([5, 10, 15, 20, 30, 60]),
        minimum_notice=dice.length(0, 0, 59, 26 * 60),
        booking_horizon=dice.length(3 * 24 * 60, 40 * 24 * 60),
        buffer_before=dice.length(0, 0, 10),
        buffer_after=dice.length(0, 0, 7),
    )
    agents = [make_agent(dice, application, now) for _ in range(chance.randint(1, 2))]
    for _ in range(chance.choice([0, 0, 1])):
        make.make_holiday(application.organization, dice.day(now))
    skill = make.make_skill(agents[0]) if chance.random() < 0.3 else None
    first = now + chance.uniform(-1, 2) * DAY
    return Wanted(
        application=application,
        first=first,
        last=first + chance.uniform(0.01, 14) * DAY,
        duration=dice.length(1, 15, 30, 50, 180),
        zone=ZoneInfo(dice.zone()),
        office=make_office(dice, application, now) if chance.random() < 0.4 else None,
        agent_ids=[agents[0].pk] if chance.random() < 0.2 else None,
        skill_ids=[skill.pk] if skill and chance.random() < 0.5 else (),
        language=chance.choice(["", "", "de"]),
        for_customer=chance.random() < 0.7,
    )


def make_agent(dice: Dice, application: Application, now: datetime) -> User:
    """Make an agent with hours, days, absences and appointments."""
    chance = dice.chance
    user = make.make_user(
        application.organization,
        timezone=chance.choice(["", dice.zone()]),
        languages=chance.choice([[], ["de"], ["en", "de"]]),
        daily_maximum=chance.choice([None, None, 1, 2]),
        plans_online=chance.random() < 0.9,
    )
    keeps_hours = chance.random() < 0.8
    for weekday in range(1, 8):
        for _ in range(chance.choice([0, 1, 1, 2]) * keeps_hours):
            begin, end = dice.interval()
            if not user.working_hours.filter(weekday=weekday, starts_at=begin).exists():
                make.make_hours(user, f"{begin:%H:%M}", f"{end:%H:%M}", weekdays=[weekday])
    if chance.random() < 0.3:
        begin, end = dice.interval()
        make.make_working_day(
            user,
            dice.day(now),
            *chance.choice([[], [(f"{begin:%H:%M}", f"{end:%H:%M}")]]),
        )
    if chance.random() < 0.3:
        first = dice.day(now)
        make.make_absence(user, first, first + chance.randint(0, 2) * DAY)
    for _ in range(chance.randint(0, 6)):
        book(dice, application, user, now)
    return user


def book(dice: Dice, application: Application, user: User, now: datetime) -> None:
    """Let the agent have something to do, at any second; it may be over, or a colleague's."""
    start = now + dice.chance.uniform(0, 14) * DAY
    booked = make.make_appointment(
        application,
        agent=user,
        start=start,
        duration=str(Duration.of(dice.length(5, 30, 31, 240), exact=True)),
        booked_at=now,
        state=(state := dice.chance.choice(STATES)),
    )
    given = Participant.objects.filter(appointment=booked, user=user)
    if state is not None:
        given.update(occupies=None)
    if dice.chance.random() < 0.1:
        given.update(occupies=None, role=ParticipantRole.SECONDARY)


def make_office(dice: Dice, application: Application, now: datetime) -> Office:
    """Make an office that may keep hours."""
    office = entries.make_office(application.organization, timezone=dice.zone())
    for weekday in range(1, 8):
        if dice.chance.random() < 0.6:
            begin, end = dice.interval()
            entries.make_office_hours(office, f"{begin:%H:%M}", f"{end:%H:%M}", weekdays=[weekday])
    return office


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_free_times_are_those_that_are_found_minute_by_minute(seed: int) -> None:
    dice = Dice(seed)
    now = dice.now()
    with transaction.atomic():
        wanted = make_calendar(dice, now)

        found = free_slots(wanted, now=now)

        expected = free_minutes(wanted, now=now)
        assert {slot.start: {str(one) for one in slot.agent_ids} for slot in found} == expected
        assert [slot.start for slot in found] == sorted(expected)
        transaction.set_rollback(True)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_what_is_not_offered_has_a_reason_and_what_is_has_none(seed: int) -> None:
    dice = Dice(seed)
    now = dice.now()
    with transaction.atomic():
        wanted = make_calendar(dice, now)
        offered = {slot.start: set(slot.agent_ids) for slot in free_slots(wanted, now=now)}
        begin = wanted.first.replace(second=0, microsecond=0) + MINUTE
        tried = [begin + number * 5 * MINUTE for number in range(0, 2_000, 97)]

        for start in (one for one in tried if one + wanted.duration <= wanted.last):
            verdicts = explain(starting(wanted, start), now=now)

            takers = {one.agent.pk for one in verdicts if one.reason is None}
            assert takers == offered.get(start, set())
        transaction.set_rollback(True)
