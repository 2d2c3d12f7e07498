"""Which appointments a caller's list is made of, and the SQL that counts them exactly.

Whole days come from the roll-up that triggers keep (models.totals); only what lies at the edges
of a range is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ListFilter:
    """What a caller asks for; what it may see is decided beside it."""

    application_id: str | None = None
    agent_ids: Sequence[str] = ()
    organizer_ids: Sequence[str] = ()
    # Whoever is no supervisor sees what it organizes, whatever the application's option says.
    organized_only: bool = False
    durations: Sequence[timedelta] = ()
    period: tuple[datetime, datetime] | None = None


class Known(NamedTuple):
    """An application, its option, and the totals that the roll-up has of it."""

    id: UUID
    only_own: bool
    everything: int
    own: int


# What is rolled up: everything of the applications, or an agent's whole list.
RolledUp = Literal["everything", "own"]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the caller sees: rows of `a`, found through `i` where they are one agent's.

    `total` is the exact number, where it is known before anything is counted.
    """

    conditions: Sequence[str]
    params: dict[str, object]
    through_agent: bool = False
    # What of an agent's involvements is meant.
    kind: str = "true"
    rolled_up: RolledUp | None = None
    total: int | None = None
    period: tuple[datetime, datetime] | None = None
    narrowing: Sequence[str] = field(default=())

    @property
    def source(self) -> str:
        if self.through_agent:
            return (
                "appointments_involvement AS i"
                " JOIN appointments_appointment AS a ON a.id = i.appointment_id"
            )
        return "appointments_appointment AS a"

    @property
    def start(self) -> str:
        return "i.start" if self.through_agent else "a.start"

    @property
    def where(self) -> str:
        return " AND ".join([*self.conditions, *self.narrowing])


# --- What the caller sees (list.r3 to r17) ----------------------------------------------------


def seen(wanted: ListFilter, known: list[Known], actor: Actor) -> Scope:
    """Give what the actor sees of these applications, narrowed to what it asks for."""
    return _narrowed(_seen(wanted, known, actor), wanted)


def _seen(wanted: ListFilter, known: list[Known], actor: Actor) -> Scope:
    params: dict[str, object] = {
        "organization": actor.organization_id,
        "applications": [one.id for one in known],
    }
    conditions = ["a.organization_id = %(organization)s", "a.start IS NOT NULL"]
    conditions.append("a.state <> 'CANCELLED'")
    if wanted.application_id is not None:
        conditions.append("a.application_id = ANY(%(applications)s)")
    everything = Scope(
        conditions=conditions,
        params=params,
        rolled_up="everything",
        total=sum(one.everything for one in known),
    )
    if actor.is_supervisor or not (wanted.organized_only or any(one.only_own for one in known)):
        if wanted.agent_ids:
            return _through(everything, wanted.agent_ids, "i.is_assigned")
        if wanted.organizer_ids and actor.is_supervisor:
            return _through(everything, wanted.organizer_ids, "i.is_organizer")
        return everything
    if wanted.organized_only or all(one.only_own for one in known):
        kind = "i.is_organizer" if wanted.organized_only else "true"
        own = _through(everything, [actor.id], kind)
        if wanted.organized_only or not own.through_agent:
            return own
        return replace(own, rolled_up="own", total=sum(one.own for one in known))
    return _mixed(everything, known, wanted, actor)


def _through(scope: Scope, agents: Sequence[str], kind: str) -> Scope:
    """Keep the appointments of these agents."""
    keys = [key for text in agents if (key := parse_uuid(text))]
    if len(keys) == 1:
        # One agent's rows stand in its own index, in the order of the list.
        return Scope(
            conditions=[*scope.conditions, "i.agent_id = %(agent)s", kind],
            params={**scope.params, "agent": keys[0]},
            through_agent=True,
            kind=kind,
        )
    one_of = (
        "EXISTS (SELECT FROM appointments_involvement AS i WHERE i.appointment_id = a.id"
        f" AND i.agent_id = ANY(%(agents)s) AND {kind})"
    )
    return Scope(conditions=[*scope.conditions, one_of], params={**scope.params, "agents": keys})


def _mixed(scope: Scope, known: list[Known], wanted: ListFilter, actor: Actor) -> Scope:
    """Each appointment is judged by the option of its own application (list.r10)."""
    mine = (
        "EXISTS (SELECT FROM appointments_involvement AS i"
        " WHERE i.appointment_id = a.id AND i.agent_id = %(agent)s)"
    )
    named = (
        "EXISTS (SELECT FROM appointments_involvement AS i WHERE i.appointment_id = a.id"
        " AND i.agent_id = ANY(%(agents)s) AND i.is_assigned)"
        if wanted.agent_ids
        else "true"
    )
    return Scope(
        conditions=[
            *scope.conditions,
            f"(CASE WHEN a.application_id = ANY(%(open)s) THEN {named} ELSE {mine} END)",
        ],
        params={
            **scope.params,
            "open": [one.id for one in known if not one.only_own],
            "agent": parse_uuid(actor.id),
            "agents": [key for text in wanted.agent_ids if (key := parse_uuid(text))],
        },
    )


