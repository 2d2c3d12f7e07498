"""The sweeper: threads in every Celery worker that look for themselves what is due.

Celery and its broker are an optimisation: they wake a sweeper a little earlier. Each channel with
a transport has a lane of its own, so that a slow provider does not hold up another channel.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socket import gethostname
from typing import Any

from celery import bootsteps, signals
from django.db import Error as DatabaseAway
from django.db import connection

from notifications import transports, webhook_lane
from notifications.models.kinds import Channel
from notifications.services import chores, dispatch, queue, upkeep, webhooks

logger = logging.getLogger(__name__)

# What a lost nudge costs, and the longest that a lane sleeps.
_LONGEST_SLEEP = 1.0
_FIRST_PAUSE = 0.1
_HEARTBEAT_SECONDS = 15.0
# A lane that has not come round for so long does not live: one batch has a lease to end in.
_STUCK_SECONDS = 120.0
# One send, what it takes to write it down, and no more (RELIABILITY: SIGTERM).
STOP_SECONDS = dispatch.SEND_SECONDS


class Lane(threading.Thread):
    """Does what is due, then sleeps until something is due, or a second; for ever."""

    def __init__(self, name: str, stopping: threading.Event) -> None:
        super().__init__(name=f"lane-{name}", daemon=True)
        self.came_round_at = time.monotonic()
        self._stopping = stopping
        self._nudged = threading.Event()
        self._pause = 0.0

    def look(self) -> float | None:
        """Do a batch of what is due; give the seconds to sleep after it, None for the longest."""
        raise NotImplementedError

    def nudge(self) -> None:
        """End its sleep."""
        self._nudged.set()

    def run(self) -> None:
        """Sweep until it is told to stop."""
        try:
            while not self._stopping.is_set():
                self.came_round_at = time.monotonic()
                # Cleared before looking: what is planned while we look must not be slept over.
                self._nudged.clear()
                self._nudged.wait(self.sweep())
        finally:
            connection.close()

    def sweep(self) -> float:
        """Look once; give the seconds to sleep. Nothing that happens here ends the lane."""
        try:
            leave_broken_connection()
            seconds = self.look()
        except Exception as error:  # the loop of a sweep: log, postpone, go on
            if not self._pause:
                logger.warning(
                    "%s: %s; trying again", self.name, type(error).__name__, exc_info=True
                )
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_SLEEP)
            connection.close()
            return self._pause
        if self._pause:
            logger.warning("%s: at work again", self.name)
            self._pause = 0.0
        return _LONGEST_SLEEP if seconds is None else min(max(seconds, 0.0), _LONGEST_SLEEP)


class ChannelLane(Lane):
    """Sends what is due on one channel."""

    def __init__(self, channel: Channel, stopping: threading.Event) -> None:
        super().__init__(channel.lower(), stopping)
        self.channel = channel

    def look(self) -> float | None:
        """Send a batch."""
        if dispatch.send_due(self.channel, is_stopping=self._stopping.is_set):
            return 0.0
        transports.transport_of(self.channel).rest()
        wait = queue.time_to_next(self.channel)
        return None if wait is None else wait.total_seconds()


class WebhookLane(Lane):
    """Sends webhooks, many at once, in an event loop of its own."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__("webhooks", stopping)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None

    def nudge(self) -> None:
        """End its sleep."""
        if self._loop is not None and self._woken is not None:
            with suppress(RuntimeError):  # the loop has come to its end meanwhile
                self._loop.call_soon_threadsafe(self._woken.set)

    def run(self) -> None:
        """Send until it is told to stop."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        await webhook_lane.run_until(
            self._stopping,
            woken=self._woken,
            came_round=self._note_round,
            stop_seconds=STOP_SECONDS,
        )

    def _note_round(self) -> None:
        self.came_round_at = time.monotonic()


class ChoreLane(Lane):
    """Does what another app has registered."""

    def __init__(self, name: str, chore: Callable[[], int], stopping: threading.Event) -> None:
        super().__init__(name, stopping)
        self._chore = chore

    def look(self) -> float | None:
        """Do a batch."""
        return 0.0 if self._chore() else None


def leave_broken_connection() -> None:
    """Do what Django does after a request: a kept connection is asked before it is trusted."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


class Sweeper:
    """The lanes of this process, and its sign of life."""

    def __init__(self) -> None:
        self.name = f"worker {gethostname()}"[:100]
        self._stopping = threading.Event()
        self._channels = {
            channel: ChannelLane(channel, self._stopping) for channel in transports.channels()
        }
        self._webhooks = WebhookLane(self._stopping)
        self._lanes: list[Lane] = [
            *self._channels.values(),
            self._webhooks,
            *(ChoreLane(name, chore, self._stopping) for name, chore in chores.registered()),
        ]
        self._pulse = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to sweep."""
        for thread in (*self._lanes, self._pulse):
            thread.start()

    def nudge(self, channel: Channel) -> None:
        """Let the channel's lane look at once."""
        if channel is Channel.WEBHOOKS:
            self._webhooks.nudge()
        elif channel in self._channels:
            self._channels[channel].nudge()

    def close(self) -> None:
        """Begin nothing more; does not wait."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        for lane in self._lanes:
            lane.nudge()

    def stop(self) -> None:
        """End what is in flight and give back the rest; waits for it, but not for ever."""
        self.close()
        until = time.monotonic() + STOP_SECONDS
        for thread in (*self._lanes, self._pulse):
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                logger.warning("%s did not come to an end in time", thread.name)

    def _beat(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._is_at_work():
                    self._note()
                self._stopping.wait(_HEARTBEAT_SECONDS)
        finally:
            connection.close()

    def _is_at_work(self) -> bool:
        latest = time.monotonic() - _STUCK_SECONDS
        return all(lane.is_alive() and lane.came_round_at > latest for lane in self._lanes)

    def _note(self) -> None:
        try:
            leave_broken_connection()
            upkeep.note_heartbeat(self.name)
            upkeep.cancel_late()
            webhooks.cancel_orphans()
            webhooks.cancel_ended()
        except DatabaseAway as error:  # the lanes say more about it
            logger.warning("%s: no sign of life written: %s", self.name, type(error).__name__)
            connection.close()


class _InThisProcess:
    sweeper: Sweeper | None = None


def look(channel: Channel) -> None:
    """Send what is due on a channel soon: the sweeper does it, or, where there is none, we do."""
    sweeper = _InThisProcess.sweeper
    if sweeper is not None:
        sweeper.nudge(channel)
    elif channel is Channel.WEBHOOKS:
        webhook_lane.deliver_due()
    elif channel in transports.channels():
        dispatch.send_due(channel)


class Sweeping(bootsteps.StartStopStep):
    """Celery's step that runs the sweeper in the worker, whether or not there is a broker."""

    # After the pool, which may fork; before the consumer, which waits for the broker.
    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Start the sweeper of this process."""
        _InThisProcess.sweeper = self._sweeper = Sweeper()
        # Sent by the handler of SIGTERM itself; the steps are closed when the broker lets them.
        signals.worker_shutting_down.connect(self.close)
        self._sweeper.start()

    def close(self, *_: Any, **__: Any) -> None:
        """Begin nothing more, while the tasks of the pool come to their end."""
        self._sweeper.close()

    def stop(self, parent: Any) -> None:
        """End the sweeper; the worker ends after it."""
        self._sweeper.stop()
        _InThisProcess.sweeper = None

    terminate = stop
