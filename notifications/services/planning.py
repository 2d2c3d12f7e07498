"""Planning: who is told of what, over which channel, and when.

Everything is written in the transaction of the change. Planning twice is harmless: the unique
key of a notification names its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.db import transaction

from config.kernel import prepared, secrets
from config.kernel.ids import uuid7
from config.kernel.prepared import Kept
from config.kernel.time import parse_duration
from notifications.models import (
    BookingEvent,
    Channel,
    ChannelSettings,
    NotificationType,
    RecipientType,
    Subscription,
    WebhookFormat,
)
from notifications.models.kinds import SCHEDULED_TYPES, TYPE_OF_BOOKING, Status
from notifications.nudges import nudge
from notifications.quiet import Pause, pause_of
from notifications.services.rehearsal import current_rehearsal
from notifications.services.steps import noted

# The channels of each type (contract, lifecycle.notification_triggers).
_ALL = (Channel.EMAIL, Channel.SMS, Channel.WEBHOOKS)
CHANNELS: Mapping[NotificationType, tuple[Channel, ...]] = {
    **dict.fromkeys(NotificationType, (Channel.WEBHOOKS,)),
    NotificationType.CREATE: _ALL,
    NotificationType.RESCHEDULE: _ALL,
    NotificationType.CANCELLED: _ALL,
    NotificationType.REMINDER: _ALL,
    NotificationType.REASSIGN: (Channel.EMAIL, Channel.WEBHOOKS),
    NotificationType.ROOM: (Channel.EMAIL, Channel.SMS),
    NotificationType.FOLLOW_UP: (Channel.EMAIL, Channel.SMS),
}


# What is over can still be spoken of for so long: a cancellation, a late follow-up.
_FRESH = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What the messages are about: facts without persons, and texts that can be erased."""

    organization_id: UUID
    application_id: UUID
    type: str
    id: UUID
    start: datetime | None
    end: datetime | None
    zone: ZoneInfo
    snapshot: Mapping[str, object]
    texts: Mapping[str, str]
    # The subject's own count of events: messages of one subject go out in this order.
    sequence: int = 0
    # Gives what webhooks carry, as the bytes of JSON; asked only when there is one.
    payload: Callable[[], bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A person who is told, with one address for each channel that reaches it."""

    type: RecipientType
    id: UUID
    addresses: Mapping[Channel, str] = field(default_factory=dict)
    first_name: str = ""
    last_name: str = ""
    link: str | None = None
    # The language of what it is told, where that is not the appointment's.
    locale: str = ""


_SETTINGS = Kept(
    lambda organization, application: ChannelSettings.objects.filter(
        organization_id=organization, application_id=application, is_on=True
    ),
    UUID(int=1),
    UUID(int=2),
)


_SUBSCRIPTIONS = Kept(
    lambda organization, application: Subscription.objects.filter(
        organization_id=organization, application_id=application, is_active=True
    ).order_by("id"),
    UUID(int=1),
    UUID(int=2),
)


class Planner:
    """Collects what an event leads to, and writes it in one statement.

    `shared` holds what the subscribers of one event need not look up twice.
    """

    def __init__(
        self, topic: Topic, *, now: datetime, shared: dict[str, Any] | None = None
    ) -> None:
        self.topic = topic
        self.now = now
        self._shared = {} if shared is None else shared
        self._rows: list[dict[str, Any]] = []
        self._channels: set[Channel] = set()

    @property
    def settings(self) -> dict[Channel, ChannelSettings]:
        """The channels that are on."""
        if "settings" not in self._shared:
            self._shared["settings"] = self._read_settings()
        found: dict[Channel, ChannelSettings] = self._shared["settings"]
        return found

    @cached_property
    def subscriptions(self) -> list[Subscription]:
        if Channel.WEBHOOKS not in self.settings:
            return []
        if "subscriptions" not in self._shared:
            self._shared["subscriptions"] = self._read_subscriptions()
        found: list[Subscription] = self._shared["subscriptions"]
        return found

    def _read_settings(self) -> dict[Channel, ChannelSettings]:
        rehearsal = current_rehearsal()
        rows: Iterable[ChannelSettings] = (
            _SETTINGS.fetch(self.topic.organization_id, self.topic.application_id)
            if rehearsal is None
            else rehearsal.settings.get(self.topic.application_id, ())
        )
        return {Channel(row.channel): row for row in rows}

    def _read_subscriptions(self) -> list[Subscription]:
        if rehearsal := current_rehearsal():
            return list(rehearsal.subscriptions.get(self.topic.application_id, ()))
        return _SUBSCRIPTIONS.fetch(self.topic.organization_id, self.topic.application_id)

    def _listening(
        self, format: WebhookFormat, event: NotificationType | BookingEvent
    ) -> Iterable[Recipient]:
        """Give the subscriptions of a format that want an event."""
        return [
            _as_recipient(subscription)
            for subscription in self.subscriptions
            if subscription.format == format and subscription.wants(event)
        ]

    @property
    def reminds_subscribers(self) -> bool:
        """Whether webhooks are sent before the start too."""
        settings = self.settings.get(Channel.WEBHOOKS)
        return settings is not None and bool(settings.reminder_offsets)

    def tell(self, type: NotificationType, recipients: Iterable[Recipient], *, cause: str) -> None:
        """Tell each recipient at once, over every channel of the type that reaches it."""
        for recipient in recipients:
            for channel in CHANNELS[type]:
                if channel in self.settings and recipient.addresses.get(channel):
                    self._add(type, channel, recipient, cause=cause, not_after=self._latest())

    def _latest(self) -> datetime:
        """Give when a word about the appointment helps nobody any more.

        Whatever was switched off meanwhile, or away: old news must not come in a flood.
        """
        return max(self.topic.end or self.now, self.now + _FRESH)

    def tell_subscribers(self, type: NotificationType, *, cause: str) -> None:
        """Tell each webhook subscription that wants the type."""
        for recipient in self._listening(WebhookFormat.APPOINTMENT_EVENT, type):
            self._add(type, Channel.WEBHOOKS, recipient, cause=cause)

    def tell_bookings(self, event: BookingEvent, *, cause: str) -> None:
        """Tell each subscription of the booking webhook that wants the event."""
        type_ = TYPE_OF_BOOKING[event]
        for recipient in self._listening(WebhookFormat.BOOKING, event):
            self._add(type_, Channel.WEBHOOKS, recipient, cause=cause, booking_event=event)

    def remind(self, recipients: Iterable[Recipient], *, cause: str, webhooks: bool) -> None:
        """Plan a REMINDER for each offset that still lies ahead."""
        everyone = list(recipients)
        if webhooks:
            everyone += self._listening(WebhookFormat.APPOINTMENT_EVENT, NotificationType.REMINDER)
        for recipient, channel, offset, due_at in self._before_start(
            NotificationType.REMINDER, everyone
        ):
            # A moment that has passed is left out, not made up for (schedule.r29).
            if due_at > self.now:
                self._add(
                    NotificationType.REMINDER,
                    channel,
                    recipient,
                    cause=cause,
                    offset=offset,
                    due_at=due_at,
                    not_after=self.topic.start,
                )

    def invite(self, recipients: Iterable[Recipient], *, cause: str) -> None:
        """Plan a ROOM invitation, at once where its moment has passed (activate.r12)."""
        for recipient, channel, offset, due_at in self._before_start(
            NotificationType.ROOM, list(recipients)
        ):
            self._add(
                NotificationType.ROOM,
                channel,
                recipient,
                cause=cause,
                offset=offset,
                due_at=max(due_at, self.now),
                scheduled_for=due_at,
                not_after=self.topic.end,
            )

    def follow_up(self, recipients: Iterable[Recipient], *, cause: str) -> None:
        """Plan a FOLLOW_UP for each offset after now, the moment of completion."""
        for recipient in recipients:
            for channel in CHANNELS[NotificationType.FOLLOW_UP]:
                settings = self.settings.get(channel)
                if settings is None or not recipient.addresses.get(channel):
                    continue
                for offset in settings.follow_up_offsets:
                    due_at = parse_duration(offset).after(self.now, self.topic.zone)
                    self._add(
                        NotificationType.FOLLOW_UP,
                        channel,
                        recipient,
                        cause=cause,
                        offset=offset,
                        due_at=due_at,
                        not_after=due_at + _FRESH,
                    )

    def _before_start(
        self, type: NotificationType, recipients: list[Recipient]
    ) -> Iterable[tuple[Recipient, Channel, str, datetime]]:
        if self.topic.start is None:
            return
        for channel in CHANNELS[type]:
            settings = self.settings.get(channel)
            if settings is None:
                continue
            for offset in settings.offsets_of(type):
                due_at = parse_duration(offset).before(self.topic.start, self.topic.zone)
                for recipient in recipients:
                    if recipient.addresses.get(channel):
                        yield recipient, channel, offset, due_at

    def _add(
        self,
        type: NotificationType,
        channel: Channel,
        recipient: Recipient,
        *,
        cause: str,
        offset: str | None = None,
        due_at: datetime | None = None,
        scheduled_for: datetime | None = None,
        not_after: datetime | None = None,
        booking_event: str = "",
    ) -> None:
        self._channels.add(channel)
        due_at = due_at or self.now
        pause = self._quiet(channel, due_at, not_after)
        is_due = pause is None or pause.until is not None
        link = secrets.seal(recipient.link, purpose="notification-link") if recipient.link else None
        self._rows.append(
            {
                "id": uuid7(),
                "event_id": uuid7(),
                "type": type,
                "booking_event": booking_event,
                "channel": channel,
                "recipient_type": recipient.type,
                "recipient_id": recipient.id,
                "offset": offset,
                "cause": cause,
                "status": Status.INITIALIZED if is_due else Status.CANCELLED,
                "message": pause.reason if pause else "",
                "scheduled_for": (scheduled_for or due_at) if type in SCHEDULED_TYPES else None,
                "due_at": pause.until if pause else due_at,
                "not_after": not_after,
                "address": recipient.addresses.get(channel, ""),
                "first_name": recipient.first_name,
                "last_name": recipient.last_name,
                "link": link.hex() if link else None,
                "locale": recipient.locale or None,
            }
        )

    def _quiet(
        self, channel: Channel, due_at: datetime, not_after: datetime | None
    ) -> Pause | None:
        """Give the pause of an SMS that would be due in quiet hours; None for all others."""
        if channel is not Channel.SMS:
            return None
        settings = self.settings[channel]
        return pause_of(
            due_at,
            zone=self.topic.zone,
            begin=settings.quiet_from,
            end=settings.quiet_until,
            not_after=not_after,
        )

    def write(self) -> int:
        """Write everything that was collected, and nudge a worker after the commit."""
        if not self._rows:
            return 0
        if rehearsal := current_rehearsal():
            rehearsal.rows.extend(self._rows)
            self._rows.clear()
            return 0
        written = prepared.execute(
            _WRITE,
            {
                "rows": orjson.dumps(self._rows).decode(),
                "organization": self.topic.organization_id,
                "application": self.topic.application_id,
                "subject_type": self.topic.type,
                "subject": self.topic.id,
                "snapshot": orjson.dumps(self.topic.snapshot).decode(),
                "texts": orjson.dumps(self.topic.texts).decode(),
                "sequence": self.topic.sequence,
                "body": sealed_payload(self.topic) if Channel.WEBHOOKS in self._channels else None,
                "now": self.now,
            },
        )
        for channel in self._channels:
            transaction.on_commit(lambda channel=channel: nudge(channel))  # type: ignore[misc]  # a lambda with a default
        self._rows.clear()
        return written


def sealed_payload(topic: Topic) -> bytes | None:
    """Give what a webhook carries, sealed: it holds the links of those who take part."""
    if topic.payload is None:
        return None
    return secrets.seal(topic.payload().decode(), purpose="webhook-payload")


def _as_recipient(subscription: Subscription) -> Recipient:
    return Recipient(
        type=RecipientType.SYSTEM,
        id=subscription.id,
        addresses={Channel.WEBHOOKS: str(subscription.id)},
        # Not its address, which may hold what only the receiver is to know.
        first_name=subscription.label,
    )


def snapshot_for(locale: str) -> str:
    """Give what a message keeps of the appointment, in the recipient's own language if it has one.

    `locale` is an expression that is null where the appointment's language is meant.
    """
    return (
        f"CASE WHEN {locale} IS NULL THEN %(snapshot)s::jsonb"
        f" ELSE jsonb_set(%(snapshot)s::jsonb, ARRAY['locale'], to_jsonb({locale})) END"
    )


# One round trip for ledger, content and history. ON CONFLICT: planned already, by an earlier run.
_WRITE = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given(
        id uuid, event_id uuid, type text, booking_event text, channel text,
        recipient_type text, recipient_id uuid, "offset" text, cause text, status text,
        message text, scheduled_for timestamptz, due_at timestamptz, not_after timestamptz,
        address text, first_name text, last_name text, link text, locale text)
), planned AS (
    INSERT INTO notifications_notification (
        id, organization_id, application_id, subject_type, subject_id, type, booking_event,
        channel, recipient_type, recipient_id, "offset", cause, status, provider_status,
        scheduled_for, due_at, not_after, attempt, retry_count, poll_attempts,
        subject_sequence, is_held, message, error_message, message_id, conversation_id, snapshot,
        created_at, updated_at)
    SELECT id, %(organization)s, %(application)s, %(subject_type)s, %(subject)s, type,
        booking_event, channel,
        recipient_type, recipient_id, "offset", cause, status, '', scheduled_for,
        -- At once, also by a clock that is ahead: what is told by another would overtake it.
        CASE WHEN channel = 'WEBHOOKS' AND due_at <= %(now)s
            THEN least(due_at, statement_timestamp()) ELSE due_at END,
        not_after, 0, 0, 0, %(sequence)s, false, message, '', '', '',
        {snapshot_for("given.locale")},
        %(now)s, %(now)s
    FROM given
    ON CONFLICT DO NOTHING
    RETURNING *
), contents AS (
    INSERT INTO notifications_notificationcontent (
        notification_id, organization_id, address, first_name, last_name, facts, link, body,
        subject, text, html)
    SELECT id, %(organization)s, given.address, first_name, last_name, %(texts)s::jsonb,
        decode(link, 'hex'), CASE WHEN given.channel = 'WEBHOOKS' THEN %(body)s::bytea END,
        '', '', ''
    FROM given JOIN planned USING (id)
), changed AS (
    SELECT planned.*, event_id FROM given JOIN planned USING (id)
)
{noted("changed")}
"""
