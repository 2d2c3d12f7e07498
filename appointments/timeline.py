"""The timeline of an appointment: what happened, by whom, and who was told what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.models import ApiClient, User
from appointments.day import name_of, name_of_customer
from appointments.models import (
    Appointment,
    Participant,
    ParticipantType,
    RequestStatus,
    State,
)
from config.kernel.actors import Actor, ActorKind
from config.kernel.ids import parse_uuid
from config.kernel.time import parse_duration, parse_instant
from notifications.models import (
    Channel,
    Notification,
    NotificationEvent,
    NotificationType,
    OutboxEvent,
    RecipientType,
    Status,
    Subscription,
    Undeliverable,
)
from notifications.segments import Segments, segments_of
from notifications.services.undeliverable import undeliverable_among

# Nobody reads further; the newest are kept.
SHOWN_AT_MOST = 300

_TITLES = {
    "appointment.scheduled": "Booked",
    "appointment.rescheduled": "Moved to another time",
    "appointment.resumed": "Taken up again",
    "appointment.translated": "Language changed",
    "appointment.reassigned": "Handed over",
    "appointment.activated": "Activated",
    "appointment.updated": "Changed",
    "appointment.cancelled": "Cancelled",
    "appointment.deleted": "Deleted",
    "appointment.completed": "Completed",
    "appointment.failed": "Failed",
    "appointment.missed": "Nobody came",
    "appointment.started": "In progress",
    "appointment.requested": "Asked for",
    "appointment.invited": "Offered to the customer",
    "appointment.accepted": "Time fixed",
    "appointment.time_requested": "Another time asked for",
    "appointment.alternative_requested": "The customer is to choose another date",
    "appointment.reopened": "Opened again",
    "appointment.stepped_back": "Everybody left before the start",
    "participant.added": "Participant added",
    "participant.removed": "Participant removed",
    "participant.updated": "Participant changed",
    "interaction.updated": "Interaction changed",
    "notification.retried": "sent again by hand",
    "notification.cancelled": "cancelled by hand",
}
_FIELDS = {
    "state": "State",
    "requestStatus": "Status",
    "start": "Start",
    "end": "End",
    "timezone": "Time zone",
    "locale": "Language",
    "organizer": "Organizer",
    "target": "Meant for",
    "interaction": "Interaction",
    "notificationsActive": "Notifications",
    "participants": "Participants",
}
_NOTHING = "–"
# What notifications.rendering writes in place of what is secret in a personal link: a ticket, or
# the token of a participant's own page.
_TICKETS = re.compile(r"(?<=q/)\*\*\*")
_TOKENS = re.compile(r"(?<=/)\*\*\*")
_TICKET, _TOKEN = "0" * 9, "0" * 43


@dataclass(frozen=True, kw_only=True)
class Change:
    """One fact, before and after; instants are left for the page to put on a clock."""

    name: str
    before: datetime | str
    after: datetime | str

    @property
    def is_time_before(self) -> bool:
        return isinstance(self.before, datetime)

    @property
    def is_time_after(self) -> bool:
        return isinstance(self.after, datetime)


@dataclass(frozen=True, kw_only=True)
class Happened:
    """An event in the outbox."""

    at: datetime
    title: str
    who: str
    origin: str
    changes: list[Change]
    kind: str = "happened"


@dataclass(frozen=True, kw_only=True)
class Next:
    """What happens next, in words; without a moment it happens now, or nobody knows when."""

    words: str
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """A notification, what it said and every step of its delivery."""

    at: datetime
    notification: Notification
    recipient: str
    address: str
    offset: str = ""
    next: Next | None = None
    attempts: int = 0
    # An SMS: what its text is sent, and charged, as.
    segments: Segments | None = None
    # What is known against the address.
    undeliverable: Undeliverable | None = None
    # The number of the attempt, where there was one, and the step.
    steps: list[tuple[int, NotificationEvent]] = field(default_factory=list)
    kind: str = "told"


class Names:
    """Gives ids the names of the people behind them, read in two queries."""

    def __init__(
        self, ids: Iterable[str], participants: Iterable[Participant], actor: Actor
    ) -> None:
        keys = {key for text in ids if (key := parse_uuid(text))}
        self._names: dict[str, str] = {}
        for client in ApiClient.objects.visible_to(actor).filter(pk__in=keys):
            self._names[str(client.pk)] = client.name
        for user in User.objects.visible_to(actor).filter(pk__in=keys):
            self._names[str(user.pk)] = user.get_full_name()
        for one in participants:
            if one.type == ParticipantType.CUSTOMER:
                self._names[str(one.pk)] = name_of_customer(one)

    def of(self, text: object) -> str:
        """Give a name, or the id where it belongs to nobody who is still here."""
        return self._names.get(str(text), str(text))


def read_timeline(
    appointment: Appointment, participants: list[Participant], *, actor: Actor, now: datetime
) -> list[Happened | Told]:
    """Give everything that is on record of an appointment, the oldest first."""
    events = list(
        OutboxEvent.objects.visible_to(actor).of(appointment.pk).reverse()[:SHOWN_AT_MOST]
    )
    notifications = list(
        Notification.objects.visible_to(actor)
        .of(appointment.pk)
        .with_outdated()
        .select_related("content")
        .order_by("-created_at", "-id")[:SHOWN_AT_MOST]
    )
    names = Names(_ids_in(events), participants, actor)
    entries: list[Happened | Told] = [_happened(event, names) for event in reversed(events)]
    entries += _told(notifications, participants, actor=actor, now=now)
    # What caused a message comes before it, though both were written at one instant.
    return sorted(entries, key=lambda entry: (entry.at, entry.kind))


def _ids_in(events: list[OutboxEvent]) -> set[str]:
    found = {event.actor_id for event in events}
    for event in events:
        for state in (event.before, event.after):
            found |= {str(one.get("id")) for one in _persons(state)}
    return found


def _persons(state: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if not state:
        return []
    ones = [state.get("organizer"), state.get("target"), *(state.get("participants") or [])]
    return [one for one in ones if isinstance(one, Mapping)]


def _happened(event: OutboxEvent, names: Names) -> Happened:
    return Happened(
        at=event.recorded_at,
        title=_title(event),
        who="Frontdesk" if event.actor_kind == ActorKind.SYSTEM else names.of(event.actor_id),
        origin=event.origin,
        changes=_changes(event, names),
    )


def _title(event: OutboxEvent) -> str:
    title = _TITLES.get(event.type) or event.type.rpartition(".")[2].replace("_", " ").capitalize()
    if event.type.startswith("notification."):
        channel = Channel(event.facts["channel"]).label
        return f"{channel}: {NotificationType(event.facts['notificationType']).label}, {title}"
    return title


def _changes(event: OutboxEvent, names: Names) -> list[Change]:
    """Give the facts that differ; of the first event there is nothing to compare with."""
    before, after = event.before or {}, event.after or {}
    if not before or not after:
        return []
    return [
        Change(
            name=label,
            before=_shown(key, before.get(key), names),
            after=_shown(key, after.get(key), names),
        )
        for key, label in _FIELDS.items()
        if before.get(key) != after.get(key)
    ]


def _shown(key: str, value: object, names: Names) -> datetime | str:
    match key, value:
        case _, None | "":
            return _NOTHING
        case (("start" | "end"), str()):
            return parse_instant(value)
        case "state", str() if value in State.values:
            return State(value).label
        case "requestStatus", str() if value in RequestStatus.values:
            return RequestStatus(value).label
        case "participants", list():
            return ", ".join(_participant(one, names) for one in value) or _NOTHING
        case _:
            return _words(value, names)


def _words(value: object, names: Names) -> str:
    match value:
        case {"id": person} if person:
            return names.of(person)
        case {"type": word} | {"state": word}:
            return str(word).capitalize()
        case bool():
            return "on" if value else "off"
    return str(value)


def _participant(one: Mapping[str, Any], names: Names) -> str:
    state = str(one.get("state") or "").lower()
    name = names.of(one.get("id"))
    return f"{name} ({state})" if state else name


def _told(
    notifications: list[Notification],
    participants: list[Participant],
    *,
    actor: Actor,
    now: datetime,
) -> list[Told]:
    steps = _steps(notifications, actor)
    urls = _urls(notifications, actor)
    bad = _undeliverable(notifications)
    people = {one.pk: one for one in participants}
    return [
        Told(
            at=one.scheduled_for or one.created_at,
            notification=one,
            recipient=_recipient(one, people, urls),
            address="" if one.recipient_id in urls else _address(one),
            offset=_offset(one),
            next=_next(one, now),
            attempts=max((_attempt(step) for step in steps[one.pk]), default=0),
            segments=_segments(one),
            undeliverable=bad.get(_address(one)) if one.channel == Channel.EMAIL else None,
            steps=[(_attempt(step), step) for step in steps[one.pk]],
        )
        for one in notifications
    ]


def _steps(
    notifications: list[Notification], actor: Actor
) -> Mapping[UUID, list[NotificationEvent]]:
    steps: dict[UUID, list[NotificationEvent]] = defaultdict(list)
    if notifications:
        rows = NotificationEvent.objects.visible_to(actor)
        ours = rows.filter(notification_id__in=[one.pk for one in notifications])
        for step in ours.order_by("at", "id"):
            steps[step.notification_id].append(step)
    return steps


def _attempt(step: NotificationEvent) -> int:
    """Give the number of the attempt that a step is of; 0 if it is of none."""
    if step.status in (Status.INITIALIZED, Status.CANCELLED):
        return 0
    if step.status == Status.PENDING and step.next_at and not step.is_submitted:
        # It waits for the next attempt, which is counted already; asked for by hand, none failed.
        return step.retry_count if step.error_message else 0
    return step.retry_count + 1


def _next(one: Notification, now: datetime) -> Next | None:
    if one.due_at is None:
        return None
    if one.is_held:
        return Next(words="Held back until it is released")
    if one.lease_until and one.lease_until > now:
        asks = "The provider is being asked how it went"
        return Next(words=asks if one.is_submitted else "Is being sent")
    if one.is_submitted:
        words = "The provider will be asked how it went"
    else:
        words = "Will be sent again" if one.status == Status.PENDING else "Will be sent"
    if one.due_at <= now:
        return Next(words=f"{words} as soon as a worker is free")
    return Next(words=words, at=one.due_at)


def _segments(one: Notification) -> Segments | None:
    content = getattr(one, "content", None)
    if one.channel != Channel.SMS or content is None or not content.text:
        return None
    return segments_of(_TOKENS.sub(_TOKEN, _TICKETS.sub(_TICKET, content.text)))


def _offset(notification: Notification) -> str:
    """Give the offset as people say it: 24 hours before the start."""
    if not notification.offset:
        return ""
    duration = parse_duration(notification.offset)
    hours, rest = divmod(int(duration.exact.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((duration.days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second"))
    length = " ".join(f"{count} {unit}{'s' * (count != 1)}" for count, unit in parts if count)
    if notification.type == NotificationType.FOLLOW_UP:
        return f"{length} after completion"
    return f"{length} before the start"


def _urls(notifications: list[Notification], actor: Actor) -> dict[UUID, str]:
    hooks = {
        one.recipient_id for one in notifications if one.recipient_type == RecipientType.SYSTEM
    }
    if not hooks:
        return {}
    rows = Subscription.objects.visible_to(actor).filter(pk__in=hooks)
    return {row.pk: row.url for row in rows}


def _address(notification: Notification) -> str:
    content = getattr(notification, "content", None)
    return content.address if content else ""


def _undeliverable(notifications: list[Notification]) -> Mapping[str, Undeliverable]:
    mails = [one for one in notifications if one.channel == Channel.EMAIL]
    addresses = {address for one in mails if (address := _address(one))}
    if not addresses:
        return {}
    return undeliverable_among(addresses, organization_id=mails[0].organization_id)


def _recipient(
    notification: Notification, people: Mapping[UUID, Participant], urls: Mapping[UUID, str]
) -> str:
    if url := urls.get(notification.recipient_id):
        return url
    content = getattr(notification, "content", None)
    if content and (name := f"{content.first_name} {content.last_name}".strip()):
        return str(name)
    participant = people.get(notification.recipient_id)
    if participant is None:
        return notification.get_recipient_type_display()
    return name_of(participant)
