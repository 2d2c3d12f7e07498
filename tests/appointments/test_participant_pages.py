"""The pages behind a participant's own links: who acts, what is said, and what stays a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import Application, User
from appointments import services
from appointments.models import (
    Answer,
    Appointment,
    MeetingType,
    Participant,
    QuestionKind,
    State,
)
from appointments.services.forms import OptionData, QuestionData
from appointments.services.page_tokens import page_url, token_of
from config.kernel import limits
from config.kernel.actors import ActorKind, Role
from config.kernel.time import format_instant
from notifications.models import OutboxEvent
from tests import make
from tests.appointments import entries
from tests.contract import state

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
LINKS = [
    "cancel",
    "edit",
    "invite",
    "video",
    "video-test",
    "calendar/google",
    "calendar/office365",
    "calendar/ical",
]


@pytest.fixture
def application() -> Application:
    """Give the application of an organisation in Berlin."""
    return make.make_application(
        make.make_organization("Northwind Care"), default_timezone="Europe/Berlin"
    )


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben", last_name="Larsen")


@pytest.fixture
def tomorrow(now: datetime) -> datetime:
    """Give nine o'clock in Berlin on the next day."""
    return (now.astimezone(BERLIN) + timedelta(days=1)).replace(hour=9, minute=0, second=0)


@pytest.fixture
def book(application: Application, agent: User, tomorrow: datetime) -> Callable[..., Appointment]:
    """Give the command that books with Ben for tomorrow at nine."""

    def book(**facts: Any) -> Appointment:
        defaults = {"title": "Consultation", "locale": "en-GB", "start": tomorrow}
        return make.make_appointment(application, agent=agent, **{**defaults, **facts})

    return book


@pytest.fixture
def invite(application: Application, supervisor: User, now: datetime) -> Callable[..., Appointment]:
    """Give the command that offers a customer an appointment."""

    def invite(**about: Any) -> Appointment:
        draft = services.Draft(
            application_id=str(application.pk),
            zone=BERLIN,
            locale="en-GB",
            customers=(make.make_customer(),),
            about=about,
        )
        case = services.invite_customers(draft, actor=make.actor_for(supervisor), now=now)
        return case.appointment

    return invite


def path_of(one: Participant, page: str) -> str:
    return urlsplit(page_url(one.pk, page)).path


def customers_path(appointment: Appointment, page: str) -> str:
    return path_of(make.customers_of(appointment)[0], page)


def agents_path(appointment: Appointment, page: str) -> str:
    return path_of(Participant.objects.get(appointment=appointment, user__isnull=False), page)


