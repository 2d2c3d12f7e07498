"""What waits for somebody: requests and invites whose time is still to be agreed on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, Q

from appointments.command_words import Wording, buttons_for
from appointments.commands_offered import Command, commands_offered
from appointments.day import Slot, slot_of
from appointments.models import (
    Appointment,
    Involvement,
    Participant,
    ParticipantType,
    RequestStatus,
)
from config.kernel.actors import Actor, ActorKind, Role

if TYPE_CHECKING:
    from appointments.models.appointment_rows import AppointmentQuerySet

ROWS_ON_A_PAGE = 25
# Nobody turns further; deeper pages cost more than they are worth.
_PAGES = 400
_SEE_ALL = (Role.SUPERVISOR, Role.ADMIN, Role.CLIENT_SERVICE)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A request or an invite, with what the reader can do with it."""

    slot: Slot
    commands: frozenset[Command]

    @property
    def is_asked_for(self) -> bool:
        """Tell whether a time was asked for that nobody has answered yet."""
        return self.slot.appointment.request_status == RequestStatus.INCOMING_REQUEST

    @property
    def buttons(self) -> list[tuple[Command, Wording]]:
        return buttons_for(self.commands)


@dataclass(frozen=True, kw_only=True)
class WaitingPage:
    """A page of what waits, and how much waits in all."""

    rows: list[Waiting]
    total: int
    number: int

    @property
    def page_count(self) -> int:
        return max(1, -(-self.total // ROWS_ON_A_PAGE))

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.page_count else None


def waiting_for(actor: Actor) -> AppointmentQuerySet:
    """Give the requests and invites that the actor may see.

    That is the rule of `Appointment.check_may_read` for many rows: agents see their own and what
    is nobody's, and the others' where the application does not keep them apart.
    """
    rows = Appointment.objects.visible_to(actor).requests()
    if actor.kind == ActorKind.SYSTEM or actor.has(*_SEE_ALL):
        return rows
    this = OuterRef("pk")
    own = Involvement.objects.visible_to(actor).filter(appointment=this, agent_id=actor.id)
    somebodys = Participant.objects.visible_to(actor).filter(
        appointment=this, type=ParticipantType.AGENT
    )
    return rows.filter(
        Q(application__agents_see_only_their_own=False) | Exists(own) | ~Exists(somebodys)
    )


def read_waiting(
    actor: Actor, *, status: RequestStatus | None, number: int, zone: ZoneInfo, now: datetime
) -> WaitingPage:
    """Give a page of what waits, the longest-waiting first."""
    rows = waiting_for(actor)
    if status is not None:
        rows = rows.filter(request_status=status)
    total = rows.count()
    last = max(1, min(_PAGES, -(-total // ROWS_ON_A_PAGE)))
    number = max(1, min(number, last))
    people = Participant.objects.visible_to(actor).select_related("user").order_by("id")
    found = rows.select_related("application", "subject", "office").prefetch_related(
        Prefetch("participants", queryset=people)
    )
    first = (number - 1) * ROWS_ON_A_PAGE
    return WaitingPage(
        rows=[
            _waiting(one, actor=actor, zone=zone, now=now)
            for one in found[first : first + ROWS_ON_A_PAGE]
        ],
        total=total,
        number=number,
    )


def _waiting(one: Appointment, *, actor: Actor, zone: ZoneInfo, now: datetime) -> Waiting:
    everyone = list(one.participants.all())
    return Waiting(
        slot=slot_of(one, everyone, zone=zone),
        commands=commands_offered(one, everyone, actor=actor, now=now),
    )
