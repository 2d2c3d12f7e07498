"""Receivers as they should not be: `python -m tests.gates.bad KIND=PORT …` serves until killed.

The one that redirects does so to the address ELSEWHERE.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from config.local.home import LOCALHOST

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Behave: TypeAlias = Callable[[Reader, Writer], Awaitable[None]]
_OK = b"HTTP/1.1 200 OK\r\n"
_MUCH = b"a" * 65_536


async def _hang(reader: Reader, writer: Writer) -> None:
    await asyncio.sleep(3600)


async def _drip_head(reader: Reader, writer: Writer) -> None:
    writer.write(_OK)
    while True:
        writer.write(b"X-A: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _drip_body(reader: Reader, writer: Writer) -> None:
    writer.write(_OK + b"Content-Length: 60000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _endless_head(reader: Reader, writer: Writer) -> None:
    writer.write(_OK + b"X-A: ")
    await _pour(writer)


async def _endless_body(reader: Reader, writer: Writer) -> None:
    writer.write(_OK + b"Connection: close\r\n\r\n")
    await _pour(writer)


async def _endless_continue(reader: Reader, writer: Writer) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()


async def _pour(writer: Writer) -> None:
    while True:
        writer.write(_MUCH)
        await writer.drain()


_BOMB = gzip.compress(bytes(256 * 1024 * 1024), compresslevel=6)


async def _bomb(reader: Reader, writer: Writer) -> None:
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB)
    writer.write(_OK + head + _BOMB)
    await writer.drain()


async def _redirect(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 307 Elsewhere\r\nLocation: {os.environ['ELSEWHERE']}\r\n"
    writer.write(f"{head}Content-Length: 0\r\n\r\n".encode())
    await writer.drain()
    writer.close()


KINDS: dict[str, Behave | None] = {
    "hanging": _hang,
    "dripping heads": _drip_head,
    "dripping bodies": _drip_body,
    "endless heads": _endless_head,
    "endless bodies": _endless_body,
    "endless continues": _endless_continue,
    "bombing": _bomb,
    "redirecting": _redirect,
    # It listens, and nobody is at home.
    "deaf": None,
}


# Their answers are 200, whatever follows: that is all there is to know.
TAKERS = {"endless bodies", "bombing"}


async def _serve(ports: dict[str, int]) -> None:
    servers = []
    for kind, port in ports.items():
        behave = KINDS[kind]
        if behave is None:
            servers.append(socket.create_server((LOCALHOST, port), backlog=1))
        else:
            await asyncio.start_server(_quietly(behave), LOCALHOST, port, backlog=1024)
    await asyncio.Event().wait()


def _quietly(behave: Behave) -> Behave:
    async def answer(reader: Reader, writer: Writer) -> None:
        try:
            await behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    return answer


if __name__ == "__main__":
    asyncio.run(
        _serve({kind: int(port) for kind, _, port in (one.partition("=") for one in sys.argv[1:])})
    )
