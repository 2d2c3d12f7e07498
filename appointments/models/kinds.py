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

    REQUESTED = "REQUESTED", "Asked for"
    INVITED = "INVITED", "Invited"


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
