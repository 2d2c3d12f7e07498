"""Rows 19 and 20: free slots of a month, and the calendar that others subscribe to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.models import Application, User
from appointments.availability import Wanted, free_slots
from appointments.feed_file import write_feed
from appointments.generating import Place, write_chunk
from config.kernel.time import parse_zone
from tests import make
from tests.appointments.feeding import book_many, path_of
from tests.appointments.scene import make_scene
from tests.bench.databases import copy_of, sized
from tests.bench.lists import SMALL
from tests.bench.table import Options, Row

AGENTS, BOOKINGS, DAYS = 50, 20_000, 30
EVENTS = 5_000
_HALF_HOUR, _DAY, _APART = timedelta(minutes=30), timedelta(days=1), timedelta(minutes=27)
_BERLIN = parse_zone("Europe/Berlin")


def measure_slots(options: Options) -> Iterator[Row]:
    """Time a month's free slots, beside SQL that knows of bookings and hours alone."""
    with copy_of(sized(SMALL), "slots"):
        wanted, agents = _house()
        now = wanted.first - _DAY
        _fill(wanted, agents, wanted.first)
        found = len(free_slots(wanted, now=now, names_agents=False))
        ours, bare = _interleaved(
            lambda: free_slots(wanted, now=now, names_agents=False),
            lambda: _bare(agents, wanted),
            rounds=options.rounds,
        )
        yield Row(
            number=19,
            name="slots",
            what=f"{DAYS} days, {AGENTS} agents, {BOOKINGS:,} bookings: {found} free times",
            target="≤ 50 ms",
            figure=f"{ours:.0f} ms; SQL over bookings and one set of hours alone {bare:.0f} ms",
            is_met=ours <= 50,
        )
        for months in (2, 4, 6, 8, 10):
            _fill(wanted, agents, wanted.first + months * DAYS * _DAY)
            _fill(wanted, agents, wanted.first - months * DAYS * _DAY)
        (more,) = _interleaved(
            lambda: free_slots(wanted, now=now, names_agents=False), rounds=options.rounds
        )
        yield Row(
            number=19,
            name="slots",
            what=f"the same with {10 * BOOKINGS:,} more at other times",
            target="≤ 1.1 ×",
            figure=f"{more / ours:.2f} ×",
            is_met=more / ours <= 1.1,
        )


def measure_feed(options: Options) -> Iterator[Row]:
    """Time a feed of many events, and the answer that nothing is new."""
    with copy_of(sized(SMALL), "feed"):
        scene, now = make_scene(start=timezone.now() + _DAY), timezone.now()
        book_many(scene, EVENTS - 1, now=now)
        feed = make.make_feed(scene.agent)
        _settle()
        caller, path = Client(headers={"host": "127.0.0.1"}), path_of(feed)
        first = caller.get(path)
        size = first.content.count(b"BEGIN:VEVENT")
        known = {"If-None-Match": first["ETag"]}
        whole, nothing = _interleaved(
            lambda: write_feed(feed, now=now),
            lambda: caller.get(path, headers=known),
            rounds=options.rounds,
        )
        yield Row(
            number=20,
            name="feed",
            what=f"a calendar of {size:,} events, written",
            target="≤ 1 s",
            figure=f"{whole / 1000:.2f} s, {1000 * whole / size:.0f} µs an event",
            is_met=whole <= 1000,
        )
        yield Row(
            number=20,
            name="feed",
            what="the same, when the caller has it: 304",
            target="≤ 5 ms",
            figure=f"{nothing:.1f} ms",
            is_met=nothing <= 5,
        )


def _house() -> tuple[Wanted, list[User]]:
    application: Application = make.make_application(
        default_timezone="Europe/Berlin", booking_horizon=timedelta(days=3650)
    )
    agents = [make.make_user(application.organization) for _ in range(AGENTS)]
    for agent in agents:
        make.make_hours(agent, "09:00", "12:30")
        make.make_hours(agent, "13:00", "17:00")
    first = datetime(2027, 3, 1, tzinfo=UTC)
    wanted = Wanted(
        application=application,
        first=first,
        last=first + DAYS * _DAY,
        duration=_HALF_HOUR,
        zone=_BERLIN,
    )
    return wanted, agents


def _fill(wanted: Wanted, agents: list[User], first: datetime) -> None:
    """Give everybody as many bookings from a day on, each at other times of the day."""
    each = BOOKINGS // AGENTS
    for number, agent in enumerate(agents):
        place = Place(
            organization_id=wanted.application.organization_id,
            application_id=wanted.application.pk,
            agent_ids=[agent.pk],
            first_day=first + number * _APART,
            now=timezone.now(),
        )
        write_chunk(place, range(each))
    _settle()


def _settle() -> None:
    # As autovacuum leaves tables that have stood for a while.
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("RESET statement_timeout")


_BARE = """
SELECT start FROM generate_series(%(first)s, %(last)s, interval '15 minutes') AS start
WHERE EXTRACT(isodow FROM start AT TIME ZONE 'Europe/Berlin') < 6
    AND ((start AT TIME ZONE 'Europe/Berlin')::time BETWEEN '09:00' AND '12:00'
        OR (start AT TIME ZONE 'Europe/Berlin')::time BETWEEN '13:00' AND '16:30')
    AND EXISTS (
        SELECT FROM unnest(%(agents)s::uuid[]) AS agent
        WHERE NOT EXISTS (
            SELECT FROM appointments_participant
            WHERE user_id = agent AND occupies && tstzrange(start, start + interval '30 minutes')
        )
    )
"""


def _bare(agents: list[User], wanted: Wanted) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _BARE,
            {
                "first": wanted.first,
                "last": wanted.last,
                "agents": [agent.pk for agent in agents],
            },
        )
        cursor.fetchall()


def _interleaved(*commands: Callable[[], object], rounds: int) -> list[float]:
    """Give the median milliseconds of each command, which take turns."""
    taken: list[list[float]] = [[] for _ in commands]
    for number in range(3 * rounds + 1):
        for place, command in enumerate(commands):
            begin = time.perf_counter()
            command()
            # The first one fills the caches.
            if number:
                taken[place].append(1000 * (time.perf_counter() - begin))
    return [median(one) for one in taken]
