"""An agent's time: taken by appointments, and never twice where the application says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from psycopg.types.range import TimestamptzRange

from agents.models import User
from appointments.availability import FreeAgents, Wanted, free_agents, starting
from appointments.errors import AgentOccupied, NoAgentFree
from appointments.models import Appointment, Participant, ParticipantRole, ParticipantType
from appointments.services.case import Case
from config.kernel.actors import ActorKind
from config.kernel.database import constraint_of, lock_keys, look_under_lock, try_lock_key
from config.kernel.time import format_instant, parse_zone

# Losers of a race wait for the winner's commit; a booking may wait longer than other locks.
BOOKING_LOCK_TIMEOUT = timedelta(seconds=10)


def period_of(appointment: Appointment) -> TimestamptzRange | None:
    """Give the time that the appointment takes up of its agents, or None."""
    if appointment.start is None or appointment.end is None or not appointment.is_occupying:
        return None
    return TimestamptzRange(
        appointment.start - appointment.leading_buffer,
        appointment.end + appointment.trailing_buffer,
    )


def occupy(case: Case) -> None:
    """Set what the agents' participations take up, without writing them."""
    for agent in case.agents:
        is_primary = agent.role == ParticipantRole.PRIMARY
        agent.occupies = period_of(case.appointment) if is_primary else None
        agent.is_exclusive = is_primary and _refuses(case)


def _refuses(case: Case) -> bool:
    """Whether its agents' time is theirs alone; time that has passed refuses nobody."""
    return case.application.prevent_overlaps and not case.appointment.is_kept_open


def write_occupancy(case: Case) -> None:
    """Write what `occupy` has set."""
    Participant.objects.bulk_update(case.agents, ["occupies", "is_exclusive"])


def take_time(case: Case, users: list[UUID]) -> None:
    """Make sure, where the application prevents overlaps, that the agents are free.

    The advisory lock orders those who want the same agent; without it the exclusion constraint
    alone lets writers of several rows deadlock. It is read before writing, so that losers hold
    the lock for milliseconds. Raises AgentOccupied.
    """
    period = period_of(case.appointment)
    if not _refuses(case) or period is None or not users:
        return
    taken = look_under_lock(
        _TAKEN,
        [users, case.actor.organization_id, period, case.appointment.id],
        keys=_keys_of(users),
        lock_timeout=BOOKING_LOCK_TIMEOUT,
    )
    if taken:
        raise occupied(taken[0][0])


# Each agent by itself: of many at once PostgreSQL would read everybody who is busy at that time.
_TAKEN = """
SELECT taken.occupies FROM unnest(%s::uuid[]) AS agent(id)
CROSS JOIN LATERAL (
    SELECT occupies FROM appointments_participant
    WHERE organization_id = %s AND user_id = agent.id AND occupies && %s AND appointment_id <> %s
    ORDER BY occupies LIMIT 1
) AS taken
ORDER BY taken.occupies LIMIT 1
"""


def lock_agents(users: list[UUID]) -> None:
    """Wait for everyone else who is giving away these agents' time."""
    lock_keys(*_keys_of(users), lock_timeout=BOOKING_LOCK_TIMEOUT)


def _keys_of(users: list[UUID]) -> list[str]:
    return [_key_of(user) for user in users]


def _key_of(user: UUID) -> str:
    return f"agent-time:{user}"


def occupied(period: TimestamptzRange) -> AgentOccupied:
    """Give the refusal that names the occupied interval."""
    start, end = (format_instant(edge) for edge in (period.lower, period.upper) if edge)
    return AgentOccupied(
        start=start, end=end, errors={"start": [f"The agent is occupied from {start} to {end}."]}
    )


@contextmanager
def refusing_overlaps(case: Case) -> Iterator[None]:
    """Turn the word of the exclusion constraint into the refusal it means."""
    try:
        yield
    except IntegrityError as error:
        period = period_of(case.appointment)
        if constraint_of(error) == "participant_agent_free" and period is not None:
            raise occupied(period) from None
        raise


def take_free_agent(case: Case, *, start: datetime, end: datetime) -> User:
    """Take an agent who could have the appointment at a time, and hold its time until the end.

    Whoever was given one longest ago is first, of those who work then, while the office is open,
    and are free. Raises NoAgentFree.
    """
    # In turn: of two who ask at once the second sees what the first was given.
    lock_keys(f"any-agent:{case.actor.organization_id}", lock_timeout=BOOKING_LOCK_TIMEOUT)
    one = case.appointment
    wanted = Wanted(
        application=case.application,
        first=start,
        last=end,
        duration=end - start,
        zone=parse_zone(one.timezone),
        office=one.office,
        for_customer=case.actor.kind == ActorKind.CUSTOMER,
        leading_buffer=one.leading_buffer,
        trailing_buffer=one.trailing_buffer,
        ignoring=one.id,
    )
    wanted = starting(wanted, start)
    user, others = _take_at_once(FreeAgents(wanted, now=case.now))
    if user is None and others:
        lock_agents(others)
        free = free_agents(replace(wanted, agent_ids=others), now=case.now)
        user = next(iter(free), None)
    if user is None:
        raise NoAgentFree
    return user


def _take_at_once(free: FreeAgents) -> tuple[User | None, list[UUID]]:
    """Take the first whom nobody else is giving away; without one, give those whom somebody is.

    Without one it holds nobody either: whoever waits for some should not keep others.
    """
    others = []
    with transaction.atomic():
        for user in free.in_turn():
            if not try_lock_key(_key_of(user.pk)):
                others.append(user.pk)
            elif free.is_still(user):
                return user, []
        # With the savepoint go the locks of those who were given something a moment ago.
        transaction.set_rollback(True)
    return None, others


def agent_row(case: Case, user: User, *, role: ParticipantRole) -> Participant:
    """Give a new participation of an agent, not written yet."""
    agent = Participant(
        organization_id=case.appointment.organization_id,
        appointment_id=case.appointment.id,
        type=ParticipantType.AGENT,
        role=role,
        user=user,
    )
    if role == ParticipantRole.PRIMARY:
        agent.occupies = period_of(case.appointment)
        agent.is_exclusive = _refuses(case)
    return agent
