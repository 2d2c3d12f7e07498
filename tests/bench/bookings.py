"""Rows 2, 8 and 12: booking, with everything that follows from it in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.test import Client

from agents.models import ApiClient, Application
from config.kernel.actors import Role
from notifications.models import Channel, ChannelSettings, Notification
from tests.bench.databases import Sized, connected, copy_of, sized
from tests.bench.lists import LIST, SMALL
from tests.bench.load import Case, Requests, Sample, compare, middle, ratio
from tests.bench.servers import OURS, PEERS, Wanted, running
from tests.bench.statements import recorded
from tests.bench.table import Options, Row
from tests.make import make_api_client, make_channel, make_subscription, token_for

# More than any server books in a round.
_BODIES = 6_000
_QUEUE = "celery"


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """Whoever books, and the two applications it books for."""

    client: ApiClient
    plain: UUID
    exclusive: UUID

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token_for(self.client)}",
            "Content-Type": "application/json",
        }


def measure_bookings(options: Options) -> Iterator[Row]:
    """Compare booking with the plain way, and with and without the constraint."""
    with copy_of(sized(SMALL), "bookings") as data:
        desk = _open(data)
        yield _statements(data, desk)
        broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
        broker.delete(_QUEUE)
        planned = Notification.objects.count()
        yield from _side_by_side(data, desk, options)
        with connected(data.name):
            planned = Notification.objects.count() - planned
        nudges = int(str(broker.llen(_QUEUE)))
        broker.delete(_QUEUE)
    yield Row(
        number=12,
        name="queue overhead",
        what="Celery tasks for the notifications of bookings at full speed",
        target="≤ 1 a 100 items",
        figure=f"{nudges / planned * 100:.2f}: {nudges:,} for {planned:,}",
        is_met=nudges * 100 <= planned,
    )


def measure_planning(options: Options) -> Iterator[Row]:
    """Compare booking where three channels are on with booking where nobody is told."""
    with copy_of(sized(SMALL), "planning") as data:
        organization = Application.objects.get(pk=data.application_id).organization
        client, _ = make_api_client(organization, [Role.CLIENT_SERVICE])
        silent, told = (
            Application.objects.create(organization=organization, name=name)
            for name in ("Silent", "Told")
        )
        for channel in Channel:
            make_channel(told, channel, reminder_offsets=["PT24H", "PT1H"])
        make_subscription(told)
        desk = _Desk(client=client, plain=silent.id, exclusive=told.id)
        counts = [_count_statements(data, desk, one.id) for one in (silent, told)]
        samples = _told_and_silent(data, desk, options)
        planned = Notification.objects.filter(application_id=told.id)
        each = planned.count() / planned.values("subject_id").distinct().count()
    silent_ms, told_ms = (middle(samples[name], "cpu_ms") for name in ("silent", "told"))
    silent_pg, told_pg = (middle(samples[name], "postgres_ms") for name in ("silent", "told"))
    yield Row(
        number=8,
        name="planning",
        what=f"what a booking costs more when e-mail, SMS and a webhook are on: {each:.0f}"
        " notifications with all that they need",
        target="–",
        figure=f"{told_ms - silent_ms:.2f} CPU-ms ({told_pg - silent_pg:.2f}):"
        f" {silent_ms:.2f} ({silent_pg:.2f}) to {told_ms:.2f} ({told_pg:.2f});"
        f" statements {counts[0]} to {counts[1]}",
        is_met=None,
    )


def _told_and_silent(data: Sized, desk: _Desk, options: Options) -> dict[str, list[Sample]]:
    slots = _slots(data, slice(60, 180))
    with running(Wanted("ours", data.name, *OURS)) as servers:
        return compare(
            {
                name: Case(
                    server=servers["ours"],
                    requests=[
                        _bookings(desk, application_id, slots) for _ in range(options.rounds + 1)
                    ],
                )
                for name, application_id in (("silent", desk.plain), ("told", desk.exclusive))
            },
            rounds=options.rounds,
            seconds=options.seconds,
        )


def _bookings(
    desk: _Desk, application_id: UUID, slots: Iterator[tuple[UUID, datetime]]
) -> Requests:
    return Requests(
        headers=desk.headers(),
        post_to=LIST,
        bodies=[_our_body(application_id, *slot) for slot in islice(slots, _BODIES)],
    )


def _open(data: Sized) -> _Desk:
    organization = Application.objects.get(pk=data.application_id).organization
    exclusive = Application.objects.create(
        organization=organization, name="Exclusive", prevent_overlaps=True
    )
    ChannelSettings.objects.create(
        organization=organization,
        application=exclusive,
        channel=Channel.EMAIL,
        is_on=True,
        reminder_offsets=["PT24H", "PT1H"],
    )
    client, _ = make_api_client(organization, [Role.CLIENT_SERVICE])
    return _Desk(client=client, plain=data.application_id, exclusive=exclusive.id)


def _slots(data: Sized, agents: slice) -> Iterator[tuple[UUID, datetime]]:
    """Give free times of these agents, each once, beyond everything that was generated."""
    start = data.made_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    number = 0
    while True:
        number += 1
        for agent_id in data.agent_ids[agents]:
            yield agent_id, start + timedelta(days=400, minutes=30 * number)


def _our_body(application_id: UUID, agent_id: UUID, start: datetime) -> str:
    return json.dumps(
        {
            "applicationId": str(application_id),
            "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "duration": "PT30M",
            "timezone": "Europe/Berlin",
            "locale": "en-GB",
            "title": "Consultation",
            "notes": "Please bring the documents",
            "customers": [_customer()],
            "targetAssignment": {"type": "AGENT", "id": str(agent_id)},
        }
    )


def _customer() -> dict[str, Any]:
    return {
        "name": {"firstName": "Ada", "lastName": "Lovelace"},
        "contact": {"primaryEmail": "ada@example.com", "primaryPhone": "+4930123456"},
    }


def _plain_body(data: Sized, agent_id: UUID, start: datetime) -> str:
    return json.dumps(
        {
            "organization": str(data.organization_id),
            "application": str(data.application_id),
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "duration": "00:30:00",
            "timezone": "Europe/Berlin",
            "locale": "en-GB",
            "title": "Consultation",
            "notes": "Please bring the documents",
            "organizer_type": "AGENT",
            "organizer_id": str(agent_id),
            "participants": [
                {
                    "type": "CUSTOMER",
                    "first_name": "Ada",
                    "last_name": "Lovelace",
                    "email": "ada@example.com",
                    "phone": "+4930123456",
                },
                {"type": "AGENT", "user": str(agent_id)},
            ],
        }
    )


def _count_statements(data: Sized, desk: _Desk, application_id: UUID) -> int:
    """Count the statements of a booking, besides the user row; the first one is not looked at."""
    client = Client(headers={"Authorization": desk.headers()["Authorization"]})
    slots = _slots(data, slice(0, 1))
    for _ in range(2):
        body = _our_body(application_id, *next(slots))
        with recorded() as found:
            answer = client.post(
                LIST, body, content_type="application/json", SERVER_NAME="127.0.0.1"
            )
        assert answer.status_code == 200, answer.content
    return len(found) - 1


def _statements(data: Sized, desk: _Desk) -> Row:
    count = _count_statements(data, desk, desk.exclusive)
    return Row(
        number=2,
        name="booking",
        what="statements besides the user row; the agent's time is exclusive, e-mail is on",
        target="≤ 8",
        figure=str(count),
        is_met=count <= 8,
    )


def _side_by_side(data: Sized, desk: _Desk, options: Options) -> Iterator[Row]:
    ours, exclusive, plain = (
        _slots(data, agents) for agents in (slice(1, 60), slice(60, 120), slice(120, 200))
    )
    rounds = options.rounds + 1

    def booked(application_id: UUID, slots: Iterator[tuple[UUID, datetime]]) -> list[Requests]:
        return [_bookings(desk, application_id, slots) for _ in range(rounds)]

    peers = [
        Requests(
            headers={"Content-Type": "application/json"},
            post_to="/plain/appointments/",
            bodies=[_plain_body(data, *slot) for slot in islice(plain, _BODIES)],
        )
        for _ in range(rounds)
    ]
    wanted = [Wanted("ours", data.name, *OURS), Wanted("peers", data.name, *PEERS)]
    with running(*wanted) as servers:
        samples = compare(
            {
                "ours": Case(server=servers["ours"], requests=booked(desk.plain, ours)),
                "exclusive": Case(
                    server=servers["ours"], requests=booked(desk.exclusive, exclusive)
                ),
                "plain": Case(server=servers["peers"], requests=peers),
            },
            rounds=options.rounds,
            seconds=options.seconds,
        )
    to_plain = ratio(samples["exclusive"], samples["plain"])
    cost = 1 - ratio(samples["exclusive"], samples["ours"])
    yield Row(
        number=8,
        name="booking",
        what="two participants, outbox, three notifications, no double booking, to a plain"
        " ModelViewSet without notifications",
        target="≥ 2 ×",
        figure=f"{to_plain:.2f} ×: {middle(samples['exclusive'], 'per_second'):,.0f}/s to"
        f" {middle(samples['plain'], 'per_second'):,.0f}/s; CPU-ms "
        + ", ".join(
            f"{name} {middle(each, 'cpu_ms'):.2f} ({middle(each, 'postgres_ms'):.2f})"
            for name, each in samples.items()
        ),
        is_met=to_plain >= 2,
    )
    yield Row(
        number=8,
        name="booking",
        what="the price of no double booking: lock, look and constraint",
        target="≤ 15 %",
        figure=f"{cost:.0%}",
        is_met=cost <= 0.15,
    )
