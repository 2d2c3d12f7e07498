"""A thousand desktops that poll, in a process of their own: `python -m tests.bench.pollers`.

It reads its task as JSON from standard input and prints what it measured as JSON. The HTTP is its
own, so that the clients cost less than the server.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import redis

_SCRIPT = Path(__file__).resolve().parents[2] / "agents" / "cometd" / "publish.lua"
_BODY = "x" * 120
_dice = random.Random(7)
Answered = Callable[[bytes], None]


@dataclass
class Task:
    """What is to be measured."""

    url: str
    mode: str
    seconds: float
    warm: float
    # Published and not yet heard, in the closed loop; a second, in the open one.
    window: int
    rate: float
    # User and token of each desktop; with a peer, who knows neither, two empty texts.
    people: list[tuple[str, str]]
    redis_url: str = ""
    cpu_of: list[int] = field(default_factory=list)

    @property
    def is_peer(self) -> bool:
        """Say whether it is faye that is measured."""
        return not self.redis_url


class Connection(asyncio.Protocol):
    """One kept connection, one request at a time."""

    def __init__(self, host: str, path: str, token: str) -> None:
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"{authorization}Content-Length: "
        ).encode()
        self._buffer = b""
        self._answered: Answered = lambda _: None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def post(self, body: bytes, answered: Answered) -> None:
        """Send a request; its answer goes to the callback."""
        self._answered = answered
        assert self._transport is not None
        self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))

    async def ask(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Send messages and give what is answered."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.post(orjson.dumps(messages), future.set_result)
        replies: list[dict[str, Any]] = orjson.loads(await future)
        return replies

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        if at < 0 or not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"an answer that is not understood: {self._buffer[:300]!r}")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = self._buffer[end + 4 + length :]
        self._answered(body)


class Desktops:
    """All of them, and what they have heard."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.delivered: Callable[[int], None] = lambda _: None
        self.heard = 0
        self.late: list[float] = []
        self.is_measuring = False
        self.telling: asyncio.Task[None] | None = None
        self._parts = urlsplit(task.url)

    async def connect(self, token: str) -> Connection:
        """Give a new connection."""
        parts = self._parts
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(parts.netloc, parts.path, token),
            str(parts.hostname),
            int(parts.port or 80),
        )
        return connection

    async def come(self, number: int) -> None:
        """Have one of them subscribe and poll from now on."""
        connection = await self.connect(self.task.people[number][1])
        client = await shaken(connection)
        topic = self.topic_of(number)
        if self.task.is_peer and self.task.mode == "broadcast":
            topic = "/all"
        said = {"channel": "/meta/subscribe", "clientId": client, "subscription": topic, "id": "2"}
        replies = await connection.ask(said)
        assert all(one.get("successful", True) for one in replies), replies
        poll = orjson.dumps(
            [
                {
                    "channel": "/meta/connect",
                    "clientId": client,
                    "connectionType": "long-polling",
                    "id": "3",
                }
            ]
        )

        def answered(body: bytes) -> None:
            now, count = time.perf_counter(), 0
            for message in orjson.loads(body):
                if "data" in message and not message["channel"].startswith("/meta/"):
                    count += 1
                    if self.is_measuring:
                        self.late.append(now - message["data"]["t"])
            connection.post(poll, answered)
            if count:
                self.heard += count
                self.delivered(count)

        connection.post(poll, answered)

    def topic_of(self, number: int) -> str:
        """Give the topic on which one of them is told something."""
        return f"/agent/{number}" if self.task.is_peer else "/v2/me/calls"


async def shaken(connection: Connection) -> str:
    """Shake hands; give the client."""
    (reply,) = await connection.ask(
        {
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "id": "1",
        }
    )
    assert reply["successful"], reply
    return str(reply["clientId"])


