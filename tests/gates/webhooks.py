"""Gate 7: webhooks to where they must not go, and to receivers that mean no good."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.db import connection
from django.utils import timezone

from config.kernel.secrets import seal
from config.local.environment import ROOT
from config.local.home import LOCALHOST, is_free
from config.local.programs import Program
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    RecipientType,
    SigningSecret,
    Status,
    Subscription,
)
from tests.bench.progress import say
from tests.gates.bad import KINDS, TAKERS
from tests.gates.house import Part
from tests.gates.mixed import Outside
from tests.gates.receiver import HOOK
from tests.gates.stage import Stage, care
from tests.gates.verdict import Check, Size, share
from tests.kernel.receivers import NO_WEB_ADDRESSES, OTHER_PORTS, OWN_NAMES, REFUSED
from tests.notifications.ledger import make_notifications
from tests.notifications.workers import wait_until

_WATCH = Path(__file__).parent / "watch"
# Of the first attempt, and what it may take to end it.
_DEADLINE, _SLACK = 3.0, 1.0
_MEMORY = 10 * 1024 * 1024
_LATE = 2.0
_GOOD = 4


def drill(stage: Stage, size: Size) -> Sequence[Check]:
    """Send webhooks to hostile addresses, then to good receivers with bad ones beside them."""
    stage, outside = Outside.on(stage)
    return [*_hostile(stage, outside), *_bad(stage, outside, size)]


# --- Where nothing may go ---------------------------------------------------------------------


def hostile_urls() -> list[str]:
    """Give addresses of our own machine and network, and what cannot be read as an address."""
    written = [f"[{one}]" if ":" in one else one for one in REFUSED if one]
    named = [f"{one.encode().hex()}.hostile.example" for one in REFUSED if one and "%" not in one]
    urls = [
        *(f"https://{one}/hook" for one in (*OWN_NAMES, *written, *named)),
        *(f"https://1.1.1.1:{port}/hook" for port in OTHER_PORTS),
        *NO_WEB_ADDRESSES,
        "http://1.1.1.1/hook",
    ]
    return [one for one in urls if one and "\x00" not in one and len(one) <= 2_000]


def _hostile(stage: Stage, outside: Outside) -> list[Check]:
    urls = hostile_urls()
    for url in urls:
        _due(_subscribed(url, outside), 1)
    lines = _send_watched(stage, len(urls))
    statuses = Counter(Notification.objects.values_list("status", flat=True))
    ours = urlsplit(stage.house.redis.url).port
    to_broker = [line for line in lines if f", {ours})" in line]
    connections = [one for one in lines if one not in to_broker and not _is_socket_file(one)]
    for line in connections[:5]:
        say(f"webhooks: connected to {line}")
    Subscription.objects.all().delete()
    Notification.objects.all().delete()
    words = ", ".join(f"{count} {status}" for status, count in statuses.items())
    return [
        Check(f"{len(urls)} hostile targets: {words}", Status.DELIVERED not in statuses),
        # Those to the broker show that the watch sees what it should.
        Check(
            f"{len(connections)} connections",
            not connections and bool(to_broker) and len(urls) >= 110,
        ),
    ]


def _send_watched(stage: Stage, count: int) -> list[str]:
    """Let a worker with the settings of production try it; give what it has connected to."""
    watched = stage.house.home.log(f"{stage.name}-connections")
    watched.unlink(missing_ok=True)
    strict = {
        "WEBHOOKS_ALLOW_PRIVATE_ADDRESSES": "0",
        "OUTGOING_ALLOWED_HOSTS": "",
        "PYTHONPATH": str(_WATCH),
        "WATCHED_CONNECTIONS": str(watched),
    }
    # What waits for its second attempt has had its first.
    attempted = Notification.objects.filter(channel=Channel.WEBHOOKS, lease_until=None).exclude(
        status=Status.INITIALIZED
    )
    worker = replace(stage, environment={**stage.environment, **strict}).start_worker()
    wait_until(lambda: attempted.count() == count, within=60)
    # And the second attempt of those that are tried again.
    time.sleep(6)
    stage.house.end(worker)
    return watched.read_text().splitlines()


def _is_socket_file(line: str) -> bool:
    return line.startswith(("/", "b'"))


# --- Receivers that mean no good --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """How late the good receivers got theirs."""

    p99: float
    worst: float
    missing: int


def _bad(stage: Stage, outside: Outside, size: Size) -> list[Check]:
    bad = _start_bad(stage, outside)
    good = [_subscribed(f"{outside.hooks}/{number}", outside) for number in range(_GOOD)]
    worker = stage.start_worker()
    count, seconds = size.of(5_000, 1_000), size.of(30, 8)
    _sent_to(good, outside, count, seconds=seconds)
    before = _memory(worker)
    say(f"webhooks: bad receivers beside the good ones; {before / 2**20:.0f} MiB")
    for hook in bad.values():
        _due(hook, 20)
    sent = _sent_to(good, outside, count, seconds=seconds)
    wait_until(lambda: _first_attempts_are_over(list(bad.values())), within=120)
    grown = _peak(worker) - before
    longest = {kind: _longest(hook) for kind, hook in bad.items()}
    slowest = max(longest, key=lambda kind: longest[kind])
    stray = _taken_by_mistake(bad, outside)
    stage.house.end(worker)
    return [
        Check(
            f"{len(bad)} bad receivers: the longest first attempt took {longest[slowest]:.1f} s"
            f" ({slowest})",
            longest[slowest] <= _DEADLINE + _SLACK,
        ),
        Check(f"+ {grown / 2**20:.1f} MiB", grown <= _MEMORY),
        Check(f"{stray} redirects followed, or taken for delivered", not stray),
        Check(
            f"{count:,} to good receivers meanwhile: {sent.missing} missing,"
            f" p99 {sent.p99:.2f} s, at most {sent.worst:.2f} s late",
            not sent.missing and sent.p99 <= _LATE,
        ),
    ]


def _start_bad(stage: Stage, outside: Outside) -> dict[str, Subscription]:
    """Start the bad receivers and subscribe each of them."""
    ports = {kind: stage.house.home.port(f"bad {kind}") for kind in KINDS}
    pairs = [f"{kind}={port}" for kind, port in ports.items()]
    stage.house.start(
        Program(
            name="bad",
            command=(sys.executable, "-m", "tests.gates.bad", *pairs),
            environment={**stage.environment, "ELSEWHERE": f"{outside.hooks}/redirected"},
            directory=ROOT,
        ),
        is_ready=lambda: not any(is_free(LOCALHOST, port) for port in ports.values()),
    )
    return {
        kind: _subscribed(f"http://{LOCALHOST}:{port}/", outside) for kind, port in ports.items()
    }


def _taken_by_mistake(bad: Mapping[str, Subscription], outside: Outside) -> int:
    """Count what came through a redirect, and what was delivered to nobody."""
    delivered = Notification.objects.filter(
        recipient_id__in=[hook.pk for kind, hook in bad.items() if kind not in TAKERS],
        status=Status.DELIVERED,
    )
    redirected = {one.id for one in outside.requests.all()} & _ids_of(bad.values())
    return delivered.count() + len(redirected)


def _subscribed(url: str, outside: Outside) -> Subscription:
    application = care()
    hook = Subscription.objects.create(
        organization=application.organization, application=application, url=url
    )
    SigningSecret.objects.create(
        organization=application.organization,
        subscription=hook,
        sealed=seal(outside.secret, purpose="signing-secret"),
    )
    return hook


def _due(hook: Subscription, count: int, *, seconds: float = 0) -> list[Notification]:
    """Plan webhooks to a subscription that are due within so many seconds."""
    rows = make_notifications(
        care(), count=count, channel=Channel.WEBHOOKS, due_at=timezone.now() + timedelta(days=1)
    )
    ids = [row.id for row in rows]
    body = seal(orjson.dumps({"title": "Review"}).decode(), purpose="webhook-payload")
    NotificationContent.objects.filter(pk__in=ids).update(body=body)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_notification SET recipient_type = %s, recipient_id = %s,"
            " due_at = given.at, scheduled_for = given.at FROM (SELECT id, statement_timestamp()"
            " + random() * %s * interval '1 second' AS at FROM unnest(%s::uuid[]) AS id) AS given"
            " WHERE notifications_notification.id = given.id",
            [RecipientType.SYSTEM, hook.pk, seconds, ids],
        )
    return rows


def _sent_to(
    good: Sequence[Subscription],
    outside: Outside,
    count: int,
    *,
    seconds: float,
) -> _Sent:
    ids = {row.id for hook in good for row in _due(hook, count // len(good), seconds=seconds)}
    until = time.monotonic() + seconds + 20
    while time.monotonic() < until:
        arrived = {one.id: one.at for one in reversed(outside.requests.of(HOOK))}
        if ids <= set(arrived):
            break
        time.sleep(0.5)
    due = dict(Notification.objects.filter(pk__in=ids).values_list("id", "scheduled_for"))
    late = [arrived[one] - at.timestamp() for one, at in due.items() if at and one in arrived]
    return _Sent(
        p99=share(late, 0.99), worst=max(late, default=0.0), missing=len(ids - set(arrived))
    )


def _ids_of(hooks: Iterable[Subscription]) -> set[UUID]:
    rows = Notification.objects.filter(recipient_id__in=[hook.pk for hook in hooks])
    return set(rows.values_list("id", flat=True))


def _first_attempts_are_over(bad: Sequence[Subscription]) -> bool:
    rows = Notification.objects.filter(recipient_id__in=[one.pk for one in bad])
    return not rows.filter(attempt__lte=1, lease_until__isnull=False).exists()


def _longest(hook: Subscription) -> float:
    """Give how long the first attempts took, from the claim to what was written down of it."""
    with connection.cursor() as cursor:
        cursor.execute(_LONGEST, [hook.pk])
        [seconds] = cursor.fetchone()
    return float(seconds)


_LONGEST = """
SELECT coalesce(max(extract(epoch FROM outcome.at - claim.at)), 0)
FROM notification_event AS claim
JOIN notification_event AS outcome ON outcome.notification_id = claim.notification_id
    AND outcome.attempt = claim.attempt AND outcome.error_message <> ''
WHERE claim.attempt = 1 AND claim.error_message = '' AND claim.notification_id IN (
    SELECT id FROM notifications_notification WHERE recipient_id = %s)
"""


def _memory(worker: Part) -> int:
    return _status(worker, "VmRSS")


def _peak(worker: Part) -> int:
    return _status(worker, "VmHWM")


def _status(worker: Part, name: str) -> int:
    text = Path(f"/proc/{worker.process.pid}/status").read_text()
    [line] = [one for one in text.splitlines() if one.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024
