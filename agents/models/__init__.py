"""Who works here and whom they serve."""

from agents.models.absences import Absence, AbsenceReason
from agents.models.guards import IdempotentRequest, OneTimeCode, SecurityCounter
from agents.models.hours import Holiday, Skill, UserSkill, Weekday, WorkingDay, WorkingHours
from agents.models.people import ApiClient, Customer, ExternalIdentity, Team, TeamMember, User
from agents.models.tenancy import Application, ApplicationKind, Organization

__all__ = [
    "Absence",
    "AbsenceReason",
    "ApiClient",
    "Application",
    "ApplicationKind",
    "Customer",
    "ExternalIdentity",
    "Holiday",
    "IdempotentRequest",
    "OneTimeCode",
    "Organization",
    "SecurityCounter",
    "Skill",
    "Team",
    "TeamMember",
    "User",
    "UserSkill",
    "Weekday",
    "WorkingDay",
    "WorkingHours",
]
