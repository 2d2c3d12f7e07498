"""PUT /api/v2/appointments/: title, notes, metadata, headers and a customer's details."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.models import Appointment, Participant
from config.kernel.actors import Role
from notifications.models import Channel, Notification, OutboxEvent
from tests import make
from tests.contract.state import everything
from tests.make import customers_of, make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import Application, User
    from notifications.models import Subscription
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

PATH = "/api/v2/appointments/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
ADA = make_customer(phone="+4930901820", username="ada", metadata={"vip": 1, "tags": ["a"]})
KING = {"name": {"firstName": "Augusta", "lastName": "King"}}
GRACE = make_customer(first_name="Grace", email="grace@example.org")
STORED: dict[str, Any] = {
    "title": "Old title",
    "notes": "Old notes",
    "metadata": {"case": 1, "kept": {"a": [1]}},
    "notification_headers": {"X-Old": "1"},
}


@pytest.fixture
def application() -> Application:
    """An application whose reminders go out by mail and by webhook."""
    application = make.make_application()
    make.make_channel(application, reminder_offsets=["PT1H"])
    make.make_channel(application, Channel.SMS)
    make.make_channel(application, Channel.WEBHOOKS)
    return application


@pytest.fixture
def subscription(application: Application) -> Subscription:
    return make.make_subscription(application)


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def client(api: Callable[[str], Api], agent: User) -> Api:
    return api(make.token_for(agent))


def details(client: Api, customer: Participant) -> dict[str, Any]:
    """Read what can be read of a customer, but for the ticket and the expiry."""
    body = client.get(f"{PATH}{customer.appointment_id}/participants/{customer.id}").json()
    return {
        name: body[name] for name in ("contact", "name", "username", "metadata") if name in body
    }


def told_since(before: int) -> list[tuple[str, ...]]:
    """Give what was planned after so many notifications."""
    rows = Notification.objects.order_by("id")[before:]
    return [(one.type, one.channel, one.recipient_type, str(one.recipient_id)) for one in rows]


# --- Which appointment ------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.update.r3")
@pytest.mark.parametrize("key", [{}, {"id": ""}, {"id": None}, {"id": 7}])
def test_the_id_is_required(client: Api, application: Application, key: dict[str, Any]) -> None:
    make_appointment(application)
    before = everything()

    answer = client.put(PATH, {**key, "title": "New"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["id"])
    assert everything() == before


@pytest.mark.rule("v2.appointments.update.r4")
@pytest.mark.parametrize("key", [UNKNOWN, "x", "another organization's"])
def test_an_unknown_id_is_answered_404(client: Api, application: Application, key: str) -> None:
    theirs = make_appointment()
    before = everything()

    answer = client.put(PATH, {"id": str(theirs.id) if " " in key else key, "title": "New"})

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.parametrize("others", ["a stranger", "not joined"])
def test_an_agent_who_may_not_change_it_is_answered_403(
    client: Api, application: Application, agent: User, others: str
) -> None:
    colleague = make.make_user(application.organization)
    organizer = colleague if others == "a stranger" else agent
    booked = make_appointment(application, organizer=organizer, agent=colleague)
    if others == "not joined":
        Participant.objects.filter(user=colleague).update(first_joined_at=timezone.now())
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), "title": "New"})

    code = {"a stranger": "NOT_YOUR_APPOINTMENT", "not joined": "APPOINTMENT_ALREADY_JOINED"}
    assert (answer.status_code, answer.json()["code"]) == (403, code[others])
    assert everything() == before


# --- Members ----------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.update.r5", "v2.appointments.update.r7")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("title", ' "New" title '),
        ("notes", "New\nnotes"),
        ("metadata", {"other": {"b": None}}),
        ("notificationHeaders", {"X-New": "2"}),
    ],
)
def test_a_member_replaces_the_stored_value_and_the_others_keep_theirs(
    client: Api, application: Application, agent: User, member: str, value: object
) -> None:
    booked = make_appointment(application, agent=agent, **STORED)
    before = client.get(f"{PATH}{booked.id}").json()

    answer = client.put(PATH, {"id": str(booked.id), member: value})

    assert answer.json() == {**before, member: value}
    assert client.get(f"{PATH}{booked.id}").json() == {**before, member: value}


@pytest.mark.rule("v2.appointments.update.r6", "v2.appointments.update.r7")
@pytest.mark.parametrize(
    ("member", "empty"),
    [
        ("title", ""), ("title", None), ("notes", ""), ("notes", None),
        ("metadata", ""), ("metadata", None), ("metadata", {}),
        ("notificationHeaders", ""), ("notificationHeaders", None), ("notificationHeaders", {}),
    ],
)  # fmt: skip
def test_a_member_without_a_value_clears_the_stored_one(
    client: Api, application: Application, agent: User, member: str, empty: object
) -> None:
    booked = make_appointment(application, agent=agent, **STORED)
    before = client.get(f"{PATH}{booked.id}").json()

    answer = client.put(PATH, {"id": str(booked.id), member: empty})

    del before[member]
    assert answer.json() == before
    assert client.get(f"{PATH}{booked.id}").json() == before


@pytest.mark.rule("v2.appointments.update.r8")
@pytest.mark.parametrize(
    "metadata",
    [
        {"new": True},
        {"kept": {"b": 2}},
        # 1, 1.0 and true are one value to Python and three to everybody else.
        {"case": True, "kept": {"a": [1]}},
        {"case": 1, "kept": {"a": [1.5]}},
    ],
)
def test_metadata_are_replaced_as_a_whole(
    client: Api, application: Application, agent: User, metadata: dict[str, Any]
) -> None:
    booked = make_appointment(application, agent=agent, **STORED)

    client.put(PATH, {"id": str(booked.id), "metadata": metadata})

    found = client.get(f"{PATH}{booked.id}").json()["metadata"]
    assert repr(sorted(found.items())) == repr(sorted(metadata.items()))


def test_notification_headers_are_replaced_as_a_whole(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, **STORED)

    client.put(PATH, {"id": str(booked.id), "notificationHeaders": '{"X-New": "2"}'})

    assert Appointment.objects.get().notification_headers == {"X-New": "2"}


@pytest.mark.rule("v2.appointments.update.r5")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("title", "x" * 256),
        ("title", 7),
        ("notes", ["x"]),
        ("metadata", [1]),
        ("metadata", "{}"),
        ("notificationHeaders", {"Bad name": "1"}),
        ("notificationHeaders", {"X-A": "two\nlines"}),
        ("customer.contact.primaryEmail", "nobody"),
        ("customer.contact.primaryPhone", "none"),
        ("customer.metadata", "x"),
    ],
)
def test_a_member_that_cannot_be_read_is_answered_400_and_named(
    client: Api, application: Application, agent: User, member: str, value: object
) -> None:
    booked = make_appointment(application, agent=agent, **STORED)
    before = everything()
    body: Any = value
    for name in reversed(member.split(".")):
        body = {name: body}

    answer = client.put(PATH, {"id": str(booked.id), "notes": "Fine", **body})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [member])
    assert everything() == before


# --- The customer -----------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.update.r10", "v2.appointments.update.r5")
@pytest.mark.parametrize(
    ("sent", "changed"),
    [
        ({"name": {"firstName": "A"}}, {"name": {"firstName": "A", "lastName": "Lovelace"}}),
        (KING, KING),
        ({"contact": {"primaryEmail": "new@example.org"}},
         {"contact": {"primaryEmail": "new@example.org", "primaryPhone": "+4930901820"}}),
        ({"username": "countess"}, {"username": "countess"}),
        ({"metadata": {"b": 2}}, {"metadata": {"b": 2}}),
        ({"metadata": {"vip": True, "tags": ["a"]}}, {"metadata": {"vip": True, "tags": ["a"]}}),
        ({}, {}),
    ],
)  # fmt: skip
def test_what_is_given_of_a_customer_replaces_what_is_stored_and_the_rest_stays(
    client: Api,
    application: Application,
    agent: User,
    sent: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    application = make.make_application(agent.organization)
    booked = make_appointment(application, agent=agent, customers=[GRACE, ADA])
    grace, ada = customers_of(booked)
    before = details(client, grace), details(client, ada)

    answer = client.put(
        PATH, {"id": str(booked.id), "customer": {"participantId": str(ada.id), **sent}}
    )

    assert answer.status_code == 200
    assert details(client, grace) == before[0]
    assert repr(details(client, ada)) == repr({**before[1], **changed})


@pytest.mark.rule("v2.appointments.update.r6", "v2.appointments.update.r10")
@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"name": {}}, {}),
        ({"name": None}, {}),
        ({"name": {"lastName": ""}}, {"name": {"firstName": "Ada"}}),
        ({"contact": {}}, {}),
        ({"contact": None}, {}),
        ({"contact": {"primaryPhone": None}}, {"contact": {"primaryEmail": "ada@example.org"}}),
        ({"username": ""}, {}),
        ({"metadata": {}}, {}),
        ({"metadata": None}, {}),
    ],
)
def test_an_empty_value_clears_what_is_stored_of_a_customer(
    client: Api, application: Application, agent: User, sent: dict[str, Any], left: dict[str, Any]
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA])
    [ada] = customers_of(booked)
    before = details(client, ada)

    client.put(PATH, {"id": str(booked.id), "customer": sent})

    [cleared] = sent
    del before[cleared]
    assert details(client, ada) == {**before, **left}


@pytest.mark.rule("v2.appointments.update.r11")
@pytest.mark.parametrize("customers", [0, 1, 2])
def test_a_customer_without_an_id_is_the_only_one_or_answered_400(
    client: Api, application: Application, agent: User, customers: int
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA] * customers)
    before = everything()

    answer = client.put(
        PATH, {"id": str(booked.id), "title": "New", "customer": {"username": "new"}}
    )

    names = [one.username for one in customers_of(booked)]
    if customers == 1:
        assert (answer.status_code, names) == (200, ["new"])
    else:
        assert (answer.status_code, names) == (400, ["ada"] * customers)
        assert list(answer.json()["errors"]) == ["customer.participantId"]
        assert everything() == before


@pytest.mark.rule("v2.appointments.update.r12")
@pytest.mark.parametrize("whose", ["nobody's", "malformed", "the agent's", "of another", "removed"])
def test_a_participant_who_is_no_customer_of_the_appointment_is_answered_404(
    client: Api, application: Application, agent: User, whose: str
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA, GRACE])
    other = make_appointment(application, agent=agent)
    removed = str(customers_of(booked)[1].id)
    services.remove_participant(
        booked.id, participant_id=removed, actor=make.actor_for(agent), now=timezone.now()
    )
    keys = {
        "nobody's": UNKNOWN, "malformed": "x", "the agent's": str(agent.id),
        "of another": str(customers_of(other)[0].id), "removed": removed,
    }  # fmt: skip
    before = everything()

    answer = client.put(
        PATH,
        {"id": str(booked.id), "title": "New",
         "customer": {"participantId": keys[whose], "username": "new"}},
    )  # fmt: skip

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.appointments.update.r12")
@pytest.mark.parametrize("swept", [False, True])
def test_a_customer_who_was_forgotten_is_not_written_down_anew(
    client: Api, application: Application, agent: User, swept: bool
) -> None:
    now = timezone.now()
    booked = make_appointment(application, agent=agent, start=now - timedelta(days=31))
    if swept:
        services.erase_expired_details(now=now)
    before = everything()

    answer = client.put(PATH, {"id": str(booked.id), "customer": {"username": "new"}})

    assert (answer.status_code, answer.json()["code"]) == (404, "PARTICIPANT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.appointments.update.r10")
def test_a_forgotten_customer_of_an_appointment_that_was_moved_can_be_named_again(
    client: Api, application: Application, agent: User, now: Any
) -> None:
    booked = make_appointment(application, agent=agent, start=now - timedelta(days=31))
    services.erase_expired_details(now=now)
    moved = {"start": "2027-03-28T00:30:00Z", "duration": "PT1H", "timezone": "Europe/Berlin"}
    client.put(f"{PATH}reschedule/", {"id": str(booked.id), **moved})

    answer = client.put(PATH, {"id": str(booked.id), "customer": {"name": {"firstName": "Grace"}}})

    [customer] = customers_of(booked)
    assert answer.json()["participants"][0]["detailsAvailable"] is True
    assert details(client, customer) == {"name": {"firstName": "Grace"}}


# --- What stays -------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.update.r13")
def test_everything_else_in_the_body_is_ignored(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, title="Old")
    before = client.get(f"{PATH}{booked.id}").json()
    sequence = Appointment.objects.values_list("sequence", "schedule_version").get()

    answer = client.put(
        PATH,
        {
            "id": str(booked.id), "title": "New", "applicationId": UNKNOWN,
            "start": "2027-10-31T00:30:00Z", "end": "not even an instant", "duration": "PT1M",
            "timezone": "Asia/Tokyo", "locale": "de-DE", "secureToken": "x",
            "organizer": {"id": UNKNOWN, "type": "CUSTOMER"}, "participants": [],
            "interaction": {"state": "COMPLETE", "customFields": {"a": "b"}},
            "targetAssignment": {"type": "QUEUE", "id": "Loans"}, "notificationsActive": False,
        },
    )  # fmt: skip

    assert answer.json() == {**before, "title": "New"}
    assert client.get(f"{PATH}{booked.id}").json() == {**before, "title": "New"}
    assert Appointment.objects.values_list("sequence", "schedule_version").get() == sequence


# --- Who is told ------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.update.r14", "v2.appointments.update.r15")
@pytest.mark.parametrize(
    ("sent", "types"),
    [
        ({"title": "New"}, ["UPDATE"]),
        ({"notes": "", "metadata": {"a": 1}}, ["UPDATE"]),
        ({"notificationHeaders": {"X-New": "2"}}, ["UPDATE"]),
        ({"customer": {"username": "new"}}, ["PARTICIPANT_UPDATED"]),
        ({"title": "New", "customer": {"name": {}}}, ["PARTICIPANT_UPDATED", "UPDATE"]),
    ],
)
def test_webhook_subscribers_are_told_what_changed_and_nobody_else(
    client: Api, application: Application, subscription: Subscription,
    sent: dict[str, Any], types: list[str],
) -> None:  # fmt: skip
    organizer = make.make_user(application.organization)
    booked = make_appointment(application, organizer=organizer, customers=[ADA], **STORED)
    supervisor = make.make_user(application.organization, [Role.SUPERVISOR])
    before = Notification.objects.count()

    type(client)(make.token_for(supervisor)).put(PATH, {"id": str(booked.id), **sent})

    assert sorted(told_since(before)) == [
        (type_, "WEBHOOKS", "SYSTEM", str(subscription.id)) for type_ in types
    ]
    waiting = Notification.objects.order_by("id")[before:]
    assert {(one.status, one.due_at == one.created_at) for one in waiting} == {
        ("INITIALIZED", True)
    }


@pytest.mark.rule("v2.appointments.update.r14", "v2.appointments.update.r15")
def test_while_notifications_are_not_active_nobody_is_told(
    client: Api, application: Application, agent: User, subscription: Subscription
) -> None:
    application.notifications_active = False
    application.save()
    booked = make_appointment(application, agent=agent)

    answer = client.put(
        PATH, {"id": str(booked.id), "title": "New", "customer": {"username": "new"}}
    )

    assert answer.json()["title"] == "New"
    assert Notification.objects.count() == 0


@pytest.mark.rule("v2.appointments.update.r16", "v2.appointments.update.r7")
@pytest.mark.parametrize(
    "sent", [{}, {"title": STORED["title"], "metadata": {"kept": {"a": [1]}, "case": 1}}]
)
def test_a_body_that_changes_nothing_is_answered_200_and_starts_nothing(
    client: Api, application: Application, agent: User, subscription: Subscription,
    sent: dict[str, Any],
) -> None:  # fmt: skip
    booked = make_appointment(application, agent=agent, **STORED)
    read, before = client.get(f"{PATH}{booked.id}").json(), everything()

    answer = client.put(PATH, {"id": str(booked.id), **sent})

    assert (answer.status_code, answer.json()) == (200, read)
    assert everything() == before


@pytest.mark.parametrize(
    ("sent", "address", "title"),
    [
        ({"title": "New"}, "ada@example.org", "New"),
        ({"customer": {"contact": {"primaryEmail": "n@example.org"}}}, "n@example.org", "Old"),
    ],
)
def test_what_is_still_to_be_sent_says_what_is_new_and_goes_to_the_new_address(
    client: Api, agent: User, sent: dict[str, Any], address: str, title: str
) -> None:
    application = make.make_application(agent.organization)
    make.make_channel(application, reminder_offsets=["PT1H"])
    booked = make_appointment(application, agent=agent, title="Old", customers=[ADA])

    client.put(PATH, {"id": str(booked.id), **sent})

    content = Notification.objects.get(type="REMINDER").content
    assert (content.address, content.facts["title"]) == (address, title)


def test_the_change_is_in_the_history_without_its_texts(
    client: Api, application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA])

    client.put(PATH, {"id": str(booked.id), "title": "Secret", "customer": {"username": "Secret"}})

    events = OutboxEvent.objects.filter(subject_id=booked.id).order_by("subject_sequence")
    kept = [(one.type, one.subject_sequence, one.actor_id, one.facts) for one in events[1:]]
    assert kept == [
        ("participant.updated", 2, str(agent.id), {"participant": str(customers_of(booked)[0].id)}),
        ("appointment.updated", 3, str(agent.id), {"changed": ["title"]}),
    ]
    assert "Secret" not in repr([(one.before, one.after, one.facts) for one in events])
