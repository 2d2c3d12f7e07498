"""What the clock winds up once the scheduled end has passed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from appointments import services
from appointments.models import Appointment, Participant, State
from config.kernel.actors import ActorKind
from notifications.models import Channel, OutboxEvent
from tests import make
from tests.appointments.races import run_together
from tests.appointments.scene import Scene, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
# The hour that Berlin's clocks go through twice.
END = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
START = END - 30 * MINUTE


def make_ending(*, end: datetime = END, state: State | None = None) -> Scene:
    """Make a scene that ends then, after half an hour, and tells its subscriber."""
    return make_scene(Channel.WEBHOOKS, start=end - 30 * MINUTE, state=state)


def finish(now: datetime = END, *, page: int = 500) -> int:
    return services.finish_due_appointments(now=now, page=page)


def who(one: Scene, names: Sequence[str]) -> list[Participant]:
    return [getattr(one, name) for name in names]


@pytest.mark.parametrize(
    ("came", "state", "interaction", "told"),
    [
        ([], State.NO_SHOW, "PENDING", "NO_SHOW"),
        (["agent_row"], State.NO_SHOW, "PENDING", "NO_SHOW"),
        (["customer"], State.FAILED, "PENDING", "FAILED"),
        (["customer", "agent_row"], State.COMPLETED, "COMPLETE", "COMPLETED"),
    ],
)
def test_the_end_tells_by_who_came(
    came: list[str], state: State, interaction: str, told: str
) -> None:
    one = make_ending()
    one.join(*who(one, came), now=START)
    one.leave(*who(one, came), now=END - MINUTE)

    with listening() as heard:
        assert finish() == 1

    row = one.row()
    assert (row.state, row.interaction_state) == (state, interaction)
    assert heard == [at_once(told, "WEBHOOKS", one.hook)]


@pytest.mark.parametrize(
    ("now", "state"),
    [(END - timedelta(microseconds=1), State.ACTIVATED), (END, State.NO_SHOW)],
)
def test_an_appointment_is_over_from_its_end_on(now: datetime, state: State) -> None:
    one = make_ending()

    assert finish(now) == (state == State.NO_SHOW)

    assert one.state() == state


@pytest.mark.parametrize("there", [["agent_row"], ["customer"], ["customer", "agent_row"]])
def test_a_call_that_overruns_is_left_to_those_who_are_in_it(there: list[str]) -> None:
    one = make_ending()
    one.join(one.customer, one.agent_row, now=START)
    one.leave(*(each for each in (one.customer, one.agent_row) if each not in who(one, there)),
              now=END - MINUTE)  # fmt: skip
    before = everything()

    assert finish(END + timedelta(hours=3)) == 0
    assert everything() == before

    one.leave(*who(one, there), now=END + timedelta(hours=3))
    assert one.state() == State.COMPLETED


@pytest.mark.parametrize(
    ("there", "state"),
    [(["customer", "agent_row"], State.COMPLETED), (["customer"], State.FAILED)],
)
def test_with_the_tickets_a_call_is_over_that_nobody_has_left(
    there: list[str], state: State
) -> None:
    one = make_ending()
    one.join(*who(one, there), now=START)
    expiry = one.row().access_expires_at
    assert expiry

    assert finish(expiry - timedelta(microseconds=1)) == 0
    assert finish(expiry) == 1

    assert one.state() == state


def test_an_agent_who_waits_does_not_keep_a_missed_appointment_open() -> None:
    one = make_ending()
    one.join(one.agent_row, now=START)

    finish()

    assert one.state() == State.NO_SHOW


def test_a_customer_without_an_agent_is_not_hung_up_on() -> None:
    one = make_ending()
    one.join(one.customer, now=START)
    assert finish() == 0

    one.leave(one.customer, now=END + MINUTE)
    assert one.state() == State.IN_PROGRESS
    finish(END + MINUTE)

    assert one.state() == State.FAILED


def test_calls_that_overrun_do_not_starve_others() -> None:
    overrunning = make_ending(end=END - MINUTE)
    overrunning.join(overrunning.customer, now=START)
    later = make_ending()

    assert finish(page=1) == 1

    assert (overrunning.state(), later.state()) == (State.IN_PROGRESS, State.NO_SHOW)


def test_a_bad_one_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    bad, good = make_ending(end=END - MINUTE), make_ending()
    Appointment.objects.filter(pk=bad.appointment.pk).update(timezone="Atlantis/Capital")

    with caplog.at_level(logging.ERROR, "appointments"):
        assert finish() == 1

    assert (bad.state(), good.state()) == (State.ACTIVATED, State.NO_SHOW)
    assert [record.getMessage() for record in caplog.records] == [
        f"Appointment {bad.appointment.id} cannot be wound up"
    ]


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.NO_SHOW, State.CANCELLED])
def test_what_is_over_already_stays_as_it_is(state: State) -> None:
    make_ending(state=state)
    before = everything()

    assert finish() == 0

    assert everything() == before


def test_an_appointment_without_a_time_has_no_end() -> None:
    one = make_ending()
    Appointment.objects.update(
        start=None, end=None, duration=None, request_status="OUTGOING_INVITE"
    )

    assert (finish(), one.state()) == (0, State.ACTIVATED)


def test_who_came_before_everybody_stepped_back_has_not_come() -> None:
    one = make_ending()
    both = (one.customer, one.agent_row)
    one.join(*both, now=START - 10 * MINUTE)
    one.leave(*both, now=START - 9 * MINUTE)
    assert one.state() == State.ACTIVATED

    finish()

    assert one.state() == State.NO_SHOW


def test_a_second_run_finds_nothing() -> None:
    make_ending()
    finish()
    before = everything()

    assert finish(END + MINUTE) == 0

    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_wind_up_each_appointment_once() -> None:
    scenes = [make_ending() for _ in range(5)]

    outcomes = run_together([partial(finish, END)] * 4)

    assert sum(each for each in outcomes if isinstance(each, int)) == len(scenes)
    missed = OutboxEvent.objects.filter(type="appointment.missed")
    assert sorted(each.subject_id for each in missed) == sorted(
        one.appointment.id for one in scenes
    )


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_a_run_takes_all_of_them_those_that_ended_first_before_the_others(page: int) -> None:
    later, first, same = make_ending(), make_ending(end=END - MINUTE), make_ending()

    assert finish(page=page) == 3

    missed = OutboxEvent.objects.filter(type="appointment.missed").order_by("id")
    assert [each.subject_id for each in missed] == [
        one.appointment.id for one in (first, later, same)
    ]


def test_reading_winds_nothing_up(now: datetime) -> None:
    one = make_scene(Channel.WEBHOOKS, start=now - timedelta(hours=2))
    caller = one.by(one.supervisor)
    before = everything()

    for path in ("", "/interaction", f"/participants/{one.agent.id}"):
        assert caller.get(f"{one.path}{path}").status_code == 200
    caller.get("/api/v2/appointments/")

    assert everything() == before


def test_the_history_names_the_clock() -> None:
    one = make_ending()

    finish()

    event = OutboxEvent.objects.get(type="appointment.missed")
    row = one.row()
    assert (event.actor_kind, event.origin, event.recorded_at) == (ActorKind.SYSTEM, "clock", END)
    assert (row.updated_by_kind, row.updated_from, row.updated_at) == ("SYSTEM", "clock", END)
    assert [each.subject_sequence for each in OutboxEvent.objects.of(one.appointment.id)] == [1, 2]


def test_every_organization_is_wound_up() -> None:
    ours, theirs = make_ending(), make_ending()
    make.make_appointment(theirs.application, start=END)

    assert finish() == 2

    assert (ours.state(), theirs.state()) == (State.NO_SHOW, State.NO_SHOW)
