"""Who is told: the outbox, the ledger of notifications and their history, and what they say."""

from notifications.models.kinds import Channel, NotificationType, RecipientType, Status
from notifications.models.ledger import (
    Heartbeat,
    Notification,
    NotificationContent,
    NotificationEvent,
)
from notifications.models.outbox import OutboxEvent
from notifications.models.settings import ChannelSettings, MessageTemplate, Subscription

__all__ = [
    "Channel",
    "ChannelSettings",
    "Heartbeat",
    "MessageTemplate",
    "Notification",
    "NotificationContent",
    "NotificationEvent",
    "NotificationType",
    "OutboxEvent",
    "RecipientType",
    "Status",
    "Subscription",
]
