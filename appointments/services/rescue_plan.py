"""Who could take the appointments of an absent agent: what a rescue would do, before it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Prefetch
from psycopg.types.range import TimestamptzRange

from agents.models import User
from appointments.availability import Verdict, Wanted, explain, free_agents, starting
from appointments.calendars import Planned
from appointments.errors import PeriodInvalid, RescuesNotYours, TooManyToRescue
from appointments.models import Appointment, Participant, ParticipantRole, State
from appointments.models.appointment_rows import AppointmentQuerySet
from appointments.services.people import find_user
from config.kernel import limits
from config.kernel.actors import Actor, Role
from config.kernel.time import parse_zone

# What has not begun; what has failed or was missed has.
NOT_BEGUN = frozenset({State.SCHEDULED, State.ACTIVATED})


@dataclass(frozen=True, kw_only=True)
class PlannedMove:
    """An appointment of the absent agent, and who would take it."""

    appointment: Appointment
    participants: tuple[Participant, ...]
    # Who could take it beside what the plan gives them, whose turn it is first.
    free: tuple[User, ...]
    to: User | None
    # Where nobody takes it: of each colleague why not.
    verdicts: tuple[Verdict, ...] = ()
    # To stay with the agent whatever happens.
    is_left: bool = False

    @property
    def free_ids(self) -> list[UUID]:
        """Give those who could take it by id."""
        return [user.pk for user in self.free]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a rescue would move, in order of time."""

    agent: User
    start: datetime
    end: datetime
    moves: tuple[PlannedMove, ...]

    @property
    def is_complete(self) -> bool:
        """Whether there is somebody for each of them."""
        return all(move.to or move.is_left for move in self.moves)


def check_may_rescue(actor: Actor) -> None:
    """Let through who looks after the house.

    Raises RescuesNotYours.
    """
    if not actor.has(Role.SUPERVISOR, Role.ADMIN):
        raise RescuesNotYours


def check_period(start: datetime, end: datetime) -> None:
    """Raises PeriodInvalid."""
    if not timedelta(0) < end - start <= limits.SLOT_WINDOW_MAX:
        raise PeriodInvalid(days=limits.SLOT_WINDOW_MAX.days)


def preview_rescue(
    agent_id: str,
    *,
    start: datetime,
    end: datetime,
    excluded: Collection[UUID] = (),
    wishes: Mapping[UUID, UUID] | None = None,
    left: Collection[UUID] = (),
    actor: Actor,
    now: datetime,
) -> Plan:
    """Give who would take what an agent has from a start to an end, and has not begun.

    Colleagues may be left out, appointments be left where they are, and a colleague be wished for
    one: it goes to that one or to nobody. Raises RescuesNotYours, PeriodInvalid, AgentNotFound,
    TooManyToRescue.
    """
    check_may_rescue(actor)
    check_period(start, end)
    agent = find_user(agent_id, actor)
    found = _with_everybody(waiting_for(agent, start=start, end=end, actor=actor, now=now))
    colleagues = User.objects.visible_to(actor).agents().exclude(pk__in=[agent.pk, *excluded])
    planning = _Planning(list(colleagues.values_list("pk", flat=True)), now)
    wanted = wishes or {}
    # What was wished for stands before what is given out.
    for one in sorted(found, key=lambda one: one.pk not in wanted):
        if one.pk in left:
            planning.leave(one)
        else:
            planning.give(one, only=wanted.get(one.pk))
    return Plan(
        agent=agent, start=start, end=end, moves=tuple(planning.moves[one.pk] for one in found)
    )


def waiting_for(
    agent: User, *, start: datetime, end: datetime, actor: Actor, now: datetime
) -> AppointmentQuerySet:
    """Give what an agent has in a period, and has not begun, in order of time."""
    taken = Participant.objects.visible_to(actor).filter(
        user=agent, role=ParticipantRole.PRIMARY, occupies__overlap=TimestamptzRange(start, end)
    )
    rows = Appointment.objects.visible_to(actor).filter(
        pk__in=taken.values("appointment"), state__in=NOT_BEGUN, start__gte=start, start__lt=end
    )
    return rows.filter(start__gt=now).order_by("start", "id")


def _with_everybody(rows: AppointmentQuerySet) -> list[Appointment]:
    """Read appointments with those who take part, as long as there are not too many.

    Raises TooManyToRescue.
    """
    everybody = Participant.objects.select_related("user").order_by("id")
    found = list(
        rows.select_related("application", "subject").prefetch_related(
            Prefetch("participants", queryset=everybody)
        )[: limits.RESCUE_MOVES_MAX + 1]
    )
    if len(found) > limits.RESCUE_MOVES_MAX:
        raise TooManyToRescue(most=limits.RESCUE_MOVES_MAX)
    return found


@dataclass
class _Planning:
    """Gives out appointments one after the other, each beside those before it."""

    colleagues: Sequence[UUID]
    now: datetime
    moves: dict[UUID, PlannedMove] = field(default_factory=dict)
    _planned: list[Planned] = field(default_factory=list)
    _given: Counter[UUID] = field(default_factory=Counter)

    def leave(self, one: Appointment) -> None:
        """Plan that nobody takes an appointment."""
        everybody = tuple(one.participants.all())
        self.moves[one.pk] = PlannedMove(
            appointment=one, participants=everybody, free=(), to=None, is_left=True
        )

    def give(self, one: Appointment, *, only: UUID | None = None) -> None:
        """Plan who takes an appointment: of those who could, who has least of this plan."""
        wanted = wanted_for(one, agent_ids=self.colleagues, planned=self._planned)
        free = free_agents(wanted, now=self.now)
        able = [user for user in free if only is None or user.pk == only]
        to = min(able, key=lambda user: self._given[user.pk], default=None)
        if to is not None:
            self._given[to.pk] += 1
            self._planned.append(planned_for(one, to.pk))
        self.moves[one.pk] = PlannedMove(
            appointment=one,
            participants=tuple(one.participants.all()),
            free=tuple(free),
            to=to,
            verdicts=() if to else tuple(explain(wanted, now=self.now)),
        )


def wanted_for(
    one: Appointment, *, agent_ids: Sequence[UUID], planned: Sequence[Planned]
) -> Wanted:
    """Ask who could take an appointment at its own time.

    Raises ValueError where it has none.
    """
    start, end = _time_of(one)
    wanted = Wanted(
        application=one.application,
        first=start,
        last=end,
        duration=end - start,
        zone=parse_zone(one.timezone),
        agent_ids=agent_ids,
        for_customer=False,
        ignoring=one.pk,
        leading_buffer=one.leading_buffer,
        trailing_buffer=one.trailing_buffer,
        # A copy: more is planned later.
        planned=tuple(planned),
    )
    return starting(wanted, start)


def planned_for(one: Appointment, user_id: UUID) -> Planned:
    """Give what an appointment takes up of somebody who is to have it.

    Raises ValueError where it has no time.
    """
    start, end = _time_of(one)
    return Planned(
        user_id=user_id,
        start=start,
        begin=start - one.leading_buffer,
        end=end + one.trailing_buffer,
    )


def _time_of(one: Appointment) -> tuple[datetime, datetime]:
    if one.start is None or one.end is None:
        raise ValueError("The appointment has no time.")
    return one.start, one.end
