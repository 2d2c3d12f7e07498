"""Moving the appointments of an absent agent to colleagues, all or nothing, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.models import User
from appointments.availability import explain
from appointments.calendars import Planned
from appointments.errors import (
    MovedTwice,
    NothingToRescue,
    RescueNotUndoable,
    RescueOutdated,
    RescueUndone,
    TooManyToRescue,
    UserNotAnAgent,
)
from appointments.models import (
    Appointment,
    Participant,
    ParticipantRole,
    Rescue,
    RescueMove,
    State,
)
from appointments.reason_words import REASONS
from appointments.services.case import Case, open_case
from appointments.services.handing_over import InCharge, hand_over
from appointments.services.occupancy import lock_agents, occupied, period_of
from appointments.services.people import find_user
from appointments.services.rescue_plan import (
    NOT_BEGUN,
    Plan,
    PlannedMove,
    check_may_rescue,
    check_period,
    planned_for,
    preview_rescue,
    wanted_for,
)
from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import retrying

__all__ = [
    "Move",
    "Plan",
    "PlannedMove",
    "carry_out_rescue",
    "preview_rescue",
    "read_rescue",
    "undo_rescue",
]


@dataclass(frozen=True, kw_only=True)
class Move:
    """An appointment as the preview showed it, and who is to take it."""

    appointment_id: UUID | None
    start: datetime
    end: datetime
    user_id: UUID | None


@retrying
@transaction.atomic
def carry_out_rescue(
    agent_id: str,
    *,
    start: datetime,
    end: datetime,
    moves: Sequence[Move],
    actor: Actor,
    now: datetime,
) -> Rescue:
    """Move appointments of an absent agent to colleagues, as a preview showed it, or none of them.

    Everybody is told as of an appointment that is reassigned. Raises RescuesNotYours,
    PeriodInvalid, AgentNotFound, NothingToRescue, TooManyToRescue, MovedTwice, RescueOutdated.
    """
    check_may_rescue(actor)
    check_period(start, end)
    agent = find_user(agent_id, actor)
    _check_moves(moves)
    cases = _open_cases([move.appointment_id for move in moves], actor=actor, now=now)
    users = _agents_among([move.user_id for move in moves], actor)
    lock_agents([agent.pk, *(user.pk for user in users.values())])
    checking = _Checking(agent=agent, start=start, end=end, now=now)
    steps = _checked(moves, cases, users, checking)
    rescue = Rescue.objects.create(
        organization_id=steps[0][1].appointment.organization_id,
        agent=agent,
        start=start,
        end=end,
        made_at=now,
        made_by_kind=actor.kind,
        made_by_id=actor.id,
    )
    # All of them are read before the first one leaves the agent: they may overlap each other.
    overlapped = [_overlapped_by(case, agent.pk) for _, case, _ in steps]
    RescueMove.objects.bulk_create(
        _carry_out(rescue, *step, overlapped=[one.appointment_id for one in others])
        for step, others in zip(steps, overlapped, strict=True)
    )
    return rescue


def _check_moves(moves: Sequence[Move]) -> None:
    if not moves:
        raise NothingToRescue
    if len(moves) > limits.RESCUE_MOVES_MAX:
        raise TooManyToRescue(most=limits.RESCUE_MOVES_MAX)
    if len({move.appointment_id for move in moves}) < len(moves):
        raise MovedTwice


def _open_cases(
    ids: Iterable[UUID | None], *, actor: Actor, now: datetime
) -> dict[UUID | None, Case]:
    """Lock the appointments that are there, in one order for everybody.

    Before the agents' time, as every other command does: the other way round two could wait for
    each other.
    """
    rows = Appointment.objects.visible_to(actor).filter(pk__in=[one for one in ids if one])
    found = list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    return {key: open_case(key, actor=actor, now=now) for key in found}


def _agents_among(ids: Iterable[UUID | None], actor: Actor) -> dict[UUID | None, User]:
    agents = User.objects.visible_to(actor).agents()
    return {user.pk: user for user in agents.filter(pk__in=[one for one in ids if one])}


def _checked(
    moves: Sequence[Move],
    cases: Mapping[UUID | None, Case],
    users: Mapping[UUID | None, User],
    checking: _Checking,
) -> list[tuple[Move, Case, User]]:
    """Give the moves with what they are about, once all of them can be made.

    Raises RescueOutdated.
    """
    steps: list[tuple[Move, Case, User]] = []
    problems: dict[str, list[str]] = {}
    for number, move in enumerate(moves):
        case, user = cases.get(move.appointment_id), users.get(move.user_id)
        if (problem := checking.problem(move, case, user)) or case is None or user is None:
            problems[f"moves.{number}"] = [problem]
        else:
            steps.append((move, case, user))
    if problems:
        raise RescueOutdated(errors=problems)
    return steps


@dataclass(kw_only=True)
class _Checking:
    """Looks at one move after the other, each beside those before it."""

    agent: User
    start: datetime
    end: datetime
    now: datetime
    planned: list[Planned] = field(default_factory=list)

    def problem(self, move: Move, case: Case | None, user: User | None) -> str:
        """Say in words what has changed since the preview, or nothing."""
        if case is None:
            return "There is no such appointment."
        appointment = case.appointment
        problem = _is_not(case, self.agent, now=self.now) or self._is_elsewhen(appointment, move)
        if problem:
            return problem
        if user is None or user.pk == self.agent.pk:
            return "There is no such agent to take it."
        wanted = wanted_for(appointment, agent_ids=[user.pk], planned=self.planned)
        for verdict in explain(wanted, now=self.now):
            if verdict.reason:
                return f"{user} cannot take it: {REASONS[verdict.reason].short}."
        self.planned.append(planned_for(appointment, user.pk))
        return ""

    def _is_elsewhen(self, appointment: Appointment, move: Move) -> str:
        """Say why an appointment's time is not the one to be moved, or nothing."""
        if (appointment.start, appointment.end) != (move.start, move.end):
            return "It was moved to another time."
        if not self.start <= move.start < self.end:
            return "It is not in the period."
        return ""


