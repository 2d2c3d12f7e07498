"""A real SMTP server for tests, which keeps what it gets and can be told to refuse."""

from __future__ import annotations

from asyncio.base_events import Server
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session

ACCEPTED = "250 OK"


class _AnyPort(Controller):
    def _trigger_server(self) -> None:
        # Controller tries out the port it was given; ours is known only now.
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # untyped there


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message as it was handed over, with its envelope and the connection it came by."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    connection: int


@dataclass
class Mailbox:
    """Keep every accepted message; answer with what a test has prepared, else with 250.

    `refused` answers RCPT for an address; `replies` are used up one by one by DATA.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """Give the accepted messages, parsed, in the order of their arrival."""
        return [delivery.message for delivery in self.deliveries]

    def to(self, address: str) -> list[EmailMessage]:
        """Give the messages whose envelope names an address."""
        return [each.message for each in self.deliveries if address in each.recipients]

    def forget(self) -> None:
        """Start again, empty and with no refusal prepared."""
        self.deliveries.clear()
        self.refused.clear()
        self.replies.clear()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen on a free port of this machine for as long as the block lasts."""
        controller = _AnyPort(self, hostname=self.host, port=0, ready_timeout=10)
        controller.start()
        self.port = controller.port
        try:
            yield
        finally:
            controller.stop()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks for this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient, or answer with the refusal prepared for it."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(  # noqa: N802  # aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a message, or answer with the next prepared reply."""
        reply = self.replies.pop(0) if self.replies else ACCEPTED
        if reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy)
            assert isinstance(message, EmailMessage)
            self.deliveries.append(
                Delivery(
                    sender=str(envelope.mail_from),
                    recipients=tuple(envelope.rcpt_tos),
                    message=message,
                    connection=id(session),
                )
            )
        return reply
