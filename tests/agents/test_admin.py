"""The admin of every model: inside one organisation, by role, and never past the services."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agents.models import (
    Application,
    Call,
    Customer,
    DeskCookie,
    DeskSession,
    ExternalIdentity,
    IdempotentRequest,
    Leg,
    MediaChannel,
    OneTimeCode,
    PushMessage,
    PushStream,
    Recording,
    RecordingMedia,
    SecurityCounter,
    StateInterval,
    Team,
    TeamMember,
    User,
)
from appointments.models import (
    Appointment,
    CalendarFeed,
    DayTotal,
    Office,
    Rescue,
    RescueMove,
    Tombstone,
)
from config.kernel.actors import Role
from config.kernel.ids import uuid7
from config.kernel.secrets import seal
from notifications.models import (
    Channel,
    ChannelSettings,
    Heartbeat,
    HistoryPurge,
    MessageTemplate,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    ProofRun,
    SigningSecret,
    Undeliverable,
)
from tests.agents.desk.recording_rows import fill_recordings
from tests.agents.desk.rows import fill_desk
from tests.appointments import entries
from tests.make import (
    PASSWORD,
    make_absence,
    make_api_client,
    make_application,
    make_appointment,
    make_feed,
    make_holiday,
    make_hours,
    make_organization,
    make_skill,
    make_subscription,
    make_user,
    make_working_day,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model
    from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db

OURS = ("agents", "appointments", "notifications")
# They have a fingerprint for a key, which no address can have.
WITHOUT_PAGES = (SecurityCounter, DeskCookie)
REGISTERED = [model for model in admin.site._registry if model._meta.app_label in OURS]
HISTORY = [
    SigningSecret,
    Notification,
    NotificationContent,
    NotificationEvent,
    OutboxEvent,
    DayTotal,
    Tombstone,
    Rescue,
    RescueMove,
    Appointment,
    CalendarFeed,
    Customer,
    MediaChannel,
    DeskSession,
    StateInterval,
    Call,
    Leg,
    PushStream,
    PushMessage,
    Recording,
    RecordingMedia,
    DeskCookie,
]


def fill() -> Application:
    """Make an organisation with at least one row of every model, and give its application."""
    application = make_application()
    organization = application.organization
    ChannelSettings.objects.create(
        organization=organization,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
        reminder_offsets=["PT1H"],
    )
    agent = make_user(organization)
    booked = make_appointment(application, agent=agent)
    entries.fill_catalogue(booked)
    make_api_client(organization)
    make_absence(agent, date(2027, 2, 8), date(2027, 2, 12))
    make_hours(agent, weekdays=[1])
    make_working_day(agent, date(2027, 2, 15))
    make_holiday(organization, date(2027, 1, 1))
    make_skill(agent)
    office = Office.objects.filter(organization=organization).latest("created_at")
    entries.make_office_hours(office, weekdays=[1])
    entries.make_office_day(office, date(2027, 2, 15))
    make_feed(agent)
    fill_desk(agent)
    fill_recordings(agent)
    subscription = make_subscription(application)
    team = Team.objects.create(organization=organization, name=f"Team {uuid7()}")
    now = timezone.now()
    day = {"start": now, "end": now + timedelta(days=1)}
    rescue = Rescue(organization=organization, agent=agent, made_by_kind="SYSTEM", **day)
    rows: list[Model] = [
        rescue,
        RescueMove(
            organization=organization,
            rescue=rescue,
            appointment=booked,
            from_user=agent,
            to_user=make_user(organization),
            organizer_type=booked.organizer_type,
            organizer_id=booked.organizer_id,
            **day,
        ),
        TeamMember(organization=organization, team=team, user=agent),
        ExternalIdentity(organization=organization, user=agent, issuer="i", subject=str(uuid7())),
        Customer(organization=organization, number=1),
        OneTimeCode(
            organization=organization,
            application=application,
            address=b"a",
            digest=b"d",
            expires_at=now,
        ),
        IdempotentRequest(organization=organization, key=uuid7().bytes, body=b"b"),
        MessageTemplate(
            organization=organization,
            application=application,
            type="CREATE",
            channel="EMAIL",
            locale="fr",
            text="Hello",
        ),
        Tombstone(
            organization=organization,
            application=application,
            timezone="UTC",
            sequence=1,
            event_count=2,
            deleted_at=now,
        ),
        DayTotal(
            organization=organization,
            application_id=application.pk,
            day=now.date(),
            change=1,
        ),
        SecurityCounter(key=uuid7().bytes, window_ends_at=now),
        Heartbeat(name=str(uuid7()), seen_at=now),
        SigningSecret(organization=organization, subscription=subscription, sealed=b"s"),
        Undeliverable(
            organization=organization,
            fingerprint=uuid7().bytes,
            sealed_address=seal("ada@example.org", purpose="undeliverable"),
            reason="BOUNCED",
        ),
        ProofRun(since=now, started_at=now),
        HistoryPurge(purged_before=now),
    ]
    for row in rows:
        row.save(force_insert=True)
    return application


@pytest.fixture(scope="module")
def application(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Application]:
    """Give an application whose organisation has one row of every model.

    It is made once, in a transaction around those of the tests.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield fill()
        transaction.set_rollback(True)


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


