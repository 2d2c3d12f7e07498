"""Working hours: what makes a week and a day, who may change them, and how they come out."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from agents.errors import HoursNotYours, InvalidHours, UserNotFound
from agents.models import User, WorkingDay, WorkingHours
from agents.rota import read_rotas
from agents.services import hours
from agents.services import intervals as commands
from agents.services.intervals import Interval, WeekInterval
from config.kernel import limits
from config.kernel.actors import Actor, Role
from notifications.models import OutboxEvent
from tests import make
from tests.appointments.races import run_together
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

MONDAY = date(2027, 2, 8)


def at(starts_at: str, ends_at: str) -> Interval:
    return Interval(time.fromisoformat(starts_at), time.fromisoformat(ends_at))


def on(weekday: int, starts_at: str, ends_at: str) -> WeekInterval:
    return WeekInterval(weekday, at(starts_at, ends_at))


@pytest.fixture
def grace() -> User:
    """Give an agent."""
    return make.make_user(make.make_organization(), first_name="Grace", last_name="Hopper")


@pytest.fixture
def actor(grace: User) -> Actor:
    """Give a supervisor of the agent's organisation."""
    return make.actor_for(make.make_user(grace.organization, [Role.SUPERVISOR]))


def replace(grace: User, actor: Actor, *week: WeekInterval) -> None:
    commands.replace_week(hours.PEOPLE, grace.pk, week, actor=actor, now=timezone.now())


def set_day(grace: User, actor: Actor, *intervals: Interval, day: date = MONDAY) -> None:
    commands.set_day(hours.PEOPLE, grace.pk, day, intervals, actor=actor, now=timezone.now())


def week_of(user: User) -> list[str]:
    return [str(one) for one in hours.PEOPLE.week_of(user)]


def events_of(user: User) -> list[tuple[int, str, Any, Any, Any]]:
    return [
        (one.subject_sequence, one.type, one.before, one.after, one.facts)
        for one in OutboxEvent.objects.of(user.pk)
    ]


def test_a_week_takes_the_place_of_the_one_before(grace: User, actor: Actor) -> None:
    make.make_hours(grace, "09:00", "17:00", weekdays=[1, 2])

    replace(grace, actor, on(2, "13:00", "17:00"), on(2, "09:00", "12:00"), on(6, "22:00", "00:00"))

    assert week_of(grace) == [
        "Tuesday 09:00–12:00",
        "Tuesday 13:00–17:00",
        "Saturday 22:00–24:00",
    ]


def test_it_is_written_down_what_was_and_what_is(grace: User, actor: Actor) -> None:
    make.make_hours(grace, weekdays=[1])

    replace(grace, actor, on(1, "09:00", "12:00"))

    before, after = {"week": ["Monday 09:00–17:00"]}, {"week": ["Monday 09:00–12:00"]}
    assert events_of(grace) == [(1, "user.hours_changed", before, after, {})]


def test_the_same_week_again_is_no_change(grace: User, actor: Actor) -> None:
    make.make_hours(grace, weekdays=[1])
    before = everything()

    replace(grace, actor, on(1, "09:00", "17:00"))

    assert everything() == before


def test_what_stays_keeps_its_row(grace: User, actor: Actor) -> None:
    kept, _ = make.make_hours(grace, weekdays=[1, 2])

    replace(grace, actor, on(1, "09:00", "17:00"), on(3, "09:00", "17:00"))

    assert WorkingHours.objects.get(weekday=1).pk == kept.pk


def test_a_week_may_be_empty(grace: User, actor: Actor) -> None:
    make.make_hours(grace)

    replace(grace, actor)

    assert week_of(grace) == []


def test_intervals_may_meet(grace: User, actor: Actor) -> None:
    replace(grace, actor, on(1, "09:00", "12:00"), on(1, "12:00", "00:00"))

    assert week_of(grace) == ["Monday 09:00–12:00", "Monday 12:00–24:00"]


