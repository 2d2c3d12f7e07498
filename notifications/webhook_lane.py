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
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from config.kernel.outgoing import Pool
from notifications.errors import CannotBuild
from notifications.models import SigningSecret, Subscription
from notifications.models.kinds import Channel, Status
from notifications.services import dispatch, feed, queue, webhooks
from notifications.services.queue import Claim
from notifications.services.webhooks import Health, Shares
from notifications.transports import Accepted, Outcome, Refused, TryLater
from notifications.transports.webhooks.delivery import Delivery, Target, deliver, target_of

logger = logging.getLogger(__name__)
T = TypeVar("T")

# The first, the second, and all later attempts; and of the lease what they may use up.
LIMITS = (3.0, 5.0, 30.0)
_END_WITHIN = 0.95
# Within the quick attempts a receiver may ask for no more than this, later for no more than that.
_SOON, _LATER = timedelta(minutes=1), timedelta(days=1)
_TARGETS_SECONDS = 3.0
_LONGEST_SLEEP = 1.0
# What comes in between two looks is taken together. Where some had their share, more may be due:
# mostly the first answer tells when there is room for it.
_BETWEEN_LOOKS = 0.005
_AFTER_SOME = 0.05
# Small enough that nobody waits long for the one thread.
_NUMBERED_AT_ONCE = 500
_CLAIMED_AT_ONCE = 128
_SETTLED_AT_ONCE = 100
# One in so many places is for receivers that fail: if all of those hang, the others go on.
_FOR_FAILING = 4
# Of the time that a worker has to end, for what is to be written down.
_TO_WRITE = 2.0
# What is wrong is the receiver's address or our credentials, not the event.
_LOCKED_OUT = frozenset({"401", "403", "404"})
_CUT = "The worker ended before the receiver had answered; it may have arrived."

Targets = Mapping[UUID, Target | CannotBuild]


