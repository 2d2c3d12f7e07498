"""Calendar feeds as tests read them, and what is put into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from appointments.models import (
    Appointment,
    CalendarFeed,
    Office,
    Participant,
    ParticipantType,
)
from appointments.services.feeds import FeedReading, find_feed, read_feed
from tests import make
from tests.appointments.scene import Scene
from tests.contract.client import ApiClient

START = datetime(2027, 2, 1, 9, 0, tzinfo=UTC)
SOMEWHERE = "192.0.2.7"


def path_of(feed: CalendarFeed) -> str:
    return f"/api/cal/feeds/{make.secret_of(feed)}.ics"


def reading_of(feed: CalendarFeed, *, now: datetime) -> FeedReading:
    """Read a feed as its calendar would."""
    return read_feed(find_feed(make.secret_of(feed), address=SOMEWHERE, now=now), now=now)


def ask(feed: CalendarFeed, **headers: str) -> Any:
    return ApiClient().get(
        path_of(feed), headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def lines_of(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def events_of(feed: CalendarFeed) -> list[dict[str, str]]:
    """Give the events of a feed, each by the names of its properties."""
    events: list[dict[str, str]] = []
    for line in lines_of(ask(feed).content):
        if line == "BEGIN:VEVENT":
            events.append({})
        elif events and line != "END:VEVENT":
            name, _, value = line.partition(":")
            events[-1].setdefault(name.partition(";")[0], value)
    return events


def summaries(feed: CalendarFeed) -> list[str]:
    return [event["SUMMARY"] for event in events_of(feed)]


def make_office(scene: Scene, **facts: Any) -> Office:
    organization = scene.application.organization
    return Office.objects.create(
        organization=organization, **{"name": {"en": "Brussels"}, "location": {}, **facts}
    )


def change(scene: Scene, **facts: Any) -> None:
    Appointment.objects.filter(pk=scene.appointment.pk).update(**facts)


def book_many(scene: Scene, number: int, *, now: datetime) -> None:
    """Make appointments of the agent with a customer each, in five zones, past the services."""
    zones = [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Australia/Lord_Howe",
    ]
    half, organization = timedelta(minutes=30), scene.agent.organization
    rows = [
        Appointment(
            organization=organization,
            application=scene.application,
            title=f"Consultation {index}",
            start=now + 3 * index * half,
            end=now + (3 * index + 1) * half,
            duration=half,
            timezone=zones[index % len(zones)],
            organizer_type="AGENT",
            organizer_id=str(scene.agent.pk),
            master_key=b"k",
            created_by_kind="USER",
            updated_by_kind="USER",
        )
        for index in range(number)
    ]
    Appointment.objects.bulk_create(rows, batch_size=1_000)
    with connection.cursor() as cursor:
        # Else what checks the references reckons with an empty table, and may read all of it.
        cursor.execute("ANALYZE appointments_appointment")
    people: list[dict[str, Any]] = [
        {"type": ParticipantType.AGENT, "user": scene.agent},
        {"type": ParticipantType.CUSTOMER, "first_name": "Ada", "last_name": "Lovelace"},
    ]
    for who in people:
        Participant.objects.bulk_create(
            [Participant(organization=organization, appointment=row, **who) for row in rows],
            batch_size=1_000,
        )
