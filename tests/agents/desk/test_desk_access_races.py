"""Many at once: one hashes, one wins, and nobody is refused for the haste of its own desktop."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial

import pytest
from django.contrib.auth import hashers
from django.db import connection

from agents.errors import TooManyAttempts, Unauthenticated
from agents.errors_desk import AgentStateTaken
from agents.models import AgentState, DeskCookie
from agents.services import agent_states, desk_access, passwords
from agents.services.desk_access import prove
from config.kernel.actors import Role
from tests.agents.desk.asking import basic
from tests.agents.desk.desk import make_agent, make_house, told
from tests.appointments.races import run_together
from tests.make import PASSWORD, actor_for, make_user

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "192.0.2.1"


def test_a_desktop_that_starts_with_twenty_requests_hashes_once(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    lock = threading.Lock()

    def noted(password: str, encoded: str) -> bool:
        with lock:
            hashed.append(password)
        return hashers.check_password(password, encoded)

    monkeypatch.setattr(desk_access, "check_password", noted)
    user = make_agent()

    callers = run_together(
        [lambda: prove(basic(user.username), "", address=HERE, now=now).user_id] * 20
    )

    assert callers == [user.pk] * 20
    assert hashed == [PASSWORD]


def test_of_twenty_wrong_passwords_at_once_ten_are_looked_at(now: datetime) -> None:
    user = make_agent()
    wrong = [basic(user.username, f"wrong-password-{each}") for each in range(20)]

    outcomes = run_together([partial(prove, each, "", address=HERE, now=now) for each in wrong])

    kinds = [type(one) for one in outcomes]
    assert (kinds.count(Unauthenticated), kinds.count(TooManyAttempts)) == (10, 10)


def test_a_cookie_that_is_used_for_the_first_time_by_many_is_written_once(now: datetime) -> None:
    user = make_agent()
    cookie = prove(basic(user.username), "", address=HERE, now=now).cookie_to_set or ""

    callers = run_together([lambda: prove("", cookie, address=HERE, now=now).user_id] * 8)

    assert callers == [user.pk] * 8
    assert DeskCookie.objects.count() == 1


def test_of_two_states_that_mean_the_same_one_is_made(now: datetime) -> None:
    actor = actor_for(make_user(make_house(), [Role.ADMIN]))

    def create(name: str) -> AgentState:
        return agent_states.create_agent_state(
            name, "At lunch", state="NotReady", work_mode="WalkAway", actor=actor, now=now
        )

    outcomes = run_together([lambda: create("Lunch"), lambda: create("Dinner")])

    refused = [one for one in outcomes if not isinstance(one, AgentState)]
    assert [type(one) for one in refused] == [AgentStateTaken]
    assert AgentState.objects.count() == 1


def test_of_two_changes_of_one_password_the_second_finds_another_old_one(now: datetime) -> None:
    user = make_agent()

    def change(new: str) -> str | None:
        return passwords.change_own_password(
            user.pk, old=PASSWORD, new=new, actor=actor_for(user), now=now
        )

    outcomes = run_together(
        [lambda: change("a-first-good-password"), lambda: change("a-second-good-password")]
    )

    user.refresh_from_db()
    assert [one for one in outcomes if one is not None] == [user.password]
    assert sorted(one.get("errorCode", 0) for one in told(user)) == [0, 2]
    assert not connection.in_atomic_block
