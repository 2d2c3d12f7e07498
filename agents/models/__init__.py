"""Who works here and whom they serve."""

from agents.models.absences import Absence, AbsenceReason
from agents.models.calls import Call, CallType, Leg, LegState
from agents.models.desk import (
    AgentLogin,
    AgentState,
    Contact,
    DeskSession,
    Device,
    MediaChannel,
    Medium,
    MonitoringKind,
    MonitoringMode,
    MonitoringScope,
    Place,
    PlaceDevice,
    Queue,
    QueueMember,
    Seat,
    StateInterval,
    TelephonyNetwork,
    WorkMode,
    WorkState,
)
from agents.models.desk_access import DeskCookie
from agents.models.guards import IdempotentRequest, OneTimeCode, SecurityCounter
from agents.models.hours import Holiday, Skill, UserSkill, Weekday, WorkingDay, WorkingHours
from agents.models.people import ApiClient, Customer, ExternalIdentity, Team, TeamMember, User
from agents.models.push import PushMessage, PushStream
from agents.models.recordings import Recording, RecordingMedia
from agents.models.tenancy import Application, ApplicationKind, Organization

__all__ = [
    "Absence",
    "AbsenceReason",
    "AgentLogin",
    "AgentState",
    "ApiClient",
    "Application",
    "ApplicationKind",
    "Call",
    "CallType",
    "Contact",
    "Customer",
    "DeskCookie",
    "DeskSession",
    "Device",
    "ExternalIdentity",
    "Holiday",
    "IdempotentRequest",
    "Leg",
    "LegState",
    "MediaChannel",
    "Medium",
    "MonitoringKind",
    "MonitoringMode",
    "MonitoringScope",
    "OneTimeCode",
    "Organization",
    "Place",
    "PlaceDevice",
    "PushMessage",
    "PushStream",
    "Queue",
    "QueueMember",
    "Recording",
    "RecordingMedia",
    "Seat",
    "SecurityCounter",
    "Skill",
    "StateInterval",
    "Team",
    "TeamMember",
    "TelephonyNetwork",
    "User",
    "UserSkill",
    "Weekday",
    "WorkMode",
    "WorkState",
    "WorkingDay",
    "WorkingHours",
]
