"""Webhooks on their way to receivers of our own, and the receivers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.kernel.outgoing import Pool
from notifications.transports import Outcome
from notifications.transports.webhooks.delivery import Delivery, Target, deliver
from notifications.transports.webhooks.signing import new_secret
from tests.kernel.receivers import Receiver

if TYPE_CHECKING:
    import socket
    import threading

    Behave = Callable[[socket.socket, threading.Event], object]

ID = UUID("0190a1b2-0000-7000-8000-000000000001")
SUBSCRIPTION = UUID("0190a1b2-0000-7000-8000-0000000000aa")


def answering(status: int, *headers: str, body: str = "") -> Behave:
    """Give the behaviour of a receiver that answers every request with this."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", *headers, "", body]
    text = "\r\n".join(lines).encode()
    return lambda connection, _over: connection.sendall(text)


def in_turn(*behaviours: Behave) -> Behave:
    """Give a behaviour that changes with every request; the last one stays."""
    left = list(behaviours)

    def behave(connection: socket.socket, over: threading.Event) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection, over)

    return behave


@contextlib.contextmanager
def receivers() -> Iterator[Callable[..., Receiver]]:
    """Make receivers that keep their connections and answer 204 unless they are told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(behave: Behave | None = None) -> Receiver:
            made = Receiver(behave or answering(204), keeps=True)
            stack.callback(made.close)
            return made

        yield make


def make_target(url: str = "https://hooks.example.org/", **facts: Any) -> Target:
    return Target(
        **{"subscription_id": SUBSCRIPTION, "url": url, "secrets": (new_secret(),), **facts}
    )


def make_delivery(payload: bytes = b'{"title":"Review"}', **facts: Any) -> Delivery:
    return Delivery(
        **{
            "id": ID,
            "type": "CREATE",
            "occurred_at": datetime.fromisoformat("2027-03-28T10:00:00.250Z"),
            "payload": payload,
            **facts,
        }
    )


def delivered(
    *targets: Target,
    payload: bytes = b'{"title":"Review"}',
    deadline: float = 5.0,
    now: datetime,
) -> list[Outcome]:
    """Send one webhook to each target, one after the other, through one pool."""

    async def run() -> list[Outcome]:
        pool = Pool()
        try:
            return [
                await deliver(pool, each, make_delivery(payload), deadline=deadline, now=now)
                for each in targets
            ]
        finally:
            await pool.close()

    return asyncio.run(run())
