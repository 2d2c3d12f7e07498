"""When somebody is told: offsets before the start and after the completion, and causes."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from appointments import services
from config.kernel.time import parse_duration, parse_zone
from notifications import outbox
from notifications.models import Channel, Notification, OutboxEvent
from tests import make
from tests.appointments import acts
from tests.appointments.acts import Act
from tests.appointments.scene import Scene, make_scene

pytestmark = pytest.mark.django_db

LONG_BEFORE = datetime.fromisoformat("2011-01-01T00:00Z")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def make_remote(start: datetime, zone: str, duration: str = "PT30M", **offsets: Any) -> Scene:
    """Make a scene that was booked long before, told by mail, and activated by hand."""
    application = make.make_application(activates_automatically=False)
    make.make_channel(application, Channel.EMAIL, **offsets)
    booked_at = min(LONG_BEFORE, start - timedelta(days=300))
    return make_scene(
        application=application, start=start, zone=zone, duration=duration, booked_at=booked_at
    )


def due(type: str) -> list[tuple[str | None, datetime | None]]:
    rows = Notification.objects.filter(type=type, status="INITIALIZED").order_by("due_at", "offset")
    return list(rows.values_list("offset", "due_at"))


# Hours are measured; a day is a day on the clock of the appointment's zone.
BEFORE = [
    ("Europe/Berlin", "2027-03-28T10:00Z", "PT24H", "2027-03-27T10:00Z"),
    ("Europe/Berlin", "2027-03-28T10:00Z", "P1D", "2027-03-27T11:00Z"),
    ("Europe/Berlin", "2027-03-28T10:00Z", "P1W", "2027-03-21T11:00Z"),
    ("Europe/Berlin", "2027-10-31T10:00:00.5Z", "PT24H", "2027-10-30T10:00:00.5Z"),
    ("Europe/Berlin", "2027-10-31T10:00:00.5Z", "P1D", "2027-10-30T09:00:00.5Z"),
    # Half past two does not exist the day before: it has the offset from before the gap.
    ("Europe/Berlin", "2027-03-29T00:30Z", "P1D", "2027-03-28T01:30Z"),
    # It is there twice the day before: the first of two.
    ("Europe/Berlin", "2027-11-01T01:30Z", "P1D", "2027-10-31T00:30Z"),
    # Midnight, where the day changes with the offset.
    ("Europe/Berlin", "2027-03-28T22:00Z", "P1D", "2027-03-27T23:00Z"),
    # Samoa had no 30 December 2011: the same hour the day before would be a day that never was.
    ("Pacific/Apia", "2011-12-31T20:00Z", "P1D", "2011-12-30T20:00Z"),
    ("Pacific/Apia", "2011-12-31T20:00Z", "P2D", "2011-12-30T20:00Z"),
    ("Pacific/Apia", "2011-12-31T20:00Z", "P3D", "2011-12-29T20:00Z"),
    ("Pacific/Apia", "2011-12-31T20:00Z", "PT24H", "2011-12-30T20:00Z"),
    ("Pacific/Apia", "2011-09-24T20:00Z", "P1D", "2011-09-23T21:00Z"),
]


@pytest.mark.parametrize(("zone", "start", "offset", "expected"), BEFORE)
def test_reminders_keep_the_clock_for_days_and_the_measure_for_hours(
    zone: str, start: str, offset: str, expected: str
) -> None:
    make_remote(at(start), zone, reminder_offsets=[offset])

    row = Notification.objects.get(type="REMINDER")
    assert (row.due_at, row.scheduled_for) == (at(expected), at(expected))
    assert (row.offset, row.not_after) == (offset, at(start))


@pytest.mark.parametrize(("zone", "start", "offset", "expected"), BEFORE)
def test_invitations_lie_as_far_before_the_start_as_reminders(
    zone: str, start: str, offset: str, expected: str
) -> None:
    one = make_remote(at(start), zone, room_offsets=[offset])

    services.activate_appointment(one.appointment.id, actor=one.actor, now=LONG_BEFORE)

    row = Notification.objects.get(type="ROOM")
    assert (row.due_at, row.scheduled_for) == (at(expected), at(expected))
    assert (row.offset, row.not_after) == (offset, at(start) + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("zone", "left", "offset", "expected"),
    [
        ("Europe/Berlin", "2027-03-27T11:30Z", "PT24H", "2027-03-28T11:30Z"),
        ("Europe/Berlin", "2027-03-27T11:30Z", "P1D", "2027-03-28T10:30Z"),
        ("Europe/Berlin", "2027-10-30T10:30Z", "P1D", "2027-10-31T11:30Z"),
        ("Europe/Berlin", "2027-10-30T10:30Z", "PT2H", "2027-10-30T12:30Z"),
        # Half past two does not exist on the next day.
        ("Europe/Berlin", "2027-03-27T01:30Z", "P1D", "2027-03-28T01:30Z"),
        ("Pacific/Apia", "2011-12-29T20:30Z", "P1D", "2011-12-30T20:30Z"),
        ("Pacific/Apia", "2011-12-29T20:30Z", "PT1H", "2011-12-29T21:30Z"),
    ],
)
def test_follow_ups_are_counted_from_the_completion(
    zone: str, left: str, offset: str, expected: str
) -> None:
    start = at(left) - timedelta(minutes=45)
    one = make_remote(start, zone, follow_up_offsets=[offset])
    one.join(one.customer, one.agent_row, now=start)

    one.leave(one.agent_row, one.customer, now=at(left))

    row = Notification.objects.get(type="FOLLOW_UP")
    assert (row.due_at, row.scheduled_for) == (at(expected), at(expected))
    # A day later nobody wants to be asked how it was.
    assert (row.offset, row.not_after) == (offset, at(expected) + timedelta(days=1))


def test_the_clock_counts_follow_ups_from_when_it_comes_by() -> None:
    one = make_remote(at("2027-05-03T10:00Z"), "UTC", follow_up_offsets=["PT2H"])
    one.join(one.customer, one.agent_row, now=at("2027-05-03T10:00Z"))
    one.leave(one.customer, one.agent_row, now=at("2027-05-03T10:20Z"))

    services.finish_due_appointments(now=at("2027-05-03T10:30:07Z"))

    assert due("FOLLOW_UP") == [("PT2H", at("2027-05-03T12:30:07Z"))]


def test_a_moved_appointment_is_reminded_of_by_its_new_clock() -> None:
    one = make_remote(at("2027-03-28T10:00Z"), "Europe/Berlin", reminder_offsets=["P1D", "PT24H"])

    services.reschedule_appointment(
        one.appointment.id,
        start=at("2027-03-29T10:00Z"),
        duration=parse_duration("PT1H"),
        zone=parse_zone("Pacific/Apia"),
        locale=None,
        actor=one.actor,
        now=LONG_BEFORE,
    )

    # Both the same: Samoa has no summer time any more.
    assert due("REMINDER") == [
        ("P1D", at("2027-03-28T10:00Z")),
        ("PT24H", at("2027-03-28T10:00Z")),
    ]
    assert Notification.objects.filter(type="REMINDER", status="CANCELLED").count() == 2


def test_every_offset_of_every_channel_is_planned() -> None:
    application = make.make_application()
    start = at("2027-05-03T10:00Z")
    make.make_channel(application, reminder_offsets=["P1D", "PT1H"])
    make.make_channel(application, Channel.SMS, reminder_offsets=["PT15M"])
    make.make_channel(application, Channel.WEBHOOKS, reminder_offsets=["PT5M", "P30D"])
    make.make_subscription(application)

    make_scene(
        application=application,
        customers=[make.make_customer(phone="+4930901820")],
        start=start,
        booked_at=start - timedelta(days=3),
    )

    rows = Notification.objects.filter(type="REMINDER").values_list("channel", "offset")
    assert set(rows) == {
        ("EMAIL", "P1D"),
        ("EMAIL", "PT1H"),
        ("SMS", "PT15M"),
        ("WEBHOOKS", "PT5M"),
    }


def test_only_what_has_a_time_of_its_own_has_an_offset_and_a_time() -> None:
    one = make_remote(
        at("2027-05-03T10:00Z"),
        "UTC",
        reminder_offsets=["PT1H"],
        room_offsets=["PT1H"],
        follow_up_offsets=["PT1H"],
    )
    acts.activate(one)
    acts.both_come_and_leave_after_the_end(one)
    acts.delete(one)

    for row in Notification.objects.all():
        has_a_time = row.type in ("ROOM", "REMINDER", "FOLLOW_UP")
        assert (row.offset is not None, row.scheduled_for is not None) == (has_a_time, has_a_time)


# --- Causes -----------------------------------------------------------------------------------


@pytest.fixture
def _everything_is_heard_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = {type_: [*heard, *heard] for type_, heard in outbox._subscribers.items()}
    monkeypatch.setattr(outbox, "_subscribers", defaultdict(list, twice))


def make_told() -> Scene:
    application = make.make_application(activates_automatically=False, notify_agents=True)
    for channel in Channel:
        make.make_channel(
            application,
            channel,
            reminder_offsets=["PT1H"],
            room_offsets=["PT30M"],
            follow_up_offsets=["PT2H"],
        )
    make.make_subscription(application)
    return make_scene(application=application, customers=[make.make_customer(phone="+4930901820")])


ALL_ACTS = [
    acts.nothing,
    acts.update,
    acts.reschedule,
    acts.reassign,
    acts.activate,
    acts.join,
    acts.accept,
    acts.fail,
    acts.add_agent,
    acts.add_customer,
    acts.remove,
    acts.route,
    acts.both_come_and_leave_after_the_end,
    acts.the_end_passes,
    acts.cancel,
    acts.delete,
]


@pytest.mark.usefixtures("_everything_is_heard_twice")
@pytest.mark.parametrize("act", ALL_ACTS)
def test_to_plan_twice_is_to_plan_once(act: Act) -> None:
    one = make_told()

    act(one)

    rows = Notification.objects.exclude(status="CANCELLED")
    told = Counter(rows.values_list("type", "channel", "recipient_id", "offset", "cause"))
    events = {str(event.id) for event in OutboxEvent.objects.all()}
    assert set(told.values()) == {1}
    for type_, *_, offset, cause in told:
        assert (cause in events) == (offset is None), type_
    by_event = Counter((type_, channel, who, cause) for type_, channel, who, _, cause in told)
    assert set(by_event.values()) == {1}


def test_each_time_that_somebody_is_told_the_same_has_its_own_cause() -> None:
    one = make_told()

    for _ in range(3):
        acts.reschedule(one)

    mails = Notification.objects.filter(
        type="RESCHEDULE", channel="EMAIL", recipient_type="CUSTOMER"
    )
    assert len(set(mails.values_list("cause", flat=True))) == 3
    reminders = Notification.objects.filter(
        type="REMINDER", channel="EMAIL", recipient_type="CUSTOMER"
    )
    assert sorted(reminders.values_list("cause", "status")) == [
        ("schedule 1", "CANCELLED"),
        ("schedule 2", "CANCELLED"),
        ("schedule 3", "CANCELLED"),
        ("schedule 4", "INITIALIZED"),
    ]


def test_the_reminders_after_a_step_back_have_a_cause_of_their_own() -> None:
    one = make_told()
    now = acts.booked(one)
    one.join(one.customer, now=now)
    one.leave(one.customer, now=now)

    rows = Notification.objects.filter(type="REMINDER", recipient_id=one.customer.id)
    assert sorted(rows.values_list("channel", "cause", "status")) == [
        (channel, cause, status)
        for channel in ("EMAIL", "SMS")
        for cause, status in (("schedule 1", "CANCELLED"), ("schedule 2", "INITIALIZED"))
    ]
