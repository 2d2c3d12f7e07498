"""The words of an appointment, as the contract has them."""

from django.db.models import TextChoices


class State(TextChoices):
    """The lifecycle of the contract; no response shows it."""

    SCHEDULED = "SCHEDULED", "Scheduled"
    ACTIVATED = "ACTIVATED", "Activated"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    NO_SHOW = "NO_SHOW", "No-show"
    CANCELLED = "CANCELLED", "Cancelled"


# These take up time: they are what count and overlap count see.
OCCUPYING = frozenset({State.SCHEDULED, State.ACTIVATED, State.IN_PROGRESS})
# These can be taken up: by a join, an acceptance, a failure or the clock.
RESUMABLE = frozenset({State.SCHEDULED, State.ACTIVATED, State.FAILED, State.NO_SHOW})


class RequestStatus(TextChoices):
    """What an appointment without a fixed time is: asked for, or offered."""

    INCOMING_REQUEST = "INCOMING_REQUEST", "Asked for by the customer"
    OUTGOING_INVITE = "OUTGOING_INVITE", "Offered to the customer"
    ALTERNATIVE_DATE_REQUESTED = "ALTERNATIVE_DATE_REQUESTED", "Another date is wanted"


class BookingStatus(TextChoices):
    """How an appointment stands between customer and company, as the booking webhook tells it."""

    ACCEPTED = "ACCEPTED", "Accepted"
    COMPLETED = "COMPLETED", "Completed"
    NO_SHOW = "NO_SHOW", "No-show"
    CANCELLED = "CANCELLED", "Cancelled"
    INCOMING_REQUEST = "INCOMING_REQUEST", "Asked for by the customer"
    OUTGOING_INVITE = "OUTGOING_INVITE", "Offered to the customer"
    ALTERNATIVE_DATE_REQUESTED = "ALTERNATIVE_DATE_REQUESTED", "Another date is wanted"


class MeetingType(TextChoices):
    """How people meet."""

    OFFICE = "OFFICE", "At the office"
    ON_LOCATION = "ON_LOCATION", "On location"
    PHONE = "PHONE", "By phone"
    VIDEO = "VIDEO", "By video"


class OrganizerType(TextChoices):
    AGENT = "AGENT", "Agent"
    CUSTOMER = "CUSTOMER", "Customer"


class TargetType(TextChoices):
    AGENT = "AGENT", "Agent"
    QUEUE = "QUEUE", "Queue"
    ANY = "ANY", "Any free agent"


class RoutingType(TextChoices):
    GENESYS_CLOUD_FLOW = "GENESYS_CLOUD_FLOW", "Flow"
    GENESYS_CLOUD_QUEUE = "GENESYS_CLOUD_QUEUE", "Queue"
    TALKDESK_DIGITAL_CONNECT = "TALKDESK_DIGITAL_CONNECT", "Digital connect"


class InteractionState(TextChoices):
    PENDING = "PENDING", "Pending"
    COMPLETE = "COMPLETE", "Complete"


class ParticipantType(TextChoices):
    AGENT = "AGENT", "Agent"
    CUSTOMER = "CUSTOMER", "Customer"


class ParticipantRole(TextChoices):
    PRIMARY = "PRIMARY", "Primary"
    SECONDARY = "SECONDARY", "Secondary"


class ParticipantState(TextChoices):
    WAITING = "WAITING", "Waiting"
    JOINED = "JOINED", "Joined"
    LEFT = "LEFT", "Left"


class AnswerType(TextChoices):
    """On what occasion a question was answered."""

    SUBJECT_QUESTIONNAIRE = "SUBJECT_QUESTIONNAIRE", "Booking"
    APPOINTMENT_CANCELLATION = "APPOINTMENT_CANCELLATION", "Cancellation"
    APPOINTMENT_COMPLETION = "APPOINTMENT_COMPLETION", "Completion"
    QUALIFICATION = "QUALIFICATION", "Qualification"
