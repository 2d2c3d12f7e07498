"""Every transition of an appointment, as the contract lists them, by people and by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from appointments.errors import (
    AppointmentIsCancelled,
    AppointmentNotActivatable,
    AppointmentNotReschedulable,
    InteractionIsComplete,
)
from appointments.models import Appointment, Participant, State
from config.kernel.errors import DomainError
from notifications.models import Channel, Notification
from tests import make
from tests.appointments.acts import (
    MINUTE,
    Act,
    a_customer_comes_and_the_end_passes,
    accept,
    activate,
    add_agent,
    add_customer,
    booked,
    both_come_and_leave_after_the_end,
    both_come_and_leave_and_the_end_passes,
    cancel,
    delete,
    fail,
    join,
    nothing,
    reassign,
    remove,
    reschedule,
    route,
    the_end_passes,
    update,
)
from tests.appointments.scene import Scene, make_scene
from tests.contract import contract

pytestmark = pytest.mark.django_db

LIFECYCLE = yaml.safe_load((contract.FOLDER / "appointments-v2.yaml").read_text())["lifecycle"]
# What the change of a participant or of the interaction starts by itself.
BESIDES = {"PARTICIPANT_UPDATED", "INTERACTION_UPDATED"}


def make_told(state: State | None = None, **options: Any) -> Scene:
    """Make a scene that is reminded, invited and followed up, by mail and webhook."""
    options.setdefault("activates_automatically", state != State.SCHEDULED)
    application = make.make_application(**options)
    make.make_channel(
        application,
        Channel.EMAIL,
        reminder_offsets=["PT1H"],
        room_offsets=["PT30M"],
        follow_up_offsets=["PT2H"],
    )
    return make_scene(Channel.WEBHOOKS, application=application, state=state)


# By the contract's own words, or how they begin.
ACTS: dict[str, tuple[Act, ...]] = {
    "scheduling while automatic activation is off": (nothing,),
    "scheduling while automatic activation is on (default)": (nothing,),
    "explicit activation": (activate,),
    "explicit activation again: same tickets, nothing started": (activate,),
    "reschedule": (reschedule,),
    "reschedule: same access URLs, new expiry": (reschedule,),
    "reschedule of an appointment that had been activated; SCHEDULED when it had not": (
        reschedule,
    ),
    "first participant JOINED, or accept": (join, accept),
    "an agent and a customer had both joined, and either the last joined participant leaves"
    " after the scheduled end or nobody is joined when the scheduled end passes; or the v1 end"
    " operation": (both_come_and_leave_after_the_end, both_come_and_leave_and_the_end_passes),
    "failure reported": (fail,),
    "the scheduled end passes, a customer had joined, no agent had, and nobody is joined": (
        a_customer_comes_and_the_end_passes,
    ),
    "the scheduled end passes and no CUSTOMER participant has ever been JOINED": (the_end_passes,),
    "delete": (delete,),
}


@dataclass(frozen=True)
class Transition:
    """One step from one state, in one of the ways that lead to it."""

    before: State | None
    after: State
    act: Act
    starts: frozenset[str]


def transitions() -> list[Any]:
    found = []
    for line in LIFECYCLE["appointment"]["transitions"]:
        for act in ACTS[line["when"]]:
            for before in line["from"] or [None]:
                step = Transition(
                    State(before) if before else None,
                    State(line["to"]),
                    act,
                    frozenset(line["starts"]),
                )
                found.append(pytest.param(step, id=f"{before} to {step.after}: {act.__name__}"))
    return found


@pytest.mark.parametrize("step", transitions())
def test_every_transition_of_the_contract(step: Transition) -> None:
    if step.before is None:
        one = make_told(activates_automatically=step.after == State.ACTIVATED)
        known: list[Any] = []
    else:
        # What happened on the way there is not looked at, except where the act itself tells it.
        one = make_told(step.before)
        known = list(Notification.objects.values_list("id", flat=True))

    step.act(one)

    rows = Notification.objects.exclude(id__in=known).values_list("type", flat=True)
    come_before = {"IN_PROGRESS"} if "come" in step.act.__name__ else set()
    gone = not Appointment.objects.exists()
    assert (State.CANCELLED if gone else one.state()) == step.after
    assert set(rows) - BESIDES - come_before == step.starts


@pytest.mark.parametrize("state", [State.FAILED, State.NO_SHOW])
def test_what_was_never_activated_is_scheduled_again_by_a_new_time(state: State) -> None:
    one = make_told(state, activates_automatically=False)

    reschedule(one)

    assert (one.state(), one.row().interaction_state) == (State.SCHEDULED, "PENDING")


# --- Where no way leads -----------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.COMPLETED, State.CANCELLED])
@pytest.mark.parametrize("act", [activate, reschedule, join, accept, fail, the_end_passes])
def test_nothing_leads_out_of_a_final_state(act: Act, state: State) -> None:
    one = make_told()
    if state == State.CANCELLED:
        cancel(one)
    else:
        one.complete()
    is_cancelled = state == State.CANCELLED
    closed = AppointmentIsCancelled if is_cancelled else InteractionIsComplete
    refusals: dict[Any, type[DomainError]] = {
        reschedule: AppointmentIsCancelled if is_cancelled else AppointmentNotReschedulable,
        accept: closed,
        fail: closed,
    }
    if not is_cancelled:
        refusals[activate] = AppointmentNotActivatable

    if act in refusals:
        with pytest.raises(refusals[act]):
            act(one)
    else:
        act(one)

    assert one.state() == state


@pytest.mark.parametrize("act", [update, reassign, add_agent, add_customer, remove, route])
@pytest.mark.parametrize("state", [each for each in State if each != State.CANCELLED])
def test_other_changes_do_not_change_the_state(state: State, act: Act) -> None:
    one = make_told(state)

    act(one)

    row = one.row()
    assert (row.state, row.interaction_state) == (state, "PENDING")
    assert row.updated_by_id == one.actor.id


# --- The interaction and the participants -----------------------------------------------------


@pytest.mark.parametrize("act", [accept, fail, route, join, reschedule, the_end_passes])
def test_the_interaction_stays_pending_until_the_appointment_is_completed(
    act: Act,
) -> None:
    one = make_told()

    act(one)

    assert one.row().interaction_state == "PENDING"


@pytest.mark.parametrize(
    "act", [both_come_and_leave_after_the_end, both_come_and_leave_and_the_end_passes]
)
def test_the_interaction_is_complete_with_the_appointment(act: Act) -> None:
    one = make_told()

    act(one)

    assert (one.state(), one.row().interaction_state) == (State.COMPLETED, "COMPLETE")


def test_the_first_time_that_somebody_joined_is_kept() -> None:
    one = make_told()
    first = booked(one)

    one.join(one.customer, now=first)
    one.leave(one.customer, now=first + MINUTE)
    one.join(one.customer, now=first + 2 * MINUTE)

    assert (one.customer.state, one.customer.first_joined_at) == ("JOINED", first)
    assert one.agent_row.first_joined_at is None


@pytest.mark.parametrize(
    ("act", "is_occupied"),
    [(join, True), (accept, True), (fail, False), (the_end_passes, False), (cancel, False),
     (both_come_and_leave_after_the_end, False), (a_customer_comes_and_the_end_passes, False)],
)  # fmt: skip
def test_an_agents_time_is_taken_only_while_the_appointment_takes_it_up(
    act: Act, is_occupied: bool
) -> None:
    one = make_told(prevent_overlaps=True)

    act(one)

    agent = Participant.objects.get(pk=one.agent_row.pk)
    assert (agent.occupies is not None) == is_occupied
