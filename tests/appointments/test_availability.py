"""Free times: each condition by itself, and who is asked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Application, User
from appointments import services
from appointments.availability import Reason, Wanted, explain, free_agents, free_slots, starting
from appointments.models import (
    Appointment,
    Participant,
    ParticipantState,
    State,
    TargetType,
)
from config.kernel.actors import Actor, Role
from config.kernel.time import parse_duration, parse_zone
from tests import make
from tests.appointments import entries
from tests.appointments.races import run_together

pytestmark = pytest.mark.django_db

BERLIN = parse_zone("Europe/Berlin")
# A Monday in winter, seven in the morning.
NOW = datetime(2027, 1, 11, 6, 0, tzinfo=UTC)
MONDAY = date(2027, 1, 11)
HOUR = timedelta(hours=1)


@pytest.fixture
def application() -> Application:
    return make.make_application(
        default_timezone="Europe/Berlin", slot_step=60, booking_horizon=timedelta(days=400)
    )


@pytest.fixture
def agent(application: Application) -> User:
    """Give an agent who works on Mondays from nine to noon."""
    user = make.make_user(application.organization, languages=["de"])
    make.make_hours(user, "09:00", "12:00", weekdays=[1])
    return user


def on(day: date, application: Application, **facts: Any) -> Wanted:
    """Look for an hour on one day in Berlin."""
    begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
    given: dict[str, Any] = {
        "duration": HOUR,
        "zone": BERLIN,
        "last": begin + timedelta(days=1),
    } | facts
    return Wanted(application=application, first=begin, **given)


def times(wanted: Wanted, *, now: datetime = NOW) -> list[str]:
    """Give the free times on the clock of Berlin."""
    slots = free_slots(wanted, now=now)
    return [f"{slot.start.astimezone(BERLIN):%H:%M}" for slot in slots]


def reason(wanted: Wanted, hour: int, *, now: datetime = NOW, minute: int = 0) -> Reason | None:
    """Say of the first agent why a time of the day is not free."""
    at = wanted.first.replace(hour=hour, minute=minute)
    return explain(starting(wanted, at.astimezone(UTC)), now=now)[0].reason


# --- Hours ------------------------------------------------------------------------------------


def test_a_slot_lies_within_the_hours(application: Application, agent: User) -> None:
    day = on(MONDAY, application)

    assert times(day) == ["09:00", "10:00", "11:00"]
    assert free_slots(day, now=NOW)[0].agent_ids == (agent.pk,)
    assert [reason(day, hour) for hour in (8, 9, 12)] == [
        Reason.NOT_WORKING,
        None,
        Reason.NOT_WORKING,
    ]


def test_a_day_has_several_intervals_and_those_that_meet_are_one(
    application: Application, agent: User
) -> None:
    make.make_hours(agent, "12:00", "13:30", weekdays=[1])
    make.make_hours(agent, "22:00", "00:00", weekdays=[1])
    make.make_hours(agent, "00:00", "02:00", weekdays=[2])

    two_days = on(MONDAY, application, last=NOW + timedelta(days=2))

    shown = ["09:00", "10:00", "11:00", "12:00", "22:00", "23:00", "00:00", "01:00"]
    assert times(two_days) == shown


def test_hours_are_on_the_clock_of_whoever_keeps_them(
    application: Application, agent: User
) -> None:
    User.objects.filter(pk=agent.pk).update(timezone="America/New_York")

    assert times(on(MONDAY, application)) == ["15:00", "16:00", "17:00"]


def test_nobody_keeps_hours_where_nobody_does_and_else_who_keeps_none_does_not_work(
    application: Application,
) -> None:
    first, second = (make.make_user(application.organization) for _ in range(2))
    assert len(times(on(MONDAY, application))) == 17

    make.make_hours(first, "09:00", "10:00", weekdays=[1])

    assert times(on(MONDAY, application)) == ["09:00"]
    assert times(on(MONDAY, application, agent_ids=[second.pk])) == []


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        # The night in which the clock goes from two to three, and the one in which it goes back.
        (date(2027, 3, 28), ["01:00", "03:00"]),
        (date(2027, 10, 31), ["01:00", "02:00", "02:00", "03:00"]),
    ],
)
def test_a_night_shift_is_as_long_as_the_night(
    application: Application, day: date, shown: list[str]
) -> None:
    user = make.make_user(application.organization)
    make.make_hours(user, "01:00", "04:00", weekdays=[7])

    assert times(on(day, application)) == shown


def test_a_day_that_a_clock_skips_has_no_hours(application: Application) -> None:
    user = make.make_user(application.organization, timezone="Pacific/Apia")
    make.make_hours(user, "09:00", "10:00", weekdays=range(1, 8))
    begin = datetime(2011, 12, 29, tzinfo=ZoneInfo("Pacific/Apia"))
    wanted = replace(on(MONDAY, application), first=begin, last=begin + timedelta(days=3))

    slots = free_slots(wanted, now=begin)

    days = [slot.start.astimezone(begin.tzinfo).day for slot in slots]
    assert days == [29, 31]


# --- Days off ---------------------------------------------------------------------------------


def test_one_day_can_have_hours_of_its_own(application: Application, agent: User) -> None:
    make.make_working_day(agent, MONDAY, ("14:00", "15:00"), ("16:00", "17:00"))

    assert times(on(MONDAY, application)) == ["14:00", "16:00"]


def test_a_free_day_has_none(application: Application, agent: User) -> None:
    make.make_working_day(agent, MONDAY)

    assert times(on(MONDAY, application)) == []
    assert reason(on(MONDAY, application), 9) == Reason.NOT_WORKING


def test_a_holiday_is_for_all_but_who_has_hours_of_its_own_on_it(
    application: Application, agent: User
) -> None:
    make.make_holiday(application.organization, MONDAY)
    make.make_holiday(make.make_organization(), MONDAY + timedelta(days=7))
    assert times(on(MONDAY, application)) == []
    assert reason(on(MONDAY, application), 9) == Reason.HOLIDAY

    make.make_working_day(agent, MONDAY, ("09:00", "10:00"))

    assert times(on(MONDAY, application)) == ["09:00"]
    assert times(on(MONDAY + timedelta(days=7), application)) == ["09:00", "10:00", "11:00"]


def test_an_absence_takes_its_whole_days(application: Application, agent: User) -> None:
    make.make_absence(agent, MONDAY - timedelta(days=3), MONDAY)

    assert reason(on(MONDAY, application), 9) == Reason.ABSENT
    assert times(on(MONDAY + timedelta(days=7), application)) == ["09:00", "10:00", "11:00"]


# --- What is booked ---------------------------------------------------------------------------


def book(application: Application, agent: User, hour: int, **facts: Any) -> Any:
    start = datetime(2027, 1, 11, hour, tzinfo=BERLIN).astimezone(UTC)
    return make.make_appointment(application, agent=agent, start=start, booked_at=NOW, **facts)


def test_what_is_booked_is_not_free_until_it_is_cancelled(
    application: Application, agent: User
) -> None:
    booked = book(application, agent, 10, duration="PT1H")
    assert times(on(MONDAY, application)) == ["09:00", "11:00"]
    assert reason(on(MONDAY, application), 10) == Reason.OCCUPIED

    services.cancel_appointment(booked.pk, actor=make.actor_for(agent), now=NOW)

    assert times(on(MONDAY, application)) == ["09:00", "10:00", "11:00"]


def test_what_is_to_be_moved_is_not_in_its_own_way(application: Application, agent: User) -> None:
    booked = book(application, agent, 10)

    assert times(on(MONDAY, application, ignoring=booked.pk)) == ["09:00", "10:00", "11:00"]


def test_buffers_are_kept_free_on_both_sides(application: Application, agent: User) -> None:
    application.buffer_before, application.buffer_after = timedelta(minutes=10), HOUR
    application.save()
    book(application, agent, 10, duration="PT30M")

    # From ten to ten until half past eleven.
    assert times(on(MONDAY, application, duration=timedelta(minutes=20))) == []

    appointment = Participant.objects.get(user=agent)
    assert appointment.occupies is not None
    assert appointment.occupies.upper - appointment.occupies.lower == timedelta(minutes=100)


def test_a_second_that_is_taken_takes_its_minute(application: Application, agent: User) -> None:
    start = datetime(2027, 1, 11, 9, 59, 59, tzinfo=BERLIN).astimezone(UTC)
    make.make_appointment(application, agent=agent, start=start, duration="PT2S", booked_at=NOW)

    assert times(on(MONDAY, application)) == ["11:00"]


def test_a_day_is_full_at_its_maximum(application: Application, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(daily_maximum=1)
    next_week = MONDAY + timedelta(days=7)

    booked = book(application, agent, 10)

    assert reason(on(MONDAY, application), 9) == Reason.DAILY_MAXIMUM
    assert times(on(MONDAY, application)) == []
    assert len(times(on(next_week, application))) == 3
    assert len(times(on(MONDAY, application, ignoring=booked.pk))) == 3


def miss(booked: Appointment) -> None:
    services.finish_due_appointments(now=NOW + 4 * HOUR)


def hold(booked: Appointment) -> None:
    for one in Participant.objects.of(booked.pk):
        for state, hours in ((ParticipantState.JOINED, 3), (ParticipantState.LEFT, 4)):
            services.set_participant_state(
                booked.pk,
                participant_id=one.wire_id,
                state=state,
                actor=supervisor_of(booked),
                now=NOW + hours * HOUR,
            )
    services.finish_due_appointments(now=NOW + 4 * HOUR)


def fail(booked: Appointment) -> None:
    services.report_failure(
        booked.pk,
        system_message=None,
        user_message=None,
        actor=supervisor_of(booked),
        now=NOW + 4 * HOUR,
    )


def supervisor_of(booked: Appointment) -> Actor:
    return make.actor_for(make.make_user(booked.organization, [Role.SUPERVISOR]))


@pytest.mark.parametrize(
    ("end_it", "state"), [(hold, State.COMPLETED), (miss, State.NO_SHOW), (fail, State.FAILED)]
)
def test_what_is_over_counts_as_given(
    application: Application,
    agent: User,
    end_it: Callable[[Appointment], None],
    state: State,
) -> None:
    User.objects.filter(pk=agent.pk).update(daily_maximum=1)
    booked = book(application, agent, 9, duration="PT30M")
    end_it(booked)
    assert Appointment.objects.get(pk=booked.pk).state == state
    later, day = NOW + 4 * HOUR, on(MONDAY, application, for_customer=False)

    assert reason(day, 11, now=later) == Reason.DAILY_MAXIMUM
    assert times(on(MONDAY, application), now=later) == []
    assert free_agents(starting(day, later), now=later) == []


def test_what_was_cancelled_and_what_a_colleague_is_in_charge_of_count_for_nothing(
    application: Application, agent: User
) -> None:
    User.objects.filter(pk=agent.pk).update(daily_maximum=1)
    cancelled = book(application, agent, 9, duration="PT30M")
    services.cancel_appointment(cancelled.pk, actor=make.actor_for(agent), now=NOW)
    organized = book(application, make.make_user(application.organization), 10, organizer=agent)
    Participant.objects.create(
        organization=application.organization,
        appointment=organized,
        type="AGENT",
        role="SECONDARY",
        user=agent,
    )

    assert times(on(MONDAY, application, agent_ids=[agent.pk])) == ["09:00", "10:00", "11:00"]


# --- What the application asks of customers -----------------------------------------------------


def test_notice_and_horizon_hold_for_customers(application: Application, agent: User) -> None:
    application.minimum_notice, application.booking_horizon = 3 * HOUR, 4 * HOUR
    day = on(MONDAY, application)

    assert times(day) == ["10:00", "11:00"]
    assert reason(day, 9) == Reason.TOO_SOON
    assert reason(day, 12) == Reason.TOO_FAR_AHEAD
    assert times(replace(day, for_customer=False))[:2] == ["09:00", "09:01"]


def test_the_past_is_offered_to_nobody(application: Application, agent: User) -> None:
    noon = NOW + 4 * HOUR

    assert times(on(MONDAY, application, for_customer=False), now=noon)[:1] == ["11:00"]
    assert reason(on(MONDAY, application, for_customer=False), 10, now=noon) == Reason.TOO_SOON


@pytest.mark.parametrize(
    ("zone", "first"), [("Europe/Berlin", "09:00"), ("Asia/Kathmandu", "09:15")]
)
def test_the_grid_begins_with_the_hours_of_the_clock_that_is_read(
    application: Application, agent: User, zone: str, first: str
) -> None:
    day = on(MONDAY, application, zone=ZoneInfo(zone))

    assert times(day)[0] == first
    assert reason(day, 9, minute=1) == Reason.NOT_A_STARTING_TIME


def test_between_two_minutes_nothing_starts_for_customers(
    application: Application, agent: User
) -> None:
    day = on(MONDAY, application, duration=timedelta(minutes=30))
    at = day.first.replace(hour=9, second=30)

    def verdict(wanted: Wanted) -> Reason | None:
        return explain(starting(wanted, at), now=NOW)[0].reason

    assert verdict(day) == Reason.NOT_A_STARTING_TIME
    assert free_slots(starting(day, at), now=NOW) == []
    # A search that begins there finds what starts with the next minutes.
    assert times(replace(day, first=at)) == ["10:00", "11:00"]
    assert verdict(replace(day, for_customer=False)) is None


def test_who_is_not_online_is_not_offered_to_customers(
    application: Application, agent: User
) -> None:
    User.objects.filter(pk=agent.pk).update(plans_online=False)

    assert reason(on(MONDAY, application), 9) == Reason.NOT_ONLINE
    assert reason(on(MONDAY, application, for_customer=False), 9) is None


def test_an_office_is_asked_too(application: Application, agent: User) -> None:
    office = entries.make_office(application.organization, timezone="Europe/London")
    day = on(MONDAY, application, office=office)
    assert times(day) == ["09:00", "10:00", "11:00"]

    entries.make_office_hours(office, "09:00", "10:00", weekdays=[1])
    assert times(day) == ["10:00"]
    assert reason(day, 9) == Reason.OFFICE_CLOSED

    entries.make_office_day(office, MONDAY)
    assert times(day) == []


# --- Who ----------------------------------------------------------------------------------------


def test_who_has_the_skills_and_speaks_the_language_is_asked(
    application: Application, agent: User
) -> None:
    skill = make.make_skill(agent, "Loans")
    other = make.make_user(application.organization, language="en")
    make.make_hours(other, "09:00", "10:00", weekdays=[1])

    def takers(**facts: Any) -> set[Any]:
        slots = free_slots(on(MONDAY, application, **facts), now=NOW)
        return {key for slot in slots for key in slot.agent_ids}

    assert takers() == {agent.pk, other.pk}
    assert takers(skill_ids=[skill.pk]) == takers(language="de") == {agent.pk}
    assert takers(language="en") == takers(agent_ids=[other.pk]) == {other.pk}
    assert takers(language="el") == set()


def test_nobody_else_counts(application: Application, agent: User) -> None:
    make.make_user(application.organization, is_active=False)
    make.make_user(application.organization, [Role.SUPERVISOR])
    make.make_hours(make.make_user(), "09:00", "12:00")

    assert [one.agent for one in explain(on(MONDAY, application), now=NOW)] == [agent]


@pytest.mark.parametrize(("maximum", "number"), [(None, 7), (2, 8)])
def test_a_question_takes_as_many_queries_whatever_is_booked(
    application: Application, agent: User, maximum: int | None, number: int
) -> None:
    User.objects.filter(pk=agent.pk).update(daily_maximum=maximum)

    def queries() -> int:
        with CaptureQueriesContext(connection) as taken:
            free_slots(on(MONDAY, application), now=NOW)
        return len(taken)

    with_one = queries()
    for hour in (9, 10, 11):
        other = make.make_user(application.organization, daily_maximum=maximum)
        make.make_hours(other)
        book(application, other, hour)

    assert queries() == with_one == number


# --- Whose turn it is ---------------------------------------------------------------------------


@pytest.fixture
def three(application: Application) -> list[User]:
    return [make.make_user(application.organization) for _ in range(3)]


def booking(application: Application, start: datetime) -> services.Booking:
    return services.Booking(
        application_id=str(application.pk),
        zone=BERLIN,
        locale="en-GB",
        start=start,
        duration=parse_duration("PT30M"),
        target=services.Target(type=TargetType.ANY),
    )


def assign(application: Application, start: datetime) -> User:
    actor = make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))
    case = services.schedule_appointment(booking(application, start), actor=actor, now=NOW)
    user = case.agents[0].user
    assert user
    return user


def test_who_was_given_something_longest_ago_is_next(
    application: Application, three: list[User]
) -> None:
    first = [assign(application, NOW + hours * HOUR) for hours in (1, 2, 3)]
    second = [assign(application, NOW + hours * HOUR) for hours in (4, 5, 6)]

    assert set(first) == set(three)
    assert second == first


def test_what_was_given_by_name_counts_as_a_turn(
    application: Application, three: list[User]
) -> None:
    order = free_agents(on(MONDAY, application), now=NOW)
    book(application, order[0], 10)

    assert assign(application, NOW + 20 * HOUR) == order[1]


def test_anybody_is_somebody_who_works_then(application: Application, agent: User) -> None:
    other = make.make_user(application.organization)
    make.make_hours(other, "13:00", "15:00", weekdays=[1])
    make.make_absence(make.make_user(application.organization), MONDAY, MONDAY)

    assert assign(application, NOW + 7 * HOUR) == other


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prevents", [True, False])
def test_of_many_at_once_everybody_gets_as_many(*, prevents: bool) -> None:
    application = make.make_application(prevent_overlaps=prevents)
    agents = [make.make_user(application.organization) for _ in range(4)]

    run_together([partial(assign, application, NOW + number * HOUR) for number in range(1, 21)])

    given = Counter(Participant.objects.filter(type="AGENT").values_list("user", flat=True))
    assert given == {agent.pk: 5 for agent in agents}
