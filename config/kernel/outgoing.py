"""The door for outgoing HTTP from an event loop: many requests at once, connections are kept.

It looks at requests with the eyes of `http`. An address is looked at three times: when it is
written in the request, when its name has been looked up, and on the connection that is about to
be used, a kept one too, so that no answer of a name server can come in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from django.conf import settings
from yarl import URL

from config.kernel.http import (
    HEAD_BYTES,
    Answer,
    Blocked,
    DeadlineExceeded,
    Destination,
    Failed,
    Request,
    begin_look_up,
    check_addresses,
    check_port,
    destination_of,
    headers_of,
    tls,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import StreamReader
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.tracing import Trace

# Servers hang up on the silent; many do so after a quarter of a minute or later.
_KEPT_SECONDS = 14.0
# Of all that goes out at once to one host; in all there is no limit but the caller's.
_PER_HOST = 256
# Names that hang take up one thread each until the system gives up.
_LOOK_UPS = 64
_NAME_SECONDS = 30.0
_NAMES = 10_000
# So many heads may an answer have; and it is taken apart in pieces, so that a flood of them is
# noticed while it is cheap.
_HEADS = 8
_PIECE = 8 * 1024
# What aiohttp would say unasked.
_SILENT = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(slots=True, eq=False)
class _Exchange:
    """One request, its answer and the connection in between."""

    request: Request
    destination: Destination
    handler: _Handler | None = None
    was_kept: bool = False
    wants_new: bool = False

    def check(self, addresses: Iterable[str]) -> None:
        """Raise Blocked if the request may not go to any of the addresses."""
        host, port = self.destination.host, self.destination.port
        check_addresses(host, port, addresses, reach=self.request.reach)

    def check_written(self) -> None:
        """Raise Blocked if what is written in the request's address is reason enough."""
        host, port = self.destination.host, self.destination.port
        check_port(host, port, reach=self.request.reach)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return  # A name: it is judged when it has been looked up.
        self.check([host])


# The connector is told by aiohttp what to connect to, but not for whom.
_current: ContextVar[_Exchange] = ContextVar("exchange")


