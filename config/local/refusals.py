"""Why a start is refused. Each message is one line that says what to do."""

from __future__ import annotations


class StartRefused(Exception):
    """The start cannot go on; the message is all that the user needs."""

    exit_status = 1


class Malformed(StartRefused):
    """A variable of the environment cannot be understood."""

    exit_status = 2
