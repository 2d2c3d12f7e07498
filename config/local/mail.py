"""The mail catcher: takes everything by SMTP and keeps it, one file a message."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import smtplib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.local.home import LOCALHOST, Home
from config.local.programs import Program, Stage

_ACCEPTED = 250
_LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True)
class MailCatcher:
    """The catcher of one home, listening on a port of its own."""

    home: Home
    port: int

    @classmethod
    def of(cls, home: Home) -> MailCatcher:
        """Give the catcher of a home, with a free port."""
        return cls(home=home, port=home.port("mail"))

    @property
    def url(self) -> str:
        """The address, as EMAIL_URL wants it."""
        return f"smtp://{LOCALHOST}:{self.port}"

    def program(self, environment: dict[str, str]) -> Program:
        """Give the catcher as a program for the supervisor."""
        directory = self.home.directory("mail")
        return Program(
            name="mail",
            command=(
                *(sys.executable, "-m", "config.local.mail"),
                *("--port", str(self.port), "--directory", str(directory)),
            ),
            environment=environment,
            stage=Stage.MAIL,
        )

    def is_ready(self) -> bool:
        """Say whether the catcher takes mail."""
        try:
            with smtplib.SMTP(LOCALHOST, self.port, timeout=2) as client:
                return client.noop()[0] == _ACCEPTED
        except (OSError, smtplib.SMTPException):
            return False


def keep(directory: Path, envelope: Envelope) -> Path:
    """Write one message to a file, whole or not at all, under a name that sorts by time."""
    content = envelope.content or b""
    if isinstance(content, str):
        content = content.encode()
    # Whom the server was told to serve; the headers of a message may say something else.
    lines = [f"Return-Path: <{envelope.mail_from or ''}>"]
    lines += [f"Delivered-To: {address}" for address in envelope.rcpt_tos]
    head = "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape")
    path = directory / f"{time.time_ns():019d}-{secrets.token_hex(4)}.eml"
    draft = path.with_suffix(".draft")
    draft.write_bytes(head + content)
    return draft.replace(path)


class _Keeper:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    # The name is aiosmtpd's.
    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        keep(self._directory, envelope)
        return "250 Kept"


async def catch(port: int, directory: Path) -> None:
    """Take mail until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(
        lambda: SMTP(
            _Keeper(directory),
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Frontdesk's mail catcher",
            loop=loop,
        ),
        LOCALHOST,
        port,
    )
    async with server:
        await ended.wait()


def main() -> None:
    """Run the catcher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(catch(arguments.port, arguments.directory))


if __name__ == "__main__":
    main()
