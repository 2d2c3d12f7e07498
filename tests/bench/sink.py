"""A mail server that forgets everything: the least that speaks SMTP. The sender is measured.

`python -m tests.bench.sink` prints its port and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Sink(asyncio.Protocol):
    """One connection; it offers PIPELINING."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.is_message = False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = b""
        while True:
            end = b"\r\n.\r\n" if self.is_message else b"\r\n"
            line, found, rest = self.buffer.partition(end)
            if not found:
                break
            self.buffer = rest
            command = line[:4].upper()
            if self.is_message:
                self.is_message = False
                self.taken(line)
                answers += b"250 taken\r\n"
            elif command == b"EHLO":
                answers += b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            elif command == b"DATA":
                self.is_message = True
                answers += b"354 go\r\n"
            elif command == b"QUIT":
                answers += b"221 bye\r\n"
            else:
                answers += b"250 fine\r\n"
        if answers:
            self.transport.write(answers)

    def taken(self, message: bytes) -> None:
        """Do with a message what there is to be done, before the sender hears of it: nothing."""


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the port is the answer
    await server.serve_forever()


@contextmanager
def sink() -> Iterator[int]:
    """Run the sink in a process of its own; give its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve())
