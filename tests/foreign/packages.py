"""The packages of `package-lock.json`, installed outside the tree on first use."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from django.conf import settings

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
_FILES = ("package.json", "package-lock.json", "verify.mjs", "calendars.mjs", "desktop.mjs")
_SECONDS = 300


class CannotInstall(Exception):
    """The packages are not there, and npm could not get them; the message says why."""


def installed() -> Path:
    """Give a directory with the scripts of this folder and the packages that they import.

    Raises CannotInstall.
    """
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _FILES)).hexdigest()
    folder = Path(settings.FRONTDESK_HOME) / "foreign" / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed"
    # Of several test processes one installs, and the others wait for it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            _install(folder)
            stamp.touch()
    return folder


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotInstall("npm is missing: install the package npm")
    for name in _FILES:
        shutil.copyfile(HERE / name, folder / name)
    # Exactly what the lock file says, by its hashes; nobody's scripts are run.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "npm_config_update_notifier": "false"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"npm ci took longer than {_SECONDS} seconds") from None
    if done.returncode:
        raise CannotInstall(f"npm ci failed: {done.stderr.strip()[-500:]}")
