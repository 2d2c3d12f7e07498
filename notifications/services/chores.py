"""Chores: what other apps have the workers look for, beside the notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_chores: dict[str, Callable[[], int]] = {}


def sweep_too(name: str, chore: Callable[[], int]) -> None:
    """Have every worker call this each second: a chore that returns how many things it did.

    It is called again at once while there was something to do, by several workers at a time, and
    whether or not there is a broker.
    """
    _chores[name] = chore


def registered() -> Iterable[tuple[str, Callable[[], int]]]:
    """Give the chores by their names."""
    return _chores.items()
