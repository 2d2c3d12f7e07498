"""How ready people were: intervals that follow each other without gap or overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from agents.models import Device, MediaChannel, Medium, StateInterval
from config.kernel.models import TenantQuerySet

Row = Device | MediaChannel
_Key = tuple[str, UUID | None]


def write_down(rows: Sequence[Row], *, user_id: UUID, now: datetime) -> None:
    """Close what was, and open what is, at the same moment; the caller holds the rows."""
    if not rows:
        return
    present = _open_ones(user_id, rows)
    new: list[StateInterval] = []
    for row in rows:
        before = present.get(_key(row))
        begins = now if before is None else max(now, before.period.lower)
        after = _interval(row, user_id, begins)
        if before is not None and before.period.lower == begins:
            # Nothing lasts no time at all: what was said last at that moment holds.
            _overwrite(before, after)
        else:
            if before is not None:
                _close(before, begins)
            new.append(after)
    StateInterval.objects.bulk_create(new)


def end_history_of(device_id: UUID, *, now: datetime) -> None:
    """Let nothing be open for a device that goes away."""
    for one in _still_open().filter(device_id=device_id).select_for_update():
        if one.period.lower < now:
            _close(one, now)
        else:
            one.delete()


def _open_ones(user_id: UUID, rows: Iterable[Row]) -> dict[_Key, StateInterval]:
    media = {_key(row)[0] for row in rows}
    found = _still_open().filter(user_id=user_id, medium__in=media)
    return {(one.medium, one.device_id): one for one in found}


def _still_open() -> TenantQuerySet[StateInterval]:
    return StateInterval.objects.filter(period__endswith__isnull=True)


def _key(row: Row) -> _Key:
    match row:
        case Device():
            return Medium.VOICE, row.pk
        case MediaChannel():
            return row.medium, None


def _interval(row: Row, user_id: UUID, begins: datetime) -> StateInterval:
    medium, device_id = _key(row)
    return StateInterval(
        organization_id=row.organization_id,
        user_id=user_id,
        medium=medium,
        device_id=device_id,
        number=row.phone_number if isinstance(row, Device) else "",
        state=row.state,
        work_mode=row.work_mode,
        reason=row.reason,
        do_not_disturb=row.do_not_disturb,
        period=DateTimeTZRange(begins, None),
    )


def _overwrite(before: StateInterval, after: StateInterval) -> None:
    names = ("number", "state", "work_mode", "reason", "do_not_disturb")
    for name in names:
        setattr(before, name, getattr(after, name))
    before.save(update_fields=names)


def _close(one: StateInterval, moment: datetime) -> None:
    one.period = DateTimeTZRange(one.period.lower, moment)
    one.save(update_fields=["period"])


# Where an interval does not begin as the one before it ended, for `manage.py doctor`.
BREAKS = """
    SELECT concat_ws(' ', user_id, medium, device_id) AS place, count(*) AS number
    FROM (
        SELECT user_id, medium, device_id, lower(period) AS begins,
            lag(upper(period)) OVER whole AS ended, row_number() OVER whole AS place
        FROM agents_stateinterval
        WINDOW whole AS (PARTITION BY user_id, medium, device_id ORDER BY lower(period))
    ) AS one
    WHERE place > 1 AND begins IS DISTINCT FROM ended
    GROUP BY user_id, medium, device_id"""
# Who is at work on what, by the history and by the rows themselves.
OPEN_INTERVALS = """
    SELECT concat_ws(' ', user_id, medium, device_id, state, do_not_disturb) AS place,
        count(*) AS number
    FROM agents_stateinterval WHERE upper_inf(period) AND state <> 'Logout'
    GROUP BY user_id, medium, device_id, state, do_not_disturb"""
PRESENT_STATES = """
    SELECT concat_ws(' ', user_id, 'voice', id, state, do_not_disturb) AS place, 1 AS number
    FROM agents_device WHERE user_id IS NOT NULL AND state <> 'Logout'
    UNION ALL
    SELECT concat_ws(' ', user_id, medium, state, do_not_disturb), 1
    FROM agents_mediachannel WHERE state <> 'Logout'"""