def at(moment: datetime) -> dict[str, str]:
    """Give a time as it is filled in, on the clock of Berlin."""
    local = moment.astimezone(BERLIN)
    return {"day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}


def everything() -> dict[str, str]:
    """Give a digest of what is stored, but for the counter of looks at links."""
    return {name: digest for name, digest in state.everything().items() if "counter" not in name}


def row(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


def last_actor() -> tuple[str, str, str]:
    event = OutboxEvent.objects.order_by("-id")[0]
    return event.actor_kind, event.actor_id, event.origin


# --- What a token opens -----------------------------------------------------------------------


@pytest.mark.rule("webhook.appointment.post.r59")
@pytest.mark.parametrize("page", LINKS)
def test_a_link_works_without_signing_in(
    client: Client, book: Callable[..., Appointment], page: str
) -> None:
    assert client.get(customers_path(book(), page)).status_code in {200, 302}


@pytest.mark.rule("webhook.appointment.post.r57")
def test_every_participant_has_a_link_of_its_own(book: Callable[..., Appointment]) -> None:
    booked = book(customers=[make.make_customer(), make.make_customer(first_name="Eve")])

    paths = {path_of(one, "cancel") for one in Participant.objects.of(booked.pk)}

    assert len(paths) == 3


@pytest.mark.parametrize("page", LINKS)
def test_a_link_is_kept_out_of_caches_other_hosts_and_search_engines(
    client: Client, book: Callable[..., Appointment], page: str
) -> None:
    for path in (customers_path(book(), page), f"/a/{page}/unknown"):
        response = client.get(path)

        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("page", LINKS)
def test_a_link_that_opens_nothing_is_answered_alike_whatever_the_reason(
    client: Client,
    book: Callable[..., Appointment],
    supervisor: User,
    now: datetime,
    page: str,
) -> None:
    erased, removed, deleted = (make.customers_of(book())[0] for _ in range(3))
    Participant.objects.filter(pk=erased.pk).update(erased_at=now)
    Participant.objects.filter(pk=removed.pk).delete()
    services.delete_appointment(deleted.appointment_id, actor=make.actor_for(supervisor), now=now)
    forged = f"/a/{page}/{token_of(uuid4())[:-4]}AAAA"
    paths = [f"/a/{page}/x", forged, *(path_of(one, page) for one in (erased, removed, deleted))]

    answers = [client.get(path) for path in paths]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_a_link_cannot_be_guessed_at_for_long(
    client: Client, book: Callable[..., Appointment]
) -> None:
    path = customers_path(book(), "cancel")
    for number in range(limits.TICKET_FAILURES_PER_ADDRESS):
        assert client.get(f"/a/cancel/guess{number}").status_code == 404

    assert client.get(path).status_code == 429
    assert client.get(path, REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.parametrize(
    "facts", [{"is_active": False}, {"roles": []}, {"change_password_on_first_login": True}]
)
def test_a_link_of_who_may_not_work_as_an_agent_opens_nothing(
    client: Client, book: Callable[..., Appointment], agent: User, facts: dict[str, Any]
) -> None:
    path = agents_path(book(), "cancel")
    assert client.get(path).status_code == 200

    User.objects.filter(pk=agent.pk).update(**facts)

    assert client.get(path).status_code == 404


def test_a_customers_link_opens_what_its_ticket_would(
    client: Client, book: Callable[..., Appointment], now: datetime
) -> None:
    booked = book()
    Appointment.objects.filter(pk=booked.pk).update(access_expires_at=now - timedelta(seconds=1))

    assert client.get(customers_path(booked, "cancel")).status_code == 404
    assert client.get(agents_path(booked, "cancel")).status_code == 200


@pytest.mark.parametrize("roles", [[Role.AGENT, Role.SUPERVISOR], [Role.AGENT, Role.ADMIN]])
def test_a_link_that_came_by_mail_does_no_more_than_an_agent_may(
    client: Client, application: Application, tomorrow: datetime, roles: list[Role]
) -> None:
    mighty = make.make_user(application.organization, roles)
    booked = make.make_appointment(application, agent=mighty, start=tomorrow)

    client.post(agents_path(booked, "cancel"))

    assert row(booked).state == State.CANCELLED
    assert last_actor() == (ActorKind.USER, str(mighty.pk), "page")


def test_a_form_without_its_token_is_refused(book: Callable[..., Appointment]) -> None:
    path, before = customers_path(book(), "cancel"), everything()

    response = Client(enforce_csrf_checks=True).post(path)

    assert response.status_code == 403
    assert everything() == before


def test_a_page_speaks_the_language_of_the_appointment_on_its_clock(
    client: Client, book: Callable[..., Appointment]
) -> None:
    page = client.get(customers_path(book(locale="de-DE"), "cancel")).content.decode()

    for text in ('<html lang="de">', "Möchten Sie absagen?", "09:00 – 09:30", "Ben Larsen"):
        assert text in page


# --- Cancelling -------------------------------------------------------------------------------


def test_a_customer_cancels_with_a_reason(client: Client, book: Callable[..., Appointment]) -> None:
    booked = book()
    path = customers_path(booked, "cancel")

    response = client.post(path, {"message": "I am ill"})

    assert (response.status_code, response["Location"]) == (302, path)
    assert row(booked).state == State.CANCELLED
    assert last_actor() == (ActorKind.CUSTOMER, str(make.customers_of(booked)[0].pk), "page")
    assert "This appointment was cancelled." in client.get(path).content.decode()


def test_an_agent_cancels_in_its_own_name(
    client: Client, book: Callable[..., Appointment], agent: User
) -> None:
    booked = book()

    client.post(agents_path(booked, "cancel"))

    assert row(booked).state == State.CANCELLED
    assert last_actor() == (ActorKind.USER, str(agent.pk), "page")


def test_what_is_cancelled_already_says_so_and_is_left_alone(
    client: Client, book: Callable[..., Appointment]
) -> None:
    path = customers_path(book(), "cancel")
    client.post(path)
    before = everything()

    response = client.post(path)

    assert response.status_code == 409
    assert "This appointment was cancelled." in response.content.decode()
    assert everything() == before


@pytest.mark.parametrize("page", ["cancel", "edit", "invite"])
def test_what_is_over_says_so_and_is_left_alone(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime, page: str
) -> None:
    booked = book()
    Appointment.objects.filter(pk=booked.pk).update(state=State.COMPLETED)
    path, before = customers_path(booked, page), everything()

    response = client.post(path, at(tomorrow + timedelta(days=1)))

    assert "This appointment is over." in response.content.decode()
    assert "<form" not in response.content.decode()
    assert everything() == before


QUESTIONS = (
    QuestionData(label={"en": "Why?", "de": "Warum?"}, order=1, is_required=True),
    QuestionData(label={"en": "How many days?"}, order=2, kind=QuestionKind.NUMBER),
    QuestionData(
        label={"en": "Which?"},
        order=3,
        kind=QuestionKind.CHOICES,
        options=(OptionData(value="This"), OptionData(value="That", order=1)),
    ),
)


@pytest.fixture
def asking(application: Application, book: Callable[..., Appointment]) -> Appointment:
    """Give an appointment whose subject asks customers who cancel; agents it asks nothing."""
    form = entries.make_form(application.organization, *QUESTIONS)
    subject = entries.make_subject(
        application.organization, cancellation_by_customer_form_id=form.pk
    )
    return book(about={"subject": str(subject.pk)})


def test_a_customer_is_asked_what_the_subject_asks_who_cancels(
    client: Client, asking: Appointment
) -> None:
    path = customers_path(asking, "cancel")
    page = client.get(path).content.decode()
    that = page.split('value="')[-2].split('"')[0]

    assert "How many days? (optional)" in page
    client.post(path, {"answer-0": "I moved", "answer-1": "2.5", "answer-2": [that]})

    kept = Answer.objects.order_by("question__order").values_list("value", flat=True)
    assert list(kept)[:2] == ["I moved", "2.5"]
    assert row(asking).state == State.CANCELLED


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"answer-0": ""}, "This field is required."),
        ({"answer-0": "x", "answer-1": "many"}, "It is a number, such as 12 or 12.5."),
        ({"answer-0": "x", "answer-2": ["0"]}, "Select a valid choice."),
        ({"answer-0": "x", "message": "x" * 2001}, "at most 2000 characters"),
    ],
)
def test_an_answer_that_does_not_fit_is_said_next_to_its_question(
    client: Client, asking: Appointment, given: dict[str, Any], complaint: str
) -> None:
    path, before = customers_path(asking, "cancel"), everything()

    response = client.post(path, given)

    assert response.status_code == 400
    assert complaint in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert everything() == before


