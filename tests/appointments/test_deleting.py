"""Cancelling keeps the row, deleting leaves a tombstone (DESIGN, Cancelling and deleting)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from appointments import services
from appointments.errors import (
    AppointmentAlreadyJoined,
    AppointmentNotFound,
    NotYourAppointment,
)
from appointments.models import Appointment, Participant, State, Tombstone
from config.kernel.actors import Role
from notifications.models import Channel, Notification, NotificationContent, OutboxEvent
from notifications.services import dispatch, erase_forgotten
from notifications.transports.email import smtp
from tests import make
from tests.contract.state import everything
from tests.make import customers_of, make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import Application, User
    from config.kernel.actors import Actor
    from tests.contract.client import ApiClient as Api
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

LIST = "/api/v2/appointments/"
START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
# What must be found nowhere once the person is forgotten.
TRACES = ["Augusta", "Byron", "augusta@example.org", "901820", "countess", "Ockham", "Review"]
AUGUSTA = make_customer(
    first_name="Augusta", last_name="Byron", email="augusta@example.org", phone="+4930901820",
    username="countess", metadata={"home": "Ockham"},
)  # fmt: skip


@pytest.fixture
def application() -> Application:
    application = make.make_application()
    make.make_channel(application, reminder_offsets=["PT1H"])
    return application


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def actor(application: Application) -> Actor:
    return make.actor_for(make.make_user(application.organization, [Role.SUPERVISOR]))


@pytest.fixture
def booked(application: Application, agent: User) -> Appointment:
    return make_appointment(
        application, agent=agent, start=START, title="Review", customers=[AUGUSTA]
    )


def send_mail() -> None:
    """Send what is due, as a worker that is stopped afterwards."""
    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()


def traces() -> set[str]:
    """Give which words about the customer stand in any table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('SELECT r::text FROM %I.%I AS r', schemaname, relname)"
            " FROM pg_stat_user_tables"
        )
        statement = " UNION ALL ".join(query for (query,) in cursor.fetchall())
        cursor.execute(statement)
        rows = [text for (text,) in cursor.fetchall()]
    return {trace for trace in TRACES for row in rows if trace in row}


# --- Cancelling -------------------------------------------------------------------------------


def test_cancelling_keeps_the_row_and_its_persons(booked: Appointment, actor: Actor) -> None:
    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())

    kept = Appointment.objects.get()
    [customer] = customers_of(booked)
    assert (kept.state, kept.start, kept.title) == (State.CANCELLED, START, "Review")
    assert (customer.first_name, services.access_url(customer) is None) == ("Augusta", False)
    assert Tombstone.objects.count() == 0


def test_cancelling_takes_it_out_of_lists_and_counts_but_it_can_be_read_by_id(
    api: Callable[..., Api], booked: Appointment, agent: User, actor: Actor
) -> None:
    client = api(make.token_for(agent))
    slot: dict[str, Any] = {
        "applicationId": str(booked.application_id),
        "organizationId": str(booked.organization_id),
        "start": "2027-03-28T00:00:00Z",
    }
    before = client.get(f"{LIST}{booked.id}").json()

    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())

    assert client.get(LIST).json()["total"] == 0
    assert api().get(f"{LIST}count", **slot, timeFrame="PT2H").json() == []
    assert api().get(f"{LIST}overlap/count", **slot, duration="PT2H").json() == {"count": 0}
    assert client.get(f"{LIST}{booked.id}").json() == before


def test_cancelling_frees_the_time_of_its_agents(
    booked: Appointment, agent: User, actor: Actor
) -> None:
    occupied = Participant.objects.get(user=agent)
    period = occupied.occupies

    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())

    occupied.refresh_from_db()
    assert period == TimestamptzRange(START, START + HALF_HOUR)
    assert occupied.occupies is None


@pytest.mark.parametrize("command", [services.cancel_appointment, services.delete_appointment])
def test_calendars_see_a_new_version(booked: Appointment, actor: Actor, command: Any) -> None:
    Appointment.objects.update(sequence=3)

    command(booked.id, actor=actor, now=timezone.now())

    left = Appointment.objects.first() or Tombstone.objects.get()
    told = Notification.objects.get(type="CANCELLED")
    assert (left.sequence, told.snapshot["sequence"]) == (4, 4)


def test_cancelling_tells_everybody_and_cancels_the_reminders(
    booked: Appointment, actor: Actor
) -> None:
    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())

    rows = Notification.objects.order_by("type").values_list("type", "channel", "status")
    assert list(rows) == [
        ("CANCELLED", "EMAIL", "INITIALIZED"),
        ("CREATE", "EMAIL", "INITIALIZED"),
        ("REMINDER", "EMAIL", "CANCELLED"),
    ]


def test_cancelling_twice_is_cancelling_once(booked: Appointment, actor: Actor) -> None:
    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())
    before = everything()

    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())

    assert everything() == before


@pytest.mark.parametrize("command", [services.cancel_appointment, services.delete_appointment])
def test_another_organizations_appointment_does_not_exist(
    booked: Appointment, command: Any
) -> None:
    stranger = make.actor_for(make.make_user(roles=[Role.SUPERVISOR]))
    before = everything()

    with pytest.raises(AppointmentNotFound):
        command(booked.id, actor=stranger, now=timezone.now())

    assert everything() == before


