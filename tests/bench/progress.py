"""What a run is doing just now, beside the table that it prints at the end."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Tell whoever waits what is being done."""
    print(f"… {text}", file=sys.stderr, flush=True)  # noqa: T201  # to whoever waits
