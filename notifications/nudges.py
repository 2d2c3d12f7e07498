"""Nudges: a word to the workers that something is due. Nothing depends on one arriving."""

from __future__ import annotations

import logging
import threading
import time

from celery import Celery, current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from notifications.models.kinds import Channel

logger = logging.getLogger(__name__)

# The first is said at once. A worker looks by itself every second; more nudges than this would
# only fill the broker.
_SECONDS_BETWEEN = 0.25
_SECONDS_AFTER_TROUBLE = 1.0
_EXPIRES_SECONDS = 60

# A task and its arguments.
Nudge = tuple[str, tuple[str, ...]]


class Nudger:
    """Says it from a thread of its own: a commit must not wait for a broker that hangs."""

    def __init__(self, app: Celery = current_app) -> None:
        self._app = app
        self._wanted: set[Nudge] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_in_trouble = False

    def nudge(self, task: str, *args: str) -> None:
        """Have a task published soon; what is asked for again meanwhile is published once."""
        with self._changed:
            self._wanted.add((task, args))
            # It is not alive either in the child of a server that forks.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted)
                wanted, self._wanted = self._wanted, set()
            time.sleep(self._published(wanted))

    def _published(self, wanted: set[Nudge]) -> float:
        """Publish the tasks; give the seconds until the next may follow."""
        try:
            for task, args in sorted(wanted):
                self._app.send_task(
                    task, args=args, expires=_EXPIRES_SECONDS, ignore_result=True, retry=False
                )
        except (OperationalError, RedisError, OSError):
            if not self._is_in_trouble:
                logger.warning("The broker cannot be reached: workers find out by themselves")
            self._is_in_trouble = True
            return _SECONDS_AFTER_TROUBLE
        self._is_in_trouble = False
        return _SECONDS_BETWEEN


_nudger = Nudger()


def nudge(channel: Channel) -> None:
    """Say that something may be due on the channel; neither waits nor raises."""
    nudge_task("notifications.send_due", channel.value)


def nudge_task(task: str, *args: str) -> None:
    """Have a task done soon that the workers do by themselves too; neither waits nor raises."""
    _nudger.nudge(task, *args)
