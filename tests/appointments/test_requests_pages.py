"""The pages of requests, invites and the catalogue: who sees what, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from agents.models import Application, User
from appointments import services
from appointments.commands_offered import Command
from appointments.models import (
    Answer,
    Appointment,
    MeetingType,
    Participant,
    RequestStatus,
    State,
)
from appointments.services.forms import QuestionData
from config.kernel.actors import Role
from config.kernel.time import parse_duration
from tests import make
from tests.appointments import entries
from tests.contract.state import everything

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
REQUESTS, NEW = "/requests/", "/requests/new/"


@pytest.fixture
def application() -> Application:
    """Give the default application of an organisation in Berlin."""
    return make.make_application(
        make.make_organization("Northwind Care"), name="Online", default_timezone="Europe/Berlin"
    )


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR], first_name="Amara")


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def ask(
    application: Application, supervisor: User, tomorrow: datetime, now: datetime
) -> Callable[..., Appointment]:
    """Give the command that notes what Jonas Weber asks for: tomorrow at nine, of nobody yet."""

    def ask(by: User = supervisor, **facts: Any) -> Appointment:
        defaults: dict[str, Any] = {
            "application_id": str(application.pk),
            "zone": BERLIN,
            "locale": "en-GB",
            "customers": (make.make_customer(first_name="Jonas", last_name="Weber"),),
            "start": tomorrow,
            "duration": parse_duration("PT30M"),
        }
        booking = services.Booking(**{**defaults, **facts})
        return services.request_appointment(booking, actor=make.actor_for(by), now=now).appointment

    return ask


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(user: User, path: str) -> str:
    return signed_in(user).get(path).content.decode()


def command_path(appointment: Appointment, command: str) -> str:
    return reverse("appointment-command", args=[appointment.pk, command])


def page_path(appointment: Appointment) -> str:
    return reverse("appointment", args=[appointment.pk])


def row(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


# --- The list ---------------------------------------------------------------------------------


def test_the_list_shows_what_was_asked_for_when_by_whom_about_what_and_where(
    application: Application, supervisor: User, ask: Callable[..., Appointment]
) -> None:
    subject = entries.make_subject(application.organization)
    office = entries.make_office(application.organization, name={"en": "Unter den Linden"})
    ask(title="A house", about={"subject": str(subject.pk), "office": str(office.pk)})

    page = read(supervisor, REQUESTS)

    for text in (
        "Jonas Weber",
        "A house",
        "Asked for by the customer",
        "09:00</time>–09:30",
        "Mortgages",
        "Unter den Linden",
    ):
        assert text in page


def test_the_list_is_on_the_clock_of_its_reader(
    application: Application, ask: Callable[..., Appointment], tomorrow: datetime
) -> None:
    ask()
    far_away = make.make_user(
        application.organization, [Role.SUPERVISOR], timezone="Asia/Kathmandu"
    )

    page = read(far_away, REQUESTS)

    local = tomorrow.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert f"{local:%H:%M}</time>" in page
    assert "Times in Asia/Kathmandu" in page


def test_the_list_shows_the_oldest_first_and_no_appointment_that_has_a_time(
    application: Application, supervisor: User, ask: Callable[..., Appointment], now: datetime
) -> None:
    # It was made first, and has waited since its customer asked anew.
    again = ask(title="Second")
    ask(title="First")
    Appointment.objects.filter(pk=again.pk).update(waits_since=now + timedelta(minutes=1))
    make.make_appointment(application, organizer=supervisor, title="Booked")
    gone = ask(title="Gone")
    services.cancel_appointment(gone.pk, actor=make.actor_for(supervisor), now=now)

    page = read(supervisor, REQUESTS)

    assert page.index("First") < page.index("Second")
    assert "Booked" not in page
    assert "Gone" not in page


def test_the_list_can_be_narrowed_to_a_status(
    supervisor: User, ask: Callable[..., Appointment], now: datetime
) -> None:
    ask(title="Open")
    again = ask(title="Asked again")
    services.request_alternative(again.pk, actor=make.actor_for(supervisor), now=now)

    page = read(supervisor, f"{REQUESTS}?status={RequestStatus.ALTERNATIVE_DATE_REQUESTED}")

    assert "Asked again" in page
    assert "Open" not in page


@pytest.mark.parametrize("query", ["status=LOST", "zone=Mars/Olympus", "page=x", "page=999999"])
def test_the_list_shows_what_there_is_whatever_is_asked(
    supervisor: User, ask: Callable[..., Appointment], query: str
) -> None:
    ask(title="A house")

    assert "A house" in read(supervisor, f"{REQUESTS}?{query}")


def test_the_list_is_turned_page_by_page(
    supervisor: User, ask: Callable[..., Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appointments.waiting.ROWS_ON_A_PAGE", 2)
    for title in ("First", "Second", "Third"):
        ask(title=title)

    first, second = read(supervisor, REQUESTS), read(supervisor, f"{REQUESTS}?page=2")

    assert "Page 1 of 2" in first
    assert "Third" not in first
    assert "Third" in second
    assert "First" not in second


def test_the_list_says_when_nothing_waits(supervisor: User) -> None:
    assert "Nothing is waiting" in read(supervisor, REQUESTS)


def test_the_list_shows_nothing_of_another_organisation(ask: Callable[..., Appointment]) -> None:
    ask(title="A house")
    stranger = make.make_user(make.make_organization(), [Role.SUPERVISOR, Role.ADMIN])

    page = read(stranger, REQUESTS)

    assert "A house" not in page
    assert "Nothing is waiting" in page


def test_an_agent_sees_its_own_and_what_is_nobodys(
    application: Application, agent: User, ask: Callable[..., Appointment]
) -> None:
    colleague = make.make_user(application.organization)
    ask(title="Nobodys house")
    ask(title="My house", by=agent)
    ask(title="Their house", by=colleague)

    page = read(agent, REQUESTS)

    assert "Nobodys house" in page
    assert "My house" in page
    assert "Their house" not in page


def test_an_agent_sees_the_others_too_where_nothing_is_kept_apart_but_has_no_buttons(
    application: Application, agent: User, ask: Callable[..., Appointment]
) -> None:
    Application.objects.filter(pk=application.pk).update(agents_see_only_their_own=False)
    theirs = ask(title="Their house", by=make.make_user(application.organization))

    page = read(agent, REQUESTS)

    assert "Their house" in page
    assert command_path(theirs, Command.ACCEPT) not in page


def test_the_list_is_as_wide_as_what_can_be_read_one_by_one(
    application: Application, agent: User, ask: Callable[..., Appointment]
) -> None:
    colleague = make.make_user(application.organization)
    everything_asked = [ask(), ask(by=agent), ask(by=colleague)]
    browser = signed_in(agent)

    page = browser.get(REQUESTS).content.decode()

    for one in everything_asked:
        may_read = browser.get(page_path(one)).status_code == 200
        assert (page_path(one) in page) == may_read


def test_the_list_takes_as_many_queries_with_three_rows_as_with_one(
    agent: User,
    ask: Callable[..., Appointment],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = signed_in(agent)
    ask()
    # Session, user, organisation, applications, how many, the rows, who takes part.
    with django_assert_num_queries(7):
        browser.get(REQUESTS)
    ask()
    ask(by=agent)

    with django_assert_num_queries(7):
        browser.get(REQUESTS)


# --- New ones ---------------------------------------------------------------------------------


def form_of(application: Application, /, **values: str) -> dict[str, str]:
    return {
        "kind": "invite",
        "application": str(application.pk),
        "meeting_type": MeetingType.PHONE,
        "first_name": "Jonas",
        "email": "jonas@example.com",
        "zone": "Europe/Berlin",
        **values,
    }


def test_a_customer_is_invited(application: Application, supervisor: User) -> None:
    response = signed_in(supervisor).post(NEW, form_of(application))

    made = Appointment.objects.get()
    assert response["Location"] == page_path(made)
    assert (made.request_status, made.meeting_type) == ("OUTGOING_INVITE", "PHONE")
    assert make.customers_of(made)[0].email == "jonas@example.com"
    assert (made.created_by_id, made.created_from) == (str(supervisor.pk), "office")


def test_a_request_is_noted_for_the_time_that_its_subject_takes(
    application: Application, supervisor: User, tomorrow: datetime
) -> None:
    subject = entries.make_subject(application.organization, duration=timedelta(minutes=45))
    given = {"kind": "request", "day": f"{tomorrow:%Y-%m-%d}", "time": "09:00"}

    signed_in(supervisor).post(NEW, form_of(application, subject=str(subject.pk), **given))

    made = Appointment.objects.get()
    assert made.request_status == RequestStatus.INCOMING_REQUEST
    assert (made.asked_start, made.asked_end) == (tomorrow, tomorrow + timedelta(minutes=45))


def test_an_agent_who_notes_a_request_has_it(application: Application, agent: User) -> None:
    signed_in(agent).post(NEW, form_of(application))

    assert Participant.objects.filter(user=agent).count() == 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"kind": "request"}, "This field is required."),
        ({"kind": "request", "day": "2020-01-02", "time": "09:00"}, "not in the future"),
        ({"kind": "request", "day": "2031-03-30", "time": "02:30"}, "The clocks are put forward"),
        ({"email": ""}, "Please give an e-mail address or a phone number"),
        ({"email": "", "phone": "none"}, "A phone number has digits."),
        ({"email": "jonas"}, "Enter a valid email address."),
        ({"subject": str(uuid4())}, "Select a valid choice."),
        ({"zone": "Mars/Olympus"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_is_said_next_to_the_field(
    application: Application, supervisor: User, values: dict[str, str], complaint: str
) -> None:
    browser = signed_in(supervisor)
    before = everything()

    response = browser.post(NEW, form_of(application, **values))

    assert response.status_code == 400
    assert complaint in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert everything() == before


def test_nothing_of_another_organisation_can_be_named(
    application: Application, supervisor: User
) -> None:
    foreign = make.make_application(make.make_organization())
    subject = entries.make_subject(foreign.organization, name={"en": "Secret subject"})
    browser = signed_in(supervisor)

    for values in ({"application": str(foreign.pk)}, {"subject": str(subject.pk)}):
        assert browser.post(NEW, form_of(application, **values)).status_code == 400
    assert "Secret subject" not in browser.get(NEW).content.decode()
    assert not Appointment.objects.exists()


def test_an_administrator_alone_does_not_make_any(application: Application) -> None:
    administrator = make.make_user(application.organization, [Role.ADMIN])

    assert signed_in(administrator).get(NEW).status_code == 403
    assert NEW not in read(administrator, REQUESTS)


# --- Commands ---------------------------------------------------------------------------------


def test_a_request_is_accepted_from_the_list(
    supervisor: User, ask: Callable[..., Appointment], tomorrow: datetime
) -> None:
    asked = ask()

    path = f"{command_path(asked, 'accept')}?back=requests"
    response = signed_in(supervisor).post(path)

    assert response["Location"] == REQUESTS
    assert row(asked).start == tomorrow
    assert row(asked).updated_from == "office"


def test_another_date_is_asked_for(supervisor: User, ask: Callable[..., Appointment]) -> None:
    asked = ask()
    path = command_path(asked, "ask-again")

    assert "Message (optional)" in read(supervisor, path)
    response = signed_in(supervisor).post(path, {"message": "In the afternoon?"})

    assert response["Location"] == page_path(asked)
    assert row(asked).request_status == RequestStatus.ALTERNATIVE_DATE_REQUESTED


def test_an_appointment_is_closed_with_answers_and_opened_again(
    application: Application, supervisor: User, agent: User
) -> None:
    question = QuestionData(label={"en": "What came of it?"}, is_required=True)
    form = entries.make_form(application.organization, question)
    subject = entries.make_subject(application.organization, completion_by_agent_form_id=form.pk)
    booked = make.make_appointment(application, agent=agent, about={"subject": str(subject.pk)})
    browser = signed_in(supervisor)

    assert browser.post(command_path(booked, "complete")).status_code == 400
    browser.post(command_path(booked, "complete"), {"answer-0": "A contract"})

    assert row(booked).state == State.COMPLETED
    assert Answer.objects.get().value == "A contract"
    page = browser.get(page_path(booked)).content.decode()
    assert "A contract" in page
    assert command_path(booked, "reopen") in page
    browser.post(command_path(booked, "reopen"))
    assert row(booked).state == State.ACTIVATED


def test_a_customer_did_not_come(application: Application, agent: User) -> None:
    booked = make.make_appointment(application, agent=agent)

    signed_in(agent).post(command_path(booked, "no-show"))

    assert row(booked).state == State.NO_SHOW


def test_an_appointment_is_cancelled_with_a_reason(application: Application, agent: User) -> None:
    booked = make.make_appointment(application, agent=agent)

    signed_in(agent).post(command_path(booked, "cancel"), {"message": "The agent is ill"})

    assert row(booked).state == State.CANCELLED


@pytest.mark.parametrize("command", ["accept", "reopen"])
def test_what_is_not_possible_is_said_and_changes_nothing(
    application: Application, supervisor: User, agent: User, command: str
) -> None:
    booked = make.make_appointment(application, agent=agent)
    browser = signed_in(supervisor)
    before = everything()

    response = browser.post(command_path(booked, command))

    assert response["Location"] == page_path(booked)
    assert (
        "not possible as the appointment stands" in browser.get(page_path(booked)).content.decode()
    )
    assert everything() == before


def test_an_agent_who_is_occupied_is_said_where_it_was_asked(
    application: Application, agent: User, ask: Callable[..., Appointment], tomorrow: datetime
) -> None:
    Application.objects.filter(pk=application.pk).update(prevent_overlaps=True)
    application.refresh_from_db()
    asked = ask(by=agent)
    make.make_appointment(application, agent=agent, start=tomorrow)
    browser = signed_in(agent)
    before = everything()

    response = browser.post(command_path(asked, "accept"))

    assert response.status_code == 409
    assert "The agent is occupied" in response.content.decode()
    assert everything() == before


def test_a_colleague_cannot_do_anything_with_what_is_somebodys(
    application: Application, agent: User
) -> None:
    booked = make.make_appointment(application, agent=agent)
    colleague = signed_in(make.make_user(application.organization))
    before = everything()

    for command in ("complete", "cancel", "ask-again"):
        assert colleague.post(command_path(booked, command)).status_code == 403
    assert everything() == before


def test_a_command_on_anothers_appointment_is_as_unknown_as_no_command(
    supervisor: User, ask: Callable[..., Appointment]
) -> None:
    asked = ask()
    stranger = make.make_user(make.make_organization(), [Role.SUPERVISOR])

    foreign = signed_in(stranger).post(command_path(asked, "accept"))
    unknown = signed_in(supervisor).post(command_path(asked, "delete"))

    assert foreign.status_code == unknown.status_code == 404
    assert row(asked).start is None


def test_strangers_are_sent_to_the_login_page(
    client: Client, ask: Callable[..., Appointment]
) -> None:
    for path in (REQUESTS, NEW, "/catalogue/", command_path(ask(), "accept")):
        assert client.get(path)["Location"].startswith("/login/")


# --- The appointment --------------------------------------------------------------------------


def test_the_page_of_an_appointment_shows_what_it_is_about(
    application: Application, agent: User
) -> None:
    organization = application.organization
    booked = make.make_appointment(
        application,
        agent=agent,
        about={
            "subject": str(entries.make_subject(organization).pk),
            "office": str(entries.make_office(organization, name={"en": "Main office"}).pk),
            "listing": str(entries.make_listing(organization, name={"en": "A villa"}).pk),
            "lead_segment": str(entries.make_lead_segment(organization, code="WARM").number),
            "meeting_type": MeetingType.ON_LOCATION,
            "is_hybrid": True,
            "location": entries.BERLIN,
            "internal_notes": "Speaks Greek",
            "trailing_buffer": timedelta(minutes=15),
        },
    )

    page = read(agent, page_path(booked))

    for text in (
        "Mortgages",
        "Main office",
        "A villa",
        "WARM",
        "On location, some by video",
        "Unter den Linden 21, 10117 Berlin, DE",
        "Speaks Greek",
        "15 minutes",
    ):
        assert text in page


def test_the_page_of_a_request_shows_what_was_asked_for(
    supervisor: User, ask: Callable[..., Appointment]
) -> None:
    page = read(supervisor, page_path(ask()))

    assert "Asked for: <time" in page
    assert "Back to the requests" in page
    assert ">Asked for by the customer</span>" in page


def test_the_page_of_an_appointment_has_the_buttons_of_its_reader(
    application: Application, agent: User
) -> None:
    booked = make.make_appointment(application, agent=agent)
    administrator = make.make_user(application.organization, [Role.ADMIN])

    assert command_path(booked, "complete") in read(agent, page_path(booked))
    assert "/do/" not in read(administrator, page_path(booked))
