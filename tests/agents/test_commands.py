"""manage.py create_organization and manage.py demo."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from agents.models import ApiClient, Application, Organization, User
from agents.services import login
from notifications.models import Channel, ChannelSettings, MessageTemplate
from tests.contract.tokens import claims_of

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def run(*arguments: str, stdin: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    out = io.StringIO()
    if monkeypatch is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


# --- create_organization --------------------------------------------------------------------


def test_create_organization_prints_a_random_password_once() -> None:
    output = run(
        "create_organization", "Acme", "--admin", "Root@Acme.example", "--timezone", "Europe/Berlin"
    )

    admin = User.objects.get()
    password = next(line.split()[1] for line in output.splitlines() if "password" in line)
    assert (admin.username, admin.roles) == ("root@acme.example", ["ROLE_SUPERVISOR", "ROLE_ADMIN"])
    assert admin.check_password(password)
    assert admin.change_password_on_first_login
    assert Application.objects.get().default_timezone == "Europe/Berlin"
    assert str(admin.organization_id) in output


def test_create_organization_takes_a_password_from_its_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = run(
        "create_organization",
        "Acme",
        "--admin",
        "root@acme.example",
        "--password-stdin",
        stdin="correct horse battery\n",
        monkeypatch=monkeypatch,
    )

    admin = User.objects.get()
    assert admin.check_password("correct horse battery")
    assert not admin.change_password_on_first_login
    assert "correct horse" not in output


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["Acme", "--admin", "root"], "", "A user name is an e-mail address."),
        ([" ", "--admin", "root@acme.example"], "", "A name is needed."),
        (
            ["Acme", "--admin", "root@acme.example", "--password-stdin"],
            "12345678901\n",
            "This password is entirely numeric.",
        ),
        (
            ["Acme", "--admin", "root@acme.example", "--timezone", "Mars"],
            "",
            "A time zone is an IANA name",
        ),
    ],
)
def test_create_organization_makes_both_or_neither(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], stdin: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("create_organization", *arguments, stdin=stdin, monkeypatch=monkeypatch)

    assert not Organization.objects.exists()


# --- demo -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _local(settings: Settings) -> None:
    settings.LOCAL = True


def demo() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(run("demo", "--json"))
    return loaded


def test_demo_loads_what_it_says() -> None:
    loaded = demo()

    assert list(loaded) == ["organizations"]
    assert [each["name"] for each in loaded["organizations"]] == ["Northwind Care", "Contoso Bank"]
    for organization in loaded["organizations"]:
        assert list(organization) == ["id", "name", "applications", "users", "clients"]
        [application] = organization["applications"]
        assert list(application) == ["id", "name"]
        assert sorted(user["roles"][0] for user in organization["users"]) == [
            "ROLE_ADMIN",
            "ROLE_AGENT",
            "ROLE_AGENT",
            "ROLE_AGENT",
            "ROLE_SUPERVISOR",
        ]
        assert list(organization["users"][0]) == ["id", "username", "password", "roles"]
        [client] = organization["clients"]
        assert list(client) == ["client_id", "client_secret", "roles"]
        assert client["roles"] == ["ROLE_CLIENT_SERVICE"]
        mail = ChannelSettings.objects.get(application=application["id"], channel=Channel.EMAIL)
        assert (mail.is_on, mail.reminder_offsets) == (True, ["PT24H", "PT1H"])
        templates = MessageTemplate.objects.filter(application=application["id"])
        assert sorted(template.locale for template in templates) == ["de", "en"]
    [texts] = ChannelSettings.objects.filter(channel=Channel.SMS)
    assert (texts.organization.name, texts.is_on, texts.quiet_from) == (
        "Northwind Care",
        True,
        None,
    )
    overlaps = Application.objects.values_list("name", "prevent_overlaps").order_by("name")
    assert list(overlaps) == [("Contoso Bank Online", True), ("Northwind Care Online", False)]


def test_demo_can_be_run_again() -> None:
    first = demo()
    counts = [model.objects.count() for model in (Organization, Application, User, ApiClient)]
    user = User.objects.get(username=first["organizations"][0]["users"][0]["username"])
    user.set_password("something else")
    user.save()

    assert demo() == first
    assert [
        model.objects.count() for model in (Organization, Application, User, ApiClient)
    ] == counts


def test_everybody_of_the_demo_can_log_in(now: datetime) -> None:
    for organization in demo()["organizations"]:
        for user in organization["users"]:
            pair = login.log_in(user["username"], user["password"], address="192.0.2.1", now=now)
            assert claims_of(pair.access)["roles"] == user["roles"]
        for client in organization["clients"]:
            access = login.log_in_client(
                client["client_id"], client["client_secret"], address="192.0.2.1", now=now
            )
            assert claims_of(access)["organization_id"] == organization["id"]


def test_demo_shows_people_how_to_log_in() -> None:
    output = run("demo")

    assert "anna.keller@northwind.example" in output
    assert "frontdesk-demo-anna.keller" in output


def test_demo_is_refused_where_others_can_reach_it(settings: Settings) -> None:
    settings.LOCAL = False
    settings.PUBLIC_URL = "https://frontdesk.example.org"

    with pytest.raises(CommandError, match="Say --force"):
        run("demo")

    assert not Organization.objects.exists()
    run("demo", "--force")
    assert Organization.objects.count() == 2
