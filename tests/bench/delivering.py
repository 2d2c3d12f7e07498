"""Row 11: webhooks, as many as one process delivers; and SMS, through a gateway.

Beside the webhooks, in the same rounds, what requests of the same bytes cost alone: one kept
connection of `http.client`, and aiohttp 32 wide.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

import aiohttp
import orjson
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from agents.models import Application
from config.kernel.secrets import seal
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    NotificationType,
    RecipientType,
    Subscription,
)
from notifications.services import dispatch, feed
from notifications.transports.webhooks.signing import new_secret, signed_headers
from notifications.worker import WebhookLane
from tests.bench.databases import copy_of, sized
from tests.bench.receiver import receiver
from tests.bench.table import Options, Row
from tests.notifications.hooks import make_hook
from tests.notifications.ledger import make_application, make_notifications

_COUNT = 3_000
_SIZE = 1_000
_WIDE = 32
# Of the size of an appointment as the API shows it.
_PAYLOAD = orjson.dumps({"id": "0190a1b2-0000-7000-8000-000000000001", "notes": "n" * 900})
_PATIENCE = 120.0


@dataclass
class _Took:
    """The time that passed in a block, on the wall and of this process."""

    seconds: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> _Took:
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        seconds, cpu = self._begun
        self.seconds, self.cpu = time.perf_counter() - seconds, time.process_time() - cpu


@dataclass
class _Work:
    """One of the things measured, and what its rounds took."""

    run: Callable[[], _Took]
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def go(self, count: int, *, is_warm: bool) -> None:
        """Do one round; the first one does not count."""
        took = self.run()
        if is_warm:
            self.rates.append(count / took.seconds)
            self.cpu.append(took.cpu / count * 1000)

    @property
    def rate(self) -> float:
        return median(self.rates)


def _in_rounds(works: Mapping[str, _Work], count: int, rounds: int) -> None:
    for number in range(rounds + 1):
        for work in works.values():
            work.go(count, is_warm=number > 0)


def measure_webhooks(options: Options) -> Iterator[Row]:
    """Deliver due webhooks to receivers of this machine: quick, slow, and beside a dead one."""
    with (
        copy_of(sized(_SIZE), "webhooks"),
        override_settings(WEBHOOKS_ALLOW_PRIVATE_ADDRESSES=True),
    ):
        application = make_application("Bench")
        yield _quick(application, options)
        yield _slow(application, options)
        yield _beside_a_dead_one(application, options)
        yield _backlog(application)


def _quick(application: Application, options: Options) -> Row:
    with receiver() as port, _lane() as lane:
        hook = make_hook(application, url=f"http://127.0.0.1:{port}/hook")
        works = {
            "ours": _Work(lambda: _delivered(lane, hook, _COUNT)),
            "http.client": _Work(lambda: _by_http_client(port, _COUNT)),
            "aiohttp": _Work(lambda: asyncio.run(_by_aiohttp(port, _COUNT))),
        }
        _in_rounds(works, _COUNT, options.rounds)
    ours = works["ours"]
    return Row(
        number=11,
        name="webhooks",
        what="claimed, signed, sent to a local receiver and settled, by one process",
        target="≥ 2,000/s",
        figure=f"{ours.rate:,.0f}/s, {median(ours.cpu):.2f} CPU-ms; one kept http.client"
        f" {works['http.client'].rate:,.0f}/s, bare aiohttp {_WIDE} wide"
        f" {works['aiohttp'].rate:,.0f}/s",
        is_met=ours.rate >= 2000,
    )


def _slow(application: Application, options: Options) -> Row:
    count = _COUNT // 2
    with (
        receiver(0.1) as port,
        override_settings(WEBHOOKS_IN_FLIGHT=64),
        _lane() as lane,
    ):
        hook = make_hook(application, url=f"http://127.0.0.1:{port}/hook")
        work = _Work(lambda: _delivered(lane, hook, count))
        _in_rounds({"ours": work}, count, min(options.rounds, 3))
    return Row(
        number=11,
        name="webhooks",
        what="the same to a receiver that takes 100 ms, 64 requests at once",
        target="≥ 500/s",
        figure=f"{work.rate:,.0f}/s (640/s would be all)",
        is_met=work.rate >= 500,
    )


def _beside_a_dead_one(application: Application, options: Options) -> Row:
    with receiver() as port, _lane() as lane, socket.create_server(("127.0.0.1", 0)) as dead:
        hook = make_hook(application, url=f"http://127.0.0.1:{port}/hook")
        silent = f"http://127.0.0.1:{dead.getsockname()[1]}/hook"

        def beside() -> _Took:
            # New each time: at its first failures it still has its full share.
            other = make_hook(application, url=silent)
            _planned(other, 500)
            _come_due(other)
            lane.nudge()
            took = _delivered(lane, hook, _COUNT)
            Notification.objects.filter(recipient_id=other.pk).delete()
            other.delete()
            return took

        works = {
            "alone": _Work(lambda: _delivered(lane, hook, _COUNT)),
            "beside": _Work(beside),
        }
        _in_rounds(works, _COUNT, options.rounds)
    pairs = zip(works["beside"].rates, works["alone"].rates, strict=True)
    cost = 1 - median(beside_it / alone for beside_it, alone in pairs)
    return Row(
        number=11,
        name="webhooks",
        what="the same beside a receiver that does not answer and has 500 due",
        target="≤ 5 % slower",
        figure=f"{max(cost, 0):.0%}: {works['beside'].rate:,.0f}/s to {works['alone'].rate:,.0f}/s",
        is_met=cost <= 0.05,
    )


def _backlog(application: Application) -> Row:
    took = [_numbered(application, count) for count in (2_000, 20_000)]
    return Row(
        number=11,
        name="webhooks",
        what="a number in the feed for a thousand events, of 20,000 that wait for one",
        target="≤ 500 ms",
        figure=f"{took[1] * 1000:.0f} ms; of 2,000 {took[0] * 1000:.0f} ms",
        is_met=took[1] <= 0.5,
    )


def _numbered(application: Application, count: int) -> float:
    """Give how long it takes to number the first thousand of so many; of three times the best."""
    hook = make_hook(application, url="http://127.0.0.1:9/hook")
    _planned(hook, count + 2_000)
    _come_due(hook)
    times = []
    for _ in range(3):
        with _Took() as took:
            feed.number_due()
        times.append(took.seconds)
    Notification.objects.filter(recipient_id=hook.pk).delete()
    return min(times)


@contextmanager
def _lane() -> Iterator[WebhookLane]:
    """Run the lane of a worker in this process."""
    stopping = threading.Event()
    lane = WebhookLane(stopping)
    lane.start()
    try:
        yield lane
    finally:
        stopping.set()
        lane.nudge()
        lane.join(20)


def _delivered(lane: WebhookLane, hook: Subscription, count: int) -> _Took:
    """Have so many webhooks become due at once; give what it took to deliver them."""
    _planned(hook, count)
    left = Notification.objects.filter(recipient_id=hook.pk, due_at__isnull=False)
    until = time.monotonic() + _PATIENCE
    with _Took() as took:
        _come_due(hook)
        lane.nudge()
        while left.exists():
            if time.monotonic() > until:
                raise TimeoutError(f"{left.count()} webhooks were not delivered.")
            time.sleep(0.02)
    Notification.objects.filter(recipient_id=hook.pk).delete()
    return took


def _planned(hook: Subscription, count: int) -> None:
    rows = make_notifications(
        hook.application,
        count=count,
        type=NotificationType.UPDATE,
        channel=Channel.WEBHOOKS,
        due_at=timezone.now() + timedelta(days=1),
    )
    ids = [row.id for row in rows]
    Notification.objects.filter(pk__in=ids).update(
        recipient_type=RecipientType.SYSTEM, recipient_id=hook.pk
    )
    body = seal(_PAYLOAD.decode(), purpose="webhook-payload")
    NotificationContent.objects.filter(pk__in=ids).update(body=body)
    with connection.cursor() as cursor:
        # As autovacuum leaves a table that is in use.
        cursor.execute("VACUUM (ANALYZE) notifications_notification")


def _come_due(hook: Subscription) -> None:
    waiting = Notification.objects.filter(recipient_id=hook.pk, due_at__isnull=False)
    waiting.update(due_at=timezone.now())


def _one_request() -> tuple[bytes, dict[str, str]]:
    body = b'{"id":"1","payload":' + _PAYLOAD + b"}"
    headers = signed_headers("1", body, _PAYLOAD, secrets=[new_secret()], now=timezone.now())
    return body, {**headers, "content-type": "application/json"}


def _by_http_client(port: int, count: int) -> _Took:
    body, headers = _one_request()
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with _Took() as took:
        for _ in range(count):
            client.request("POST", "/hook", body, headers)
            client.getresponse().read()
    client.close()
    return took


async def _by_aiohttp(port: int, count: int) -> _Took:
    body, headers = _one_request()
    url, left = f"http://127.0.0.1:{port}/hook", iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_WIDE)) as session:

        async def post() -> None:
            for _ in left:
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        with _Took() as took:
            await asyncio.gather(*(post() for _ in range(_WIDE)))
    return took


# --- SMS --------------------------------------------------------------------------------------


def measure_texts(options: Options) -> Iterator[Row]:
    """Hand due SMS to a gateway of this machine, beside requests alone."""
    count = 1_000
    with copy_of(sized(_SIZE), "texts"), receiver() as port, _gateway(port):
        application = make_application("Bench")

        def ours() -> _Took:
            make_notifications(
                application, count=count, channel=Channel.SMS, address="+447700900123"
            )
            with _Took() as took:
                while dispatch.send_due(Channel.SMS):
                    pass
            return took

        works = {
            "ours": _Work(ours),
            "new": _Work(lambda: _each_by_a_connection(port, count)),
        }
        _in_rounds(works, count, options.rounds)
        statuses = set(Notification.objects.values_list("status", flat=True))
        assert statuses == {"DELIVERED"}, statuses
    ours_, new = works["ours"], works["new"]
    yield Row(
        number=9,
        name="SMS",
        what="claimed, written, handed to a local HTTP gateway and settled, by one process",
        target="–",
        figure=f"{ours_.rate:,.0f}/s, {median(ours_.cpu):.2f} CPU-ms; http.client with a connection"
        f" for each {new.rate:,.0f}/s",
        is_met=None,
    )


@contextmanager
def _gateway(port: int) -> Iterator[None]:
    with override_settings(
        NOTIFICATIONS_TRANSPORTS={"SMS": "notifications.transports.sms.gateway"},
        NOTIFICATIONS_SMS={
            "url": f"http://127.0.0.1:{port}/sms",
            "body": {"to": "{to}", "text": "{text}"},
            "message_id": "id",
            "status": "status",
        },
        OUTGOING_ALLOWED_HOSTS=[f"127.0.0.1:{port}"],
    ):
        yield


def _each_by_a_connection(port: int, count: int) -> _Took:
    body = orjson.dumps({"to": "+447700900123", "text": "See you at 10"})
    with _Took() as took:
        for _ in range(count):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request("POST", "/sms", body, {"Content-Type": "application/json"})
            client.getresponse().read()
            client.close()
    return took
