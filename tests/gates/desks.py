"""Desktops hear everything once and in order, though the processes that tell them are killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from agents.cometd import publisher
from agents.models import Organization, User
from agents.services import push
from agents.services.push import Told
from config.kernel.actors import Role
from tests.agents.cometd.proxy import Proxy, proxy_to
from tests.bench.databases import url_of
from tests.bench.progress import say
from tests.gates.crowd import TOPICS, Member, crowd
from tests.gates.house import from_procfile
from tests.gates.stage import Stage, care
from tests.gates.verdict import Check, Size
from tests.make import token_for
from tests.notifications.workers import wait_until

_dice = random.Random()
# A process that dies after the commit has published nothing: so often that is played here.
_DEAF = 0.05
_SWEEP_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is told to how many, and how roughly."""

    members: int
    events: int
    seconds: float
    kill_every: float
    flushes_redis: bool = True


class PushProcess:
    """One process of the Procfile that tells desktops, on a port of its own."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process = self._started()

    def restart(self) -> None:
        """End it as a power cut would, and start it again."""
        self.kill()
        self._process = self._started()

    def kill(self) -> None:
        """End it, and the worker that it has started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def answers(self) -> bool:
        """Tell whether it takes connections."""
        with socket.socket() as one:
            one.settimeout(0.5)
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": url_of(str(connection.settings_dict["NAME"])),
            "REDIS_URL": settings.REDIS_URL,
            "SECRET_KEY": ",".join(settings.SECRET_KEYS),
            "PUSH_PORT": str(self.port),
            "LOG_LEVEL": "ERROR",
        }
        program = from_procfile("push", environment)
        return subprocess.Popen(
            program.command,
            cwd=program.directory,
            env=dict(program.environment),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@dataclass
class Found:
    """What came of a play."""

    expected: Mapping[UUID, list[tuple[str, int]]]
    members: Sequence[Member]
    kills: int
    seconds: float
    flushes: int = 0
    wrong: list[str] = field(default_factory=list)

    def judge(self) -> None:
        """Compare what was heard with what was told."""
        for member in self.members:
            told, heard = self.expected[member.user_id], member.heard
            if told != heard:
                missing, more = set(told) - set(heard), len(heard) - len(set(heard))
                self.wrong.append(
                    f"{len(missing)} missing, {more} doubled of {len(told)},"
                    f" in order: {sorted(heard, key=lambda one: one[1]) == heard}"
                )

    def text(self) -> str:
        """Give the figures in words."""
        told = sum(len(some) for some in self.expected.values())
        shakes = sum(member.handshakes for member in self.members)
        return (
            f"{len(self.members)} desktops, {told:,} events, {self.kills} kills,"
            f" {self.flushes} times an empty Redis, {shakes} handshakes,"
            f" all heard after {self.seconds:.0f} s"
        )


def play(organization: Organization, plan: Plan) -> Found:
    """Tell everybody what is planned, kill as planned, and wait until it was heard."""
    members = [Member(user.pk, token_for(user)) for user in _users(organization, plan.members)]
    with ExitStack() as stack:
        processes = [PushProcess() for _ in range(2)]
        for one in processes:
            stack.callback(one.kill)
        wait_until(lambda: all(one.answers() for one in processes))
        proxy = stack.enter_context(proxy_to(*(one.port for one in processes)))
        stack.enter_context(crowd(members, proxy.port))
        wait_until(lambda: all(member.is_ready for member in members), within=120)
        say(f"{len(members)} desktops listen")
        begun = time.monotonic()
        with _trouble(processes, proxy, plan) as trouble, _sweeping(), _deafness():
            expected = _tell(organization, members, plan)
        found = Found(expected, members, trouble.kills, 0, flushes=trouble.flushes)
        with _sweeping():
            _wait_for_all(found)
        found.seconds = time.monotonic() - begun
    found.judge()
    return found


def drill(_stage: Stage, size: Size) -> list[Check]:
    """Play it in full: 200 desktops, 20,000 events."""
    plan = Plan(
        members=size.of(200, 40),
        events=size.of(20_000, 2_000),
        seconds=size.of(120, 20),
        kill_every=4,
    )
    found = play(care().organization, plan)
    return [
        Check(found.text()),
        Check(f"{len(found.wrong)} desktops heard something else", not found.wrong),
        *(Check(text, is_met=False) for text in found.wrong[:3]),
    ]


def _users(organization: Organization, count: int) -> list[User]:
    users: list[User] = [
        User(
            username=f"desk-{number}@example.org",
            organization=organization,
            roles=[Role.AGENT.value],
            password="!",
        )
        for number in range(count)
    ]
    User.objects.bulk_create(users)
    return users


def _tell(
    organization: Organization, members: Sequence[Member], plan: Plan
) -> dict[UUID, list[tuple[str, int]]]:
    """Tell one thing after the other, each to one, two or three of them."""
    expected: dict[UUID, list[tuple[str, int]]] = {one.user_id: [] for one in members}
    begun, told = time.monotonic(), 0
    while told < plan.events:
        due = begun + plan.seconds * told / plan.events
        time.sleep(max(0.0, due - time.monotonic()))
        topic = _dice.choice(TOPICS)
        chosen = _dice.sample(members, min(_dice.randint(1, 3), len(members)))
        with transaction.atomic():
            push.tell(
                [Told(user_id=one.user_id, topic=topic, data={"n": told}) for one in chosen],
                organization_id=organization.pk,
                now=timezone.now(),
            )
        for one in chosen:
            expected[one.user_id].append((topic, told))
        told += 1
    return expected


def _wait_for_all(found: Found) -> None:
    wanted = sum(len(some) for some in found.expected.values())
    try:
        wait_until(lambda: sum(len(one.heard) for one in found.members) >= wanted, within=90)
    except TimeoutError:
        return  # what is missing is told by the comparison
    # What would come twice comes within the next polls.
    time.sleep(1)


@dataclass
class _Trouble:
    kills: int = 0
    flushes: int = 0


@contextmanager
def _trouble(processes: Sequence[PushProcess], proxy: Proxy, plan: Plan) -> Iterator[_Trouble]:
    """Kill one process after the other, cut the network, and empty Redis once."""
    trouble, over = _Trouble(), threading.Event()

    def make() -> None:
        flush_at = time.monotonic() + plan.seconds / 2
        while not over.wait(plan.kill_every):
            processes[trouble.kills % len(processes)].restart()
            trouble.kills += 1
            if trouble.kills % 3 == 0:
                proxy.cut()
            if plan.flushes_redis and not trouble.flushes and time.monotonic() > flush_at:
                with redis.Redis.from_url(settings.REDIS_URL) as client:
                    client.flushdb()
                trouble.flushes += 1

    with _thread(make, over):
        yield trouble


@contextmanager
def _sweeping() -> Iterator[None]:
    """Look for what was left, as every worker does."""
    over = threading.Event()

    def sweep() -> None:
        try:
            while not over.wait(_SWEEP_SECONDS):
                publisher.sweep()
        finally:
            connection.close()

    with _thread(sweep, over):
        yield


@contextmanager
def _thread(target: object, over: threading.Event) -> Iterator[None]:
    assert callable(target)
    thread = threading.Thread(target=target, name="trouble")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _deafness() -> Iterator[None]:
    """Have what is committed not be published now and then."""

    def published(users: Collection[UUID]) -> None:
        if _dice.random() >= _DEAF:
            publisher.publish_soon(users)

    with patch("agents.services.push.publish_soon", published):
        yield


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