@pytest.mark.parametrize(
    ("week", "errors"),
    [
        (
            [on(2, "11:00", "17:00"), on(2, "09:00", "12:00")],
            {"tuesday": ["09:00–12:00 and 11:00–17:00 overlap."]},
        ),
        (
            [on(1, "00:00", "00:00"), on(1, "23:00", "00:00")],
            {"monday": ["00:00–24:00 and 23:00–24:00 overlap."]},
        ),
        (
            [on(7, "17:00", "09:00")],
            {"sunday": ["17:00–09:00: The end is before the start: 00:00 is the end of the day."]},
        ),
        (
            [on(1, "09:00", "09:00:30")],
            {"monday": ["09:00–09:00: Times are whole minutes."]},
        ),
        (
            [on(8, "09:00", "10:00")],
            {"week": ["Weekdays are numbered from 1, Monday, to 7, Sunday."]},
        ),
    ],
)
def test_a_week_that_makes_no_sense_is_refused_by_the_name_of_its_day(
    grace: User, actor: Actor, week: list[WeekInterval], errors: dict[str, list[str]]
) -> None:
    make.make_hours(grace)
    before = everything()

    with pytest.raises(InvalidHours) as refused:
        replace(grace, actor, *week)

    assert refused.value.errors == errors
    assert everything() == before


def test_a_week_has_an_end(grace: User, actor: Actor) -> None:
    start = datetime(2027, 1, 1)  # noqa: DTZ001  # a clock without a place
    times = [(start + timedelta(minutes=10 * number)).time() for number in range(60)]
    intervals = [WeekInterval.at(1, *pair) for pair in pairwise(times)]

    replace(grace, actor, *intervals[: limits.INTERVALS_PER_WEEK])
    with pytest.raises(InvalidHours) as refused:
        replace(grace, actor, *intervals[: limits.INTERVALS_PER_WEEK + 1])

    assert refused.value.errors == {"week": ["A week has at most 50 intervals."]}


def test_one_interval_changes_and_the_others_stay(grace: User, actor: Actor) -> None:
    make.make_hours(grace, weekdays=[1, 2])

    commands.change_interval(
        hours.PEOPLE,
        grace.pk,
        instead_of=on(1, "09:00", "17:00"),
        add=on(1, "10:00", "12:00"),
        actor=actor,
        now=timezone.now(),
    )

    assert week_of(grace) == ["Monday 10:00–12:00", "Tuesday 09:00–17:00"]


# --- Single days ------------------------------------------------------------------------------


def test_a_day_has_hours_of_its_own_or_is_free_until_it_is_as_every_week(
    grace: User, actor: Actor
) -> None:
    set_day(grace, actor, at("10:00", "12:00"), at("08:00", "09:00"))
    assert hours.PEOPLE.day_of(grace, MONDAY) == [at("08:00", "09:00"), at("10:00", "12:00")]

    set_day(grace, actor)
    assert hours.PEOPLE.day_of(grace, MONDAY) == []

    commands.clear_day(hours.PEOPLE, grace.pk, MONDAY, actor=actor, now=timezone.now())
    assert hours.PEOPLE.day_of(grace, MONDAY) is None
    day = {"day": "2027-02-08"}
    assert [event[2:] for event in events_of(grace)] == [
        ({"hours": None}, {"hours": ["08:00–09:00", "10:00–12:00"]}, day),
        ({"hours": ["08:00–09:00", "10:00–12:00"]}, {"hours": []}, day),
        ({"hours": []}, {"hours": None}, day),
    ]


def test_intervals_of_a_day_do_not_overlap(grace: User, actor: Actor) -> None:
    before = everything()

    with pytest.raises(InvalidHours) as refused:
        set_day(grace, actor, at("08:00", "12:00"), at("11:30", "13:00"))

    assert refused.value.errors == {"intervals": ["08:00–12:00 and 11:30–13:00 overlap."]}
    assert everything() == before


