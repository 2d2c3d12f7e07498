"""Webhook subscriptions: made, changed, ended and asked about by those who look after them.

Secrets go in and are sealed; only a signing secret comes out again, once, when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.db.models import Q, TextChoices

from config.kernel import limits
from config.kernel.actors import Actor
from config.kernel.database import lock_keys, retrying
from config.kernel.ids import parse_uuid
from config.kernel.pagination import PageRequest
from config.kernel.secrets import seal
from notifications import outbox
from notifications.credentials import kind_of, secret_headers_of, set_auth, set_secret_headers
from notifications.errors import (
    ApplicationNotFound,
    InvalidSubscription,
    SubscriptionEnded,
    SubscriptionNotFound,
    TooManySubscriptions,
)
from notifications.history import Rows
from notifications.models import (
    Channel,
    ChannelSettings,
    OutboxEvent,
    SigningSecret,
    Subscription,
    WebhookAuth,
    WebhookFormat,
)
from notifications.services import feed, webhooks
from notifications.transports.webhooks.signing import new_secret
from notifications.webhook_rules import EVENT_TYPES, Auth, problems_of

# The names of the API and the columns they mean; the first one is the default order.
SORT_FIELDS = {"createdAt": "created_at", "name": "name", "url": "url"}


class SubscriptionState(TextChoices):
    """How a subscription is doing."""

    ACTIVE = "ACTIVE", "Active"
    FAILING = "FAILING", "Failing"
    PAUSED = "PAUSED", "Paused"
    ENDED = "ENDED", "Ended"


@dataclass(frozen=True, kw_only=True)
class SubscriptionData:
    """What somebody says about a subscription; None stands for what is left out."""

    url: str | None = None
    format: WebhookFormat | None = None
    # None of them: all that are sent as webhooks.
    types: Sequence[str] | None = None
    name: str | None = None
    headers: Mapping[str, str] | None = None
    secret_headers: Mapping[str, str] | None = field(default=None, repr=False)
    auth: Auth | None = None
    contact: str | None = None
    is_active: bool | None = None

    @property
    def given(self) -> list[str]:
        """The names of what was not left out."""
        return [one.name for one in fields(self) if getattr(self, one.name) is not None]


@dataclass(frozen=True)
class WithSecret:
    """A subscription together with its newest secret, which cannot be shown again."""

    subscription: Subscription
    secret: str = field(repr=False)


def state_of(subscription: Subscription) -> SubscriptionState:
    """Say how a subscription is doing."""
    if not subscription.is_active:
        return SubscriptionState.ENDED
    if subscription.paused_at is not None:
        return SubscriptionState.PAUSED
    if subscription.failing_since is not None:
        return SubscriptionState.FAILING
    return SubscriptionState.ACTIVE


# --- Commands ---------------------------------------------------------------------------------


@transaction.atomic
def create_subscription(
    application_id: str,
    data: SubscriptionData,
    *,
    default_contact: str = "",
    actor: Actor,
    now: datetime,
) -> WithSecret:
    """Have an application's events sent to an address, and give the signing secret, once.

    Raises ApplicationNotFound, InvalidSubscription, TooManySubscriptions.
    """
    organization_key, application_key = _application(application_id, actor=actor)
    subscription = Subscription(
        organization_id=organization_key,
        application_id=application_key,
        contact=default_contact,
    )
    if data.url is None:
        raise InvalidSubscription(errors={"url": ["This field is required."]})
    _apply(subscription, data)
    # Two that are made at once count each other.
    lock_keys(f"subscriptions:{subscription.application_id}")
    others = Subscription.objects.filter(application_id=subscription.application_id)
    if others.count() >= limits.SUBSCRIPTIONS_PER_APPLICATION:
        raise TooManySubscriptions(most=limits.SUBSCRIPTIONS_PER_APPLICATION)
    subscription.save(force_insert=True)
    _switch_channel_on(subscription)
    secret = _add_secret(subscription, now=now)
    _record("created", subscription, after=_facts(subscription), actor=actor, now=now)
    return WithSecret(subscription, secret)


def _switch_channel_on(subscription: Subscription) -> None:
    """To subscribe is to configure the channel; one that was switched off by hand stays so."""
    ChannelSettings.objects.get_or_create(
        organization_id=subscription.organization_id,
        application_id=subscription.application_id,
        channel=Channel.WEBHOOKS,
        defaults={"is_on": True},
    )


@transaction.atomic
def update_subscription(
    subscription_id: UUID, data: SubscriptionData, *, actor: Actor, now: datetime
) -> Subscription:
    """Change what is given. Switched on, it begins anew: it is neither paused nor failing.

    What waits for one that is switched off goes on waiting. Raises SubscriptionNotFound,
    InvalidSubscription.
    """
    subscription = _lock(subscription_id, actor=actor)
    before = _facts(subscription)
    _apply(subscription, data)
    if data.is_active is not None:
        _switch(subscription, is_active=data.is_active)
    if data.given:
        subscription.save()
        _record(
            "updated",
            subscription,
            before=before,
            after=_facts(subscription),
            facts={"changed": data.given},
            actor=actor,
            now=now,
        )
    return subscription


# What is in a worker's hands is locked the other way round.
@retrying
@transaction.atomic
def delete_subscription(subscription_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Send nothing more to a subscription, and cancel what waits for it; its history stays.

    Raises SubscriptionNotFound.
    """
    subscription = _lock(subscription_id, actor=actor)
    webhooks.cancel_planned(subscription.pk, reason=webhooks.DELETED, has_feed=False)
    _record("deleted", subscription, before=_facts(subscription), actor=actor, now=now)
    subscription.delete()


