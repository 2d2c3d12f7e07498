"""What a booking costs: as few statements as the rules allow."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Channel
from tests import make
from tests.appointments import ways

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("channels", "most"), [([Channel.EMAIL], 8), ([Channel.EMAIL, Channel.WEBHOOKS], 9)]
)
def test_a_booking_takes_few_statements(channels: list[Channel], most: int) -> None:
    application = make.make_application(prevent_overlaps=True)
    for channel in channels:
        make.make_channel(application, channel=channel)
    agent = make.make_user(application.organization)
    caller = ways.service(application)
    target = {"type": "AGENT", "id": str(agent.pk)}
    # What is built once and kept is built by the first.
    caller.book(start="2027-01-01T10:00:00Z", targetAssignment=target)

    with CaptureQueriesContext(connection) as taken:
        answer = caller.book(start="2027-01-02T10:00:00Z", targetAssignment=target)

    statements = [one["sql"] for one in taken if "SAVEPOINT" not in one["sql"]]
    assert answer.status_code == 200
    # Besides the row of the caller.
    assert len(statements) - 1 == most