def test_a_day_beyond_the_years_is_refused(grace: User, actor: Actor) -> None:
    with pytest.raises(InvalidHours) as refused:
        set_day(grace, actor, day=date(limits.YEAR_MAX + 1, 1, 1))

    assert list(refused.value.errors) == ["day"]


def test_the_single_days_ahead_have_an_end(
    grace: User, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SINGLE_DAYS_AHEAD", 2)
    ahead = timezone.now().date()
    for number in (-9, 3, 4):
        make.make_working_day(grace, ahead + timedelta(days=number))

    with pytest.raises(InvalidHours) as refused:
        set_day(grace, actor, day=ahead + timedelta(days=5))
    # One that is there already can still change.
    set_day(grace, actor, at("10:00", "12:00"), day=ahead + timedelta(days=4))

    assert refused.value.errors == {"day": ["There are 2 single days ahead already."]}


# --- Who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.AGENT, Role.CLIENT_SERVICE])
def test_others_than_supervisors_and_administrators_are_refused(grace: User, role: Role) -> None:
    make.make_hours(grace)
    make.make_working_day(grace, MONDAY)
    other = make.actor_for(make.make_user(grace.organization, [role]))
    before = everything()

    for who in (make.actor_for(grace), other):
        with pytest.raises(HoursNotYours):
            replace(grace, who)
        with pytest.raises(HoursNotYours):
            set_day(grace, who, at("08:00", "09:00"))
        with pytest.raises(HoursNotYours):
            commands.clear_day(hours.PEOPLE, grace.pk, MONDAY, actor=who, now=timezone.now())

    assert everything() == before


def test_an_administrator_may_too(grace: User) -> None:
    replace(
        grace,
        make.actor_for(make.make_user(grace.organization, [Role.ADMIN])),
        on(1, "09:00", "12:00"),
    )

    assert week_of(grace) == ["Monday 09:00–12:00"]


def test_of_another_organisation_nobody_exists(grace: User) -> None:
    make.make_hours(grace)
    stranger = make.actor_for(make.make_user(None, [Role.SUPERVISOR, Role.ADMIN]))
    before = everything()

    with pytest.raises(UserNotFound):
        replace(grace, stranger)
    with pytest.raises(UserNotFound):
        set_day(grace, stranger)
    with pytest.raises(UserNotFound):
        hours.find_person(grace.pk, actor=stranger)

    assert everything() == before


def test_an_agent_finds_itself_and_no_colleague(grace: User) -> None:
    colleague = make.make_user(grace.organization)

    assert hours.find_person(grace.pk, actor=make.actor_for(grace)) == grace
    with pytest.raises(UserNotFound):
        hours.find_person(colleague.pk, actor=make.actor_for(grace))


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_week_holds_and_both_are_written_down() -> None:
    grace = make.make_user()
    actor = make.actor_for(make.make_user(grace.organization, [Role.SUPERVISOR]))
    weeks = [
        [on(day, "09:00", "12:00") for day in range(1, 8)],
        [on(day, "09:00", "17:00") for day in range(1, 6)],
    ]

    outcomes = run_together([partial(replace, grace, actor, *week) for week in weeks])

    assert outcomes == [None, None]
    assert hours.PEOPLE.week_of(grace) in weeks
    first, second = events_of(grace)
    assert (first[0], second[0]) == (1, 2)
    assert (first[2], second[2]) == ({"week": []}, first[3])
    assert second[3] == {"week": week_of(grace)}


@pytest.mark.django_db(transaction=True)
def test_two_who_add_at_once_both_have_added() -> None:
    grace = make.make_user()
    actor = make.actor_for(make.make_user(grace.organization, [Role.SUPERVISOR]))

    outcomes = run_together(
        [
            partial(
                commands.change_interval,
                hours.PEOPLE,
                grace.pk,
                add=one,
                actor=actor,
                now=timezone.now(),
            )
            for one in (on(1, "09:00", "12:00"), on(1, "11:00", "13:00"), on(2, "09:00", "12:00"))
        ]
    )

    # Of the two that overlap the later one is refused.
    assert [type(one) for one in outcomes if one is not None] == [InvalidHours]
    assert len(week_of(grace)) == 2


# --- How it comes out -------------------------------------------------------------------------


def rota_of(user: User, *, days: int = 7, now: datetime) -> list[str]:
    assert user.organization_id
    rota = read_rotas([user], user.organization_id, days=days, now=now)[user.pk]
    return [
        f"{one.day:%a} {', '.join(map(str, one.hours)) or one.holiday or one.absence or '-'}"
        for one in rota.days
    ]


NOON = datetime.fromisoformat("2027-02-08T12:00:00Z")


def test_single_days_holidays_and_absences_take_the_place_of_the_week(grace: User) -> None:
    assert grace.organization
    make.make_hours(grace, "09:00", "12:00")
    make.make_hours(grace, "13:00", "17:00", weekdays=[1])
    make.make_working_day(grace, date(2027, 2, 9), ("10:00", "11:00"))
    make.make_working_day(grace, date(2027, 2, 10))
    make.make_holiday(grace.organization, date(2027, 2, 9), name="Carnival")
    make.make_holiday(grace.organization, date(2027, 2, 11), name="Women's Carnival")
    make.make_absence(grace, date(2027, 2, 12), date(2027, 2, 13))

    assert rota_of(grace, now=NOON) == [
        "Mon 09:00–12:00, 13:00–17:00",
        "Tue 10:00–11:00",
        "Wed -",
        "Thu Women's Carnival",
        "Fri Vacation, 2027-02-12 to 2027-02-13",
        "Sat Vacation, 2027-02-12 to 2027-02-13",
        "Sun -",
    ]


def test_today_is_what_the_persons_own_clock_shows(grace: User) -> None:
    make.make_application(grace.organization, default_timezone="Europe/Berlin")
    make.make_hours(grace, weekdays=[1])
    late = datetime.fromisoformat("2027-02-08T22:59:00Z")

    assert rota_of(grace, days=1, now=late) == ["Mon 09:00–17:00"]
    assert rota_of(grace, days=1, now=late + timedelta(minutes=1)) == ["Tue -"]
    grace.timezone = "Pacific/Kiritimati"
    assert rota_of(grace, days=1, now=NOON - timedelta(days=1)) == ["Mon 09:00–17:00"]


def test_a_house_that_keeps_no_hours_is_at_work_round_the_clock(grace: User) -> None:
    assert rota_of(grace, days=1, now=NOON) == ["Mon 00:00–24:00"]

    make.make_hours(make.make_user(grace.organization))

    assert rota_of(grace, days=1, now=NOON) == ["Mon -"]


@pytest.mark.parametrize(
    ("absences", "until"),
    [
        ([(0, 2)], 2),
        ([(-5, 0), (1, 4), (6, 9)], 4),
        ([(-5, 8), (0, 1), (9, 9)], 9),
        ([(-5, -1), (1, 3)], None),
        ([], None),
    ],
)
def test_somebody_is_away_until_the_last_of_absences_that_meet(
    grace: User, absences: list[tuple[int, int]], until: int | None
) -> None:
    assert grace.organization_id
    for first, last in absences:
        make.make_absence(grace, MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))

    rota = read_rotas([grace], grace.organization_id, days=1, now=NOON)[grace.pk]

    assert rota.away_until == (None if until is None else MONDAY + timedelta(days=until))


def test_a_refused_day_leaves_no_row(grace: User, actor: Actor) -> None:
    with pytest.raises(InvalidHours):
        set_day(grace, actor, at("12:00", "11:00"))

    assert list(WorkingDay.objects.all()) == []