def _is_not(case: Case, agent: User, *, now: datetime) -> str:
    """Say why an appointment is not an agent's to hand over, or nothing."""
    appointment = case.appointment
    if appointment.state == State.CANCELLED:
        return "It was cancelled."
    if not any(one.user_id == agent.pk for one in case.primary_agents):
        return f"It is not with {agent} any more."
    if appointment.state not in NOT_BEGUN:
        return "It has begun, or is over."
    if appointment.start is not None and appointment.start <= now:
        return "It has begun, or is over."
    return ""


def _overlapped_by(case: Case, agent_id: UUID) -> list[Participant]:
    """Give what else takes up an agent's time during an appointment, in order of time."""
    appointment = case.appointment
    period = period_of(appointment)
    if period is None:
        return []
    others = Participant.objects.filter(
        organization_id=appointment.organization_id, user_id=agent_id, occupies__overlap=period
    ).exclude(appointment_id=appointment.pk)
    return list(others.order_by("occupies"))


def _carry_out(
    rescue: Rescue, move: Move, case: Case, user: User, *, overlapped: list[UUID]
) -> RescueMove:
    """Hand an appointment over, and note how it was."""
    before = InCharge.of(case.appointment)
    known = _participant(case, user.pk)
    leaving = [one for one in case.agents if one.user_id == rescue.agent_id]
    done = RescueMove(
        organization_id=rescue.organization_id,
        rescue=rescue,
        appointment=case.appointment,
        from_user_id=rescue.agent_id,
        to_user=user,
        start=move.start,
        end=move.end,
        organizer_type=before.organizer_type,
        organizer_id=before.organizer_id,
        target_type=before.target_type,
        target_id=before.target_id,
        colleague_role=known.role if known else "",
        overlapped=overlapped,
    )
    hand_over(case, user, leaving=leaving, facts={"rescue": str(rescue.pk)})
    return done


def _participant(case: Case, user_id: UUID) -> Participant | None:
    return next((one for one in case.agents if one.user_id == user_id), None)


@retrying
@transaction.atomic
def undo_rescue(rescue_id: UUID, *, actor: Actor, now: datetime) -> Rescue:
    """Give back everything that a rescue has moved, or nothing of it.

    What was cancelled or deleted meanwhile is left as it is. The agent must have nothing else
    then but what overlapped already; whether it works, or is absent, does not matter: it was so
    before. Raises RescuesNotYours, RescueNotFound, RescueUndone, RescueNotUndoable.
    """
    check_may_rescue(actor)
    rescue = Rescue.objects.visible_to(actor).lock(rescue_id)
    if rescue.is_undone:
        raise RescueUndone
    if not rescue.agent.is_agent:
        raise RescueNotUndoable(errors={"agent": [UserNotAnAgent.message]})
    moves = list(rescue.moves.select_related("to_user").order_by("start", "id"))
    cases = _open_cases([move.appointment_id for move in moves], actor=actor, now=now)
    lock_agents([rescue.agent_id, *(move.to_user_id for move in moves)])
    errors: dict[str, list[str]] = {}
    for move in moves:
        case = cases.get(move.appointment_id)
        if case is None or case.appointment.state == State.CANCELLED:
            continue
        if problem := _give_back(rescue, move, case, now=now):
            errors[str(move.appointment_id)] = [problem]
    if errors:
        raise RescueNotUndoable(errors=errors)
    rescue.undone_at, rescue.undone_by_kind, rescue.undone_by_id = now, actor.kind, actor.id
    rescue.save()
    return rescue


def _give_back(rescue: Rescue, move: RescueMove, case: Case, *, now: datetime) -> str:
    """Hand an appointment back, or say why that cannot be: then all of it is undone."""
    if problem := _is_not(case, move.to_user, now=now):
        return problem
    others = _overlapped_by(case, rescue.agent_id)
    if new := next((one for one in others if one.appointment_id not in move.overlapped), None):
        return str(occupied(new.occupies))
    colleague = _participant(case, move.to_user_id)
    stays = move.colleague_role != "" and colleague is not None
    if colleague is not None and stays:
        colleague.role = ParticipantRole(move.colleague_role)
    hand_over(
        case,
        rescue.agent,
        leaving=[] if stays or colleague is None else [colleague],
        in_charge=_charge_before(move, case.appointment),
        facts={"rescue": str(rescue.pk)},
        # Whatever the application says: it was so before.
        may_overlap=bool(others),
    )
    return ""


def _charge_before(move: RescueMove, appointment: Appointment) -> InCharge:
    """Give who was in charge before, where nobody has changed that since."""
    if InCharge.of(appointment) != InCharge.agent(move.to_user):
        return InCharge.of(appointment)
    return InCharge(
        organizer_type=move.organizer_type,
        organizer_id=move.organizer_id,
        target_type=move.target_type,
        target_id=move.target_id,
    )


def read_rescue(rescue_id: UUID, *, actor: Actor) -> Rescue:
    """Give a rescue with its moves.

    Raises RescuesNotYours, RescueNotFound.
    """
    check_may_rescue(actor)
    return Rescue.objects.visible_to(actor).fetch(rescue_id)
