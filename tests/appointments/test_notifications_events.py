"""GET /api/v2/appointments/{id}/notifications/events: every step of the delivery."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from config.kernel.time import format_instant
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
)
from notifications.services import dispatch, queue
from notifications.transports import Submitted, TryLater
from tests import make
from tests.appointments import acts
from tests.appointments.scene import APPOINTMENTS, UNKNOWN, Scene, make_scene
from tests.appointments.told import Item, kinds, listed, only_due, page, send
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

WITH_PHONE = make.make_customer(phone="+49 30 901820")


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> ScriptedTransport:
    settings.NOTIFICATIONS_TRANSPORTS = dict.fromkeys(
        ("EMAIL", "SMS"), "tests.notifications.scripted"
    )
    scripted.transport.forget()
    return scripted.transport


def steps(scene: Scene, who: Any = None, **query: Any) -> list[Item]:
    """Give the steps, the oldest first unless told otherwise."""
    query = {"sortOrder": "asc", **query}
    return page(scene, who, events=True, **query)["content"]  # type: ignore[no-any-return]  # JSON


def booked(*channels: Channel) -> Scene:
    application = make.make_application()
    for channel in channels or (Channel.EMAIL,):
        make.make_channel(application, channel, reminder_offsets=["PT2H"])
    if Channel.WEBHOOKS in channels:
        make.make_subscription(application)
    return make_scene(application=application, customers=[WITH_PHONE])


@pytest.mark.rule("v2.notifications.events.r3", "v2.notifications.events.r10")
def test_each_change_is_an_item_and_to_try_again_is_none(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    provider.answers = [TryLater(reason="451 busy", provider_status="451")]

    send()
    send()

    assert [
        (one["status"], one["retryCount"], one.get("providerStatus"), one.get("errorMessage"))
        for one in steps(scene)
    ] == [
        ("INITIALIZED", 0, None, None),
        ("PENDING", 0, None, None),
        ("PENDING", 1, "451", "451 busy"),
        ("DELIVERED", 1, "250", None),
    ]


@pytest.mark.rule("v2.notifications.events.r3")
def test_an_item_is_never_changed_afterwards(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    provider.answers = [TryLater(reason="451 busy", provider_status="451")]
    send()
    before = steps(scene)

    send()

    assert steps(scene)[: len(before)] == before


@pytest.mark.rule("v2.notifications.events.r3")
def test_an_attempt_of_which_nobody_knows_the_end_is_an_item_with_a_reason() -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    queue.claim_due(Channel.EMAIL, limit=1)
    Notification.objects.update(due_at=timezone.now())

    dispatch.send_due(Channel.EMAIL)

    assert [(one["status"], "message" in one) for one in steps(scene)] == [
        ("INITIALIZED", False),
        ("PENDING", False),
        ("PENDING", True),
        ("DELIVERED", False),
    ]


@pytest.mark.rule("v2.notifications.events.r3")
def test_such_an_attempt_is_told_of_when_there_is_no_other_any_more() -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    queue.claim_due(Channel.EMAIL, limit=1)
    Notification.objects.update(due_at=timezone.now(), not_after=timezone.now())

    dispatch.send_due(Channel.EMAIL)

    last = steps(scene)[-1]
    assert last["status"] == "CANCELLED"
    assert "it may have arrived" in last["message"]
    assert "its time had passed" in last["message"]


@pytest.mark.rule("v2.notifications.events.r3")
@pytest.mark.parametrize(
    ("was", "shown"),
    [
        ("INITIALIZED", ["INITIALIZED", "PENDING", "INITIALIZED"]),
        ("PENDING", ["INITIALIZED"]),
    ],
)
def test_what_is_given_back_is_an_item_when_its_status_changes(was: str, shown: list[str]) -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    Notification.objects.update(status=was, retry_count=int(was == "PENDING"))

    queue.release(queue.claim_due(Channel.EMAIL, limit=1).claims)

    assert [one["status"] for one in steps(scene)] == shown


@pytest.mark.rule("v2.notifications.events.r4", "v2.notifications.events.r9")
def test_an_item_is_shown_whole() -> None:
    scene = make_scene(Channel.EMAIL)
    created = only_due(scene)
    send()
    last = NotificationEvent.objects.order_by("-at", "-id")[0]

    assert steps(scene)[-1] == {
        "id": str(last.id),
        "statusId": str(created.id),
        "appointmentId": str(scene.appointment.id),
        "type": "CREATE",
        "channel": "EMAIL",
        "status": "DELIVERED",
        "recipient": {"type": "CUSTOMER", "displayName": "Ada Lovelace"},
        "timestamp": format_instant(last.at),
        "providerStatus": "250",
        "messageId": f"<{created.id}@test>",
        "retryCount": 0,
        "pollAttempts": 0,
    }


@pytest.mark.rule("v2.notifications.events.r4", "v2.notifications.events.r6")
def test_the_newest_event_of_a_notification_has_its_status(provider: ScriptedTransport) -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)
    provider.answers = [TryLater(reason="451 busy")]
    send()
    send(Channel.SMS)
    acts.reschedule(scene)

    newest = {one["statusId"]: one["status"] for one in steps(scene)}

    standing = {str(one.id): one.status for one in Notification.objects.all()}
    assert newest == standing
    assert set(standing.values()) >= {"PENDING", "DELIVERED", "CANCELLED"}


@pytest.mark.rule("v2.notifications.events.r5")
def test_events_of_some_notifications_only() -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)
    first, second, *_ = [one["id"] for one in listed(scene)]

    both = steps(scene, statusId=f"{first},{second}")

    assert {one["statusId"] for one in both} == {first, second}
    assert both == steps(scene, statusId=[first, second])
    assert steps(scene, statusId=UNKNOWN) == []


@pytest.mark.rule("v2.notifications.events.r7")
def test_the_newest_comes_first() -> None:
    scene = make_scene(Channel.EMAIL)
    send()

    ids = [one["id"] for one in page(scene, events=True)["content"]]

    assert ids == [one["id"] for one in reversed(steps(scene))]
    assert len(ids) == 3


@pytest.mark.rule(
    "v2.notifications.events.r8", "v2.notifications.events.r9", "v2.notifications.events.r26"
)
def test_polls_are_counted_and_are_items_when_the_provider_has_another_word(
    provider: ScriptedTransport,
) -> None:
    scene = make_scene(Channel.SMS, customers=[WITH_PHONE])
    underway = partial(Submitted, message_id="SM1", conversation_id="C7")
    provider.answers = [
        underway(provider_status="QUEUED"),
        underway(provider_status="QUEUED"),
        underway(provider_status="SENT"),
    ]

    for _ in range(4):
        send(Channel.SMS)

    shown = steps(scene)
    assert [
        (one["status"], one.get("providerStatus"), one["pollAttempts"], "nextPollAt" in one)
        for one in shown
    ] == [
        ("INITIALIZED", None, 0, False),
        ("PENDING", None, 0, False),
        ("PENDING", "QUEUED", 0, True),
        ("PENDING", "SENT", 2, True),
        ("DELIVERED", "delivered", 3, False),
    ]
    assert [(one.get("messageId"), one.get("conversationId")) for one in shown[2:]] == [
        ("SM1", "C7")
    ] * 3


@pytest.mark.rule("v2.notifications.events.r9")
def test_a_webhook_has_no_ids_of_a_provider() -> None:
    scene = booked(Channel.WEBHOOKS)
    NotificationEvent.objects.create(
        organization_id=scene.application.organization_id,
        notification_id=Notification.objects.get(type="CREATE").pk,
        status="DELIVERED",
        message_id="M1",
        conversation_id="C1",
    )

    shown = steps(scene)

    assert [one["status"] for one in shown if one["type"] == "CREATE"][-1] == "DELIVERED"
    assert all({"messageId", "conversationId"}.isdisjoint(one) for one in shown)


# --- Filters and pages ------------------------------------------------------------------------


@pytest.mark.rule("v2.notifications.events.r11")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "CREATE", "channel": "EMAIL"}, {("CREATE", "EMAIL")}),
        (
            {"type": ["CREATE", "REMINDER"], "channel": "SMS"},
            {("CREATE", "SMS"), ("REMINDER", "SMS")},
        ),
        ({"status": "DELIVERED"}, {("CREATE", "EMAIL")}),
        ({"status": ["DELIVERED", "FAILED"], "type": "REMINDER"}, set()),
    ],
)
def test_filters_are_combined_with_and_their_values_with_or(
    query: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)
    send()

    assert set(kinds(steps(scene, **query))) == expected


@pytest.mark.rule(
    "v2.notifications.events.r12", "v2.notifications.events.r13", "v2.notifications.events.r14"
)
@pytest.mark.parametrize(
    ("one_way", "other"),
    [
        ({"type": ["REMINDER", "ROOM"]}, {"type": "REMINDER,ROOM"}),
        ({"channel": ["SMS", "WEBHOOKS"]}, {"channel": "SMS,WEBHOOKS"}),
        ({"status": ["DELIVERED", "FAILED"]}, {"status": "DELIVERED,FAILED"}),
        ({"channel": "EMAIL"}, {"channel": "email"}),
        ({"channel": "EMAIL"}, {"channel": "Email"}),
        ({"status": "DELIVERED"}, {"status": "delivered"}),
        ({"type": "REMINDER"}, {"type": "Reminder"}),
    ],
)
def test_repeated_and_comma_separated_words_in_any_case_mean_the_same(
    one_way: dict[str, Any], other: dict[str, Any]
) -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)
    send()

    found = page(scene, events=True, **one_way)

    assert 0 < found["total"] < page(scene, events=True)["total"]
    assert found == page(scene, events=True, **other)


@pytest.mark.rule("v2.notifications.events.r15", "v2.notifications.events.r22")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "PARTY"),
        ("channel", "PIGEON"),
        ("status", "LOST"),
        ("pageSize", "0"),
        ("pageSize", "1001"),
        ("pageNumber", "-1"),
        ("pageNumber", "one"),
        ("sortOrder", "upwards"),
        ("sortField", "createdAt"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_by_name(name: str, value: str) -> None:
    scene = make_scene(Channel.EMAIL)

    answer = scene.by(scene.supervisor).send(
        "GET", f"{scene.path}/notifications/events", query={name: value}
    )

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


@pytest.mark.rule("v2.notifications.events.r21", "v2.notifications.events.r23")
def test_pages_say_where_they_stand() -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)

    first = page(scene, events=True, pageSize=3)
    last = page(scene, events=True, pageSize=3, pageNumber=2)
    none = page(scene, events=True, type="FOLLOW_UP")

    assert {key: value for key, value in first.items() if key != "content"} == {
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 3,
        "sortField": "timestamp",
        "sortOrder": "desc",
        "total": 4,
    }
    assert (len(first["content"]), len(last["content"]), last["pageNumber"]) == (3, 1, 2)
    assert (none["content"], none["total"]) == ([], 0)


# --- Who sees what ----------------------------------------------------------------------------


@pytest.mark.rule("v2.notifications.events.r16")
@pytest.mark.parametrize("id", [UNKNOWN, "not-an-id"])
def test_an_unknown_appointment_is_not_found(id: str) -> None:
    scene = make_scene(Channel.EMAIL)

    answer = scene.by(scene.supervisor).get(f"{APPOINTMENTS}{id}/notifications/events")

    assert answer.json()["code"] == "APPOINTMENT_NOT_FOUND"


@pytest.mark.rule("v2.notifications.events.r17", "v2.notifications.events.r19")
def test_an_agent_sees_what_is_assigned_to_it_and_a_supervisor_everything() -> None:
    scene = make_scene(Channel.EMAIL)

    assert [len(steps(scene, who)) for who in (scene.agent, scene.supervisor)] == [1, 1]
    assert page(scene, scene.colleague, events=True)["content"] == []


@pytest.mark.rule("v2.notifications.events.r18")
def test_after_it_was_handed_over_the_new_agent_sees_all_of_it_and_the_former_nothing() -> None:
    scene = make_scene(Channel.EMAIL)
    send()

    scene.by(scene.supervisor).put(
        f"{APPOINTMENTS}reassign/",
        {"id": str(scene.appointment.id), "userId": str(scene.colleague.id)},
    )

    assert steps(scene, scene.agent) == []
    assert len(steps(scene, scene.colleague)) == 3


# --- What a step says of its notification -----------------------------------------------------


@pytest.mark.rule(
    "v2.notifications.events.r24", "v2.notifications.events.r25", "v2.notifications.events.r27"
)
def test_only_what_has_a_time_of_its_own_has_an_offset() -> None:
    scene = booked()
    start = scene.appointment.start
    assert start is not None

    shown = {one["type"]: (one.get("offset"), one.get("scheduledFor")) for one in steps(scene)}

    assert shown == {
        "CREATE": (None, None),
        "REMINDER": ("PT2H", format_instant(start - timedelta(hours=2))),
    }


@pytest.mark.rule("v2.notifications.events.r28")
def test_recipients_are_customers_agents_and_systems() -> None:
    application = make.make_application(notify_agents=True)
    scene = make_scene(Channel.EMAIL, Channel.WEBHOOKS, application=application)

    assert {(one["channel"], one["recipient"]["type"]) for one in steps(scene)} == {
        ("EMAIL", "CUSTOMER"),
        ("EMAIL", "AGENT"),
        ("WEBHOOKS", "SYSTEM"),
    }


@pytest.mark.rule("v2.notifications.events.r29")
def test_who_has_no_name_any_more_is_a_dash_with_the_reason() -> None:
    scene = make_scene(Channel.EMAIL)
    NotificationContent.objects.update(first_name="", last_name="")
    nameless = steps(scene)[0]["recipient"]
    NotificationContent.objects.update(erased_at=timezone.now())

    erased = steps(scene)[0]["recipient"]

    assert nameless == {"type": "CUSTOMER", "displayName": "-", "reasonCode": "NOT_FOUND"}
    assert erased == {"type": "CUSTOMER", "displayName": "-", "reasonCode": "PDM_EXPIRED"}


@pytest.mark.rule("v2.notifications.events.r30")
def test_no_address_and_no_text_is_shown() -> None:
    scene = make_scene(Channel.EMAIL)
    send()
    content = NotificationContent.objects.get()

    shown = str(page(scene, events=True))

    for secret in (content.address, content.text, content.subject):
        assert secret
        assert secret not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_costs_the_same_number_of_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    scene = booked(Channel.EMAIL, Channel.SMS)
    path = f"{scene.path}/notifications/events"
    client = scene.by(scene.supervisor)
    client.get(path)

    with django_assert_num_queries(5):
        assert len(client.get(path, pageSize=count).json()["content"]) == count