@dataclass
class _Opened:
    """Subscriptions as their requests need them, opened every few seconds."""

    found: dict[UUID, Target | CannotBuild] = field(default_factory=dict)
    since: float = 0.0

    def of(self, claims: Collection[Claim]) -> Targets:
        """Give the targets of some claims; what cannot be opened says why."""
        now = time.monotonic()
        if now - self.since > _TARGETS_SECONDS:
            self.found, self.since = {}, now
        by_subscription = {claim.row["recipient_id"]: claim for claim in claims}
        if wanted := set(by_subscription) - set(self.found):
            self._open(wanted, by_subscription)
        return {key: self.found[key] for key in by_subscription if key in self.found}

    def _open(self, wanted: set[UUID], claims: Mapping[UUID, Claim]) -> None:
        secrets = list(SigningSecret.objects.filter(subscription_id__in=wanted))
        for subscription in Subscription.objects.filter(pk__in=wanted):
            its = [one for one in secrets if one.subscription_id == subscription.pk]
            try:
                target = target_of(subscription, its, now=claims[subscription.pk].now)
            except CannotBuild as problem:
                self.found[subscription.pk] = problem
            else:
                self.found[subscription.pk] = target


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a claim; without an outcome it was not begun."""

    claim: Claim
    outcome: Outcome | None
    # Whether it says something about the receiver.
    is_theirs: bool = True


class Engine:
    """What a lane does: number, claim, deliver, settle. Lives in one event loop."""

    def __init__(self, woken: asyncio.Event) -> None:
        self._woken = woken
        self._pool = Pool()
        self._opened = _Opened()
        self._shares = Shares()
        self._database = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks-database")
        self._under_way: dict[asyncio.Task[None], Claim] = {}
        self._done: list[_Done] = []
        self._being_settled: Sequence[_Done] = ()
        self._has_done = asyncio.Event()
        self._is_over = False
        self._settler = asyncio.ensure_future(self._settle())

    @property
    def room(self) -> int:
        """How many more requests may begin; what is not written down yet has a place too."""
        taken = len(self._under_way) + len(self._done) + len(self._being_settled)
        return int(settings.WEBHOOKS_IN_FLIGHT) - taken

    async def look(self) -> float:
        """Begin what is due and fits in; give the seconds until the next look is worth it."""
        if self.room <= 0:
            return _LONGEST_SLEEP
        failing = sum(bool(claim.row["is_failing"]) for claim in self._under_way.values())
        to_failing = max(settings.WEBHOOKS_IN_FLIGHT // _FOR_FAILING, 1) - failing
        claims, targets, seconds = await self._in_database(
            partial(self._take, self.room, to_failing)
        )
        for claim in claims:
            task = asyncio.ensure_future(self._deliver(claim, targets))
            self._under_way[task] = claim
            task.add_done_callback(self._under_way.pop)
        return seconds

    def _take(self, room: int, to_failing: int) -> tuple[list[Claim], Targets, float]:
        numbered = feed.number_due(limit=_NUMBERED_AT_ONCE)
        answered = [one.claim.row["recipient_id"] for one in (*self._done, *self._being_settled)]
        shares = self._shares.current(answered=answered)
        limit = min(room, _CLAIMED_AT_ONCE)
        claims = webhooks.claim_due(limit=limit, to_failing=to_failing, shares=shares)
        targets = self._opened.of(claims) if claims else {}
        if numbered >= _NUMBERED_AT_ONCE or len(claims) >= limit:
            return claims, targets, 0.0
        if claims:
            return claims, targets, _AFTER_SOME
        wait = queue.time_to_next(Channel.WEBHOOKS)
        seconds = _LONGEST_SLEEP if wait is None else max(wait.total_seconds(), 0.0)
        return [], {}, min(seconds, _LONGEST_SLEEP)

    async def wait(self, seconds: float) -> None:
        """Wait until it is woken, for some seconds at most; when there is no room, for room."""
        await asyncio.sleep(_BETWEEN_LOOKS)
        if self.room <= 0:
            seconds = _LONGEST_SLEEP
        if seconds > _BETWEEN_LOOKS:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds - _BETWEEN_LOOKS)

    async def _deliver(self, claim: Claim, targets: Targets) -> None:
        done = _Done(claim, TryLater(reason=_CUT, is_away=True), is_theirs=False)
        try:
            done = await _delivered(self._pool, claim, targets.get(claim.row["recipient_id"]))
        finally:
            if done.is_theirs and done.outcome is not None:
                self._shares.note(
                    claim.row["recipient_id"], has_succeeded=isinstance(done.outcome, Accepted)
                )
            self._done.append(done)
            self._has_done.set()
            # There is room again.
            self._woken.set()

    async def _settle(self) -> None:
        while not self._is_over or self._done:
            await self._has_done.wait()
            self._has_done.clear()
            while self._done:
                batch, self._done = self._done[:_SETTLED_AT_ONCE], self._done[_SETTLED_AT_ONCE:]
                self._being_settled = batch
                try:
                    await self._in_database(partial(self._write, batch))
                except Exception:  # what is not written down is sent again when its lease is over
                    logger.exception("What became of %d webhooks is not known", len(batch))
                # Who waited for an elder may go.
                self._woken.set()

    def _write(self, batch: Collection[_Done]) -> None:
        try:
            _settle(batch)
        finally:
            # In the thread that counts them for the next claim.
            self._being_settled = ()

    async def finish(self, *, seconds: float) -> None:
        """End what is under way, within some seconds, and write down what came of it."""
        until = time.monotonic() + seconds
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=max(seconds - _TO_WRITE, 0.0))
        if cut := set(self._under_way):
            for task in cut:
                task.cancel()
            await asyncio.wait(cut)
        self._is_over = True
        self._has_done.set()
        left = max(until - time.monotonic(), 0.1)
        await asyncio.wait([self._settler], timeout=left)
        await self._pool.close()
        # Not the method itself: it would be that of this thread's connection.
        self._database.submit(lambda: connection.close())  # noqa: PLW0108
        self._database.shutdown(wait=self._settler.done())

    async def _in_database(self, command: Callable[[], T]) -> T:
        def run() -> T:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            return command()

        return await asyncio.get_running_loop().run_in_executor(self._database, run)


# --- One webhook ------------------------------------------------------------------------------


async def _delivered(pool: Pool, claim: Claim, target: Target | CannotBuild | None) -> _Done:
    # After a worker was frozen somebody else may have it.
    if time.monotonic() >= claim.begin_until:
        return _Done(claim, None)
    try:
        return _Done(claim, await _outcome(pool, claim, target))
    except Exception:  # a bug must not stop the others, nor be sent at full speed for ever
        logger.exception("Notification %s, attempt %d failed", claim.id, claim.attempt)
        reason = "An error of ours; the log of the worker has it."
        return _Done(claim, TryLater(reason=reason), is_theirs=False)


async def _outcome(pool: Pool, claim: Claim, target: Target | CannotBuild | None) -> Outcome:
    if target is None:
        return Refused(reason="The subscription has been deleted.")
    if isinstance(target, CannotBuild):
        return TryLater(reason=str(target))
    lease_ends_at = claim.taken_at + settings.NOTIFICATIONS_LEASE.total_seconds() * _END_WITHIN
    limit = min(LIMITS[min(claim.schedule_step, len(LIMITS) - 1)], lease_ends_at - time.monotonic())
    # By the database's clock: receivers refuse a signature that is minutes old.
    delivery = delivery_of(claim)
    if delivery is None:
        return Refused(reason="What it tells of has been erased.")
    outcome = await deliver(pool, target, delivery, deadline=limit, now=claim.now)
    if claim.row["is_paused"]:
        outcome = _of_a_question(outcome)
    if isinstance(outcome, TryLater) and outcome.after is not None:
        is_soon = delivery.is_booking or claim.schedule_step < webhooks.PATIENCE
        most = _SOON if is_soon else _LATER
        outcome = replace(outcome, after=min(outcome.after, most))
    return outcome


def _of_a_question(outcome: Outcome) -> Outcome:
    """Use no attempt up for asking a receiver that is paused.

    The event that asked goes back to those that wait, behind them: if it alone is what the
    receiver cannot take, another one asks the next time.
    """
    match outcome:
        case TryLater():
            return replace(outcome, is_away=True)
        case Refused() if outcome.provider_status in _LOCKED_OUT:
            status = outcome.provider_status
            return TryLater(reason=outcome.reason, provider_status=status, is_away=True)
        case _:
            return outcome


def delivery_of(claim: Claim) -> Delivery | None:
    """Give the event as it goes out: without its payload, once the persons in it are forgotten.

    None for what means nothing without its payload: an event of the booking webhook.
    """
    row = claim.row
    payload = feed.opened_payload(row["body"])
    if payload is None and row["booking_event"]:
        return None
    rest = {"id": str(row["subject_id"]), "applicationId": str(claim.application_id)}
    return feed.delivery_of(row, payload=payload or orjson.dumps(rest))


# --- What became of them ----------------------------------------------------------------------


def _settle(batch: Collection[_Done]) -> None:
    results = [
        dispatch.result_of(one.claim, one.outcome, None) for one in batch if one.outcome is not None
    ]
    if results:
        ours = dispatch.when_it_is_back(
            lambda: queue.settle(results), results[0].claim, count=len(results)
        )
        dispatch.note_overtaken(results, ours)
    if idle := [one.claim for one in batch if one.outcome is None]:
        dispatch.when_it_is_back(lambda: queue.release(idle), idle[0], count=len(idle))
    health = webhooks.in_one([_health(one) for one in batch if one.outcome and one.is_theirs])
    if health:
        dispatch.when_it_is_back(
            lambda: webhooks.note_health(health), results[0].claim, count=len(health)
        )
    if any(result.status is Status.DELIVERED for result in results):
        dispatch.note_provider(Channel.WEBHOOKS)


def _health(one: _Done) -> Health:
    return Health(
        subscription_id=one.claim.row["recipient_id"],
        has_succeeded=isinstance(one.outcome, Accepted),
        is_gone=isinstance(one.outcome, Refused) and one.outcome.provider_status == webhooks.GONE,
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
                seconds = await engine.look()
            except Exception as error:  # the loop of a sweep: log, postpone, go on
                if not pause:
                    logger.warning(
                        "webhooks: %s; trying again", type(error).__name__, exc_info=True
                    )
                seconds = pause = min(max(pause * 2, 0.1), _LONGEST_SLEEP)
            else:
                if pause:
                    logger.warning("webhooks: at work again")
                pause = 0.0
            await engine.wait(seconds)
    finally:
        await engine.finish(seconds=stop_seconds)


def deliver_due(*, limit: int = _SETTLED_AT_ONCE) -> int:
    """Deliver what is due now, once; return how many requests that were."""
    feed.number_due()
    claims = webhooks.claim_due(limit=limit)
    if claims:
        _settle(asyncio.run(_all_delivered(claims, _Opened().of(claims))))
    return len(claims)


async def _all_delivered(claims: Collection[Claim], targets: Targets) -> list[_Done]:
    pool = Pool()
    try:
        return await asyncio.gather(
            *(_delivered(pool, claim, targets.get(claim.row["recipient_id"])) for claim in claims)
        )
    finally:
        await pool.close()