def test_an_agent_is_not_asked_what_customers_are_asked(
    client: Client, asking: Appointment
) -> None:
    path = agents_path(asking, "cancel")

    assert "Why?" not in client.get(path).content.decode()
    assert client.post(path).status_code == 302
    assert row(asking).state == State.CANCELLED


# --- Another time -----------------------------------------------------------------------------


def test_a_customer_moves_it_to_a_free_time_at_once(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked, later = book(), tomorrow + timedelta(days=2, hours=3)
    path = customers_path(booked, "edit")

    client.post(path, {"start": format_instant(later), "message": "At noon."})

    moved = row(booked)
    assert (moved.start, moved.asked_start, moved.last_message) == (later, None, "At noon.")
    assert last_actor() == (ActorKind.CUSTOMER, str(make.customers_of(booked)[0].pk), "page")
    assert "12:00 – 12:30" in client.get(path).content.decode()


def test_a_customer_whose_time_needs_acceptance_asks_for_it_and_gives_up_the_present_one(
    client: Client, application: Application, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    subject = entries.make_subject(application.organization, needs_acceptance=True)
    booked = book(about={"subject": str(subject.pk)})
    path, later = customers_path(booked, "edit"), tomorrow + timedelta(hours=3)
    assert "With this you give up the present time." in client.get(path).content.decode()

    client.post(path, {"start": format_instant(later)})

    asked = row(booked)
    assert (asked.start, asked.asked_start) == (None, later)
    assert "Asked for, but not fixed yet:" in client.get(path).content.decode()


@pytest.fixture
def not_online(agent: User) -> User:
    """Give Ben, whose time customers can only ask for."""
    agent.plans_online = False
    agent.save(update_fields=["plans_online"])
    return agent


@pytest.mark.usefixtures("not_online")
def test_a_customer_fills_in_any_time_where_no_free_ones_are_known(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    booked, later = book(), tomorrow + timedelta(days=2, hours=3)
    path = customers_path(booked, "edit")
    assert "With this you give up the present time." in client.get(path).content.decode()

    client.post(path, {**at(later), "message": "At noon?"})

    asked = row(booked)
    assert (asked.start, asked.asked_start) == (None, later)
    page = client.get(path).content.decode()
    assert "Asked for, but not fixed yet:" in page
    assert "12:00 – 12:30" in page


def test_an_agent_moves_it_at_once(
    client: Client, book: Callable[..., Appointment], agent: User, tomorrow: datetime
) -> None:
    booked, later = book(), tomorrow + timedelta(hours=3)

    client.post(agents_path(booked, "edit"), at(later))

    moved = row(booked)
    assert (moved.start, moved.end) == (later, later + timedelta(minutes=30))
    assert last_actor() == (ActorKind.USER, str(agent.pk), "page")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "This field is required."),
        ({"day": "soon", "time": "25:00"}, "Enter a valid date."),
        ({"day": "2031-02-03", "time": "25:00"}, "Enter a valid time."),
        ({"day": "2020-02-03", "time": "09:00"}, "This time has passed."),
        ({"day": "2201-01-01", "time": "09:00"}, "less than or equal"),
        # The clocks go from two to three.
        ({"day": "2031-03-30", "time": "02:30"}, "The clocks are put forward then"),
    ],
)
@pytest.mark.parametrize("whose", [customers_path, agents_path])
@pytest.mark.usefixtures("not_online")
def test_a_time_that_cannot_be_is_said_next_to_the_field(
    client: Client,
    book: Callable[..., Appointment],
    whose: Callable[[Appointment, str], str],
    given: dict[str, str],
    complaint: str,
) -> None:
    path = whose(book(), "edit")
    before = everything()

    response = client.post(path, given)

    assert response.status_code == 400
    assert complaint in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert everything() == before


