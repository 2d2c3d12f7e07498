"""Webhook subscriptions over HTTP: changed, ended, tested, pulled from and replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator

from agents.models import Application, User
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import (
    Channel,
    Notification,
    NotificationContent,
    SigningSecret,
    Status,
    Subscription,
)
from notifications.services import feed
from tests import make
from tests.agents.subscribing import BASIC, PATH, created, refused
from tests.contract import contract
from tests.contract.client import ApiClient
from tests.contract.state import everything
from tests.notifications.hooks import got, make_event, make_hook
from tests.notifications.webhooks import answering, receivers

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.kernel.receivers import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def client(supervisor: User) -> ApiClient:
    return ApiClient(make.token_for(supervisor))


@pytest.fixture
def private(settings: Settings) -> None:
    """Let requests go to receivers on this machine."""
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    with receivers() as made:
        yield made


# --- PUT /{id} --------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.update.r1")
def test_what_is_left_out_stays_secrets_too(client: ApiClient, application: Application) -> None:
    made = created(
        client,
        application,
        authentication=BASIC,
        secretHeaders={"X-Key": "open sesame"},
        eventTypes=["CREATE"],
    )
    del made["secret"]
    sealed = Subscription.objects.values_list("secret_headers", "auth_secrets").get()

    answer = client.put(PATH + made["id"], {"name": "The CRM", "eventTypes": []})

    assert answer.json() == {**made, "name": "The CRM", "eventTypes": []}
    assert Subscription.objects.values_list("secret_headers", "auth_secrets").get() == sealed


@pytest.mark.rule("frontdesk.webhooks.update.r1")
def test_what_is_sent_is_replaced_as_a_whole(client: ApiClient, application: Application) -> None:
    made = created(
        client, application, authentication=BASIC, headers={"X-A": "1"}, secretHeaders={"X-B": "2"}
    )

    answer = client.put(
        PATH + made["id"],
        {
            "url": "https://other.example.org/",
            "headers": {"X-C": "3"},
            "secretHeaders": {},
            "authentication": {"type": "NONE"},
            "contact": "",
        },
    )

    changed = answer.json()
    assert changed["url"] == "https://other.example.org/"
    assert (changed["headers"], changed["secretHeaders"]) == ({"X-C": "3"}, [])
    assert changed["authentication"] == {"type": "NONE"}
    assert "contact" not in changed
    kept = Subscription.objects.get()
    assert (kept.secret_headers, kept.auth_secrets) == (None, None)


@pytest.mark.rule("frontdesk.webhooks.update.r2")
def test_switched_on_again_it_begins_anew(client: ApiClient, application: Application) -> None:
    moment = timezone.now()
    ended = make.make_subscription(
        application,
        is_active=False,
        ended_reason="Gone.",
        failing_since=moment,
        paused_at=moment,
        probe_at=moment,
        owner_told_at=moment,
    )

    answer = client.put(f"{PATH}{ended.id}", {"active": True})

    assert (answer.json()["state"], answer.json()["active"]) == ("ACTIVE", True)
    assert not {"failingSince", "pausedAt", "endedReason"} & set(answer.json())
    ended.refresh_from_db()
    assert (ended.probe_at, ended.owner_told_at) == (None, None)


@pytest.mark.rule("frontdesk.webhooks.update.r2")
def test_switched_off_it_is_told_nothing(client: ApiClient, application: Application) -> None:
    make.make_channel(application, Channel.WEBHOOKS)
    hook = make_hook(application)

    answer = client.put(f"{PATH}{hook.id}", {"active": False})
    make.make_appointment(application)

    assert (answer.json()["state"], answer.json()["active"]) == ("ENDED", False)
    assert not Notification.objects.filter(recipient_id=hook.id).exists()


@pytest.mark.rule("frontdesk.webhooks.update.r3")
@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"url": "https://127.0.0.1/"}, ["url"]),
        ({"eventTypes": ["ROOM"]}, ["eventTypes.0"]),
        ({"headers": {"x-key": "2"}}, ["secretHeaders.X-Key"]),
        ({"headers": {"Authorization": "x"}}, ["headers.Authorization"]),
        ({"authentication": {"type": "OAUTH2"}}, None),
        ({"active": "yes"}, ["active"]),
        ({"name": None}, ["name"]),
    ],
)
def test_a_change_is_judged_with_what_stays(
    client: ApiClient, application: Application, sent: dict[str, Any], wrong: list[str] | None
) -> None:
    made = created(
        client, application, authentication=BASIC, secretHeaders={"X-Key": "open sesame"}
    )
    before = everything()

    answer = client.put(PATH + made["id"], {"contact": "new@example.org", **sent})

    missing = ("authentication.tokenUrl", "authentication.clientId", "authentication.clientSecret")
    refused(answer, *(wrong or missing))
    assert everything() == before


# --- DELETE /{id} -----------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.delete.r1", "frontdesk.webhooks.delete.r2")
def test_a_deleted_subscription_is_gone_and_its_history_stays(
    client: ApiClient, application: Application, supervisor: User
) -> None:
    make.make_channel(application, Channel.WEBHOOKS)
    hook = make_hook(application)
    appointment = make.make_appointment(application)

    answer = client.delete(f"{PATH}{hook.id}")

    assert answer.status_code == 204
    assert client.get(f"{PATH}{hook.id}").status_code == 404
    assert not SigningSecret.objects.exists()
    history = client.get(f"/api/v2/appointments/{appointment.id}/notifications").json()
    assert [(one["status"], one["message"]) for one in history["content"]] == [
        ("CANCELLED", "The webhook subscription was deleted.")
    ]
    count = Notification.objects.count()
    make.make_appointment(application)
    assert Notification.objects.count() == count


# --- POST /{id}/secret ------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.secret.r1")
def test_a_new_secret_is_shown_and_both_sign(
    client: ApiClient,
    application: Application,
    private: None,
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver()
    made = created(client, application, url=there.url())

    answer = client.post(f"{PATH}{made['id']}/secret")
    client.post(f"{PATH}{made['id']}/test")

    secret = answer.json().pop("secret")
    assert answer.status_code == 200
    assert {**answer.json(), "secret": None} == {**made, "secret": None}
    assert secret != made["secret"]
    [request] = got(there, Subscription.objects.get())
    assert len(request.headers["webhook-signature"].split()) == 2
    old, new = SigningSecret.objects.order_by("created_at")
    assert (old.expires_at, new.expires_at) == (new.created_at + timedelta(hours=24), None)


@pytest.mark.rule("frontdesk.webhooks.secret.r2")
def test_three_secrets_are_valid_at_a_time(client: ApiClient, application: Application) -> None:
    hook = make_hook(application)
    first = SigningSecret.objects.get()

    for _ in range(3):
        client.post(f"{PATH}{hook.id}/secret")

    kept = list(SigningSecret.objects.order_by("-created_at"))
    assert len(kept) == 3
    assert first not in kept
    assert [secret.expires_at is None for secret in kept] == [True, False, False]


# --- POST /{id}/test --------------------------------------------------------------------------


@pytest.mark.rule(
    "frontdesk.webhooks.test.r1", "frontdesk.webhooks.test.r2", "frontdesk.webhooks.test.r3"
)
def test_a_test_is_one_signed_sample_that_nothing_remembers(
    client: ApiClient,
    application: Application,
    private: None,
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver()
    hook = make_hook(application, there)
    before = everything()

    answer = client.post(f"{PATH}{hook.id}/test")

    assert answer.status_code == 200
    duration = answer.json().pop("durationMs")
    assert {**answer.json(), "durationMs": 0} == {
        "delivered": True,
        "status": 204,
        "durationMs": 0,
    }
    assert 0 <= duration < 5_000
    [request] = got(there, hook)
    assert request.envelope["type"] == "test"
    payload = request.envelope["payload"]
    assert payload["metadata"] == {"test": True}
    schema = contract.json_schema("Appointment")
    Draft202012Validator(schema, format_checker=contract.FORMATS).validate(payload)
    assert everything() == before


@pytest.mark.rule("frontdesk.webhooks.test.r2")
def test_a_test_says_what_the_receiver_answered(
    client: ApiClient,
    application: Application,
    private: None,
    receiver: Callable[..., Receiver],
) -> None:
    hook = make_hook(application, receiver(answering(410)))

    answer = client.post(f"{PATH}{hook.id}/test").json()

    assert (answer["delivered"], answer["status"]) == (False, 410)
    assert answer["reason"] == "The receiver is gone for good (410)."
    hook.refresh_from_db()
    assert hook.is_active


@pytest.mark.rule("frontdesk.webhooks.test.r2")
def test_a_test_that_cannot_be_sent_says_why(client: ApiClient, application: Application) -> None:
    blocked = make_hook(application, url="https://10.0.0.1/")
    without = make.make_subscription(application)

    answers = [client.post(f"{PATH}{one.id}/test").json() for one in (blocked, without)]

    assert [(one["delivered"], one["reason"]) for one in answers] == [
        (False, "The address lies in a network that is not public."),
        (False, "The subscription has no signing secret."),
    ]
    assert not any("status" in one for one in answers)


@pytest.mark.rule("frontdesk.webhooks.test.r4")
def test_an_organisation_tests_so_often_in_a_minute(
    client: ApiClient, application: Application
) -> None:
    hook, others = make.make_subscription(application), make.make_application()
    for _ in range(limits.WEBHOOK_TESTS):
        assert client.post(f"{PATH}{hook.id}/test").status_code == 200

    refused = client.post(f"{PATH}{hook.id}/test")

    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_TESTS")
    assert 0 < int(refused["Retry-After"]) <= 60
    theirs = make.make_subscription(others)
    their_admin = make.make_user(others.organization, [Role.ADMIN])
    answer = ApiClient(make.token_for(their_admin)).post(f"{PATH}{theirs.id}/test")
    assert answer.status_code == 200


# --- GET /{id}/events -------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.events.r1")
def test_the_feed_gives_what_comes_after_a_number(
    client: ApiClient, application: Application
) -> None:
    hook = make_hook(application)
    first, second, third = (make_event(hook, payload={"title": str(n)}) for n in range(3))
    feed.number_due()

    page = client.get(f"{PATH}{hook.id}/events", after=1, limit=1).json()
    rest = client.get(f"{PATH}{hook.id}/events", after=2).json()

    assert page == {
        "content": [
            {
                "sequence": 2,
                "id": str(second.id),
                "type": "UPDATE",
                "timestamp": format_instant(second.created_at),
                "payload": {"title": "1"},
                "status": "INITIALIZED",
            }
        ],
        "lastSequence": 3,
        "hasMore": True,
    }
    assert ([one["id"] for one in rest["content"]], rest["hasMore"]) == ([str(third.id)], False)
    everything_there_is = client.get(f"{PATH}{hook.id}/events").json()
    assert [one["id"] for one in everything_there_is["content"]] == [
        str(one.id) for one in (first, second, third)
    ]


@pytest.mark.rule("frontdesk.webhooks.events.r2")
@pytest.mark.parametrize("name", ["after", "limit"])
@pytest.mark.parametrize("value", ["-1", "1.5", "x", "", "٣", "9" * 20, "\0"])
def test_a_part_of_the_feed_that_makes_no_sense_is_refused(
    client: ApiClient, application: Application, name: str, value: str
) -> None:
    hook = make_hook(application)

    answer = client.send("GET", f"{PATH}{hook.id}/events", query={name: value})

    refused(answer, name)


@pytest.mark.rule("frontdesk.webhooks.events.r2")
@pytest.mark.parametrize("limit", ["0", "1001"])
def test_a_part_of_the_feed_has_a_thousand_at_most(
    client: ApiClient, application: Application, limit: str
) -> None:
    hook = make_hook(application)

    refused(client.get(f"{PATH}{hook.id}/events", limit=limit), "limit")
    assert client.get(f"{PATH}{hook.id}/events", limit="1000").json()["content"] == []


@pytest.mark.rule("frontdesk.webhooks.events.r3")
def test_what_was_erased_has_a_place_in_the_feed_and_no_payload(
    client: ApiClient, application: Application
) -> None:
    hook = make_hook(application)
    event = make_event(hook)
    feed.number_due()
    NotificationContent.objects.filter(pk=event.pk).update(body=None)

    [item] = client.get(f"{PATH}{hook.id}/events").json()["content"]

    assert (item["sequence"], item["payload"]) == (1, None)


# --- POST /{id}/replay ------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.replay.r1")
@pytest.mark.parametrize("beginning", ["since", "from_sequence"])
def test_a_replay_makes_the_same_events_due_again(
    client: ApiClient, application: Application, beginning: str
) -> None:
    hook = make_hook(application)
    events = [make_event(hook) for _ in range(3)]
    feed.number_due()
    Notification.objects.update(status=Status.DELIVERED, due_at=None)
    moment = Notification.objects.get(feed_sequence=2).created_at
    body = {"since": format_instant(moment), "from_sequence": 2}

    answer = client.post(f"{PATH}{hook.id}/replay", {beginning: body[beginning]})

    assert (answer.status_code, answer.json()) == (202, {"count": 2})
    due = Notification.objects.filter(due_at__isnull=False).order_by("feed_sequence")
    assert [one.id for one in due] == [one.id for one in events[1:]]


@pytest.mark.rule("frontdesk.webhooks.replay.r2")
@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({}, "from_sequence"),
        ({"since": "2027-03-28T10:00:00Z", "from_sequence": 1}, "from_sequence"),
        ({"from_sequence": "1"}, "from_sequence"),
        ({"from_sequence": -1}, "from_sequence"),
        ({"from_sequence": True}, "from_sequence"),
        ({"since": "yesterday"}, "since"),
        ({"since": None}, "since"),
    ],
)
def test_a_replay_has_one_beginning(
    client: ApiClient, application: Application, sent: dict[str, Any], wrong: str
) -> None:
    hook = make_hook(application)
    before = everything()

    refused(client.post(f"{PATH}{hook.id}/replay", sent), wrong)
    assert everything() == before


@pytest.mark.rule("frontdesk.webhooks.replay.r3")
def test_nothing_is_replayed_to_what_is_switched_off(
    client: ApiClient, application: Application
) -> None:
    hook = make_hook(application, is_active=False)
    make_event(hook)
    feed.number_due()
    Notification.objects.update(status=Status.DELIVERED, due_at=None)
    before = everything()

    answer = client.post(f"{PATH}{hook.id}/replay", {"from_sequence": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "SUBSCRIPTION_ENDED")
    assert everything() == before


def test_a_program_pulls_and_replays_but_does_not_manage(application: Application) -> None:
    program, _ = make.make_api_client(application.organization)
    client, hook = ApiClient(make.token_for(program)), make_hook(application)

    answers = [
        client.get(f"{PATH}{hook.id}/events"),
        client.post(f"{PATH}{hook.id}/replay", {"from_sequence": 1}),
        client.get(f"{PATH}{hook.id}"),
        client.post(f"{PATH}{hook.id}/test"),
        client.post(f"{PATH}{hook.id}/secret"),
        client.delete(f"{PATH}{hook.id}"),
    ]

    assert [answer.status_code for answer in answers] == [200, 202, 403, 403, 403, 403]
