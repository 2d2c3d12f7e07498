"""The history of states: it is whole, or the doctor says where it is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from agents.models import Device, StateInterval, User
from agents.services import desk_sessions, desk_states
from appointments.consistency import differences
from tests.agents.desk.desk import house_of, make_active_device, make_agent, make_channel
from tests.make import actor_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent(now: datetime) -> User:
    """Give an agent with a telephone who was ready on everything, and had a rest."""
    person = make_agent()
    make_active_device(person)
    make_channel(person, "chat")
    for minutes, name in enumerate(("Ready", "AuxWork", "Ready")):
        moment = now + timedelta(minutes=minutes)
        desk_states.set_state(name, actor=actor_for(person), now=moment)
    return person


def problems() -> list[str]:
    return [one.what for one in differences()]


def test_the_doctor_finds_nothing_in_a_whole_history(agent: User, now: datetime) -> None:
    later = now + timedelta(hours=1)
    desk_states.set_do_not_disturb(True, actor=actor_for(agent), now=later)
    desk_sessions.end_session(agent.pk, actor=actor_for(agent), now=later + timedelta(hours=1))

    assert problems() == []


def test_the_doctor_finds_a_gap(agent: User, now: datetime) -> None:
    StateInterval.objects.filter(medium="voice", state="NotReady").delete()

    assert problems() == ["gaps and overlaps in the history of states"]


def test_the_doctor_finds_a_state_without_history(agent: User) -> None:
    Device.objects.filter(user=agent).update(state="NotReady")

    # What is open, and what should be.
    assert problems() == ["present states and their history"] * 2


@pytest.mark.parametrize("is_device", [True, False])
def test_two_states_at_once_cannot_be_stored(agent: User, is_device: bool) -> None:
    rows = StateInterval.objects.filter(user=agent, device_id__isnull=not is_device)
    last = rows.latest("id")

    with pytest.raises(IntegrityError), transaction.atomic():
        StateInterval.objects.create(
            organization_id=house_of(agent),
            user=agent,
            medium=last.medium,
            device_id=last.device_id,
            state="Ready",
            period=last.period,
        )
