"""POST /api/v2/appointments/{id}/notifications/{notificationId}/retry."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    Status,
    Subscription,
)
from notifications.services import dispatch, queue
from notifications.transports import TryLater
from tests.appointments.scene import UNKNOWN, Scene, make_scene
from tests.appointments.told import only_due, send, the
from tests.contract.state import everything
from tests.notifications import scripted
from tests.notifications.ledger import ScriptedTransport

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def provider(settings: Settings) -> ScriptedTransport:
    settings.NOTIFICATIONS_TRANSPORTS = {"EMAIL": "tests.notifications.scripted"}
    settings.NOTIFICATIONS_RETRIES = {"EMAIL": [timedelta(minutes=1)] * 2, "WEBHOOKS": []}
    scripted.transport.forget()
    return scripted.transport


def retry(scene: Scene, notification: Notification | str, who: Any = None) -> Any:
    key = getattr(notification, "pk", notification)
    return scene.by(who or scene.supervisor).post(f"{scene.path}/notifications/{key}/retry")


def failed(scene: Scene, **facts: Any) -> Notification:
    one = only_due(scene)
    Notification.objects.filter(pk=one.pk).update(
        **{
            "status": Status.FAILED,
            "due_at": None,
            "retry_count": 2,
            "schedule_step": 2,
            "error_message": "451 busy",
            **facts,
        }
    )
    return one


@pytest.mark.rule("frontdesk.notifications.retry.r3")
def test_a_failure_is_sent_again_with_a_schedule_that_begins_anew(
    provider: ScriptedTransport,
) -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene)

    answer = retry(scene, one)

    assert answer.status_code == 200
    # The fourth attempt is to come: the schedule of the first three is used up.
    assert (answer.json()["status"], answer.json()["retryCount"]) == ("PENDING", 3)
    provider.answers = [TryLater(reason="451 busy")]
    dispatch.send_due(Channel.EMAIL)
    one.refresh_from_db()
    assert (one.status, one.retry_count, one.schedule_step) == (Status.PENDING, 4, 1)
    send()
    one.refresh_from_db()
    assert (one.status, one.retry_count, provider.ids) == (Status.DELIVERED, 4, [one.id] * 2)


@pytest.mark.rule("frontdesk.notifications.retry.r4")
def test_what_waits_for_a_retry_is_sent_at_once(provider: ScriptedTransport) -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene, status=Status.PENDING, due_at=timezone.now() + timedelta(hours=1))

    retry(scene, one)

    assert dispatch.send_due(Channel.EMAIL) == 1
    assert provider.ids == [one.id]


@pytest.mark.rule("frontdesk.notifications.retry.r5")
@pytest.mark.parametrize(
    "facts",
    [
        {"status": Status.DELIVERED},
        {"status": Status.CANCELLED},
        {"status": Status.INITIALIZED},
        {"status": Status.PENDING, "due_at": timezone.now(), "is_submitted": True},
        {"status": Status.PENDING, "due_at": timezone.now(), "lease_until": timezone.now()},
    ],
    ids=["delivered", "cancelled", "planned", "polled", "in hand"],
)
def test_what_cannot_be_retried_is_refused(facts: dict[str, Any]) -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene, **facts)
    before = everything()

    answer = retry(scene, one)

    assert (answer.status_code, answer.json()["code"]) == (409, "NOTIFICATION_NOT_RETRIABLE")
    assert everything() == before


@pytest.mark.rule("frontdesk.notifications.retry.r6")
def test_what_nobody_wants_any_more_is_refused() -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene, not_after=timezone.now())
    codes = [retry(scene, one).json()["code"]]
    Notification.objects.update(not_after=None)
    NotificationContent.objects.update(erased_at=timezone.now())
    before = everything()

    codes.append(retry(scene, one).json()["code"])

    assert codes == ["NOTIFICATION_TOO_LATE", "NOTIFICATION_ERASED"]
    assert everything() == before


@pytest.mark.rule("frontdesk.notifications.retry.r6")
def test_a_subscription_that_has_ended_gets_nothing() -> None:
    scene = make_scene(Channel.WEBHOOKS)
    one = the(scene, "CREATE", "WEBHOOKS")
    Notification.objects.update(status=Status.FAILED, due_at=None)
    Subscription.objects.update(is_active=False)

    answer = retry(scene, one)

    assert (answer.status_code, answer.json()["code"]) == (409, "SUBSCRIPTION_ENDED")


@pytest.mark.rule("frontdesk.notifications.retry.r7")
def test_what_is_not_there_for_the_caller_is_not_found() -> None:
    scene, other = make_scene(Channel.EMAIL), make_scene(Channel.EMAIL)
    elsewhere = the(other, "CREATE")
    one = the(scene, "CREATE")
    Notification.objects.update(status=Status.FAILED, due_at=None)
    before = everything()

    answers = [
        retry(scene, UNKNOWN),
        retry(scene, "not-an-id"),
        retry(scene, elsewhere),
        retry(scene, one, scene.colleague),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert everything() == before
    assert retry(scene, one, scene.agent).status_code == 200


@pytest.mark.rule("frontdesk.notifications.retry.r7")
def test_of_a_deleted_appointment_nothing_is_sent_again() -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene)
    scene.by(scene.supervisor).delete(scene.path)
    before = everything()

    answer = retry(scene, one)

    assert (answer.status_code, answer.json()["code"]) == (404, "APPOINTMENT_NOT_FOUND")
    assert everything() == before


@pytest.mark.rule("frontdesk.notifications.retry.r8")
def test_it_is_on_record_who_had_it_sent_again() -> None:
    scene = make_scene(Channel.EMAIL)
    one = failed(scene)

    retry(scene, one)

    step = NotificationEvent.objects.filter(notification_id=one.id).latest("at")
    assert (step.status, step.message) == (Status.PENDING, "Sent again by hand.")
    event = OutboxEvent.objects.get(type="notification.retried")
    assert (event.subject_id, event.actor_id) == (scene.appointment.id, str(scene.supervisor.id))
    assert event.facts == {
        "notificationId": str(one.id),
        "notificationType": "CREATE",
        "channel": "EMAIL",
    }


def test_an_attempt_of_before_cannot_be_written_down_any_more() -> None:
    scene = make_scene(Channel.EMAIL)
    one = only_due(scene)
    [claim] = queue.claim_due(Channel.EMAIL, limit=1).claims
    Notification.objects.update(status=Status.FAILED, due_at=None, lease_until=None)

    retry(scene, one)

    assert queue.settle([queue.Result(claim=claim, status=Status.FAILED)]) == set()
