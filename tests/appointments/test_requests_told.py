"""What people read while a time is still to be agreed on, and what their calendars do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from icalendar import Calendar

from agents.models import Application, User
from appointments import services
from appointments.models import Appointment
from appointments.services.page_tokens import page_url
from notifications.models import Channel, MessageTemplate, Notification, Subscription
from notifications.services import dispatch
from notifications.transports.email import smtp
from tests import make
from tests.appointments.bookings import Desk, make_desk

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db
ADA = "ada@example.org"


@pytest.fixture
def desk() -> Desk:
    desk = make_desk(default_locale="en-US")
    make.make_channel(desk.application, Channel.EMAIL, reminder_offsets=["PT1H"])
    Subscription.objects.filter(pk=desk.hook.pk).update(format="appointment-event")
    return desk


def mails(mailbox: Mailbox, *, forget: bool = True) -> list[EmailMessage]:
    """Give the mails that Ada got since it was asked last."""
    dispatch.send_due(Channel.EMAIL)
    smtp.hang_up()
    found = mailbox.to(ADA)
    if forget:
        mailbox.forget()
    return found


def only(mailbox: Mailbox) -> EmailMessage:
    [mail] = mails(mailbox)
    return mail


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def calendar_of(mail: EmailMessage) -> tuple[str, int] | None:
    """Give method and SEQUENCE of the calendar part, where there is one."""
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            calendar = Calendar.from_ical(part.get_content())
            [event] = calendar.walk("VEVENT")
            return str(calendar["METHOD"]), int(str(event["SEQUENCE"]))
    return None


def types_told(desk: Desk) -> list[str]:
    rows = Notification.objects.filter(recipient_id=desk.hook.pk).order_by("id")
    return [one.type for one in rows]


def link(one: Appointment, page: str) -> str:
    return page_url(make.customers_of(one)[0].id, page)


def test_whoever_asks_reads_that_it_is_no_confirmation(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.requested(external_id="7")

    mail = only(mailbox)

    assert "erhalten" in mail["Subject"]
    assert "noch keine Bestätigung" in text_of(mail)
    assert link(one, "edit") in text_of(mail)
    assert calendar_of(mail) is None
    assert types_told(desk) == []


def test_whoever_is_invited_gets_the_link_to_choose_a_time(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.invited()

    mail = only(mailbox)

    assert "wählen Sie eine Zeit" in mail["Subject"]
    assert link(one, "invite") in text_of(mail)
    assert calendar_of(mail) is None


def test_what_is_accepted_is_confirmed_with_reminders_and_a_calendar_entry(
    desk: Desk, mailbox: Mailbox
) -> None:
    one = desk.requested()
    mails(mailbox)

    services.accept_request(one.id, actor=desk.actor, now=desk.now)

    mail = only(mailbox)
    assert "gebucht" in mail["Subject"]
    assert calendar_of(mail) == ("REQUEST", 1)
    assert Notification.objects.filter(type="REMINDER", channel="EMAIL").count() == 1
    assert types_told(desk) == ["CREATE"]


def test_another_date_takes_the_entry_out_and_the_choice_puts_it_back(
    desk: Desk, mailbox: Mailbox
) -> None:
    one = desk.booked()
    first = only(mailbox)

    services.request_alternative(one.id, actor=desk.actor, now=desk.now)
    second = only(mailbox)
    services.choose_time(
        one.id,
        start=desk.start + timedelta(days=1),
        duration=None,
        zone=None,
        actor=desk.actor,
        now=desk.now,
    )
    third = only(mailbox)

    assert [calendar_of(mail) for mail in (first, second, third)] == [
        ("REQUEST", 0),
        ("CANCEL", 1),
        ("REQUEST", 2),
    ]
    assert "andere Zeit" in second["Subject"]
    assert link(one, "invite") in text_of(second)
    assert "verlegt" in third["Subject"] or "verschoben" in third["Subject"]
    assert types_told(desk) == ["CREATE", "UPDATE", "RESCHEDULE"]


def test_reminders_of_a_time_that_was_given_up_are_cancelled(desk: Desk) -> None:
    one = desk.booked()

    services.request_other_time(
        one.id,
        start=desk.start + timedelta(days=1),
        duration=None,
        zone=None,
        actor=desk.actor,
        now=desk.now,
    )

    reminders = Notification.objects.filter(type="REMINDER", channel="EMAIL")
    assert [(each.status, each.message) for each in reminders] == [
        ("CANCELLED", "The time was given up.")
    ]


def test_what_is_called_off_before_it_had_a_time_says_so(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.invited()
    mails(mailbox)

    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)

    mail = only(mailbox)
    assert "abgesagt" in mail["Subject"]
    assert calendar_of(mail) is None


def test_what_is_reopened_is_back_in_the_calendar(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.booked()
    services.cancel_appointment(one.id, actor=desk.actor, now=desk.now)
    mails(mailbox)

    services.reopen_appointment(one.id, actor=desk.actor, now=desk.now)

    assert calendar_of(only(mailbox)) == ("REQUEST", 2)
    assert Notification.objects.filter(type="REMINDER", status="INITIALIZED").count() == 1


def test_what_was_closed_is_reopened_without_a_word_to_the_customer(
    desk: Desk, mailbox: Mailbox
) -> None:
    one = desk.booked()
    services.close_appointment(one.id, came=True, actor=desk.actor, now=desk.now)
    mails(mailbox)

    services.reopen_appointment(one.id, actor=desk.actor, now=desk.now)

    assert mails(mailbox) == []


def test_the_customer_reads_why_but_not_again_in_the_reminder(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.requested()
    mails(mailbox)
    services.accept_request(one.id, actor=desk.actor, now=desk.now, message="Bring your passport")

    confirmed = only(mailbox)
    Notification.objects.filter(type="REMINDER").update(due_at=desk.now)
    reminder = only(mailbox)

    assert "Nachricht: Bring your passport" in text_of(confirmed)
    assert "passport" not in text_of(reminder)


@pytest.mark.rule("webhook.appointment.post.r61")
def test_an_agent_reads_its_own_language_and_the_customer_the_appointments(
    desk: Desk, mailbox: Mailbox
) -> None:
    Application.objects.filter(pk=desk.application.pk).update(notify_agents=True)
    User.objects.filter(pk=desk.agent.pk).update(language="en")
    one = desk.booked()
    services.update_appointment(
        one.id, changes={"title": "Loans"}, customer=None, actor=desk.actor, now=desk.now
    )

    [customer] = mails(mailbox, forget=False)
    [agent] = mailbox.to(desk.agent.username)

    assert "gebucht" in customer["Subject"]
    assert str(agent["Subject"]).startswith("New appointment")


def test_an_application_has_a_text_of_its_own_for_invites(desk: Desk, mailbox: Mailbox) -> None:
    MessageTemplate.objects.create(
        organization=desk.application.organization,
        application=desk.application,
        type="INVITED",
        channel="EMAIL",
        locale="de",
        subject="Zeit für uns?",
        text="Hier: {{link}}",
    )
    one = desk.invited()

    mail = only(mailbox)

    assert (mail["Subject"], text_of(mail).strip()) == (
        "Zeit für uns?",
        f"Hier: {link(one, 'invite')}",
    )


def test_the_link_of_a_request_is_not_kept_in_the_history(desk: Desk, mailbox: Mailbox) -> None:
    one = desk.requested()
    mails(mailbox)

    content = Notification.objects.get(subject_id=one.id, channel="EMAIL").content
    token = link(one, "edit").rpartition("/")[2]
    assert len(token) > 20
    assert token not in content.text + content.html