@pytest.mark.parametrize("command", [services.cancel_appointment, services.delete_appointment])
@pytest.mark.parametrize("has_joined", [False, True])
def test_who_may_not_change_it_may_not_call_it_off(
    booked: Appointment, agent: User, command: Any, has_joined: bool
) -> None:
    colleague = make.make_user(booked.application.organization)
    if has_joined:
        Appointment.objects.update(organizer_id=str(colleague.id))
        Participant.objects.filter(user=agent).update(first_joined_at=timezone.now())
    before = everything()

    with pytest.raises(AppointmentAlreadyJoined if has_joined else NotYourAppointment):
        command(booked.id, actor=make.actor_for(colleague), now=timezone.now())

    assert everything() == before


# --- Deleting ---------------------------------------------------------------------------------


def test_deleting_leaves_a_tombstone_for_the_calendar_and_the_history(
    booked: Appointment, actor: Actor, now: datetime
) -> None:
    services.delete_appointment(booked.id, actor=actor, now=now)

    assert list(Tombstone.objects.values()) == [
        {
            "id": booked.id,
            "organization_id": booked.organization_id,
            "application_id": booked.application_id,
            "start": START,
            "end": START + HALF_HOUR,
            "timezone": "Europe/Berlin",
            "sequence": 1,
            "event_count": 2,
            "deleted_at": now,
            "deleted_by_kind": "USER",
            "deleted_by_id": actor.id,
        }
    ]
    assert (Appointment.objects.count(), Participant.objects.count()) == (0, 0)


def test_deleting_is_in_the_history_with_what_was_before(
    booked: Appointment, agent: User, actor: Actor, now: datetime
) -> None:
    services.delete_appointment(booked.id, actor=actor, now=now)

    event = OutboxEvent.objects.get(type="appointment.deleted")
    assert (event.subject_id, event.subject_sequence, event.actor_id) == (booked.id, 2, actor.id)
    assert event.before is not None
    assert event.after is not None
    assert (event.before["state"], event.after["state"]) == ("ACTIVATED", "CANCELLED")
    assert event.before["start"] == "2027-03-28T00:30:00Z"
    assert event.before["organizer"] == {"type": "AGENT", "id": str(agent.id)}


def test_deleting_what_was_cancelled_tells_nobody_again(
    booked: Appointment, actor: Actor, now: datetime
) -> None:
    services.cancel_appointment(booked.id, actor=actor, now=now)
    before = list(Notification.objects.order_by("id").values())

    services.delete_appointment(booked.id, actor=actor, now=now)

    assert list(Notification.objects.order_by("id").values()) == before
    assert Tombstone.objects.get().sequence == 1


def test_deleting_cannot_be_undone(booked: Appointment, actor: Actor, now: datetime) -> None:
    services.delete_appointment(booked.id, actor=actor, now=now)

    for command in (services.delete_appointment, services.cancel_appointment):
        with pytest.raises(AppointmentNotFound):
            command(booked.id, actor=actor, now=now)


# --- Forgetting -------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.delete.r8", "v2.appointments.delete.r9")
def test_the_customer_is_forgotten_everywhere_once_the_word_has_gone_out(
    booked: Appointment, actor: Actor, mailbox: Mailbox
) -> None:
    send_mail()
    before = traces()

    services.delete_appointment(booked.id, actor=actor, now=timezone.now())
    send_mail()
    erase_forgotten(now=timezone.now())

    assert before == set(TRACES)
    assert [mail["To"] for mail in mailbox.messages] == ["Augusta Byron <augusta@example.org>"] * 2
    assert traces() == set()


@pytest.mark.rule("v2.appointments.delete.r8", "v2.appointments.delete.r9")
def test_who_is_still_to_be_told_is_not_forgotten_before(
    booked: Appointment, actor: Actor, mailbox: Mailbox
) -> None:
    send_mail()
    now = timezone.now()

    services.delete_appointment(booked.id, actor=actor, now=now)
    erase_forgotten(now=now)

    contents = NotificationContent.objects.order_by("notification__type")
    assert [(one.notification.type, one.address, one.erased_at) for one in contents] == [
        ("CANCELLED", "augusta@example.org", None),
        ("CREATE", "", now),
        ("REMINDER", "", now),
    ]


def test_the_history_of_the_notifications_outlives_the_person(
    booked: Appointment, actor: Actor, mailbox: Mailbox
) -> None:
    services.delete_appointment(booked.id, actor=actor, now=timezone.now())
    send_mail()
    erase_forgotten(now=timezone.now())

    rows = Notification.objects.order_by("type").values_list("type", "status", "subject_id")
    assert list(rows) == [
        ("CANCELLED", "DELIVERED", booked.id),
        ("CREATE", "DELIVERED", booked.id),
        ("REMINDER", "CANCELLED", booked.id),
    ]


def test_cancelling_forgets_nobody(booked: Appointment, actor: Actor, mailbox: Mailbox) -> None:
    services.cancel_appointment(booked.id, actor=actor, now=timezone.now())
    send_mail()

    assert erase_forgotten(now=timezone.now()) == 0
    assert traces() == set(TRACES)
