"""What callers are told while the database is away, or somebody else has the row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from config.kernel.time import format_instant
from tests import make
from tests.contract.client import ApiClient
from tests.contract.state import everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_database() -> Iterator[None]:
    """Let new connections go to a port where nobody listens."""
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    yield
    connection.close()
    connection.settings_dict["PORT"] = port


@pytest.mark.rule("frontdesk.input.r14")
def test_a_database_that_is_away_is_503_and_says_when_to_come_again(no_database: None) -> None:
    caller = ApiClient("x.y.z", out_of_order=True)

    answer = caller.get(
        "/api/v2/appointments/overlap/count",
        applicationId="0190a1b2-0000-7000-8000-000000000001",
        organizationId="0190a1b2-0000-7000-8000-000000000002",
        start="2030-01-01T00:00:00Z",
        duration="PT1H",
    )

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert answer.json()["code"] == "UNAVAILABLE"


@pytest.mark.rule("frontdesk.input.r14")
def test_a_row_that_somebody_holds_is_503_after_a_while_and_nothing_changes(now: datetime) -> None:
    agent = make.make_user()
    appointment = make.make_appointment(make.make_application(agent.organization), agent=agent)
    before = everything()
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "SELECT 1 FROM appointments_appointment WHERE id = %s FOR UPDATE", [appointment.id]
            )
        with connection.cursor() as cursor:
            # The wait is the setting's; a short one shows the same.
            cursor.execute("SET lock_timeout = '50ms'")
        answer = ApiClient(make.token_for(agent), out_of_order=True).put(
            "/api/v2/appointments/reschedule/",
            json={
                "id": str(appointment.id),
                "start": format_instant(now + timedelta(days=3)),
                "duration": "PT30M",
                "timezone": "Europe/Berlin",
            },
        )
    finally:
        holder.close()
        connection.close()

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert everything() == before
