"""SMS_URL and SMS_GATEWAY: what they choose, and what they refuse."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.sms import Sms, gateway_of, sms_of

GATEWAY = {"url": "https://sms.example.com/", "body": {"to": "{to}", "text": "{text}"}}


def test_without_a_value_there_is_no_transport() -> None:
    assert sms_of("", gateway=None).transports == {}


def test_the_local_phone_needs_nothing() -> None:
    sms = sms_of("phone://", gateway=None)

    assert sms.transports == {"SMS": "notifications.transports.sms.phone"}


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "twilio://AC1:to%2Fken@api.twilio.com?from=%2B4930901820",
            {
                "account": "AC1",
                "key": "AC1",
                "token": "to/ken",
                "from": "+4930901820",
                "base": "https://api.twilio.com",
            },
        ),
        (
            "twilio://SK1:secret@api.dublin.ie1.twilio.com/?account=AC1&from=MG1",
            {
                "account": "AC1",
                "key": "SK1",
                "token": "secret",
                "from": "MG1",
                "base": "https://api.dublin.ie1.twilio.com",
            },
        ),
        (
            "twilio://AC1:t@api.twilio.com?from=+4930901820",
            {
                "account": "AC1",
                "key": "AC1",
                "token": "t",
                "from": "+4930901820",
                "base": "https://api.twilio.com",
            },
        ),
    ],
)
def test_twilio_is_named_with_its_account(url: str, options: dict[str, str]) -> None:
    assert sms_of(url, gateway=None) == Sms("notifications.transports.sms.twilio", options)


def test_a_gateway_is_what_its_description_says() -> None:
    sms = sms_of("gateway://", gateway=GATEWAY)

    assert sms == Sms("notifications.transports.sms.gateway", GATEWAY)


@pytest.mark.parametrize(
    "url",
    [
        "twilio://AC1@api.twilio.com?from=1",
        "twilio://AC1:t@?from=1",
        "twilio://AC1:t@api.twilio.com",
        "twilio://AC1:t@api.twilio.com?from=1&to=2",
        "twilio://AC1:t@api.twilio.com/path?from=1",
        "twilio://AC1:t@api.twilio.com:port?from=1",
        "gateway://",
        "smpp://sms.example.com",
        "yes",
    ],
)
def test_what_chooses_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        sms_of(url, gateway=None)


@pytest.mark.parametrize("text", ["{", "[]", '{"url": "https://sms.example.com/"}'])
def test_what_describes_no_gateway_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        gateway_of(text)


def test_nothing_describes_no_gateway() -> None:
    assert gateway_of(" ") is None


def test_a_malformed_value_stops_the_start_without_being_shown() -> None:
    environment = {**os.environ, "SMS_URL": "twilio://AC1:s3cret@api.twilio.com"}
    program = "import config.settings"

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        "django.core.exceptions.ImproperlyConfigured: SMS_URL is not valid: expected twilio://"
    )
    assert "s3cret" not in ended.stderr