def _narrowed(scope: Scope, wanted: ListFilter) -> Scope:
    narrowing, params = [], dict(scope.params)
    if wanted.durations:
        narrowing.append("a.duration = ANY(%(durations)s)")
        params["durations"] = list(wanted.durations)
    if wanted.period is not None:
        narrowing.append(f"{scope.start} BETWEEN %(first)s AND %(last)s AND a.end <= %(last)s")
        params["first"], params["last"] = wanted.period
    if not narrowing:
        return scope
    return replace(
        scope,
        params=params,
        narrowing=narrowing,
        total=None,
        # Only a range alone is made of days.
        period=None if wanted.durations else wanted.period,
    )


# --- How many they are ------------------------------------------------------------------------


def total_of(scope: Scope) -> str:
    """Give the expression that counts the scope exactly; its parameters are set by `params_of`."""
    if scope.total is not None:
        return "%(total)s::bigint"
    if scope.through_agent and not scope.narrowing:
        return _all_involved(scope)
    if scope.period is None or not (scope.rolled_up or scope.through_agent):
        return f"(SELECT count(*) FROM {scope.source} WHERE {scope.where})"
    begun = _begun_on_days(scope) if scope.rolled_up else _begun(scope, "%(first)s", "%(last)s")
    return f"({begun} - {_still_running(scope)})"


def params_of(scope: Scope) -> dict[str, object]:
    """Give the parameters of the scope and of its total."""
    params = {**scope.params, "total": scope.total}
    if scope.period is not None:
        first, last = scope.period
        # The whole UTC days of the range are [day, until), and the rest is counted.
        day = _midnight(first + _DAY - timedelta(microseconds=1))
        until = max(_midnight(last), day)
        params |= {"day": day.date(), "until": until.date()}
        params |= {"day_begin": min(day, last), "until_begin": min(until, last)}
    return params


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _all_involved(scope: Scope) -> str:
    """Count an agent's without looking at the appointments: what lists leave out has no start."""
    return f"""(
        SELECT count(*) FROM appointments_involvement AS i
        WHERE i.organization_id = %(organization)s AND i.agent_id = %(agent)s
            AND i.application_id = ANY(%(applications)s) AND {scope.kind}
            AND i.start IS NOT NULL
    )"""


def _begun(scope: Scope, first: str, last: str) -> str:
    """Count those that start in [first, last]; an agent's without looking at the appointments."""
    if scope.through_agent:
        return f"""(
            SELECT count(*) FROM appointments_involvement AS i
            WHERE i.organization_id = %(organization)s AND i.agent_id = %(agent)s
                AND i.application_id = ANY(%(applications)s) AND {scope.kind}
                AND i.start BETWEEN {first} AND {last}
        )"""
    where = " AND ".join(scope.conditions)
    return f"""(
        SELECT count(*) FROM {scope.source}
        WHERE {where} AND a.start BETWEEN {first} AND {last}
    )"""


def _begun_on_days(scope: Scope) -> str:
    whose = "agent_id = %(agent)s" if scope.rolled_up == "own" else "agent_id IS NULL"
    instant = "interval '1 microsecond'"
    return f"""((
        SELECT COALESCE(sum(change), 0)::bigint FROM appointments_daytotal
        WHERE organization_id = %(organization)s AND {whose}
            AND application_id = ANY(%(applications)s)
            AND day >= %(day)s AND day < %(until)s
    ) + {_begun(scope, "%(first)s", f"%(day_begin)s - {instant}")}
      + {_begun(scope, "%(until_begin)s", "%(last)s")})"""


def _still_running(scope: Scope) -> str:
    """Count those that start in the range and end after it: they are not in it (list.r19).

    What is shorter than a day lasts as long as its duration says, so that few can reach over
    the end; calendar days may be longer by the clock, and are few.
    """
    where = " AND ".join(scope.conditions)
    late = f"{where} AND {scope.start} BETWEEN %(first)s AND %(last)s AND a.end > %(last)s"
    return f"""((
        SELECT count(*) FROM {scope.source}
        WHERE {late} AND a.duration < '1 day' AND {scope.start} > %(last)s - (
            SELECT least(longest.duration, '1 day') FROM appointments_appointment AS longest
            WHERE longest.organization_id = %(organization)s AND longest.start IS NOT NULL
                AND longest.state <> 'CANCELLED'
            ORDER BY longest.duration DESC LIMIT 1
        )
    ) + (
        SELECT count(*) FROM {scope.source} WHERE {late} AND a.duration >= '1 day'
    ))"""


def seek_of(scope: Scope, *, descending: bool) -> str:
    """Find the UTC day on which a deep page begins, and how many rows lie before that day."""
    whose = "agent_id = %(agent)s" if scope.rolled_up == "own" else "agent_id IS NULL"
    direction = "DESC" if descending else "ASC"
    edge = "day + 1" if descending else "day"
    return f"""
        days AS (
            SELECT day, sum(change) AS that_day, sum(sum(change)) OVER (ORDER BY day {direction})
                AS up_to_there
            FROM appointments_daytotal
            WHERE organization_id = %(organization)s AND {whose}
                AND application_id = ANY(%(applications)s)
            GROUP BY day
        ), seek AS MATERIALIZED (
            SELECT ({edge})::timestamp AT TIME ZONE 'UTC' AS edge,
                (up_to_there - that_day)::bigint AS skipped
            FROM days WHERE up_to_there > %(offset)s ORDER BY day {direction} LIMIT 1
        ),
    """
