"""One connection to a mail server, on which any number of messages follow one another.

`smtplib` opens it: greeting, STARTTLS and login. The messages themselves are sent here, because
`smtplib` waits for every answer singly: with PIPELINING (RFC 2920) a message costs two round
trips in place of four. And here every wait ends at a moment, not after a time that begins anew.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from config.kernel.logging import redact

_REPLY_BYTES = 64 * 1024
_REASON_LENGTH = 300
_ENHANCED = re.compile(r"(5\.\d{1,3}\.\d{1,3})\b")
# No such mailbox, no such host, no such syntax, moved away, no mail there, switched off.
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_DEAD_CODES = frozenset({550, 551, 553})
_RCPT = 1


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail goes, as Django's EMAIL_* settings have it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    starts_tls: bool
    speaks_tls: bool
    time_limit: float

    @classmethod
    def of_settings(cls) -> Server:
        """Read the settings."""
        return cls(
            host=settings.EMAIL_HOST,
            port=settings.EMAIL_PORT,
            user=settings.EMAIL_HOST_USER,
            password=settings.EMAIL_HOST_PASSWORD,
            starts_tls=settings.EMAIL_USE_TLS,
            speaks_tls=settings.EMAIL_USE_SSL,
            time_limit=settings.EMAIL_TIMEOUT or 10,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said to a command."""

    code: int
    text: str
    # It was said when the recipient was named.
    is_to_recipient: bool = False

    @property
    def is_address_dead(self) -> bool:
        """Whether nobody has the recipient's address (RFC 3463, 3.2), and nobody will."""
        if not self.is_to_recipient or self.code // 100 != 5:
            return False
        match = _ENHANCED.match(self.text)
        return match[1] in _DEAD if match else self.code in _DEAD_CODES

    @property
    def reason(self) -> str:
        """The answer for the history: without the addresses that servers like to repeat."""
        return f"{self.code} {redact(self.text)}"[:_REASON_LENGTH]


class ConnectionFailed(Exception):
    """There is no connection to be had; the message is not to blame."""


