"""Booking on the pages: who proves an address with a code has a time, and nobody has it twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from agents.models import Application, OneTimeCode, User
from agents.services.code_sending import send_codes
from appointments.models import (
    Answer,
    Appointment,
    Participant,
    QuestionKind,
    RequestStatus,
    Subject,
    TargetType,
)
from appointments.services import booking_online
from appointments.services.forms import OptionData, QuestionData
from config.kernel import limits
from config.kernel.time import format_instant, parse_instant
from notifications.models import Channel
from notifications.transports.sms.phone import Phone
from tests import make
from tests.appointments import entries
from tests.appointments.online import (
    ADA,
    Browser,
    codes_in,
    kept_in,
    said,
    signed,
    state_of,
    text_of,
    ticket_of,
)
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

GONE = "This time is taken. Please choose another one."
WRONG = (
    "This code is not the right one, or does not hold any more. Please look at the newest"
    " message, or have a new code sent."
)


@pytest.fixture
def application() -> Application:
    """Give an application in Berlin with one agent who can be booked online."""
    application = make.make_application(
        make.make_organization("Northwind Care"),
        default_timezone="Europe/Berlin",
        default_country="DE",
    )
    make.make_user(application.organization, first_name="Grace", last_name="Hopper")
    return application


@pytest.fixture
def subject(application: Application) -> Subject:
    return entries.make_subject(
        application.organization,
        name={"en": "Mortgages", "de": "Baufinanzierung"},
        duration=timedelta(minutes=45),
    )


@pytest.fixture
def browser(application: Application, subject: Subject) -> Browser:
    return Browser(application, subject)


def agent_of(application: Application) -> User:
    agent: User = User.objects.get(organization=application.organization, first_name="Grace")
    return agent


# --- Booking --------------------------------------------------------------------------------


def test_a_customer_books_with_the_code_from_the_mail(
    application: Application, browser: Browser, mailbox: Mailbox
) -> None:
    browser.headers = {"Accept-Language": "de-AT,en;q=0.5"}
    start = browser.times()[3]
    asked = browser.ask(start)
    [code] = codes_in(mailbox)

    ticket = ticket_of(browser.send(asked, "code", code=f" {code[:3]} {code[3:]} "))

    made = Appointment.objects.get()
    assert format_instant(made.start or made.created_at) == start
    assert made.end == (made.start or made.created_at) + timedelta(minutes=45)
    assert (made.title, made.locale, made.timezone) == ("Baufinanzierung", "de-AT", "Europe/Berlin")
    assert (made.subject, made.meeting_type) == (browser.subject, "VIDEO")
    assert (made.created_by_kind, made.created_from) == ("CUSTOMER", "page")
    assert (made.target_type, made.state) == (TargetType.ANY, "ACTIVATED")
    [customer] = make.customers_of(made)
    assert (customer.first_name, customer.last_name) == ("Ada", "Lovelace")
    assert (customer.email, made.organizer_id) == ("ada@example.org", str(customer.pk))
    assert Participant.objects.get(appointment=made, type="AGENT").user == agent_of(application)
    assert ticket.startswith("/q/")
    assert "Ihr Termin ist gebucht." in text_of(Client().get(ticket))
    assert "Ihr Einmalkennwort" in mailbox.messages[0]["Subject"]


def test_the_page_of_the_code_says_where_it_went(browser: Browser) -> None:
    page = text_of(browser.ask())

    assert "<b>ada@example.org</b>" in page
    assert 'inputmode="numeric" autocomplete="one-time-code"' in page


@pytest.fixture
def phone(application: Application, settings: Settings, tmp_path: Path) -> Phone:
    """Give the phone to which SMS of the application go."""
    make.make_channel(application, Channel.SMS)
    settings.FRONTDESK_HOME = tmp_path
    settings.NOTIFICATIONS_TRANSPORTS = {
        "EMAIL": "notifications.transports.email.smtp",
        "SMS": "notifications.transports.sms.phone",
    }
    return Phone.of_settings()


def test_a_customer_books_with_the_code_from_an_sms(browser: Browser, phone: Phone) -> None:
    browser.query = {"meetingType": "PHONE", "language": "de"}
    names = {"first_name": "Ada", "last_name": "Lovelace", "email": ""}
    asked = browser.ask(phone="0170 1234567", **names)
    send_codes()
    [sms] = phone.messages()

    ticket_of(browser.send(asked, "code", code=sms.text[:6]))

    assert sms.recipient == "+491701234567"
    assert "Einmalkennwort" in sms.text
    [customer] = make.customers_of(Appointment.objects.get())
    assert (customer.phone, customer.email) == ("0170 1234567", "")


def test_where_no_sms_are_sent_the_code_needs_an_e_mail_address(browser: Browser) -> None:
    details = {**ADA, "email": "", "phone": "0170 1234567"}

    answer = browser.ask(**details)

    assert (answer.status_code, said(answer)) == (400, ["This field is required."])
    assert not OneTimeCode.objects.exists()


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"first_name": "", "last_name": ""}, ["This field is required."]),
        ({"email": ""}, ["Please give an e-mail address or a phone number."]),
        ({"email": "ada"}, ["Enter a valid email address."]),
        ({"email": "ada@localhost"}, ["Please give an address that mail can be sent to."]),
        ({"email": "ada@[127.0.0.1]"}, ["Please give an address that mail can be sent to."]),
        (
            {"email": "", "phone": "112"},
            ["Please give a whole phone number, such as +49 30 901820."],
        ),
    ],
)
def test_details_have_to_lead_to_somebody(
    browser: Browser, details: dict[str, str], words: list[str]
) -> None:
    answer = browser.ask(**{**ADA, **details})

    assert answer.status_code == 400
    assert set(words) <= set(said(answer))
    assert not OneTimeCode.objects.exists()


def test_who_wants_to_be_called_gives_a_number(browser: Browser) -> None:
    browser.query = {"meetingType": "PHONE"}

    answer = browser.ask()

    assert (answer.status_code, said(answer)) == (400, ["This field is required."])


def test_what_the_subject_asks_is_answered(
    application: Application, subject: Subject, browser: Browser, mailbox: Mailbox
) -> None:
    form = entries.make_form(
        application.organization,
        QuestionData(label={"en": "How much?"}, kind=QuestionKind.NUMBER, is_required=True),
        QuestionData(
            label={"en": "What for?"},
            kind=QuestionKind.CHOICES,
            options=(OptionData(value="A house"), OptionData(value="A boat", order=1)),
            order=1,
        ),
    )
    Subject.objects.filter(pk=subject.pk).update(questionnaire_form=form)
    boat = str(form.questions.get(order=1).options.get(value="A boat").pk)
    asked = browser.send(
        browser.read(start=browser.times()[0]),
        "details",
        **ADA,
        **{"answer-0": "many", "answer-1": [boat]},
    )
    [code] = codes_in(mailbox)

    refused = browser.send(asked, "code", code=code)
    again = browser.send(refused, "details", **{**ADA, "answer-0": "250000", "answer-1": [boat]})
    code = next(codes_in(mailbox))
    ticket_of(browser.send(again, "code", code=code))

    assert refused.status_code == 400
    assert 'value="many"' in text_of(refused)
    answers = Answer.objects.order_by("question__order")
    assert [(one.value, one.selected and one.selected[0]["value"]) for one in answers] == [
        ("250000", None),
        ("", "A boat"),
    ]


def test_what_needs_acceptance_is_asked_for(
    subject: Subject, browser: Browser, mailbox: Mailbox
) -> None:
    Subject.objects.filter(pk=subject.pk).update(needs_acceptance=True)
    before = text_of(browser.read())
    asked = browser.ask()
    [code] = codes_in(mailbox)

    done = text_of(browser.send(asked, "code", code=code))

    assert "This is a request: we tell you as soon as somebody has accepted the time." in before
    assert "Your request was sent. We will tell you as soon as it is accepted." in done
    made = Appointment.objects.get()
    assert (made.request_status, made.start) == (RequestStatus.INCOMING_REQUEST, None)


# --- Codes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "١٢٣٤٥٦"])
def test_a_code_that_is_none_books_nothing(browser: Browser, mailbox: Mailbox, code: str) -> None:
    asked = browser.ask()

    answer = browser.send(asked, "code", code=code)

    assert (answer.status_code, said(answer)) == (400, [WRONG])
    assert not Appointment.objects.exists()
    assert OneTimeCode.objects.count() == 1


def test_after_five_wrong_codes_the_right_one_is_refused(
    browser: Browser, mailbox: Mailbox
) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(limits.CODE_TRIES):
        assert browser.send(asked, "code", code=wrong).status_code == 400

    assert said(browser.send(asked, "code", code=code)) == [WRONG]
    assert not Appointment.objects.exists()


def test_an_expired_code_is_refused(browser: Browser, mailbox: Mailbox, now: datetime) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    OneTimeCode.objects.update(expires_at=now - timedelta(seconds=1))

    assert said(browser.send(asked, "code", code=code)) == [WRONG]


def test_a_new_code_replaces_the_one_before(browser: Browser, mailbox: Mailbox) -> None:
    asked = browser.ask()
    [first] = codes_in(mailbox)

    again = browser.send(asked, "again")

    newest, older = codes_in(mailbox)
    assert older == first
    if older != newest:
        assert said(browser.send(again, "code", code=older)) == [WRONG]
    ticket_of(browser.send(again, "code", code=newest))


def test_a_fourth_code_in_a_quarter_of_an_hour_is_refused_in_words(browser: Browser) -> None:
    page = browser.ask()
    for _ in range(limits.CODE_SENDS - 1):
        page = browser.send(page, "again")

    answer = browser.send(page, "again")

    assert answer.status_code == 429
    assert said(answer) == ["Too many codes were asked for. Please try again in 15 minutes."]
    assert 0 < int(answer.headers["Retry-After"]) <= limits.CODE_SEND_WINDOW.total_seconds()
    assert 'value="ada@example.org"' in text_of(answer)


def test_pressing_twice_books_once_and_leads_to_the_same_appointment(
    browser: Browser, mailbox: Mailbox
) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)

    first, second = (ticket_of(browser.send(asked, "code", code=code)) for _ in range(2))

    assert first == second
    assert Appointment.objects.count() == 1


def test_what_was_booked_and_deleted_is_not_led_to(browser: Browser, mailbox: Mailbox) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    browser.send(asked, "code", code=code)
    Appointment.objects.all().delete()

    answer = browser.send(asked, "code", code=code)

    assert answer.status_code == 404
    assert said(answer) == ["This cannot be booked as it is."]


def test_one_page_books_another_time_with_another_code(browser: Browser, mailbox: Mailbox) -> None:
    first, *_, last = browser.times()
    asked = browser.ask(first)
    browser.send(asked, "code", code=next(codes_in(mailbox)))
    # As by going back.
    elsewhere = browser.send(asked, "time", start=last)

    refused = browser.send(elsewhere, "code", code=next(codes_in(mailbox)))
    again = browser.send(elsewhere, "again")
    ticket_of(browser.send(again, "code", code=next(codes_in(mailbox))))

    assert said(refused) == [WRONG]
    booked = Appointment.objects.order_by("start").values_list("start", flat=True)
    assert [*booked] == [parse_instant(first), parse_instant(last)]


def test_a_used_code_opens_nothing_to_another_page(browser: Browser, mailbox: Mailbox) -> None:
    start = browser.times()[0]
    asked = browser.ask(start)
    [code] = codes_in(mailbox)
    ticket_of(browser.send(asked, "code", code=code))
    kept = kept_in(state_of(asked))
    strangers = {**kept, "key": "guessed"}

    answer = browser.send(signed(strangers), "code", code=code)

    assert said(answer) == [WRONG]


def test_a_page_that_asked_for_no_code_books_nothing(
    browser: Browser, application: Application
) -> None:
    page = browser.read(start=browser.times()[0])
    code = make.make_code(application, ADA["email"])

    answer = browser.send(page, "code", code=code)

    assert answer.status_code == 400
    assert not Appointment.objects.exists()


def test_changed_details_need_a_code_of_their_own(browser: Browser, mailbox: Mailbox) -> None:
    asked = browser.ask()
    [code] = codes_in(mailbox)
    details = browser.send(asked, "change")
    other = {**ADA, "email": "grace@example.org"}

    changed = browser.send(details, "details", **other)

    assert 'value="ada@example.org"' in text_of(details)
    assert said(browser.send(changed, "code", code=code)) == [WRONG]
    [theirs] = codes_in(mailbox, "grace@example.org")
    ticket_of(browser.send(changed, "code", code=theirs))


# --- Somebody was faster --------------------------------------------------------------------


def take(application: Application, start: str) -> None:
    agent = agent_of(application)
    make.make_appointment(application, agent=agent, start=parse_instant(start), customers=[])


def test_a_time_that_was_taken_is_told_before_a_code_is_sent(
    application: Application, browser: Browser
) -> None:
    start = browser.times()[0]
    page = browser.read(start=start)
    take(application, start)

    answer = browser.send(page, "details", **ADA)

    assert (answer.status_code, said(answer)) == (409, [GONE])
    assert not OneTimeCode.objects.exists()


def test_what_was_typed_in_and_the_code_stay_when_the_time_was_taken(
    application: Application, browser: Browser, mailbox: Mailbox
) -> None:
    first, *_, last = browser.times()
    asked = browser.ask(first)
    [code] = codes_in(mailbox)
    take(application, first)

    taken = browser.send(asked, "code", code=code)
    chosen = browser.send(taken, "time", start=last)
    ticket_of(browser.send(chosen, "code", code=code))

    assert (taken.status_code, said(taken)) == (409, [GONE])
    assert first not in text_of(taken)
    made = Appointment.objects.get(created_by_kind="CUSTOMER")
    assert format_instant(made.start or made.created_at) == last
    assert make.customers_of(made)[0].first_name == "Ada"


def test_other_days_can_be_looked_at_with_what_was_typed_in(
    application: Application, browser: Browser
) -> None:
    start = browser.times()[0]
    page = browser.read(start=start)
    take(application, start)
    taken = browser.send(page, "details", **ADA)
    day = (parse_instant(start) + timedelta(days=3)).date().isoformat()

    other = browser.send(taken, "", day=f"language=de&day={day}")
    none = browser.send(other, "time")

    assert f'value="day={day}" formnovalidate aria-current="date"' in text_of(other)
    assert state_of(other)
    assert (none.status_code, said(none)) == (400, ["Please choose one of the times."])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_the_last_free_time_one_has_it(
    browser: Browser, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = browser.times()[0]
    ada = browser.ask(start)
    bob = browser.ask(start, first_name="Bob", last_name="Ray", email="bob@example.org")
    [code], [other] = codes_in(mailbox), codes_in(mailbox, "bob@example.org")
    # Both have looked before either booked.
    monkeypatch.setattr(booking_online, "is_offered", lambda *_, **__: True)

    ticket_of(browser.send(ada, "code", code=code))
    late = browser.send(bob, "code", code=other)

    assert (late.status_code, said(late)) == (409, [GONE])
    assert Appointment.objects.count() == 1
