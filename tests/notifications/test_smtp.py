"""SMTP: one kept connection, and every answer of a mail server in our own words."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

import pytest

from notifications.messages import Rendered
from notifications.transports import Accepted, Outcome, Parcel, Refused, TryLater
from notifications.transports.email import smtp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_django import Settings

    from tests.mailbox import Mailbox

Scene: TypeAlias = "Sequence[bytes | None]"
CONTENT = b"Subject: Reminder\r\nMessage-ID: <1@frontdesk>\r\n\r\nSee you at ten.\r\n"


@pytest.fixture(autouse=True)
def _hung_up() -> Iterator[None]:
    smtp.hang_up()
    yield
    smtp.hang_up()


@pytest.fixture
def session(mailbox: Mailbox) -> Iterator[smtp.SmtpSession]:
    with smtp.session([]) as opened:
        yield opened


def parcel(recipient: str = "ada@example.com", data: bytes = CONTENT) -> Parcel:
    return Parcel(
        sender="frontdesk@localhost",
        recipient=recipient,
        data=data,
        message_id="<1@frontdesk>",
        rendered=Rendered(subject="", text="", html=""),
    )


def sent(session: smtp.SmtpSession, *args: object, seconds: float = 10) -> Outcome:
    return session.send(parcel(*args), until=time.monotonic() + seconds)  # type: ignore[arg-type]  # passed on


@pytest.mark.django_db
def test_what_the_server_takes_is_accepted(session: smtp.SmtpSession, mailbox: Mailbox) -> None:
    assert sent(session) == Accepted(provider_status="250", message_id="<1@frontdesk>")

    [delivery] = mailbox.deliveries
    assert (delivery.sender, delivery.recipients) == ("frontdesk@localhost", ("ada@example.com",))
    assert delivery.message["Subject"] == "Reminder"
    assert delivery.message.get_content() == "See you at ten.\r\n"


@pytest.mark.django_db
def test_a_line_that_begins_with_a_dot_arrives_as_it_was(
    session: smtp.SmtpSession, mailbox: Mailbox
) -> None:
    sent(session, "ada@example.com", CONTENT + b".\r\n.hidden\r\n..two\r\nend")

    [message] = mailbox.messages
    assert message.get_content() == "See you at ten.\r\n.\r\n.hidden\r\n..two\r\nend\r\n"


@pytest.mark.django_db
def test_one_connection_serves_batch_after_batch(mailbox: Mailbox) -> None:
    for _ in range(3):
        with smtp.session([]) as session:
            for _ in range(4):
                sent(session)

    assert len(mailbox.deliveries) == 12
    assert len({delivery.connection for delivery in mailbox.deliveries}) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("451 4.7.1 greylisted", TryLater(reason="451 4.7.1 greylisted", provider_status="451")),
        (
            "452 4.2.2 mailbox full",
            TryLater(reason="452 4.2.2 mailbox full", provider_status="452"),
        ),
        ("554 5.7.1 spam", Refused(reason="554 5.7.1 spam", provider_status="554")),
        ("552 5.2.3 too big", Refused(reason="552 5.2.3 too big", provider_status="552")),
        (
            "530 5.7.0 authenticate first",
            TryLater(reason="530 5.7.0 authenticate first", provider_status="530"),
        ),
    ],
)
def test_an_answer_to_the_message_means(
    session: smtp.SmtpSession, mailbox: Mailbox, reply: str, outcome: Outcome
) -> None:
    mailbox.replies = [reply]

    assert sent(session) == outcome
    assert sent(session) == Accepted(provider_status="250", message_id="<1@frontdesk>")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (
            "550 5.1.1 <gone@example.com>: nobody here",
            Refused(
                reason="550 5.1.1 <[redacted]>: nobody here",
                provider_status="550",
                is_address_dead=True,
            ),
        ),
        (
            "550 5.7.1 <gone@example.com>: not from you",
            Refused(reason="550 5.7.1 <[redacted]>: not from you", provider_status="550"),
        ),
        ("450 4.2.1 try later", TryLater(reason="450 4.2.1 try later", provider_status="450")),
    ],
)
def test_an_answer_to_the_recipient_means_and_the_next_message_is_not_disturbed(
    session: smtp.SmtpSession, mailbox: Mailbox, reply: str, outcome: Outcome
) -> None:
    mailbox.refused = {"gone@example.com": reply}

    assert sent(session, "gone@example.com") == outcome
    assert sent(session) == Accepted(provider_status="250", message_id="<1@frontdesk>")
    assert [delivery.recipients for delivery in mailbox.deliveries] == [("ada@example.com",)]
    assert len({delivery.connection for delivery in mailbox.deliveries}) == 1


@pytest.mark.django_db
def test_without_a_server_the_whole_batch_waits_and_one_connection_is_tried(
    settings: Settings,
) -> None:
    with no_server() as attempts, smtp.session([]) as session:
        settings.EMAIL_PORT = attempts.port
        outcomes = [sent(session) for _ in range(3)]

    assert outcomes == 3 * [
        TryLater(reason="The mail server cannot be reached: SMTPServerDisconnected", is_away=True)
    ]
    assert attempts.count == 1


@pytest.mark.django_db
def test_a_login_that_is_refused_is_not_the_fault_of_the_message(
    settings: Settings,
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "frontdesk", "wrong"
    offer = b"250-hi\r\n250 AUTH PLAIN\r\n"
    with script([GREETING, offer, b"535 5.7.8 wrong\r\n"]) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcome = sent(session)

    assert outcome == TryLater(
        reason="The mail server does not let us in: 535 5.7.8 wrong", is_away=True
    )


@pytest.mark.django_db
def test_a_server_without_the_demanded_tls_gets_no_message(
    session: smtp.SmtpSession, settings: Settings, mailbox: Mailbox
) -> None:
    settings.EMAIL_USE_TLS = True

    assert isinstance(sent(session), TryLater)
    assert mailbox.deliveries == []


GREETING, EHLO, OK, GO = (
    b"220 hi\r\n",
    b"250-hi\r\n250 PIPELINING\r\n",
    b"250 ok\r\n",
    b"354 go\r\n",
)
ENVELOPE = OK + OK + GO


@pytest.mark.django_db
def test_a_kept_connection_that_turns_out_dead_is_replaced_once(
    settings: Settings,
) -> None:
    first = [GREETING, EHLO, ENVELOPE, OK]
    second = [GREETING, EHLO, ENVELOPE, OK]
    with script(first, second) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcomes = [sent(session), sent(session)]

    assert outcomes == 2 * [Accepted(provider_status="250", message_id="<1@frontdesk>")]
    assert server.count == 2


@pytest.mark.django_db
def test_a_server_that_hangs_up_with_421_is_asked_once_more(settings: Settings) -> None:
    first = [GREETING, EHLO, ENVELOPE, OK, b"421 enough\r\n421 enough\r\n421 enough\r\n"]
    second = [GREETING, EHLO, ENVELOPE, OK]
    with script(first, second) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcomes = [sent(session), sent(session)]

    assert outcomes == 2 * [Accepted(provider_status="250", message_id="<1@frontdesk>")]


@pytest.mark.django_db
def test_an_answer_that_is_lost_after_the_message_is_tried_later_and_said_so(
    settings: Settings,
) -> None:
    with script([GREETING, EHLO, ENVELOPE]) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcome = sent(session)

    assert outcome == TryLater(
        reason="The answer was lost; it may have arrived. The mail server closed the connection."
    )
    assert server.count == 1


@pytest.mark.django_db
def test_a_server_that_says_nothing_is_left_when_the_time_is_over(
    settings: Settings,
) -> None:
    begin = time.monotonic()
    with script([GREETING, EHLO, ENVELOPE, None]) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcome = sent(session, seconds=0.3)

    assert isinstance(outcome, TryLater)
    assert "may have arrived" in outcome.reason
    assert time.monotonic() - begin < 2


@pytest.mark.django_db
def test_a_server_that_asks_for_data_although_it_refuses_gets_none(
    settings: Settings,
) -> None:
    refusing = OK + b"550 nobody\r\n" + GO
    with script([GREETING, EHLO, refusing, b"554 no recipients\r\n", OK]) as server:
        settings.EMAIL_PORT = server.port
        with smtp.session([]) as session:
            outcome = sent(session)

    assert outcome == Refused(reason="550 nobody", provider_status="550", is_address_dead=True)
    assert b"See you" not in server.heard


@pytest.mark.django_db
def test_the_end_of_a_line_in_an_address_is_never_said(session: smtp.SmtpSession) -> None:
    with pytest.raises(ValueError, match="end of a line"):
        sent(session, "ada@example.com>\r\nRCPT TO:<eve@example.com")


@pytest.mark.django_db
def test_an_address_beyond_ascii_needs_a_server_that_takes_it(settings: Settings) -> None:
    with script([GREETING, EHLO]) as server, smtp.session([]) as session:
        settings.EMAIL_PORT = server.port
        outcome = sent(session, "žofie@example.com")

    assert outcome == Refused(reason="The mail server takes no addresses beyond ASCII.")


class Script:
    """A server that says its lines, one after each thing it hears, and then hangs up."""

    def __init__(self, scenes: tuple[Scene, ...]) -> None:
        self.scenes = scenes
        self.count = 0
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.play)

    def play(self) -> None:
        for scene in self.scenes:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            with peer:
                self.speak(peer, scene)

    def speak(self, peer: socket.socket, scene: Scene) -> None:
        before = b""
        for number, line in enumerate(scene):
            if number:
                self.hear(peer, is_message=before.endswith(GO))
            if line is None:
                self.over.wait(10)
                return
            peer.sendall(line)
            before = line

    def hear(self, peer: socket.socket, *, is_message: bool) -> None:
        peer.settimeout(5)
        heard = b"\r\n"
        while not heard.endswith(b"\r\n.\r\n" if is_message else b"\r\n") or heard == b"\r\n":
            chunk = peer.recv(4096)
            if not chunk:
                break
            heard += chunk
        self.heard += heard


@contextmanager
def script(*scenes: Scene) -> Iterator[Script]:
    """Have a mail server that plays one scene for each connection."""
    server = Script(scenes)
    server.thread.start()
    try:
        yield server
    finally:
        server.over.set()
        # Closing alone does not wake the thread that waits for a connection.
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        server.thread.join()


@contextmanager
def no_server() -> Iterator[Script]:
    """Have a port that hangs up without a word."""
    with script([], [], []) as server:
        yield server
