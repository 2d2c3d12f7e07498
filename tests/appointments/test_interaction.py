"""The interaction is accepted."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import (
    Participant,
    State,
    TargetType,
)
from config.kernel.time import format_instant
from notifications.models import Channel
from tests import make
from tests.appointments.scene import UNKNOWN, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
RESUMABLE = [State.SCHEDULED, State.ACTIVATED, State.FAILED, State.NO_SHOW]


@pytest.mark.rule("v2.interaction.accept.r5", "v2.interaction.accept.r9")
def test_accepting_is_answered_with_the_appointment_and_who_accepted_when() -> None:
    one = make_scene()
    before = one.read()

    answer = one.accept()

    accepted_at = format_instant(one.row().updated_at)
    interaction = before["interaction"] | {
        "properties": {"acceptedBy": str(one.agent.id), "acceptedAt": accepted_at}
    }
    assert before["interaction"]["state"] == "PENDING"
    assert answer.status_code == 200
    assert answer.json() == one.read() == before | {"interaction": interaction}
    assert timezone.now() - one.row().updated_at < timedelta(minutes=1)


@pytest.mark.rule("v2.interaction.accept.r4")
@pytest.mark.parametrize("around", ["", " ", "\r\n"])
def test_the_bare_id_may_be_sent_as_plain_text(around: str) -> None:
    one = make_scene()

    body = (
        one.by(one.agent)
        .send(
            "PUT",
            f"{one.path}/accept",
            body=f"{around}{one.agent.id}{around}".encode(),
            content_type="text/plain; charset=utf-8",
        )
        .json()
    )

    assert body["interaction"]["properties"]["acceptedBy"] == str(one.agent.id)


@pytest.mark.rule("v2.interaction.accept.r3")
@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b'""', b"{}", b'{"id": "x"}', b'["x"]', b"7", b"true", b"null", b"bare", b'"x'],
)
def test_the_body_is_one_json_string(body: bytes) -> None:
    one = make_scene(*ALL)
    before = everything()

    answer = one.by(one.agent).send("PUT", f"{one.path}/accept", body=body)

    assert answer.status_code == 400
    assert everything() == before


@pytest.mark.rule("v2.interaction.accept.r3", "v2.interaction.accept.r4")
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_a_plain_text_is_not_empty(body: bytes) -> None:
    one = make_scene()
    before = everything()

    answer = one.by(one.agent).send(
        "PUT", f"{one.path}/accept", body=body, content_type="text/plain"
    )

    assert answer.status_code == 400
    assert everything() == before


@pytest.mark.rule("v2.interaction.accept.r6")
@pytest.mark.parametrize("place", ["unknown", "no id", "foreign"])
def test_an_unknown_appointment_cannot_be_accepted(place: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = {"unknown": UNKNOWN, "no id": "x", "foreign": str(theirs.appointment.id)}[place]
    before = everything()

    answer = one.by(one.agent).put(f"/api/v2/appointments/{id}/accept", str(one.agent.id))

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.interaction.accept.r7")
@pytest.mark.parametrize("who", ["customer", "colleague", "supervisor", "row id", "unknown"])
def test_only_its_agents_or_the_caller_itself_accept(who: str) -> None:
    one = make_scene(*ALL)
    id = {
        "customer": one.customer.id,
        "colleague": one.colleague.id,
        "supervisor": one.supervisor.id,
        "row id": one.agent_row.id,
        "unknown": UNKNOWN,
    }[who]
    before = everything()

    answer = one.by(one.agent).put(f"{one.path}/accept", str(id))

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.interaction.accept.r7")
def test_an_agent_may_be_named_by_another_one() -> None:
    one = make_scene()

    body = one.by(one.colleague).put(f"{one.path}/accept", str(one.agent.id)).json()

    assert body["interaction"]["properties"]["acceptedBy"] == str(one.agent.id)
    assert [each["id"] for each in body["participants"]][1:] == [str(one.agent.id)]


@pytest.mark.rule("v2.interaction.accept.r8", "v2.interaction.accept.r11")
def test_a_caller_who_is_no_participant_becomes_one() -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True))
    before = one.read()["participants"]

    with listening() as told:
        body = one.by(one.colleague).put(f"{one.path}/accept", str(one.colleague.id)).json()

    new = {"id": str(one.colleague.id), "type": "AGENT", "detailsAvailable": True}
    assert body["participants"] == one.read()["participants"] == [*before, new]
    assert body["organizer"]["id"] == str(one.agent.id)
    assert told == [
        at_once("INTERACTION_UPDATED", "WEBHOOKS", one.hook),
        at_once("IN_PROGRESS", "WEBHOOKS", one.hook),
        at_once("PARTICIPANT_ADDED", "WEBHOOKS", one.hook),
    ]


@pytest.mark.rule("v2.interaction.accept.r8")
def test_whoever_takes_from_a_queue_becomes_its_agent() -> None:
    one = make_scene(target=services.Target(type=TargetType.QUEUE, id="loans"))

    one.by(one.colleague).put(f"{one.path}/accept", str(one.colleague.id))

    agent = Participant.objects.get(appointment=one.appointment, type="AGENT")
    assert (agent.user_id, agent.role) == (one.colleague.id, "PRIMARY")
    assert agent.occupies
    assert (agent.occupies.lower, agent.occupies.upper) == (
        one.appointment.start,
        one.appointment.end,
    )


@pytest.mark.rule("v2.interaction.accept.r10", "v2.interaction.accept.r11")
@pytest.mark.parametrize("state", RESUMABLE)
def test_accepting_puts_the_appointment_in_progress(state: State) -> None:
    one = make_scene(*ALL, state=state)

    with listening() as told:
        one.accept()

    assert one.state() == State.IN_PROGRESS
    assert told == [
        at_once("INTERACTION_UPDATED", "WEBHOOKS", one.hook),
        at_once("IN_PROGRESS", "WEBHOOKS", one.hook),
    ]


@pytest.mark.rule("v2.interaction.accept.r11")
def test_what_is_in_progress_does_not_begin_again() -> None:
    one = make_scene(*ALL, state=State.IN_PROGRESS)

    with listening() as told:
        one.accept()

    assert told == [at_once("INTERACTION_UPDATED", "WEBHOOKS", one.hook)]


@pytest.mark.rule("v2.interaction.accept.r11")
def test_nobody_is_told_of_an_acceptance_while_notifications_are_not_active() -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))

    with listening() as told:
        one.by(one.colleague).put(f"{one.path}/accept", str(one.colleague.id))

    assert (told, one.state()) == ([], State.IN_PROGRESS)


@pytest.mark.rule("v2.interaction.accept.r12")
@pytest.mark.parametrize("who", ["agent", "colleague"])
def test_accepting_again_changes_nothing(who: str) -> None:
    one = make_scene(*ALL)
    user = getattr(one, who)
    first = one.by(user).put(f"{one.path}/accept", str(user.id)).json()
    before = everything()

    again = one.by(user).put(f"{one.path}/accept", str(user.id))

    assert (again.status_code, again.json()) == (200, first)
    assert everything() == before


@pytest.mark.rule("v2.interaction.accept.r12")
def test_the_latest_of_several_acceptances_is_kept(now: datetime) -> None:
    one = make_scene(*ALL)
    one.accept()

    with listening() as told:
        services.accept_interaction(
            one.appointment.id,
            participant_id=str(one.colleague.id),
            actor=make.actor_for(one.colleague),
            now=now + timedelta(hours=1),
        )

    assert one.read()["interaction"]["properties"] == {
        "acceptedBy": str(one.colleague.id),
        "acceptedAt": format_instant(now + timedelta(hours=1)),
    }
    assert [row[0] for row in told] == ["INTERACTION_UPDATED", "PARTICIPANT_ADDED"]


@pytest.mark.rule("v2.interaction.accept.r12", "v2.interaction.failed.r10")
def test_whoever_was_removed_can_accept_anew() -> None:
    one = make_scene(*ALL)
    one.accept()
    one.by(one.supervisor).delete(f"{one.path}/participants/{one.agent.id}")
    count = one.row().event_count

    one.accept()

    assert [each["type"] for each in one.read()["participants"]] == ["CUSTOMER", "AGENT"]
    assert one.row().event_count == count + 1


@pytest.mark.rule("v2.interaction.accept.r13")
@pytest.mark.parametrize("who", ["agent", "colleague"])
def test_a_complete_interaction_cannot_be_accepted(who: str) -> None:
    one = make_scene(*ALL)
    one.complete()
    user, before = getattr(one, who), everything()

    answer = one.by(user).put(f"{one.path}/accept", str(user.id))

    assert (answer.status_code, answer.json()["code"]) == (400, "INTERACTION_IS_COMPLETE")
    assert everything() == before
