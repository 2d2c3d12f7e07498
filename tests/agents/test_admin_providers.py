"""Providers of an application's messages in the admin: chosen, sealed, and never shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from config.kernel.actors import Role
from config.kernel.secrets import unseal
from notifications.models import Channel, ChannelSettings, Undeliverable
from notifications.services import undeliverable
from notifications.services.provider_accounts import choose_provider
from tests import make

if TYPE_CHECKING:
    from agents.models import Application

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/channelsettings/"
BOUNCES = "/admin/notifications/undeliverable/"
GATEWAY = {"url": "https://sms.example.org/send", "body": {"to": "{to}", "text": "{text}"}}


@pytest.fixture
def application(db: None) -> Application:
    return make.make_application()


@pytest.fixture
def own(application: Application) -> ChannelSettings:
    return make.make_channel(application)


def browser(application: Application, role: Role = Role.ADMIN) -> Client:
    client = Client()
    client.force_login(make.make_user(application.organization, [role]))
    return client


def save(own: ChannelSettings, **changed: Any) -> Any:
    form = {
        "organization": str(own.organization_id),
        "application": str(own.application_id),
        "channel": own.channel,
        "is_on": "on",
        "provider": own.provider,
        "account": "",
        **changed,
    }
    return browser(own.application).post(f"{LIST}{own.pk}/change/", form)


def kept(own: ChannelSettings) -> dict[str, object]:
    own.refresh_from_db()
    assert own.provider_options is not None
    options: dict[str, object] = json.loads(
        unseal(own.provider_options, purpose="provider-options")
    )
    return options


def test_an_administrator_chooses_a_provider(own: ChannelSettings) -> None:
    ChannelSettings.objects.update(verified_at=timezone.now())

    answer = save(own, provider="mailgun", account='{"api_key": "key-1", "region": "eu"}')

    assert answer.status_code == 302, answer.context["errors"]
    assert kept(own) == {"provider": "mailgun", "api_key": "key-1", "region": "eu"}
    assert (own.provider, own.verified_at) == ("mailgun", None)


def test_options_are_shown_to_nobody_and_stay_when_left_empty(own: ChannelSettings) -> None:
    save(own, provider="mailgun", account='{"api_key": "key-1"}')
    own.refresh_from_db()

    page = browser(own.application).get(f"{LIST}{own.pk}/change/").content.decode()
    save(own, sender="Desk")

    assert "key-1" not in page
    assert kept(own)["api_key"] == "key-1"
    assert (own.sender, own.provider) == ("Desk", "mailgun")


def test_without_a_provider_it_is_the_installation_s_own_again(own: ChannelSettings) -> None:
    save(own, provider="mailgun", account='{"api_key": "key-1"}')
    own.refresh_from_db()

    save(own, provider="")

    own.refresh_from_db()
    assert (own.provider, own.provider_options) == ("", None)


@pytest.mark.parametrize(
    ("provider", "account", "said"),
    [
        ("mailgun", "", "A provider needs its options"),
        ("mailgun", '["key-1"]', "A provider needs its options"),
        ("mailgun", '{"api_key": "k", "api_url": "https://evil.example"}', "api_url: "),
        ("twilio", '{"account": "A", "token": "T"}', "provider: "),
        ("postal", '{"api_key": "k"}', "Select a valid choice"),
        ("mailgun", "[" * 100_000, "Enter a valid JSON."),
        ("mailgun", '{"api_key": "\\ud800"}', "Enter a valid JSON."),
    ],
)
def test_what_could_not_be_opened_is_not_saved(
    own: ChannelSettings, provider: str, account: str, said: str
) -> None:
    answer = save(own, provider=provider, account=account)

    assert said in answer.content.decode()
    own.refresh_from_db()
    assert (own.provider, own.provider_options) == ("", None)


def test_a_provider_of_sms_is_sealed_as_its_transport_reads_it(application: Application) -> None:
    own = make.make_channel(application, Channel.SMS)

    save(own, provider="gateway", account=json.dumps(GATEWAY))

    assert kept(own) == GATEWAY


def test_a_supervisor_sees_who_the_provider_is_and_no_more(own: ChannelSettings) -> None:
    choose_provider(own, "mailgun", {"api_key": "key-1"})
    own.save()

    client = browser(own.application, Role.SUPERVISOR)
    page = client.get(f"{LIST}{own.pk}/change/").content.decode()

    assert "mailgun" in page
    assert "key-1" not in page
    assert 'name="account"' not in page


def bounced(application: Application) -> Undeliverable:
    undeliverable.remember(
        "ada@example.org",
        organization_id=application.organization_id,
        reason=Undeliverable.Reason.BOUNCED,
        said="550 nobody here",
        notification_id=application.pk,
        at=timezone.now(),
    )
    return Undeliverable.objects.get(organization=application.organization)


def test_addresses_that_take_no_mail_are_listed_for_their_organization(
    application: Application,
) -> None:
    row = bounced(application)

    ours = browser(application, Role.SUPERVISOR).get(BOUNCES).content.decode()
    theirs = browser(make.make_application()).get(BOUNCES).content.decode()

    assert "ada@example.org" in ours
    assert "550 nobody here" in ours
    assert "ada@example.org" not in theirs
    assert str(row.pk) not in theirs


@pytest.mark.parametrize(("role", "rows"), [(Role.ADMIN, 0), (Role.SUPERVISOR, 1)])
def test_an_administrator_has_an_address_forgotten(
    application: Application, role: Role, rows: int
) -> None:
    row = bounced(application)

    browser(application, role).post(f"{BOUNCES}{row.pk}/delete/", {"post": "yes"})

    assert Undeliverable.objects.count() == rows
