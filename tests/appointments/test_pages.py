"""The pages over HTTP: who sees what, on which clock, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from appointments import services
from appointments.day import Span, read_day
from appointments.models import Appointment
from config.kernel.actors import Role
from config.kernel.time import parse_duration
from notifications.models import (
    Channel,
    ChannelSettings,
    Notification,
    NotificationContent,
    NotificationEvent,
    Status,
)
from tests.make import (
    actor_for,
    make_application,
    make_appointment,
    make_organization,
    make_user,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django.fixtures import DjangoAssertNumQueries

    from agents.models import Application, User

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
HALF_HOUR = parse_duration("PT30M")
JONAS = services.CustomerData(first_name="Jonas", last_name="Weber", email="jonas@example.com")


@pytest.fixture
def application() -> Application:
    """Give the default application of an organisation in Berlin."""
    return make_application(
        make_organization("Northwind Care"), name="Online", default_timezone="Europe/Berlin"
    )


@pytest.fixture
def supervisor(application: Application) -> User:
    """Give somebody who looks after the organisation."""
    return make_user(application.organization, [Role.SUPERVISOR], first_name="Amara")


@pytest.fixture
def agent(application: Application) -> User:
    """Give an agent of the organisation."""
    return make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def book(application: Application, supervisor: User) -> Callable[..., Appointment]:
    """Give the command that books, with nobody in charge unless an agent is named."""

    def book(start: datetime, **facts: Any) -> Appointment:
        defaults = {"title": "Consultation", "locale": "en-GB", "customers": [JONAS]}
        return make_appointment(
            facts.pop("application", application),
            organizer=supervisor,
            start=start,
            **{**defaults, **facts},
        )

    return book


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


def signed_in(user: User) -> Client:
    """Give a browser with the session of a user."""
    client = Client()
    client.force_login(user)
    return client


def day_of(start: datetime) -> str:
    return f"/?date={start.astimezone(BERLIN).date().isoformat()}"


def page_of(appointment: Appointment) -> str:
    return reverse("appointment", args=[appointment.pk])


# --- The day --------------------------------------------------------------------------------


def test_the_day_sends_strangers_to_the_login_page(client: Client) -> None:
    response = client.get("/?date=2026-11-26")

    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/%3Fdate%3D2026-11-26"


def test_the_day_shows_a_supervisor_who_has_what_when(
    book: Callable[..., Appointment], supervisor: User, agent: User, tomorrow: datetime
) -> None:
    book(tomorrow, agent=agent)
    book(tomorrow + timedelta(hours=2), customers=(), title="Nobody's yet")

    page = signed_in(supervisor).get(day_of(tomorrow)).content.decode()

    for text in ("Ben Larsen", "Jonas Weber", "Nobody yet", escape("Nobody's yet"), "Activated"):
        assert text in page
    assert page.index(">09:00<") < page.index(">09:30<")


def test_the_day_shows_an_agent_its_own_appointments_only(
    book: Callable[..., Appointment], agent: User, application: Application, tomorrow: datetime
) -> None:
    colleague = make_user(application.organization, first_name="Chiara")
    book(tomorrow, agent=agent, title="Mine")
    book(tomorrow, agent=colleague, title="Theirs")

    page = signed_in(agent).get(day_of(tomorrow)).content.decode()

    assert "Mine" in page
    assert "Theirs" not in page
    assert "Chiara" not in page


def test_the_day_shows_nothing_of_another_organisation(
    book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    book(tomorrow, title="Secret consultation")
    other = make_application(name="Somebody else's")
    stranger = make_user(other.organization, [Role.SUPERVISOR, Role.ADMIN])

    page = signed_in(stranger).get(day_of(tomorrow)).content.decode()

    assert "Secret consultation" not in page
    assert "Nothing on this day" in page


def test_the_day_is_refused_to_who_holds_no_role(application: Application) -> None:
    nobody = make_user(application.organization, [])

    response = signed_in(nobody).get("/")

    assert response.status_code == 403
    assert "not permitted" in response.content.decode()


def test_the_day_ends_with_its_organisation(supervisor: User, application: Application) -> None:
    browser = signed_in(supervisor)
    type(application.organization).objects.update(is_active=False)

    response = browser.get("/")

    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_the_day_sends_operators_to_the_administration(django_user_model: type[User]) -> None:
    operator = django_user_model.objects.create_superuser("operator@example.org", "a-password")

    response = signed_in(operator).get("/")

    assert response.status_code == 302
    assert response["Location"] == "/admin/"


def test_the_day_can_be_narrowed_to_an_application(
    book: Callable[..., Appointment],
    supervisor: User,
    application: Application,
    tomorrow: datetime,
) -> None:
    visits = make_application(application.organization, name="Home visits")
    book(tomorrow, title="On the screen")
    book(tomorrow, title="At the door", application=visits)

    url = f"{day_of(tomorrow)}&application={visits.pk}"
    page = signed_in(supervisor).get(url).content.decode()

    assert "At the door" in page
    assert "On the screen" not in page


def test_the_day_begins_at_midnight_of_the_zone_that_is_chosen(
    book: Callable[..., Appointment], supervisor: User, tomorrow: datetime
) -> None:
    book(tomorrow.replace(hour=0), title="First of the day")
    browser = signed_in(supervisor)

    in_berlin = browser.get(day_of(tomorrow)).content.decode()
    in_new_york = browser.get(f"{day_of(tomorrow)}&zone=America/New_York").content.decode()

    assert "First of the day" in in_berlin
    assert "First of the day" not in in_new_york
    assert "Times in America/New York" in in_new_york


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("date=yesterday", "Enter a valid date."),
        ("date=0001-01-01", "greater than or equal"),
        ("date=9999-12-31", "less than or equal"),
        ("zone=Mars/Olympus", "Select a valid choice."),
        ("zone=%00", "Null characters are not allowed."),
        ("application=7", "Select a valid choice."),
    ],
)
def test_the_day_says_what_it_cannot_read_and_shows_today(
    supervisor: User, query: str, complaint: str
) -> None:
    response = signed_in(supervisor).get(f"/?{query}")

    assert response.status_code == 200
    assert "today" in response.content.decode()
    if "%00" not in query:
        assert complaint in response.content.decode()


def test_the_day_says_what_to_do_when_it_is_empty(supervisor: User) -> None:
    page = signed_in(supervisor).get("/?date=2031-01-02").content.decode()

    assert "Nothing on this day" in page
    assert "as soon as they are booked through the" in page


def test_the_day_takes_as_many_queries_with_three_appointments_as_with_one(
    book: Callable[..., Appointment],
    supervisor: User,
    agent: User,
    tomorrow: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = signed_in(supervisor)
    book(tomorrow, agent=agent)
    with django_assert_num_queries(6):  # session, user, organisation, applications, two of the day
        browser.get(day_of(tomorrow))
    book(tomorrow + timedelta(hours=1), agent=agent)
    book(tomorrow, agent=make_user(agent.organization))

    with django_assert_num_queries(6):
        browser.get(day_of(tomorrow))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-11-26", "Europe/Berlin", 24),
        # Clocks skip midnight itself.
        ("2026-03-29", "Asia/Beirut", 23),
        # Half an hour.
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
    ],
)
def test_a_span_is_as_long_as_the_clocks_make_it(day: str, zone: str, hours: float) -> None:
    span = Span.of(datetime.fromisoformat(day).date(), ZoneInfo(zone))

    assert span.hours == hours


def test_a_day_of_25_hours_has_both_of_its_second_hours(
    book: Callable[..., Appointment], supervisor: User
) -> None:
    for hour in (0, 1):
        book(datetime(2026, 10, 25, hour, 30, tzinfo=UTC))

    page = signed_in(supervisor).get("/?date=2026-10-25&zone=Europe/Berlin").content.decode()

    assert "this day has 25 hours" in page
    assert page.count(">02:30<") == 2
    assert "UTC+02:00" in page
    assert "UTC+01:00" in page


def test_a_day_is_cut_where_nobody_could_read_on(
    book: Callable[..., Appointment],
    supervisor: User,
    tomorrow: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("appointments.day.SHOWN_AT_MOST", 1)
    book(tomorrow)
    book(tomorrow)

    day = read_day(
        actor_for(supervisor),
        Span.of(tomorrow.date(), BERLIN),
        application=None,
        is_own_only=False,
    )

    assert (day.total, day.is_cut) == (1, True)


# --- One appointment ------------------------------------------------------------------------


def test_a_timeline_shows_what_happened_by_whom_and_who_was_told(
    book: Callable[..., Appointment],
    supervisor: User,
    application: Application,
    now: datetime,
    tomorrow: datetime,
) -> None:
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
        reminder_offsets=["PT1H"],
    )
    booked = book(tomorrow + timedelta(days=1))
    services.reschedule_appointment(
        booked.pk,
        start=tomorrow + timedelta(days=1, hours=1),
        duration=HALF_HOUR,
        zone=BERLIN,
        locale="en-GB",
        actor=actor_for(supervisor),
        now=now,
    )
    sent = Notification.objects.get(subject_id=booked.pk, type="CREATE")
    Notification.objects.filter(pk=sent.pk).update(status=Status.DELIVERED, due_at=None)
    NotificationContent.objects.filter(pk=sent.pk).update(
        subject="Booked!", text="Dear <Jonas>", html="<p>Dear Jonas</p>"
    )
    NotificationEvent.objects.create(
        organization=application.organization,
        notification_id=sent.pk,
        status=Status.DELIVERED,
        provider_status="250 ok",
    )

    page = signed_in(supervisor).get(page_of(booked)).content.decode()

    for text in (
        "Booked",
        "by Amara",
        "Moved to another time",
        "09:00</del>",
        "10:00</ins>",
        "E-mail: Reminder",
        "1 hour before the start",
        "To Jonas Weber (jonas@example.com)",
        "Delivered",
        "250 ok",
        "Booked!",
        "Dear &lt;Jonas&gt;",
        '<iframe class="message-frame" sandbox ',
        f'src="{page_of(booked)}messages/{sent.pk}/"',
    ):
        assert text in page


def test_a_timeline_takes_as_many_queries_with_three_messages_as_with_one(
    book: Callable[..., Appointment],
    supervisor: User,
    application: Application,
    tomorrow: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
    )
    one = book(tomorrow)
    others = [
        services.CustomerData(first_name=name, email=f"{name}@example.com") for name in ("a", "b")
    ]
    three = book(tomorrow, customers=(JONAS, *others))
    browser = signed_in(supervisor)

    with django_assert_num_queries(11):
        browser.get(page_of(one))
    with django_assert_num_queries(11):
        browser.get(page_of(three))


def test_an_appointment_of_another_organisation_is_as_unknown_as_no_appointment(
    book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked = book(tomorrow)
    stranger = make_user(make_organization(), [Role.SUPERVISOR, Role.ADMIN])
    browser = signed_in(stranger)

    foreign = browser.get(page_of(booked))
    unknown = browser.get(reverse("appointment", args=[uuid4()]))

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


def test_an_appointment_of_a_colleague_is_refused_to_an_agent(
    book: Callable[..., Appointment], agent: User, application: Application, tomorrow: datetime
) -> None:
    booked = book(tomorrow, agent=make_user(application.organization))

    response = signed_in(agent).get(page_of(booked))

    assert response.status_code == 403


def test_a_message_is_shown_where_it_can_do_nothing(
    book: Callable[..., Appointment],
    supervisor: User,
    application: Application,
    tomorrow: datetime,
) -> None:
    ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=Channel.EMAIL,
        is_on=True,
    )
    booked = book(tomorrow)
    NotificationContent.objects.update(html="<p>Hello</p>", text="Hello")
    notification = Notification.objects.get(subject_id=booked.pk)
    path = reverse("message", args=[booked.pk, notification.pk])
    stranger = make_user(make_organization(), [Role.SUPERVISOR])

    response = signed_in(supervisor).get(path)

    assert response.content == b"<p>Hello</p>"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    policy = response["Content-Security-Policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert signed_in(stranger).get(path).status_code == 404
