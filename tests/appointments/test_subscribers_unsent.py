"""What is unsent: what cancels it, what brings it up to date, and what it knows of persons."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from appointments import services
from appointments.models import Appointment
from config.kernel.secrets import unseal
from config.kernel.time import format_instant
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
)
from tests import make
from tests.appointments import acts
from tests.appointments.acts import Act
from tests.appointments.scene import Scene, make_scene

pytestmark = pytest.mark.django_db

TIMED = {"ROOM", "REMINDER", "FOLLOW_UP"}
SECRETS = ("Ada", "Lovelace", "ada@example.org", "4930901820", "Grace", "Hopper", "Review", "Bring")


def make_told(**options: Any) -> Scene:
    """Make a scene of which everything is told, over every channel, and reminded of."""
    application = make.make_application(
        **{"activates_automatically": False, "notify_agents": True, "name": "Loans", **options}
    )
    for channel in Channel:
        make.make_channel(
            application,
            channel,
            reminder_offsets=["PT1H"],
            room_offsets=["PT30M"],
            follow_up_offsets=["PT2H"],
        )
    make.make_subscription(application)
    return make_scene(
        application=application,
        customers=[make.make_customer(phone="+4930901820")],
        title="Review",
        notes="Bring it",
        metadata={"crm": "Hopper"},
    )


def types(status: str) -> set[str]:
    return set(Notification.objects.filter(status=status).values_list("type", flat=True))


def contents(type: str) -> list[NotificationContent]:
    rows = NotificationContent.objects.filter(notification__type=type)
    return list(rows.select_related("notification").order_by("notification_id"))


# --- What is cancelled ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "act", "cancelled", "reason"),
    [
        (acts.activate, acts.reschedule, {"REMINDER", "ROOM"}, "The appointment was moved."),
        (acts.activate, acts.join, {"REMINDER", "ROOM"}, "The call has started."),
        (acts.activate, acts.accept, {"REMINDER", "ROOM"}, "The call has started."),
        (acts.activate, acts.the_end_passes, {"REMINDER", "ROOM"}, "The appointment is over."),
        (acts.activate, acts.cancel, {"REMINDER", "ROOM"}, "The appointment was cancelled."),
        (acts.activate, acts.delete, {"REMINDER", "ROOM"}, "The appointment was cancelled."),
        (acts.activate, acts.update, set(), ""),
        (acts.activate, acts.fail, set(), ""),
        (acts.activate, acts.add_agent, set(), ""),
        (acts.activate, acts.add_customer, set(), ""),
    ],
)
def test_what_cancels_what_is_planned(
    before: Act, act: Act, cancelled: set[str], reason: str
) -> None:
    one = make_told()
    before(one)
    planned = Notification.objects.filter(type__in=cancelled)
    ids = set(planned.values_list("id", flat=True))

    act(one)

    rows = Notification.objects.filter(status="CANCELLED")
    assert set(rows.values_list("id", flat=True)) == ids
    assert set(rows.values_list("type", flat=True)) == cancelled
    assert set(rows.values_list("message", "due_at")) == ({(reason, None)} if cancelled else set())
    steps = NotificationEvent.objects.filter(status="CANCELLED")
    assert set(steps.values_list("notification_id", "message")) == {(id, reason) for id in ids}


def test_deleting_cancels_follow_ups_too() -> None:
    one = make_told()
    acts.both_come_and_leave_after_the_end(one)
    assert "FOLLOW_UP" in types("INITIALIZED")

    acts.delete(one)

    assert types("INITIALIZED") & TIMED == set()
    assert "FOLLOW_UP" in types("CANCELLED")


def test_handing_over_cancels_what_was_planned_for_the_former_agent_only() -> None:
    one = make_told()
    former = one.agent_row.id

    acts.reassign(one)

    rows = Notification.objects.filter(status="CANCELLED")
    assert set(rows.values_list("recipient_id", "type", "message")) == {
        (former, "CREATE", "The appointment was handed over."),
        (former, "REMINDER", "The appointment was handed over."),
    }


@pytest.mark.parametrize("act", [acts.reschedule, acts.join, acts.delete, acts.the_end_passes])
def test_cancelling_reaches_also_what_was_planned_while_notifications_were_active(
    act: Act,
) -> None:
    one = make_told()
    Appointment.objects.update(notifications_active=False)
    count = Notification.objects.count()

    act(one)

    assert types("CANCELLED") == {"REMINDER"}
    assert Notification.objects.count() == count


def test_another_appointments_notifications_stay() -> None:
    one = make_told()
    other = make.make_appointment(one.application, agent=one.agent)
    theirs = Notification.objects.filter(subject_id=other.id)
    before = list(theirs.order_by("id").values())

    acts.delete(one)

    assert list(theirs.order_by("id").values()) == before


@pytest.mark.parametrize("status", ["DELIVERED", "FAILED", "CANCELLED"])
def test_what_came_to_its_end_is_left_alone(status: str) -> None:
    one = make_told()
    Notification.objects.update(status=status, due_at=None, message="as it was")

    acts.delete(one)

    rows = Notification.objects.filter(type="REMINDER")
    assert set(rows.values_list("status", "message")) == {(status, "as it was")}


def test_what_waits_for_a_retry_is_cancelled_too() -> None:
    one = make_told()
    Notification.objects.filter(type="REMINDER").update(status="PENDING", attempt=3, retry_count=2)

    acts.reschedule(one)

    rows = Notification.objects.filter(type="REMINDER", cause="schedule 1")
    assert set(rows.values_list("status", "attempt", "retry_count")) == {("CANCELLED", 4, 2)}


def test_what_is_in_a_workers_hands_is_not_cancelled_but_has_no_other_attempt() -> None:
    one = make_told()
    lease = acts.booked(one) + timedelta(minutes=1)
    reminders = Notification.objects.filter(type="REMINDER", channel="SMS")
    reminders.update(status="PENDING", attempt=1, due_at=lease, lease_until=lease)

    acts.reschedule(one)

    row = reminders.get(cause="schedule 1")
    assert (row.status, row.attempt, row.lease_until) == ("PENDING", 1, lease)
    assert row.not_after
    assert row.not_after < lease


# --- What is brought up to date ---------------------------------------------------------------


def test_unsent_messages_get_new_names_texts_and_addresses() -> None:
    one = make_told()

    services.update_appointment(
        one.appointment.id,
        changes={"title": "Second review"},
        customer=services.CustomerChange(
            participant_id=None,
            fields={"first_name": "Augusta", "email": "augusta@example.org", "phone": ""},
        ),
        actor=one.actor,
        now=acts.booked(one),
    )

    told = contents("REMINDER")
    assert {(each.facts["title"], each.facts["customerName"]) for each in told} == {
        ("Second review", "Augusta Lovelace")
    }
    assert {
        (each.notification.channel, each.first_name, each.address)
        for each in told
        if each.notification.recipient_type == "CUSTOMER"
    } == {("EMAIL", "Augusta", "augusta@example.org"), ("SMS", "Augusta", "")}
    assert {
        (each.notification.channel, each.address)
        for each in told
        if each.notification.recipient_type != "CUSTOMER"
    } == {("EMAIL", one.agent.username), ("WEBHOOKS", str(one.hook.id))}


@pytest.mark.parametrize("status", ["DELIVERED", "FAILED", "CANCELLED"])
def test_what_was_sent_says_what_it_said(status: str) -> None:
    one = make_told()
    Notification.objects.update(status=status, due_at=None)
    before = list(NotificationContent.objects.order_by("notification_id").values())
    ids = [each["notification_id"] for each in before]

    acts.update(one)

    kept = NotificationContent.objects.filter(notification_id__in=ids).order_by("notification_id")
    assert list(kept.values()) == before


def test_handing_over_names_the_new_agent_in_what_is_unsent() -> None:
    one = make_told()

    acts.reassign(one)

    rows = Notification.objects.filter(status="INITIALIZED").select_related("content")
    assert {each.content.facts["agentName"] for each in rows} == {"Alan Turing"}


def test_activating_puts_each_customers_own_link_into_what_is_unsent() -> None:
    one = make_told()
    acts.add_customer(one)
    assert {each.link for each in contents("REMINDER")} == {None}

    acts.activate(one)

    links = {
        each.notification.recipient_id: unseal(each.link, purpose="notification-link")
        for each in (*contents("REMINDER"), *contents("ROOM"), *contents("CREATE"))
        if each.link
    }
    assert links == {
        each.id: services.access_url(each) for each in make.customers_of(one.appointment)
    }
    assert {
        each.link for each in contents("REMINDER") if each.notification.recipient_type != "CUSTOMER"
    } == {None}


def test_a_new_locale_reaches_what_is_unsent() -> None:
    one = make_told()
    row = one.row()
    assert row.start
    one.by(one.supervisor).put(
        "/api/v2/appointments/reschedule/",
        {
            "id": str(row.id),
            "start": format_instant(row.start),
            "duration": "PT30M",
            "timezone": row.timezone,
            "locale": "de-DE",
        },
    )

    rows = Notification.objects.filter(status="INITIALIZED")
    assert {each.snapshot["locale"] for each in rows} == {"de-DE"}


def test_nothing_is_brought_up_to_date_across_appointments() -> None:
    one = make_told()
    other = make.make_appointment(one.application, agent=one.agent, title="Other")
    theirs = NotificationContent.objects.filter(notification__subject_id=other.id)
    before = list(theirs.order_by("notification_id").values())

    acts.update(one)

    assert list(theirs.order_by("notification_id").values()) == before


# --- What is known of persons -----------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        acts.update,
        acts.reschedule,
        acts.reassign,
        acts.activate,
        acts.add_customer,
        acts.remove,
        acts.fail,
        acts.accept,
        acts.both_come_and_leave_after_the_end,
        acts.delete,
    ],
)
def test_neither_snapshots_nor_the_history_know_a_person(act: Act) -> None:
    one = make_told(activates_automatically=True)
    link = str(services.access_url(one.customer))

    act(one)

    kept = [each.snapshot for each in Notification.objects.all()]
    kept += [[each.before, each.after, each.facts] for each in OutboxEvent.objects.all()]
    kept += list(NotificationEvent.objects.values("message", "error_message"))
    text = json.dumps(kept)
    tickets = [link.rpartition("/")[2], one.agent.username]
    assert [secret for secret in (*SECRETS, *tickets, "Augusta") if secret in text] == []


def test_a_snapshot_is_what_is_needed_to_tell_of_it_afterwards() -> None:
    one = make_told()
    acts.reschedule(one)
    row = one.row()
    assert row.start
    assert row.end

    acts.delete(one)

    last = Notification.objects.filter(type="CANCELLED")
    assert [each.snapshot for each in last] == [
        {
            "start": format_instant(row.start),
            "end": format_instant(row.end),
            "timezone": "Europe/Berlin",
            "locale": "en-US",
            "duration": "PT45M",
            "sequence": 2,
            "created": format_instant(row.created_at),
        }
    ] * len(last)
    assert len(last) == 4


def test_contents_hold_who_is_told_and_the_texts() -> None:
    one = make_told(activates_automatically=True)

    told = {
        (each.notification.recipient_type, each.notification.channel): each
        for each in contents("CREATE")
    }

    customer = told["CUSTOMER", "SMS"]
    assert (customer.address, customer.first_name, customer.last_name) == (
        "+4930901820",
        "Ada",
        "Lovelace",
    )
    assert customer.link
    link = unseal(customer.link, purpose="notification-link")
    assert link == services.access_url(one.customer)
    agent, system = told["AGENT", "EMAIL"], told["SYSTEM", "WEBHOOKS"]
    assert (agent.address, agent.first_name, agent.link) == (one.agent.username, "Grace", None)
    assert (system.address, system.first_name, system.link) == (
        str(one.hook.id),
        one.hook.label,
        None,
    )
    assert {json.dumps(each.facts, sort_keys=True) for each in told.values()} == {
        json.dumps(
            {
                "title": "Review",
                "agentName": "Grace Hopper",
                "customerName": "Ada Lovelace",
                "applicationName": "Loans",
                "organizationName": one.application.organization.name,
            },
            sort_keys=True,
        )
    }
