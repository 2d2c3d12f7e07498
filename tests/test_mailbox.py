"""The servers that tests lean on are real, and so is the hashing that most of them leave out."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core.mail import EmailMessage, send_mail

if TYPE_CHECKING:
    from tests.mailbox import Mailbox


def send(*to: str) -> None:
    EmailMessage("Hello", "Text", "desk@example.org", to).send()


def test_mail_goes_over_smtp_and_is_kept(mailbox: Mailbox) -> None:
    send("ada@example.org", "grace@example.org")

    assert [message["Subject"] for message in mailbox.messages] == ["Hello"]
    assert mailbox.deliveries[0].recipients == ("ada@example.org", "grace@example.org")
    assert mailbox.to("ada@example.org") == mailbox.messages


def test_a_prepared_reply_is_used_once(mailbox: Mailbox) -> None:
    mailbox.replies = ["451 4.3.0 later"]

    with pytest.raises(smtplib.SMTPDataError) as later:
        send("ada@example.org")
    send("ada@example.org")

    assert later.value.smtp_code == 451
    assert len(mailbox.messages) == 1


def test_a_recipient_can_be_refused(mailbox: Mailbox) -> None:
    mailbox.refused["nobody@example.org"] = "550 5.1.1 no such user"

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("nobody@example.org")

    assert mailbox.messages == []


def test_mail_that_no_test_waits_for_reaches_nobody() -> None:
    with pytest.raises(ConnectionRefusedError):
        send_mail("Hello", "Text", "desk@example.org", ["ada@example.org"])


@pytest.mark.usefixtures("slow_passwords")
def test_passwords_are_hashed_with_argon2_outside_of_tests() -> None:
    assert identify_hasher(make_password("correct horse")).algorithm == "argon2"
