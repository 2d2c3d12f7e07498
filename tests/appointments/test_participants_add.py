"""Adding agents to an appointment."""

from __future__ import annotations

from typing import Any

import pytest

from appointments import services
from appointments.models import Participant, TargetType
from notifications.models import Channel
from tests import make
from tests.appointments import scene
from tests.appointments.scene import UNKNOWN, at_once, listening, make_scene
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

AGENTS = f"{scene.APPOINTMENTS}participants/agents/"
CUSTOMERS = f"{scene.APPOINTMENTS}participants/customers/"
GRACE = {
    "contact": {"primaryEmail": "grace@example.org", "primaryPhone": "+1 202 555 0143"},
    "name": {"firstName": "Grace", "lastName": "Hopper"},
    "username": "ghopper",
    "metadata": {"crm": {"id": 7, "tags": ["vip", None]}},
}
ALL = tuple(Channel)


@pytest.mark.rule("v2.participants.add_agent.r4")
def test_an_added_agent_is_answered_with_its_details() -> None:
    one = make_scene()

    answer = one.by(one.agent).post(
        AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(one.colleague.id),
        "type": "AGENT",
        "name": {"firstName": "Alan", "lastName": "Turing"},
        "contact": {"primaryEmail": one.colleague.username},
        "username": one.colleague.username,
    }


@pytest.mark.rule("v2.participants.add_agent.r5")
def test_an_added_agent_joins_the_others_and_nothing_else_changes() -> None:
    one = make_scene()
    before = one.read()

    one.by(one.supervisor).post(
        AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
    )

    new = {"id": str(one.colleague.id), "type": "AGENT", "detailsAvailable": True}
    assert one.read() == before | {"participants": [*before["participants"], new]}


@pytest.mark.rule("v2.participants.add_agent.r5")
def test_an_added_agents_own_time_is_not_taken_nor_asked_for() -> None:
    one = make_scene(application=make.make_application(prevent_overlaps=True))
    make.make_appointment(one.application, agent=one.colleague, start=one.appointment.start)

    answer = one.by(one.agent).post(
        AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
    )

    added = Participant.objects.get(appointment=one.appointment, user=one.colleague)
    assert (answer.status_code, added.occupies, added.is_exclusive) == (200, None, False)


@pytest.mark.rule("v2.participants.add_agent.r5")
def test_the_first_agent_of_a_queues_appointment_is_not_refused_for_an_overlap() -> None:
    application = make.make_application(prevent_overlaps=True)
    target = services.Target(type=TargetType.QUEUE, id="loans")
    one = make_scene(application=application, target=target)
    make.make_appointment(application, agent=one.colleague, start=one.appointment.start)

    answer = one.by(one.supervisor).post(
        AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
    )

    added = Participant.objects.get(appointment=one.appointment, user=one.colleague)
    assert (answer.status_code, added.role, added.is_exclusive) == (200, "PRIMARY", False)
    assert added.occupies


@pytest.mark.rule("v2.participants.add_agent.r3")
@pytest.mark.parametrize("value", ["left out", "", None, 7])
@pytest.mark.parametrize("name", ["id", "userId"])
def test_appointment_and_user_are_required(name: str, value: object) -> None:
    one = make_scene()
    body: dict[str, Any] = {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
    body[name] = value
    if value == "left out":
        del body[name]
    before = everything()

    answer = one.by(one.agent).post(AGENTS, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert everything() == before


@pytest.mark.rule("v2.participants.add_agent.r6")
@pytest.mark.parametrize("who", ["agent", "colleague"])
def test_an_agent_takes_part_once(who: str) -> None:
    one = make_scene(*ALL)
    user = getattr(one, who)
    body = {"id": str(one.appointment.id), "userId": str(user.id)}
    if user == one.colleague:
        one.by(one.agent).post(AGENTS, body)
    before = everything()

    answer = one.by(one.agent).post(AGENTS, body)

    assert (answer.status_code, answer.json()["code"]) == (409, "ALREADY_PARTICIPANT")
    assert everything() == before


@pytest.mark.rule("v2.participants.add_agent.r7")
@pytest.mark.parametrize("appointment", [UNKNOWN, "not-an-id", "foreign"])
def test_agents_are_not_added_to_an_unknown_appointment(appointment: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = str(theirs.appointment.id) if appointment == "foreign" else appointment
    before = everything()

    answer = one.by(one.supervisor).post(AGENTS, {"id": id, "userId": str(one.colleague.id)})

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.add_agent.r7")
@pytest.mark.parametrize("who", ["unknown", "no id", "foreign", "supervisor", "inactive"])
def test_only_agents_of_the_organization_are_added(who: str) -> None:
    one = make_scene()
    id = {
        "unknown": UNKNOWN,
        "no id": "ghopper",
        "foreign": str(make.make_user().id),
        "supervisor": str(one.supervisor.id),
        "inactive": str(make.make_user(one.application.organization, is_active=False).id),
    }[who]
    before = everything()

    answer = one.by(one.supervisor).post(AGENTS, {"id": str(one.appointment.id), "userId": id})

    assert (answer.status_code, answer.json()["code"]) == (404, "AGENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.add_agent.r8")
def test_an_added_agent_finds_the_appointment_in_its_list() -> None:
    one = make_scene()
    make.make_appointment(one.application, agent=one.agent)
    assert one.by(one.colleague).get(scene.APPOINTMENTS).json()["content"] == []

    one.by(one.agent).post(AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)})

    found = one.by(one.colleague).get(scene.APPOINTMENTS).json()
    assert [item["id"] for item in found["content"]] == [str(one.appointment.id)]


@pytest.mark.rule("v2.participants.add_agent.r9")
def test_subscribers_alone_are_told_of_an_added_agent() -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True))

    with listening() as told:
        one.by(one.agent).post(
            AGENTS, {"id": str(one.appointment.id), "userId": str(one.colleague.id)}
        )

    assert told == [at_once("PARTICIPANT_ADDED", "WEBHOOKS", one.hook)]


@pytest.mark.rule("v2.participants.add_agent.r9", "v2.participants.add_customer.r11")
@pytest.mark.parametrize("path", [AGENTS, CUSTOMERS])
def test_nobody_is_told_of_a_participant_while_notifications_are_not_active(path: str) -> None:
    one = make_scene(*ALL, application=make.make_application(notifications_active=False))
    one.application.channel_settings.update(reminder_offsets=["PT1H"])
    body = {"id": str(one.appointment.id), "userId": str(one.colleague.id), "customer": GRACE}

    with listening() as told:
        answer = one.by(one.agent).post(path, body)

    assert (answer.status_code, told) == (200, [])
