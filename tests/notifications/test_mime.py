"""E-mails, held to what Python's own parser reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr
from smtplib import SMTP
from typing import TYPE_CHECKING
from uuid import uuid4

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.calendar import Method, uid_of
from notifications.errors import CannotBuild
from notifications.messages import Message, Rendered, Template
from notifications.mime import compose, message_id_of, method_of, mime_for
from notifications.models import Channel, NotificationType, RecipientType
from notifications.rendering import TemplateBook
from notifications.tokens import fold
from tests.mailbox import Mailbox
from tests.notifications.messages import (
    APPLICATION,
    APPOINTMENT,
    LINK,
    NOTIFICATION,
    NOW,
    TICKET,
    make_message,
    make_snapshot,
)

if TYPE_CHECKING:
    from pytest_django import Settings

RENDERED = Rendered(subject="Hello", text="Hello.\n", html="<p>Hello.</p>\n")


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def compose_and_read(message: Message) -> EmailMessage:
    return read(compose(message, TemplateBook(), now=NOW).content)


def lines_of(part: MIMEPart) -> str:
    """Give a text part with the line ends of Python instead of those of mails."""
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def entry_of(mail: EmailMessage) -> icalendar.Calendar | None:
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            calendar = icalendar.Calendar.from_ical(payload)
            assert isinstance(calendar, icalendar.Calendar)
            assert calendar["METHOD"] == part.get_param("method")
            return calendar
    return None


def test_mail_is_built_as_programs_expect_an_invitation() -> None:
    mail = compose_and_read(make_message())

    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    attached = list(mail.iter_attachments())[-1]
    assert (attached.get_filename(), attached.get_content_disposition()) == (
        "invite.ics",
        "attachment",
    )
    calendar = entry_of(mail)
    assert calendar is not None
    assert calendar.to_ical() == icalendar.Calendar.from_ical(attached.get_content()).to_ical()


def test_mail_has_these_headers() -> None:
    mail = compose_and_read(make_message())

    assert {name: str(value) for name, value in mail.items()} == {
        "From": "Northwind Care <desk@northwind.example>",
        "To": "Anna Archer <anna@customers.example>",
        "Subject": "Your appointment on 2 March 2026 at 14:30 is booked",
        "Date": "Sun, 01 Mar 2026 08:00:00 +0000",
        "Message-ID": message_id_of(NOTIFICATION),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/mixed; boundary="=_mixed"',
    }


def test_message_id_is_the_same_for_every_attempt(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://desk.example:8443"
    book = TemplateBook()

    mails = [
        compose(make_message(attempt=attempt), book, now=NOW + timedelta(hours=attempt))
        for attempt in (1, 2)
    ]

    assert {mail.message_id for mail in mails} == {f"<{NOTIFICATION}@desk.example>"}
    assert {read(mail.content)["Message-ID"] for mail in mails} == {mails[0].message_id}
    assert read(mails[0].content)["Date"] != read(mails[1].content)["Date"]


def test_envelope_has_the_bare_addresses() -> None:
    composed = compose(make_message(), TemplateBook(), now=NOW)

    assert composed.envelope_from == "desk@northwind.example"
    assert composed.envelope_to == "anna@customers.example"


def test_what_is_kept_lets_nobody_in_and_what_is_sent_does() -> None:
    composed = compose(make_message(), TemplateBook(), now=NOW)

    assert TICKET not in repr((composed.rendered.subject, composed.rendered.text))
    assert TICKET not in composed.rendered.html
    mail = read(composed.content)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert LINK in text.get_content()
    assert f'href="{LINK}"' in html.get_content()


def test_invitation_is_the_recipients_own() -> None:
    calendar = entry_of(compose_and_read(make_message(snapshot=make_snapshot(sequence=7))))

    assert calendar is not None
    (event,) = calendar.events
    assert (event["UID"], event["SEQUENCE"]) == (uid_of(APPOINTMENT), 7)
    assert (event["URL"], event["LOCATION"]) == (LINK, LINK)
    assert event["DESCRIPTION"] == f"Join here: {LINK}"
    assert event["SUMMARY"] == "Pension advice"
    assert event["ORGANIZER"] == "mailto:desk@northwind.example"
    assert event["ORGANIZER"].params["CN"] == "Northwind Care"
    assert event["ATTENDEE"] == "mailto:anna@customers.example"
    assert event["ATTENDEE"].params["CN"] == "Anna Archer"
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("locale", "recipient", "facts", "expected"),
    [
        ("en", RecipientType.CUSTOMER, {}, "Appointment"),
        ("de-DE", RecipientType.CUSTOMER, {"organizationName": "Contoso"}, "Termin bei Contoso"),
        ("de", RecipientType.AGENT, {"customerName": "Anna"}, "Termin mit Anna"),
        ("de", RecipientType.AGENT, {"title": "Rente"}, "Rente"),
    ],
)
def test_entry_without_a_title_is_named_after_the_other_side(
    locale: str, recipient: RecipientType, facts: dict[str, str], expected: str
) -> None:
    message = make_message(
        facts=facts, recipient_type=recipient, snapshot=make_snapshot(locale=locale)
    )

    calendar = entry_of(compose_and_read(message))

    assert calendar is not None
    assert calendar.events[0]["SUMMARY"] == expected


def test_cancellation_takes_the_entry_out_and_has_no_link() -> None:
    mail = compose_and_read(make_message(type=NotificationType.CANCELLED))

    calendar = entry_of(mail)
    assert calendar is not None
    assert calendar["METHOD"] == "CANCEL"
    assert calendar.events[0]["STATUS"] == "CANCELLED"
    assert TICKET.encode() not in calendar.to_ical()


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        (NotificationType.CREATE, Method.REQUEST),
        (NotificationType.RESCHEDULE, Method.REQUEST),
        (NotificationType.REASSIGN, Method.REQUEST),
        (NotificationType.REMINDER, Method.REQUEST),
        (NotificationType.ROOM, Method.REQUEST),
        (NotificationType.CANCELLED, Method.CANCEL),
        (NotificationType.FOLLOW_UP, None),
        (NotificationType.NO_SHOW, None),
    ],
)
def test_type_decides_what_becomes_of_the_calendar(
    type: NotificationType, expected: Method | None
) -> None:
    assert method_of(type) is expected


def test_mail_without_a_time_or_after_the_appointment_has_no_entry() -> None:
    for message in (
        make_message(snapshot=make_snapshot(start=None)),
        make_message(type=NotificationType.FOLLOW_UP),
    ):
        mail = compose_and_read(message)

        assert [part.get_content_type() for part in mail.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@b.example",
        "anna@b.example\r\nBcc: x@y.example",
        "anna@b.example, bob@b.example",
        "<anna@b.example>",
        "anna archer@b.example",
        "a@b@c.example",
        "anna@-b.example",
        "anna@b..example",
        "änna@b.example",
        f"{'a' * 65}@b.example",
        f"a@{'b.' * 130}example",
        "anna@b.example\x00",
    ],
)
def test_address_that_cannot_be_sent_to_cannot_be_built(address: str) -> None:
    with pytest.raises(CannotBuild):
        compose(make_message(address=address), TemplateBook(), now=NOW)


def test_host_with_an_umlaut_is_written_in_punycode() -> None:
    composed = compose(make_message(address="anna@müller.example"), TemplateBook(), now=NOW)

    assert composed.envelope_to == "anna@xn--mller-kva.example"


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("desk@northwind.example", "desk@northwind.example"),
        ("Northwind <desk@northwind.example>", "Northwind <desk@northwind.example>"),
        ('"Care, North" <desk@northwind.example>', '"Care, North" <desk@northwind.example>'),
        ("Grüße <desk@northwind.example>", "Grüße <desk@northwind.example>"),
        ("Northwind", "Northwind <frontdesk@default.example>"),
        ("", "Frontdesk <frontdesk@default.example>"),
    ],
)
def test_sender_is_shown_as_it_is_set(settings: Settings, sender: str, expected: str) -> None:
    settings.DEFAULT_FROM_EMAIL = "Frontdesk <frontdesk@default.example>"

    mail = compose_and_read(make_message(sender=sender))

    assert str(mail["From"]) == expected


def test_message_that_has_no_text_cannot_be_built() -> None:
    with pytest.raises(CannotBuild):
        compose(make_message(type=NotificationType.NO_SHOW), TemplateBook(), now=NOW)


def test_unknown_zone_cannot_be_built() -> None:
    message = make_message(snapshot=make_snapshot(zone="Mars/Olympus"))

    with pytest.raises(CannotBuild):
        compose(message, TemplateBook(), now=NOW)


def test_names_and_titles_cannot_add_a_header() -> None:
    sly = "x\r\nBcc: evil@evil.example\r\n\r\nbody"
    template = Template(locale="en", subject="{{title}}", text="{{title}}", html="")
    book = TemplateBook({(APPLICATION, "CREATE", "EMAIL"): {"en": template}}, {})
    message = make_message(
        first_name=sly, last_name=sly, facts={"title": sly, "organizationName": sly}
    )

    mail = read(compose(message, book, now=NOW).content)

    assert "Bcc" not in mail
    assert str(mail["Subject"]) == "x Bcc: evil@evil.example body"
    assert len(mail["To"].addresses) == 1


def test_line_that_ends_parts_or_the_message_is_only_text() -> None:
    text = "--=_alternative--\n--=_mixed--\n.\n..\nFrom x\n=_mixed\n"

    mail = read(mime_for(make_message(), replace(RENDERED, text=text), None, method=None, now=NOW))

    body = mail.get_body(("plain",))
    assert body is not None
    assert lines_of(body) == text


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
BODIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=1000)


@settings(max_examples=200, deadline=None)
@given(subject=WORDS, first_name=WORDS, last_name=WORDS, text=BODIES, html=BODIES)
def test_any_mail_is_read_as_it_was_meant(
    subject: str, first_name: str, last_name: str, text: str, html: str
) -> None:
    message = make_message(first_name=first_name, last_name=last_name)
    rendered = Rendered(subject=subject, text=text + "\n", html=html + "\n")

    content = mime_for(message, rendered, b"BEGIN:VCALENDAR\r\n", method=Method.REQUEST, now=NOW)

    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    mail = read(content)
    assert str(mail["Subject"]) == " ".join(fold(subject).split())
    # The newer parser of this Python keeps the blank between two encoded words of a name, which
    # RFC 2047 (6.2) takes out; the older one follows it.
    name, address = parseaddr(message_from_bytes(content)["To"])
    assert address == "anna@customers.example"
    assert str(make_header(decode_header(name))) == " ".join(
        fold(f"{first_name} {last_name}").split()
    )
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert lines_of(plain) == text + "\n"
    assert lines_of(rich) == html + "\n"


def test_server_takes_the_mail_as_it_is(mailbox: Mailbox) -> None:
    composed = compose(make_message(first_name="Ännchen"), TemplateBook(), now=NOW)

    with SMTP(mailbox.host, mailbox.port) as server:
        server.sendmail(composed.envelope_from, [composed.envelope_to], composed.content)

    (delivery,) = mailbox.deliveries
    assert delivery.recipients == ("anna@customers.example",)
    assert str(delivery.message["To"]) == "Ännchen Archer <anna@customers.example>"
    assert entry_of(delivery.message) is not None


def test_short_messages_are_no_mails() -> None:
    template = TemplateBook().find(uuid4(), NotificationType.CREATE, Channel.SMS, "en")

    assert (template.subject, template.html) == ("", "")


def test_date_is_that_of_the_attempt_whatever_its_zone() -> None:
    now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

    mail = read(compose(make_message(), TemplateBook(), now=now).content)

    assert mail["Date"].datetime == now
