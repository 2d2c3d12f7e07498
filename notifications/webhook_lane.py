"""The lane of the webhooks: one event loop with many requests under way at once.

Nothing of the database is done in the loop: claims, numbers and results go through one thread of
their own, so that a statement holds up no receiver, and a receiver no statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.kernel.outgoing import Pool
from notifications.errors import CannotBuild
from notifications.models import SigningSecret, Subscription
from notifications.models.kinds import Channel, Status
from notifications.services import dispatch, feed, queue, webhooks
from notifications.services.queue import Claim
from notifications.services.webhooks import Health
from notifications.transports import Accepted, Outcome, Refused, TryLater
from notifications.transports.webhooks.delivery import Delivery, Target, deliver, target_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

# The first, the second, and all later attempts.
_LIMITS = (3.0, 5.0, 30.0)
# Within the quick attempts a receiver may ask for no more than this, later for no more than that.
_SOON, _LATER = timedelta(minutes=1), timedelta(days=1)
_TARGETS_SECONDS = 3.0
_LONGEST_SLEEP = 1.0
_SETTLED_AT_ONCE = 100


@dataclass
class _Targets:
    """Subscriptions as their requests need them, opened every few seconds."""

    found: dict[UUID, Target | CannotBuild] = field(default_factory=dict)
    since: float = 0.0

    def of(self, claims: list[Claim]) -> dict[UUID, Target | CannotBuild]:
        """Give the targets of some claims; what cannot be opened says why."""
        now = time.monotonic()
        if now - self.since > _TARGETS_SECONDS:
            self.found, self.since = {}, now
        wanted = {claim.row["recipient_id"] for claim in claims} - set(self.found)
        if wanted:
            self._open(wanted)
        return dict(self.found)

    def _open(self, wanted: set[UUID]) -> None:
        secrets = list(SigningSecret.objects.filter(subscription_id__in=wanted))
        for subscription in Subscription.objects.filter(pk__in=wanted):
            its = [one for one in secrets if one.subscription_id == subscription.pk]
            try:
                self.found[subscription.pk] = target_of(subscription, its, now=timezone.now())
            except CannotBuild as problem:
                self.found[subscription.pk] = problem


@dataclass(frozen=True)
class _Done:
    claim: Claim
    outcome: Outcome


class Engine:
    """What a lane does: number, claim, deliver, settle. Lives in one event loop."""

    def __init__(self, woken: asyncio.Event) -> None:
        self._woken = woken
        self._pool = Pool()
        self._targets = _Targets()
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks-database")
        self._under_way: set[asyncio.Task[None]] = set()
        self._done: list[_Done] = []
        self._has_done = asyncio.Event()
        self._is_over = False
        self._settler = asyncio.ensure_future(self._settle())

    @property
    def room(self) -> int:
        """How many more requests may begin."""
        return int(settings.WEBHOOKS_IN_FLIGHT) - len(self._under_way)

    async def look(self) -> int:
        """Begin what is due and fits in; return how many requests were begun."""
        if self.room <= 0:
            return 0
        claims, targets = await self._in_database(self._take)
        for claim in claims:
            task = asyncio.ensure_future(self._deliver(claim, targets))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claims)

    def _take(self) -> tuple[list[Claim], dict[UUID, Target | CannotBuild]]:
        feed.number_due()
        claims = webhooks.claim_due(limit=self.room)
        return claims, self._targets.of(claims) if claims else {}

    async def seconds_to_next(self) -> float:
        """Give how long to sleep when there was nothing to begin."""
        wait = await self._in_database(lambda: queue.time_to_next(Channel.WEBHOOKS))
        longest = _LONGEST_SLEEP
        return longest if wait is None else min(max(wait.total_seconds(), 0.0), longest)

    async def wait(self, seconds: float) -> None:
        """Wait until it is woken, for some seconds at most; when there is no room, for room."""
        if self.room <= 0:
            seconds = _LONGEST_SLEEP
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)

    async def _deliver(self, claim: Claim, targets: dict[UUID, Target | CannotBuild]) -> None:
        target = targets.get(claim.row["recipient_id"])
        done = await _delivered(self._pool, claim, target)
        # Only now: the list is another one after each settlement.
        self._done.append(done)
        self._has_done.set()

    async def _settle(self) -> None:
        while not self._is_over or self._done:
            await self._has_done.wait()
            self._has_done.clear()
            while self._done:
                batch, self._done = self._done[:_SETTLED_AT_ONCE], self._done[_SETTLED_AT_ONCE:]
                await self._in_database(lambda batch=batch: _settle(batch))  # type: ignore[misc]  # a lambda with a default
                # There is room again, and who waited for an elder may go.
                self._woken.set()

    async def finish(self, *, seconds: float) -> None:
        """End what is under way, within some seconds, and write down what came of it."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)
        for task in self._under_way:
            # Its lease will be over, and it is sent again with the same id.
            task.cancel()
        self._is_over = True
        self._has_done.set()
        await self._settler
        await self._pool.close()
        # Not the method itself: it would be that of this thread's connection.
        await self._in_database(lambda: connection.close())  # noqa: PLW0108
        self._database.shutdown()

    async def _in_database(self, command: Callable[[], T]) -> T:
        def run() -> T:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return command()

        return await asyncio.get_running_loop().run_in_executor(self._database, run)


