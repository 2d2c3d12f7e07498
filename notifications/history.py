"""The history of what was told of a subject: where each notification stands, and every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid
from config.kernel.pagination import PageRequest
from notifications.models import Notification, NotificationEvent

Row = TypeVar("Row")

# The names of the contract and the columns they mean; the first one is the default order.
NOTIFICATION_SORT_FIELDS = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "scheduledFor": "scheduled_for",
    "type": "type",
    "channel": "channel",
    "status": "status",
    "retryCount": "retry_count",
    "id": "id",
}
EVENT_SORT_FIELDS = {
    "timestamp": "at",
    "type": "type",
    "channel": "channel",
    "status": "status",
    "pollAttempts": "poll_attempts",
    "retryCount": "retry_count",
    "id": "id",
}

# What was said is long, and no part of the history.
_NOT_SHOWN = (
    "snapshot",
    *(f"content__{name}" for name in ("facts", "link", "body", "subject", "text", "html")),
)


@dataclass(frozen=True, kw_only=True)
class HistoryFilter:
    types: Sequence[str] = ()
    channels: Sequence[str] = ()
    statuses: Sequence[str] = ()
    notification_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Rows(Generic[Row]):
    """One page of rows, and how many there are in all."""

    rows: list[Row]
    total: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step in the delivery of a notification."""

    event: NotificationEvent
    notification: Notification


def notifications_of(
    subject_id: UUID, wanted: HistoryFilter, page: PageRequest, *, actor: Actor
) -> Rows[Notification]:
    """Give one page of the notifications of a subject."""
    rows = (
        Notification.objects.visible_to(actor)
        .of(subject_id)
        .with_outdated()
        .select_related("content")
        .defer(*_NOT_SHOWN)
    )
    if wanted.types:
        rows = rows.filter(type__in=wanted.types)
    if wanted.channels:
        rows = rows.filter(channel__in=wanted.channels)
    if wanted.statuses:
        rows = rows.filter(status__in=wanted.statuses)
    sign = "-" if page.is_descending else ""
    ordered = rows.order_by(f"{sign}{NOTIFICATION_SORT_FIELDS[page.sort_field]}", f"{sign}id")
    total = rows.count()
    found = list(ordered[page.offset : page.offset + page.size]) if page.offset < total else []
    return Rows(rows=found, total=total)


def events_of(
    subject_id: UUID, wanted: HistoryFilter, page: PageRequest, *, actor: Actor
) -> Rows[Step]:
    """Give one page of the steps in which the notifications of a subject were delivered."""
    notifications = {
        one.id: one
        for one in Notification.objects.visible_to(actor)
        .of(subject_id)
        .select_related("content")
        .defer(*_NOT_SHOWN)
        if (not wanted.types or one.type in wanted.types)
        and (not wanted.channels or one.channel in wanted.channels)
    }
    if wanted.notification_ids:
        keys = {parse_uuid(text) for text in wanted.notification_ids}
        notifications = {key: one for key, one in notifications.items() if key in keys}
    events = NotificationEvent.objects.visible_to(actor).filter(notification_id__in=notifications)
    if wanted.statuses:
        events = events.filter(status__in=wanted.statuses)
    steps = [
        Step(event=event, notification=notifications[event.notification_id]) for event in events
    ]
    column = EVENT_SORT_FIELDS[page.sort_field]

    def rank(step: Step) -> tuple[object, UUID]:
        owner = step.notification if column in ("type", "channel") else step.event
        return getattr(owner, column), step.event.id

    # One subject has some dozens of steps: they are few enough to be put in order here.
    steps.sort(key=rank, reverse=page.is_descending)
    return Rows(rows=steps[page.offset : page.offset + page.size], total=len(steps))
