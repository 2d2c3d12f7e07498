"""Dispatch: what is due is claimed, handed to its transport, and what came of it is written down.

The claim, with its attempt, is committed before anything is sent, and no transaction is open while
a provider thinks. What a SIGKILL can repeat is what was sent and not yet written down.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar, assert_never
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from config.kernel.time import parse_zone
from notifications import transports
from notifications.errors import CannotBuild
from notifications.messages import Message
from notifications.models import Undeliverable
from notifications.models.kinds import Channel, Status
from notifications.quiet import Pause, pause_of
from notifications.services import queue, undeliverable, upkeep
from notifications.services.queue import Claim, Result
from notifications.transports import (
    Accepted,
    Outcome,
    Parcel,
    Refused,
    Session,
    Submitted,
    TryLater,
)

logger = logging.getLogger(__name__)
R = TypeVar("R")

# At most so many messages are sent and not yet written down, and none of them for longer than the
# time beside it when the next send begins: with a slow provider each is written down by itself.
# Ten at once cost a sixth of ten singly; more gain little, and repeat more after a SIGKILL.
IN_FLIGHT = 10
_UNSETTLED_SECONDS = 0.01
# A deploy waits for one send, and no longer than this (RELIABILITY: SIGTERM).
SEND_SECONDS = 15.0
# Of the lease: the last moment at which a send must have come to its end.
_END_WITHIN = 0.95
_JITTER = 0.2
_AWAY = timedelta(minutes=1)
# A provider that has a message and cannot be asked is asked no more often, and no longer.
_ASKED_EVERY = timedelta(minutes=5)
_ASKED_FOR = timedelta(days=7)
_NOTED_SECONDS = 15.0
_provider_noted_at: dict[Channel, float] = {}
_random = random.SystemRandom()


def _never() -> bool:
    return False


def send_due(
    channel: Channel, *, limit: int | None = None, is_stopping: Callable[[], bool] = _never
) -> int:
    """Hand one batch of what is due to its transport; return how many were dealt with.

    Once `is_stopping` says so, nothing more is begun and the rest is given back.
    """
    taken = queue.claim_due(channel, limit=limit or settings.NOTIFICATIONS_BATCH)
    if taken.claims:
        _send(channel, taken.claims, is_stopping)
    return len(taken.claims) + taken.late


def _send(channel: Channel, claims: Sequence[Claim], is_stopping: Callable[[], bool]) -> None:
    waiting = deque(claims)
    settlement = _Settlement()
    try:
        applications = {claim.application_id for claim in claims}
        with transports.session(channel, applications) as session:
            while waiting and not is_stopping() and time.monotonic() < waiting[0].begin_until:
                settlement.begin()
                settlement.add(_attempted(session, waiting[0]))
                waiting.popleft()
    finally:
        settlement.write()
        # Not begun in time, or the worker is about to end: somebody else may be quicker.
        if waiting:
            when_it_is_back(lambda: queue.release(waiting), waiting[0], count=len(waiting))
    if settlement.delivered:
        note_provider(channel)


def note_provider(channel: Channel) -> None:
    """Write down, now and then, that the provider takes messages."""
    now = time.monotonic()
    if now - _provider_noted_at.get(channel, -_NOTED_SECONDS) >= _NOTED_SECONDS:
        upkeep.note_heartbeat(f"provider {channel.lower()}")
        _provider_noted_at[channel] = now


def _attempted(session: Session, claim: Claim) -> Result:
    parcel: Parcel | None = None
    outcome: Outcome
    try:
        message = claim.to_message()
        if claim.is_submitted:
            outcome = session.poll(message, until=_end_of(claim))
        elif pause := _quiet(claim, message):
            return _held_back(claim, pause)
        else:
            parcel = session.build(message)
            outcome = session.send(parcel, until=_end_of(claim))
    except CannotBuild as refusal:
        # What the provider has is on its way, whatever keeps us from asking.
        reason = str(refusal)
        outcome = TryLater(reason=reason) if claim.is_submitted else Refused(reason=reason)
    except Exception:  # a bug must not stop the others, nor be sent at full speed for ever
        logger.exception("Notification %s, attempt %d failed", claim.id, claim.attempt)
        outcome = TryLater(reason="An error of ours; the log of the worker has it.")
    if claim.is_submitted and isinstance(outcome, Submitted | TryLater):
        return _asked_again(claim, outcome)
    if isinstance(outcome, Refused) and outcome.is_address_dead:
        when_it_is_back(lambda: _note_address(claim, outcome), claim, count=1)
    return result_of(claim, outcome, parcel)


def _note_address(claim: Claim, refusal: Refused) -> None:
    undeliverable.remember(
        claim.row["address"],
        organization_id=claim.row["organization_id"],
        reason=Undeliverable.Reason.BOUNCED,
        said=refusal.reason,
        notification_id=claim.id,
        at=claim.now,
    )


def _quiet(claim: Claim, message: Message) -> Pause | None:
    """Give the pause of a message that has become due in quiet hours; None at other times."""
    if message.channel is not Channel.SMS:
        return None
    try:
        zone = parse_zone(message.snapshot.zone)
    except ValueError:
        raise CannotBuild("The time zone of the notification is not known.") from None
    return pause_of(
        claim.now,
        zone=zone,
        begin=claim.row["quiet_from"],
        end=claim.row["quiet_until"],
        not_after=claim.row["not_after"],
    )


def _held_back(claim: Claim, pause: Pause) -> Result:
    if pause.until is None:
        return Result(claim=claim, status=Status.CANCELLED, message=pause.reason)
    # As if nobody had taken it, unless an earlier attempt may have arrived.
    is_new = claim.row["retry_count"] == 0 and not claim.row["message"]
    return Result(
        claim=claim,
        status=Status.INITIALIZED if is_new else Status.PENDING,
        message=pause.reason,
        due_at=pause.until,
    )


def _asked_again(claim: Claim, outcome: Submitted | TryLater) -> Result:
    """Ask once more after a while; in the end believe that what was taken has arrived."""
    delays: list[timedelta] = settings.NOTIFICATIONS_POLLS
    is_away = isinstance(outcome, TryLater) and outcome.is_away
    # The ledger does not count yet what was asked just now.
    asked = claim.row["poll_attempts"] + (not is_away)
    is_enough = _is_old(claim) if is_away else asked >= len(delays)
    # Only an answer to the question is the provider's word.
    word = outcome.provider_status if isinstance(outcome, Submitted) else ""
    if is_enough:
        return Result(
            claim=claim,
            status=Status.DELIVERED,
            provider_status=word,
            message="The provider has taken it and said no more.",
            is_counted=not is_away,
        )
    pause = delays[min(asked, len(delays) - 1)]
    if is_away:
        pause = max(pause, _ASKED_EVERY) * _random.uniform(1 - _JITTER, 1 + _JITTER)
    return Result(
        claim=claim,
        status=Status.PENDING,
        provider_status=word or claim.row["provider_status"],
        delay=max(pause, outcome.after or timedelta()),
        is_counted=not is_away,
        is_submitted=True,
    )


def _is_old(claim: Claim) -> bool:
    planned_for: datetime = claim.row["scheduled_for"] or claim.row["created_at"]
    return claim.now - planned_for > _ASKED_FOR


def _end_of(claim: Claim) -> float:
    lease = settings.NOTIFICATIONS_LEASE.total_seconds()
    return min(time.monotonic() + SEND_SECONDS, claim.taken_at + lease * _END_WITHIN)


def result_of(claim: Claim, outcome: Outcome, parcel: Parcel | None) -> Result:
    """Give what is to be written down of an attempt."""
    match outcome:
        case Accepted():
            return Result(
                claim=claim,
                status=Status.DELIVERED,
                provider_status=outcome.provider_status,
                message_id=outcome.message_id,
                rendered=parcel.rendered if parcel else None,
            )
        case Submitted():
            first: timedelta = settings.NOTIFICATIONS_POLLS[0]
            return Result(
                claim=claim,
                status=Status.PENDING,
                provider_status=outcome.provider_status,
                message_id=outcome.message_id,
                conversation_id=outcome.conversation_id,
                delay=max(first, outcome.after or timedelta()),
                is_counted=False,
                is_submitted=True,
                rendered=parcel.rendered if parcel else None,
            )
        case TryLater():
            delay = _delay(claim, outcome)
            return Result(
                claim=claim,
                status=Status.FAILED if delay is None else Status.PENDING,
                provider_status=outcome.provider_status,
                error=outcome.reason,
                delay=delay,
                is_counted=not outcome.is_away,
            )
        case Refused():
            return Result(
                claim=claim,
                status=Status.FAILED,
                provider_status=outcome.provider_status,
                error=outcome.reason,
            )
        case _:
            assert_never(outcome)


def _delay(claim: Claim, outcome: TryLater) -> timedelta | None:
    """Give the pause before the next attempt, or None when there have been enough.

    There are never enough while the provider is away: what comes too late is cancelled then.
    """
    delays: list[timedelta] = settings.NOTIFICATIONS_RETRIES[claim.row["channel"]]
    if outcome.is_away:
        delay = min(delays[0] if delays else _AWAY, _AWAY)
    elif claim.schedule_step < len(delays):
        delay = delays[claim.schedule_step]
    else:
        return None
    # What failed together must not come back together.
    delay *= _random.uniform(1 - _JITTER, 1 + _JITTER)
    return max(delay, outcome.after or timedelta())


@dataclass
class _Settlement:
    """What was sent and is not yet written down."""

    results: list[Result] = field(default_factory=list)
    since: float = 0.0
    delivered: int = 0

    def begin(self) -> None:
        """Note when the first of them was begun."""
        if not self.results:
            self.since = time.monotonic()

    def add(self, result: Result) -> None:
        """Keep a result, and write all of them down when they are many or old enough."""
        self.results.append(result)
        went_well = result.status is Status.DELIVERED or result.is_submitted
        self.delivered += went_well
        if (
            len(self.results) >= IN_FLIGHT
            or time.monotonic() - self.since >= _UNSETTLED_SECONDS
            # Whoever had trouble will hardly be quick the next time.
            or not went_well
        ):
            self.write()

    def write(self) -> None:
        """Write the results down."""
        results, self.results = self.results, []
        if not results:
            return
        ours = when_it_is_back(lambda: queue.settle(results), results[0].claim, count=len(results))
        note_overtaken(results, ours)


def note_overtaken(results: Sequence[Result], ours: Collection[UUID]) -> None:
    """Say in the log which results came too late to be written down."""
    for result in results:
        if result.claim.id not in ours:
            logger.warning(
                "Notification %s: attempt %d was overtaken",
                result.claim.id,
                result.claim.attempt,
            )


def when_it_is_back(write: Callable[[], R], oldest: Claim, *, count: int) -> R:
    """Write to the ledger, waiting for a database that is away as long as the claims are ours.

    Raises OperationalError, InterfaceError.
    """
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            lease = settings.NOTIFICATIONS_LEASE.total_seconds()
            if time.monotonic() > oldest.taken_at + lease:
                raise
            logger.warning("The database is away; %d claims wait for it", count)
            time.sleep(0.5)
            close_old_connections()
