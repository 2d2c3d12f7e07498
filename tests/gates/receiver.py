"""A receiver of webhooks, and a gateway for SMS, that write down each request and its time.

The receiver verifies signatures with the public library, and refuses what is not right, times that
are minutes off among it. `python -m tests.gates.receiver FILE PORT SECRET` serves until killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from config.local.home import LOCALHOST
from tests.bench.receiver import TAKEN, Receiver, json_answer

HOOK, GATEWAY, REFUSED = "hook", "sms", "refused"
_UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that hands something over; the time is that of the wall clock."""

    at: float
    kind: str
    # Of the notification, as `webhook-id` or `Idempotency-Key` says it.
    id: UUID
    digest: str


class Requests:
    """Everything that has come in, read from the file that the receiver writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._seen: list[Request] = []

    def all(self) -> Sequence[Request]:
        """Give all of them, in the order of their arrival."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if whole:
            self._offset += len(whole) + 1
            self._seen += [_request(line) for line in whole.decode().split("\n")]
        return self._seen

    def of(self, kind: str) -> list[Request]:
        """Give those of one kind."""
        return [one for one in self.all() if one.kind == kind]


def _request(line: str) -> Request:
    at, kind, id, digest = line.split("\t")
    return Request(float(at), kind, UUID(id), digest)


class Recorder(Receiver):
    """One connection; what it takes is in the file before the sender hears of it."""

    def __init__(self, file: int, webhook: Webhook) -> None:
        super().__init__()
        self._file = file
        self._webhook = webhook

    def asked(self, head: bytes, body: bytes) -> bytes:
        """Write down what came; a gateway says at once what became of what it was asked for."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        if method == "GET":
            return json_answer(b'{"status":"delivered"}')
        if path.startswith("/sms"):
            key = headers["idempotency-key"]
            self._note(GATEWAY, key, body)
            return json_answer(orjson.dumps({"id": key, "status": "queued"}))
        try:
            self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self._note(REFUSED, headers["webhook-id"], body)
            return _UNAUTHORIZED
        self._note(HOOK, headers["webhook-id"], body)
        return TAKEN

    def _note(self, kind: str, id: str, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()[:16]
        os.write(self._file, f"{time.time():.6f}\t{kind}\t{id}\t{digest}\n".encode())


async def _serve(path: Path, port: int, secret: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
    make = partial(Recorder, file, Webhook(secret))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, LOCALHOST, port, backlog=1024)
    await server.serve_forever()


def environment_of(port: int) -> dict[str, str]:
    """Give the settings with which a worker sends its webhooks and SMS there."""
    url = f"http://{LOCALHOST}:{port}/sms"
    gateway = {
        "url": url,
        "body": {"to": "{to}", "from": "{from}", "text": "{text}"},
        "message_id": "id",
        "status": "status",
        "status_url": f"{url}/{{message_id}}",
        "status_of_message": "status",
        "delivered": ["delivered"],
    }
    return {
        "WEBHOOKS_ALLOW_PRIVATE_ADDRESSES": "1",
        "OUTGOING_ALLOWED_HOSTS": f"{LOCALHOST}:{port}",
        "SMS_GATEWAY": orjson.dumps(gateway).decode(),
    }


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
