"""The one door for outgoing HTTP: nothing in our own network, and never longer than was agreed."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ANSWER_BYTES: Final = 64 * 1024
_HEAD_BYTES = 64 * 1024
_URL_LENGTH = 2_048
_PORTS = frozenset({80, 443})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_USER_AGENT = "Frontdesk"

_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
# What we say ourselves, and what would change where a message ends.
_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive"}
    | {"proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)

# `ipaddress.is_global` is not trusted: it passes NAT64, 6to4, 192.0.0.192 and 168.63.129.16.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the platform of one cloud
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and one cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Everything else is no public host: loopback, IPv4 in disguise, NAT64, unique and site-local, …
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP = 0x5EFE


class OutgoingError(Exception):
    """A request that got no answer, and why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Blocked(OutgoingError):
    """The request was not sent: its address, port, method or headers are not allowed."""


class Failed(OutgoingError):
    """The other side could not be reached, or did not answer in HTTP."""


class DeadlineExceeded(OutgoingError):
    """The answer was not complete in time."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; the deadline, in seconds, spans all of it, from the name to the last byte."""

    method: str
    url: str
    deadline: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    expect_max: int = ANSWER_BYTES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: headers by lower-case name, a body that may have been cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("The deadline is over.")
        return left


@dataclass(frozen=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == {"http": 80, "https": 443}[self.scheme]
        return host if is_usual else f"{host}:{self.port}"


def fetch(request: Request) -> Answer:
    """Give the answer to a request; a redirect is an answer like any other.

    Raises Blocked, Failed, DeadlineExceeded.
    """
    deadline = _Deadline(request.deadline)
    target = _target_of(request.url)
    head = _head_of(request, target)
    addresses = resolve(target.host, target.port, seconds=deadline.left())
    try:
        with contextlib.closing(_connect(target, addresses, deadline)) as connection:
            _send(connection, head + request.body, deadline)
            return _receive(connection, request, deadline)
    except TimeoutError:
        raise DeadlineExceeded("The deadline is over.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failed(f"{type(error).__name__}: {error}"[:200]) from None


def _target_of(url: str) -> _Target:
    if len(url) > _URL_LENGTH or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise Blocked("The address holds what no address holds.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Blocked("The address cannot be read.") from None
    if parts.scheme not in {"http", "https"}:
        raise Blocked("The address does not begin with http or https.")
    if "@" in parts.netloc or not _HOST.fullmatch(parts.hostname or ""):
        raise Blocked("The address names no host.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    default = 443 if parts.scheme == "https" else 80
    return _Target(parts.scheme, parts.hostname or "", default if port is None else port, path)


def header_problem(name: str, value: str) -> str | None:
    """Say why a header cannot go out with a request; None when it can."""
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
        return "The name of a header is not allowed."
    if not _HEADER_VALUE.fullmatch(value):
        return f"The value of the header {name} is not allowed."
    return None


def _head_of(request: Request, target: _Target) -> bytes:
    if request.method not in _METHODS:
        raise Blocked("The method is not allowed.")
    headers = {
        "Host": target.authority,
        "Connection": "close",
        # Nothing is unpacked, so nothing can be a bomb.
        "Accept-Encoding": "identity",
    }
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        headers["Content-Length"] = str(len(request.body))
    for name, value in request.headers.items():
        if problem := header_problem(name, value):
            raise Blocked(problem)
        headers[name] = value
    if "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = _USER_AGENT
    lines = [f"{request.method} {target.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def resolve(host: str, port: int, *, seconds: float) -> list[str]:
    """Give the addresses of a host, once: whoever connects, connects to one of these.

    Raises Blocked when any of them, or the port, is not allowed; Failed, DeadlineExceeded.
    """
    allowed = {entry.lower() for entry in settings.OUTGOING_ALLOWED_HOSTS}
    name = host.lower().rstrip(".")
    bracketed = f"[{name}]" if ":" in name else name
    if f"{bracketed}:{port}" in allowed:
        return _look_up(host, port, seconds)
    if port not in _PORTS | set(settings.OUTGOING_PORTS):
        raise Blocked("The port is not allowed.")
    addresses = _look_up(host, port, seconds)
    if name not in allowed and any(map(is_refused, addresses)):
        raise Blocked("The address lies in a network that is not public.")
    return addresses


def is_refused(address: str) -> bool:
    """Tell whether an address is no public host of the internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    if isinstance(parsed, ipaddress.IPv4Address):
        return any(parsed in network for network in _REFUSED_V4)
    return (
        parsed.scope_id is not None
        or parsed not in _PUBLIC_V6
        or any(parsed in network for network in _REFUSED_V6)
        # Tunnels to the IPv4 address in the last 32 bits (RFC 5214).
        or (int(parsed) >> 32) & 0xFDFF_FFFF == _ISATAP
    )


# The system's resolver knows no time limit of ours: it is left behind in its thread.
_resolvers = threading.BoundedSemaphore(16)


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    found: list[str] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError) as error:
            problems.append(error)
        finally:
            _resolvers.release()

    deadline = _Deadline(seconds)
    if not _resolvers.acquire(timeout=seconds):
        raise DeadlineExceeded("The deadline is over: too many names are being looked up.")
    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if thread.is_alive():
        raise DeadlineExceeded("The deadline is over: the name could not be looked up.")
    if problems or not found:
        raise Failed("The name of the host cannot be looked up.")
    return found


def _connect(target: _Target, addresses: list[str], deadline: _Deadline) -> socket.socket:
    for number, address in enumerate(addresses):
        # A dead address must leave time for the others.
        share = deadline.left() / (len(addresses) - number)
        try:
            connection = socket.create_connection((address, target.port), timeout=share)
        except OSError:
            if number == len(addresses) - 1:
                raise
            continue
        return _secure(connection, target, deadline) if target.scheme == "https" else connection
    raise Failed("The host has no address.")


def _secure(connection: socket.socket, target: _Target, deadline: _Deadline) -> socket.socket:
    try:
        connection.settimeout(deadline.left())
        context = _tls(settings.OUTGOING_CA_FILE)
        return context.wrap_socket(connection, server_hostname=target.host)
    except BaseException:
        connection.close()
        raise


@lru_cache(maxsize=4)
def _tls(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)


def _send(connection: socket.socket, message: bytes, deadline: _Deadline) -> None:
    view = memoryview(message)
    while view:
        connection.settimeout(deadline.left())
        view = view[connection.send(view[: 16 * 1024]) :]


class _Stream(io.RawIOBase):
    """Bytes from a socket; each read gets no more than what is left of time and size."""

    def __init__(self, connection: socket.socket, *, most: int, deadline: _Deadline) -> None:
        self._connection, self._left, self._deadline = connection, most, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._left <= 0:
            raise Failed("The answer is too large.")
        self._connection.settimeout(self._deadline.left())
        count = self._connection.recv_into(buffer)
        self._left -= count
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def _receive(connection: socket.socket, request: Request, deadline: _Deadline) -> Answer:
    most = _HEAD_BYTES + 2 * request.expect_max  # chunks have heads of their own
    stream = _Stream(connection, most=most, deadline=deadline)
    # All that it wants of a socket is makefile().
    response = http.client.HTTPResponse(cast("socket.socket", stream), method=request.method)
    with contextlib.closing(response):
        response.begin()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        body = response.read(request.expect_max + 1)
    return Answer(
        status=response.status,
        headers=headers,
        body=body[: request.expect_max],
        is_cut=len(body) > request.expect_max,
    )
