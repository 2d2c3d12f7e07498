"""The mail server of the drills writes down what it takes, and when."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from config.local.home import LOCALHOST, Home
from config.local.mail import MailCatcher
from tests.gates.sink import Arrivals
from tests.notifications.workers import ROOT, wait_until


def mail(message_id: str, name: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "frontdesk@example.org", f"{name} <{name}@example.org>"
    message["Message-ID"] = message_id
    message.set_content("See you at ten.\n.\nBye")
    return message


def test_each_message_is_written_down_with_its_time_and_a_repeated_one_twice(
    tmp_path: Path,
) -> None:
    path, catcher = tmp_path / "arrivals", MailCatcher.of(Home.at(str(tmp_path)))
    command = [sys.executable, "-m", "tests.gates.sink", str(path), str(catcher.port)]
    sent = [mail("<1@test>", "ada"), mail("<2@test>", "grace"), mail("<1@test>", "ada")]
    began = time.time()

    with subprocess.Popen(command, cwd=ROOT) as process:
        wait_until(catcher.is_ready)
        arrivals = Arrivals(path)
        with smtplib.SMTP(LOCALHOST, catcher.port) as client:
            client.send_message(sent[0])
            first = [*arrivals.all()]
            client.send_message(sent[1])
            client.send_message(sent[2])
        process.kill()

    kept = [(one.message_id, one.address) for one in arrivals.all()]
    assert kept[:1] == [(one.message_id, one.address) for one in first]
    assert kept == [
        ("<1@test>", "ada@example.org"),
        ("<2@test>", "grace@example.org"),
        ("<1@test>", "ada@example.org"),
    ]
    assert list(arrivals.first()) == ["ada@example.org", "grace@example.org"]
    times = [one.at for one in arrivals.all()]
    assert began - 0.001 <= times[0] <= times[1] <= times[2] <= time.time()
