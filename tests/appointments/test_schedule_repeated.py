"""Booking with an Idempotency-Key: a repetition gets the first appointment, not a second one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from agents.models import IdempotentRequest
from appointments.models import Appointment
from notifications.models import Notification, OutboxEvent
from tests import make
from tests.appointments import ways
from tests.appointments.races import run_together
from tests.contract.samples import booking
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

    from agents.models import Application
    from tests.appointments.ways import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    """Somebody who books with a key, for an application that sends mails."""
    application = make.make_application(prevent_overlaps=True)
    make.make_channel(application, reminder_offsets=["PT1H"])
    return with_key(ways.agent(application), "one")


def with_key(caller: Caller, key: str) -> Caller:
    caller.headers["Idempotency-Key"] = key
    return caller


@pytest.mark.rule("frontdesk.idempotency.r1")
def test_a_repeated_booking_gets_the_first_answer_again(caller: Caller) -> None:
    body = booking(caller.application)
    first = caller.send(body)
    before = everything()

    second = caller.send(body)

    # With its tickets: whoever lost the first answer needs them.
    assert (second.status_code, second.json()) == (200, first.json())
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert everything() == before


@pytest.mark.rule("frontdesk.idempotency.r1", "frontdesk.idempotency.r5")
def test_what_happened_since_does_not_change_the_first_answer_for_a_day(
    caller: Caller, now: datetime
) -> None:
    body = booking(caller.application, targetAssignment={"type": "QUEUE", "id": "Loans"})
    first = caller.send(body)
    Appointment.objects.update(title="Changed")

    again = caller.send(body)
    IdempotentRequest.objects.update(created_at=now - timedelta(hours=24, seconds=1))
    next_day = caller.send(body)

    assert again.json() == first.json()
    assert next_day.json()["id"] != first.json()["id"]
    assert Appointment.objects.count() == 2


@pytest.mark.rule("frontdesk.idempotency.r2")
def test_another_booking_with_the_same_key_is_refused(caller: Caller) -> None:
    caller.send(booking(caller.application))
    before = everything()

    answer = caller.send(booking(caller.application, title="Another"))

    assert answer.status_code == 422
    assert answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert everything() == before


@pytest.mark.rule("frontdesk.idempotency.r2")
def test_another_operation_with_the_same_key_is_refused(application: Application) -> None:
    caller = with_key(ways.service(application), "one")
    waiting = make.make_appointment(application)
    caller.book()
    before = everything()

    answer = Client().post(
        f"{ways.APPOINTMENTS}activate/{waiting.id}",
        json.dumps(booking(application)),
        content_type="application/json",
        headers=caller.headers,
    )

    assert (answer.status_code, everything()) == (422, before)


@pytest.mark.rule("frontdesk.idempotency.r3")
def test_two_callers_may_use_one_key(application: Application) -> None:
    body = booking(application)

    answers = [with_key(ways.agent(application), "one").send(body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Appointment.objects.count() == 2


@pytest.mark.rule("frontdesk.idempotency.r6")
def test_a_refused_booking_is_judged_anew(caller: Caller) -> None:
    other, body = ways.agent(caller.application), booking(caller.application)
    taken = other.send(body).json()
    agent = next(one["id"] for one in taken["participants"] if one["type"] == "AGENT")
    body["targetAssignment"] = {"type": "AGENT", "id": agent}
    refused = caller.send(body)

    caller.application.prevent_overlaps = False
    caller.application.save()
    accepted = caller.send(body)

    assert (refused.status_code, accepted.status_code) == (409, 200)
    assert "Idempotency-Replayed" not in accepted


@pytest.mark.rule("frontdesk.idempotency.r7")
@pytest.mark.parametrize("key", ["", "a" * 256, "schlüssel"])
def test_a_key_that_is_none_is_refused(caller: Caller, key: str) -> None:
    before = everything()

    answer = with_key(caller, key).book()

    assert (answer.status_code, everything()) == (400, before)
    assert answer.json()["code"] == "INVALID_IDEMPOTENCY_KEY"


@pytest.mark.rule("frontdesk.idempotency.r4")
@pytest.mark.django_db(transaction=True)
def test_of_fifty_bookings_at_once_with_one_key_one_is_made(caller: Caller) -> None:
    body = json.dumps(booking(caller.application))
    send = partial(
        Client().post,
        ways.APPOINTMENTS,
        body,
        content_type="application/json",
        headers=caller.headers,
    )

    answers = run_together(50 * [send])

    kept = [answer for answer in answers if not isinstance(answer, Exception)]
    assert Counter(answer.status_code for answer in kept) == {200: 50}
    assert len({answer.content for answer in kept}) == 1
    assert Counter(answer.get("Idempotency-Replayed") for answer in kept) == {"true": 49, None: 1}
    assert (Appointment.objects.count(), OutboxEvent.objects.count()) == (1, 1)
    assert Notification.objects.count() == 2


@pytest.fixture
def application() -> Application:
    """An application that leaves it to the operation to activate."""
    return make.make_application(activates_automatically=False)
