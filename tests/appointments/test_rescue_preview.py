"""The preview of a rescue: which appointments it finds, and who would take each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.models import Application, User
from appointments import services
from appointments.availability import Reason
from appointments.errors import (
    AgentNotFound,
    PeriodInvalid,
    RescuesNotYours,
    TooManyToRescue,
)
from appointments.models import Appointment, State
from appointments.services.rescue import Plan
from config.kernel import limits
from config.kernel.actors import Role
from tests import make
from tests.appointments.rescuing import DAY, NIGHT, NOW, Sickness, at, make_sickness
from tests.contract.state import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Sickness:
    return make_sickness()


def shown(plan: Plan) -> list[Appointment]:
    return [move.appointment for move in plan.moves]


def takers(plan: Plan) -> list[User | None]:
    return [move.to for move in plan.moves]


def reasons(plan: Plan) -> list[dict[str, Reason | None]]:
    return [{one.agent.first_name: one.reason for one in move.verdicts} for move in plan.moves]


def test_it_shows_what_the_agent_has_in_the_period_in_order_of_time(house: Sickness) -> None:
    later, sooner = house.book("14:00"), house.book("09:00")
    house.book("09:00", agent=house.alan)
    make.make_appointment(house.application, agent=house.grace, start=NIGHT, booked_at=NOW)
    before = everything()

    plan = house.preview()

    assert shown(plan) == [sooner, later]
    assert everything() == before


@pytest.mark.parametrize(
    "state", [State.IN_PROGRESS, State.COMPLETED, State.FAILED, State.NO_SHOW, State.CANCELLED]
)
def test_what_has_begun_or_is_over_is_left_out(house: Sickness, state: State) -> None:
    house.book("09:00", state=state)
    waiting = house.book("10:00")

    assert shown(house.preview()) == [waiting]


def test_what_has_started_by_the_clock_is_left_out(house: Sickness) -> None:
    house.book("09:00")
    waiting = house.book("10:00")

    assert shown(house.preview(now=at("09:00"))) == [waiting]


def test_what_another_agent_is_in_charge_of_is_left_out(house: Sickness) -> None:
    others = house.book("09:00", agent=house.alan)
    services.add_agent(others.pk, user_id=str(house.grace.pk), actor=house.actor, now=NOW)

    assert shown(house.preview()) == []


def test_whoever_is_free_takes_it(house: Sickness) -> None:
    house.book("09:00")
    house.book("09:15", agent=house.alan)

    assert takers(house.preview()) == [house.barbara]


def test_buffers_before_and_after_count(house: Sickness) -> None:
    house.application.buffer_before = house.application.buffer_after = timedelta(minutes=10)
    house.application.save()
    house.book("09:00")
    house.book("08:25", agent=house.alan)
    house.book("09:35", agent=house.barbara)

    plan = house.preview()

    assert reasons(plan) == [{"Alan": Reason.OCCUPIED, "Barbara": Reason.OCCUPIED}]


def test_whoever_is_absent_or_does_not_work_takes_nothing(house: Sickness) -> None:
    house.book("09:00")
    make.make_absence(house.alan, DAY.date(), DAY.date())
    make.make_hours(house.alan, "08:00", "17:00")
    make.make_hours(house.barbara, "13:00", "17:00")

    plan = house.preview()

    assert takers(plan) == [None]
    assert reasons(plan) == [{"Alan": Reason.ABSENT, "Barbara": Reason.NOT_WORKING}]
    assert not plan.is_complete


def test_nobody_is_given_two_that_overlap(house: Sickness) -> None:
    Application.objects.update(prevent_overlaps=False)
    for clock in ("10:00", "10:15", "10:20"):
        house.book(clock)

    plan = house.preview()

    assert takers(plan) == [house.alan, house.barbara, None]
    assert reasons(plan)[2] == {"Alan": Reason.OCCUPIED, "Barbara": Reason.OCCUPIED}


def test_nobody_is_given_more_than_a_day_may_have(house: Sickness) -> None:
    User.objects.filter(pk__in=[house.alan.pk, house.barbara.pk]).update(daily_maximum=1)
    for clock in ("09:00", "11:00", "13:00"):
        house.book(clock)

    plan = house.preview()

    assert {one and one.pk for one in takers(plan)[:2]} == {house.alan.pk, house.barbara.pk}
    assert reasons(plan)[2] == {"Alan": Reason.DAILY_MAXIMUM, "Barbara": Reason.DAILY_MAXIMUM}


def test_they_are_spread_and_begin_with_whom_it_was_longest_ago(house: Sickness) -> None:
    house.book("07:00", agent=house.alan)
    for clock in ("09:00", "11:00", "13:00", "15:00"):
        house.book(clock)

    found = takers(house.preview())

    assert found == [house.barbara, house.alan, house.barbara, house.alan]


def test_colleagues_can_be_left_out(house: Sickness) -> None:
    house.book("09:00")

    assert takers(house.preview(excluded=[house.alan.pk])) == [house.barbara]
    assert reasons(house.preview(excluded=[house.alan.pk, house.barbara.pk])) == [{}]


def test_a_colleague_can_be_wished_for_and_comes_before_what_is_given_out(
    house: Sickness,
) -> None:
    Application.objects.update(prevent_overlaps=False)
    house.book("09:00")
    second = house.book("09:15")

    plan = house.preview(wishes={second.pk: house.alan.pk})

    assert takers(plan) == [house.barbara, house.alan]


def test_a_wish_that_cannot_be_met_leaves_it_to_nobody(house: Sickness) -> None:
    one = house.book("09:00")
    house.book("09:00", agent=house.alan)

    plan = house.preview(wishes={one.pk: house.alan.pk})

    assert (takers(plan), plan.moves[0].free) == ([None], (house.barbara,))
    assert reasons(plan) == [{"Alan": Reason.OCCUPIED, "Barbara": None}]


def test_an_appointment_can_be_left_where_it_is(house: Sickness) -> None:
    left, second = house.book("09:00"), house.book("11:00")
    house.book("09:00", agent=house.alan)
    house.book("09:00", agent=house.barbara)

    plan = house.preview(left=[left.pk])

    assert shown(plan) == [left, second]
    assert (takers(plan)[0], plan.moves[0].is_left, plan.is_complete) == (None, True, True)


def test_whoever_takes_part_already_can_take_it(house: Sickness) -> None:
    one = house.book("09:00")
    services.add_agent(one.pk, user_id=str(house.alan.pk), actor=house.actor, now=NOW)
    house.book("09:00", agent=house.barbara)

    assert takers(house.preview()) == [house.alan]


@pytest.mark.parametrize("roles", [[Role.AGENT], [Role.CLIENT_SERVICE], []])
def test_agents_and_services_may_not(house: Sickness, roles: list[Role]) -> None:
    house.book("09:00")

    with pytest.raises(RescuesNotYours):
        house.preview(actor=make.actor_for(house.alan, roles))


def test_an_administrator_may(house: Sickness) -> None:
    house.book("09:00")

    assert len(shown(house.preview(actor=make.actor_for(house.sofia, [Role.ADMIN])))) == 1


def test_an_agent_of_another_house_does_not_exist(house: Sickness) -> None:
    theirs = make_sickness()
    theirs.book("09:00")

    with pytest.raises(AgentNotFound):
        theirs.preview(actor=house.actor)


@pytest.mark.parametrize(
    "period",
    [{"end": DAY}, {"end": DAY - timedelta(days=1)}, {"end": DAY + timedelta(days=62, seconds=1)}],
)
def test_a_period_that_is_none_or_too_long_is_refused(
    house: Sickness, period: dict[str, Any]
) -> None:
    with pytest.raises(PeriodInvalid):
        house.preview(**period)


def test_more_than_can_be_moved_at_once_are_refused(
    house: Sickness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESCUE_MOVES_MAX", 1)
    house.book("09:00")
    assert len(shown(house.preview())) == 1
    house.book("10:00")

    with pytest.raises(TooManyToRescue):
        house.preview()


def test_the_day_of_the_maximum_is_the_day_on_the_agents_own_clock(house: Sickness) -> None:
    # On the clock of Auckland (UTC+13) 10:30 is on the day and 11:30 on the next.
    User.objects.filter(pk=house.alan.pk).update(daily_maximum=1, timezone="Pacific/Auckland")
    house.book("10:30", duration="PT15M")
    house.book("11:30", duration="PT15M")

    plan = house.preview(excluded=[house.barbara.pk])

    assert takers(plan) == [house.alan, house.alan]
