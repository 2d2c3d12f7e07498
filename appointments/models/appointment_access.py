"""Who may read an appointment, and who may change it (contract, lifecycle.permissions)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appointments.errors import (
    AppointmentAlreadyJoined,
    AppointmentIsCancelled,
    NotYourAppointment,
    NotYourConference,
)
from appointments.models.kinds import OrganizerType, ParticipantType, State, TargetType
from config.kernel.actors import Actor, ActorKind, Role

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from agents.models import Application
    from appointments.models.participant import Participant


class Guarded:
    """An appointment as those rules need it."""

    id: UUID
    activated_at: datetime | None
    application: Application
    organizer_type: str
    organizer_id: str
    target_type: str
    target_id: str
    state: str

    @property
    def is_active(self) -> bool:
        """Whether conference and tickets exist."""
        return self.activated_at is not None

    @property
    def conference_id(self) -> str | None:
        """The conference is named like the appointment, and exists from activation on."""
        return str(self.id) if self.is_active else None

    def agents(self, participants: list[Participant]) -> list[Participant]:
        return [one for one in participants if one.type == ParticipantType.AGENT]

    def _concerns(self, actor: Actor, participants: list[Participant]) -> bool:
        """Whether the actor is organizer, participant or target, or nobody is in charge."""
        agents = self.agents(participants)
        return (
            not agents
            or (self.organizer_type == OrganizerType.AGENT and self.organizer_id == actor.id)
            or (self.target_type == TargetType.AGENT and self.target_id == actor.id)
            or any(str(agent.user_id) == actor.id for agent in agents)
        )

    def check_may_read(self, actor: Actor, participants: list[Participant]) -> None:
        """Let through whoever may read it by id (contract, lifecycle.permissions).

        Raises NotYourAppointment, NotYourConference.
        """
        if actor.kind == ActorKind.CUSTOMER:
            if self.conference_id is None or actor.conference_id != self.conference_id:
                raise NotYourConference
            return
        if actor.kind == ActorKind.SYSTEM or actor.has(Role.SUPERVISOR, Role.CLIENT_SERVICE):
            return
        if self.application.agents_see_only_their_own and not self._concerns(actor, participants):
            raise NotYourAppointment

    def check_may_change(self, actor: Actor, participants: list[Participant]) -> None:
        """Let through whoever may change what has not been called off.

        Raises NotYourAppointment, AppointmentAlreadyJoined, AppointmentIsCancelled.
        """
        self.check_may_delete(actor, participants)
        if self.state == State.CANCELLED:
            raise AppointmentIsCancelled

    def check_may_delete(self, actor: Actor, participants: list[Participant]) -> None:
        """Let through whoever may change it (contract, lifecycle.permissions), in any state.

        Customers have commands of their own. Raises NotYourAppointment, AppointmentAlreadyJoined.
        """
        if actor.kind == ActorKind.CUSTOMER:
            raise NotYourAppointment
        if actor.kind == ActorKind.SYSTEM or actor.has(Role.SUPERVISOR, Role.CLIENT_SERVICE):
            return
        if not self._concerns(actor, participants):
            raise NotYourAppointment
        joined = {
            str(agent.user_id) for agent in self.agents(participants) if agent.first_joined_at
        }
        if joined and actor.id not in joined:
            raise AppointmentAlreadyJoined
