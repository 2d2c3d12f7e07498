"""Activating: conference and tickets come into being once, and customers are invited."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from appointments import services
from appointments.errors import AppointmentNotActivatable
from appointments.models import Appointment, State
from config.kernel.time import format_instant
from notifications.models import Channel, Notification, OutboxEvent
from tests import make
from tests.appointments import ways
from tests.appointments.races import run_together
from tests.appointments.ways import customers_in
from tests.contract.client import ApiClient
from tests.contract.state import everything

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from agents.models import Application

pytestmark = pytest.mark.django_db

BOTH = (
    make.make_customer(phone="+4930901820"),
    make.make_customer(first_name="Grace", email="grace@example.org"),
)


@pytest.fixture
def application() -> Application:
    """An application that leaves it to the operation to activate."""
    return make.make_application(activates_automatically=False)


def service_of(application: Application) -> ApiClient:
    return ApiClient(make.token_for(make.make_api_client(application.organization)[0]))


def activate(appointment: Appointment, **more: Any) -> Answer:
    path = f"{ways.APPOINTMENTS}activate/{appointment.id}"
    return service_of(appointment.application).send("POST", path, **more)


def tickets_in(answer: Answer) -> list[dict[str, str]]:
    return [one["ticket"] for one in customers_in(answer.json())]


def room_invites() -> set[tuple[Any, ...]]:
    return set(
        Notification.objects.filter(type="ROOM").values_list(
            "channel", "recipient_type", "recipient_id", "due_at", "scheduled_for", "status"
        )
    )


# --- Conference and tickets -----------------------------------------------------------------


@pytest.mark.rule("v2.appointments.activate.r4", "v2.appointments.activate.r6")
def test_every_customer_gets_a_ticket_that_was_not_there_before(application: Application) -> None:
    waiting = [make.make_appointment(application, customers=BOTH) for _ in range(2)]
    reader = service_of(application)
    paths = [f"{ways.APPOINTMENTS}{one.id}" for one in waiting]
    assert "ticket" not in str([reader.get(path).json() for path in paths])

    answers = [activate(one) for one in waiting]

    given = [ticket for answer in answers for ticket in tickets_in(answer)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [one["expiresAt"] for one in given] == [
        format_instant(one.end + timedelta(hours=4)) for one in waiting for _ in BOTH if one.end
    ]
    assert len({one["accessUrl"] for one in given}) == 4
    assert [reader.get(path).json() for path in paths] == [one.json() for one in answers]


@pytest.mark.rule("v2.appointments.activate.r4")
def test_nothing_else_changes_and_agents_get_no_ticket(application: Application) -> None:
    waiting = make.make_appointment(application, title="Loan", metadata={"a": 1})
    reader = service_of(application)
    before = reader.get(f"{ways.APPOINTMENTS}{waiting.id}").json()

    after = activate(waiting).json()

    assert [one["type"] for one in after["participants"] if "ticket" in one] == ["CUSTOMER"]
    del customers_in(after)[0]["ticket"]
    assert after == before
    waiting.refresh_from_db()
    assert (waiting.state, waiting.conference_id) == (State.ACTIVATED, str(waiting.id))
    assert OutboxEvent.objects.filter(type="appointment.activated").count() == 1


@pytest.mark.rule("v2.appointments.activate.r3")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"id": "another", "start": null}', "application/json"),
        (b"{ not JSON \x00\xff", "application/json"),
        (b"<activate/>", "text/xml"),
        (b"", "application/json"),
    ],
)
def test_a_body_is_ignored(body: bytes, content_type: str, application: Application) -> None:
    waiting = make.make_appointment(application)

    answer = activate(waiting, body=body, content_type=content_type)

    assert (answer.status_code, len(tickets_in(answer))) == (200, 1)


@pytest.mark.rule("v2.appointments.activate.r5", "v2.appointments.activate.r13")
def test_a_second_call_finds_everything_as_it_was(application: Application) -> None:
    make.make_channel(application, room_offsets=["PT15M"])
    waiting = make.make_appointment(application, customers=BOTH)
    first, client = activate(waiting), service_of(application)
    before = everything()

    again = client.post(f"{ways.APPOINTMENTS}activate/{waiting.id}")

    assert (again.status_code, again.json()) == (200, first.json())
    assert everything() == before


@pytest.mark.rule("v2.appointments.activate.r14", "v2.appointments.activate.r13")
def test_what_was_activated_automatically_stays_as_it_is() -> None:
    application = make.make_application(activates_automatically=True)
    make.make_channel(application, room_offsets=["PT15M"])
    active = make.make_appointment(application)
    client = service_of(application)
    shown, before = client.get(f"{ways.APPOINTMENTS}{active.id}").json(), everything()

    answer = client.post(f"{ways.APPOINTMENTS}activate/{active.id}")

    assert (answer.status_code, answer.json()) == (200, shown)
    assert (everything(), room_invites()) == (before, set())


@pytest.mark.rule("v2.appointments.activate.r7")
def test_an_unknown_appointment_is_not_found() -> None:
    theirs = make.make_appointment(make.make_application(activates_automatically=False))
    client = ApiClient(make.token_for(make.make_api_client()[0]))
    before = everything()

    answers = [
        client.post(f"{ways.APPOINTMENTS}activate/{id_}")
        for id_ in (theirs.id, "0190a1b2-0000-7000-8000-00000000dead", "no-uuid")
    ]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.json() == {
            "code": "APPOINTMENT_NOT_FOUND",
            "message": "There is no such appointment.",
            "errors": {},
        }
    assert everything() == before


@pytest.mark.rule("v2.appointments.activate.r5", "v2.appointments.activate.r13")
@pytest.mark.django_db(transaction=True)
def test_of_many_calls_at_once_one_activates_and_all_show_the_same_tickets(now: datetime) -> None:
    application = make.make_application(activates_automatically=False)
    make.make_channel(application, room_offsets=["PT15M"])
    waiting = make.make_appointment(application, customers=BOTH)
    actor = make.actor_for(make.make_api_client(application.organization)[0])

    cases = run_together(
        20 * [partial(services.activate_appointment, waiting.id, actor=actor, now=now)]
    )

    links = {
        tuple(services.access_url(customer) for customer in case.customers)
        for case in cases
        if isinstance(case, services.Case)
    }
    assert (len(cases), len(links), len(room_invites())) == (20, 1, 2)
    assert None not in links.pop()
    assert OutboxEvent.objects.filter(type="appointment.activated").count() == 1


# --- When -----------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.activate.r9")
@pytest.mark.parametrize(
    "until_start", [timedelta(days=3_650), timedelta(minutes=1), timedelta(minutes=-29)]
)
def test_there_is_no_time_window_before_the_end(
    until_start: timedelta, application: Application, now: datetime
) -> None:
    waiting = make.make_appointment(application, start=now + until_start, duration="PT30M")

    answer = activate(waiting)

    assert (answer.status_code, len(tickets_in(answer))) == (200, 1)


@pytest.mark.rule("v2.appointments.activate.r10")
def test_what_has_ended_without_activation_is_refused(
    application: Application, now: datetime
) -> None:
    over = [
        make.make_appointment(application, start=now - timedelta(minutes=30), duration="PT30M")
        for _ in range(2)
    ]
    Appointment.objects.filter(pk=over[1].pk).update(state=State.NO_SHOW)
    client = service_of(application)
    before = everything()

    answers = [client.post(f"{ways.APPOINTMENTS}activate/{one.id}") for one in over]

    for answer in answers:
        assert answer.status_code == 400
        assert answer.json() == {
            "code": "APPOINTMENT_NOT_ACTIVATABLE",
            "message": "An appointment that is over cannot be activated.",
            "errors": {},
        }
    assert everything() == before


@pytest.mark.rule("v2.appointments.activate.r10")
@pytest.mark.parametrize("is_active", [True, False])
def test_a_completed_appointment_is_refused(is_active: bool) -> None:
    application = make.make_application(activates_automatically=is_active)
    over = make.make_appointment(application, state=State.COMPLETED)
    client = service_of(application)
    before = everything()

    answer = client.post(f"{ways.APPOINTMENTS}activate/{over.id}")

    assert answer.status_code == 400
    assert answer.json()["code"] == "APPOINTMENT_NOT_ACTIVATABLE"
    assert everything() == before


@pytest.mark.rule("v2.appointments.activate.r10")
def test_the_last_moment_is_just_before_the_end(application: Application, now: datetime) -> None:
    late, last = (make.make_appointment(application, start=now) for _ in range(2))
    actor = make.actor_for(make.make_api_client(application.organization)[0])
    assert late.end is not None

    with pytest.raises(AppointmentNotActivatable):
        services.activate_appointment(late.id, actor=actor, now=late.end)
    services.activate_appointment(last.id, actor=actor, now=late.end - timedelta(microseconds=1))

    late.refresh_from_db()
    last.refresh_from_db()
    assert (late.is_active, last.is_active) == (False, True)


@pytest.mark.rule("v2.appointments.activate.r5")
def test_what_is_active_can_be_asked_for_again_after_its_end(
    application: Application, now: datetime
) -> None:
    missed = make.make_appointment(application, start=now - timedelta(minutes=30))
    actor = make.actor_for(make.make_api_client(application.organization)[0])
    services.activate_appointment(missed.id, actor=actor, now=now - timedelta(minutes=10))
    before = everything()

    case = services.activate_appointment(missed.id, actor=actor, now=now + timedelta(hours=1))

    assert all(services.access_url(one) for one in case.customers)
    assert everything() == before


# --- Invitations ----------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.activate.r11", "v2.appointments.activate.r12")
def test_every_customer_is_invited_at_the_offset_before_the_start(
    application: Application, now: datetime
) -> None:
    start = now + timedelta(hours=2)
    for channel in Channel:
        make.make_channel(application, channel, room_offsets=["PT15M"])
    make.make_subscription(application)
    waiting = make.make_appointment(application, start=start, customers=BOTH)

    activate(waiting)

    due = start - timedelta(minutes=15)
    both, mail_only = (one.id for one in make.customers_of(waiting))
    assert room_invites() == {
        ("EMAIL", "CUSTOMER", both, due, due, "INITIALIZED"),
        ("SMS", "CUSTOMER", both, due, due, "INITIALIZED"),
        ("EMAIL", "CUSTOMER", mail_only, due, due, "INITIALIZED"),
    }


@pytest.mark.rule("v2.appointments.activate.r12")
@pytest.mark.parametrize(
    ("ago", "waits"),
    [
        (timedelta(minutes=16), timedelta(minutes=1)),
        (timedelta(minutes=15), timedelta(0)),
        (timedelta(minutes=14), timedelta(0)),
        (timedelta(minutes=-20), timedelta(0)),
    ],
)
def test_an_invitation_whose_moment_has_passed_is_due_at_once(
    ago: timedelta, waits: timedelta, application: Application, now: datetime
) -> None:
    make.make_channel(application, room_offsets=["PT15M"])
    start = now + timedelta(days=1)
    waiting = make.make_appointment(application, start=start, duration="PT30M")
    actor, then = make.actor_for(make.make_api_client(application.organization)[0]), start - ago

    services.activate_appointment(waiting.id, actor=actor, now=then)

    invite = Notification.objects.get(type="ROOM")
    assert invite.due_at == then + waits
    assert invite.scheduled_for == start - timedelta(minutes=15)
    assert invite.not_after == waiting.end


@pytest.mark.rule("v2.appointments.activate.r12")
def test_a_day_before_the_start_keeps_the_clock(application: Application) -> None:
    make.make_channel(application, room_offsets=["P1D"])
    start = datetime.fromisoformat("2027-03-28T10:00Z")
    waiting = make.make_appointment(application, start=start, zone="Europe/Berlin")
    actor = make.actor_for(make.make_api_client(application.organization)[0])

    services.activate_appointment(waiting.id, actor=actor, now=start - timedelta(days=9))

    # Noon of the day before, although clocks go forward in the night between.
    due = Notification.objects.get(type="ROOM").due_at
    assert due == datetime.fromisoformat("2027-03-27T11:00Z")


@pytest.mark.rule("v2.appointments.activate.r11")
@pytest.mark.parametrize(
    ("active", "offsets"),
    [
        pytest.param(False, ["PT15M"], id="no notifications"),
        pytest.param(True, [], id="no invites"),
    ],
)
def test_without_notifications_or_invites_nobody_is_invited(
    active: bool, offsets: list[str]
) -> None:
    application = make.make_application(activates_automatically=False, notifications_active=active)
    make.make_channel(application, room_offsets=offsets)

    answer = activate(make.make_appointment(application))

    assert (answer.status_code, len(tickets_in(answer))) == (200, 1)
    assert room_invites() == set()


@pytest.mark.rule("v2.appointments.activate.r11")
def test_the_setting_counts_that_stood_when_it_was_booked(application: Application) -> None:
    make.make_channel(application, room_offsets=["PT15M"])
    waiting = make.make_appointment(application)
    application.notifications_active = False
    application.save()

    activate(waiting)

    assert len(room_invites()) == 1


@pytest.mark.rule("v2.appointments.activate.r4", "v2.appointments.activate.r11")
def test_what_waits_to_be_sent_learns_of_the_link(application: Application) -> None:
    make.make_channel(application, reminder_offsets=["PT1H"])
    waiting = make.make_appointment(application)
    unsent = Notification.objects.filter(type="REMINDER")
    assert unsent.filter(content__link__isnull=True).count() == 1

    activate(waiting)

    assert unsent.filter(content__link__isnull=False).count() == 1
