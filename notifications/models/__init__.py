"""Who is told: the outbox, the ledger of notifications and their history, and what they say."""

from notifications.models.kinds import (
    BookingEvent,
    Channel,
    NotificationType,
    RecipientType,
    Status,
    WebhookAuth,
    WebhookFormat,
    Wording,
)
from notifications.models.ledger import (
    Heartbeat,
    HistoryPurge,
    Notification,
    NotificationContent,
    NotificationEvent,
    ProofRun,
    Undeliverable,
)
from notifications.models.outbox import OutboxEvent
from notifications.models.settings import (
    ChannelSettings,
    MessageTemplate,
    SigningSecret,
    Subscription,
)

__all__ = [
    "BookingEvent",
    "Channel",
    "ChannelSettings",
    "Heartbeat",
    "HistoryPurge",
    "MessageTemplate",
    "Notification",
    "NotificationContent",
    "NotificationEvent",
    "NotificationType",
    "OutboxEvent",
    "ProofRun",
    "RecipientType",
    "SigningSecret",
    "Status",
    "Subscription",
    "Undeliverable",
    "WebhookAuth",
    "WebhookFormat",
    "Wording",
]
