"""The headers of an appointment's own: every webhook that tells of it carries them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from agents.models import Application
from config.kernel.ids import uuid7
from config.kernel.secrets import seal, unseal
from notifications.models import Channel, Notification, SigningSecret, Subscription
from notifications.transports.webhooks.delivery import Delivery, request_of, target_of
from notifications.transports.webhooks.signing import new_secret
from tests import make
from tests.appointments import ways
from tests.appointments.scene import APPOINTMENTS, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    """An application whose subscriber is also told of what is still to come."""
    application = make.make_application()
    make.make_channel(application, Channel.WEBHOOKS, reminder_offsets=["PT1H"])
    subscription = make.make_subscription(application, headers={"X-Ours": "subscription"})
    SigningSecret.objects.create(
        id=uuid7(),
        organization=application.organization,
        subscription=subscription,
        sealed=seal(new_secret(), purpose="signing-secret"),
    )
    return application


def headers_of(one: Notification, *, now: datetime) -> Mapping[str, str]:
    """Give the headers of the request that is made of a row of the ledger."""
    subscription = Subscription.objects.get(pk=one.recipient_id)
    assert one.content.body is not None
    delivery = Delivery(
        id=one.id,
        type=one.type,
        occurred_at=one.created_at,
        payload=unseal(one.content.body, purpose="webhook-payload").encode(),
    )
    target = target_of(subscription, SigningSecret.objects.all(), now=now)
    return request_of(target, delivery, deadline=5, now=now).headers


def carried(name: str, *, now: datetime) -> dict[str, str | None]:
    """Give what each webhook carries under a name, by its type."""
    rows = Notification.objects.filter(channel=Channel.WEBHOOKS).select_related("content")
    return {one.type: headers_of(one, now=now).get(name) for one in rows}


@pytest.mark.rule("v2.appointments.schedule.r26", "v2.appointments.schedule_as_customer.r31")
@ways.both_ways
def test_every_webhook_carries_the_headers_that_were_booked_with(
    by: ways.By, application: Application, now: datetime
) -> None:
    by(application).book(notificationHeaders={"X-Trace": "abc", "x-ours": "theirs"})

    assert carried("x-trace", now=now) == {"CREATE": "abc", "REMINDER": "abc"}
    # A name that the subscription has given a value keeps it.
    assert carried("x-ours", now=now) == {"CREATE": "subscription", "REMINDER": "subscription"}


@pytest.mark.rule("v2.appointments.update.r9")
def test_the_next_webhook_carries_the_new_headers_only(
    application: Application, now: datetime
) -> None:
    scene = make_scene(application=application, notification_headers={"X-Old": "1"})

    scene.by(scene.supervisor).put(
        APPOINTMENTS,
        {"id": str(scene.appointment.id), "title": "New", "notificationHeaders": {"X-New": "2"}},
    )

    assert carried("x-new", now=now) == {"CREATE": None, "REMINDER": "2", "UPDATE": "2"}
    assert carried("x-old", now=now) == {"CREATE": "1", "REMINDER": None, "UPDATE": None}
