"""The outbox: an event is a row in the transaction of its change, and is heard in it too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from config.kernel import prepared
from config.kernel.actors import Actor
from notifications.models import OutboxEvent

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An event as its subscribers get it: the row, and the thing itself as it now is."""

    row: OutboxEvent
    subject: object
    actor: Actor
    now: datetime
    # What only this transaction knows, and the history must not keep.
    passing: Mapping[str, object] = field(default_factory=dict)
    # What its subscribers have looked up already, for those who come after them.
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> JsonObject:
        facts: JsonObject = self.row.facts
        return facts


Subscriber = Callable[[Heard], None]
_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


def on(*types: str) -> Callable[[Subscriber], Subscriber]:
    """Have the function called for these types of events, in the transaction of the change."""

    def register(subscriber: Subscriber) -> Subscriber:
        for type_ in types:
            _subscribers[type_].append(subscriber)
        return subscriber

    return register


def record(
    type: str,
    *,
    organization_id: UUID,
    application_id: UUID | None,
    subject_type: str,
    subject_id: UUID,
    sequence: int,
    actor: Actor,
    now: datetime,
    subject: object = None,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
    facts: JsonObject | None = None,
    passing: Mapping[str, object] | None = None,
) -> OutboxEvent:
    """Write down what happened and let the subscribers plan what follows; return the row."""
    row = OutboxEvent(
        organization_id=organization_id,
        application_id=application_id,
        type=type,
        subject_type=subject_type,
        subject_id=subject_id,
        subject_sequence=sequence,
        actor_kind=actor.kind,
        actor_id=actor.id,
        origin=actor.origin,
        correlation_id=actor.correlation_id,
        before=before,
        after=after,
        facts=facts or {},
        recorded_at=now,
    )
    prepared.insert([row])
    tell(Heard(row=row, subject=subject, actor=actor, now=now, passing=passing or {}))
    return row


def tell(heard: Heard) -> None:
    """Let the subscribers hear an event; one that is history already, only in a rehearsal."""
    for subscriber in _subscribers.get(heard.row.type, ()):
        subscriber(heard)
