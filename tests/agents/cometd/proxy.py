"""What stands before the processes: a proxy that takes turns, and that can be cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

_TRY_AGAIN_SECONDS = 0.05
_TRIES = 200


class Proxy:
    """Passes connections on to backends in turn, or to the next that takes one."""

    def __init__(self, backends: list[int]) -> None:
        self.backends = backends
        self.port = 0
        self._turns = count()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Cut every connection, as a network does that fails for a moment."""
        self._loop.call_soon_threadsafe(self._cut)

    def run(self, started: threading.Event) -> None:
        """Pass on until it is stopped."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    def stop(self) -> None:
        """Pass nothing on any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            # The stop of the proxy is its end, and no error.
            with suppress(OSError, asyncio.CancelledError):
                other_reader, other_writer = await self._connected()
                self._writers.add(other_writer)
                pumps = [
                    asyncio.ensure_future(_pump(reader, other_writer)),
                    asyncio.ensure_future(_pump(other_reader, writer)),
                ]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
                    self._writers.discard(other_writer)
                    other_writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(_TRIES):
            port = self.backends[next(self._turns) % len(self.backends)]
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        raise ConnectionRefusedError


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@contextmanager
def proxy_to(*backends: int) -> Iterator[Proxy]:
    """Run a proxy until the block ends."""
    proxy, started = Proxy(list(backends)), threading.Event()
    thread = threading.Thread(target=proxy.run, args=[started], name="proxy")
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
