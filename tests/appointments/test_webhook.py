"""What a webhook of an appointment carries."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from config.kernel.secrets import unseal
from notifications.models import Channel, Notification, NotificationType
from tests import make
from tests.appointments.scene import APPOINTMENTS, Scene, make_scene

pytestmark = pytest.mark.django_db


def payload_of(one: Notification) -> Any:
    assert one.content.body is not None
    return orjson.loads(unseal(one.content.body, purpose="webhook-payload"))


def webhooks(scene: Scene, type: NotificationType) -> list[Notification]:
    return list(
        Notification.objects.filter(subject_id=scene.appointment.id, channel=Channel.WEBHOOKS)
        .filter(type=type)
        .select_related("content")
    )


def test_a_webhook_carries_the_appointment_as_a_supervisor_reads_it() -> None:
    scene = make_scene(Channel.WEBHOOKS)
    shown = scene.read()
    del shown["secureToken"]

    [created] = webhooks(scene, NotificationType.CREATE)

    assert payload_of(created) == shown


def test_it_says_the_same_whoever_changed_the_appointment() -> None:
    scene = make_scene(Channel.WEBHOOKS)
    scene.by(scene.agent).post(
        f"{APPOINTMENTS}participants/customers/",
        {"id": str(scene.appointment.id), "customer": {"name": {"firstName": "Grace"}}},
    )
    Notification.objects.filter(type=NotificationType.PARTICIPANT_UPDATED).delete()

    scene.by(scene.customer).put(scene.path_of(scene.customer), {"state": "WAITING"})

    # A customer sees no ticket but its own; whoever is subscribed sees all.
    [updated] = webhooks(scene, NotificationType.PARTICIPANT_UPDATED)
    assert payload_of(updated)["participants"] == scene.read()["participants"]


def test_what_happened_first_is_carried_as_it_was_then() -> None:
    scene = make_scene(Channel.WEBHOOKS)
    before = scene.read()

    scene.by(scene.supervisor).put(
        f"{APPOINTMENTS}reschedule/",
        {
            "id": before["id"],
            "start": "2027-03-28T00:30:00Z",
            "duration": "PT1H",
            "timezone": "Europe/Berlin",
        },
    )

    [created] = webhooks(scene, NotificationType.CREATE)
    [moved] = webhooks(scene, NotificationType.RESCHEDULE)
    assert payload_of(created)["start"] == before["start"]
    assert payload_of(moved)["start"] == "2027-03-28T00:30:00Z"
    assert created.subject_sequence < moved.subject_sequence


def test_a_reminder_to_come_carries_the_appointment_as_it_is_now() -> None:
    application = make.make_application()
    make.make_channel(application, Channel.WEBHOOKS, reminder_offsets=["PT1H"])
    make.make_subscription(application)
    scene = make_scene(application=application)

    scene.by(scene.supervisor).put(
        APPOINTMENTS, {"id": str(scene.appointment.id), "title": "Another title"}
    )

    [reminder] = webhooks(scene, NotificationType.REMINDER)
    assert payload_of(reminder)["title"] == "Another title"


def test_a_reminder_to_come_carries_the_states_of_those_who_take_part() -> None:
    application = make.make_application()
    make.make_channel(application, Channel.WEBHOOKS, reminder_offsets=["PT1H"])
    make.make_subscription(application)
    scene = make_scene(application=application)

    scene.by(scene.customer).put(scene.path_of(scene.customer), {"state": "WAITING"})

    [reminder] = webhooks(scene, NotificationType.REMINDER)
    assert payload_of(reminder)["participants"] == scene.read()["participants"]


def test_without_a_subscription_nothing_is_kept_for_one() -> None:
    scene = make_scene(Channel.EMAIL)

    for one in Notification.objects.filter(subject_id=scene.appointment.id):
        assert one.content.body is None
