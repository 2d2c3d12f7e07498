"""PUT /api/v2/appointments/reassign/: handing an appointment over to another agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import Appointment, Participant, ParticipantState, TargetType
from config.kernel.actors import Role
from notifications.models import Channel, Notification
from tests import make
from tests.contract.state import everything
from tests.make import customers_of, make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import Application, User
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

PATH = "/api/v2/appointments/reassign/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# 02:00 in Berlin, a moment that the clocks have twice.
START = datetime(2027, 10, 31, 0, 0, tzinfo=UTC)


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def ada(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def bob(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def client(api: Callable[[str], Api], supervisor: User) -> Api:
    return api(make.token_for(supervisor))


def read(client: Api, appointment: Appointment) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/api/v2/appointments/{appointment.id}").json()
    return body


def handed_to(user: User) -> dict[str, Any]:
    """Give the members that name the agent of an appointment that was handed over."""
    agent = {"id": str(user.id), "type": "AGENT"}
    return {"organizer": agent, "targetAssignment": agent}


@pytest.mark.rule("v2.appointments.reassign.r3")
@pytest.mark.parametrize("member", ["id", "userId"])
@pytest.mark.parametrize("value", [..., "", None, 7])
def test_id_and_user_id_are_required(
    client: Api, ada: User, bob: User, member: str, value: object
) -> None:
    booked = make_appointment(make.make_application(ada.organization), agent=ada)
    body: dict[str, object] = {"id": str(booked.id), "userId": str(bob.id), member: value}
    if value is ...:
        del body[member]
    before = everything()

    answer = client.put(PATH, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])
    assert everything() == before


@pytest.mark.rule("v2.appointments.reassign.r4")
@pytest.mark.parametrize("key", [UNKNOWN, "x", "another organization's"])
def test_an_unknown_appointment_is_answered_404(client: Api, bob: User, key: str) -> None:
    theirs = make_appointment()
    before = everything()

    answer = client.put(PATH, {"id": str(theirs.id) if " " in key else key, "userId": str(bob.id)})

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.appointments.reassign.r5")
@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("nobody", (404, "AGENT_NOT_FOUND")),
        ("malformed", (404, "AGENT_NOT_FOUND")),
        ("of another organization", (404, "AGENT_NOT_FOUND")),
        ("an API client", (404, "AGENT_NOT_FOUND")),
        ("a supervisor", (400, "USER_NOT_AN_AGENT")),
        ("an agent who left", (400, "USER_NOT_AN_AGENT")),
    ],
)
def test_a_user_who_is_not_there_or_is_no_agent_is_refused(
    client: Api, application: Application, ada: User, who: str, refusal: object
) -> None:
    organization = application.organization
    users = {
        "of another organization": make.make_user().id,
        "an API client": make.make_api_client(organization)[0].id,
        "a supervisor": make.make_user(organization, [Role.SUPERVISOR]).id,
        "an agent who left": make.make_user(organization, is_active=False).id,
        "malformed": "x",
    }
    booked = make_appointment(application, agent=ada)
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(users.get(who, UNKNOWN))})

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert everything() == before


@pytest.mark.rule(
    "v2.appointments.reassign.r6", "v2.appointments.reassign.r7", "v2.appointments.reassign.r8",
    "v2.appointments.reassign.r9",
)  # fmt: skip
def test_the_agent_becomes_organizer_target_and_only_agent_and_all_else_stays(
    client: Api, application: Application, ada: User, bob: User, supervisor: User
) -> None:
    customers = [make_customer(), make_customer(first_name="Grace")]
    booked = make_appointment(
        application, organizer=bob, agent=ada, start=START, duration="P1D", customers=customers,
        title="Review", notes="Notes", metadata={"a": 1}, custom_fields={"b": "2"},
    )  # fmt: skip
    third, cleo = (make.make_user(application.organization) for _ in range(2))
    services.add_agent(
        booked.id, user_id=str(third.id), actor=make.actor_for(supervisor), now=timezone.now()
    )
    before = read(client, booked)
    tickets = [one["ticket"] for one in before["participants"] if "ticket" in one]

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(cleo.id)})

    kept = [one for one in before["participants"] if one["type"] == "CUSTOMER"]
    agent = {"id": str(cleo.id), "type": "AGENT", "detailsAvailable": True}
    assert len(tickets) == len(kept) == 2
    assert answer.json() == {**before, **handed_to(cleo), "participants": [*kept, agent]}
    assert read(client, booked) == answer.json()


@pytest.mark.rule("v2.appointments.reassign.r8")
def test_an_appointment_of_a_queue_gets_an_agent(
    client: Api, application: Application, ada: User, bob: User
) -> None:
    queue = services.Target(type=TargetType.QUEUE, id="Loans")
    booked = make_appointment(application, organizer=ada, target=queue, customers=[])
    before = read(client, booked)

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    assert before["targetAssignment"] == {"type": "QUEUE", "id": "Loans"}
    assert answer.json() == {
        **before,
        **handed_to(bob),
        "participants": [{"id": str(bob.id), "type": "AGENT", "detailsAvailable": True}],
    }


@pytest.mark.rule("v2.appointments.reassign.r7")
def test_an_agent_who_takes_part_and_has_joined_stays_joined(
    client: Api, application: Application, ada: User, bob: User, supervisor: User
) -> None:
    booked = make_appointment(application, agent=ada, customers=[])
    actor, now = make.actor_for(supervisor), timezone.now()
    services.add_agent(booked.id, user_id=str(bob.id), actor=actor, now=now)
    services.set_participant_state(
        booked.id, participant_id=str(bob.id), state=ParticipantState.JOINED, actor=actor, now=now
    )

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    assert answer.json()["participants"] == [
        {"id": str(bob.id), "type": "AGENT", "state": "JOINED", "detailsAvailable": True}
    ]
    # Bob has come, though he was there as the second one; now it takes up his time.
    agent = Participant.objects.get(user=bob)
    assert (agent.role, agent.first_joined_at) == ("PRIMARY", now)
    assert (agent.occupies.lower, agent.occupies.upper) == (booked.start, booked.end)


@pytest.mark.rule("v2.appointments.reassign.r10")
@pytest.mark.parametrize("organizer", ["ada", "bob"])
def test_handing_it_to_its_only_agent_changes_nothing(
    client: Api, application: Application, ada: User, bob: User, organizer: str
) -> None:
    make.make_channel(application, Channel.WEBHOOKS)
    make.make_subscription(application)
    booked = make_appointment(application, organizer={"ada": ada, "bob": bob}[organizer], agent=ada)
    body, before = read(client, booked), everything()

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(ada.id)})

    assert (answer.status_code, answer.json()) == (200, body)
    assert everything() == before


@pytest.mark.rule("v2.appointments.reassign.r11")
@pytest.mark.parametrize("notify_agents", [False, True])
def test_subscribers_are_told_and_the_new_agent_where_agents_are_but_no_customer(
    client: Api, application: Application, ada: User, bob: User, notify_agents: bool
) -> None:
    application.notify_agents = notify_agents
    application.save()
    for channel in Channel:
        make.make_channel(application, channel)
    subscription = make.make_subscription(application)
    customer = make_customer(phone="+4930901820")
    booked = make_appointment(application, agent=ada, customers=[customer])
    before = Notification.objects.count()

    client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    new = Participant.objects.get(user=bob)
    told = [("WEBHOOKS", "SYSTEM", subscription.id)]
    if notify_agents:
        told = [("EMAIL", "AGENT", new.id), *told]
    found = Notification.objects.order_by("id")[before:]
    assert [(one.channel, one.recipient_type, one.recipient_id) for one in found] == told
    assert {(one.type, one.status, one.due_at == one.created_at) for one in found} == {
        ("REASSIGN", "INITIALIZED", True)
    }


@pytest.mark.rule("v2.appointments.reassign.r11")
def test_while_notifications_are_not_active_nobody_is_told(
    client: Api, application: Application, ada: User, bob: User
) -> None:
    application.notifications_active = False
    application.notify_agents = True
    application.save()
    make.make_channel(application)
    make.make_channel(application, Channel.WEBHOOKS)
    make.make_subscription(application)
    booked = make_appointment(application, agent=ada)

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    assert answer.json()["organizer"]["id"] == str(bob.id)
    assert Notification.objects.count() == 0


def test_the_reminder_of_the_former_agent_is_cancelled_and_the_new_one_gets_its_own(
    client: Api, application: Application, ada: User, bob: User
) -> None:
    application.notify_agents = True
    application.save()
    make.make_channel(application, reminder_offsets=["P1D"])
    booked = make_appointment(application, agent=ada, start=START)
    former = Participant.objects.get(user=ada).id

    client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    new = Participant.objects.get(user=bob).id
    [customer] = customers_of(booked)
    reminders = Notification.objects.filter(type="REMINDER").order_by("id")
    found = [(one.recipient_id, one.status, one.due_at) for one in reminders]
    # A day before, at the same time by the clock on the wall.
    due = START - timedelta(days=1)
    assert found == [
        (customer.id, "INITIALIZED", due),
        (former, "CANCELLED", None),
        (new, "INITIALIZED", due),
    ]


@pytest.mark.rule("v2.appointments.reassign.r12")
def test_the_former_agent_no_longer_finds_it_and_the_new_one_does(
    api: Callable[[str], Api], application: Application, ada: User, bob: User
) -> None:
    former, new = api(make.token_for(ada)), api(make.token_for(bob))
    booked = make_appointment(application, agent=ada)

    def found(client: Api) -> list[str]:
        return [one["id"] for one in client.get("/api/v2/appointments/").json()["content"]]

    before = found(former), found(new)
    former.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    assert before == ([str(booked.id)], [])
    assert (found(former), found(new)) == ([], [str(booked.id)])
    assert former.get(f"/api/v2/appointments/{booked.id}").status_code == 403


@pytest.mark.parametrize("caller", ["a stranger", "not joined"])
def test_an_agent_who_may_not_change_it_is_answered_403(
    api: Callable[[str], Api], application: Application, ada: User, bob: User, caller: str
) -> None:
    booked = make_appointment(application, organizer=ada, agent=bob)
    who = make.make_user(application.organization) if caller == "a stranger" else ada
    if caller == "not joined":
        Participant.objects.filter(user=bob).update(first_joined_at=timezone.now())
    before = everything()

    answer = api(make.token_for(who)).put(PATH, {"id": str(booked.id), "userId": str(who.id)})

    codes = {"a stranger": "NOT_YOUR_APPOINTMENT", "not joined": "APPOINTMENT_ALREADY_JOINED"}
    assert (answer.status_code, answer.json()["code"]) == (403, codes[caller])
    assert everything() == before


# --- Occupied ---------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.reassign.r14")
@pytest.mark.parametrize("minutes", [-29, 0, 29])
def test_while_overlaps_are_prevented_an_occupied_agent_is_answered_409(
    client: Api, application: Application, ada: User, bob: User, minutes: int
) -> None:
    application.prevent_overlaps = True
    application.save()
    make_appointment(application, agent=bob, start=START)
    booked = make_appointment(application, agent=ada, start=START + timedelta(minutes=minutes))
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    message = "The agent is occupied from 2027-10-31T00:00:00Z to 2027-10-31T00:30:00Z."
    assert (answer.status_code, answer.json()) == (
        409,
        {"code": "AGENT_OCCUPIED", "message": message, "errors": {"start": [message]}},
    )
    assert everything() == before


@pytest.mark.rule("v2.appointments.reassign.r14")
@pytest.mark.parametrize(("prevents", "minutes"), [(True, -30), (True, 30), (False, 0)])
def test_a_free_agent_is_taken_and_any_agent_while_overlaps_are_allowed(
    client: Api, ada: User, bob: User, prevents: bool, minutes: int
) -> None:
    application = make.make_application(ada.organization, prevent_overlaps=prevents)
    make_appointment(application, agent=bob, start=START)
    booked = make_appointment(application, agent=ada, start=START + timedelta(minutes=minutes))

    answer = client.put(PATH, {"id": str(booked.id), "userId": str(bob.id)})

    assert (answer.status_code, answer.json()["organizer"]["id"]) == (200, str(bob.id))


@pytest.mark.rule("v2.appointments.reassign.r14")
def test_the_time_of_the_former_agent_is_free_again(
    client: Api, application: Application, ada: User, bob: User
) -> None:
    application.prevent_overlaps = True
    application.save()
    first, second = (
        make_appointment(application, agent=agent, start=START) for agent in (ada, bob)
    )
    cleo = make.make_user(application.organization)

    client.put(PATH, {"id": str(first.id), "userId": str(cleo.id)})
    answer = client.put(PATH, {"id": str(second.id), "userId": str(ada.id)})

    assert (answer.status_code, answer.json()["organizer"]["id"]) == (200, str(ada.id))
