"""Whether what is derived agrees with the rows that it is derived from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from agents.services import state_history


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One derived fact that is wrong, and what it should be."""

    what: str
    where: str
    is_now: int
    should_be: int


def differences() -> Iterator[Difference]:
    """Compare day totals and involvements with count(*); give what differs, at most 100 of each."""
    with transaction.atomic(), connection.cursor() as cursor:
        # It reads whole tables, and all of them at one moment.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL statement_timeout = 0")
        for what, statement in _STATEMENTS.items():
            cursor.execute(statement)
            for where, is_now, should_be in cursor.fetchall():
                yield Difference(
                    what=what, where=where, is_now=int(is_now), should_be=int(should_be)
                )


# Both sides as (where, number); what only one side has counts as zero on the other.
_COMPARE = """
WITH derived AS ({derived}), plain AS ({plain})
SELECT place, COALESCE(derived.number, 0), COALESCE(plain.number, 0)
FROM derived FULL JOIN plain USING (place)
WHERE COALESCE(derived.number, 0) <> COALESCE(plain.number, 0)
ORDER BY place LIMIT 100
"""
_STATEMENTS = {
    "appointments of a day": _COMPARE.format(
        derived="""
            SELECT concat_ws(' ', application_id, day) AS place, sum(change) AS number
            FROM appointments_daytotal WHERE agent_id IS NULL
            GROUP BY application_id, day""",
        plain="""
            SELECT concat_ws(' ', application_id, (start AT TIME ZONE 'UTC')::date) AS place,
                count(*) AS number
            FROM appointments_appointment WHERE start IS NOT NULL AND state <> 'CANCELLED'
            GROUP BY application_id, (start AT TIME ZONE 'UTC')::date""",
    ),
    "an agent's appointments of a day": _COMPARE.format(
        derived="""
            SELECT concat_ws(' ', application_id, agent_id, day) AS place, sum(change) AS number
            FROM appointments_daytotal WHERE agent_id IS NOT NULL
            GROUP BY application_id, agent_id, day""",
        plain="""
            SELECT concat_ws(' ', application_id, agent_id, (start AT TIME ZONE 'UTC')::date)
                AS place, count(*) AS number
            FROM appointments_involvement WHERE start IS NOT NULL
            GROUP BY application_id, agent_id, (start AT TIME ZONE 'UTC')::date""",
    ),
    "agents of an appointment": _COMPARE.format(
        derived="""
            SELECT concat_ws(' ', appointment_id, agent_id) AS place, count(*) AS number
            FROM appointments_involvement GROUP BY appointment_id, agent_id""",
        plain="""
            SELECT DISTINCT concat_ws(' ', id, agent) AS place, 1 AS number FROM (
                SELECT id, organizer_id AS agent FROM appointments_appointment
                WHERE organizer_type = 'AGENT'
                UNION SELECT id, target_id FROM appointments_appointment
                WHERE target_type = 'AGENT'
                UNION SELECT appointment_id, user_id::text FROM appointments_participant
                WHERE type = 'AGENT'
            ) AS whose""",
    ),
    "gaps and overlaps in the history of states": _COMPARE.format(
        derived=state_history.BREAKS,
        plain="SELECT '' AS place, 0 AS number WHERE false",
    ),
    "present states and their history": _COMPARE.format(
        derived=state_history.OPEN_INTERVALS, plain=state_history.PRESENT_STATES
    ),
}
