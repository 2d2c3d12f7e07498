"""Mails that are no notifications: they go out at once, by an application's own e-mail service."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from config.kernel.ids import uuid7
from notifications import transports
from notifications.errors import CannotBuild, MailRefused, MailServiceUnusable
from notifications.messages import Message, Rendered, Snapshot, Template
from notifications.mime import composed
from notifications.models import Channel, ChannelSettings, NotificationType, RecipientType
from notifications.rendering import tried_out, values_for
from notifications.transports import Accepted, Parcel, Refused, Submitted, TryLater
from notifications.transports.email import smtp

# Somebody waits for the answer.
_SECONDS = 15.0
_LENGTH = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An appointment and a customer that do not exist, but for the address."""

    address: str = field(repr=False)
    type: NotificationType
    locale: str
    zone: ZoneInfo
    start: datetime
    application_name: str
    organization_name: str


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What is to be said, with tokens; one of text and HTML may be empty."""

    subject: str
    text: str
    html: str


def send_sample(application_id: UUID, sample: Sample, texts: Texts, *, now: datetime) -> None:
    """Send one mail of some texts about a sample appointment.

    Raises CannotBuild, MailServiceUnusable, MailRefused.
    """
    message = _message(
        application_id,
        uuid7(),
        address=sample.address,
        type=sample.type,
        snapshot=Snapshot(
            start=sample.start,
            end=sample.start + _LENGTH,
            zone=sample.zone.key,
            locale=sample.locale,
            sequence=0,
        ),
        person=("Alex", "Sample"),
        facts={
            "title": "Sample appointment",
            "agentName": "Robin Sample",
            "customerName": "Alex Sample",
            "applicationName": sample.application_name,
            "organizationName": sample.organization_name,
        },
        link=f"{settings.PUBLIC_URL}/q/sample",
        now=now,
    )
    template = Template(
        locale=sample.locale, subject=texts.subject, text=texts.text, html=texts.html
    )
    _send(message, tried_out(template, values_for(message, template)), now=now)


def send_words(
    application_id: UUID,
    address: str,
    *,
    subject: str,
    text: str,
    message_id: UUID,
    now: datetime,
) -> None:
    """Send one mail that says just this.

    Raises CannotBuild, MailServiceUnusable, MailRefused.
    """
    message = _message(
        application_id,
        message_id,
        address=address,
        type=NotificationType.CREATE,
        snapshot=Snapshot(start=None, end=None, zone="UTC", locale="en", sequence=0),
        now=now,
    )
    _send(message, Rendered(subject=subject, text=text, html=""), now=now)


def _message(
    application_id: UUID,
    message_id: UUID,
    *,
    address: str,
    type: NotificationType,
    snapshot: Snapshot,
    now: datetime,
    person: tuple[str, str] = ("", ""),
    facts: dict[str, str] | None = None,
    link: str | None = None,
) -> Message:
    own = ChannelSettings.objects.filter(application_id=application_id, channel=Channel.EMAIL)
    row = own.values_list("organization_id", "sender").first()
    if row is None:
        raise MailServiceUnusable
    first_name, last_name = person
    return Message(
        id=message_id,
        organization_id=row[0],
        application_id=application_id,
        subject_id=message_id,
        type=type,
        channel=Channel.EMAIL,
        recipient_type=RecipientType.CUSTOMER,
        offset=None,
        snapshot=snapshot,
        address=address,
        first_name=first_name,
        last_name=last_name,
        facts=facts or {},
        link=link,
        sender=row[1],
        created_at=now,
        attempt=1,
    )


def _send(message: Message, rendered: Rendered, *, now: datetime) -> None:
    mail = composed(message, rendered, now=now)
    parcel = Parcel(
        sender=mail.envelope_from,
        recipient=mail.envelope_to,
        data=mail.content,
        message_id=mail.message_id,
        rendered=mail.rendered,
    )
    try:
        with transports.session_of(Channel.EMAIL, message.application_id) as session:
            outcome = session.send(parcel, until=time.monotonic() + _SECONDS)
    except CannotBuild:
        # The provider cannot even be opened with what the application has set for it.
        raise MailServiceUnusable from None
    finally:
        # A web process has no next batch that would use the connection.
        smtp.hang_up()
    match outcome:
        case Accepted() | Submitted():
            return
        case Refused() if outcome.is_address_dead:
            raise MailRefused(errors={"toEmail": [outcome.reason]})
        case Refused() | TryLater():
            raise MailServiceUnusable(f"{MailServiceUnusable.message} {outcome.reason}")
        case _:
            assert_never(outcome)
