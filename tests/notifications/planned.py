"""Something that is no appointment, and who is told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.models import Application
from config.kernel.ids import uuid7
from notifications.models import (
    Channel,
    ChannelSettings,
    Notification,
    NotificationContent,
    NotificationEvent,
    NotificationType,
    RecipientType,
    Subscription,
)
from notifications.services import (
    Planner,
    Recipient,
    Topic,
)
from tests.notifications.ledger import make_notification

NOW = datetime.fromisoformat("2027-03-20T10:00:00.25Z")
START = datetime.fromisoformat("2027-03-28T10:00Z")
HOUR = timedelta(hours=1)
LEDGER = (Notification, NotificationContent, NotificationEvent)


def switch_on(application: Application, channel: Channel = Channel.EMAIL, **offsets: Any) -> None:
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=channel,
        is_on=True,
        **offsets,
    )


def subscribe(application: Application, *types: NotificationType) -> Subscription:
    return Subscription.objects.create(
        organization=application.organization,
        application=application,
        url="https://hooks.example.org/frontdesk",
        types=list(types),
    )


def make_topic(application: Application, **facts: Any) -> Topic:
    """Make something that begins at START, and is no appointment."""
    defaults: dict[str, Any] = {
        "start": START,
        "end": START + HOUR,
        "snapshot": {"sequence": 3},
        "texts": {"title": "Review"},
    }
    return Topic(
        organization_id=application.organization_id,
        application_id=application.id,
        type="parcel",
        id=uuid7(),
        zone=ZoneInfo("Europe/Berlin"),
        **{**defaults, **facts},
    )


def make_recipient(**facts: Any) -> Recipient:
    defaults: dict[str, Any] = {
        "type": RecipientType.CUSTOMER,
        "addresses": {Channel.EMAIL: "ada@example.org", Channel.SMS: "+4930901820"},
        "first_name": "Ada",
        "last_name": "Lovelace",
        "link": "https://desk.example.org/q/ABCDEFGHJ",
    }
    return Recipient(id=uuid7(), **{**defaults, **facts})


def tell(topic: Topic, *recipients: Recipient, cause: str = "7", now: datetime = NOW) -> int:
    planner = Planner(topic, now=now)
    planner.tell(NotificationType.CREATE, recipients, cause=cause)
    return planner.write()


def make_planned(
    application: Application, *, subject_id: UUID | None = None, **facts: Any
) -> Notification:
    """Make one message that is due at NOW, of a subject of its own unless one is given."""
    one = make_notification(application, due_at=NOW, **facts)
    if subject_id:
        Notification.objects.filter(pk=one.pk).update(subject_id=subject_id)
        one.refresh_from_db()
    return one


def contents() -> list[NotificationContent]:
    return list(NotificationContent.objects.select_related("notification"))
