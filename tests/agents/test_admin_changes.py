"""Changes in the admin: who may make them, what they may point to, and which command they are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import ApiClient, Application, Team, User
from agents.services.clients import authenticate_api_client
from appointments.models import Appointment, State
from config.kernel.actors import Role
from notifications.models import ChannelSettings, MessageTemplate, OutboxEvent
from tests.make import PASSWORD, make_application, make_appointment, make_organization, make_user

if TYPE_CHECKING:
    from django.db.models import Model

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    """Give an application with one appointment."""
    application = make_application()
    make_appointment(application)
    return application


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def administrator(application: Application) -> Client:
    """Give the browser of an administrator of the organisation."""
    return signed_in(make_user(application.organization, [Role.ADMIN]))


@pytest.fixture
def supervisor(application: Application) -> Client:
    """Give the browser of a supervisor of the organisation."""
    return signed_in(make_user(application.organization, [Role.SUPERVISOR]))


@pytest.fixture
def operator() -> Client:
    """Give the browser of somebody who operates the installation."""
    return signed_in(User.objects.create_superuser("operator@example.org", PASSWORD))


def url(model: type[Model], page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def form_of(page: Any) -> dict[str, Any]:
    """Give what the form of a page would send, unchanged."""
    form = page.context["adminform"].form
    data: dict[str, Any] = {}
    for name in form.fields:
        bound = form[name]
        value = bound.value()
        subs = getattr(bound.field.widget, "decompress", None)
        if value is None or value is False:
            continue
        if subs:
            data |= {f"{name}_{place}": part or "" for place, part in enumerate(subs(value))}
        else:
            data[name] = value
    return data


def test_an_administrator_changes_an_application(
    application: Application, administrator: Client
) -> None:
    page = administrator.get(url(Application, "change", application.pk))
    data = form_of(page)

    response = administrator.post(
        url(Application, "change", application.pk), {**data, "name": "Renamed"}
    )

    assert response.status_code == 302
    application.refresh_from_db()
    assert application.name == "Renamed"


def test_a_row_cannot_be_given_to_another_organisation(
    application: Application, administrator: Client
) -> None:
    other = make_organization()

    administrator.post(url(Team, "add"), {"name": "Night shift", "organization": str(other.pk)})

    team = Team.objects.get(name="Night shift")
    assert team.organization_id == application.organization_id


def test_a_row_cannot_point_to_another_organisation(
    application: Application, administrator: Client, operator: Client
) -> None:
    foreign = make_application()
    data = {
        "application": str(foreign.pk),
        "channel": "SMS",
        "organization": str(application.organization_id),
    }

    theirs = administrator.post(url(ChannelSettings, "add"), data)
    operators = operator.post(url(ChannelSettings, "add"), data)

    assert "Select a valid choice." in theirs.content.decode()
    assert "This belongs to another organisation." in operators.content.decode()
    assert not ChannelSettings.objects.filter(channel="SMS").exists()


def test_autocompletion_offers_nothing_of_another_organisation(
    application: Application, administrator: Client
) -> None:
    make_application(name="Foreign")

    response = administrator.get(
        "/admin/autocomplete/",
        {
            "app_label": "notifications",
            "model_name": "channelsettings",
            "field_name": "application",
            "term": "",
        },
    )

    assert [one["text"] for one in response.json()["results"]] == [application.name]


def test_filters_offer_nothing_of_another_organisation(
    application: Application, supervisor: Client
) -> None:
    make_application(application.organization, name="Second of ours")
    make_application(name="Foreign application")

    page = supervisor.get(url(Appointment)).content.decode()

    assert "Second of ours" in page
    assert "Foreign application" not in page


def test_a_new_clients_secret_is_shown_once_and_works(
    application: Application, administrator: Client
) -> None:
    response = administrator.post(
        url(ApiClient, "add"),
        {"name": "Website", "roles": [Role.CLIENT_SERVICE]},
    )

    client = ApiClient.objects.get(name="Website")
    secret = response.context["secret"]
    assert secret in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert authenticate_api_client(str(client.pk), secret) == client
    later = administrator.get(url(ApiClient, "change", client.pk)).content.decode()
    assert secret not in later
    assert "digest" not in later.lower()


def test_a_new_user_is_made_by_the_service(application: Application, administrator: Client) -> None:
    response = administrator.post(
        url(User, "add"),
        {
            "username": "New@Example.org",
            "first_name": "New",
            "last_name": "Agent",
            "roles": [Role.AGENT],
            "password1": "correct-horse-battery",
            "password2": "correct-horse-battery",
        },
    )

    user = User.objects.get(username="new@example.org")
    assert response.status_code == 302
    assert user.organization_id == application.organization_id
    assert user.check_password("correct-horse-battery")
    event = OutboxEvent.objects.get(subject_id=user.pk)
    assert (event.type, event.origin) == ("user.created", "admin")


def test_a_taken_user_name_is_refused_without_saying_where(
    application: Application, administrator: Client
) -> None:
    make_user(username="taken@example.org")

    response = administrator.post(
        url(User, "add"),
        {
            "username": "Taken@Example.org",
            "roles": [Role.AGENT],
            "password1": "correct-horse-battery",
            "password2": "correct-horse-battery",
        },
    )

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert errors == {"username": ["User with this User name already exists."]}


def test_nobody_becomes_an_operator_in_the_admin(
    application: Application, administrator: Client
) -> None:
    agent = make_user(application.organization)
    page = administrator.get(url(User, "change", agent.pk))

    administrator.post(
        url(User, "change", agent.pk),
        {**form_of(page), "is_superuser": "on", "roles": [Role.CUSTOMER]},
    )

    agent.refresh_from_db()
    assert not agent.is_superuser
    assert agent.roles == [Role.AGENT]


def test_deactivating_a_user_is_an_event(application: Application, administrator: Client) -> None:
    agent = make_user(application.organization)
    data = form_of(administrator.get(url(User, "change", agent.pk)))
    data.pop("is_active")

    response = administrator.post(url(User, "change", agent.pk), data)

    assert response.status_code == 302
    agent.refresh_from_db()
    assert not agent.is_active
    assert OutboxEvent.objects.filter(subject_id=agent.pk, type="user.deactivated").exists()


def test_an_administrator_sets_somebodys_password(
    application: Application, administrator: Client
) -> None:
    agent = make_user(application.organization)

    response = administrator.post(
        reverse("admin:auth_user_password_change", args=[agent.pk]),
        {"password1": "another-horse-battery", "password2": "another-horse-battery"},
    )

    assert response.status_code == 302
    agent.refresh_from_db()
    assert agent.check_password("another-horse-battery")


def test_a_template_that_does_not_parse_is_not_saved(
    application: Application, administrator: Client
) -> None:
    data = {
        "application": str(application.pk),
        "type": "CREATE",
        "channel": "EMAIL",
        "locale": "de",
        "subject": "Hallo",
    }

    refused = administrator.post(url(MessageTemplate, "add"), {**data, "text": "{{nonsense}}"})
    saved = administrator.post(url(MessageTemplate, "add"), {**data, "text": "{{firstName}}"})

    assert refused.context["adminform"].form.errors["text"]
    assert saved.status_code == 302
    assert MessageTemplate.objects.filter(locale="de").count() == 1


@pytest.mark.parametrize(("command", "left"), [("cancel", State.CANCELLED), ("delete", None)])
def test_appointments_change_by_their_commands(
    application: Application, supervisor: Client, command: str, left: State | None
) -> None:
    booked = Appointment.objects.get(application=application)
    chosen = {"action": command, "_selected_action": [str(booked.pk)]}

    asked = supervisor.post(url(Appointment), chosen)
    assert "Are you sure?" in asked.content.decode()
    assert Appointment.objects.get(pk=booked.pk).state != State.CANCELLED
    supervisor.post(url(Appointment), {**chosen, "confirmed": "yes"})

    found = Appointment.objects.filter(pk=booked.pk).first()
    assert (found.state if found else None) == left
    last = OutboxEvent.objects.of(booked.pk).last()
    assert last is not None
    assert (last.type, last.origin) == (f"appointment.{command}{'led' if left else 'd'}", "admin")


def test_big_lists_are_counted_up_to_a_bound(
    application: Application, supervisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.kernel.admin.COUNTED_AT_MOST", 2)
    for hours in range(3):
        make_appointment(application, start=timezone.now() + timedelta(hours=30 + hours))

    page = supervisor.get(url(Appointment))

    assert page.context["cl"].result_count == 2