class ByRedis:
    """Publishes as the product does after a commit, without the database."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._numbers = [0] * len(task.people)
        self._writer: asyncio.StreamWriter | None = None
        self._sha = b""

    async def start(self) -> None:
        """Connect."""
        parts = urlsplit(self._task.redis_url)
        with redis.Redis.from_url(self._task.redis_url) as client:
            self._sha = str(client.script_load(_SCRIPT.read_text(encoding="utf-8"))).encode()
        reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        self._writer.write(_command(b"SELECT", (parts.path.strip("/") or "0").encode()))
        self._draining = asyncio.ensure_future(_drain(reader))

    def tell(self, numbers: list[int], at: float) -> None:
        """Tell some of them something."""
        arguments = [b"EVALSHA", self._sha, b"0", b"1000"]
        data = orjson.dumps({"t": at, "messageType": "CallStateChangeMessage", "body": _BODY})
        for number in numbers:
            first = self._numbers[number] = self._numbers[number] + 1
            arguments += [
                self._task.people[number][0].encode(),
                b"%d" % (first - 1),
                b"%d" % first,
                b"1",
                b"/v2/me/calls\n" + data,
            ]
        assert self._writer is not None
        self._writer.write(_command(*arguments))


class ByBayeux:
    """Publishes as a client of the peer, over a few connections."""

    def __init__(self, desktops: Desktops) -> None:
        self._desktops = desktops
        self._free: list[Connection] = []
        self._client = ""
        self._queue: list[tuple[str, float]] = []

    async def start(self) -> None:
        """Connect."""
        self._free = [await self._desktops.connect("") for _ in range(4)]
        self._client = await shaken(self._free[0])

    def tell(self, numbers: list[int], at: float) -> None:
        """Tell some of them something, or all of them by their one topic."""
        if self._desktops.task.mode == "broadcast":
            self._queue.append(("/all", at))
        else:
            self._queue += [(self._desktops.topic_of(number), at) for number in numbers]
        self._go_on()

    def _go_on(self) -> None:
        while self._queue and self._free:
            connection = self._free.pop()
            batch, self._queue = self._queue[:32], self._queue[32:]
            messages = [
                {
                    "channel": topic,
                    "clientId": self._client,
                    "id": "9",
                    "data": {"t": at, "messageType": "CallStateChangeMessage", "body": _BODY},
                }
                for topic, at in batch
            ]

            def answered(_: bytes, connection: Connection = connection) -> None:
                self._free.append(connection)
                self._go_on()

            connection.post(orjson.dumps(messages), answered)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


def _command(*words: bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


async def measure(task: Task) -> dict[str, float]:
    """Give messages a second, how late they are, and what the server takes for it."""
    desktops = Desktops(task)
    count = len(task.people)
    memory = _memory(task.cpu_of)
    for start in range(0, count, 50):
        await asyncio.gather(*(desktops.come(n) for n in range(start, min(start + 50, count))))
    publisher = ByBayeux(desktops) if task.is_peer else ByRedis(task)
    await publisher.start()
    await asyncio.sleep(0.5)
    _begin(task, desktops, publisher, count)
    await asyncio.sleep(task.warm)
    before, begun, cpu = desktops.heard, time.perf_counter(), _cpu(task.cpu_of)
    desktops.is_measuring = True
    await asyncio.sleep(task.seconds)
    desktops.is_measuring = False
    passed = time.perf_counter() - begun
    late = sorted(desktops.late) or [0.0]
    return {
        "rate": (desktops.heard - before) / passed,
        "p50": late[len(late) // 2] * 1000,
        "p99": late[len(late) * 99 // 100] * 1000,
        "cpu": (_cpu(task.cpu_of) - cpu) / passed,
        "bytes": (_memory(task.cpu_of) - memory) / count,
    }


def _begin(task: Task, desktops: Desktops, publisher: ByRedis | ByBayeux, count: int) -> None:
    everybody = list(range(count))
    left = count

    def told_all(delivered: int) -> None:
        nonlocal left
        left -= delivered
        if left <= 0:
            left = count
            publisher.tell(everybody, time.perf_counter())

    def told_one(delivered: int) -> None:
        chosen = [_dice.randrange(count) for _ in range(delivered)]
        publisher.tell(chosen, time.perf_counter())

    match task.mode:
        case "broadcast":
            desktops.delivered = told_all
            publisher.tell(everybody, time.perf_counter())
        case "unicast":
            desktops.delivered = told_one
            told_one(task.window)
        case "rate":
            desktops.telling = asyncio.create_task(_steadily(task, publisher, count))


async def _steadily(task: Task, publisher: ByRedis | ByBayeux, count: int) -> None:
    begun, told = time.perf_counter(), 0
    while True:
        # Late by the moment at which it should have been told: nothing is left out.
        while told < (time.perf_counter() - begun) * task.rate:
            publisher.tell([_dice.randrange(count)], begun + told / task.rate)
            told += 1
        await asyncio.sleep(0.001)


def _memory(process_ids: list[int]) -> int:
    pages = 0
    for process_id in process_ids:
        pages += int(Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096


def _cpu(process_ids: list[int]) -> float:
    ticks = 0
    for process_id in process_ids:
        facts = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
        user, system = facts.rpartition(")")[2].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / 100


def main() -> None:
    """Do the task."""
    given = json.load(sys.stdin)
    given["people"] = [tuple(one) for one in given["people"]]
    print(json.dumps(asyncio.run(measure(Task(**given)))), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
