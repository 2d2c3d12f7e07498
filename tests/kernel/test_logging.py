import logging
import re
import sys
import time

import pytest

from config.kernel.correlation import correlation
from config.kernel.logging import RedactingFormatter, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl"


def line_of(message: str, *args: object, failure: BaseException | None = None) -> str:
    exc_info = (type(failure), failure, failure.__traceback__) if failure else None
    record = logging.LogRecord("desk", logging.WARNING, __file__, 1, message, args, exc_info)
    return RedactingFormatter().format(record)


def test_a_line_has_time_level_logger_correlation_and_message() -> None:
    with correlation("order-1"):
        line = line_of("Appointment %s is %s.", 17, "over")

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING desk \[order-1\] Appointment 17 is over\.",
        line,
    )


def test_without_a_request_there_is_a_dash() -> None:
    assert " desk [-] Ready." in line_of("Ready.")


def test_no_line_can_be_forged() -> None:
    line = line_of("Name %s", "x\r\n2026-01-01 ERROR desk forged\u2028\x1b[31m")

    assert line.endswith(r"Name x\r\n2026-01-01 ERROR desk forged\u2028\x1b[31m")


def test_a_traceback_stands_on_the_same_line_and_is_redacted() -> None:
    try:
        raise ValueError("anna@customer.example did not pay\nDETAIL:  Key (name)=(Anna) exists.")  # noqa: TRY301  # its traceback is wanted
    except ValueError:
        failure = sys.exc_info()[1]

    line = line_of("Failed.", failure=failure)

    assert "\n" not in line
    assert r"Failed.\nTraceback (most recent call last):" in line
    assert "anna" not in line.lower()
    assert "ValueError: [redacted] did not pay" in line


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"got Bearer {JWT}", "got Bearer [redacted]"),
        (f"token is {JWT}!", "token is [redacted]!"),
        ("Authorization: Basic YWJjOmRlZg==", "Authorization: [redacted]"),
        ("{'authorization': 'fd_x_y'}", "{'authorization': [redacted]"),
        ("Cookie: frontdesk_session=abc; b=c", "Cookie: [redacted]"),
        ("key fd_ab12_pap7kwnn-x9 used", "key [redacted] used"),
        ("to anna.b+c@mail.customer.example.", "to [redacted]."),
        ("to=änna@münchen.example,", "[redacted],"),
        ("GET /q/abcdefghj?x=1 200", "GET /q/[redacted]?x=1 200"),
        ("Conflict: /a/cancel/AaISRXWX_-O6", "Conflict: /a/cancel/[redacted]"),
        ("https://desk.example/q/abcdefghj", "https://desk.example/q/[redacted]"),
        ("postgres://desk:geheim@db:5432/x", "postgres://[redacted]@db:5432/x"),
        ("password=geheim&a=b", "password=[redacted]&a=b"),
        ('{"new_password": "ge heim", "a": 1}', '{"new_password": [redacted], "a": 1}'),
        ("client_secret => 'x y'", "client_secret => [redacted]"),
        ("GET /feed?access_token=abc&b=1", "GET /feed?access_token=[redacted]&b=1"),
        ("SECRET_KEY: 0123456789abcdef", "SECRET_KEY: [redacted]"),
        ("api-key=dGVzdA==", "api-key=[redacted]"),
        ("sent to +49 (151) 123-45678.", "sent to [redacted]."),
        ("DETAIL:  Key (email)=(a) exists.\nx", "DETAIL:  [redacted]\nx"),
    ],
)
def test_what_must_not_be_read_is_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Notification 01a210ac-54d1-71a6-a0ac-e4f3c2d49fc1 is DELIVERED after 2 attempts.",
        "GET /api/v2/appointments/?pageSize=25 HTTP/1.1 200",
        "2026-11-25T03:00:00+0000 celery@worker1 ready.",
        "Answered 503 after OperationalError 55P03.",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "unit", ["a", "a@", "eyJ-", "eyJa.", "fd_", "+1", "token", "token=", "://", "a.b-", "'", "\n"]
)
def test_a_hostile_line_takes_no_longer_than_its_length(unit: str) -> None:
    started = time.process_time()

    line = line_of(unit * (200_000 // len(unit)))

    assert time.process_time() - started < 1.5
    assert len(line) <= 32_003
