"""Adding customers to an appointment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from appointments.models import State
from config.kernel import limits
from config.kernel.time import format_instant
from notifications.models import Channel, Notification
from tests import make
from tests.appointments import scene
from tests.appointments.scene import AT_ONCE, UNKNOWN, at_once, listening, make_scene
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


@pytest.mark.rule(
    "v2.participants.add_customer.r4",
    "v2.participants.add_customer.r6",
    "v2.participants.add_customer.r7",
)
def test_an_added_customer_is_answered_with_what_was_sent_and_a_ticket() -> None:
    one = make_scene()

    answer = one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})

    end = one.appointment.end
    assert end
    [ada, grace] = make.customers_of(one.appointment)
    body = answer.json()
    ticket = body["ticket"]["accessUrl"]
    assert answer.status_code == 200
    assert body == {
        "id": str(grace.id),
        "type": "CUSTOMER",
        **GRACE,
        "ticket": {"accessUrl": ticket, "expiresAt": format_instant(end + timedelta(hours=4))},
        "expiresAt": format_instant(end + timedelta(days=30)),
    }
    assert UUID(body["id"]) != ada.id
    assert ticket != one.by(ada).get(f"{one.path}/participants/{ada.id}").json()["ticket"]


@pytest.mark.rule("v2.participants.add_customer.r6")
def test_a_customer_of_an_inactive_appointment_has_no_ticket() -> None:
    one = make_scene(application=make.make_application(activates_automatically=False))

    body = (
        one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE}).json()
    )

    assert sorted(body) == ["contact", "expiresAt", "id", "metadata", "name", "type", "username"]


@pytest.mark.rule("v2.participants.add_customer.r7")
def test_details_are_kept_as_long_as_the_application_says() -> None:
    one = make_scene(application=make.make_application(details_kept_for=timedelta(hours=36)))

    body = one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": {}}).json()

    assert one.appointment.end
    assert body["expiresAt"] == format_instant(one.appointment.end + timedelta(hours=36))


@pytest.mark.rule("v2.participants.add_customer.r5")
def test_the_appointment_has_one_more_customer_and_is_else_the_same() -> None:
    one = make_scene()
    before = one.read()

    made = (
        one.by(one.supervisor)
        .post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})
        .json()
    )

    new = {
        "id": made["id"],
        "type": "CUSTOMER",
        "detailsAvailable": True,
        "ticket": made["ticket"],
    }
    assert one.read() == before | {"participants": [*before["participants"], new]}


@pytest.mark.rule("v2.participants.add_customer.r3")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "left out"),
        ("id", ""),
        ("id", None),
        ("customer", "left out"),
        ("customer", None),
        ("customer", "Ada"),
        ("customer", [GRACE]),
    ],
)
def test_appointment_and_customer_are_required(name: str, value: object) -> None:
    one = make_scene()
    body: dict[str, Any] = {"id": str(one.appointment.id), "customer": GRACE, name: value}
    if value == "left out":
        del body[name]
    before = everything()

    answer = one.by(one.agent).post(CUSTOMERS, body)

    assert answer.status_code == 400
    assert {field.partition(".")[0] for field in answer.json()["errors"]} == {name}
    assert everything() == before


@pytest.mark.rule("v2.participants.add_customer.r8")
@pytest.mark.parametrize("appointment", [UNKNOWN, "not-an-id", "foreign"])
def test_customers_are_not_added_to_an_unknown_appointment(appointment: str) -> None:
    one, theirs = make_scene(), make_scene()
    id = str(theirs.appointment.id) if appointment == "foreign" else appointment
    before = everything()

    answer = one.by(one.supervisor).post(CUSTOMERS, {"id": id, "customer": GRACE})

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("v2.participants.add_customer.r9")
def test_the_same_customer_can_be_added_twice() -> None:
    one = make_scene()
    body = {"id": str(one.appointment.id), "customer": GRACE}

    first, second = (one.by(one.agent).post(CUSTOMERS, body).json() for _ in range(2))

    apart = ("id", "ticket")
    assert all(first[name] != second[name] for name in apart)
    assert {k: v for k, v in first.items() if k not in apart} == {
        k: v for k, v in second.items() if k not in apart
    }
    assert len(make.customers_of(one.appointment)) == 3


@pytest.mark.rule("v2.participants.add_customer.r10")
@pytest.mark.parametrize("address", ["grace", "grace@", "@example.org", "a b@example.org", 7])
def test_an_address_that_is_none_is_refused(address: object) -> None:
    one = make_scene()
    before = everything()

    answer = one.by(one.agent).post(
        CUSTOMERS,
        {"id": str(one.appointment.id), "customer": {"contact": {"primaryEmail": address}}},
    )

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["customer.contact.primaryEmail"]
    assert everything() == before


@pytest.mark.rule("v2.participants.add_customer.r11", "v2.participants.add_customer.r12")
def test_the_new_customer_and_subscribers_are_told_and_nobody_else() -> None:
    one = make_scene(*ALL, application=make.make_application(notify_agents=True))

    with listening() as told:
        one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})

    _, grace = make.customers_of(one.appointment)
    assert told == [
        at_once("CREATE", "EMAIL", grace),
        at_once("CREATE", "SMS", grace),
        at_once("PARTICIPANT_ADDED", "WEBHOOKS", one.hook),
    ]


@pytest.mark.rule("v2.participants.add_customer.r12")
@pytest.mark.parametrize(
    ("channels", "contact", "expected"),
    [
        ([Channel.EMAIL], GRACE["contact"], ["EMAIL"]),
        ([Channel.SMS], GRACE["contact"], ["SMS"]),
        ([Channel.EMAIL, Channel.SMS], {"primaryEmail": "g@example.org"}, ["EMAIL"]),
        ([Channel.EMAIL, Channel.SMS], {"primaryPhone": "030 1234"}, ["SMS"]),
        ([Channel.EMAIL, Channel.SMS], {}, []),
        ([], GRACE["contact"], []),
    ],
)
def test_the_new_customer_is_told_over_the_channels_that_reach_it(
    channels: list[Channel], contact: object, expected: list[str]
) -> None:
    one = make_scene(*channels)

    with listening() as told:
        one.by(one.agent).post(
            CUSTOMERS, {"id": str(one.appointment.id), "customer": {"contact": contact}}
        )

    _, grace = make.customers_of(one.appointment)
    assert told == [at_once("CREATE", channel, grace) for channel in expected]


@pytest.mark.rule("v2.participants.add_customer.r12")
@pytest.mark.parametrize(
    ("state", "expected"),
    [(State.FAILED, ["EMAIL"]), (State.NO_SHOW, ["EMAIL"]), (State.COMPLETED, [])],
)
def test_the_new_customer_is_told_unless_it_is_over(state: State, expected: list[str]) -> None:
    one = make_scene(Channel.EMAIL, state=state)

    with listening() as told:
        one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})

    _, grace = make.customers_of(one.appointment)
    assert [event[:4] for event in told if event[0] == "CREATE"] == [
        at_once("CREATE", channel, grace)[:4] for channel in expected
    ]


@pytest.mark.rule("v2.participants.add_customer.r13")
def test_the_new_customer_is_reminded_of_what_is_still_to_come() -> None:
    one = make_scene(Channel.WEBHOOKS)
    # Three days before a start of tomorrow has passed.
    make.make_channel(one.application, Channel.EMAIL, reminder_offsets=["PT72H", "PT2H", "PT15M"])
    start = one.appointment.start
    assert start

    with listening() as told:
        one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})

    _, grace = make.customers_of(one.appointment)
    reminder = ("REMINDER", "EMAIL", "CUSTOMER", grace.id)
    assert [row for row in told if row[0] == "REMINDER"] == [
        (*reminder, start - timedelta(hours=2), "INITIALIZED"),
        (*reminder, start - timedelta(minutes=15), "INITIALIZED"),
    ]
    assert {row[4] for row in told if row[0] != "REMINDER"} == {AT_ONCE}


@pytest.mark.rule("v2.participants.add_customer.r13", "v2.participants.update_state.r19")
def test_who_is_added_during_the_call_is_reminded_only_once_the_call_has_stepped_back() -> None:
    one = make_scene()
    make.make_channel(one.application, reminder_offsets=["PT1H"])
    now = one.appointment.created_at
    one.join(one.agent_row, now=now)

    one.by(one.agent).post(CUSTOMERS, {"id": str(one.appointment.id), "customer": GRACE})
    reminders = Notification.objects.filter(type="REMINDER", status="INITIALIZED")
    during = list(reminders)
    one.leave(one.agent_row, now=now)

    customers = make.customers_of(one.appointment)
    assert during == []
    assert sorted(row.recipient_id for row in reminders.all()) == [each.id for each in customers]


def test_an_appointment_has_a_limit_of_participants(monkeypatch: pytest.MonkeyPatch) -> None:
    one = make_scene()
    monkeypatch.setattr(limits, "AGENTS_PER_APPOINTMENT", 1)
    monkeypatch.setattr(limits, "CUSTOMERS_PER_APPOINTMENT", 1)
    body = {"id": str(one.appointment.id), "userId": str(one.colleague.id), "customer": GRACE}
    before = everything()

    answers = [
        one.by(one.agent).post(AGENTS, body),
        one.by(one.agent).post(CUSTOMERS, body),
        one.by(one.colleague).put(f"{one.path}/accept", str(one.colleague.id)),
    ]

    refusal = (400, "TOO_MANY_PARTICIPANTS")
    assert [(each.status_code, each.json()["code"]) for each in answers] == [refusal] * 3
    assert everything() == before
