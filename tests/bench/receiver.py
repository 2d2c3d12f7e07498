"""A receiver that takes everything: the least that speaks HTTP. The sender is measured.

`python -m tests.bench.receiver [SECONDS]` prints its port and serves until it is killed; it answers
so many seconds after each request.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


def json_answer(body: bytes, *, status: int = 200) -> bytes:
    """Give an answer with a body."""
    head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


class Receiver(asyncio.Protocol):
    """One connection, which is kept."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head + b"\r\n")
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            answer = self.asked(head, rest[:size])
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._say, answer)
            else:
                self._say(answer)

    def asked(self, head: bytes, body: bytes) -> bytes:
        """Do with a request what there is to be done, and give the answer to it."""
        return json_answer(b'{"id":"1","status":"sent"}')

    def _say(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Receiver, delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the port is the answer
    await server.serve_forever()


@contextmanager
def receiver(delay: float = 0.0) -> Iterator[int]:
    """Run a receiver in a process of its own; give its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.receiver", str(delay)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
