"""Looks at an environment before anything is started with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from config.local.environment import ROOT
from config.local.refusals import Malformed, StartRefused

_REFUSED = 3

_SETTINGS = f"""
import sys
from django.core.exceptions import ImproperlyConfigured
try:
    import config.settings
except ImproperlyConfigured as error:
    print(error)
    sys.exit({_REFUSED})
"""

# The settings know how each address is meant, and neither line shows a password.
_SERVERS = f"""
import sys
import redis
from django.conf import settings
from django.db import connection
from django.db.utils import Error
try:
    connection.ensure_connection()
except Error as error:
    print("DATABASE_URL leads to no database:", str(error).strip().splitlines()[-1])
    sys.exit({_REFUSED})
try:
    redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3).ping()
except redis.RedisError as error:
    print("REDIS_URL leads to no Redis:", error)
    sys.exit({_REFUSED})
"""


def check_settings(environment: Mapping[str, str]) -> None:
    """Refuse an environment that the settings do not understand.

    Raises Malformed with the settings' own line, which names the variable.
    """
    refusal = _refusal(_SETTINGS, environment)
    if refusal is not None:
        raise Malformed(refusal)


def check_servers(environment: Mapping[str, str]) -> None:
    """Refuse servers that cannot be reached.

    Raises StartRefused with one line that names the variable.
    """
    refusal = _refusal(_SERVERS, environment)
    if refusal is not None:
        raise StartRefused(refusal)


def _refusal(code: str, environment: Mapping[str, str]) -> str | None:
    # In a process of its own, for settings are read once and for all when they are imported.
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=dict(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == _REFUSED:
        return " ".join(result.stdout.split())
    if result.returncode != 0:
        raise StartRefused(f"The settings cannot be read:\n{result.stderr.strip()}")
    return None