@transaction.atomic
def renew_secret(subscription_id: UUID, *, actor: Actor, now: datetime) -> WithSecret:
    """Give a new signing secret, once; the one before stays valid for a day.

    Raises SubscriptionNotFound.
    """
    subscription = _lock(subscription_id, actor=actor)
    valid = subscription.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    newest = valid.order_by("-created_at", "-id").values_list("pk", flat=True)
    kept = list(newest[: limits.SECRETS_AT_ONCE - 1])
    subscription.secrets.exclude(pk__in=kept).delete()
    subscription.secrets.filter(expires_at=None).update(expires_at=now + limits.SECRET_OVERLAP)
    secret = _add_secret(subscription, now=now)
    _record("secret_renewed", subscription, actor=actor, now=now)
    return WithSecret(subscription, secret)


@transaction.atomic
def replay_events(
    subscription_id: UUID,
    *,
    since: datetime | None = None,
    from_sequence: int | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """Have the events of its feed sent again, from a moment or a number on; return how many.

    Raises SubscriptionNotFound, SubscriptionEnded, NotOneBeginning.
    """
    subscription = _lock(subscription_id, actor=actor)
    if not subscription.is_active:
        raise SubscriptionEnded
    count = feed.replay(subscription, since=since, from_sequence=from_sequence)
    beginning = since.isoformat() if since else from_sequence
    facts = {"from": beginning, "count": count}
    _record("replayed", subscription, facts=facts, actor=actor, now=now)
    return count


# --- Questions --------------------------------------------------------------------------------


def read_subscription(subscription_id: UUID, *, actor: Actor) -> Subscription:
    """Give one subscription.

    Raises SubscriptionNotFound.
    """
    found = Subscription.objects.visible_to(actor).filter(pk=subscription_id).first()
    if found is None:
        raise SubscriptionNotFound
    return found


def list_subscriptions(
    page: PageRequest, *, application_id: str | None, actor: Actor
) -> Rows[Subscription]:
    """Give a page of the organisation's subscriptions, or of those of one application.

    Raises ApplicationNotFound.
    """
    rows = Subscription.objects.visible_to(actor)
    if application_id is not None:
        _, key = _application(application_id, actor=actor)
        rows = rows.filter(application_id=key)
    sign = "-" if page.is_descending else ""
    ordered = rows.order_by(sign + SORT_FIELDS[page.sort_field], f"{sign}id")
    return Rows(
        rows=list(ordered[page.offset : page.offset + page.size]),
        total=rows.count(),
    )


def read_events(subscription_id: UUID, *, after: int, limit: int, actor: Actor) -> feed.FeedPage:
    """Give the events of a subscription's feed that come after a number.

    Raises SubscriptionNotFound.
    """
    subscription = read_subscription(subscription_id, actor=actor)
    return feed.events_after(subscription, after=after, limit=limit)


def check_data(subscription: Subscription, data: SubscriptionData) -> None:
    """Accept what is said of a subscription, together with what of it stays.

    Raises InvalidSubscription.
    """
    headers = subscription.headers if data.headers is None else data.headers
    secret_headers = data.secret_headers
    if secret_headers is None:
        secret_headers = secret_headers_of(subscription)
    auth = kind_of(data.auth) if data.auth is not None else WebhookAuth(subscription.auth)
    format_ = data.format or WebhookFormat(subscription.format)
    types = data.types
    if types is None and data.format is not None:
        # What it asked for in the words of the other format.
        types = subscription.types
    errors = problems_of(
        url=data.url,
        format=format_,
        types=types,
        contact=data.contact,
        auth=data.auth,
        headers=headers,
        secret_headers=secret_headers,
        proves_itself=auth is not WebhookAuth.NONE,
    )
    if errors:
        raise InvalidSubscription(errors=errors)


# --- Rows -------------------------------------------------------------------------------------


def _application(application_id: str, *, actor: Actor) -> tuple[UUID, UUID]:
    """Give the keys of the organisation and its application."""
    organization_id, key = actor.organization_id, parse_uuid(application_id)
    if organization_id is None or key is None:
        raise ApplicationNotFound
    # By its name: what it is stands above this app.
    applications = apps.get_model("agents.Application")._default_manager
    if not applications.filter(pk=key, organization_id=organization_id).exists():
        raise ApplicationNotFound
    return organization_id, key


def _lock(subscription_id: UUID, *, actor: Actor) -> Subscription:
    rows = Subscription.objects.visible_to(actor).select_for_update()
    found = rows.filter(pk=subscription_id).first()
    if found is None:
        raise SubscriptionNotFound
    return found


def _apply(subscription: Subscription, data: SubscriptionData) -> None:
    check_data(subscription, data)
    for name in ("url", "format", "name", "contact"):
        if (value := getattr(data, name)) is not None:
            setattr(subscription, name, value)
    if data.types is not None:
        subscription.types = [type_ for type_, _ in EVENT_TYPES if type_ in data.types]
    if data.headers is not None:
        subscription.headers = dict(data.headers)
    if data.secret_headers is not None:
        set_secret_headers(subscription, data.secret_headers)
    if data.auth is not None:
        set_auth(subscription, data.auth)


def _switch(subscription: Subscription, *, is_active: bool) -> None:
    subscription.is_active = is_active
    subscription.ended_reason = ""
    subscription.failing_since = subscription.paused_at = None
    subscription.probe_at = subscription.owner_told_at = None


def _add_secret(subscription: Subscription, *, now: datetime) -> str:
    secret = new_secret()
    SigningSecret.objects.create(
        organization_id=subscription.organization_id,
        subscription=subscription,
        sealed=seal(secret, purpose="signing-secret"),
        created_at=now,
    )
    return secret


# --- The trail --------------------------------------------------------------------------------


def _facts(subscription: Subscription) -> dict[str, Any]:
    """What is written down of it: neither its address, which may hold a secret, nor a person."""
    return {
        "format": subscription.format,
        "types": list(subscription.types),
        "headers": sorted(subscription.headers),
        "secretHeaders": sorted(secret_headers_of(subscription)),
        "auth": subscription.auth,
        "isActive": subscription.is_active,
    }


def _record(
    what: str, subscription: Subscription, *, actor: Actor, now: datetime, **facts: Any
) -> None:
    # The caller holds the row, or has just made it: nobody else writes its events meanwhile.
    sequence = OutboxEvent.objects.filter(subject_id=subscription.pk).count() + 1
    outbox.record(
        f"webhook_subscription.{what}",
        organization_id=subscription.organization_id,
        application_id=subscription.application_id,
        subject_type="webhook_subscription",
        subject_id=subscription.pk,
        sequence=sequence,
        subject=subscription,
        actor=actor,
        now=now,
        **facts,
    )
