"""Composite keys: no row can point to another organisation's row, whoever writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from agents.models import Customer, ExternalIdentity, Team, TeamMember, User
from appointments.models import Appointment, Office, Rescue, RescueMove, Tombstone
from config.kernel.database import constraint_of
from notifications.models import (
    Channel,
    MessageTemplate,
    Notification,
    NotificationType,
    SigningSecret,
    Undeliverable,
)
from tests import make
from tests.agents.desk.recording_rows import fill_recordings
from tests.agents.desk.rows import fill_desk
from tests.appointments import entries

pytestmark = pytest.mark.django_db

# Histories outlive what they tell of; totals are added up and compared by `manage.py doctor`.
WITHOUT_KEYS = {"outbox_event", "notification_event", "appointments_daytotal"}


@dataclass(frozen=True)
class Key:
    """A foreign key of two columns, one of which is the organisation."""

    name: str
    table: str
    column: str
    target: str
    is_required: bool


def composite_keys() -> list[Key]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conname, conrelid::regclass::text, mine.attname, confrelid::regclass::text,
                mine.attnotnull
            FROM pg_constraint
            JOIN pg_attribute AS mine ON mine.attrelid = conrelid AND mine.attnum = conkey[2]
            JOIN pg_attribute AS org ON org.attrelid = conrelid AND org.attnum = conkey[1]
            JOIN pg_attribute AS other ON other.attrelid = confrelid AND other.attnum = confkey[2]
            JOIN pg_attribute AS theirs
                ON theirs.attrelid = confrelid AND theirs.attnum = confkey[1]
            WHERE contype = 'f' AND cardinality(conkey) = 2 AND org.attname = 'organization_id'
                AND theirs.attname = 'organization_id' AND other.attname = 'id' AND org.attnotnull
            ORDER BY conname
            """
        )
        return [Key(*row) for row in cursor.fetchall()]


def keys_to_organizations() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
            " AND confrelid = 'agents_organization'::regclass"
        )
        return {row[0] for row in cursor.fetchall()}


def is_of_a_tenant(model: type[models.Model] | None) -> bool:
    return model is not None and any(
        field.name == "organization" for field in model._meta.get_fields()
    )


def tenant_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if is_of_a_tenant(model)]


def make_one_of_everything() -> None:
    """Make an organisation that has a row in every table of a tenant."""
    application = make.make_application()
    organization = application.organization
    agent = make.make_user(organization)
    customer = Customer.objects.create(organization=organization, number=1)
    team = Team.objects.create(organization=organization, name="Loans")
    TeamMember.objects.create(organization=organization, team=team, user=agent)
    ExternalIdentity.objects.create(
        organization=organization, user=agent, issuer=str(organization.id), subject="x"
    )
    make.make_code(application, "ada@example.org")
    make.make_channel(application)
    SigningSecret.objects.create(
        organization=organization, subscription=make.make_subscription(application), sealed=b"x"
    )
    Undeliverable.objects.create(
        organization=organization, fingerprint=b"x", sealed_address=b"x", reason="BOUNCED"
    )
    MessageTemplate.objects.create(
        organization=organization,
        application=application,
        type=NotificationType.CREATE,
        channel=Channel.EMAIL,
        locale="en",
        text="Hello",
    )
    make.make_absence(agent, date(2027, 2, 8), date(2027, 2, 12))
    make.make_hours(agent)
    make.make_working_day(agent, date(2027, 2, 8))
    make.make_holiday(organization, date(2027, 1, 1))
    make.make_skill(agent)
    make.make_feed(agent)
    fill_desk(agent)
    fill_recordings(agent)
    brussels = Office.objects.create(
        organization=organization, name={"en": "Brussels"}, location={}
    )
    make.make_feed(office=brussels)
    entries.make_office_hours(brussels)
    entries.make_office_day(brussels, date(2027, 2, 8))
    booked = make.make_appointment(application, agent=agent)
    booked.participants.filter(type="CUSTOMER").update(customer=customer)
    entries.fill_catalogue(booked)
    rescue(booked, agent)
    Tombstone.objects.create(
        organization=organization,
        application=application,
        timezone="UTC",
        sequence=0,
        event_count=1,
        deleted_at=booked.created_at,
    )


