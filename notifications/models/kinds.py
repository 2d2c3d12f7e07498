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


class Wording(TextChoices):
    """What a message says instead, while the time of an appointment is to be agreed on."""

    REQUESTED = "REQUESTED", "Request received"
    INVITED = "INVITED", "Invitation to choose a time"
    ALTERNATIVE = "ALTERNATIVE", "Another date is wanted"


# What there can be a text for.
TEMPLATE_TYPES = [*NotificationType.choices, *Wording.choices]

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


class BookingEvent(TextChoices):
    """What the booking webhook tells (webhook.appointment.post.r39 to r49)."""

    CREATE = "CREATE", "Booked or offered"
    CREATE_REQUEST = "CREATE_REQUEST", "Asked for"
    ACCEPT = "ACCEPT", "Accepted"
    RESCHEDULE = "RESCHEDULE", "Moved"
    RESCHEDULE_REQUEST = "RESCHEDULE_REQUEST", "Another time asked for"
    REQUEST_ALTERNATIVE_DATE = "REQUEST_ALTERNATIVE_DATE", "Customer to choose another date"
    REASSIGN = "REASSIGN", "Handed over"
    CANCEL = "CANCEL", "Cancelled"
    COMPLETE = "COMPLETE", "Closed"
    REOPEN = "REOPEN", "Opened again"
    GENERIC_UPDATE = "GENERIC_UPDATE", "Changed"


# What a booking event is in the words of the ledger, which the documented history shows.
TYPE_OF_BOOKING = {
    BookingEvent.CREATE: NotificationType.CREATE,
    BookingEvent.CREATE_REQUEST: NotificationType.CREATE,
    BookingEvent.ACCEPT: NotificationType.UPDATE,
    BookingEvent.RESCHEDULE: NotificationType.RESCHEDULE,
    BookingEvent.RESCHEDULE_REQUEST: NotificationType.UPDATE,
    BookingEvent.REQUEST_ALTERNATIVE_DATE: NotificationType.UPDATE,
    BookingEvent.REASSIGN: NotificationType.REASSIGN,
    BookingEvent.CANCEL: NotificationType.CANCELLED,
    BookingEvent.COMPLETE: NotificationType.COMPLETED,
    BookingEvent.REOPEN: NotificationType.UPDATE,
    BookingEvent.GENERIC_UPDATE: NotificationType.UPDATE,
}


class WebhookFormat(TextChoices):
    """What the body of a webhook looks like."""

    APPOINTMENT_EVENT = "appointment-event", "Appointment event"
    # Each change of a booking, with the state before it (docs/webhooks.md).
    BOOKING = "appointment-webhook", "Booking webhook"


class WebhookAuth(TextChoices):
    """How a webhook proves itself besides its signature."""

    NONE = "NONE", "None"
    BASIC = "BASIC", "Basic"
    OAUTH2 = "OAUTH2", "OAuth 2 client credentials"


# What subscriptions of either format can ask for; some words mean something in both.
EVENT_TYPES = [
    *NotificationType.choices,
    *((event.value, event.label) for event in BookingEvent if event not in NotificationType.values),
]
