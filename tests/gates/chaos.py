"""Reminders by e-mail, webhook and SMS, while the house is taken apart around them."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import redis

from config.local.home import Home
from tests.bench.progress import say
from tests.gates.house import House, Part
from tests.gates.mixed import Outside, found, plan_mixed, show
from tests.gates.stage import Stage, care, wait_for_all
from tests.gates.verdict import Check, Size

CLOCK = Path(__file__).parent / "clock"
TWO_HOURS = 2 * 3600
_dice = random.Random()


@dataclass
class Play:
    """One drill while it runs."""

    stage: Stage
    outside: Outside
    until: float
    # How often a worker was broken off with something in its hands.
    hard_ends: int = 0

    @property
    def house(self) -> House:
        """The servers."""
        return self.stage.house

    @property
    def is_over(self) -> bool:
        """Say whether everything that was planned is due."""
        return time.monotonic() > self.until

    def rest(self, least: float, most: float) -> None:
        """Let things take their course for a while."""
        time.sleep(_dice.uniform(least, most))

    def worker(self, *, clock_off_by: float = 0) -> Part:
        """Start a worker; its clock may be wrong."""
        if not clock_off_by:
            return self.stage.start("worker")
        off = {"PYTHONPATH": str(CLOCK), "CLOCK_OFF_BY": str(clock_off_by)}
        stage = replace(self.stage, environment={**self.stage.environment, **off})
        return stage.start("worker")

    def beat(self, name: str = "") -> Part:
        """Start beat, on a machine of its own when that has a name."""
        if not name:
            return self.stage.start("beat")
        home = Home.at(str(self.house.home.path / name))
        home.directory("beat")
        stage = replace(
            self.stage,
            environment={**self.stage.environment, "FRONTDESK_HOME": str(home.path)},
        )
        return stage.start("beat")

    def kill(self, worker: Part) -> None:
        """End a worker as a power cut would, if it can be at a moment when something arrives."""
        before, patience = self.outside.count(), time.monotonic() + 3
        while self.outside.count() == before and time.monotonic() < patience:
            time.sleep(0.002)
        self.house.end(worker, signal.SIGKILL)
        self.hard_ends += 1

    def server(self, name: str) -> Part:
        """Give the process of a server."""
        return next(part for part in self.house.parts if part.program.name == name)

    def flush_redis(self) -> None:
        """Take from Redis all that it holds."""
        with redis.Redis.from_url(self.house.redis.url) as client:
            client.flushall()

    def restart_redis(self, *, away: float, is_emptied: bool = False) -> None:
        """Crash Redis and bring it back, perhaps with nothing in it."""
        self.house.end(self.server("redis"), signal.SIGKILL)
        time.sleep(away)
        if is_emptied:
            shutil.rmtree(self.house.redis.data)
        self.house.start_redis()

    def restart_postgres(self, number: signal.Signals) -> None:
        """End PostgreSQL, gently or not, and bring it back."""
        self.house.end(self.server("postgres"), number)
        time.sleep(_dice.uniform(0, 2))
        self.house.start_postgres()


Act = Callable[[Play, Size], str]


def _drill(act: Act) -> Callable[[Stage, Size], Sequence[Check]]:
    def drill(stage: Stage, size: Size) -> list[Check]:
        stage, outside = Outside.on(stage)
        # The leases of the dead are waited for: in a small run they are shorter.
        lease = size.of(60, 10)
        environment = {**stage.environment, "NOTIFICATIONS_LEASE": str(lease)}
        stage = replace(stage, environment=environment)
        seconds = size.of(90, 20)
        plan = plan_mixed(care(), outside, size.of(10_000, 1_000), seconds=seconds)
        play = Play(stage, outside, until=time.monotonic() + seconds)
        what = act(play, size)
        _drain(play, lease)
        show(plan, outside, say)
        return [
            Check(f"{plan.count:,} due, {what}"),
            *found(plan, outside, hard_ends=play.hard_ends),
        ]

    return drill


def _drain(play: Play, lease: float) -> None:
    """Let workers that nobody disturbs send the rest, when the leases of the dead are over."""
    if not any(part.program.name == "worker" and part.is_alive for part in play.house.parts):
        play.worker()
    wait_for_all(within=2 * lease + 60, name=play.stage.name)


def _killed(play: Play, size: Size) -> str:
    elder, younger = play.worker(), play.worker()
    while not play.is_over:
        play.rest(0.5, 1.5)
        play.kill(elder)
        elder, younger = younger, play.worker()
    return f"{play.hard_ends} × SIGKILL, two workers at once"


def _without_redis(play: Play, size: Size) -> str:
    parts = [play.worker(), play.worker(), play.beat()]
    crashes = 0
    while not play.is_over:
        play.flush_redis()
        play.rest(0.5, 1.5)
        play.restart_redis(away=_dice.uniform(0, 2), is_emptied=crashes % 2 == 1)
        crashes += 1
        play.rest(1, 3)
        if crashes == 2:
            play.restart_redis(away=size.of(20, 5))
    alive = sum(part.is_alive for part in parts)
    return f"Redis emptied {crashes} ×, crashed {crashes + 1} ×; {alive} of 3 processes lived"


def _without_postgres(play: Play, size: Size) -> str:
    parts = [play.worker(), play.worker(), play.beat()]
    ways = cycle([signal.SIGINT, signal.SIGKILL, signal.SIGQUIT])
    restarts = 0
    play.rest(3, 4)
    while not play.is_over:
        play.restart_postgres(next(ways))
        restarts += 1
        play.rest(4, 8)
    # What a worker could not write down within its lease is sent again.
    play.hard_ends = restarts * 2
    alive = sum(part.is_alive for part in parts)
    return f"PostgreSQL restarted {restarts} ×; {alive} of 3 processes lived"


def _two_beats(play: Play, size: Size) -> str:
    play.worker()
    play.worker()
    play.beat()
    others = 0
    while not play.is_over:
        other = play.beat("second")
        others += 1
        play.rest(8, 12)
        play.house.end(other, signal.SIGKILL)
    return f"two beats, one of them killed {others} ×"


def _wrong_clocks(play: Play, size: Size) -> str:
    quarter = (play.until - time.monotonic()) / 4
    for off_by, company in ((TWO_HOURS, 0), (TWO_HOURS, 1), (-TWO_HOURS, 1), (-TWO_HOURS, 0)):
        workers = [play.worker(clock_off_by=off_by), *(play.worker() for _ in range(company))]
        time.sleep(quarter)
        for worker in workers:
            play.house.end(worker)
    play.worker(clock_off_by=-TWO_HOURS)
    return "a worker two hours ahead alone, and beside another; then one two hours behind"


def _storm(play: Play, size: Size) -> str:
    play.beat()
    play.beat("second")
    clocks = cycle([0, TWO_HOURS, 0, -TWO_HOURS])
    elder, younger = play.worker(), play.worker(clock_off_by=TWO_HOURS)
    redis_crashes = postgres_crashes = 0
    while not play.is_over:
        play.rest(0.5, 1.5)
        play.kill(elder)
        elder, younger = younger, play.worker(clock_off_by=next(clocks))
        match _dice.randrange(6):
            case 0:
                play.flush_redis()
            case 1:
                play.restart_redis(away=_dice.uniform(0, 2), is_emptied=True)
                redis_crashes += 1
            case 2:
                play.restart_postgres(_dice.choice([signal.SIGINT, signal.SIGQUIT]))
                postgres_crashes += 1
            case _:
                pass
    kills = play.hard_ends
    play.hard_ends += 2 * postgres_crashes
    return (
        f"{kills} × SIGKILL, Redis crashed {redis_crashes} ×, PostgreSQL {postgres_crashes} ×,"
        " two beats, every other worker's clock wrong"
    )


killed = _drill(_killed)
without_redis = _drill(_without_redis)
without_postgres = _drill(_without_postgres)
two_beats = _drill(_two_beats)
wrong_clocks = _drill(_wrong_clocks)
storm = _drill(_storm)
