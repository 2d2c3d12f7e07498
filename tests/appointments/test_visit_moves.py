"""A customer's own other time: one of those that are offered, and nobody else's meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Application, User
from appointments import services
from appointments.errors import AppointmentIsClosed, TimeNotOffered
from appointments.models import Appointment, State
from appointments.services.case import participants_of
from appointments.services.offered_times import take_offered_time, times_offered
from appointments.views_own import actor_for
from config.kernel.actors import ActorKind, Role
from config.kernel.time import format_instant
from notifications.models import Channel, OutboxEvent
from tests import make
from tests.appointments import entries
from tests.appointments.races import run_together
from tests.appointments.scene import at_once, listening
from tests.appointments.visiting import everything, path_of, row

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin, in which nobody is booked twice."""
    return make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        prevent_overlaps=True,
    )


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def nine(now: datetime) -> datetime:
    """Give nine o'clock in Berlin in two days."""
    return (now.astimezone(BERLIN) + timedelta(days=2)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def book(application: Application, agent: User, nine: datetime) -> Callable[..., Appointment]:
    """Give the command that books with Ben for nine o'clock."""

    def book(**facts: Any) -> Appointment:
        return make.make_appointment(
            application, agent=agent, **{"locale": "en-GB", "start": nine, **facts}
        )

    return book


def move(client: Client, booked: Appointment, start: datetime, query: str = "") -> Any:
    given = {"start": format_instant(start), "message": "Please"}
    return client.post(f"{path_of(booked, '/move/')}{query}", given)


def test_a_customer_moves_it_and_everybody_is_told(
    client: Client, application: Application, book: Callable[..., Appointment], nine: datetime
) -> None:
    make.make_channel(application, Channel.EMAIL)
    booked = book()
    customer = make.customers_of(booked)[0]

    with listening() as told:
        response = move(client, booked, nine + HOUR)

    assert response["Location"] == f"{path_of(booked)}?done=moved"
    moved = row(booked)
    assert (moved.start, moved.end) == (nine + HOUR, nine + HOUR + timedelta(minutes=30))
    assert (moved.last_message, moved.timezone) == ("Please", "Europe/Berlin")
    assert told == [at_once("RESCHEDULE", "EMAIL", customer)]
    event = OutboxEvent.objects.order_by("-id")[0]
    assert (event.type, event.actor_kind) == ("appointment.rescheduled", ActorKind.CUSTOMER)
    assert "The appointment was moved." in client.get(response["Location"]).content.decode()


def test_the_clock_that_a_time_was_chosen_on_becomes_the_appointments(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    booked = book()

    move(client, booked, nine + HOUR, "?zone=Asia/Kolkata")

    assert (row(booked).start, row(booked).timezone) == (nine + HOUR, "Asia/Kolkata")


def test_the_page_offers_the_days_around_it_and_its_own_time(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    page = client.get(path_of(book(), "/move/")).content.decode()

    assert f'value="{format_instant(nine)}"' in page
    assert f"?day={nine.date()}#slots" in page


def test_a_chosen_day_and_clock_stay_chosen(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    day = nine.date() + timedelta(days=1)
    path = f"{path_of(book(), '/move/')}?day={day}&zone=America/New_York"

    page = client.get(path).content.decode()

    midnight = datetime.combine(day, datetime.min.time(), ZoneInfo("America/New_York"))
    assert f'value="{format_instant(midnight)}"><span>00:00' in page
    assert f"?zone=America%2FNew_York&amp;day={day}#slots" in page


@pytest.mark.parametrize(
    "later", [timedelta(minutes=7), timedelta(seconds=30), timedelta(days=91), timedelta(days=-3)]
)
def test_what_is_not_offered_is_refused_and_the_times_are_shown_again(
    client: Client, book: Callable[..., Appointment], nine: datetime, later: timedelta
) -> None:
    booked = book()
    before = everything()

    response = move(client, booked, nine + later)

    assert response.status_code == 409
    assert "This time is taken. Please choose another one." in response.content.decode()
    assert 'type="radio" name="start"' in response.content.decode()
    assert everything() == before


def test_a_time_that_was_taken_meanwhile_is_refused_and_is_not_there_any_more(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    booked, theirs = book(), format_instant(nine + HOUR)
    assert f'value="{theirs}"' in client.get(path_of(booked, "/move/")).content.decode()
    book(start=nine + HOUR)
    before = everything()

    response = move(client, booked, nine + HOUR)

    assert response.status_code == 409
    assert f'value="{theirs}"' not in response.content.decode()
    assert everything() == before


@pytest.mark.parametrize("given", [{}, {"start": ""}, {"start": "soon"}])
def test_without_a_time_nothing_is_done(
    client: Client, book: Callable[..., Appointment], given: dict[str, str]
) -> None:
    path, before = path_of(book(), "/move/"), everything()

    response = client.post(path, given)

    assert response.status_code == 400
    assert "Please choose one of the times." in response.content.decode()
    assert 'aria-describedby="slots-errors"' in response.content.decode()
    assert everything() == before


def test_what_somebody_has_to_accept_is_asked_for(
    client: Client, application: Application, book: Callable[..., Appointment], nine: datetime
) -> None:
    subject = entries.make_subject(application.organization, needs_acceptance=True)
    booked = book(about={"subject": str(subject.pk)})

    response = move(client, booked, nine + HOUR)

    assert response["Location"] == f"{path_of(booked)}?done=asked"
    assert (row(booked).start, row(booked).asked_start) == (None, nine + HOUR)
    page = client.get(response["Location"]).content.decode()
    for text in ("Your request was sent.", "Asked for, but not fixed yet:", "10:00 – 10:30"):
        assert text in page


def test_another_date_that_is_wanted_is_chosen_here_too(
    client: Client, agent: User, book: Callable[..., Appointment], nine: datetime, now: datetime
) -> None:
    booked = book()
    services.request_alternative(booked.pk, actor=make.actor_for(agent), now=now)
    assert "Choose a time" in client.get(path_of(booked)).content.decode()

    move(client, booked, nine + HOUR)

    assert row(booked).start == nine + HOUR


def test_nobody_moves_what_has_begun(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    booked = book(state=State.IN_PROGRESS)
    before = everything()

    response = move(client, booked, nine + HOUR)

    assert response.status_code == 409
    assert "This appointment cannot be moved here any more." in response.content.decode()
    assert everything() == before


def test_only_the_agent_in_charge_counts(
    client: Client, application: Application, agent: User, book: Callable[..., Appointment]
) -> None:
    booked = book()
    make.make_hours(make.make_user(application.organization), "00:00", "00:00")
    make.make_hours(agent, "13:00", "14:00", weekdays=range(1, 8))

    page = client.get(path_of(booked, "/move/")).content.decode()

    assert page.count('name="start"') == 3


def test_a_page_asks_the_calendars_once(
    client: Client, book: Callable[..., Appointment], nine: datetime
) -> None:
    path = path_of(book(), "/move/")
    with CaptureQueriesContext(connection) as quiet:
        client.get(path)
    for number in range(1, 4):
        book(start=nine + HOUR * number)

    with CaptureQueriesContext(connection) as busy:
        client.get(path)

    assert len(busy) == len(quiet)
    assert sum("unnest" in one["sql"] for one in busy) == 1


# --- The service ------------------------------------------------------------------------------


def take(booked: Appointment, start: datetime, now: datetime) -> Any:
    actor = actor_for(make.customers_of(booked)[0])
    return take_offered_time(booked.pk, start=start, zone=BERLIN, actor=actor, now=now)


@pytest.mark.django_db(transaction=True)
def test_of_customers_who_want_one_time_one_gets_it(
    book: Callable[..., Appointment], nine: datetime, now: datetime
) -> None:
    rivals = [book(start=nine + HOUR * number) for number in range(4)]
    wanted = nine + HOUR * 10

    outcomes = run_together([partial(take, one, wanted, now) for one in rivals])

    refused = [one for one in outcomes if isinstance(one, Exception)]
    assert {type(one) for one in refused} == {TimeNotOffered}
    assert (len(refused), Appointment.objects.filter(start=wanted).count()) == (3, 1)


def test_the_service_refuses_what_is_over(
    book: Callable[..., Appointment], nine: datetime, now: datetime
) -> None:
    booked = book()

    with pytest.raises(AppointmentIsClosed):
        take(booked, nine + HOUR * 24, nine + HOUR)


def test_the_service_refuses_where_nothing_is_offered(
    book: Callable[..., Appointment], agent: User, nine: datetime, now: datetime
) -> None:
    booked = book()
    User.objects.filter(pk=agent.pk).update(plans_online=False)

    with pytest.raises(TimeNotOffered):
        take(booked, nine + HOUR, now)


@pytest.mark.parametrize(
    "facts", [{"plans_online": False}, {"is_active": False}, {"roles": [Role.SUPERVISOR]}]
)
def test_nothing_is_offered_of_who_cannot_be_booked(
    book: Callable[..., Appointment], agent: User, now: datetime, facts: dict[str, Any]
) -> None:
    booked = book()
    User.objects.filter(pk=agent.pk).update(**facts)

    assert times_offered(booked, participants_of(booked), zone=BERLIN, now=now) is None


def test_where_nobody_is_in_charge_anybodys_time_will_do(
    application: Application, agent: User, now: datetime
) -> None:
    client, _ = make.make_api_client(application.organization)
    booked = make.make_appointment(application, organizer=client)

    offered = times_offered(booked, participants_of(booked), zone=BERLIN, now=now)

    assert offered is not None
    assert offered.agent_ids is None


def test_a_time_keeps_the_length_and_the_buffers_of_the_appointment(
    application: Application, book: Callable[..., Appointment], now: datetime
) -> None:
    application.buffer_before = application.buffer_after = timedelta(minutes=10)
    application.save()
    booked = book(duration="PT45M")
    application.buffer_before = timedelta(0)
    application.save()

    offered = times_offered(row(booked), participants_of(booked), zone=BERLIN, now=now)

    assert offered is not None
    assert (offered.leading_buffer, offered.trailing_buffer) == (timedelta(minutes=10),) * 2
    assert offered.duration == timedelta(minutes=45)
