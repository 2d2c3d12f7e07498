"""Who may change an appointment's participants and interaction, and who may read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from agents.models import User
from appointments import services
from appointments.models import Appointment, Participant, TargetType
from config.kernel.actors import Role
from tests import make
from tests.appointments.scene import APPOINTMENTS, Scene, make_scene
from tests.contract.state import everything

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

Call = Callable[[Scene, User], "Answer"]
ROUTING = {"routing": {"type": "GENESYS_CLOUD_QUEUE", "properties": {"queueName": "Loans"}}}


def add_agent(one: Scene, caller: User) -> Answer:
    new = make.make_user(one.application.organization)
    body = {"id": str(one.appointment.id), "userId": str(new.id)}
    return one.by(caller).post(f"{APPOINTMENTS}participants/agents/", body)


def add_customer(one: Scene, caller: User) -> Answer:
    body: dict[str, Any] = {"id": str(one.appointment.id), "customer": {}}
    return one.by(caller).post(f"{APPOINTMENTS}participants/customers/", body)


def remove(one: Scene, caller: User) -> Answer:
    return one.by(caller).delete(f"{one.path}/participants/{one.customer.id}")


def update_interaction(one: Scene, caller: User) -> Answer:
    return one.by(caller).put(f"{one.path}/interaction", ROUTING)


def read_participant(one: Scene, caller: User) -> Answer:
    return one.by(caller).get(f"{one.path}/participants/{one.customer.id}")


def read_interaction(one: Scene, caller: User) -> Answer:
    return one.by(caller).get(f"{one.path}/interaction")


def set_state(one: Scene, caller: User) -> Answer:
    return one.by(caller).put(f"{one.path}/participants/{one.customer.id}", state="WAITING")


def report_failure(one: Scene, caller: User) -> Answer:
    return one.by(caller).put(f"{one.path}/failed")


CHANGING = [add_agent, add_customer, remove, update_interaction]
READING = [read_participant, read_interaction, set_state, report_failure]
changing = pytest.mark.parametrize("call", CHANGING)


def add(one: Scene, user: User) -> Participant:
    _, row = services.add_agent(
        one.appointment.id, user_id=str(user.id), actor=one.actor, now=one.appointment.created_at
    )
    return row


def refused(call: Call, one: Scene, caller: User, code: str) -> bool:
    """Call, and tell whether it was refused with this code and left everything as it was."""
    new_users = {"agents_user"}
    before = {k: v for k, v in everything().items() if k not in new_users}
    answer = call(one, caller)
    after = {k: v for k, v in everything().items() if k not in new_users}
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    return before == after


@changing
def test_organizer_assigned_and_added_agents_and_supervisors_may_change(call: Call) -> None:
    one = make_scene()
    organizer, added = one.agent, one.colleague
    add(one, added)
    Participant.objects.filter(user=organizer).delete()
    target = make.make_user(one.application.organization)
    Appointment.objects.update(target_type=TargetType.AGENT, target_id=str(target.id))
    both = make.make_user(one.application.organization, [Role.AGENT, Role.SUPERVISOR])

    for caller in (organizer, added, target, one.supervisor, both):
        # Somebody who can be removed.
        services.add_customer(
            one.appointment.id,
            data=services.CustomerData(),
            actor=one.actor,
            now=one.appointment.created_at,
        )
        assert call(one, caller).status_code == 200, caller


@changing
@pytest.mark.parametrize("sees_all", [True, False])
def test_another_agent_may_not_change(call: Call, sees_all: bool) -> None:
    one = make_scene(application=make.make_application(agents_see_only_their_own=not sees_all))

    assert refused(call, one, one.colleague, "NOT_YOUR_APPOINTMENT")


@changing
def test_what_has_no_agent_may_be_changed_by_every_agent(call: Call) -> None:
    one = make_scene(target=services.Target(type=TargetType.QUEUE, id="loans"))
    assert not Participant.objects.filter(type="AGENT").exists()

    assert call(one, one.colleague).status_code == 200


@changing
@pytest.mark.parametrize("has_left", [False, True])
def test_once_an_agent_has_joined_the_others_may_not_change(call: Call, has_left: bool) -> None:
    one = make_scene()
    added, now = add(one, one.colleague), one.appointment.created_at
    one.join(added, now=now)
    if has_left:
        one.leave(added, now=now)

    # Not even the organizer.
    assert refused(call, one, one.agent, "APPOINTMENT_ALREADY_JOINED")
    assert call(one, one.supervisor).status_code == 200


@changing
def test_whoever_has_joined_may_change(call: Call) -> None:
    one = make_scene()
    now = one.appointment.created_at
    one.join(add(one, one.colleague), one.agent_row, now=now)
    one.leave(one.agent_row, now=now)

    assert call(one, one.agent).status_code == 200


@changing
def test_customers_who_have_joined_keep_nobody_from_changing(call: Call) -> None:
    one = make_scene(customers=[make.make_customer(), make.make_customer()])
    one.join(one.customer, now=one.appointment.created_at)

    assert call(one, one.agent).status_code == 200


@pytest.mark.parametrize("call", READING)
def test_another_agent_reads_only_while_the_view_option_is_off(call: Call) -> None:
    one = make_scene()
    assert refused(call, one, one.colleague, "NOT_YOUR_APPOINTMENT")

    one.application.agents_see_only_their_own = False
    one.application.save()

    assert call(one, one.colleague).status_code == 200


@pytest.mark.parametrize("call", READING)
def test_agents_who_are_concerned_read_also_after_others_have_joined(
    call: Call, now: datetime
) -> None:
    one = make_scene()
    one.join(add(one, one.colleague), now=now)

    assert call(one, one.agent).status_code == 200
