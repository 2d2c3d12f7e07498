"""Real Celery workers for tests: processes of their own that can be stopped and killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.mailbox import Mailbox

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = "redis://127.0.0.1:9/0"


class WorkerProcess:
    """A worker on the test's database, which sends to the test's mailbox."""

    def __init__(self, mailbox: Mailbox, *, broker: str | None = None, **env: str) -> None:
        command = "-m celery -A config worker -P threads -c 1 -l WARNING --without-mingle"
        self.process = subprocess.Popen(
            [sys.executable, *command.split(), "--without-gossip", "--without-heartbeat"],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": _database_url(),
                "REDIS_URL": broker or settings.REDIS_URL,
                "EMAIL_URL": f"smtp://{mailbox.host}:{mailbox.port}",
                "SECRET_KEY": ",".join(settings.SECRET_KEYS),
                "NOTIFICATIONS_LEASE": "5",
                **env,
            },
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, *, within: float = 20) -> int:
        """End it as a deploy does; give its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=within)


def _database_url() -> str:
    database = connection.settings_dict
    user, password = quote(database["USER"]), quote(database["PASSWORD"] or "")
    name = quote(str(database["NAME"]))
    if str(database["HOST"]).startswith("/"):
        host = quote(str(database["HOST"]), safe="")
    else:
        host = str(database["HOST"])
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgres://{user}{':' + password if password else ''}@{host}{port}/{name}"


def wait_until(is_so: Callable[[], bool], *, within: float = 60) -> None:
    """Wait for something that another process does.

    Raises TimeoutError.
    """
    until = time.monotonic() + within
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {within} seconds")
        time.sleep(0.01)
