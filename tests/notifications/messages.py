"""Messages for the tests of what a message says: complete, and without a surprise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from notifications.messages import Message, Snapshot
from notifications.models import Channel, NotificationType, RecipientType

NOTIFICATION = UUID("018f0000-0000-7000-8000-000000000001")
APPOINTMENT = UUID("018f0000-0000-7000-8000-00000000000a")
APPLICATION = UUID("018f0000-0000-7000-8000-00000000000b")
ORGANIZATION = UUID("018f0000-0000-7000-8000-00000000000c")
TICKET = "k7m2p9x4w"
LINK = f"https://frontdesk.example/q/{TICKET}"
# Half past two in the afternoon in Berlin.
START = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FACTS = {
    "title": "Pension advice",
    "agentName": "Bob Baker",
    "customerName": "Anna Archer",
    "applicationName": "Video desk",
    "organizationName": "Northwind Care",
    "message": "Bring your passport",
}


def make_snapshot(
    *,
    start: datetime | None = START,
    length: timedelta = timedelta(minutes=90),
    zone: str = "Europe/Berlin",
    locale: str = "en-GB",
    sequence: int = 2,
    duration: str = "",
) -> Snapshot:
    return Snapshot(
        start=start,
        end=start and start + length,
        zone=zone,
        locale=locale,
        sequence=sequence,
        duration=duration,
        created=NOW - timedelta(days=3),
    )


def make_message(
    *,
    type: NotificationType = NotificationType.CREATE,
    channel: Channel = Channel.EMAIL,
    recipient_type: RecipientType = RecipientType.CUSTOMER,
    snapshot: Snapshot | None = None,
    address: str = "anna@customers.example",
    first_name: str = "Anna",
    last_name: str = "Archer",
    facts: Mapping[str, str] = FACTS,
    link: str | None = LINK,
    sender: str = "Northwind Care <desk@northwind.example>",
    application_id: UUID = APPLICATION,
    attempt: int = 1,
) -> Message:
    return Message(
        id=NOTIFICATION,
        organization_id=ORGANIZATION,
        application_id=application_id,
        subject_id=APPOINTMENT,
        type=type,
        channel=channel,
        recipient_type=recipient_type,
        offset=None,
        snapshot=snapshot or make_snapshot(),
        address=address,
        first_name=first_name,
        last_name=last_name,
        facts=facts,
        link=link,
        sender=sender,
        created_at=NOW,
        attempt=attempt,
    )
