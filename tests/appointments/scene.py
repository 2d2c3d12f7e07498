"""An appointment with everybody around it, and who was told what of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.models import ApiClient as Service
from agents.models import Application, User
from appointments import services
from appointments.models import (
    Appointment,
    InteractionState,
    Participant,
    ParticipantState,
    State,
)
from config.kernel.actors import Actor, Role
from notifications.models import Channel, Notification, RecipientType, Subscription
from tests import make
from tests.contract.client import ApiClient

APPOINTMENTS = "/api/v2/appointments/"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# type, channel, recipient's type and id, when it is due, status
Told = tuple[str, str, str, UUID, datetime | str, str]
AT_ONCE = "at once"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An appointment of an agent with one customer; a colleague and a supervisor stand by."""

    application: Application
    agent: User
    colleague: User
    supervisor: User
    appointment: Appointment

    @property
    def path(self) -> str:
        return f"{APPOINTMENTS}{self.appointment.id}"

    @property
    def customer(self) -> Participant:
        return make.customers_of(self.appointment)[0]

    @property
    def agent_row(self) -> Participant:
        """The agent's own participation."""
        return Participant.objects.get(appointment=self.appointment, user=self.agent)

    @property
    def hook(self) -> Subscription:
        return Subscription.objects.get(application=self.application)

    @property
    def actor(self) -> Actor:
        return make.actor_for(self.supervisor)

    def by(self, who: User | Participant | Service) -> ApiClient:
        """Give a client with the token of a user, a service or a customer."""
        if isinstance(who, Participant):
            return ApiClient(make.customer_token(who))
        return ApiClient(make.token_for(who))

    def path_of(self, participant: Participant | str) -> str:
        """Give the path of a participant, by the id that callers know."""
        return f"{self.path}/participants/{getattr(participant, 'wire_id', participant)}"

    def accept(self, user: User | None = None) -> Any:
        """Accept as an agent, for itself."""
        user = user or self.agent
        return self.by(user).put(f"{self.path}/accept", str(user.id))

    def complete(self) -> None:
        """Complete the appointment, without its history."""
        Appointment.objects.filter(pk=self.appointment.pk).update(
            state=State.COMPLETED, interaction_state=InteractionState.COMPLETE
        )

    def read(self) -> Any:
        """Read the appointment as its supervisor."""
        return self.by(self.supervisor).get(self.path).json()

    def state(self) -> str:
        return Appointment.objects.get(pk=self.appointment.pk).state

    def row(self) -> Appointment:
        return Appointment.objects.get(pk=self.appointment.pk)

    def set_state(self, one: Participant, state: ParticipantState, *, now: datetime) -> None:
        """Let a participant wait, join or leave at a moment."""
        services.set_participant_state(
            self.appointment.id,
            participant_id=one.wire_id,
            state=state,
            actor=self.actor,
            now=now,
        )

    def join(self, *them: Participant, now: datetime) -> None:
        for one in them:
            self.set_state(one, ParticipantState.JOINED, now=now)

    def leave(self, *them: Participant, now: datetime) -> None:
        for one in them:
            self.set_state(one, ParticipantState.LEFT, now=now)


def make_scene(*channels: Channel, application: Application | None = None, **facts: Any) -> Scene:
    """Make a scene whose application tells over these channels, webhooks to one subscription."""
    application = application or make.make_application()
    for channel in channels:
        make.make_channel(application, channel)
    if Channel.WEBHOOKS in channels:
        make.make_subscription(application)
    agent = facts.pop("agent", None) or make.make_user(
        application.organization, first_name="Grace", last_name="Hopper"
    )
    return Scene(
        application=application,
        agent=agent,
        colleague=make.make_user(application.organization, first_name="Alan", last_name="Turing"),
        supervisor=make.make_user(application.organization, [Role.SUPERVISOR]),
        appointment=make.make_appointment(application, agent=agent, **facts),
    )


def at_once(type: str, channel: str, recipient: Participant | Subscription) -> Told:
    """Give what telling somebody at once looks like."""
    kind = RecipientType.SYSTEM
    if isinstance(recipient, Participant):
        kind = RecipientType(recipient.type)
    return (type, channel, kind.value, recipient.pk, AT_ONCE, "INITIALIZED")


@contextmanager
def listening() -> Iterator[list[Told]]:
    """Give, once it is left, who is told anew: sorted, and complete."""
    before = set(Notification.objects.values_list("id", flat=True))
    told: list[Told] = []
    yield told
    told += sorted(
        (
            one.type,
            one.channel,
            one.recipient_type,
            one.recipient_id,
            # Or earlier: a webhook does not wait until a clock that is ahead was right.
            AT_ONCE if one.due_at and one.due_at <= one.created_at else one.due_at or "never",
            one.status,
        )
        for one in Notification.objects.exclude(id__in=before)
    )
