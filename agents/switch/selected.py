"""Which switch there is: the settings name it, the embedded one unless they say otherwise."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from agents.switch.protocol import Switch


def switch() -> Switch:
    """Give the switch that the settings name."""
    return _made(settings.AGENTS_SWITCH)


@cache
def _made(path: str) -> Switch:
    made: Switch = import_string(path)()
    return made
