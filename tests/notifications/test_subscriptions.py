"""Commands about webhook subscriptions: what is kept of them, and what is written down."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from config.kernel import limits
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.ids import uuid7
from config.kernel.secrets import unseal
from notifications.credentials import auth_of, secret_headers_of
from notifications.errors import (
    ApplicationNotFound,
    InvalidSubscription,
    SubscriptionEnded,
    SubscriptionNotFound,
)
from notifications.models import (
    Channel,
    ChannelSettings,
    Notification,
    NotificationEvent,
    NotificationType,
    OutboxEvent,
    SigningSecret,
    Status,
    Subscription,
    WebhookAuth,
)
from notifications.services import feed, subscriptions
from notifications.services.subscriptions import SubscriptionData, SubscriptionState, state_of
from notifications.transports.webhooks.delivery import Basic, target_of
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.webhook_rules import TYPES, Auth, url_problem
from tests.appointments.races import run_together
from tests.notifications.hooks import make_event, make_hook
from tests.notifications.ledger import SWITCHES, make_application

if TYPE_CHECKING:
    from agents.models import Application

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.org/frontdesk?key=in-the-address"
BASIC = Basic(username="frontdesk", password="open sesame")
OAUTH2 = ClientCredentials(
    token_url="https://login.example.org/token", client_id="us", client_secret="open sesame"
)


@pytest.fixture
def application() -> Application:
    return make_application()


@pytest.fixture
def actor(application: Application) -> Actor:
    return someone(application)


def someone(application: Application) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id=str(uuid7()),
        organization_id=application.organization_id,
        roles=frozenset({Role.ADMIN}),
        origin="test",
    )


def subscribe(application: Application, actor: Actor, **data: Any) -> Subscription:
    return subscriptions.create_subscription(
        str(application.pk),
        SubscriptionData(**{"url": URL, **data}),
        default_contact="owner@example.org",
        actor=actor,
        now=timezone.now(),
    ).subscription


def trail(subscription: Subscription) -> list[tuple[str, int]]:
    rows = OutboxEvent.objects.of(subscription.pk)
    return [(row.type, row.subject_sequence) for row in rows]


# --- Made and changed -------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [BASIC, OAUTH2, WebhookAuth.NONE])
def test_what_is_sealed_is_what_a_request_needs(
    application: Application, actor: Actor, now: datetime, auth: Auth
) -> None:
    made = subscribe(application, actor, auth=auth, secret_headers={"X-Key": "open"})

    target = target_of(made, SigningSecret.objects.all(), now=timezone.now())

    assert target.auth == (None if auth is WebhookAuth.NONE else auth)
    assert target.headers == {"x-key": "open"}
    assert (auth_of(made), secret_headers_of(made)) == (auth, {"X-Key": "open"})


def test_the_secret_that_is_given_is_the_one_that_signs(
    application: Application, actor: Actor, now: datetime
) -> None:
    made = subscriptions.create_subscription(
        str(application.pk), SubscriptionData(url=URL), actor=actor, now=now
    )

    [kept] = SigningSecret.objects.filter(subscription=made.subscription)
    assert unseal(kept.sealed, purpose="signing-secret") == made.secret
    assert made.secret not in repr(made)


def test_a_system_without_an_organisation_subscribes_nowhere(
    application: Application, now: datetime
) -> None:
    with pytest.raises(ApplicationNotFound):
        subscribe(application, Actor.system(None))


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_made_at_once_one_is_too_many(
    application: Application, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SUBSCRIPTIONS_PER_APPLICATION", 2)
    make_hook(application)

    outcomes = run_together([lambda: subscribe(application, actor)] * 3)

    assert sorted(type(one).__name__ for one in outcomes) == [
        "Subscription",
        "TooManySubscriptions",
        "TooManySubscriptions",
    ]
    assert Subscription.objects.count() == 2


@pytest.mark.parametrize("type_", [NotificationType.ROOM, NotificationType.FOLLOW_UP])
def test_what_is_for_persons_alone_is_no_webhook(
    application: Application, actor: Actor, type_: NotificationType
) -> None:
    with pytest.raises(InvalidSubscription) as refusal:
        subscribe(application, actor, types=["CREATE", type_])

    assert refusal.value.errors == {
        "eventTypes.1": [f"{type_} is never sent as appointment-event."]
    }
    assert set(NotificationType) - set(TYPES) == {
        NotificationType.ROOM,
        NotificationType.FOLLOW_UP,
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org",
        "https://hooks.example.org:443/a?b=c",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1]/",
        "https://hooks.example.org./",
    ],
)
def test_public_hosts_are_taken_by_name_and_by_address(url: str) -> None:
    assert url_problem(url) is None


def test_a_subscription_of_others_cannot_be_changed(actor: Actor, now: datetime) -> None:
    theirs = make_hook(make_application("Contoso Bank"))

    with pytest.raises(SubscriptionNotFound):
        subscriptions.update_subscription(
            theirs.pk, SubscriptionData(name="Mine"), actor=actor, now=now
        )

    theirs.refresh_from_db()
    assert theirs.name == ""


def test_what_says_nothing_changes_nothing(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook = make_hook(application)

    same = subscriptions.update_subscription(hook.pk, SubscriptionData(), actor=actor, now=now)

    assert same.changed_at == hook.changed_at
    assert trail(hook) == []


def test_what_waits_for_one_that_is_switched_off_goes_on_waiting(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook = make_hook(application)
    event = make_event(hook)

    off = subscriptions.update_subscription(
        hook.pk, SubscriptionData(is_active=False), actor=actor, now=now
    )

    event.refresh_from_db()
    assert event.due_at is not None
    assert (state_of(off), off.ended_reason) == (SubscriptionState.ENDED, "")


def test_a_change_of_its_name_does_not_wake_it(
    application: Application, actor: Actor, now: datetime
) -> None:
    paused = make_hook(application, failing_since=now, paused_at=now, probe_at=now)

    changed = subscriptions.update_subscription(
        paused.pk, SubscriptionData(name="The CRM"), actor=actor, now=now
    )

    assert state_of(changed) is SubscriptionState.PAUSED


# --- Ended ------------------------------------------------------------------------------------


def test_deleting_cancels_what_waits_for_it_and_for_nobody_else(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook, other = make_hook(application), make_hook(application)
    waiting, told, theirs = make_event(hook), make_event(hook), make_event(other)
    Notification.objects.filter(pk=told.pk).update(status=Status.DELIVERED, due_at=None)

    subscriptions.delete_subscription(hook.pk, actor=actor, now=now)

    assert dict(Notification.objects.values_list("pk", "status")) == {
        waiting.pk: Status.CANCELLED,
        told.pk: Status.DELIVERED,
        theirs.pk: Status.INITIALIZED,
    }
    [step] = NotificationEvent.objects.filter(notification_id=waiting.pk, status=Status.CANCELLED)
    assert step.message == "The webhook subscription was deleted."
    assert list(Subscription.objects.all()) == [other]


def test_a_secret_is_thrown_away_once_it_is_not_valid_any_more(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook = make_hook(application)
    SigningSecret.objects.update(expires_at=now - timedelta(seconds=1))

    made = subscriptions.renew_secret(hook.pk, actor=actor, now=now)

    [kept] = SigningSecret.objects.all()
    assert unseal(kept.sealed, purpose="signing-secret") == made.secret


def test_an_older_secret_keeps_the_end_that_it_had(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook = make_hook(application)
    SigningSecret.objects.update(created_at=now - timedelta(days=30))

    subscriptions.renew_secret(hook.pk, actor=actor, now=now)
    subscriptions.renew_secret(hook.pk, actor=actor, now=now + timedelta(hours=5))

    ends = SigningSecret.objects.order_by("created_at").values_list("expires_at", flat=True)
    assert list(ends) == [now + timedelta(hours=24), now + timedelta(hours=29), None]


def test_nothing_is_sent_again_to_what_has_ended(
    application: Application, actor: Actor, now: datetime
) -> None:
    ended = make_hook(application, is_active=False)

    with pytest.raises(SubscriptionEnded):
        subscriptions.replay_events(ended.pk, from_sequence=1, actor=actor, now=now)


# --- The trail --------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.r5")
def test_every_change_is_an_event_with_who_it_was(
    application: Application, actor: Actor, now: datetime
) -> None:
    made = subscribe(application, actor, auth=BASIC, secret_headers={"X-Key": "open sesame"})
    for change in (SubscriptionData(name="Ada's own"), SubscriptionData(is_active=True)):
        subscriptions.update_subscription(made.pk, change, actor=actor, now=now)
    secret = subscriptions.renew_secret(made.pk, actor=actor, now=now).secret
    subscriptions.replay_events(made.pk, from_sequence=1, actor=actor, now=now)
    subscriptions.delete_subscription(made.pk, actor=actor, now=now)

    assert trail(made) == [
        ("webhook_subscription.created", 1),
        ("webhook_subscription.updated", 2),
        ("webhook_subscription.updated", 3),
        ("webhook_subscription.secret_renewed", 4),
        ("webhook_subscription.replayed", 5),
        ("webhook_subscription.deleted", 6),
    ]
    rows = OutboxEvent.objects.of(made.pk)
    assert {(row.actor_id, row.origin, row.application_id) for row in rows} == {
        (actor.id, "test", application.pk)
    }
    written = str([(row.before, row.after, row.facts) for row in rows])
    for hidden in ("sesame", "in-the-address", "owner@", "Ada", secret):
        assert hidden not in written


@pytest.mark.rule("frontdesk.webhooks.r5")
def test_a_change_is_written_down_before_and_after(
    application: Application, actor: Actor, now: datetime
) -> None:
    made = subscribe(application, actor, types=["CREATE"], headers={"X-A": "1"})

    subscriptions.update_subscription(
        made.pk,
        SubscriptionData(types=[], secret_headers={"X-B": "2"}, auth=BASIC),
        actor=actor,
        now=now,
    )

    event = OutboxEvent.objects.get(type="webhook_subscription.updated")
    before = {
        "format": "appointment-event",
        "types": ["CREATE"],
        "headers": ["X-A"],
        "secretHeaders": [],
        "auth": "NONE",
        "isActive": True,
    }
    after = {**before, "types": [], "secretHeaders": ["X-B"], "auth": "BASIC"}
    assert (event.before, event.after) == (before, after)
    assert event.facts == {"changed": ["types", "secret_headers", "auth"]}


def test_a_replay_is_written_down_with_where_it_began(
    application: Application, actor: Actor, now: datetime
) -> None:
    hook = make_hook(application)
    make_event(hook)
    feed.number_due()
    Notification.objects.update(status=Status.DELIVERED, due_at=None)

    count = subscriptions.replay_events(hook.pk, from_sequence=1, actor=actor, now=now)

    assert count == 1
    event = OutboxEvent.objects.get(type="webhook_subscription.replayed")
    assert event.facts == {"from": 1, "count": 1}


# --- The channel ------------------------------------------------------------------------------


def test_to_subscribe_switches_the_channel_on(application: Application, actor: Actor) -> None:
    subscribe(application, actor)
    subscribe(application, actor)

    assert ChannelSettings.objects.get(application=application).is_on


def test_a_channel_that_was_switched_off_stays_so(application: Application, actor: Actor) -> None:
    SWITCHES["channel"](application, False)
    ChannelSettings.objects.update(channel=Channel.WEBHOOKS)

    subscribe(application, actor)

    assert not ChannelSettings.objects.get(application=application).is_on


@pytest.mark.parametrize(
    ("name", "label"), [("", "hooks.example.org"), (" \n", "hooks.example.org"), ("a\r\nb", "a b")]
)
def test_what_it_is_called_is_one_line_without_its_address(name: str, label: str) -> None:
    one = Subscription(name=name, url=URL)

    assert (one.label, str(one)) == (label, label)
