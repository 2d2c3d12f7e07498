"""From one agent to another: what reassigning an appointment and rescuing a whole day share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from agents.models import User
from appointments.models import (
    Appointment,
    OrganizerType,
    Participant,
    ParticipantRole,
    TargetType,
)
from appointments.services.case import Case
from appointments.services.occupancy import agent_row, occupy, refusing_overlaps, take_time


@dataclass(frozen=True, kw_only=True)
class InCharge:
    """Who arranges an appointment, and whom it is meant for."""

    organizer_type: str
    organizer_id: str
    target_type: str
    target_id: str

    @classmethod
    def agent(cls, user: User) -> Self:
        """Give what it is when one agent is both."""
        return cls(
            organizer_type=OrganizerType.AGENT,
            organizer_id=str(user.pk),
            target_type=TargetType.AGENT,
            target_id=str(user.pk),
        )

    @classmethod
    def of(cls, appointment: Appointment) -> Self:
        """Give what it is now."""
        return cls(
            organizer_type=appointment.organizer_type,
            organizer_id=appointment.organizer_id,
            target_type=appointment.target_type,
            target_id=appointment.target_id,
        )


def hand_over(
    case: Case,
    user: User,
    *,
    leaving: Sequence[Participant],
    in_charge: InCharge | None = None,
    facts: Mapping[str, object] | None = None,
    may_overlap: bool = False,
) -> None:
    """Give an appointment to an agent in place of those who leave it, and tell of it.

    Unless somebody else is to be in charge, the agent becomes organizer and target. What may
    overlap leaves the agent's time to others too. Raises AgentOccupied.
    """
    if not may_overlap:
        take_time(case, [user.pk])
    appointment, charge = case.appointment, in_charge or InCharge.agent(user)
    appointment.organizer_type, appointment.organizer_id = (
        charge.organizer_type,
        charge.organizer_id,
    )
    appointment.target_type, appointment.target_id = charge.target_type, charge.target_id
    # Who takes part already stays, and with it whether it has joined.
    kept = next((agent for agent in case.agents if agent.user_id == user.pk), None)
    others = [agent for agent in case.agents if agent is not kept and agent not in leaving]
    new = kept or agent_row(case, user, role=ParticipantRole.PRIMARY)
    new.role = ParticipantRole.PRIMARY
    case.participants = [*case.customers, *others, new]
    occupy(case)
    if may_overlap:
        new.is_exclusive = False
    Participant.objects.filter(id__in=[agent.id for agent in leaving]).delete()
    if others:
        Participant.objects.bulk_update(others, ["role", "occupies", "is_exclusive"])
    with refusing_overlaps(case):
        case.record(
            "appointment.reassigned",
            former=[agent.wire_id for agent in leaving],
            passing={"former": list(leaving)},
            **(facts or {}),
        )
        case.save()
        new.save(force_insert=kept is None)
