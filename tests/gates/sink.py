"""A mail server that writes down every message and its time before it says that it has it.

`python -m tests.gates.sink FILE PORT` serves until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path

from config.local.home import LOCALHOST
from tests.bench.sink import Sink


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that the mail server has taken; the time is that of the wall clock."""

    at: float
    message_id: str
    address: str


class Arrivals:
    """Everything that has arrived, read from the file that the mail server writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._seen: list[Arrival] = []

    def all(self) -> Sequence[Arrival]:
        """Give all of them, in the order of their arrival."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if whole:
            self._offset += len(whole) + 1
            self._seen += [_arrival(line) for line in whole.decode().split("\n")]
        return self._seen

    def count(self) -> int:
        """Give how many there are, repeated ones too."""
        return len(self.all())

    def first(self) -> dict[str, Arrival]:
        """Give the first message to each address."""
        found: dict[str, Arrival] = {}
        for arrival in self.all():
            found.setdefault(arrival.address, arrival)
        return found


def _arrival(line: str) -> Arrival:
    at, message_id, address = line.split("\t")
    return Arrival(float(at), message_id, address)


class Recorder(Sink):
    """One connection; what it takes is in the file before the sender hears of it."""

    def __init__(self, file: int) -> None:
        self._file = file

    def taken(self, message: bytes) -> None:
        """Write down when what came to whom."""
        at = time.time()
        headers = BytesHeaderParser().parsebytes(message.partition(b"\r\n\r\n")[0])
        address = parseaddr(str(headers["To"]))[1]
        os.write(self._file, f"{at:.6f}\t{headers['Message-ID']}\t{address}\n".encode())


async def _serve(path: Path, port: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Recorder(file), LOCALHOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
