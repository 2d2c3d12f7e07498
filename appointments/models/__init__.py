"""What is arranged: appointments, who takes part, and what is left when one is deleted."""

from appointments.models.appointment import (
    Appointment,
    InteractionState,
    MeetingType,
    OrganizerType,
    RoutingType,
    State,
    TargetType,
)
from appointments.models.catalogue import (
    Answer,
    AnswerOption,
    Form,
    LeadSegment,
    Listing,
    Office,
    Question,
    QuestionKind,
    Subject,
    SubjectGroup,
)
from appointments.models.feeds import CalendarFeed
from appointments.models.kinds import AnswerType, BookingStatus, RequestStatus
from appointments.models.office_hours import OfficeDay, OfficeHours
from appointments.models.participant import (
    Involvement,
    Participant,
    ParticipantRole,
    ParticipantState,
    ParticipantType,
)
from appointments.models.rescue import Rescue, RescueMove
from appointments.models.tombstone import Tombstone
from appointments.models.totals import DayTotal

__all__ = [
    "Answer",
    "AnswerOption",
    "AnswerType",
    "Appointment",
    "BookingStatus",
    "CalendarFeed",
    "DayTotal",
    "Form",
    "InteractionState",
    "Involvement",
    "LeadSegment",
    "Listing",
    "MeetingType",
    "Office",
    "OfficeDay",
    "OfficeHours",
    "OrganizerType",
    "Participant",
    "ParticipantRole",
    "ParticipantState",
    "ParticipantType",
    "Question",
    "QuestionKind",
    "RequestStatus",
    "Rescue",
    "RescueMove",
    "RoutingType",
    "State",
    "Subject",
    "SubjectGroup",
    "TargetType",
    "Tombstone",
]
