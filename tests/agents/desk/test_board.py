"""The picture that the live board begins with, and who may see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import (
    Call,
    Leg,
    Organization,
    Skill,
    Team,
    TeamMember,
    User,
    UserSkill,
    WorkState,
)
from agents.services import board, desk_states, outside_calls
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests.agents.desk.desk import (
    NOT_READY,
    READY,
    house_of,
    make_active_device,
    make_agent,
    make_channel,
    make_device,
    make_house,
    make_queue,
)
from tests.agents.desk.telephony import Phone, connect, make_phones
from tests.make import actor_for, make_skill, make_user

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

PATH, STATE = "/desk/live/", "/desk/live/state"
HOUR = timedelta(hours=1)


def picture(user: User) -> dict[str, Any]:
    """Give what the browser of somebody of the same organisation is given."""
    boss = make_user(user.organization, [Role.ADMIN])
    return dict(browser_of(boss).get(STATE).json())


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def shown(user: User) -> dict[str, Any]:
    """Give how the board shows somebody."""
    [found] = [one for one in picture(user)["people"] if one["id"] == str(user.pk)]
    return dict(found)


def test_somebody_is_shown_with_all_that_it_works_with() -> None:
    since = timezone.now() - HOUR
    ada = make_agent(first_name="Ada", last_name="Able")
    team = Team.objects.create(organization_id=house_of(ada), name="Loans")
    TeamMember.objects.create(organization_id=house_of(ada), team=team, user=ada)
    make_skill(ada, "English")
    desk = make_active_device(ada, WorkState.READY, state_since=since, forward_to="112")
    make_channel(ada, "chat", state_since=since)

    assert shown(ada) == {
        "id": str(ada.pk),
        "name": "Ada Able",
        "teams": ["Loans"],
        "skills": ["English"],
        "devices": [
            {
                "id": str(desk.pk),
                "phoneNumber": desk.phone_number,
                "deviceState": "Active",
                "userState": READY,
                "doNotDisturb": "Off",
                "forwardTo": "112",
                "since": format_instant(since),
            }
        ],
        "channels": [
            {
                "channel": "chat",
                "userState": NOT_READY,
                "dndState": "Off",
                "since": format_instant(since),
            }
        ],
        "calls": [],
    }


def test_who_has_no_desk_is_not_on_the_board() -> None:
    ada = make_agent(first_name="Ada", last_name="Able")
    make_agent(ada.organization, first_name="Gone", is_active=False)
    make_user(ada.organization, [Role.CLIENT_SERVICE], first_name="Robot")
    make_agent(ada.organization, [Role.SUPERVISOR], first_name="Sue", last_name="Baker")

    assert [one["name"] for one in picture(ada)["people"]] == ["Ada Able", "Sue Baker"]


def test_what_is_hidden_by_do_not_disturb_stands_so_since_then(now: datetime) -> None:
    ada = make_agent()
    make_active_device(ada, WorkState.READY, state_since=now - HOUR)
    desk_states.set_do_not_disturb(True, actor=actor_for(ada), now=now)

    [device] = shown(ada)["devices"]

    assert device["userState"] == {**NOT_READY}
    assert (device["doNotDisturb"], device["since"]) == ("On", format_instant(now))


def test_a_call_is_shown_with_each_of_its_parties() -> None:
    caller, called = make_phones(2)
    call = Call.objects.get(number=connect(caller, called))
    leg = Leg.objects.get(call=call, user=called.user)

    assert shown(called.user)["calls"] == [
        {
            "id": call.number,
            "callType": "Internal",
            "ani": caller.number,
            "dnis": called.number,
            "phoneNumber": called.number,
            "state": "Established",
            "mute": "Off",
            "participants": [caller.number],
            "since": format_instant(leg.established_at or leg.began_at),
        }
    ]
    caller.do("Hangup", call.number)
    assert shown(called.user)["calls"] == []


def test_queues_say_how_many_wait_and_since_when(now: datetime) -> None:
    ada = make_agent()
    busy = make_queue(ada, name="Busy")
    make_queue(ada, name="Calm", phone_number="")
    make_queue(ada, name="Mail", medium="email")
    for moment in (now - HOUR, now):
        outside_calls.take_in_call(
            house_of(ada), busy.phone_number, caller="+4930901820", now=moment
        )

    assert [
        (one["name"], one["phoneNumber"], one["waiting"], one["since"])
        for one in picture(ada)["queues"]
    ] == [
        ("Busy", busy.phone_number, 2, format_instant(now - HOUR)),
        ("Calm", "", 0, None),
    ]


def test_who_waits_is_shown_to_have_dialled_the_queue() -> None:
    phone = Phone()
    queue = make_queue(make_agent(phone.user.organization))
    phone.dial(queue.phone_number)

    [call] = shown(phone.user)["calls"]

    assert (call["state"], call["participants"]) == ("Dialing", [queue.phone_number])


def test_another_organisation_is_never_seen() -> None:
    caller, called = make_phones(2)
    connect(caller, called)
    make_queue(caller.user)
    make_channel(caller.user, "chat")
    ada = make_agent(first_name="Ada", last_name="Able")

    seen = picture(ada)

    assert [one["name"] for one in seen["people"]] == ["Ada Able"]
    assert seen["queues"] == []


@pytest.mark.parametrize("path", [PATH, STATE])
def test_the_board_is_for_those_who_lead(path: str) -> None:
    house = make_house()
    expected = {Role.AGENT: 403, Role.SUPERVISOR: 200, Role.ADMIN: 200, Role.CLIENT_SERVICE: 403}

    statuses = {
        role: browser_of(make_user(house, [role])).get(path).status_code for role in expected
    }

    assert statuses == expected
    assert Client().get(path)["Location"] == f"/login/?next={path}"


def test_only_a_supervisor_is_led_to_listening_in() -> None:
    house = make_house()
    pages = {
        role: browser_of(make_user(house, [role])).get(PATH).content.decode()
        for role in (Role.SUPERVISOR, Role.ADMIN)
    }

    assert 'data-desk="/desk/"' in pages[Role.SUPERVISOR]
    assert "data-desk" not in pages[Role.ADMIN]
    assert 'href="/desk/live/" aria-current="page"' in pages[Role.ADMIN]


def _statements(house: Organization) -> list[str]:
    actor = actor_for(make_user(house, [Role.SUPERVISOR]))
    with CaptureQueriesContext(connection) as captured:
        board.picture_for(actor, now=timezone.now())
    return [query["sql"] for query in captured]


def _fill(house: Organization, count: int) -> None:
    """Let so many agents talk in pairs, with a chat each, in ten teams."""
    people = [make_agent(house, last_name=f"Number {number}") for number in range(2)]
    people += User.objects.bulk_create(
        User(
            organization=house,
            username=f"agent{number}@{house.pk}.example",
            roles=[Role.AGENT],
            last_name=f"Number {number}",
        )
        for number in range(2, count)
    )
    for number, person in enumerate(people):
        device = make_device(person, phone_number=f"7{number:05}", is_active=True, state="Ready")
        make_channel(person, "chat")
        if number % 2 == 0:
            call = _talk(house.pk, number)
        Leg.objects.create(
            organization=house,
            call=call,
            device=device,
            user=person,
            phone_number=device.phone_number,
            state="Established",
        )
    make_queue(*people[:10])
    skill = Skill.objects.create(organization=house, name="English")
    team = Team.objects.create(organization=house, name="Loans")
    UserSkill.objects.bulk_create(
        UserSkill(organization=house, user=person, skill=skill) for person in people
    )
    TeamMember.objects.bulk_create(
        TeamMember(organization=house, user=person, team=team) for person in people
    )


def _talk(house: UUID, number: int) -> Call:
    key = f"{number:032X}"
    return Call.objects.create(
        organization_id=house, number=f"{number:016x}", uuid=key, type="Internal"
    )


def test_the_picture_is_a_handful_of_statements_however_many_work_here() -> None:
    house = make_house()
    _fill(house, 1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    statements = _statements(house)

    assert len(_statements(make_house())) == len(statements) == 6
    assert len(picture(User.objects.filter(organization=house)[0])["people"]) == 1_001
    # What is looked up for each of them is found by an index.
    assert [plan for one in statements[:-1] for plan in _repeated_scans(one)] == []


def _repeated_scans(statement: str) -> list[dict[str, Any]]:
    """Give the scans of whole tables that a statement makes more than once."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        plans = [cursor.fetchone()[0][0]["Plan"]]
    found = []
    while plans:
        plan = plans.pop()
        plans += plan.get("Plans", [])
        is_scan = plan["Node Type"] == "Seq Scan" and plan["Actual Loops"] > 1
        # Of a handful of rows there is nothing to be found faster.
        if is_scan and plan["Actual Rows"] > 10:
            found.append(plan)
    return found
