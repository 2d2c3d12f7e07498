"""Rows of the ledger for tests, and a transport that answers as it is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from agents.models import Application, Organization
from config.kernel.ids import uuid7
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered
from notifications.models import (
    Channel,
    ChannelSettings,
    Notification,
    NotificationContent,
    NotificationType,
    RecipientType,
)
from notifications.models.kinds import SCHEDULED_TYPES
from notifications.transports import (
    Accepted,
    Options,
    Outcome,
    Parcel,
    Refused,
    Submitted,
    TryLater,
)

_numbers = itertools.count(1)


def make_application(name: str = "Northwind Care") -> Application:
    """Make an organisation with one application."""
    organization = Organization.objects.create(name=name)
    return Application.objects.create(organization=organization, name=name, is_default=True)


# Each sets one switch of those that stop an application's messages.
SWITCHES: dict[str, Callable[[Application, bool], object]] = {
    "organisation": lambda application, on: _set(
        Organization, application.organization_id, "notifications_on", on
    ),
    "organisation is closed": lambda application, on: _set(
        Organization, application.organization_id, "is_active", on
    ),
    "application": lambda application, on: _set(
        Application, application.pk, "notifications_active", on
    ),
    "channel": lambda application, on: ChannelSettings.objects.update_or_create(
        organization_id=application.organization_id,
        application=application,
        channel=Channel.EMAIL,
        defaults={"is_on": on},
    ),
}


def _set(model: type[Organization | Application], key: UUID, field: str, value: bool) -> int:
    return model._default_manager.filter(pk=key).update(**{field: value})


def make_notification(
    application: Application,
    *,
    type: NotificationType = NotificationType.REMINDER,
    channel: Channel = Channel.EMAIL,
    due_at: datetime | None = None,
    not_after: datetime | None = None,
    address: str = "",
    **fields: object,
) -> Notification:
    """Make one planned message, due now, to somebody of its own about an hour from now."""
    [notification] = make_notifications(
        application,
        count=1,
        type=type,
        channel=channel,
        due_at=due_at,
        not_after=not_after,
        address=address,
        **fields,
    )
    return notification


def make_notifications(
    application: Application,
    *,
    count: int,
    type: NotificationType = NotificationType.REMINDER,
    channel: Channel = Channel.EMAIL,
    due_at: datetime | None = None,
    address: str = "",
    **fields: object,
) -> list[Notification]:
    """Make many that differ in their recipient only."""
    now = timezone.now()
    start = (now + timedelta(hours=1)).replace(microsecond=0)
    due_at = due_at or now
    rows = [
        Notification(
            organization_id=application.organization_id,
            application_id=application.id,
            subject_type="appointment",
            subject_id=uuid7(),
            type=type,
            channel=channel,
            recipient_type=RecipientType.CUSTOMER,
            recipient_id=uuid7(),
            offset="PT1H" if type in SCHEDULED_TYPES else None,
            cause="1",
            scheduled_for=due_at if type in SCHEDULED_TYPES else None,
            due_at=due_at,
            snapshot={
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "end": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
                "timezone": "Europe/Berlin",
                "locale": "en-GB",
                "duration": "PT30M",
                "sequence": 1,
                "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            },
            **fields,
        )
        for _ in range(count)
    ]
    Notification.objects.bulk_create(rows, batch_size=1000)
    NotificationContent.objects.bulk_create(
        [
            NotificationContent(
                notification=row,
                organization_id=row.organization_id,
                address=address or f"ada{next(_numbers)}@example.com",
                first_name="Ada",
                last_name="Lovelace",
                facts={"title": "Insurance review", "agentName": "Grace Hopper"},
            )
            for row in rows
        ],
        batch_size=1000,
    )
    return rows


Answer = Outcome | Exception | Callable[[Message], Outcome]


@dataclass
class ScriptedTransport:
    """Answers as it was told, one answer a message; 250 when nothing was said.

    The settings can name it as a transport: `tests.notifications.scripted`.
    """

    answers: list[Answer] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    polled: list[Message] = field(default_factory=list)
    unbuildable: set[UUID] = field(default_factory=set)
    # Raised instead of opening the provider.
    trouble: Exception | None = None
    on_rest: Callable[[], None] = lambda: None

    def forget(self) -> None:
        """Start again, with nothing prepared and nothing sent."""
        vars(self).update(vars(ScriptedTransport()))

    @property
    def ids(self) -> list[UUID]:
        """The notifications that were handed over, in this order."""
        return [message.id for message in self.sent]

    @contextmanager
    def session(
        self, application_ids: Collection[UUID], options: Options
    ) -> Iterator[ScriptedTransport]:
        """Open it for a batch."""
        if self.trouble:
            raise self.trouble
        yield self

    def rest(self) -> None:
        """Keep nothing open."""
        self.on_rest()

    def build(self, message: Message) -> Parcel:
        """Put the message's id where the bytes would be."""
        if message.id in self.unbuildable:
            raise CannotBuild("Nothing can be said about it.")
        self.sent.append(message)
        return Parcel(
            sender="frontdesk@localhost",
            recipient=message.address,
            data=message.id.bytes,
            message_id=f"<{message.id}@test>",
            rendered=Rendered(subject="Reminder", text="See you at 10", html="<p>See you</p>"),
        )

    def send(self, parcel: Parcel, *, until: float) -> Outcome:
        """Give the next answer."""
        return self._answer() or Accepted(provider_status="250", message_id=parcel.message_id)

    def poll(self, message: Message, *, until: float) -> Outcome:
        """Give the next answer to the question how it went."""
        self.polled.append(message)
        return self._answer() or Accepted(
            provider_status="delivered", message_id=message.provider_message_id
        )

    def _answer(self) -> Outcome | None:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None or isinstance(answer, Accepted | Submitted | TryLater | Refused):
            return answer
        return answer(self.sent[-1])
