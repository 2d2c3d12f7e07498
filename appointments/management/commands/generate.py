"""Fill a database with plausible data, to try things out at size."""

from __future__ import annotations

import multiprocessing
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection, transaction
from django.utils import timezone

from agents.models import Application, Organization, User, Weekday, WorkingHours
from appointments.generating import (
    AHEAD,
    COLUMNS,
    REMINDER,
    SLOTS_A_DAY,
    Place,
    begin_work,
    days_needed,
    write_chunk,
)
from config.kernel.actors import Role
from config.kernel.ids import uuid7
from notifications.models import Channel, ChannelSettings

CHUNK = 5_000
# Far enough for any trial, and within the years that the APIs take.
_DAYS_MOST = 20 * 365
_DERIVED = ("appointments_involvement", "appointments_daytotal")


class Command(BaseCommand):
    help = (
        "Fills a database with plausible appointments, their participants, history and"
        " notifications, by COPY. Everything goes into one organization, made anew unless"
        " --organization names one, and is held by new agents, 16 appointments a day each."
        " A new one tells its customers by e-mail, and reminds them a day ahead."
        " Nothing is sent: notifications that are still due are held. Ctrl-C ends it between"
        " two chunks of 5,000; what was written until then is whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--appointments", type=int, required=True, metavar="N", help="how many to write"
        )
        parser.add_argument(
            "--agents", type=int, default=200, metavar="M", help="who hold them (default 200)"
        )
        parser.add_argument(
            "--past",
            type=int,
            default=70,
            metavar="PERCENT",
            help="how much of the time span lies in the past (default 70)",
        )
        parser.add_argument(
            "--organization", metavar="NAME", help="an organization that is there already"
        )
        parser.add_argument(
            "--jobs",
            type=int,
            default=2,
            metavar="J",
            help="processes at work, each with a connection (default 2)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        count, agents = options["appointments"], options["agents"]
        _check(options)
        place = _place(options["organization"], count, agents, options["past"])
        began = monotonic()
        done = self._fill(place, count, options["jobs"])
        seconds = monotonic() - began
        _analyze()
        self.stdout.write(
            self.style.SUCCESS(
                f"{done:,} appointments of {agents:,} agents in {seconds:.1f} s"
                f" ({done / seconds:,.0f} a second), organization {place.organization_id}"
            )
        )

    def _fill(self, place: Place, count: int, jobs: int) -> int:
        progress = _Progress(self, count)
        try:
            for written in _write(place, count, jobs):
                progress.add(written)
        except KeyboardInterrupt:
            raise CommandError("Stopped; what was written until now is whole.") from None
        except (Error, BrokenProcessPool) as error:
            raise CommandError(f"Stopped after {progress.done:,} appointments: {error}") from None
        return progress.done


class _Progress:
    """A bar with rate and time left; where nobody watches, a line every few seconds."""

    def __init__(self, command: BaseCommand, count: int) -> None:
        self.command = command
        self.count = count
        self.done = 0
        self.began = self.shown = monotonic()

    def add(self, written: int) -> None:
        self.done += written
        now, is_last = monotonic(), self.done == self.count
        rate = self.done / max(now - self.began, 0.001)
        bar = "#" * (30 * self.done // self.count)
        left = (self.count - self.done) / rate
        line = f"[{bar:<30}] {self.done:,}/{self.count:,}  {rate:,.0f}/s  {left:,.0f} s left"
        if sys.stderr.isatty():
            self.command.stderr.write(f"\r{line:<79}", ending="\n" if is_last else "")
        elif is_last or now - self.shown >= 5:
            self.command.stderr.write(line)
            self.shown = now


def _check(options: dict[str, Any]) -> None:
    for name, least in (("appointments", 1), ("agents", 1), ("jobs", 1), ("past", 0)):
        if options[name] < least:
            raise CommandError(f"--{name} is at least {least}.")
    if options["past"] > 100:
        raise CommandError("--past is at most 100.")
    fewest = -(-options["appointments"] // (_DAYS_MOST * SLOTS_A_DAY))
    if options["agents"] < fewest:
        raise CommandError(f"--agents is at least {fewest} for so many appointments.")


def _place(name: str | None, count: int, agents: int, past: int) -> Place:
    now = timezone.now().replace(microsecond=0)
    with transaction.atomic():
        application = _application(name, f"Generated {now:%Y-%m-%d %H:%M:%S}")
        users = [
            User(
                organization_id=application.organization_id,
                username=f"agent-{number}-{uuid7().hex[-12:]}@example.com",
                first_name="Agent",
                last_name=str(number),
                password="!",  # noqa: S106  # cannot log in
                roles=[Role.AGENT.value],
            )
            for number in range(1, agents + 1)
        ]
        User.objects.bulk_create(users, batch_size=1000)
        _keep_hours(users, application.organization_id)
        midnight = now.replace(hour=0, minute=0, second=0)
        first_day = midnight - timedelta(days=days_needed(count, agents) * past // 100)
        if name is None:
            _tell(application, since=first_day - timedelta(days=AHEAD.stop))
    return Place(
        organization_id=application.organization_id,
        application_id=application.id,
        agent_ids=[user.id for user in users],
        first_day=first_day,
        now=now,
        ticket_length=application.ticket_length,
        ticket_grace=application.ticket_grace,
        details_kept_for=application.details_kept_for,
        prevents_overlaps=application.prevent_overlaps,
        is_told_by_settings=name is None,
    )


def _keep_hours(users: list[User], organization_id: UUID) -> None:
    """Let them work from the first appointment of each day to two hours after the last one."""
    rows = [
        WorkingHours(
            organization_id=organization_id,
            user=user,
            weekday=weekday,
            starts_at=time(7),
            ends_at=time(17),
        )
        for user in users
        for weekday in Weekday.values
    ]
    WorkingHours.objects.bulk_create(rows, batch_size=1000)


def _tell(application: Application, *, since: datetime) -> None:
    """Switch on what the appointments are told by, as if it had been on when they were booked."""
    settings = ChannelSettings.objects.create(
        organization_id=application.organization_id,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
        reminder_offsets=[REMINDER],
    )
    ChannelSettings.objects.filter(pk=settings.pk).update(changed_at=since)


def _application(name: str | None, new_name: str) -> Application:
    """Give the application that is filled: the organization's default one."""
    if name is None:
        organization = Organization.objects.create(name=new_name)
    else:
        found = list(Organization.objects.filter(name=name)[:2])
        if len(found) != 1:
            raise CommandError(f"--organization: {len(found) or 'No'} organizations named {name}.")
        organization = found[0]
    application = Application.objects.filter(organization=organization, is_default=True).first()
    return application or Application.objects.create(
        organization=organization, name="Generated", is_default=True
    )


def _write(place: Place, count: int, jobs: int) -> Iterator[int]:
    """Write all chunks over so many connections, and give the size of each as it is done."""
    chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    if min(jobs, len(chunks)) == 1:
        yield from (write_chunk(place, chunk) for chunk in chunks)
        return
    pool = ProcessPoolExecutor(
        min(jobs, len(chunks)),
        # Forking a process that has threads and connections is not safe.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin_work,
        initargs=(connection.settings_dict["NAME"],),
    )
    try:
        futures = [pool.submit(write_chunk, place, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in (*COLUMNS, *_DERIVED):
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("RESET statement_timeout")