async def _delivered(pool: Pool, claim: Claim, target: Target | CannotBuild | None) -> _Done:
    try:
        outcome = await _outcome(pool, claim, target)
    except Exception:  # a bug must not stop the others, nor be sent at full speed for ever
        logger.exception("Notification %s, attempt %d failed", claim.id, claim.attempt)
        outcome = TryLater(reason="An error of ours; the log of the worker has it.")
    return _Done(claim, outcome)


async def _outcome(pool: Pool, claim: Claim, target: Target | CannotBuild | None) -> Outcome:
    if target is None:
        return Refused(reason="The subscription has been deleted.")
    if isinstance(target, CannotBuild):
        return TryLater(reason=str(target))
    limit = _LIMITS[min(claim.schedule_step, len(_LIMITS) - 1)]
    outcome = await deliver(pool, target, delivery_of(claim), deadline=limit, now=timezone.now())
    if isinstance(outcome, TryLater) and outcome.after is not None:
        most = _SOON if claim.schedule_step < len(_LIMITS) else _LATER
        outcome = replace(outcome, after=min(outcome.after, most))
    return outcome


def delivery_of(claim: Claim) -> Delivery:
    """Give the event as it goes out: without its payload, once the persons in it are forgotten."""
    row = claim.row
    payload = feed.opened_payload(row["body"]) or orjson.dumps(
        {"id": str(row["subject_id"]), "applicationId": str(claim.application_id)}
    )
    return Delivery(
        id=claim.id,
        type=row["type"],
        occurred_at=row["scheduled_for"] or row["created_at"],
        payload=payload,
    )


def _settle(batch: list[_Done]) -> None:
    results = [dispatch.result_of(one.claim, one.outcome, None) for one in batch]
    ours = dispatch.when_it_is_back(
        lambda: queue.settle(results), results[0].claim, count=len(results)
    )
    dispatch.note_overtaken(results, ours)
    found = webhooks.in_one([_health(one) for one in batch])
    webhooks.note_health(
        one for one in found if not one.has_succeeded or _was_ill(batch, one.subscription_id)
    )
    if any(result.status is Status.DELIVERED for result in results):
        dispatch.note_provider(Channel.WEBHOOKS)


def _health(one: _Done) -> Health:
    return Health(
        subscription_id=one.claim.row["recipient_id"],
        has_succeeded=isinstance(one.outcome, Accepted),
        is_gone=isinstance(one.outcome, Refused) and one.outcome.provider_status == webhooks.GONE,
    )


def _was_ill(batch: list[_Done], subscription_id: UUID) -> bool:
    """Whether something is to be taken back: most requests go to receivers that are well."""
    return any(
        one.claim.row["is_failing"]
        for one in batch
        if one.claim.row["recipient_id"] == subscription_id
    )


# --- In a worker ------------------------------------------------------------------------------


async def run_until(
    stopping: threading.Event,
    *,
    woken: asyncio.Event,
    came_round: Callable[[], None],
    stop_seconds: float,
) -> None:
    """Deliver what is due until it is told to stop; then end what is under way."""
    engine = Engine(woken)
    pause = 0.0
    try:
        while not stopping.is_set():
            came_round()
            woken.clear()
            try:
                begun = await engine.look()
                seconds = 0.0 if begun else await engine.seconds_to_next()
                pause = 0.0
            except Exception as error:  # the loop of a sweep: log, postpone, go on
                if not pause:
                    logger.warning(
                        "webhooks: %s; trying again", type(error).__name__, exc_info=True
                    )
                seconds = pause = min(max(pause * 2, 0.1), _LONGEST_SLEEP)
            await engine.wait(seconds)
    finally:
        await engine.finish(seconds=stop_seconds)


def deliver_due(*, limit: int = _SETTLED_AT_ONCE) -> int:
    """Deliver what is due now, once; return how many requests that were."""
    feed.number_due()
    claims = webhooks.claim_due(limit=limit)
    if claims:
        targets = _Targets().of(claims)
        _settle(asyncio.run(_all_delivered(claims, targets)))
    return len(claims)


async def _all_delivered(
    claims: list[Claim], targets: dict[UUID, Target | CannotBuild]
) -> list[_Done]:
    pool = Pool()
    try:
        return await asyncio.gather(
            *(_delivered(pool, claim, targets.get(claim.row["recipient_id"])) for claim in claims)
        )
    finally:
        await pool.close()
