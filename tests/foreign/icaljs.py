"""What ical.js, which browsers and mail programs read calendars with, finds in our files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.foreign.packages import installed

_SECONDS = 60


def read_with_icaljs(contents: Sequence[bytes]) -> list[dict[str, Any]]:
    """Give, for each file, its method and name and its events.

    Raises CannotInstall, and CalledProcessError for a file that the library refuses.
    """
    lines = "".join(f"{json.dumps(content.decode())}\n" for content in contents)
    done = subprocess.run(
        [shutil.which("node") or "node", "calendars.mjs"],
        cwd=installed(),
        input=lines,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
