"""The environment, read once: a malformed value stops the start with one clear line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

# FileAwareEnv reads NAME_FILE where NAME is not set, as container secrets want it.
env = environ.FileAwareEnv()

T = TypeVar("T")


def read(name: str, parse: Callable[[str], T], *, default: str, wanted: str) -> T:
    """Give the parsed value of a variable, or of its default.

    Raises ImproperlyConfigured, naming the variable and what was wanted of it.
    """
    text = env.str(name, default=default)
    try:
        return parse(text)
    except (ValueError, KeyError, ImproperlyConfigured):
        # The value itself may be a secret, so the line shows the name only.
        raise ImproperlyConfigured(f"{name} is not valid: expected {wanted}.") from None


def integer(name: str, *, default: int, least: int = 0, most: int = 2**31 - 1) -> int:
    """Give a whole number within its bounds."""

    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return read(name, parse, default=str(default), wanted=f"a whole number from {least} to {most}")


def flag(name: str, *, default: bool) -> bool:
    """Give true for 1/true/yes/on and false for 0/false/no/off."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return read(
        name,
        lambda text: words[text.strip().lower()],
        default=str(default),
        wanted="true or false",
    )


def words(name: str, *, default: str = "") -> list[str]:
    """Give a comma-separated list without its empty members."""
    return [word.strip() for word in env.str(name, default=default).split(",") if word.strip()]
