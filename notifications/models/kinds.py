"""The words of the ledger, as the contract has them."""

from django.db.models import TextChoices


class Channel(TextChoices):
    EMAIL = "EMAIL", "E-mail"
    SMS = "SMS", "SMS"
    WEBHOOKS = "WEBHOOKS", "Webhook"


class NotificationType(TextChoices):
    CREATE = "CREATE", "Booked"
    UPDATE = "UPDATE", "Changed"
    RESCHEDULE = "RESCHEDULE", "Moved"
    REASSIGN = "REASSIGN", "Handed over"
    ROOM = "ROOM", "Invitation to the room"
    REMINDER = "REMINDER", "Reminder"
    CANCELLED = "CANCELLED", "Cancelled"
    FOLLOW_UP = "FOLLOW_UP", "Follow-up"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    NO_SHOW = "NO_SHOW", "No-show"
    PARTICIPANT_ADDED = "PARTICIPANT_ADDED", "Participant added"
    PARTICIPANT_REMOVED = "PARTICIPANT_REMOVED", "Participant removed"
    PARTICIPANT_UPDATED = "PARTICIPANT_UPDATED", "Participant changed"
    INTERACTION_UPDATED = "INTERACTION_UPDATED", "Interaction changed"


# Due at a time of their own, not at once; only these have an offset and scheduledFor.
SCHEDULED_TYPES = frozenset(
    {NotificationType.ROOM, NotificationType.REMINDER, NotificationType.FOLLOW_UP}
)


class RecipientType(TextChoices):
    CUSTOMER = "CUSTOMER", "Customer"
    AGENT = "AGENT", "Agent"
    SYSTEM = "SYSTEM", "System"


class Status(TextChoices):
    INITIALIZED = "INITIALIZED", "Planned"
    PENDING = "PENDING", "On its way"
    DELIVERED = "DELIVERED", "Delivered"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


FINAL = frozenset({Status.DELIVERED, Status.FAILED, Status.CANCELLED})


class WebhookFormat(TextChoices):
    """What the body of a webhook looks like."""

    APPOINTMENT_EVENT = "appointment-event", "Appointment event"


class WebhookAuth(TextChoices):
    """How a webhook proves itself besides its signature."""

    NONE = "NONE", "None"
    BASIC = "BASIC", "Basic"
    OAUTH2 = "OAUTH2", "OAuth 2 client credentials"
