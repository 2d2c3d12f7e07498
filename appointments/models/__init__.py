"""What is arranged: appointments, who takes part, and what is left when one is deleted."""

from appointments.models.appointment import (
    Appointment,
    InteractionState,
    OrganizerType,
    RoutingType,
    State,
    TargetType,
    Tombstone,
)
from appointments.models.participant import (
    Involvement,
    Participant,
    ParticipantRole,
    ParticipantState,
    ParticipantType,
)
from appointments.models.totals import DayTotal

__all__ = [
    "Appointment",
    "DayTotal",
    "InteractionState",
    "Involvement",
    "OrganizerType",
    "Participant",
    "ParticipantRole",
    "ParticipantState",
    "ParticipantType",
    "RoutingType",
    "State",
    "TargetType",
    "Tombstone",
]
