"""Gate 3: what is due in one minute, how late it arrives, and when the clocks have changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from agents.models import Application
from config.kernel.time import format_instant
from notifications.models import Channel, ChannelSettings, Notification, NotificationType
from tests import make
from tests.bench.progress import say
from tests.contract.samples import booking
from tests.gates.bookings import APPOINTMENTS
from tests.gates.dated import DATED, Dated
from tests.gates.http import Web
from tests.gates.stage import Stage, bank, care, client_token, due_by_address, plan, wait_for_all
from tests.gates.verdict import Check, Size, share

_LATE = 2.0
_MINUTE = 60.0
# The rows are written before the first of them is due.
_AHEAD = 8.0


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Send a minute's reminders, then plan some over days that are longer or shorter."""
    worker = stage.start_worker()
    stage.start("beat")
    checks = _minute(stage, size)
    stage.house.end(worker)
    return [*checks, *_dates(stage)]


def _minute(stage: Stage, size: Size) -> list[Check]:
    count = size.of(10_000, 1_000)
    for application in (care(), bank()):
        plan(application, count // 2, seconds=_MINUTE, ahead=_AHEAD)
    say(f"lateness: {count:,} due within a minute")
    time.sleep(_AHEAD + _MINUTE)
    wait_for_all(within=30, name=stage.name)
    first, due = stage.arrivals.first(), due_by_address()
    late = [first[address].at - at for address, at in due.items() if address in first]
    early = sum(seconds < 0 for seconds in late)
    repeats = stage.arrivals.count() - len(first)
    return [
        Check(f"{count:,} due within a minute, {len(late):,} arrived", len(late) == count),
        Check(f"{early} early", not early),
        Check(
            f"p50 {share(late, 0.5) * 1000:.0f} ms, p99 {share(late, 0.99) * 1000:.0f} ms,"
            f" at most {max(late, default=0.0) * 1000:.0f} ms late",
            share(late, 0.99) <= _LATE,
        ),
        Check(f"{repeats} repeated", not repeats),
    ]


def _dates(stage: Stage) -> list[Check]:
    application = care()
    ChannelSettings.objects.filter(application=application, channel=Channel.EMAIL).update(
        reminder_offsets=["PT24H", "P1D"]
    )
    web = stage.start_web(client_token(application))
    wrong = [one for one in DATED if _planned(one, application, web) != (one.hours, one.day)]
    for one in wrong:
        found = _planned(one, application, web)
        say(f"lateness: {one.zone}, {one.why}: {found}, expected {(one.hours, one.day)}")
    zones = len({one.zone for one in DATED})
    return [Check(f"{len(DATED)} dated cases in {zones} zones, {len(wrong)} wrong", not wrong)]


def _planned(case: Dated, application: Application, web: Web) -> tuple[str, str]:
    """Book it and give when its reminders are due: by the hours, and by the day."""
    start = datetime.fromisoformat(case.start)
    if start > timezone.now():
        body = booking(application, start=case.start, timezone=case.zone)
        appointment_id = UUID(web.post(APPOINTMENTS, body).json()["id"])
    else:
        appointment_id = make.make_appointment(
            application, start=start, zone=case.zone, booked_at=start.replace(year=start.year - 1)
        ).id
    reminders = Notification.objects.of(appointment_id).filter(type=NotificationType.REMINDER)
    due = {row.offset: format_instant(row.due_at) for row in reminders if row.due_at}
    return due.get("PT24H", ""), due.get("P1D", "")
