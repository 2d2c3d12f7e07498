"""Web servers under test, each with one worker, and the CPU time that they and PostgreSQL take."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from tests.bench.databases import url_of

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers on a port of this machine."""

    name: str
    database: str
    port: int
    process_id: int

    def cpu(self) -> float:
        """Give the seconds of CPU time that it has taken."""
        return _cpu_of_tree(self.process_id)


@dataclass(frozen=True)
class Wanted:
    """A server to be started: a WSGI application over one database."""

    name: str
    database: str
    application: str
    settings: str


OURS = ("config.wsgi:application", "config.settings")
PEERS = ("tests.bench.peers.wsgi:application", "tests.bench.peers.settings")


@contextmanager
def running(*wanted: Wanted) -> Iterator[Mapping[str, Server]]:
    """Run the servers as production does, but with one worker each; give them by name."""
    with ExitStack() as stack:
        servers = {one.name: stack.enter_context(_running(one)) for one in wanted}
        for server in servers.values():
            _wait_for(server)
        yield servers


@contextmanager
def _running(wanted: Wanted) -> Iterator[Server]:
    port = _free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--workers", "1", "--blocking-threads", "1", "--no-ws",
        "--no-log", wanted.application,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DATABASE_URL": url_of(wanted.database),
        "DJANGO_SETTINGS_MODULE": wanted.settings,
        "LOG_LEVEL": "ERROR",
    }
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        try:
            yield Server(
                name=wanted.name, database=wanted.database, port=port, process_id=process.pid
            )
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: Server) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{server.name} does not answer.")


def postgres_cpu(database: str) -> float | None:
    """Give the CPU seconds of a database's connections; None where PostgreSQL runs elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [database])
        found = [_stat(process_id) for (process_id,) in cursor.fetchall()]
    if not found or any(one is None or "postgres" not in one.command for one in found):
        return None
    return sum(one.seconds for one in found if one is not None)


@dataclass(frozen=True, kw_only=True)
class _Stat:
    command: str
    parent: int
    # Of itself and of its children that have ended.
    seconds: float


def _stat(process_id: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    command, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return _Stat(
        command=command,
        parent=int(fields[1]),
        seconds=sum(int(field) for field in fields[11:15]) / _TICKS,
    )


def _cpu_of_tree(root: int) -> float:
    children: dict[int, list[int]] = {}
    stats: dict[int, _Stat] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (status := _stat(int(folder.name))) is not None:
            stats[int(folder.name)] = status
            children.setdefault(status.parent, []).append(int(folder.name))
    seconds, waiting = 0.0, [root]
    while waiting:
        process_id = waiting.pop()
        seconds += stats[process_id].seconds if process_id in stats else 0.0
        waiting += children.get(process_id, [])
    return seconds
