"""Planning: what an event leads to is written once, and in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from agents.models import Application
from config.kernel.secrets import unseal
from notifications.models import (
    Channel,
    Notification,
    NotificationEvent,
    NotificationType,
)
from notifications.models.kinds import Status
from notifications.services import (
    Planner,
    Recipient,
)
from tests.notifications.ledger import make_application
from tests.notifications.planned import (
    HOUR,
    LEDGER,
    NOW,
    START,
    make_recipient,
    make_topic,
    subscribe,
    switch_on,
    tell,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application()


def test_a_planned_notification_is_whole(application: Application) -> None:
    switch_on(application)
    topic, ada = make_topic(application), make_recipient()

    assert tell(topic, ada) == 1

    row = Notification.objects.select_related("content").get()
    link = row.content.link
    assert link
    assert unseal(link, purpose="notification-link") == ada.link
    step = NotificationEvent.objects.get()
    assert {name: getattr(row, name) for name in WHOLE} == WHOLE | {
        "organization_id": topic.organization_id,
        "application_id": topic.application_id,
        "subject_id": topic.id,
        "recipient_id": ada.id,
    }
    content = row.content
    assert (content.address, content.first_name, content.last_name, content.facts) == (
        "ada@example.org",
        "Ada",
        "Lovelace",
        {"title": "Review"},
    )
    assert (content.organization_id, content.erase_at, content.text) == (
        topic.organization_id,
        None,
        "",
    )
    assert (step.notification_id, step.status, step.at, step.next_at, step.attempt) == (
        row.id,
        Status.INITIALIZED,
        NOW,
        NOW,
        0,
    )
    assert step.organization_id == topic.organization_id


WHOLE: dict[str, Any] = {
    "organization_id": None,
    "application_id": None,
    "subject_id": None,
    "recipient_id": None,
    "subject_type": "parcel",
    "type": "CREATE",
    "channel": "EMAIL",
    "recipient_type": "CUSTOMER",
    "offset": None,
    "cause": "7",
    "status": "INITIALIZED",
    "provider_status": "",
    "scheduled_for": None,
    "due_at": NOW,
    # Nobody has to hear of it when it is over.
    "not_after": START + HOUR,
    "lease_until": None,
    "attempt": 0,
    "retry_count": 0,
    "poll_attempts": 0,
    "is_held": False,
    "message": "",
    "error_message": "",
    "message_id": "",
    "conversation_id": "",
    "snapshot": {"sequence": 3},
    "created_at": NOW,
    "updated_at": NOW,
}


def test_the_same_cause_is_planned_once_and_has_one_content_and_one_step(
    application: Application,
) -> None:
    switch_on(application)
    topic, ada, grace = make_topic(application), make_recipient(), make_recipient()

    written = [tell(topic, ada), tell(topic, ada, now=NOW + HOUR), tell(topic, ada, grace)]

    assert written == [1, 0, 1]
    assert [each.objects.count() for each in LEDGER] == [2, 2, 2]
    assert Notification.objects.get(recipient_id=ada.id).due_at == NOW


@pytest.mark.parametrize("what", ["cause", "recipient", "topic", "type", "channel"])
def test_whatever_differs_is_told_apart(what: str, application: Application) -> None:
    for channel in (Channel.EMAIL, Channel.SMS):
        switch_on(application, channel)
    topic, ada = make_topic(application), make_recipient(addresses={Channel.EMAIL: "a@b.example"})
    tell(topic, ada)
    planner = Planner(topic if what != "topic" else make_topic(application), now=NOW)
    other = make_recipient() if what == "recipient" else ada
    if what == "channel":
        other = Recipient(type=ada.type, id=ada.id, addresses={Channel.SMS: "+4930901820"})
    type_ = NotificationType.CANCELLED if what == "type" else NotificationType.CREATE

    planner.tell(type_, [other], cause="8" if what == "cause" else "7")

    assert planner.write() >= 1


def test_the_same_offset_twice_is_planned_once(application: Application) -> None:
    switch_on(application, reminder_offsets=["PT1H", "PT1H"])
    planner = Planner(make_topic(application), now=NOW)

    planner.remind([make_recipient()], cause="schedule 1", webhooks=False)

    assert planner.write() == 1


def test_nothing_collected_is_nothing_written(application: Application) -> None:
    assert tell(make_topic(application), make_recipient()) == 0
    assert not Notification.objects.exists()


def test_what_was_written_is_not_written_again(application: Application) -> None:
    switch_on(application)
    planner = Planner(make_topic(application), now=NOW)
    planner.tell(NotificationType.CREATE, [make_recipient()], cause="7")

    assert (planner.write(), planner.write()) == (1, 0)


def test_without_a_start_there_is_nothing_to_remind_of(application: Application) -> None:
    switch_on(application, reminder_offsets=["PT1H"], room_offsets=["PT1H"])
    planner = Planner(make_topic(application, start=None, end=None), now=NOW)

    planner.remind([make_recipient()], cause="1", webhooks=True)
    planner.invite([make_recipient()], cause="1")

    assert planner.write() == 0


def test_a_past_reminder_is_left_out_and_a_past_invitation_goes_out_at_once(
    application: Application,
) -> None:
    switch_on(application, reminder_offsets=["P8D", "PT1H"], room_offsets=["P8D", "P9D"])
    ada, planner = make_recipient(), Planner(make_topic(application), now=NOW + HOUR)

    planner.remind([ada], cause="1", webhooks=False)
    planner.invite([ada], cause="1")
    planner.write()

    rows = Notification.objects.order_by("type", "offset")
    # Eight days before, on the other side of the change of clocks.
    eight, nine = (datetime.fromisoformat(f"2027-03-{day}T11:00Z") for day in (20, 19))
    assert list(rows.values_list("type", "offset", "scheduled_for", "due_at", "not_after")) == [
        ("REMINDER", "PT1H", START - HOUR, START - HOUR, START),
        ("ROOM", "P8D", eight, NOW + HOUR, START + HOUR),
        ("ROOM", "P9D", nine, NOW + HOUR, START + HOUR),
    ]


def test_subscribers_are_asked_for_only_where_webhooks_are_on(
    application: Application, django_assert_num_queries: Any
) -> None:
    subscribe(application)
    planner = Planner(make_topic(application), now=NOW)

    with django_assert_num_queries(1):
        planner.tell_subscribers(NotificationType.CREATE, cause="7")
        planner.tell_subscribers(NotificationType.UPDATE, cause="7")
        assert planner.write() == 0


@pytest.mark.parametrize("people", [1, 30])
def test_many_are_written_in_one_statement(
    people: int, application: Application, django_assert_num_queries: Any
) -> None:
    switch_on(application, reminder_offsets=["PT1H", "PT2H", "PT3H"])
    recipients = [make_recipient() for _ in range(people)]
    planner = Planner(make_topic(application), now=NOW)

    with django_assert_num_queries(2):
        planner.tell(NotificationType.CREATE, recipients, cause="7")
        planner.remind(recipients, cause="1", webhooks=True)
        assert planner.write() == 4 * people


def test_a_webhook_is_due_at_once_though_the_clock_of_who_planned_it_is_ahead(
    application: Application,
) -> None:
    switch_on(application, Channel.WEBHOOKS, reminder_offsets=["PT1H"])
    subscribe(application)
    ahead = timezone.now() + HOUR
    planner = Planner(make_topic(application), now=ahead)

    planner.tell_subscribers(NotificationType.CREATE, cause="7")
    planner.remind([], cause="1", webhooks=True)
    planner.write()

    created, reminder = Notification.objects.order_by("type")
    assert created.due_at is not None
    assert created.due_at < ahead
    assert reminder.due_at == START - HOUR