class ConnectionLost(Exception):
    """The connection broke, or took too long; `is_ambiguous` once the server had the message."""

    def __init__(self, reason: str, *, is_ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.is_ambiguous = is_ambiguous


class Connection:
    """A connection that has said EHLO and logged in."""

    def __init__(self, server: Server, *, until: float) -> None:
        self.server = server
        self.used_at = time.monotonic()
        self.messages = 0
        self._smtp = _opened(server, until=until)
        if self._smtp.sock is None:
            raise ConnectionFailed("The mail server hung up at once.")
        self._socket: socket.socket = self._smtp.sock
        self._buffer = b""
        self._pipelines = self._smtp.has_extn("pipelining")
        self._takes_utf8 = self._smtp.has_extn("smtputf8")

    def takes(self, address: str) -> bool:
        """Say whether the server can be told the address: beyond ASCII it needs SMTPUTF8."""
        return address.isascii() or self._takes_utf8

    def send(self, *, sender: str, recipient: str, data: bytes, until: float) -> Reply:
        """Hand one message over and give the answer that decided.

        Raises ConnectionLost.
        """
        self.messages += 1
        try:
            refusal = self._envelope(sender, recipient, until)
            if refusal is not None:
                return refusal
        except OSError as error:
            raise ConnectionLost(_named(error)) from error
        try:
            self._socket.settimeout(_time_left(until))
            self._socket.sendall(_as_body(data))
            # A server that looks for spam thinks here, so it gets all the time there is.
            reply = self._read(until, is_patient=True)
        except (OSError, ConnectionLost) as error:
            raise ConnectionLost(_named(error), is_ambiguous=True) from error
        self.used_at = time.monotonic()
        return reply

    def _envelope(self, sender: str, recipient: str, until: float) -> Reply | None:
        """Say who sends what to whom; None when the server now waits for the message."""
        utf8 = "" if sender.isascii() and recipient.isascii() else " SMTPUTF8"
        commands = [f"MAIL FROM:<{sender}>{utf8}", f"RCPT TO:<{recipient}>", "DATA"]
        replies: list[Reply] = []
        if self._pipelines:
            self._say(*commands, until=until)
            replies = [self._read(until) for _ in commands]
        else:
            for command in commands:
                self._say(command, until=until)
                replies.append(self._read(until))
                if replies[-1].code >= 400:  # SMTP's own border
                    break
        number = next((n for n, reply in enumerate(replies) if reply.code >= 400), None)
        if number is None:
            return None
        refusal = replace(replies[number], is_to_recipient=number == _RCPT)
        if replies[-1].code == 354:  # RFC 2920, 3.1: it may still ask for data
            self._socket.sendall(b".\r\n")
            self._read(until)
        if refusal.code != 421:  # after this the server hangs up
            self._say("RSET", until=until)
            self._read(until)
        self.used_at = time.monotonic()
        return refusal

    def _say(self, *commands: str, until: float) -> None:
        if any(sign in command for command in commands for sign in "\r\n\0"):
            raise ValueError("A command cannot hold the end of a line.")
        self._socket.settimeout(_time_left(until))
        self._socket.sendall("".join(f"{command}\r\n" for command in commands).encode())

    def _read(self, until: float, *, is_patient: bool = False) -> Reply:
        if not is_patient:
            until = min(until, time.monotonic() + self.server.time_limit)
        lines: list[str] = []
        while True:
            line = self._read_line(until)
            if not line[:3].isdigit():
                raise ConnectionLost("The mail server did not answer in SMTP.")
            lines.append(line[4:].decode(errors="replace").strip())
            if line[3:4] != b"-":
                return Reply(int(line[:3]), " ".join(lines))

    def _read_line(self, until: float) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _REPLY_BYTES:
                raise ConnectionLost("The mail server did not come to an end.")
            self._socket.settimeout(_time_left(until))
            chunk = self._socket.recv(8192)
            if not chunk:
                raise ConnectionLost("The mail server closed the connection.")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def close(self) -> None:
        """Hang up. The server hears QUIT but is not waited for."""
        try:
            self._socket.settimeout(0.2)
            self._socket.sendall(b"QUIT\r\n")
        except OSError:
            pass  # it is gone already
        self._smtp.close()


def _time_left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise ConnectionLost("The mail server took too long.")
    return left


def _as_body(data: bytes) -> bytes:
    """Give the message as DATA wants it (RFC 5321, 4.5.2): dots doubled, one dot at the end."""
    if b"\n." in data or data.startswith(b"."):
        data = data.replace(b"\r\n.", b"\r\n..")
        data = b"." + data if data.startswith(b".") else data
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _opened(server: Server, *, until: float) -> smtplib.SMTP:
    time_limit = min(server.time_limit, until - time.monotonic())
    if time_limit <= 0:
        raise ConnectionFailed("The mail server took too long.")
    name = DNS_NAME.get_fqdn()
    smtp: smtplib.SMTP | None = None
    try:
        if server.speaks_tls:
            smtp = smtplib.SMTP_SSL(
                server.host,
                server.port,
                local_hostname=name,
                timeout=time_limit,
                context=_tls(),
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=time_limit)
        smtp.ehlo_or_helo_if_needed()
        if server.starts_tls:
            smtp.starttls(context=_tls())
            smtp.ehlo()
        if server.user:
            smtp.login(server.user, server.password)
    except smtplib.SMTPResponseException as error:
        _close(smtp)
        reply = Reply(error.smtp_code, _text(error.smtp_error))
        raise ConnectionFailed(f"The mail server does not let us in: {reply.reason}") from error
    except (OSError, smtplib.SMTPException) as error:
        _close(smtp)
        raise ConnectionFailed(f"The mail server cannot be reached: {_named(error)}") from error
    return smtp


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.EMAIL_SSL_CERTFILE:
        context.load_cert_chain(settings.EMAIL_SSL_CERTFILE, settings.EMAIL_SSL_KEYFILE)
    return context


def _close(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _named(error: Exception) -> str:
    # The text of an OSError may hold an address of ours, its name says enough.
    return str(error) if isinstance(error, ConnectionLost) else type(error).__name__