@pytest.mark.usefixtures("not_online")
def test_of_a_time_that_clocks_show_twice_the_first_is_meant(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    client.post(customers_path(booked, "edit"), {"day": "2031-10-26", "time": "02:30"})

    assert row(booked).asked_start == datetime(2031, 10, 26, 0, 30, tzinfo=UTC)


def test_a_customer_does_not_learn_what_else_the_agent_has(
    client: Client, application: Application, agent: User, tomorrow: datetime, now: datetime
) -> None:
    Application.objects.filter(pk=application.pk).update(prevent_overlaps=True)
    application.refresh_from_db()
    later = tomorrow + timedelta(hours=4)
    make.make_appointment(application, agent=agent, start=later)
    booked = make.make_appointment(application, agent=agent, start=tomorrow, locale="en-GB")
    services.request_alternative(booked.pk, actor=make.actor_for(agent), now=now)
    before = everything()

    taken = {"start": format_instant(later + timedelta(minutes=15))}
    response = client.post(customers_path(booked, "invite"), taken)

    assert response.status_code == 409
    assert "This time is taken. Please choose another one." in response.content.decode()
    assert "occupied" not in response.content.decode()
    assert everything() == before


# --- Invites ----------------------------------------------------------------------------------


def test_a_customer_chooses_the_time_of_an_invite_and_the_subject_says_how_long(
    client: Client,
    application: Application,
    invite: Callable[..., Appointment],
    tomorrow: datetime,
) -> None:
    subject = entries.make_subject(application.organization, duration=timedelta(minutes=45))
    invited = invite(subject=str(subject.pk))
    path = customers_path(invited, "invite")
    assert "Please choose a date and a time" in client.get(path).content.decode()

    client.post(path, at(tomorrow))

    chosen = row(invited)
    assert (chosen.start, chosen.end) == (tomorrow, tomorrow + timedelta(minutes=45))
    assert "The time of this appointment is fixed." in client.get(path).content.decode()


def test_what_needs_acceptance_is_only_asked_for(
    client: Client,
    application: Application,
    invite: Callable[..., Appointment],
    tomorrow: datetime,
) -> None:
    subject = entries.make_subject(application.organization, needs_acceptance=True)
    path = customers_path(invited := invite(subject=str(subject.pk)), "invite")

    client.post(path, at(tomorrow))

    assert row(invited).start is None
    assert "This time was asked for." in client.get(path).content.decode()


@pytest.mark.parametrize("page", ["edit", "invite"])
def test_another_date_that_is_wanted_is_chosen_by_either_link(
    client: Client, book: Callable[..., Appointment], agent: User, tomorrow: datetime, page: str
) -> None:
    booked, later = book(), tomorrow + timedelta(days=1)
    services.request_alternative(booked.pk, actor=make.actor_for(agent), now=timezone.now())
    path = customers_path(booked, page)
    assert "The other time did not suit." in client.get(path).content.decode()

    client.post(path, {"start": format_instant(later)})

    assert row(booked).start == later


def test_an_invite_that_is_answered_leads_on_and_changes_nothing(
    client: Client, book: Callable[..., Appointment], tomorrow: datetime
) -> None:
    path, before = customers_path(book(), "invite"), everything()

    response = client.post(path, at(tomorrow + timedelta(days=1)))

    assert response.status_code == 409
    assert "The time of this appointment is fixed." in response.content.decode()
    assert everything() == before


# --- Video ------------------------------------------------------------------------------------


def test_the_video_page_says_when_it_begins(
    client: Client, book: Callable[..., Appointment]
) -> None:
    page = client.get(customers_path(book(), "video")).content.decode()

    assert "The room opens on" in page
    assert "at 08:45." in page


@pytest.mark.rule("webhook.appointment.post.r58")
def test_the_video_links_lead_to_the_room_of_the_application(
    client: Client, application: Application, book: Callable[..., Appointment]
) -> None:
    Application.objects.filter(pk=application.pk).update(
        video_url="https://meet.example.org/{appointment}?who={participant}",
        video_test_url="https://meet.example.org/test",
    )
    booked = book()
    customer = make.customers_of(booked)[0]

    response = client.get(path_of(customer, "video"))
    trial = client.get(path_of(customer, "video-test"))

    assert response["Location"] == f"https://meet.example.org/{booked.pk}?who={customer.pk}"
    assert trial["Location"] == "https://meet.example.org/test"


def test_the_room_of_the_agent_in_charge_comes_first(
    client: Client, application: Application, book: Callable[..., Appointment], agent: User
) -> None:
    Application.objects.filter(pk=application.pk).update(video_url="https://meet.example.org/")
    User.objects.filter(pk=agent.pk).update(static_video_url="https://rooms.example.org/ben")

    response = client.get(customers_path(book(), "video"))

    assert response["Location"] == "https://rooms.example.org/ben"


@pytest.mark.parametrize("page", ["video", "video-test"])
def test_there_is_no_video_where_people_meet_otherwise(
    client: Client, application: Application, book: Callable[..., Appointment], page: str
) -> None:
    Application.objects.filter(pk=application.pk).update(
        video_url="https://meet.example.org/", video_test_url="https://meet.example.org/"
    )
    booked = book(about={"meeting_type": MeetingType.PHONE})

    response = client.get(customers_path(booked, page))

    assert response.status_code == 200
    assert "do not meet by video" in response.content.decode()


def test_nobody_is_led_to_the_room_of_what_was_cancelled(
    client: Client, application: Application, book: Callable[..., Appointment]
) -> None:
    Application.objects.filter(pk=application.pk).update(video_url="https://meet.example.org/")
    booked = book()
    client.post(customers_path(booked, "cancel"))

    response = client.get(customers_path(booked, "video"))

    assert response.status_code == 200
    assert "This appointment was cancelled." in response.content.decode()


def test_the_test_page_says_what_is_needed(
    client: Client, book: Callable[..., Appointment]
) -> None:
    page = client.get(customers_path(book(), "video-test")).content.decode()

    assert "with a camera and a microphone" in page


# --- Calendars --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "host"), [("google", "calendar.google.com"), ("office365", "outlook.office.com")]
)
def test_a_calendar_on_the_web_is_given_the_appointment(
    client: Client, book: Callable[..., Appointment], kind: str, host: str
) -> None:
    response = client.get(customers_path(book(), f"calendar/{kind}"))

    assert response.status_code == 302
    assert urlsplit(response["Location"]).hostname == host
    assert "Consultation" in response["Location"]


def test_every_other_calendar_is_given_a_file(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()

    response = client.get(customers_path(booked, "calendar/ical"))

    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert f"UID:{booked.pk}@frontdesk" in response.content.decode()


@pytest.mark.rule("webhook.appointment.post.r60")
@pytest.mark.parametrize("kind", ["google", "office365", "ical"])
def test_there_is_nothing_for_a_calendar_without_a_time(
    client: Client, invite: Callable[..., Appointment], kind: str
) -> None:
    response = client.get(customers_path(invite(), f"calendar/{kind}"))

    assert response.status_code == 404
    assert "until the time is fixed" in response.content.decode()


def test_what_was_cancelled_can_be_taken_out_but_not_put_in(
    client: Client, book: Callable[..., Appointment]
) -> None:
    booked = book()
    client.post(customers_path(booked, "cancel"))

    file = client.get(customers_path(booked, "calendar/ical"))

    assert "METHOD:CANCEL" in file.content.decode()
    assert client.get(customers_path(booked, "calendar/google")).status_code == 404
