"""`make gates` and `make chaos`: `python -m tests.gates`, on servers of its own in var/gates."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from typing import NoReturn

from config.local.environment import ROOT


def gates(environ: Mapping[str, str]) -> NoReturn:
    """Become the drills: they kill servers, so no supervisor may start these again."""
    _drill(environ)


def chaos(environ: Mapping[str, str]) -> NoReturn:
    """Become those of the drills that take the house apart while reminders go out."""
    _drill(environ, "--chaos")


def _drill(environ: Mapping[str, str], *options: str) -> NoReturn:
    words = [*options, *shlex.split(environ.get("ARGS", ""))]
    os.chdir(ROOT)
    # In the same process, so that it still ends with its parent.
    command = [sys.executable, "-m", "tests.gates", *words]
    os.execve(sys.executable, command, dict(environ))  # noqa: S606  # a shell has no part in it
