"""Become another program, one that ends when its parent does.

Started as a file, before every child, instead of `preexec_fn`, which is unsafe beside threads:
`launch.py PARENT SIGNAL UID GID COMMAND…`, where UID and GID may be `-`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _prctl() -> Callable[..., int] | None:
    if sys.platform == "linux":
        with contextlib.suppress(ImportError):  # A Python may have been built without it.
            import ctypes  # noqa: PLC0415 - of no use on other systems

            found: Callable[..., int] = ctypes.CDLL(None).prctl
            return found
    return None


def end_with_parent(parent: int, death_signal: int) -> None:
    """Have the system send a signal when the parent ends, however it ends, if it can do that."""
    _tie(_prctl(), parent, death_signal)


def _tie(prctl: Callable[..., int] | None, parent: int, death_signal: int) -> None:
    if prctl is None:
        return  # The next start ends what is left.
    prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # A parent that ended before the call above will send nothing any more.
    if os.getppid() != parent:
        sys.exit(1)


def main(parent: str, death_signal: str, uid: str, gid: str, *command: str) -> None:
    """Take the account, tie the process to its parent, and run the command in its place."""
    # Before the change of account: Python itself may lie where the account cannot read.
    prctl = _prctl()
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After it, since it would undo this.
    _tie(prctl, int(parent), int(death_signal))
    # Python ignores it, and a program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606 - a shell has no part in it


if __name__ == "__main__":
    main(*sys.argv[1:])
