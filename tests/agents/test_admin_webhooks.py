"""Webhook subscriptions in the admin: changed by their commands, secrets typed in and not shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import Application, User
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.secrets import unseal
from notifications.credentials import auth_of, secret_headers_of
from notifications.models import Notification, OutboxEvent, SigningSecret, Status, Subscription
from notifications.transports.webhooks.delivery import Basic
from tests.make import (
    PASSWORD,
    make_application,
    make_organization,
    make_subscription,
    make_user,
)
from tests.notifications.hooks import got, make_event, make_hook
from tests.notifications.webhooks import answering, receivers

if TYPE_CHECKING:
    from pytest_django import Settings

    from tests.kernel.receivers import Receiver

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/subscription/"
URL = "https://hooks.example.org/frontdesk"
YES = {"post": "yes"}


@pytest.fixture
def application() -> Application:
    return make_application()


@pytest.fixture
def administrator(application: Application) -> User:
    return make_user(application.organization, [Role.ADMIN])


@pytest.fixture
def browser(administrator: User) -> Client:
    """Give the browser of an administrator."""
    client = Client()
    client.force_login(administrator)
    return client


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Callable[..., Receiver]]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as made:
        yield made


def change(subscription: Subscription) -> str:
    return reverse("admin:notifications_subscription_change", args=[subscription.pk])


def typed(application: Application, **values: object) -> dict[str, Any]:
    data = {"url": URL, "format": "appointment-event", "headers": "{}", "auth": "NONE"}
    return {"application": str(application.pk), **data, **values}


def edited(browser: Client, subscription: Subscription, **values: object) -> Any:
    """Send the form of a subscription with some values changed."""
    form = browser.get(change(subscription)).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields if name != "organization"}
    data = {name: value for name, value in shown.items() if value not in (None, False, "")}
    # What it was when the page was read, as the page says in a hidden field.
    data["initial-headers"] = shown["headers"]
    return browser.post(change(subscription), {**data, **values})


def act(browser: Client, action: str, *chosen: Subscription) -> Any:
    selected = [str(one.pk) for one in chosen]
    return browser.post(LIST, {"action": action, "_selected_action": selected}, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# --- Made -------------------------------------------------------------------------------------


def test_a_new_subscriptions_secret_is_shown_once(
    application: Application, browser: Client, administrator: User
) -> None:
    answer = browser.post(f"{LIST}add/", typed(application, types=["CREATE"]))

    made = Subscription.objects.get()
    secret = answer.context["secret"]
    assert unseal(SigningSecret.objects.get().sealed, purpose="signing-secret") == secret
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert (made.url, made.types, made.contact) == (URL, ["CREATE"], administrator.username)
    assert secret not in browser.get(change(made)).content.decode()
    event = OutboxEvent.objects.get(subject_id=made.pk)
    assert (event.type, event.origin) == ("webhook_subscription.created", "admin")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"types": ["ROOM"]}, "types"),
        ({"headers": '{"Host": "x"}'}, "headers"),
        ({"headers": '{"X-A": 1}'}, "headers"),
        ({"headers": "[1]"}, "headers"),
        ({"new_secret_headers": '{"webhook-id": "x"}'}, "new_secret_headers"),
        ({"new_secret_headers": "[1]"}, "new_secret_headers"),
        ({"auth": "BASIC", "username": "me"}, "auth"),
        ({"auth": "OAUTH2", "client_id": "me"}, "auth"),
        ({"contact": "nobody"}, "contact"),
        (
            {
                "headers": '{"Authorization": "x"}',
                "auth": "BASIC",
                "username": "a",
                "password": "b",
            },
            "headers",
        ),
    ],
    ids=str,
)
def test_what_the_api_refuses_is_refused_beside_its_field(
    application: Application, browser: Client, values: dict[str, Any], field: str
) -> None:
    answer = browser.post(f"{LIST}add/", typed(application, **values))

    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"x": ' + "9" * 5_000 + "}", '{"x": "\\ud800"}', '{"\\ud800": "x"}', "NaN"],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("field", ["headers", "new_secret_headers"])
def test_json_that_nobody_could_keep_is_refused_beside_its_field(
    application: Application, browser: Client, field: str, text: str
) -> None:
    answer = browser.post(f"{LIST}add/", typed(application, **{field: text}))

    assert answer.context["adminform"].form.errors[field] == ["Enter a valid JSON."]
    assert not Subscription.objects.exists()


def test_the_admins_own_history_holds_no_address(application: Application, browser: Client) -> None:
    browser.post(f"{LIST}add/", typed(application, url=f"{URL}?key=s3cret"))
    browser.post(
        reverse("admin:notifications_subscription_delete", args=[Subscription.objects.get().pk]),
        YES,
    )

    told = list(LogEntry.objects.values_list("object_repr", flat=True))
    assert told == ["hooks.example.org"] * 2


@pytest.mark.parametrize(
    "query", ["auth_secrets=x", "secret_headers__gt=x", "created_at__year=99999999999"]
)
def test_a_list_is_not_searched_by_what_it_does_not_show(browser: Client, query: str) -> None:
    assert browser.get(f"{LIST}?{query}").status_code == 400


def test_a_list_goes_by_years(application: Application, browser: Client) -> None:
    year = make_subscription(application).created_at.year

    found, others = (browser.get(f"{LIST}?created_at__year={one}") for one in (year, year - 1))

    assert found.context["cl"].result_count == 1
    assert others.context["cl"].result_count == 0


def test_one_too_many_is_refused(application: Application, browser: Client) -> None:
    for _ in range(limits.SUBSCRIPTIONS_PER_APPLICATION):
        make_subscription(application)

    answer = browser.post(f"{LIST}add/", typed(application))

    assert answer.status_code == 409
    assert Subscription.objects.count() == limits.SUBSCRIPTIONS_PER_APPLICATION


def test_it_cannot_belong_to_an_application_of_others(browser: Client) -> None:
    answer = browser.post(f"{LIST}add/", typed(make_application()))

    assert list(answer.context["adminform"].form.errors) == ["application"]


# --- Changed ----------------------------------------------------------------------------------


def test_secrets_are_typed_in_and_not_shown(application: Application, browser: Client) -> None:
    hook = make_hook(application)

    answer = edited(
        browser,
        hook,
        auth="BASIC",
        username="frontdesk",
        password="open sesame",
        new_secret_headers='{"X-Key": "open sesame"}',
    )

    assert answer.status_code == 302
    hook.refresh_from_db()
    assert auth_of(hook) == Basic(username="frontdesk", password="open sesame")
    assert secret_headers_of(hook) == {"X-Key": "open sesame"}
    assert "sesame" not in browser.get(change(hook)).content.decode()


def test_secrets_that_are_left_empty_stay(application: Application, browser: Client) -> None:
    hook = make_hook(application)
    edited(browser, hook, auth="BASIC", username="frontdesk", password="open sesame")
    kept = Subscription.objects.values_list("auth_secrets").get()

    answer = edited(browser, hook, name="The CRM")

    assert answer.status_code == 302
    assert Subscription.objects.values_list("auth_secrets").get() == kept
    event = OutboxEvent.objects.of(hook.pk).last()
    assert event is not None
    assert (event.type, event.facts) == ("webhook_subscription.updated", {"changed": ["name"]})


def test_switched_off_and_on_it_begins_anew(application: Application, browser: Client) -> None:
    now = timezone.now()
    paused = make_hook(application, failing_since=now, paused_at=now, probe_at=now)

    answer = act(browser, "switch_on", paused)

    assert answer.status_code == 200
    paused.refresh_from_db()
    assert (paused.failing_since, paused.paused_at, paused.is_active) == (None, None, True)


def test_it_stays_with_its_application(application: Application, browser: Client) -> None:
    hook = make_hook(application)
    second = make_application(application.organization)

    edited(browser, hook, application=str(second.pk))

    hook.refresh_from_db()
    assert hook.application_id == application.pk


def test_deleting_cancels_what_waits(application: Application, browser: Client) -> None:
    hook = make_hook(application)
    event = make_event(hook)

    asked = browser.get(reverse("admin:notifications_subscription_delete", args=[hook.pk]))
    browser.post(
        reverse("admin:notifications_subscription_delete", args=[hook.pk]), {"post": "yes"}
    )

    assert asked.status_code == 200
    assert not Subscription.objects.exists()
    event.refresh_from_db()
    assert event.status == Status.CANCELLED


def test_several_are_deleted_by_the_same_command(application: Application, browser: Client) -> None:
    hooks = [make_hook(application) for _ in range(2)]
    event = make_event(hooks[1])

    selected = [str(one.pk) for one in hooks]
    browser.post(LIST, {"action": "delete_selected", "_selected_action": selected, "post": "yes"})

    assert not Subscription.objects.exists()
    assert Notification.objects.get(pk=event.pk).status == Status.CANCELLED


# --- Asked ------------------------------------------------------------------------------------


def test_the_list_says_how_each_is_doing(application: Application, browser: Client) -> None:
    now = timezone.now()
    make_hook(application, name="Well")
    make_hook(application, name="Away", failing_since=now, paused_at=now)

    page = browser.get(LIST).content.decode()

    assert ("Active" in page, "Paused" in page) == (True, True)


def test_a_test_says_what_the_receiver_made_of_it(
    application: Application, browser: Client, receiver: Callable[..., Receiver]
) -> None:
    there = receiver()
    well, gone = make_hook(application, there), make_hook(application, receiver(answering(410)))

    answer = act(browser, "send_test", well, gone)

    assert said(answer) == [
        "127.0.0.1: delivered (204).",
        "127.0.0.1: The receiver is gone for good (410).",
    ]
    assert [one.envelope["type"] for one in got(there, well)] == ["test"]


def test_a_new_secret_is_shown_once(application: Application, browser: Client) -> None:
    hook = make_hook(application)

    answer = act(browser, "renew_secret", hook)

    secret = answer.context["secret"]
    newest = SigningSecret.objects.latest("created_at")
    assert unseal(newest.sealed, purpose="signing-secret") == secret
    assert "no-store" in answer["Cache-Control"]
    assert SigningSecret.objects.count() == 2


def test_secrets_are_renewed_one_by_one(application: Application, browser: Client) -> None:
    hooks = [make_hook(application) for _ in range(2)]

    answer = act(browser, "renew_secret", *hooks)

    assert said(answer) == ["Choose one: its secret is shown once."]
    assert SigningSecret.objects.count() == 2


@pytest.mark.parametrize("action", ["send_test", "renew_secret", "switch_on"])
def test_supervisors_look_on(application: Application, action: str) -> None:
    hook = make_hook(application, is_active=False)
    client = Client()
    client.force_login(make_user(application.organization, [Role.SUPERVISOR]))

    act(client, action, hook)

    hook.refresh_from_db()
    assert not hook.is_active
    assert SigningSecret.objects.count() == 1
    page = client.get(change(hook)).content.decode()
    assert 'name="password"' not in page


def test_what_others_have_cannot_be_acted_on(browser: Client) -> None:
    theirs = make_hook(make_application(make_organization()), is_active=False)

    for action in ("send_test", "renew_secret", "switch_on"):
        act(browser, action, theirs)

    theirs.refresh_from_db()
    assert not theirs.is_active
    assert SigningSecret.objects.count() == 1


def test_an_operator_acts_for_the_organisation_of_the_subscription(
    application: Application,
) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.org", PASSWORD))

    client.post(f"{LIST}add/", typed(application, organization=str(application.organization_id)))

    made = Subscription.objects.get()
    assert made.organization_id == application.organization_id
    assert OutboxEvent.objects.get(subject_id=made.pk).organization_id == made.organization_id
