"""A rehearsal: what the subscribers of an event would plan, without a word written or cancelled.

There is one planner. Whoever wants to know what should exist lets it run here, by the settings
and subscriptions of now, and looks at the rows that it would have written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from notifications.models import ChannelSettings, Subscription


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What planning knows, read once for many events, and the rows that it hands over."""

    settings: Mapping[UUID, Sequence[ChannelSettings]]
    subscriptions: Mapping[UUID, Sequence[Subscription]]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def taken(self) -> list[dict[str, Any]]:
        """Give what was planned since the last call."""
        rows = list(self.rows)
        self.rows.clear()
        return rows

    def settled_at(self, application_id: UUID, channel: str) -> datetime | None:
        """Give since when a channel has its settings; None where it is off."""
        rows = self.settings.get(application_id, ())
        return next((row.changed_at for row in rows if row.channel == channel), None)

    def subscribed_at(self, application_id: UUID, subscription_id: UUID) -> datetime | None:
        """Give since when a subscription is as it is; None where it is not told."""
        rows = self.subscriptions.get(application_id, ())
        return next((row.changed_at for row in rows if row.id == subscription_id), None)


_current: ContextVar[Rehearsal | None] = ContextVar("rehearsal", default=None)


def current_rehearsal() -> Rehearsal | None:
    """Give the rehearsal in which this thread plans, if it is one."""
    return _current.get()


@contextmanager
def rehearsing(application_ids: Collection[UUID]) -> Iterator[Rehearsal]:
    """Let everything that is planned inside be handed over, and nothing be written.

    It knows these applications only: for all others no channel is on.
    """
    rehearsal = Rehearsal(
        settings=_by_application(
            ChannelSettings.objects.filter(application_id__in=application_ids, is_on=True)
        ),
        subscriptions=_by_application(
            Subscription.objects.filter(
                application_id__in=application_ids, is_active=True
            ).order_by("id")
        ),
    )
    token = _current.set(rehearsal)
    try:
        yield rehearsal
    finally:
        _current.reset(token)


def _by_application(rows: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.application_id].append(row)
    return found
