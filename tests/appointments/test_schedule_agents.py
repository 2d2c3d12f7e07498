"""Booking: whose the appointment is, who takes part, and that an agent's time is taken once."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError

from agents.models import ApiClient as Service
from agents.models import User
from appointments import services
from appointments.models import Appointment, Participant
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.appointments import ways
from tests.appointments.ways import By, both_ways, faults
from tests.contract.client import ApiClient
from tests.contract.samples import booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

pytestmark = pytest.mark.django_db


def agents_in(booked: dict[str, Any]) -> list[str]:
    return [one["id"] for one in booked["participants"] if one["type"] == "AGENT"]


def meant_for(user: User) -> dict[str, str]:
    return {"type": "AGENT", "id": str(user.id)}


# --- Whose it is ----------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r33", "v2.appointments.schedule.r35")
def test_a_service_that_books_is_the_organizer_and_takes_no_part() -> None:
    application = make.make_application()
    client, _ = make.make_api_client(application.organization)

    booked = ApiClient(make.token_for(client)).post(ways.APPOINTMENTS, booking(application)).json()

    assert booked["organizer"] == {"id": str(client.id), "type": "AGENT"}
    assert agents_in(booked) == []


@pytest.mark.rule("v2.appointments.schedule.r33", "v2.appointments.schedule.r34")
@pytest.mark.parametrize("more", [(), (Role.SUPERVISOR,), (Role.CLIENT_SERVICE, Role.ADMIN)])
def test_an_agent_who_names_no_target_takes_part(more: tuple[Role, ...]) -> None:
    application = make.make_application()
    user = make.make_user(application.organization, roles=(Role.AGENT, *more))

    booked = ApiClient(make.token_for(user)).post(ways.APPOINTMENTS, booking(application)).json()

    assert booked["organizer"] == {"id": str(user.id), "type": "AGENT"}
    assert agents_in(booked) == [str(user.id)]
    assert "targetAssignment" not in booked


@pytest.mark.rule("v2.appointments.schedule.r33", "v2.appointments.schedule.r35")
@pytest.mark.parametrize("by", [ways.agent, ways.service])
def test_the_target_agent_takes_part_in_place_of_the_caller(by: By) -> None:
    caller = by(make.make_application())
    colleague = make.make_user(caller.application.organization)

    booked = caller.book(targetAssignment=meant_for(colleague)).json()

    assert booked["organizer"]["id"] != str(colleague.id)
    assert agents_in(booked) == [str(colleague.id)]
    assert booked["targetAssignment"] == meant_for(colleague)


@pytest.mark.rule("v2.appointments.schedule.r27", "v2.appointments.schedule.r35")
@pytest.mark.parametrize("by", [ways.agent, ways.service])
def test_a_queue_brings_no_agent_at_first(by: By) -> None:
    booked = by(make.make_application()).book(targetAssignment={"type": "QUEUE", "id": "Loans ☂"})

    assert booked.json()["targetAssignment"] == {"type": "QUEUE", "id": "Loans ☂"}
    assert agents_in(booked.json()) == []


@pytest.mark.rule("v2.appointments.schedule.r36")
def test_a_target_that_is_no_agent_of_ours_is_refused() -> None:
    caller = ways.agent(make.make_application())
    organization = caller.application.organization
    others = [
        make.make_user(organization, roles=[Role.SUPERVISOR, Role.ADMIN]),
        make.make_user(organization, is_active=False),
        make.make_user(),
    ]
    ids = [*(str(one.id) for one in others), "0190a1b2-0000-7000-8000-00000000dead", "no uuid"]
    before = everything()

    answers = [caller.book(targetAssignment={"type": "AGENT", "id": id_}) for id_ in ids]

    for answer in answers:
        assert answer.status_code == 400
        assert answer.json() == {
            "code": "TARGET_NOT_AN_AGENT",
            "message": "No agent of the organization has this id.",
            "errors": {"targetAssignment.id": ["No agent of the organization has this id."]},
        }
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r27", "v2.appointments.schedule_as_customer.r32")
@both_ways
@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ({"type": "TEAM", "id": "1"}, ["targetAssignment.type"]),
        ({"type": "agent", "id": "1"}, ["targetAssignment.type"]),
        ({"type": None, "id": "1"}, ["targetAssignment.type"]),
        ({"id": "1"}, ["targetAssignment.type"]),
        ({"type": "AGENT"}, ["targetAssignment.id"]),
        ({"type": "AGENT", "id": ""}, ["targetAssignment.id"]),
        ({"type": "QUEUE"}, ["targetAssignment.id"]),
        ({"type": "QUEUE", "id": None}, ["targetAssignment.id"]),
        ({"type": "QUEUE", "id": 5}, ["targetAssignment.id"]),
        ({}, ["targetAssignment.type"]),
        ("QUEUE", ["targetAssignment"]),
    ],
)
def test_a_target_that_says_too_little_is_refused(by: By, target: object, fault: list[str]) -> None:
    caller = by(make.make_application())
    before = everything()

    answer = caller.book(targetAssignment=target)

    assert (faults(answer), everything()) == (fault, before)


# --- Any free agent -------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r27")
@pytest.mark.parametrize("prevents", [False, True])
def test_any_takes_agents_who_are_free_until_none_is_left(*, prevents: bool) -> None:
    caller = ways.service(make.make_application(prevent_overlaps=prevents))
    organization = caller.application.organization
    agents = {str(make.make_user(organization).id) for _ in range(3)}
    # None of these may be taken.
    make.make_user(organization, roles=[Role.SUPERVISOR])
    make.make_user(organization, is_active=False)
    make.make_user()
    body = booking(caller.application, targetAssignment={"type": "ANY"})

    answers = [caller.send(body) for _ in agents]
    before = everything()
    refused = caller.send(body)

    assert {agents_in(one.json())[0] for one in answers} == agents
    assert all(one.json()["targetAssignment"] == {"type": "ANY"} for one in answers)
    assert (refused.status_code, everything()) == (409, before)
    assert refused.json() == {
        "code": "NO_AGENT_FREE",
        "message": "No agent is free at this time.",
        "errors": {},
    }


@pytest.mark.rule("v2.appointments.schedule.r27")
def test_any_sees_that_an_agent_is_free_again_at_the_very_end(now: datetime) -> None:
    application = make.make_application()
    agent = make.make_user(application.organization)
    start = now + timedelta(days=1)
    make.make_appointment(application, agent=agent, start=start, duration="PT30M")

    booked = ways.service(application).book(
        start=format_instant(start + timedelta(minutes=30)), targetAssignment={"type": "ANY"}
    )

    assert agents_in(booked.json()) == [str(agent.id)]


# --- One appointment at a time --------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r30", "v2.appointments.schedule_as_customer.r35")
@both_ways
def test_an_occupied_time_can_be_booked_while_the_application_lets_it(by: By) -> None:
    application = make.make_application(prevent_overlaps=False)
    agent = make.make_user(application.organization)

    answers = [by(application).book(targetAssignment=meant_for(agent)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Participant.objects.filter(user=agent).count() == 2


@pytest.mark.rule("v2.appointments.schedule.r30", "v2.appointments.schedule_as_customer.r35")
@both_ways
@pytest.mark.parametrize(
    ("after", "duration"),
    [
        (timedelta(0), "PT30M"),
        (timedelta(minutes=-29, seconds=-59), "PT30M"),
        (timedelta(minutes=29, seconds=59), "PT30M"),
        (timedelta(minutes=10), "PT1S"),
        (timedelta(hours=-6), "P1D"),
    ],
)
def test_an_occupied_time_is_refused_with_its_interval_where_overlaps_are_prevented(
    by: By, after: timedelta, duration: str, now: datetime
) -> None:
    application = make.make_application(prevent_overlaps=True)
    agent, start = make.make_user(application.organization), now + timedelta(days=1)
    make.make_appointment(application, agent=agent, start=start, duration="PT30M")
    caller = by(application)
    before = everything()

    answer = caller.book(
        start=format_instant(start + after), duration=duration, targetAssignment=meant_for(agent)
    )

    end = format_instant(start + timedelta(minutes=30))
    sentence = f"The agent is occupied from {format_instant(start)} to {end}."
    assert answer.status_code == 409
    assert answer.json() == {
        "code": "AGENT_OCCUPIED",
        "message": sentence,
        "errors": {"start": [sentence]},
    }
    assert everything() == before


@pytest.mark.rule("v2.appointments.schedule.r30")
def test_the_calling_agents_own_time_is_taken_too() -> None:
    caller = ways.agent(make.make_application(prevent_overlaps=True))

    body = booking(caller.application)
    answers = [caller.send(body), caller.send(body)]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert Appointment.objects.count() == 1


@pytest.mark.rule("v2.appointments.schedule.r30", "v2.appointments.schedule_as_customer.r35")
@both_ways
def test_only_the_same_agents_own_time_is_in_the_way(by: By, now: datetime) -> None:
    application = make.make_application(prevent_overlaps=True)
    agent, colleague = (make.make_user(application.organization) for _ in range(2))
    start = now + timedelta(days=1)
    taken = make.make_appointment(application, agent=agent, start=start)
    assert taken.end is not None

    answers = [
        by(application).book(start=format_instant(at), duration="PT30M", targetAssignment=target)
        for at, target in [
            (start, meant_for(colleague)),
            (start, {"type": "QUEUE", "id": "Loans"}),
            # An interval excludes its end.
            (start - timedelta(minutes=30), meant_for(agent)),
            (taken.end, meant_for(agent)),
        ]
    ]

    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.rule("v2.appointments.schedule.r30")
@pytest.mark.parametrize(
    "end_it",
    [
        services.cancel_appointment,
        services.delete_appointment,
        partial(services.report_failure, system_message=None, user_message="No sound"),
    ],
)
def test_the_time_of_what_is_over_is_free(end_it: Callable[..., object], now: datetime) -> None:
    application = make.make_application(prevent_overlaps=True)
    agent, start = make.make_user(application.organization), now + timedelta(days=1)
    over = make.make_appointment(application, agent=agent, start=start)
    caller = ways.service(application)
    again = {"start": format_instant(start), "targetAssignment": meant_for(agent)}
    assert caller.book(**again).status_code == 409

    end_it(over.id, actor=make.actor_for(agent), now=now)

    assert caller.book(**again).status_code == 200


def test_postgresql_itself_refuses_two_exclusive_bookings(now: datetime) -> None:
    application = make.make_application()
    agent, start = make.make_user(application.organization), now + timedelta(days=1)
    for _ in range(2):
        make.make_appointment(application, agent=agent, start=start)

    with pytest.raises(IntegrityError, match="participant_agent_free"):
        Participant.objects.filter(user=agent).update(is_exclusive=True)


# --- What proves it to others ---------------------------------------------------------------


@pytest.mark.rule("v2.appointments.schedule.r31")
def test_the_response_has_the_secure_token_that_is_read_later() -> None:
    application = make.make_application()
    organization = application.organization
    callers: list[User | Service] = [
        make.make_user(organization),
        make.make_user(organization, roles=[Role.AGENT, Role.SUPERVISOR]),
        make.make_api_client(organization)[0],
    ]
    supervisor = ApiClient(make.token_for(make.make_user(organization, roles=[Role.SUPERVISOR])))

    answers = [
        ApiClient(make.token_for(one)).post(ways.APPOINTMENTS, booking(application)).json()
        for one in callers
    ]

    read = [supervisor.get(f"{ways.APPOINTMENTS}{one['id']}").json() for one in answers]
    given = [one["secureToken"] for one in answers]
    assert [one["secureToken"] for one in read] == given
    assert len(set(given)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in given)
