"""Rows 13 to 17: what desktops are told, beside npm faye in the same run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import redis
from django.conf import settings

from agents.cometd.names import PREFIX
from agents.cometd.options import PATH
from agents.models import Organization, User
from config.kernel.actors import Role
from tests.bench import progress
from tests.bench.databases import copy_of, sized, url_of
from tests.bench.table import Options, Row
from tests.foreign.packages import CannotInstall, installed
from tests.gates.house import from_procfile
from tests.make import token_for
from tests.notifications.workers import wait_until

_DESKTOPS, _IDLE = 1_000, 10_000
_RATE = 1_000.0
_SIZE = 1_000
_PEER = Path(__file__).with_name("peers") / "faye_server.mjs"

People = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class _Server:
    url: str
    process: subprocess.Popen[bytes]
    people: People
    redis_url: str = ""

    def process_ids(self) -> list[int]:
        """Give the process and its children: granian's workers do the work."""
        found = subprocess.run(
            ["pgrep", "--parent", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [self.process.pid, *(int(word) for word in found.stdout.split())]


def measure_push(options: Options) -> Iterator[Row]:
    """Tell a thousand desktops things, one at a time, steadily, and all at once."""
    with copy_of(sized(_SIZE), "push") as data, ExitStack() as stack:
        ours = stack.enter_context(_ours(data.name, _people(data.organization_id, _DESKTOPS)))
        peer = stack.enter_context(_peer())
        unicast = _interleaved(options, [ours, peer], mode="unicast")
        steady = _interleaved(options, [ours, peer], mode="rate")
        broadcast = _interleaved(options, [ours, peer], mode="broadcast")
    (mine, other) = (_median(some, "rate") for some in unicast)
    yield Row(
        number=13,
        name="push",
        what=f"one message to one of {_DESKTOPS:,} polls: messages a second, beside faye",
        target="≥ 1.1 × faye",
        figure=f"{mine:,.0f}/s; faye {other:,.0f}/s: {mine / other:.2f} ×",
        is_met=mine >= 1.1 * other,
    )
    (mine, other) = (_median(some, "p99") for some in steady)
    (cpu, other_cpu) = (_median(some, "cpu") for some in steady)
    yield Row(
        number=14,
        name="push",
        what=f"the same at {_RATE:,.0f} messages a second, open loop: p99",
        target="≤ 5 ms, ≤ half of faye's",
        figure=f"{mine:.1f} ms, {cpu:.2f} core; faye {other:.1f} ms, {other_cpu:.2f} core",
        is_met=mine <= 5 and mine <= other / 2,
    )
    (mine, other) = (_median(some, "rate") for some in broadcast)
    yield Row(
        number=15,
        name="push",
        what=f"one message to all {_DESKTOPS:,} polls: messages a second",
        target="≥ 1.2 × faye",
        figure=f"{mine:,.0f}/s; faye {other:,.0f}/s: {mine / other:.2f} ×",
        is_met=mine >= 1.2 * other,
    )


def measure_idle(options: Options) -> Iterator[Row]:
    """Hold ten thousand polls that nothing answers."""
    with ExitStack() as stack:
        data = stack.enter_context(copy_of(sized(_SIZE), "idle"))
        ours = stack.enter_context(_ours(data.name, _people(data.organization_id, _IDLE)))
        found = _measured(ours, mode="idle", seconds=max(options.seconds, 20))
    yield Row(
        number=17,
        name="idle",
        what=f"{_IDLE:,} polls that are held: CPU, and memory of the process for each",
        target="≤ 0.1 core, ≤ 20 kB",
        figure=f"{found['cpu']:.3f} core, {found['bytes'] / 1000:.1f} kB",
        is_met=found["cpu"] <= 0.1 and found["bytes"] <= 20_000,
    )


def _people(organization_id: UUID, count: int) -> People:
    organization = Organization.objects.get(pk=organization_id)
    users: list[User] = [
        User(
            username=f"push-{number}@example.org",
            organization=organization,
            roles=[Role.AGENT.value],
            password="!",
        )
        for number in range(count)
    ]
    User.objects.bulk_create(users)
    return [(str(user.pk), token_for(user)) for user in users]


@contextmanager
def _ours(database: str, people: People) -> Iterator[_Server]:
    port = _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": url_of(database),
        "PUSH_PORT": str(port),
        "LOG_LEVEL": "ERROR",
    }
    program = from_procfile("push", environment)
    with _process(
        list(program.command), dict(program.environment), port, cwd=program.directory
    ) as process:
        yield _Server(
            url=f"http://127.0.0.1:{port}{PATH}",
            process=process,
            people=people,
            redis_url=settings.REDIS_URL,
        )


@contextmanager
def _peer() -> Iterator[_Server]:
    try:
        folder = installed()
    except CannotInstall as problem:
        raise SystemExit(str(problem)) from None
    port = _free_port()
    script = folder / _PEER.name
    shutil.copyfile(_PEER, script)
    command = [shutil.which("node") or "node", str(script), str(port)]
    with _process(command, dict(os.environ), port, cwd=folder) as process:
        yield _Server(
            url=f"http://127.0.0.1:{port}/faye", process=process, people=[("", "")] * _DESKTOPS
        )


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], port: int, *, cwd: Path | None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=cwd, env=environment, start_new_session=True)
    try:
        wait_until(lambda: _listens(port))
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interleaved(
    options: Options, servers: Sequence[_Server], *, mode: str
) -> list[list[dict[str, float]]]:
    found: list[list[dict[str, float]]] = [[] for _ in servers]
    for _ in range(options.rounds):
        for server, results in zip(servers, found, strict=True):
            results.append(_measured(server, mode=mode, seconds=options.seconds))
            progress.say(f"{mode} {server.url.rpartition('/')[2]}: {results[-1]}")
    return found


def _measured(server: _Server, *, mode: str, seconds: float) -> dict[str, float]:
    if server.redis_url:
        _forget_clients()
    task = {
        "url": server.url,
        "mode": mode,
        "seconds": seconds,
        "warm": 1.0,
        "window": 64,
        "rate": _RATE,
        "people": server.people,
        "redis_url": server.redis_url,
        "cpu_of": server.process_ids(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.pollers"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the pollers failed: {done.stderr[-500:]}")
    # The polls of the last round must have ended.
    time.sleep(0.5)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _forget_clients() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{PREFIX}*", count=1_000):
            client.delete(key)


def _median(results: Sequence[dict[str, float]], name: str) -> float:
    return statistics.median(result[name] for result in results)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(0.5)
        return one.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
