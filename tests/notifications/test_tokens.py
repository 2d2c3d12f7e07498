"""Tokens: a closed list, one pass, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.errors import CannotBuild
from notifications.messages import Message, Snapshot
from notifications.tokens import (
    TOKENS,
    EscapedValues,
    Values,
    check,
    compile_text,
    fold,
    is_known,
)
from tests.notifications.messages import LINK, make_message, make_snapshot


def fill(text: str, message: Message | None = None, *, locale: str = "en-GB") -> str:
    return compile_text(text).fill(Values(message or make_message(), locale=locale))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("firstName", "Anna"),
        ("lastName", "Archer"),
        ("fullName", "Anna Archer"),
        ("title", "Pension advice"),
        ("message", "Bring your passport"),
        ("agentName", "Bob Baker"),
        ("customerName", "Anna Archer"),
        ("applicationName", "Video desk"),
        ("organizationName", "Northwind Care"),
        ("link", LINK),
        ("joinUrl", LINK),
        ("duration", "1 hour, 30 minutes"),
        ("zone", "Europe/Berlin"),
        ("zoneName", "Central European Standard Time"),
        ("time24", "14:30"),
        ("time12", "2:30 pm"),
        ("weekday", "Monday"),
        ("month", "March"),
        ("date", "2 March 2026"),
        ("time", "14:30"),
    ],
)
def test_token_becomes_its_value(token: str, expected: str) -> None:
    assert fill(f"{{{{{token}}}}}") == expected


def test_every_token_of_the_list_is_tested_above() -> None:
    (mark,) = test_token_becomes_its_value.pytestmark  # type: ignore[attr-defined]  # set by pytest

    assert {token for token, _ in mark.args[1]} == set(TOKENS)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("dd-MM-yyyy", "02-03-2026"),
        ("dd.MM.yyyy", "02.03.2026"),
        ("d.M.yy", "2.3.26"),
        ("EEEE, d MMMM yyyy", "Montag, 2 März 2026"),
        ("EEE dd/MM", "Mo. 02/03"),
        ("HH:mm", "14:30"),
        ("h:mm a", "2:30 PM"),
        ("HH:mm z", "14:30 MEZ"),
        ("HH:mm zzzz", "14:30 Mitteleuropäische Normalzeit"),
    ],
)
def test_date_pattern_is_written_in_the_locale_and_the_zone(pattern: str, expected: str) -> None:
    assert fill(f"{{{{{pattern}}}}}", locale="de-DE") == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-US", "March 2, 2026 2:30 PM"),
        ("en-GB", "2 March 2026 14:30"),
        ("de-AT", "2. März 2026 14:30"),
        ("fr", "2 mars 2026 14:30"),
        ("ja-JP", "2026年3月2日 14:30"),
        ("xx-YY", "March 2, 2026 2:30 PM"),
    ],
)
def test_date_and_time_are_written_as_the_locale_writes_them(locale: str, expected: str) -> None:
    assert fill("{{date}} {{time}}", locale=locale) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "29-03-2026 01:30 Central European Standard Time"),
        ("America/New_York", "28-03-2026 20:30 Eastern Daylight Time"),
        ("Asia/Kathmandu", "29-03-2026 06:15 GMT+05:45"),
        ("Pacific/Apia", "29-03-2026 13:30 Samoa Standard Time"),
        ("Australia/Lord_Howe", "29-03-2026 11:30 Lord Howe Daylight Time"),
        ("UTC", "29-03-2026 00:30 Coordinated Universal Time"),
    ],
)
def test_time_is_that_of_the_appointments_zone(zone: str, expected: str) -> None:
    snapshot = make_snapshot(start=datetime(2026, 3, 29, 0, 30, tzinfo=UTC), zone=zone)

    filled = fill("{{dd-MM-yyyy}} {{time24}} {{zoneName}}", make_message(snapshot=snapshot))

    assert filled == expected


def test_the_hour_that_comes_twice_is_told_apart_by_its_zone() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    moments = (first, first + timedelta(hours=1))

    filled = [
        fill("{{HH:mm z}}", make_message(snapshot=make_snapshot(start=start)), locale="de")
        for start in moments
    ]

    assert filled == ["02:30 MESZ", "02:30 MEZ"]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT30M", "30 Minuten"),
        ("PT1H", "1 Stunde"),
        ("PT90M", "1 Stunde, 30 Minuten"),
        ("P1DT2H", "1 Tag, 2 Stunden"),
        ("P1W", "7 Tage"),
        ("", "45 Minuten"),
        ("nonsense", ""),
    ],
)
def test_duration_is_told_in_words(duration: str, expected: str) -> None:
    snapshot = make_snapshot(length=timedelta(minutes=45), duration=duration)

    assert fill("{{duration}}", make_message(snapshot=snapshot), locale="de") == expected


def test_blank_before_a_token_without_a_value_goes_with_it() -> None:
    nameless = make_message(first_name="", last_name="Archer")

    filled = fill("Hello {{firstName}}, dear {{firstName}} {{lastName}}!", nameless)

    assert filled == "Hello, dear Archer!"


def test_unknown_token_becomes_nothing_when_sending() -> None:
    assert fill("a{{secretKey}}b{{message.address}}c{{0}}d") == "abcd"


def test_token_may_have_blanks_inside_its_braces() -> None:
    assert fill("{{ firstName }}") == "Anna"


def test_braces_that_hold_no_token_stay_as_they_are() -> None:
    text = "{{first<b>Name}} {firstName} {{'x'}} {{{}}}"

    assert fill(text) == text


def test_value_is_never_read_as_a_template() -> None:
    sly = make_message(first_name="{{link}}", last_name="{{lastName}}")

    assert fill("{{firstName}} {{lastName}}", sly) == "{{link}} {{lastName}}"


def test_value_in_html_is_escaped() -> None:
    values = EscapedValues(Values(make_message(first_name='<b>"O\'Neil" & co'), locale="en"))

    assert compile_text("{{firstName}}").fill(values) == "&lt;b&gt;&quot;O&#x27;Neil&quot; &amp; co"


def test_value_stands_on_one_line_and_cannot_turn_the_text_around() -> None:
    message = make_message(facts={"title": "One\r\nBcc: two\x00\u2028three\u202efour"})

    assert fill("{{title}}", message) == "One Bcc: two three four"


def test_link_is_given_only_when_it_leads_to_a_page() -> None:
    assert fill("{{link}}", make_message(link="javascript:alert(1)")) == ""
    assert fill("{{link}}", make_message(link=None)) == ""


def test_times_are_empty_while_no_time_is_fixed() -> None:
    message = make_message(snapshot=make_snapshot(start=None))

    assert fill("{{date}}{{time}}{{time24}}{{HH:mm}}{{zoneName}}{{duration}}", message) == ""


def test_unknown_zone_cannot_be_built() -> None:
    with pytest.raises(CannotBuild):
        fill("{{date}}", make_message(snapshot=make_snapshot(zone="Mars/Olympus")))


def test_optional_line_is_left_out_when_one_of_its_tokens_has_no_value() -> None:
    text = compile_text(
        "Always {{agentName}}\n? With {{agentName}}\n? On {{date}}\nEnd", has_optional_lines=True
    )

    filled = text.fill(Values(make_message(facts={}), locale="en-GB"))

    assert filled == "Always\nOn 2 March 2026\nEnd"


@pytest.mark.parametrize(
    "pattern",
    [
        "dd-MM-yyyy",
        "dd.MM.yyyy",
        "EEEE, d MMMM yyyy",
        "HH:mm",
        "h:mm a",
        "d.",
        "dd/MM",
        "z",
        "yyyy",
    ],
)
def test_pattern_of_the_grammar_is_known(pattern: str) -> None:
    assert is_known(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["ddd", "MMMMMM", "yyyyy", "aa", "d|M", "d'x'M", "YYYY", "dd----MM", "-dd", "s", "K", "zzzzz"],
)
def test_pattern_outside_the_grammar_is_not_known(pattern: str) -> None:
    assert not is_known(pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {{firstName}}, on {{dd-MM-yyyy}} at {{time24}} {{zone}}", []),
        ("{ curly } and {single}", []),
        ("{{firstname}} {{firstname}}", ["The token {{firstname}} is not known."]),
        (
            "Dear {{firstName, on",
            ["These braces are not those of a token: “Dear {{firstName, on”."],
        ),
        ("Dear firstName}}", ["These braces are not those of a token: “ firstName}}”."]),
        ("{{}}", ["These braces are not those of a token: “{{}}”."] * 2),
    ],
)
def test_check_names_what_is_wrong(text: str, expected: list[str]) -> None:
    assert check(text) == expected


@pytest.mark.parametrize(
    "text", ["{{" * 100_000, "{{" + " " * 200_000, "{{a" * 50_000, "{{dMdMdMdMdMdMdMdMdMdMdM!}}"]
)
def test_no_text_takes_long(text: str) -> None:
    # One that is read in two ways would run for hours.
    assert check(text) != []
    assert is_known("d" * 80) is is_known("dM" * 40 + "!") is False


@given(st.text())
def test_any_text_is_checked_and_filled_without_a_crash(text: str) -> None:
    check(text)
    fill(text)


@given(st.lists(st.sampled_from(["{{", "}}", "firstName", " ", "x", "{", "dd", "link", "<", "\n"])))
def test_what_was_found_in_order_never_leaves_a_known_token_behind(parts: list[str]) -> None:
    text = "".join(parts)

    if not check(text):
        filled = fill(text)
        assert "{{" not in filled
        assert "}}" not in filled


@given(st.text())
def test_folded_value_has_no_line_end(text: str) -> None:
    assert len(fold(text).splitlines()) <= 1


def test_snapshot_is_read_from_the_ledger() -> None:
    snapshot = Snapshot.read(
        {
            "start": "2026-03-29T00:30:00Z",
            "end": "2026-03-29T01:00:00Z",
            "timezone": "Europe/Berlin",
            "locale": "de-DE",
            "duration": "PT30M",
            "sequence": 3,
            "created": "2026-03-01T08:00:00Z",
        }
    )

    assert snapshot == Snapshot(
        start=datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        end=datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        zone="Europe/Berlin",
        locale="de-DE",
        sequence=3,
        duration="PT30M",
        created=datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
    )


def test_snapshot_without_a_time_is_read() -> None:
    snapshot = Snapshot.read({"start": None, "end": None})

    assert snapshot == Snapshot(start=None, end=None, zone="UTC", locale="en", sequence=0)


def test_snapshot_that_cannot_be_read_cannot_be_built() -> None:
    with pytest.raises(CannotBuild):
        Snapshot.read({"start": "yesterday"})
