"""What follows from the states of participants."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from appointments.models import Participant, State
from notifications.models import Channel, Notification
from tests import make
from tests.appointments.scene import Scene, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
STATES = ["WAITING", "JOINED", "LEFT"]
MINUTE = timedelta(minutes=1)
EARLIEST = timedelta(microseconds=1)


@pytest.mark.rule("v2.participants.update_state.r12")
@pytest.mark.parametrize("state", STATES)
def test_the_same_state_again_changes_nothing(state: str) -> None:
    one = make_scene(*ALL)
    one.by(one.agent).put(one.path_of(one.agent_row), state=state)
    said, before = one.read(), everything()

    answer = one.by(one.agent).put(one.path_of(one.agent_row), state=state)

    assert (answer.status_code, answer.json()) == (200, said)
    assert everything() == before


@pytest.mark.rule("v2.participants.update_state.r15")
def test_subscribers_alone_are_told_of_every_change() -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True))

    with listening() as told:
        for state in ("WAITING", "LEFT", "WAITING"):
            one.by(one.agent).put(one.path_of(one.customer), state=state)

    assert told == [at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook)] * 3


@pytest.mark.rule("v2.participants.update_state.r14", "v2.participants.update_state.r15")
def test_nobody_is_told_while_notifications_are_not_active() -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    with listening() as told:
        one.by(one.agent).put(one.path_of(one.agent_row), state="JOINED")

    assert (told, one.state()) == ([], State.IN_PROGRESS)


@pytest.mark.rule("v2.participants.update_state.r14")
@pytest.mark.parametrize("who", ["customer", "agent_row"])
@pytest.mark.parametrize("state", [State.SCHEDULED, State.ACTIVATED, State.FAILED, State.NO_SHOW])
def test_the_first_to_join_puts_the_appointment_in_progress(state: State, who: str) -> None:
    one = make_scene(*ALL, state=state)

    with listening() as told:
        one.by(one.supervisor).put(one.path_of(getattr(one, who)), state="JOINED")
        one.by(one.supervisor).put(one.path_of(getattr(one, who)), state="LEFT")

    assert told[0] == at_once("IN_PROGRESS", "WEBHOOKS", one.hook)
    assert [row[0] for row in told] == [
        "IN_PROGRESS",
        "PARTICIPANT_UPDATED",
        "PARTICIPANT_UPDATED",
    ]


@pytest.mark.rule("v2.participants.update_state.r14")
def test_only_the_first_to_join_starts_the_appointment() -> None:
    one = make_scene(*ALL)
    one.by(one.agent).put(one.path_of(one.agent_row), state="JOINED")

    with listening() as told:
        one.by(one.agent).put(one.path_of(one.customer), state="JOINED")

    assert told == [at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook)]
    assert one.state() == State.IN_PROGRESS


@pytest.mark.rule("v2.participants.update_state.r14")
@pytest.mark.parametrize("state", ["WAITING", "LEFT"])
def test_waiting_or_leaving_starts_nothing(state: str) -> None:
    one = make_scene()

    one.by(one.agent).put(one.path_of(one.customer), state=state)

    assert one.state() == State.ACTIVATED


@pytest.mark.rule("v2.participants.update_state.r14")
def test_the_start_cancels_reminders_and_invitations_that_are_not_sent() -> None:
    application = make.make_application(activates_automatically=False, notify_agents=True)
    for channel in Channel:
        make.make_channel(
            application, channel, reminder_offsets=["PT1H", "PT2H"], room_offsets=["PT30M"]
        )
    make.make_subscription(application)
    one = make_scene(application=application)
    client, _ = make.make_api_client(application.organization)
    one.by(client).post(f"/api/v2/appointments/activate/{one.appointment.id}")
    sent = Notification.objects.filter(type="REMINDER", offset="PT2H", channel="EMAIL")
    sent.update(status="DELIVERED", due_at=None)
    planned = Notification.objects.filter(type__in=["REMINDER", "ROOM"]).exclude(id__in=sent)
    assert set(planned.values_list("type", "status")) == {
        ("REMINDER", "INITIALIZED"),
        ("ROOM", "INITIALIZED"),
    }

    one.by(one.agent).put(one.path_of(one.agent_row), state="JOINED")

    assert set(planned.values_list("status", "due_at", "message")) == {
        ("CANCELLED", None, "The call has started.")
    }
    assert set(sent.values_list("status", flat=True)) == {"DELIVERED"}
    assert set(Notification.objects.filter(type="CREATE").values_list("status", flat=True)) == {
        "INITIALIZED"
    }


def over(one: Scene, after_end: timedelta) -> datetime:
    assert one.appointment.end
    return one.appointment.end + after_end


@pytest.mark.rule("v2.participants.update_state.r16")
@pytest.mark.parametrize("last", ["customer", "agent_row"])
@pytest.mark.parametrize("after_end", [timedelta(0), MINUTE])
def test_the_last_one_who_leaves_after_the_end_completes(last: str, after_end: timedelta) -> None:
    one = make_scene(*ALL)
    both = [one.customer, one.agent_row]
    one.join(*both, now=one.appointment.created_at)
    one.leave(*(each for each in both if each != getattr(one, last)), now=over(one, -MINUTE))

    with listening() as told:
        one.leave(getattr(one, last), now=over(one, after_end))

    row = one.row()
    assert (row.state, row.interaction_state) == (State.COMPLETED, "COMPLETE")
    assert told == [
        at_once("COMPLETED", "WEBHOOKS", one.hook),
        at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook),
    ]


@pytest.mark.rule("v2.participants.update_state.r16")
@pytest.mark.parametrize(
    ("joining", "leaving", "after_end"),
    [
        pytest.param(["customer", "agent_row"], ["customer"], MINUTE, id="one is still there"),
        pytest.param(
            ["customer", "agent_row"], ["customer", "agent_row"], -EARLIEST, id="before the end"
        ),
        pytest.param(["customer"], ["customer"], MINUTE, id="no agent came"),
        pytest.param(["agent_row"], ["agent_row"], MINUTE, id="no customer came"),
    ],
)
def test_else_the_appointment_stays_in_progress(
    joining: list[str], leaving: list[str], after_end: timedelta
) -> None:
    one = make_scene(*ALL)
    one.join(*(getattr(one, who) for who in joining), now=one.appointment.created_at)

    one.leave(*(getattr(one, who) for who in leaving), now=over(one, after_end))

    row = one.row()
    assert (row.state, row.interaction_state) == (State.IN_PROGRESS, "PENDING")
    assert not Notification.objects.filter(type="COMPLETED").exists()


@pytest.mark.rule("v2.participants.update_state.r17")
@pytest.mark.parametrize("state", STATES)
def test_a_completed_appointment_stays_completed(state: str) -> None:
    one = make_scene(*ALL, state=State.COMPLETED)
    Participant.objects.filter(pk=one.customer.pk).update(
        state="" if state == "JOINED" else "JOINED"
    )

    with listening() as told:
        body = one.by(one.agent).put(one.path_of(one.customer), state=state).json()

    assert body["participants"][0]["state"] == state
    assert (one.state(), told) == (
        State.COMPLETED,
        [at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook)],
    )


@pytest.mark.rule("v2.participants.update_state.r19")
@pytest.mark.parametrize("is_active", [True, False])
def test_when_all_leave_before_the_start_it_is_as_if_nobody_had_come(is_active: bool) -> None:
    application = make.make_application(activates_automatically=is_active)
    make.make_channel(application, reminder_offsets=["PT24H", "PT1H", "PT15M"])
    one = make_scene(Channel.WEBHOOKS, application=application, duration="PT1H")
    start = one.appointment.start
    assert start
    both = [one.customer, one.agent_row]
    one.join(*both, now=start - timedelta(hours=1))

    one.leave(one.customer, now=start - timedelta(minutes=30))
    assert one.state() == State.IN_PROGRESS
    with listening() as told:
        one.leave(one.agent_row, now=start - timedelta(minutes=30))

    assert one.state() == (State.ACTIVATED if is_active else State.SCHEDULED)
    assert told == [
        at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook),
        ("REMINDER", "EMAIL", "CUSTOMER", one.customer.id,
         start - timedelta(minutes=15), "INITIALIZED"),
    ]  # fmt: skip


@pytest.mark.rule("v2.participants.update_state.r19")
@pytest.mark.parametrize(
    ("early", "state"),
    [(EARLIEST, State.ACTIVATED), (timedelta(0), State.IN_PROGRESS)],
)
def test_from_the_start_on_there_is_no_way_back(early: timedelta, state: State) -> None:
    one = make_scene()
    assert one.appointment.start
    one.join(one.customer, now=one.appointment.start - MINUTE)

    one.leave(one.customer, now=one.appointment.start - early)

    assert one.state() == state


@pytest.mark.rule("v2.participants.update_state.r19")
def test_whoever_leaves_the_waiting_room_does_not_end_what_an_agent_has_accepted() -> None:
    one = make_scene(*ALL)
    one.by(one.agent).put(f"{one.path}/accept", str(one.agent.id))
    one.by(one.agent).put(one.path_of(one.customer), state="WAITING")

    one.by(one.agent).put(one.path_of(one.customer), state="LEFT")

    assert one.state() == State.IN_PROGRESS


@pytest.mark.rule("v2.participants.update_state.r14")
def test_waiting_for_what_an_agent_has_accepted_changes_nothing() -> None:
    one = make_scene(*ALL)
    one.accept()

    with listening() as told:
        one.by(one.agent).put(one.path_of(one.customer), state="WAITING")

    assert told == [at_once("PARTICIPANT_UPDATED", "WEBHOOKS", one.hook)]
    assert one.state() == State.IN_PROGRESS


@pytest.mark.rule("v2.participants.update_state.r19")
def test_whoever_goes_back_to_the_waiting_room_has_left_the_conference() -> None:
    one = make_scene()
    one.join(one.customer, now=one.appointment.created_at)

    one.by(one.agent).put(one.path_of(one.customer), state="WAITING")

    assert one.state() == State.ACTIVATED


@pytest.mark.rule("v2.interaction.failed.r10", "v2.participants.update_state.r14")
def test_whoever_is_still_there_takes_up_again_what_has_failed() -> None:
    one = make_scene(*ALL)
    one.join(one.agent_row, now=one.appointment.created_at)
    one.by(one.agent).put(f"{one.path}/failed")

    with listening() as told:
        one.by(one.agent).put(one.path_of(one.agent_row), state="JOINED")

    assert one.state() == State.IN_PROGRESS
    assert told == [at_once("IN_PROGRESS", "WEBHOOKS", one.hook)]