def rescue(booked: Appointment, agent: User) -> None:
    """Write down that an appointment went from an agent to a colleague."""
    period = {"start": booked.start, "end": booked.end}
    common = {"organization": booked.organization, **period}
    made = Rescue.objects.create(agent=agent, made_by_kind="SYSTEM", **common)
    RescueMove.objects.create(
        rescue=made,
        appointment=booked,
        from_user=agent,
        to_user=make.make_user(booked.organization),
        organizer_type=booked.organizer_type,
        organizer_id=booked.organizer_id,
        **common,
    )


def id_column(key: Key) -> str:
    return "notification_id" if key.table.endswith("notificationcontent") else "id"


def ids_across(key: Key) -> tuple[str, str]:
    """Give a row of ours, and one of theirs that it could point to."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT organization_id, "{id_column(key)}" FROM "{key.table}"'  # noqa: S608
            f' WHERE "{key.column}" IS NOT NULL ORDER BY organization_id'
        )
        row = cursor.fetchone()
        assert row, f"{key.table} has no row that points to {key.target}"
        organization, ours = row
        cursor.execute(
            f'SELECT id FROM "{key.target}" WHERE organization_id <> %s ORDER BY id DESC',  # noqa: S608
            [organization],
        )
        return ours, cursor.fetchone()[0]


@transaction.atomic
def point_across(key: Key) -> None:
    """Let a row of ours point to one of theirs."""
    ids = dict(zip(("ours", "theirs"), ids_across(key), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{key.table}" SET "{key.column}" = %(theirs)s'  # noqa: S608
            f' WHERE "{id_column(key)}" = %(ours)s',
            ids,
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_no_row_can_point_to_another_organizations_row() -> None:
    make_one_of_everything()
    make_one_of_everything()
    # Contents are one to one: this one has none that would be in the way.
    application = make.make_application()
    Notification.objects.create(
        organization=application.organization,
        application_id=application.id,
        subject_id=application.id,
        recipient_id=application.id,
        type=NotificationType.CREATE,
        channel=Channel.EMAIL,
    )
    keys = composite_keys()
    refused = []

    for key in keys:
        with pytest.raises(IntegrityError) as error:
            point_across(key)
        refused.append(constraint_of(error.value))

    assert refused == [key.name for key in keys]
    assert len(keys) > 15


def test_every_foreign_key_between_tenants_rows_carries_the_organization() -> None:
    held = {(key.table, key.column, key.target) for key in composite_keys()}

    wanted = {
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in tenant_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and field.name != "organization"
        and is_of_a_tenant(field.related_model)
    }

    assert wanted - held == set()
    assert ("appointments_participant", "user_id", "agents_user") in wanted


def test_the_application_of_a_notification_is_its_organizations_too() -> None:
    held = {(key.table, key.column, key.target) for key in composite_keys()}

    assert ("notifications_notification", "application_id", "agents_application") in held


def test_every_table_of_a_tenant_leads_to_an_organization() -> None:
    direct = keys_to_organizations()
    required = {key.table for key in composite_keys() if key.is_required}

    missing = {
        model._meta.db_table
        for model in tenant_models()
        if model._meta.db_table not in direct | required
    }

    assert missing == WITHOUT_KEYS


def test_every_table_that_is_pointed_to_is_unique_by_organization_and_id() -> None:
    for model in tenant_models():
        if model._meta.db_table in WITHOUT_KEYS or model._meta.pk.name != "id":
            continue
        pairs = [
            constraint.fields
            for constraint in model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ]
        assert ("organization", "id") in pairs, model


def test_the_organization_of_a_row_cannot_be_left_out() -> None:
    optional = {
        model._meta.db_table
        for model in tenant_models()
        if model._meta.get_field("organization").null
    }

    # Operators belong to no organisation.
    assert optional == {"agents_user"}
