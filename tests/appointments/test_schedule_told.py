"""Booking: who is told at once, and who is reminded of it when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from appointments.models import Appointment, Participant
from config.kernel.time import format_instant
from notifications.models import Channel, Notification, OutboxEvent, Subscription
from tests import make
from tests.appointments import ways
from tests.appointments.ways import By, both_ways
from tests.contract.samples import ADDRESS

if TYPE_CHECKING:
    from agents.models import Application

pytestmark = pytest.mark.django_db

CUSTOMERS = [
    {"contact": {"primaryEmail": ADDRESS, "primaryPhone": "+4930901820"}},
    {"contact": {"primaryEmail": "grace@example.org"}},
    {"name": {"firstName": "Nobody"}},
]


@pytest.fixture
def application() -> Application:
    """An application that tells by every channel, and another one beside it that does too."""
    application = make.make_application()
    for one in (application, make.make_application(application.organization)):
        for channel in Channel:
            make.make_channel(one, channel)
        make.make_subscription(one)
    return application


@pytest.mark.rule("v2.appointments.schedule.r28", "v2.appointments.schedule_as_customer.r33")
@both_ways
def test_every_customer_and_subscriber_is_told_at_once(by: By, application: Application) -> None:
    ours = Subscription.objects.get(application=application)
    make.make_subscription(application, is_active=False)

    booked = by(application).book(customers=CUSTOMERS).json()

    made = Appointment.objects.get()
    both, mail_only, _ = (one.id for one in make.customers_of(made))
    told = Notification.objects.values_list(
        "channel", "recipient_type", "recipient_id", "type", "status", "due_at", "offset"
    )
    at_once = ("CREATE", "INITIALIZED", made.created_at, None)
    assert booked["notificationsActive"] is True
    assert set(told) == {
        ("EMAIL", "CUSTOMER", both, *at_once),
        ("SMS", "CUSTOMER", both, *at_once),
        ("EMAIL", "CUSTOMER", mail_only, *at_once),
        ("WEBHOOKS", "SYSTEM", ours.id, *at_once),
    }
    assert set(told.values_list("subject_id", flat=True)) == {made.id}


@pytest.mark.rule("v2.appointments.schedule.r28", "v2.appointments.schedule_as_customer.r33")
@both_ways
def test_nobody_is_told_while_the_application_does_not_notify(
    by: By, application: Application
) -> None:
    application.notifications_active = False
    application.save()
    application.channel_settings.update(reminder_offsets=["PT1H"])

    booked = by(application).book(customers=CUSTOMERS).json()

    assert booked["notificationsActive"] is False
    assert list(Notification.objects.all()) == []
    assert [event.type for event in OutboxEvent.objects.all()] == ["appointment.scheduled"]


@pytest.mark.rule("v2.appointments.schedule.r28")
def test_agents_are_told_only_where_the_application_says_so(application: Application) -> None:
    agents = Notification.objects.filter(recipient_type="AGENT")
    application.channel_settings.update(reminder_offsets=["PT1H"])
    ways.agent(application).book()
    assert not agents.exists()

    application.notify_agents = True
    application.save()
    ways.agent(application).book()

    told = Participant.objects.filter(type="AGENT").latest("id")
    assert set(agents.values_list("channel", "type", "recipient_id")) == {
        ("EMAIL", "CREATE", told.id),
        ("EMAIL", "REMINDER", told.id),
    }


@pytest.mark.rule("v2.appointments.schedule.r29", "v2.appointments.schedule_as_customer.r34")
@both_ways
def test_a_reminder_is_planned_per_offset_channel_and_customer(
    by: By, application: Application, now: datetime
) -> None:
    application.channel_settings.filter(channel="EMAIL").update(
        # A month before has passed, and so has the very moment of the booking.
        reminder_offsets=["PT24H", "P30D", "PT48H", "PT15M"]
    )
    application.channel_settings.filter(channel="SMS").update(reminder_offsets=["PT1H"])
    start = now + timedelta(hours=48)

    by(application).book(start=format_instant(start), customers=CUSTOMERS)

    both, mail_only, _ = (one.id for one in make.customers_of(Appointment.objects.get()))
    reminders = Notification.objects.filter(type="REMINDER").values_list(
        "channel", "recipient_id", "offset", "scheduled_for", "due_at", "not_after", "status"
    )
    day, quarter, hour = (start - timedelta(minutes=minutes) for minutes in (24 * 60, 15, 60))
    assert set(reminders) == {
        ("EMAIL", both, "PT24H", day, day, start, "INITIALIZED"),
        ("EMAIL", both, "PT15M", quarter, quarter, start, "INITIALIZED"),
        ("EMAIL", mail_only, "PT24H", day, day, start, "INITIALIZED"),
        ("EMAIL", mail_only, "PT15M", quarter, quarter, start, "INITIALIZED"),
        ("SMS", both, "PT1H", hour, hour, start, "INITIALIZED"),
    }
    assert Notification.objects.exclude(type="REMINDER").exclude(type="CREATE").count() == 0


@pytest.mark.rule("v2.appointments.schedule.r29")
@pytest.mark.parametrize(
    ("start", "offset", "due_at"),
    [
        # The night in which clocks go forward has 23 hours, the one in which they go back 25.
        ("2027-03-28T10:00Z", "P1D", "2027-03-27T11:00Z"),
        ("2027-03-28T10:00Z", "PT24H", "2027-03-27T10:00Z"),
        ("2027-10-31T11:00Z", "P1D", "2027-10-30T10:00Z"),
        ("2027-10-31T11:00Z", "PT24H", "2027-10-30T11:00Z"),
        # 02:30 the day before does not exist.
        ("2027-03-29T00:30Z", "P1D", "2027-03-28T01:30Z"),
        # 02:30 the day before is there twice: the first.
        ("2027-11-01T01:30Z", "P1D", "2027-10-31T00:30Z"),
        ("2027-03-28T22:00Z", "P1DT1H", "2027-03-27T22:00Z"),
    ],
)
def test_days_before_the_start_keep_the_clock_of_the_appointments_zone(
    start: str, offset: str, due_at: str
) -> None:
    application = make.make_application()
    make.make_channel(application, reminder_offsets=[offset])

    make.make_appointment(
        application,
        start=datetime.fromisoformat(start),
        booked_at=datetime.fromisoformat("2027-01-01T00:00Z"),
        zone="Europe/Berlin",
    )

    reminder = Notification.objects.get(type="REMINDER")
    assert reminder.due_at == datetime.fromisoformat(due_at)


@pytest.mark.rule("v2.appointments.schedule.r29")
@pytest.mark.parametrize(
    ("early", "planned"), [(timedelta(microseconds=1), 1), (timedelta(0), 0), (-timedelta(1), 0)]
)
def test_a_reminder_whose_moment_has_come_is_left_out(
    early: timedelta, planned: int, now: datetime
) -> None:
    application = make.make_application()
    make.make_channel(application, reminder_offsets=["P2D"])
    start = now + timedelta(days=30)

    make.make_appointment(
        application, start=start, zone="UTC", booked_at=start - timedelta(days=2) - early
    )

    assert Notification.objects.filter(type="REMINDER").count() == planned
