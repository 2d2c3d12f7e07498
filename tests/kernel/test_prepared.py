"""Prepared statements give what the querysets and the models give that they stand for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.forms.models import model_to_dict

from agents.models import Application, User
from appointments.models import Appointment
from config.kernel import prepared
from config.kernel.ids import uuid7
from config.kernel.prepared import Kept
from tests import make

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

APPLICATION = Kept(
    lambda key, organization: Application.objects.filter(
        pk=key, organization_id=organization
    ).select_related("organization"),
    UUID(int=1),
    UUID(int=2),
)
APPOINTMENTS = Kept(
    lambda organization: Appointment.objects.filter(organization_id=organization).order_by("title"),
    UUID(int=1),
)


def test_a_kept_query_gives_whole_rows_with_their_relations(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    application = make.make_application(ticket_grace=timedelta(hours=3))
    make.make_application()

    with django_assert_num_queries(1):
        found = APPLICATION.first(application.id, application.organization_id)
        assert found is not None
        name = found.organization.name

    assert found == application
    assert name == application.organization.name
    plain = Application.objects.get(pk=application.pk)
    assert model_to_dict(found) == model_to_dict(plain)
    assert not found._state.adding
    found.save()


def test_a_kept_query_gives_nothing_where_nothing_is() -> None:
    application = make.make_application()

    assert APPLICATION.first(uuid7(), application.organization_id) is None
    assert APPLICATION.first(application.id, uuid7()) is None


def test_a_kept_query_keeps_its_order_and_reads_json() -> None:
    application = make.make_application()
    for title in ("b", "a"):
        make.make_appointment(application, title=title, metadata={"of": title})

    found = APPOINTMENTS.fetch(application.organization_id)

    assert [(one.title, one.metadata) for one in found] == [("a", {"of": "a"}), ("b", {"of": "b"})]


def test_what_is_inserted_is_what_save_would_have_written() -> None:
    organization = make.make_organization()
    rows = [
        User(organization=organization, username=f"{name}@example.org", roles=["ROLE_AGENT"])
        for name in ("ada", "grace")
    ]

    prepared.insert(rows)

    assert [model_to_dict(row) for row in User.objects.order_by("username")] == [
        model_to_dict(row) for row in rows
    ]
    rows[0].first_name = "Ada"
    rows[0].save()
    assert User.objects.get(first_name="Ada") == rows[0]


def test_nothing_to_insert_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        prepared.insert([])


def test_errors_are_those_of_django_and_can_be_rolled_back() -> None:
    user = make.make_user()

    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.insert([User(organization=user.organization, username=user.username)])
    with pytest.raises(DataError), transaction.atomic():
        prepared.fetch("SELECT 1 / %s::int", [0])

    assert prepared.fetch("SELECT %s::int + 1", [41]) == [(42,)]


def test_statements_are_counted_among_the_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(2):
        prepared.fetch("SELECT %s::int", [1])
        prepared.execute("SELECT %s::int", [1])


def test_a_statement_is_planned_once_for_a_connection() -> None:
    statement = "SELECT %s::int AS planned_once"

    for number in range(3):
        prepared.fetch(statement, [number])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(generic_plans + custom_plans) FROM pg_prepared_statements"
            " WHERE statement LIKE '%AS planned_once'"
        )
        assert cursor.fetchone() == (1, 3)
