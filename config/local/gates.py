"""`make gates`: `python -m tests.gates`, which starts servers of its own under var/gates."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from typing import NoReturn

from config.local.environment import ROOT


def gates(environ: Mapping[str, str]) -> NoReturn:
    """Become the drills: they kill servers, so no supervisor may start these again."""
    words = shlex.split(environ.get("ARGS", ""))
    os.chdir(ROOT)
    # In the same process, so that it still ends with its parent.
    command = [sys.executable, "-m", "tests.gates", *words]
    os.execve(sys.executable, command, dict(environ))  # noqa: S606  # a shell has no part in it
