"""How sending is doing, as people see it: the queues, signs of life, subscriptions, the proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count

from config.kernel.time import parse_instant
from notifications.models import Channel, HistoryPurge, Notification, ProofRun, Subscription
from notifications.services import operations

if TYPE_CHECKING:
    from config.kernel.actors import Actor
    from notifications.services.upkeep import ChannelOperations

# Beat and workers say at least every 30 seconds that they are at work.
_SILENT = timedelta(minutes=2)
_CLOCK_DIFFERENCE = timedelta(seconds=2)
SHOWN_AT_MOST = 200


def spoken(length: timedelta) -> str:
    """Give a length of time in its largest unit, as one would say it."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number = seconds // size
        if number:
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return "under a second"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits on one channel."""

    figures: ChannelOperations

    @property
    def oldest(self) -> str:
        return spoken(self.figures.oldest_due) if self.figures.due else ""

    @property
    def needs_somebody(self) -> bool:
        return bool(self.figures.late or self.figures.past_lease)


@dataclass(frozen=True, kw_only=True)
class Sign:
    """When a part of the installation was last seen; a provider is seen only when it is used."""

    name: str
    age: timedelta

    @property
    def ago(self) -> str:
        return f"{spoken(self.age)} ago" if self.age >= timedelta(seconds=1) else "just now"

    @property
    def is_provider(self) -> bool:
        return self.name.startswith("provider ")

    @property
    def is_silent(self) -> bool:
        return not self.is_provider and self.age > _SILENT


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook subscription, how its receiver is doing, and how much waits for it."""

    subscription: Subscription
    waiting: int

    @property
    def state(self) -> str:
        one = self.subscription
        if not one.is_active:
            return "ended" if one.ended_reason else "off"
        if one.paused_at:
            return "paused"
        return "failing" if one.failing_since else "well"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that the proof has found."""

    kind: str
    appointment_id: str
    what: str
    recipient: str
    offset: str
    due_at: datetime | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The last proof: how much it has found in all, and what of it the reader may see."""

    run: ProofRun
    faults: list[Fault]

    @property
    def total(self) -> int:
        return int(self.run.missing + self.run.doubled + self.run.late)

    @property
    def is_cut(self) -> bool:
        """Whether it has found more than it has kept: then some may be the reader's own."""
        return self.total > len(self.run.findings)


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything that the page shows."""

    queues: list[Queue]
    signs: list[Sign]
    clock_difference: timedelta
    hooks: list[Hook]
    proof: Proof | None
    purge: HistoryPurge | None

    @property
    def clock(self) -> str:
        """Give how much the clock of this process is ahead of the database's."""
        # Adding zero turns minus zero into zero.
        return f"{round(self.clock_difference.total_seconds(), 2) + 0:+.2f} s"

    @property
    def is_clock_off(self) -> bool:
        return abs(self.clock_difference) > _CLOCK_DIFFERENCE

    @property
    def has_workers(self) -> bool:
        return any(sign.name.startswith("worker ") and not sign.is_silent for sign in self.signs)

    @property
    def is_cut(self) -> bool:
        return len(self.hooks) == SHOWN_AT_MOST


def read_state(actor: Actor, *, now: datetime) -> State:
    """Give the state of the actor's organisation; of the whole installation, to operators."""
    state = operations(now, organization_id=actor.organization_id)
    return State(
        queues=[Queue(figures=figures) for figures in state.channels],
        signs=[Sign(name=name, age=max(age, timedelta())) for name, age in state.last_seen.items()],
        clock_difference=state.clock_difference,
        hooks=_hooks(actor, now=now),
        proof=_proof(actor),
        purge=HistoryPurge.objects.order_by("-id").first(),
    )


def _hooks(actor: Actor, *, now: datetime) -> list[Hook]:
    rows = Subscription.objects.all()
    if actor.organization_id is not None:
        rows = rows.visible_to(actor)
    subscriptions = list(
        rows.select_related("application", "organization").order_by("-is_active", "id")[
            :SHOWN_AT_MOST
        ]
    )
    # The index notification_due_to: what was told already is not read.
    waiting = dict(
        Notification.objects.filter(
            recipient_id__in=[one.id for one in subscriptions],
            channel=Channel.WEBHOOKS,
            due_at__lte=now,
        )
        .values_list("recipient_id")
        .annotate(Count("id"))
    )
    return [Hook(subscription=one, waiting=waiting.get(one.id, 0)) for one in subscriptions]


def _proof(actor: Actor) -> Proof | None:
    run = ProofRun.objects.filter(ended_at__isnull=False).order_by("-id").first()
    if run is None:
        return None
    own = actor.organization_id
    return Proof(
        run=run,
        faults=[
            _fault(finding)
            for finding in run.findings
            if own is None or UUID(finding["organizationId"]) == own
        ],
    )


def _fault(finding: dict[str, Any]) -> Fault:
    return Fault(
        kind=finding["kind"],
        appointment_id=finding["appointmentId"],
        what=f"{finding['type']} by {finding['channel']}",
        recipient=f"{finding['recipientType'].lower()} {finding['recipientId']}",
        offset=finding["offset"] or "",
        due_at=parse_instant(finding["dueAt"]) if finding["dueAt"] else None,
        note=finding["note"] or "",
    )
