"""Keys: UUIDs of version 7, so that new rows lie side by side in an index."""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_latest = 0

_ORDINARY = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid7() -> UUID:
    """Give a new key that sorts after every key this process has given before (RFC 9562, 5.7)."""
    global _latest  # noqa: PLW0603  # the order of the keys is a fact about the process
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    # Twelve bits of the fraction of the millisecond follow it (RFC 9562, 6.2, method 3).
    moment = milliseconds << 12 | (rest << 12) // 1_000_000
    with _lock:
        # Two keys in one quarter of a microsecond, or a clock that was set back.
        moment = _latest = max(moment, _latest + 1)
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=moment >> 12 << 80 | 0x7 << 76 | (moment & 0xFFF) << 64 | 0b10 << 62 | chance)


def moment_of(key: UUID) -> datetime | None:
    """Give when a key was made, to the millisecond; None for one of another version."""
    if key.version != 7:
        return None
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def parse_uuid(text: str) -> UUID | None:
    """Give the UUID that a text writes in its ordinary form; None for everything else."""
    return UUID(text) if _ORDINARY.fullmatch(text) else None
