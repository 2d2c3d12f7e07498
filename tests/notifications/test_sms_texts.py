"""What an SMS says, in how many parts, and to which number."""

from __future__ import annotations

import pytest

from notifications.errors import CannotBuild
from notifications.messages import Template
from notifications.rendering import TemplateBook
from notifications.segments import Segments, segments_of
from notifications.transports.sms.numbers import to_e164
from notifications.transports.sms.texts import write
from tests.notifications.messages import APPLICATION, LINK, NOTIFICATION, TICKET
from tests.notifications.sms import NUMBER, make_short_message


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", Segments(count=0, encoding="GSM-7", length=0)),
        ("a" * 160, Segments(count=1, encoding="GSM-7", length=160)),
        ("a" * 161, Segments(count=2, encoding="GSM-7", length=161)),
        ("a" * 306, Segments(count=2, encoding="GSM-7", length=306)),
        ("a" * 307, Segments(count=3, encoding="GSM-7", length=307)),
        ("äöüß ñ@£ΔΩ\r\n", Segments(count=1, encoding="GSM-7", length=12)),
        ("€" * 80, Segments(count=1, encoding="GSM-7", length=160)),
        ("^{}[]~|\\€\f", Segments(count=1, encoding="GSM-7", length=20)),
        ("ç", Segments(count=1, encoding="UCS-2", length=1)),
        ("ж" * 70, Segments(count=1, encoding="UCS-2", length=70)),
        ("ж" * 71, Segments(count=2, encoding="UCS-2", length=71)),
        ("ж" * 134, Segments(count=2, encoding="UCS-2", length=134)),
        ("ж" * 135, Segments(count=3, encoding="UCS-2", length=135)),
        ("🙂" * 35, Segments(count=1, encoding="UCS-2", length=70)),
        ("a" * 160 + "–", Segments(count=3, encoding="UCS-2", length=161)),
    ],
)
def test_a_text_is_counted_as_the_networks_do(text: str, segments: Segments) -> None:
    assert segments_of(text) == segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        # 306 units would fit into two parts, if the sign at the border could be torn apart.
        pytest.param("a" * 152 + "€" + "a" * 152, 3, id="an escaped sign"),
        pytest.param("a" * 151 + "€" + "a" * 153, 2, id="an escaped sign before the border"),
        pytest.param("ж" * 66 + "🙂" + "ж" * 66, 3, id="a sign of two units"),
    ],
)
def test_no_sign_is_torn_apart_at_the_border_of_two_parts(text: str, count: int) -> None:
    assert segments_of(text).count == count


@pytest.mark.parametrize(
    ("number", "country", "wanted"),
    [
        ("0171 1234567", "DE", "+491711234567"),
        ("+49 (0)171 / 12 34 567", "", "+491711234567"),
        ("0044 7700 900123", "DE", "+447700900123"),
        ("+44 7700 900123", "DE", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("(415) 555-2671", "US", "+14155552671"),
    ],
)
def test_numbers_are_written_in_one_way(number: str, country: str, wanted: str) -> None:
    assert to_e164(number, country) == wanted


@pytest.mark.parametrize(
    ("number", "country", "reason"),
    [
        (
            "0171 1234567",
            "",
            "The phone number names no country, and the application has no default one.",
        ),
        ("0171 1234567", "ZZ", "The phone number cannot be read."),
        ("call me", "DE", "The phone number cannot be read."),
        ("", "DE", "The phone number cannot be read."),
        ("110", "DE", "The phone number is too short or too long."),
        ("+49 171 12345678901234", "", "The phone number is too short or too long."),
    ],
)
def test_a_number_that_is_none_is_refused_without_repeating_it(
    number: str, country: str, reason: str
) -> None:
    with pytest.raises(CannotBuild) as refusal:
        to_e164(number, country)

    assert str(refusal.value) == reason


def book_with(text: str) -> TemplateBook:
    template = Template(locale="en", subject="", text=text, html="")
    return TemplateBook(own={(APPLICATION, "CREATE", "SMS"): {"en": template}})


def test_a_message_is_written_in_its_own_words() -> None:
    message = make_short_message(address="0171 1234567", country="DE", sender="Northwind")

    parcel = write(message, book_with("Hi {{firstName}}, see {{link}}"), sender="+4930901820")

    assert parcel.data.decode() == f"Hi Anna, see {LINK}"
    assert (parcel.recipient, parcel.sender) == (NUMBER, "Northwind")
    assert parcel.message_id == str(NOTIFICATION)
    assert TICKET not in parcel.rendered.text


def test_a_message_without_a_sender_comes_from_the_provider_s_own() -> None:
    parcel = write(make_short_message(), TemplateBook(), sender="+4930901820")

    assert parcel.sender == "+4930901820"


def test_ten_parts_are_the_most() -> None:
    write(make_short_message(), book_with("a" * 1530), sender="")

    with pytest.raises(CannotBuild) as refusal:
        write(make_short_message(), book_with("a" * 1531), sender="")

    assert str(refusal.value) == "The text needs 11 SMS (GSM-7); 10 at most are sent."


def test_a_message_without_a_word_is_not_sent() -> None:
    with pytest.raises(CannotBuild) as refusal:
        write(make_short_message(link=None), book_with("{{link}}"), sender="")

    assert str(refusal.value) == "The message has no text."
