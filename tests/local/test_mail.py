from __future__ import annotations

import io
import os
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from config.local.home import LOCALHOST, Home
from config.local.leftovers import Roll
from config.local.mail import MailCatcher
from config.local.supervisor import Supervisor

pytestmark = pytest.mark.urls("tests.local.urls")

HTML = "<h1>Hello</h1><script>alert(1)</script>"
CALENDAR = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def make_message(
    *, subject: str, text: str = "Hello https://example.org/q/abc", to: str
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Front desk <desk@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    return message


def make_invitation() -> EmailMessage:
    message = make_message(subject="Grüße <b>an</b> alle", to="zoë@example.org")
    message.add_alternative(HTML, subtype="html")
    message.add_alternative(CALENDAR.encode(), "text", "calendar", cte="base64")
    message.add_attachment(b"%PDF", "application", "pdf", filename="the plan.pdf")
    return message


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    catcher = MailCatcher.of(Home.at(str(tmp_path_factory.mktemp("a home"))))
    with Supervisor(Roll(catcher.home.path / "children"), output=io.StringIO()) as supervisor:
        supervisor.start_and_wait(catcher.program(dict(os.environ)), is_ready=catcher.is_ready)
        yield catcher


@pytest.fixture
def kept(catcher: MailCatcher, settings: Settings) -> Iterator[Path]:
    settings.FRONTDESK_HOME = catcher.home.path
    directory = catcher.home.path / "mail"
    yield directory
    for path in directory.iterdir():
        path.unlink()


def send(catcher: MailCatcher, *messages: EmailMessage) -> list[str]:
    before = set((catcher.home.path / "mail").iterdir())
    with smtplib.SMTP(LOCALHOST, catcher.port) as client:
        for message in messages:
            client.send_message(message)
    return sorted(path.stem for path in set((catcher.home.path / "mail").iterdir()) - before)


def test_every_message_of_a_connection_is_kept_as_it_was_sent(
    catcher: MailCatcher, kept: Path
) -> None:
    first, second = (make_message(subject=name, to="ann@example.org") for name in ("one", "two"))

    send(catcher, first, second)

    sources = [path.read_bytes() for path in sorted(kept.glob("*.eml"))]
    envelope = b"Return-Path: <desk@example.org>\r\nDelivered-To: ann@example.org\r\n"
    wires = [message.as_bytes().replace(b"\n", b"\r\n") for message in (first, second)]
    assert sources == [envelope + wire for wire in wires]
    assert len(list(kept.iterdir())) == 2


def test_the_list_shows_the_newest_first(catcher: MailCatcher, kept: Path, client: Client) -> None:
    older, newer = send(
        catcher,
        make_message(subject="The older one", to="ann@example.org"),
        make_message(subject="The newer one", to="bob@example.org"),
    )

    page = client.get("/dev/mail/").content.decode()

    assert page.index("The newer one") < page.index("The older one")
    assert page.index(f"/dev/mail/{newer}/") < page.index(f"/dev/mail/{older}/")
    assert "to bob@example.org" in page
    assert "2 messages" in page


def test_an_empty_list_says_what_to_do(kept: Path, client: Client) -> None:
    page = client.get("/dev/mail/").content.decode()

    assert "Nothing has been sent yet." in page
    assert "Book an appointment" in page


def test_a_long_list_has_pages(kept: Path, client: Client) -> None:
    for number in range(51):
        message = make_message(subject=f"Number {number:02}.", to="ann@example.org")
        (kept / f"{number:019}-00000000.eml").write_bytes(message.as_bytes())

    first, second = (client.get(f"/dev/mail/?page={n}").content.decode() for n in (1, 2))

    assert "Number 50." in first
    assert "Number 00." not in first
    assert "Number 00." in second


def test_a_message_is_shown_with_its_text_its_files_and_its_headers(
    catcher: MailCatcher, kept: Path, client: Client
) -> None:
    (mail_id,) = send(catcher, make_invitation())

    page = client.get(f"/dev/mail/{mail_id}/").content.decode()

    assert "Grüße &lt;b&gt;an&lt;/b&gt; alle" in page
    assert '<a href="https://example.org/q/abc"' in page
    assert "<script>" not in page
    assert f'<iframe src="/dev/mail/{mail_id}/html"' in page
    assert "invite.ics" in page
    assert "the plan.pdf" in page
    assert "<dd>zoë@example.org</dd>" in page


def test_the_html_of_a_message_is_locked_into_its_frame(
    catcher: MailCatcher, kept: Path, client: Client
) -> None:
    (mail_id,) = send(catcher, make_invitation())

    answer = client.get(f"/dev/mail/{mail_id}/html")

    assert answer.content.decode().startswith('<base target="_blank"><h1>Hello</h1>')
    assert answer["Content-Security-Policy"] == (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
        " style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_files_are_downloaded_and_never_shown(
    catcher: MailCatcher, kept: Path, client: Client
) -> None:
    (mail_id,) = send(catcher, make_invitation())

    entry, plan = (client.get(f"/dev/mail/{mail_id}/files/{number}") for number in (1, 2))

    assert entry.content == CALENDAR.encode()
    assert entry["Content-Type"] == "text/calendar"
    assert entry["Content-Disposition"] == 'attachment; filename="invite.ics"'
    assert plan.content == b"%PDF"
    assert plan["Content-Disposition"] == 'attachment; filename="the plan.pdf"'
    assert plan["X-Content-Type-Options"] == "nosniff"


def test_the_source_is_shown_as_it_came(catcher: MailCatcher, kept: Path, client: Client) -> None:
    (mail_id,) = send(catcher, make_invitation())

    answer = client.get(f"/dev/mail/{mail_id}/source")

    assert answer.content == (kept / f"{mail_id}.eml").read_bytes()
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("end", ["", "html", "source", "files/1", "files/0"])
def test_what_is_not_there_is_not_found(kept: Path, client: Client, end: str) -> None:
    (kept / "secret.eml").write_bytes(b"Subject: not by the catcher\r\n\r\n")

    for mail_id in ("0" * 19 + "-00000000", "secret"):
        assert client.get(f"/dev/mail/{mail_id}/{end}").status_code == 404


def test_a_message_out_of_all_order_is_still_shown(kept: Path, client: Client) -> None:
    mail_id = "0" * 19 + "-00000000"
    (kept / f"{mail_id}.eml").write_bytes(
        b"Subject: =?no-such-charset?B?/w==?=\r\nContent-Type: text/plain; charset=unheard-of\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\nna\xefve\r\n"
    )

    assert client.get("/dev/mail/").status_code == 200
    assert "naïve" in client.get(f"/dev/mail/{mail_id}/").content.decode()
