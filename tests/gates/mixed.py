"""Reminders by all three channels at once, and what came of them at whoever they were for."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone

from agents.models import Application
from config.kernel.secrets import seal
from config.local.environment import ROOT
from config.local.home import LOCALHOST, is_free
from config.local.programs import Program
from notifications.models import (
    Channel,
    ChannelSettings,
    Notification,
    NotificationContent,
    NotificationEvent,
    RecipientType,
    SigningSecret,
    Status,
    Subscription,
)
from notifications.services.dispatch import IN_FLIGHT
from notifications.services.queue import LOST
from notifications.transports.webhooks.signing import new_secret
from tests.gates.receiver import GATEWAY, HOOK, REFUSED, Requests, environment_of
from tests.gates.sink import Arrivals
from tests.gates.stage import Stage
from tests.gates.verdict import Check
from tests.notifications.ledger import make_notifications

_HOOKS = 8
_NUMBER = "+447700900123"
_SHARES = {Channel.EMAIL: 0.4, Channel.WEBHOOKS: 0.4, Channel.SMS: 0.2}
# Too late for whoever takes a clock that is two hours ahead for the right one.
_NOT_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be told, and when at the earliest, by the clock of the database."""

    ids: Mapping[Channel, Sequence[UUID]]
    due: Mapping[UUID, float]
    by_address: Mapping[str, UUID]
    # Not due before all is over.
    later: Sequence[UUID]

    @property
    def count(self) -> int:
        """How much is due in all."""
        return sum(len(ids) for ids in self.ids.values())


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The receivers of all three channels, and what each of them has written down."""

    secret: str
    port: int
    mails: Arrivals
    requests: Requests

    @classmethod
    def on(cls, stage: Stage) -> tuple[Stage, Self]:
        """Start the receiver beside the mail server; give a stage whose workers send to it."""
        port, path = stage.house.home.port("receiver"), stage.house.home.log(f"{stage.name}-http")
        secret = new_secret()
        stage.house.start(
            Program(
                name="receiver",
                command=(
                    sys.executable,
                    "-m",
                    "tests.gates.receiver",
                    str(path),
                    str(port),
                    secret,
                ),
                environment=stage.environment,
                directory=ROOT,
            ),
            is_ready=lambda: not is_free(LOCALHOST, port),
        )
        environment = {**stage.environment, **environment_of(port)}
        outside = cls(secret=secret, port=port, mails=stage.arrivals, requests=Requests(path))
        return replace(stage, environment=environment), outside

    @property
    def hooks(self) -> str:
        """Where webhooks are received, and everything below it."""
        return f"http://{LOCALHOST}:{self.port}/hook"

    def count(self) -> int:
        """Give how much has arrived, repeated messages too."""
        return self.mails.count() + len(self.requests.all())

    def arrived(self, channel: Channel, plan: Plan) -> dict[UUID, list[tuple[float, str]]]:
        """Give when each message of a channel arrived, and a mark of what it was, by its id."""
        found: dict[UUID, list[tuple[float, str]]] = defaultdict(list)
        if channel is Channel.EMAIL:
            for mail in self.mails.all():
                found[plan.by_address[mail.address]].append((mail.at, mail.message_id))
        else:
            for one in self.requests.of(HOOK if channel is Channel.WEBHOOKS else GATEWAY):
                found[one.id].append((one.at, one.digest))
        return found


def plan_mixed(application: Application, outside: Outside, count: int, *, seconds: int) -> Plan:
    """Plan reminders by all channels: half of them are due now, the others in bursts."""
    hooks = _subscribe(application, outside)
    tomorrow = timezone.now() + timedelta(days=1)
    rows = {
        channel: make_notifications(
            application,
            count=int(count * share),
            channel=channel,
            due_at=tomorrow,
            not_after=timezone.now() + _NOT_AFTER + timedelta(seconds=seconds),
            address=_NUMBER if channel is Channel.SMS else "",
        )
        for channel, share in _SHARES.items()
    }
    later = make_notifications(application, count=50, due_at=timezone.now() + timedelta(minutes=90))
    _address_to(hooks, rows[Channel.WEBHOOKS])
    ids = {channel: [row.id for row in several] for channel, several in rows.items()}
    _spread([one for several in ids.values() for one in several], seconds)
    due = Notification.objects.filter(due_at__lt=tomorrow).values_list("id", "scheduled_for")
    return Plan(
        ids=ids,
        due={one: at.timestamp() for one, at in due if at},
        by_address={row.content.address: row.id for row in rows[Channel.EMAIL]},
        later=[row.id for row in later],
    )


def _subscribe(application: Application, outside: Outside) -> list[Subscription]:
    for channel in (Channel.SMS, Channel.WEBHOOKS):
        ChannelSettings.objects.update_or_create(
            organization=application.organization,
            application=application,
            channel=channel,
            defaults={"is_on": True},
        )
    hooks = []
    for number in range(_HOOKS):
        hook = Subscription.objects.create(
            organization=application.organization,
            application=application,
            url=f"{outside.hooks}/{number}",
        )
        SigningSecret.objects.create(
            organization=application.organization,
            subscription=hook,
            sealed=seal(outside.secret, purpose="signing-secret"),
        )
        hooks.append(hook)
    return hooks


def _address_to(hooks: Sequence[Subscription], rows: Sequence[Notification]) -> None:
    """Make webhooks of rows, for each of the subscriptions the same share."""
    body = seal(orjson.dumps({"title": "Review"}).decode(), purpose="webhook-payload")
    for number, hook in enumerate(hooks):
        ids = [row.id for row in rows[number :: len(hooks)]]
        Notification.objects.filter(pk__in=ids).update(
            recipient_type=RecipientType.SYSTEM, recipient_id=hook.pk
        )
        NotificationContent.objects.filter(pk__in=ids).update(body=body)


def _spread(ids: Sequence[UUID], seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_notification AS n SET due_at = given.at, scheduled_for = given.at"
            " FROM (SELECT id, statement_timestamp() + CASE WHEN random() < 0.5 THEN 0"
            " ELSE floor(random() * %s) END * interval '1 second' AS at"
            " FROM unnest(%s::uuid[]) AS id) AS given WHERE n.id = given.id",
            [seconds, list(ids)],
        )


# --- What came of it --------------------------------------------------------------------------


def found(plan: Plan, outside: Outside, *, hard_ends: int) -> list[Check]:
    """Hold what was planned against what arrived, channel by channel.

    `hard_ends` is how often a worker was broken off: so often, what was in flight may repeat.
    """
    checks = [
        check
        for channel in plan.ids
        for check in _of_channel(channel, plan, outside, hard_ends=hard_ends)
    ]
    cancelled = Notification.objects.filter(status__in=[Status.CANCELLED, Status.FAILED]).count()
    refused = len(outside.requests.of(REFUSED))
    untouched = Notification.objects.unsent().filter(pk__in=plan.later).count()
    return [
        *checks,
        Check(f"{cancelled} cancelled or failed", not cancelled),
        Check(f"{refused} signatures refused", not refused),
        Check(
            f"{len(plan.later) - untouched} sent that are due in 90 minutes",
            untouched == len(plan.later),
        ),
    ]


def _of_channel(
    channel: Channel, plan: Plan, outside: Outside, *, hard_ends: int
) -> Iterable[Check]:
    ids = set(plan.ids[channel])
    arrived = outside.arrived(channel, plan)
    delivered = set(
        Notification.objects.filter(channel=channel, status=Status.DELIVERED).values_list(
            "id", flat=True
        )
    )
    missing = ids - (set(arrived) & delivered)
    again = {one for one, times in arrived.items() if len(times) > 1}
    repeats = sum(len(times) - 1 for times in arrived.values())
    doubled = sum(len({mark for _, mark in times}) - 1 for times in arrived.values())
    doubled += len(set(arrived) - ids)
    early = sum(min(times)[0] < plan.due[one] for one, times in arrived.items() if one in plan.due)
    at_once = settings.WEBHOOKS_IN_FLIGHT if channel is Channel.WEBHOOKS else IN_FLIGHT
    yield Check(f"{channel}: {len(missing)} of {len(ids):,} lost", not missing)
    yield Check(f"{doubled} doubled for who honours the id", not doubled)
    yield Check(
        f"{repeats} repeated (allowed: {hard_ends * at_once:,}), {len(again - _lost())} unseen",
        repeats <= hard_ends * at_once and not again - _lost(),
    )
    yield Check(f"{early} early", not early)


def _lost() -> set[UUID]:
    """Give the notifications whose history says that an attempt came to no known end."""
    events = NotificationEvent.objects.filter(message__startswith=LOST)
    return set(events.values_list("notification_id", flat=True))


def show(plan: Plan, outside: Outside, say: Callable[[str], None]) -> None:
    """Tell the history of what is missing, so that the reason can be found."""
    arrived = {one for channel in plan.ids for one in outside.arrived(channel, plan)}
    missing = [one for ids in plan.ids.values() for one in ids if one not in arrived]
    for one in missing[:5]:
        events = NotificationEvent.objects.filter(notification_id=one).order_by("at")
        say(f"{one}: {[f'{e.at:%H:%M:%S} {e.status} {e.message}' for e in events]}")
