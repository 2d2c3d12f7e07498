"""The built-in texts: polite, complete, in English, German and Greek."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import assert_never

import pytest
from django.conf import settings

from notifications import builtin
from notifications.cleaning import clean_html, validate_template
from notifications.messages import Template
from notifications.models import Channel, NotificationType, RecipientType
from notifications.models.kinds import Wording
from notifications.rendering import TemplateBook, render
from tests.notifications.messages import LINK, make_message, make_snapshot

TYPES = {
    RecipientType.CUSTOMER: [
        NotificationType.CREATE,
        NotificationType.RESCHEDULE,
        NotificationType.CANCELLED,
        NotificationType.REMINDER,
        NotificationType.ROOM,
        NotificationType.FOLLOW_UP,
        *Wording,
    ],
    RecipientType.AGENT: [
        NotificationType.CREATE,
        NotificationType.RESCHEDULE,
        NotificationType.REASSIGN,
        NotificationType.CANCELLED,
        NotificationType.REMINDER,
        Wording.REQUESTED,
        Wording.ALTERNATIVE,
    ],
}
# Whoever is called in now knows the day, and an invite has none.
_WITHOUT_DATE = (NotificationType.ROOM, Wording.INVITED)
_DATES = {"en": "March 2, 2026", "de": "2. März 2026", "el": "2 Μαρτίου 2026"}
TEXTS = [
    pytest.param(
        language, type_, channel, recipient, id=f"{language}-{type_}-{channel}-{recipient}"
    )
    for language in builtin.LANGUAGES
    for recipient, types in TYPES.items()
    for type_ in types
    for channel in (Channel.EMAIL, Channel.SMS)
]


def find(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> Template:
    template = builtin.find(language, type, channel, recipient)
    assert template is not None
    return template


def test_languages_are_those_of_the_pages() -> None:
    assert builtin.LANGUAGES == ("de", "el", "en")
    assert set(builtin.LANGUAGES) == {code for code, _ in settings.LANGUAGES}


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_text_could_be_saved_as_a_template(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    template = find(language, type, channel, recipient)

    subject = " ".join(template.subject.split())
    assert validate_template(subject, template.text, template.html, channel=channel) == {}


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_cleaning_changes_nothing_in_its_html(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    template = find(language, type, channel, recipient)

    assert clean_html(template.html) == template.html


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_text_reads_well_when_nothing_is_known(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    nobody = make_message(
        type=type,
        channel=channel,
        recipient_type=recipient,
        snapshot=make_snapshot(start=None),
        first_name="",
        last_name="",
        facts={},
        link=None,
    )

    rendered = render(nobody, find(language, type, channel, recipient))

    for text in (rendered.subject, rendered.text):
        assert not re.search(r"[{}?]|  | [,.:]|:\n|\n\n\n|\(\)", text)
    assert rendered.text.strip()
    assert re.search(r"[{}]|> *<dd|></a>|></p>|></dt>", rendered.html) is None


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_text_names_the_time_and_the_other_side(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    message = make_message(
        type=type,
        channel=channel,
        recipient_type=recipient,
        snapshot=make_snapshot(locale=language),
    )

    rendered = render(message, find(language, type, channel, recipient))

    assert _DATES[language] in rendered.text or (type in _WITHOUT_DATE and channel is Channel.SMS)
    match recipient:
        case RecipientType.CUSTOMER:
            assert channel is Channel.SMS or "Bob Baker" in rendered.text
        case RecipientType.AGENT:
            assert "Anna Archer" in rendered.text
            assert "Bob Baker" not in rendered.text + rendered.html
        case _:
            assert_never(recipient)  # type: ignore[arg-type]  # SYSTEM has no texts


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_short_message_is_short(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    message = make_message(type=type, channel=Channel.SMS, recipient_type=recipient)

    text = render(message, find(language, type, Channel.SMS, recipient)).text

    assert len(text) <= 160


def test_customer_reads_this_when_booked() -> None:
    message = make_message()

    rendered = render(message, TemplateBook().for_message(message))

    assert rendered.subject == "Your appointment on 2 March 2026 at 14:30 is booked"
    assert rendered.text == (
        "Hello Anna,\n"
        "\n"
        "Thank you for your booking. Here are the details of your appointment.\n"
        "\n"
        "When: Monday, 2 March 2026, 14:30 (Central European Standard Time)\n"
        "Duration: 1 hour, 30 minutes\n"
        "With: Bob Baker\n"
        "Subject: Pension advice\n"
        "Message: Bring your passport\n"
        "\n"
        f"Open the appointment: {LINK} (this link is meant for you alone)\n"
        "\n"
        "If you cannot come, please let us know in good time.\n"
        "\n"
        "Northwind Care\n"
    )


def test_german_customer_reads_this_when_reminded() -> None:
    message = make_message(
        type=NotificationType.REMINDER, snapshot=make_snapshot(locale="de-DE"), first_name=""
    )

    rendered = render(message, TemplateBook().for_message(message))

    assert rendered.subject == "Erinnerung: Ihr Termin am 2. März 2026 um 14:30 Uhr"
    assert rendered.text == (
        "Guten Tag Archer,\n"
        "\n"
        "wir möchten Sie an Ihren Termin erinnern.\n"
        "\n"
        "Wann: Montag, 2. März 2026, 14:30 Uhr (Mitteleuropäische Normalzeit)\n"
        "Dauer: 1 Stunde, 30 Minuten\n"
        "Mit: Bob Baker\n"
        "Thema: Pension advice\n"
        "\n"
        f"Termin öffnen: {LINK} (dieser Link ist nur für Sie bestimmt)\n"
        "\n"
        "Wir freuen uns auf das Gespräch mit Ihnen.\n"
        "\n"
        "Northwind Care\n"
    )


def test_greek_customer_reads_this_when_the_appointment_was_cancelled() -> None:
    message = make_message(
        type=NotificationType.CANCELLED, snapshot=make_snapshot(locale="el-GR"), first_name=""
    )

    rendered = render(message, TemplateBook().for_message(message))

    assert rendered.subject == "Το ραντεβού σας στις 2 Μαρτίου 2026, 2:30 μ.μ., ακυρώθηκε"
    assert rendered.text == (
        "Γεια σας Archer,\n"
        "\n"
        "Το παρακάτω ραντεβού ακυρώθηκε και δεν θα πραγματοποιηθεί.\n"
        "\n"
        "Πότε: Δευτέρα, 2 Μαρτίου 2026, 2:30 μ.μ. (Χειμερινή ώρα Κεντρικής Ευρώπης)\n"
        "Διάρκεια: 1 ώρα, 30 λεπτά\n"
        "Με: Bob Baker\n"
        "Θέμα: Pension advice\n"
        "Μήνυμα: Bring your passport\n"
        "\n"
        "Δεν χρειάζεται να κάνετε τίποτα. Αν επιθυμείτε άλλο ραντεβού, μπορείτε να κλείσετε νέο.\n"
        "\n"
        "Northwind Care\n"
    )


def test_agent_reads_of_the_customer() -> None:
    message = make_message(
        type=NotificationType.REASSIGN, recipient_type=RecipientType.AGENT, first_name="Bob"
    )

    rendered = render(message, TemplateBook().for_message(message))

    assert (
        rendered.subject
        == "Appointment handed over to you on 2 March 2026 at 14:30 with Anna Archer"
    )


@pytest.mark.parametrize(("language", "type", "channel", "recipient"), TEXTS)
def test_html_of_a_mail_is_sound(
    language: str, type: NotificationType, channel: Channel, recipient: RecipientType
) -> None:
    message = make_message(type=type, recipient_type=recipient)

    html = render(message, find(language, type, Channel.EMAIL, recipient)).html

    outline = _Outline()
    outline.feed(html)
    assert outline.open == []
    assert outline.count("h1") == 1
    assert f'<html lang="{language}"' in html
    assert "<table" not in html
    assert "<style" not in html


class _Outline(HTMLParser):
    """Follows which elements are open, and fails on one that is closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def count(self, tag: str) -> int:
        return self.seen.count(tag)


def test_channel_without_persons_has_no_text() -> None:
    for type_ in NotificationType:
        for recipient in RecipientType:
            assert builtin.find("en", type_, Channel.WEBHOOKS, recipient) is None