def is_for_operators(model: type[Model]) -> bool:
    return model in (SecurityCounter, DeskCookie, Heartbeat, ProofRun, HistoryPurge)


def test_every_model_is_in_the_admin() -> None:
    ours = {model for label in OURS for model in apps.get_app_config(label).get_models()}
    made_by_fields = {model for model in ours if model._meta.auto_created}

    assert ours - made_by_fields == set(REGISTERED)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_a_list_takes_as_many_queries_with_three_rows_as_with_one(
    application: Application, operator: Client, model: type[Model]
) -> None:
    operator.get(url(model))
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert operator.get(url(model)).status_code == 200
    fill()
    fill()

    with CaptureQueriesContext(connection) as three:
        assert operator.get(url(model)).status_code == 200

    assert model._default_manager.count() >= 3
    assert len(three) == len(one)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_a_row_and_a_search_are_shown_to_supervisors(
    application: Application, supervisor: Client, operator: Client, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    browser = operator if is_for_operators(model) else supervisor

    found = browser.get(url(model), {"q": str(row.pk)})
    nothing = browser.get(url(model), {"q": "nothing like it"})

    assert (found.status_code, nothing.status_code) == (200, 200)
    if model not in WITHOUT_PAGES:
        assert browser.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_nothing_of_one_organisation_is_seen_in_another(
    application: Application, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    stranger = signed_in(make_user(make_organization(), [Role.SUPERVISOR, Role.ADMIN]))

    changelist = stranger.get(url(model), {"q": str(row.pk)})
    foreign = stranger.get(url(model, "change", row.pk))
    history = stranger.get(url(model, "history", row.pk))

    if is_for_operators(model):
        assert changelist.status_code == 403
        assert foreign.status_code in (302, 403)
        return
    assert changelist.context["cl"].result_count == 0
    # Unknown rows lead back to the start, in the admin.
    assert (foreign.status_code, foreign["Location"]) == (302, "/admin/")
    assert (history.status_code, history["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_supervisors_look_and_change_nothing(
    application: Application, supervisor: Client, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None

    answers = [
        supervisor.post(url(model, "change", row.pk), {}),
        supervisor.post(url(model, "delete", row.pk), {"post": "yes"}),
        supervisor.post(url(model, "add"), {}),
    ]

    assert {answer.status_code for answer in answers} <= {302, 403}
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", HISTORY, ids=lambda model: model._meta.label)
def test_history_is_only_looked_at_even_by_operators(
    application: Application, operator: Client, model: type[Model]
) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None

    answers = [
        operator.post(url(model, "change", row.pk), {}),
        operator.post(url(model, "delete", row.pk), {"post": "yes"}),
        operator.post(url(model, "add"), {}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