class _Handler(ResponseHandler):
    """The receiver's side of a connection: it says what there is room for, and only when asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.exchange: _Exchange | None = None
        self.is_used = False
        self._room = 0
        self._heads = 0

    def begin(self, exchange: _Exchange) -> None:
        """Make room for one answer; chunks have heads of their own."""
        exchange.handler, exchange.was_kept = self, self.is_used
        self.exchange, self.is_used = exchange, True
        self._room, self._heads = HEAD_BYTES + 2 * exchange.request.expect_max, 0

    def rest(self) -> None:
        """Expect nothing until the next request."""
        self.exchange, self._room = None, 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Count the heads of answers: those that go before (100 Continue) too."""
        self._heads += 1
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take what came in, piece by piece; hang up once it is too much."""
        for begin in range(0, len(data) or 1, _PIECE):
            piece = data[begin : begin + _PIECE]
            self._room -= len(piece)
            if self._room < 0 or self._heads > _HEADS:
                break
            super().data_received(piece)
        else:
            return
        # Whoever has read enough of an endless body is woken before this is heard of.
        if self.transport is not None:
            self.transport.abort()


class _Names(AbstractResolver):
    """Looks names up in threads: each name once at a time, and not again for a while."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_LOOK_UPS)
        self._asked: dict[str, asyncio.Future[list[str]]] = {}
        self._known: dict[str, tuple[float, list[str]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the addresses that may be connected to.

        Raises Blocked when any of them may not; Failed.
        """
        exchange = _current.get()
        addresses = await self._addresses(host, port)
        exchange.check(addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def _addresses(self, host: str, port: int) -> list[str]:
        until, addresses = self._known.get(host, (0.0, []))
        # While too many names hang, the old addresses of the others must do.
        if addresses and (until > _now() or self._slots.locked()):
            return addresses
        if host not in self._asked:
            await self._slots.acquire()
            if host in self._asked:
                self._slots.release()
            else:
                self._ask(host, port)
        # Whoever gives up waiting does not take the answer from the others.
        return await asyncio.shield(self._asked[host])

    def _ask(self, host: str, port: int) -> None:
        asked = asyncio.wrap_future(begin_look_up(host, port))
        self._asked[host] = asked
        asked.add_done_callback(partial(self._note, host))

    def _note(self, host: str, asked: asyncio.Future[list[str]]) -> None:
        self._slots.release()
        del self._asked[host]
        if asked.cancelled() or asked.exception() is not None:
            return
        self._known.pop(host, None)
        self._known[host] = (_now() + _NAME_SECONDS, asked.result())
        if len(self._known) > _NAMES:
            del self._known[next(iter(self._known))]

    async def close(self) -> None:
        """Wait for nobody any more."""
        for asked in list(self._asked.values()):
            asked.cancel()


class _Connector(aiohttp.TCPConnector):
    """Connections that are looked at before each use, and closed without a farewell."""

    def __init__(self, names: _Names) -> None:
        super().__init__(
            resolver=names,
            use_dns_cache=False,
            limit=0,
            limit_per_host=_PER_HOST,
            keepalive_timeout=_KEPT_SECONDS,
            ssl=tls(settings.OUTGOING_CA_FILE),
        )
        self._factory = cast("partial[ResponseHandler]", partial(_Handler, loop=self._loop))

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Give a connection to an address that the request may go to.

        Raises Blocked, Failed.
        """
        exchange = _current.get()
        exchange.was_kept = False
        while True:
            connection = await super().connect(req, traces, timeout)
            handler = cast("_Handler", connection.protocol)
            if not (handler.is_used and exchange.wants_new):
                break
            connection.close()
        try:
            peer = connection.transport.get_extra_info("peername") if connection.transport else None
            exchange.check([str(peer[0]) if peer else ""])
        except Blocked:
            connection.close()
            raise
        handler.begin(exchange)
        return connection

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        if isinstance(protocol, _Handler):
            protocol.rest()
        if protocol.should_close or should_close:
            # A close would wait for a receiver that does not read, or does not say goodbye in TLS.
            should_close = True
            protocol.abort()
        super()._release(key, protocol, should_close=should_close)


class Pool:
    """Sends requests from one event loop, any number at a time, and keeps their connections."""

    def __init__(self) -> None:
        """Open the pool; the event loop must be running."""
        self._names = _Names()
        self._session = aiohttp.ClientSession(
            connector=_Connector(self._names),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_SILENT,
            timeout=aiohttp.ClientTimeout(),
            # Nothing is unpacked, so nothing can be a bomb.
            auto_decompress=False,
            trust_env=False,
        )

    async def send(self, request: Request) -> Answer:
        """Give the answer to a request; a redirect is an answer like any other.

        Raises Blocked, Failed, DeadlineExceeded.
        """
        exchange = _Exchange(request, destination_of(request))
        headers = {"Accept-Encoding": "identity", **headers_of(request)}
        exchange.check_written()
        before = _current.set(exchange)
        try:
            async with asyncio.timeout(max(request.deadline, 0)):
                return await self._answer(exchange, headers)
        except TimeoutError:
            raise DeadlineExceeded("The deadline is over.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failed(_reason(error)) from None
        finally:
            _current.reset(before)
            # It is still ours when the answer came before the receiver had read the request.
            handler = exchange.handler
            if handler is not None and handler.exchange is exchange:
                handler.abort()

    async def _answer(self, exchange: _Exchange, headers: dict[str, str]) -> Answer:
        while True:
            try:
                return await self._exchanged(exchange, headers)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection may have died unseen. Where one has, its neighbours may have.
                if not (exchange.was_kept and exchange.request.is_repeatable):
                    raise
                exchange.wants_new = True

    async def _exchanged(self, exchange: _Exchange, headers: dict[str, str]) -> Answer:
        request, destination = exchange.request, exchange.destination
        # Put together of what was looked at, not read a second time in another way.
        url = f"{destination.scheme}://{destination.authority}{destination.path}"
        async with self._session.request(
            request.method,
            URL(url, encoded=True),
            data=request.body or None,
            headers=headers,
            allow_redirects=False,
        ) as response:
            body = await _body_of(response, request.expect_max)
            if is_cut := len(body) > request.expect_max:
                response.close()
            return Answer(
                status=response.status,
                headers=_joined(response),
                body=body[: request.expect_max],
                is_cut=is_cut,
            )

    async def close(self) -> None:
        """Close all connections, used ones too."""
        await self._names.close()
        await self._session.close()


async def _body_of(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = b""
    while len(body) <= most and not response.content.at_eof():
        body += await response.content.readany()
    return body


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers


def _reason(error: Exception) -> str:
    """Name what went wrong: the text of an error may hold what the receiver said."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"The host does not prove its name: {type(error.certificate_error).__name__}"
        case aiohttp.ClientConnectorError():
            return f"The host cannot be reached: {type(error.os_error).__name__}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return f"The connection broke: {type(error).__name__}"
        case _:
            return f"The answer is no proper HTTP: {type(error).__name__}"


def _now() -> float:
    return asyncio.get_running_loop().time()
