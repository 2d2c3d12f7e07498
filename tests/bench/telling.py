"""Rows 9 and 10: reminders, as many as one worker sends, and as punctual as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from agents.models import Organization
from notifications.models import Channel, Heartbeat, Notification, Status
from tests.bench import progress, reminders
from tests.bench.databases import Sized, copy_of, sized, url_of
from tests.bench.sink import sink
from tests.bench.table import Options, Row
from tests.notifications.ledger import make_application, make_notifications

_COUNT = 10_000
_MINUTE = 600  # tenths of a second
# The least: what it holds is beside the point.
_SIZE = 1_000


def measure_reminders(options: Options) -> Iterator[Row]:
    """Send due reminders to a local sink, beside a kept connection and the plain way."""
    with copy_of(sized(_SIZE), "reminders"):
        found = reminders.measure(rounds=options.rounds)
    rate = found["reminders_per_second"]
    yield Row(
        number=9,
        name="reminders",
        what="claimed, rendered, built with a calendar, sent by SMTP and settled, by one process",
        target="≥ 1,000/s",
        figure=f"{rate:,.0f}/s, {found['reminders_cpu_ms']:.2f} CPU-ms; kept smtplib"
        f" {found['kept_smtplib_per_second']:,.0f}/s, Django's send()"
        f" {found['django_send_per_second']:,.0f}/s",
        is_met=rate >= 1000,
    )


def measure_lateness(_options: Options) -> Iterator[Row]:
    """Have a worker send what falls due within a minute, and see how late each is."""
    with copy_of(sized(_SIZE), "lateness") as data, sink() as port, _worker(data, port):
        application = make_application("Bench")
        first = timezone.now() + timedelta(seconds=20)
        for number in range(_MINUTE):
            make_notifications(
                application,
                count=_COUNT * (number + 1) // _MINUTE - _COUNT * number // _MINUTE,
                due_at=first + number * timedelta(seconds=0.1),
            )
        lateness = _lateness(application.organization)
    p99 = lateness[len(lateness) * 99 // 100]
    yield Row(
        number=10,
        name="lateness",
        what=f"{_COUNT:,} reminders due in one minute, one worker: p99 (median, latest, early)",
        target="≤ 2 s",
        figure=f"{p99:.2f} s ({lateness[len(lateness) // 2]:.2f} s, {lateness[-1]:.2f} s,"
        f" {sum(one < 0 for one in lateness)})",
        is_met=p99 <= 2 and lateness[0] >= 0,
    )


@contextmanager
def _worker(data: Sized, port: int) -> Iterator[None]:
    """Run a worker as production does, sending to the sink."""
    command = ["-m", "celery", "--app", "config", "worker", "--pool", "threads"]
    environment = {
        **os.environ,
        "DATABASE_URL": url_of(data.name),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "LOG_LEVEL": "ERROR",
    }
    with subprocess.Popen(
        [sys.executable, *command, "--concurrency", "4", "--loglevel", "ERROR"],
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            while not Heartbeat.objects.filter(name__startswith="worker").exists():
                time.sleep(0.2)
            yield
        finally:
            process.terminate()


def _lateness(organization: Organization) -> list[float]:
    """Wait until everything was sent; give how many seconds late, in order."""
    ours = Notification.objects.filter(organization=organization)
    while waiting := ours.exclude(status=Status.DELIVERED).count():
        progress.say(f"{waiting:,} to be sent")
        time.sleep(5)
    late = ours.filter(channel=Channel.EMAIL).annotate(late=F("updated_at") - F("scheduled_for"))
    return sorted(one.total_seconds() for one in late.values_list("late", flat=True))
