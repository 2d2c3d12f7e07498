"""GET /api/v2/appointments/{id}/notifications: where each notification stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from config.kernel.time import format_instant
from notifications.models import Channel, Notification, NotificationContent, Status
from notifications.transports import Refused, Submitted, TryLater
from tests import make
from tests.appointments import acts
from tests.appointments.scene import APPOINTMENTS, UNKNOWN, Scene, make_scene
from tests.appointments.told import kinds, listed, only_due, page, send, the
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

ALL = tuple(Channel)
DAY = timedelta(days=1)
WITH_PHONE = make.make_customer(phone="+49 30 901820")


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> ScriptedTransport:
    settings.NOTIFICATIONS_TRANSPORTS = dict.fromkeys(
        ("EMAIL", "SMS"), "tests.notifications.scripted"
    )
    scripted.transport.forget()
    return scripted.transport


def booked_with_reminder(*channels: Channel, **facts: Any) -> Scene:
    application = make.make_application(**facts)
    for channel in channels or (Channel.EMAIL,):
        make.make_channel(application, channel, reminder_offsets=["PT2H"])
    if Channel.WEBHOOKS in channels:
        make.make_subscription(application, url="https://hooks.example.org/a?key=secret")
    return make_scene(application=application, customers=[WITH_PHONE])


@pytest.mark.rule(
    "v2.notifications.list.r3", "v2.notifications.list.r5", "v2.notifications.list.r31"
)
def test_there_is_an_item_for_each_type_offset_channel_and_recipient() -> None:
    scene = booked_with_reminder(*ALL)

    items = listed(scene)

    assert sorted(
        (one["type"], one["channel"], one["recipient"]["type"], one["status"]) for one in items
    ) == [
        (type_, channel, recipient, "INITIALIZED")
        for type_ in ("CREATE", "REMINDER")
        for channel, recipient in [
            ("EMAIL", "CUSTOMER"),
            ("SMS", "CUSTOMER"),
            ("WEBHOOKS", "SYSTEM"),
        ]
    ]


@pytest.mark.rule("v2.notifications.list.r31")
def test_an_agent_is_a_recipient_too() -> None:
    scene = booked_with_reminder(notify_agents=True)

    assert {one["recipient"]["type"] for one in listed(scene)} == {"AGENT", "CUSTOMER"}


@pytest.mark.rule(
    "v2.notifications.list.r3", "v2.notifications.list.r27", "v2.notifications.list.r28"
)
def test_a_planned_reminder_is_shown_whole() -> None:
    scene = booked_with_reminder()
    reminder = the(scene, "REMINDER")
    start = scene.appointment.start
    assert start is not None

    [item] = listed(scene, type="REMINDER")

    assert item == {
        "id": str(reminder.id),
        "appointmentId": str(scene.appointment.id),
        "type": "REMINDER",
        "channel": "EMAIL",
        "status": "INITIALIZED",
        "recipient": {"type": "CUSTOMER", "displayName": "Ada Lovelace"},
        "offset": "PT2H",
        "scheduledFor": format_instant(start - timedelta(hours=2)),
        "retryCount": 0,
        "canRetry": False,
        "createdAt": format_instant(reminder.created_at),
        "updatedAt": format_instant(reminder.updated_at),
    }


@pytest.mark.rule("v2.notifications.list.r4")
def test_the_newest_comes_first() -> None:
    scene = booked_with_reminder()
    Notification.objects.filter(type="CREATE").update(created_at=timezone.now() + DAY)

    assert kinds(listed(scene)) == [("CREATE", "EMAIL"), ("REMINDER", "EMAIL")]
    assert kinds(listed(scene, sortOrder="asc")) == [("REMINDER", "EMAIL"), ("CREATE", "EMAIL")]


@pytest.mark.rule(
    "v2.notifications.list.r6",
    "v2.notifications.list.r7",
    "v2.notifications.list.r8",
    "v2.notifications.list.r9",
    "v2.notifications.list.r10",
    "v2.notifications.list.r12",
)
def test_a_failed_attempt_is_repeated_with_growing_delays_and_given_up_in_the_end(
    provider: ScriptedTransport, settings: Settings
) -> None:
    settings.NOTIFICATIONS_RETRIES = {"EMAIL": [timedelta(minutes=1), timedelta(hours=1)]}
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    provider.answers = [TryLater(reason="451 busy", provider_status="451")] * 3

    seen = []
    for _ in range(3):
        send()
        seen += listed(scene)

    assert [(one["status"], one["retryCount"], one["canRetry"]) for one in seen] == [
        ("PENDING", 1, True),
        ("PENDING", 2, True),
        ("FAILED", 2, True),
    ]
    assert [one["errorMessage"] for one in seen] == ["451 busy"] * 3
    assert [one["providerStatus"] for one in seen] == ["451"] * 3
    waits = [instant(one["nextRetryAt"]) - instant(one["updatedAt"]) for one in seen[:2]]
    assert timedelta(seconds=45) < waits[0] < timedelta(minutes=2) < waits[1] < 2 * DAY
    assert "nextRetryAt" not in seen[2]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.rule(
    "v2.notifications.list.r7", "v2.notifications.list.r8", "v2.notifications.list.r10"
)
def test_what_was_delivered_at_once_has_no_error_and_no_repetition() -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    before = listed(scene)[0]

    send()

    [after] = listed(scene)
    assert (after["status"], after["retryCount"], after["canRetry"]) == ("DELIVERED", 0, False)
    assert (before.get("providerStatus"), after["providerStatus"]) == (None, "250")
    assert {"errorMessage", "nextRetryAt", "nextPollAt"} & set(after) == set()


@pytest.mark.rule("v2.notifications.list.r11")
def test_a_refusal_is_not_repeated(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.EMAIL)
    only_due(scene)
    provider.answers = [Refused(reason="404 no such mailbox", provider_status="404")]

    send()

    [item] = listed(scene)
    assert (item["status"], item["errorMessage"]) == ("FAILED", "404 no such mailbox")
    assert "nextRetryAt" not in item
    send()
    assert len(provider.sent) == 1


@pytest.mark.rule("v2.notifications.list.r9")
def test_of_two_failures_of_one_kind_only_the_latest_can_be_retried() -> None:
    scene = make_scene(Channel.EMAIL)
    body = {"id": str(scene.appointment.id), "duration": "PT1H", "timezone": "Europe/Berlin"}
    for day in ("2027-03-27", "2027-03-28"):
        scene.by(scene.supervisor).put(
            f"{APPOINTMENTS}reschedule/", {**body, "start": f"{day}T10:00:00Z"}
        )
    Notification.objects.update(status=Status.FAILED, due_at=None)

    items = listed(scene, sortOrder="asc")

    assert [(one["type"], one["canRetry"]) for one in items] == [
        ("CREATE", True),
        ("RESCHEDULE", False),
        ("RESCHEDULE", True),
    ]


@pytest.mark.rule("v2.notifications.list.r13")
def test_after_a_move_what_was_planned_for_the_old_start_is_cancelled() -> None:
    scene = booked_with_reminder()

    scene.by(scene.supervisor).put(
        f"{APPOINTMENTS}reschedule/",
        {
            "id": str(scene.appointment.id),
            "start": "2027-03-28T10:00:00Z",
            "duration": "PT1H",
            "timezone": "Europe/Berlin",
        },
    )

    reminders = listed(scene, type="REMINDER", sortOrder="asc")
    assert [(one["status"], one["scheduledFor"]) for one in reminders][1:] == [
        ("INITIALIZED", "2027-03-28T08:00:00Z")
    ]
    assert (reminders[0]["status"], reminders[0]["message"]) == (
        "CANCELLED",
        "The appointment was moved.",
    )


@pytest.mark.rule("v2.notifications.list.r29")
def test_while_the_provider_is_polled_the_next_poll_is_told(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.SMS, customers=[WITH_PHONE])
    provider.answers = [Submitted(provider_status="QUEUED", message_id="SM1")]

    send(Channel.SMS)
    [underway] = listed(scene)
    send(Channel.SMS)
    [arrived] = listed(scene)

    assert (underway["status"], underway["providerStatus"]) == ("PENDING", "QUEUED")
    assert instant(underway["nextPollAt"]) > instant(underway["updatedAt"])
    assert (underway["canRetry"], "nextRetryAt" in underway) == (False, False)
    assert (arrived["status"], "nextPollAt" in arrived) == ("DELIVERED", False)


@pytest.mark.rule("v2.notifications.list.r29")
@pytest.mark.parametrize("status", ["DELIVERED", "FAILED", "CANCELLED"])
def test_nothing_is_polled_any_more_at_the_end(status: str) -> None:
    scene = make_scene(Channel.SMS, customers=[WITH_PHONE])
    Notification.objects.update(status=status, due_at=None, is_submitted=True)

    assert "nextPollAt" not in listed(scene)[0]


# --- Filters and pages ------------------------------------------------------------------------


@pytest.mark.rule("v2.notifications.list.r14")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "CREATE"}, {("CREATE", channel) for channel in ("EMAIL", "SMS", "WEBHOOKS")}),
        ({"type": "CREATE", "channel": ["EMAIL", "SMS"]}, {("CREATE", "EMAIL"), ("CREATE", "SMS")}),
        (
            {"channel": "EMAIL", "status": "INITIALIZED"},
            {("CREATE", "EMAIL"), ("REMINDER", "EMAIL")},
        ),
        ({"channel": "EMAIL", "status": "FAILED"}, set()),
        (
            {"type": ["CREATE", "REMINDER"], "channel": "SMS"},
            {("CREATE", "SMS"), ("REMINDER", "SMS")},
        ),
    ],
)
def test_filters_are_combined_with_and_their_values_with_or(
    query: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    scene = booked_with_reminder(*ALL)

    assert set(kinds(listed(scene, **query))) == expected


@pytest.mark.rule(
    "v2.notifications.list.r15", "v2.notifications.list.r16", "v2.notifications.list.r17"
)
@pytest.mark.parametrize(
    ("one_way", "other"),
    [
        ({"type": ["REMINDER", "ROOM"]}, {"type": "REMINDER,ROOM"}),
        ({"channel": ["SMS", "EMAIL"]}, {"channel": "SMS,EMAIL"}),
        ({"status": ["INITIALIZED", "FAILED"]}, {"status": "INITIALIZED,FAILED"}),
        ({"channel": "EMAIL"}, {"channel": "email"}),
        ({"channel": "EMAIL"}, {"channel": "Email"}),
        ({"status": "INITIALIZED"}, {"status": "Initialized"}),
        ({"type": "REMINDER"}, {"type": "reminder"}),
    ],
)
def test_repeated_and_comma_separated_words_in_any_case_mean_the_same(
    one_way: dict[str, Any], other: dict[str, Any]
) -> None:
    scene = booked_with_reminder(*ALL)
    Notification.objects.filter(channel="WEBHOOKS").update(status="CANCELLED", due_at=None)

    found = page(scene, **one_way)

    assert 0 < found["total"] < 6
    assert found == page(scene, **other)


@pytest.mark.rule("v2.notifications.list.r18", "v2.notifications.list.r25")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "PARTY"),
        ("type", "REMINDER,PARTY"),
        ("channel", "PIGEON"),
        ("status", "LOST"),
        ("pageSize", "0"),
        ("pageSize", "1001"),
        ("pageSize", "many"),
        ("pageNumber", "0"),
        ("pageNumber", "1.5"),
        ("sortOrder", "upwards"),
        ("sortField", "address"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_by_name(name: str, value: str) -> None:
    scene = make_scene(Channel.EMAIL)

    answer = scene.by(scene.supervisor).send(
        "GET", f"{scene.path}/notifications", query={name: value}
    )

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


@pytest.mark.rule("v2.notifications.list.r24", "v2.notifications.list.r26")
def test_pages_say_where_they_stand() -> None:
    scene = booked_with_reminder(*ALL)

    first = page(scene, pageSize=4)
    last = page(scene, pageSize=4, pageNumber=2)
    none = page(scene, type="FOLLOW_UP")

    assert {key: value for key, value in first.items() if key != "content"} == {
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 4,
        "sortField": "createdAt",
        "sortOrder": "desc",
        "total": 6,
    }
    assert (len(first["content"]), len(last["content"]), last["pageNumber"]) == (4, 2, 2)
    assert (none["content"], none["total"]) == ([], 0)


# --- Who sees what ----------------------------------------------------------------------------


@pytest.mark.rule("v2.notifications.list.r19")
@pytest.mark.parametrize("id", [UNKNOWN, "not-an-id"])
def test_an_unknown_appointment_is_not_found(id: str) -> None:
    scene = make_scene(Channel.EMAIL)

    assert (
        scene.by(scene.supervisor).get(f"{APPOINTMENTS}{id}/notifications").json()["code"]
        == "APPOINTMENT_NOT_FOUND"
    )


@pytest.mark.rule("v2.notifications.list.r20", "v2.notifications.list.r22")
def test_an_agent_sees_what_is_assigned_to_it_and_a_supervisor_everything() -> None:
    scene = make_scene(Channel.EMAIL)

    assert [page(scene, who)["total"] for who in (scene.agent, scene.supervisor)] == [1, 1]
    theirs = page(scene, scene.colleague)
    assert (theirs["content"], theirs["total"]) == ([], 0)


@pytest.mark.rule("v2.notifications.list.r21")
def test_after_it_was_handed_over_the_new_agent_sees_all_of_it_and_the_former_nothing() -> None:
    scene = make_scene(Channel.EMAIL)

    scene.by(scene.supervisor).put(
        f"{APPOINTMENTS}reassign/",
        {"id": str(scene.appointment.id), "userId": str(scene.colleague.id)},
    )

    assert page(scene, scene.agent)["total"] == 0
    assert kinds(listed(scene, scene.colleague)) == [("CREATE", "EMAIL")]


# --- Of persons -------------------------------------------------------------------------------


@pytest.mark.rule("v2.notifications.list.r32")
def test_who_has_no_name_any_more_is_a_dash_with_the_reason() -> None:
    scene = make_scene(Channel.EMAIL)
    NotificationContent.objects.update(first_name="", last_name="")
    nameless = listed(scene)[0]["recipient"]
    NotificationContent.objects.update(erased_at=timezone.now())

    erased = listed(scene)[0]["recipient"]

    assert nameless == {"type": "CUSTOMER", "displayName": "-", "reasonCode": "NOT_FOUND"}
    assert erased == {"type": "CUSTOMER", "displayName": "-", "reasonCode": "PDM_EXPIRED"}


@pytest.mark.rule("v2.notifications.list.r32", "v2.notifications.list.r33")
def test_a_webhook_is_called_by_its_host_alone() -> None:
    scene = booked_with_reminder(Channel.WEBHOOKS)

    assert {one["recipient"]["displayName"] for one in listed(scene)} == {"hooks.example.org"}


@pytest.mark.rule("v2.notifications.list.r33")
def test_no_address_and_no_text_is_shown() -> None:
    scene = make_scene(Channel.EMAIL, Channel.SMS, customers=[WITH_PHONE])
    send()
    content = NotificationContent.objects.get(notification__channel="EMAIL")
    phone = NotificationContent.objects.get(notification__channel="SMS").address

    shown = str(page(scene))

    assert content.text == "See you at 10"
    for secret in (content.address, phone, content.text, content.subject):
        assert secret
        assert secret not in shown


@pytest.mark.rule("v2.notifications.list.r30")
def test_an_offset_belongs_to_what_has_a_time_of_its_own() -> None:
    application = make.make_application(activates_automatically=False)
    make.make_channel(
        application,
        Channel.EMAIL,
        reminder_offsets=["PT2H"],
        room_offsets=["PT10M"],
        follow_up_offsets=["P1D"],
    )
    scene = make_scene(application=application)
    service, _ = make.make_api_client(application.organization)
    scene.by(service).post(f"{APPOINTMENTS}activate/{scene.appointment.id}")
    acts.both_come_and_leave_after_the_end(scene)

    items = listed(scene)

    assert {one["type"]: one.get("offset") for one in items} == {
        "CREATE": None,
        "REMINDER": "PT2H",
        "ROOM": "PT10M",
        "FOLLOW_UP": "P1D",
    }
    assert all(("offset" in one) == ("scheduledFor" in one) for one in items)


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_costs_the_same_number_of_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    scene = booked_with_reminder(*ALL)
    path = f"{scene.path}/notifications"
    client = scene.by(scene.supervisor)
    client.get(path)

    with django_assert_num_queries(5):
        assert len(client.get(path, pageSize=count).json()["content"]) == count
