"""The one door for outgoing HTTP: nothing in our own network, and never longer than was agreed.

One request at a time goes out from here; many at once, from an event loop, by `outgoing`, which
looks at them with the same eyes.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from django.conf import settings

from config.kernel.networks import is_refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ANSWER_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 64 * 1024
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


class OutgoingError(Exception):
    """A request that got no answer, and why."""

    # Surely nothing of it has left; while false, it may have arrived.
    is_unsent = False

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Blocked(OutgoingError):
    """The request was not sent: its address, port, method or headers are not allowed."""

    is_unsent = True


class Failed(OutgoingError):
    """The other side could not be reached, or did not answer in HTTP."""


class DeadlineExceeded(OutgoingError):
    """The answer was not complete in time."""


class Reach(Enum):
    """How far requests may go. Whatever a tenant has written down goes to public hosts."""

    PUBLIC = "public hosts, on the web's ports and those of OUTGOING_PORTS"
    LISTED = "these, and what the operator lists in OUTGOING_ALLOWED_HOSTS"
    ANY = "any address and any port: in a network that its operator has opened on purpose"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; the deadline, in seconds, spans all of it, from the name to the last byte."""

    method: str
    url: str
    deadline: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    expect_max: int = ANSWER_BYTES
    https_only: bool = False
    reach: Reach = Reach.LISTED
    # It may be sent again when a kept connection turns out to be dead.
    is_repeatable: bool = False


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
class Destination:
    """Where a request goes, as its address has it."""

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
    target = destination_of(request)
    head = _head_of(request, target)
    connection = _reach(request, target, deadline)
    try:
        with contextlib.closing(connection):
            _send(connection, head + request.body, deadline)
            return _receive(connection, request, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failure_of(error) from None


def _reach(request: Request, target: Destination, deadline: _Deadline) -> socket.socket:
    """Connect to where a request goes; whatever fails here, nothing has been sent.

    Raises Blocked, Failed, DeadlineExceeded.
    """
    try:
        addresses = resolve(
            target.host,
            target.port,
            seconds=deadline.left(),
            reach=request.reach,
        )
        return _connect(target, addresses, deadline)
    except OutgoingError as error:
        error.is_unsent = True
        raise
    except (OSError, ValueError) as error:
        failure = _failure_of(error)
        failure.is_unsent = True
        raise failure from None


def _failure_of(error: Exception) -> OutgoingError:
    if isinstance(error, TimeoutError):
        return DeadlineExceeded("The deadline is over.")
    return Failed(f"{type(error).__name__}: {error}"[:200])


def destination_of(request: Request) -> Destination:
    """Read where a request goes.

    Raises Blocked when it is no plain web address, or not as safe as the request demands.
    """
    url = request.url
    if len(url) > _URL_LENGTH or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise Blocked("The address holds what no address holds.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Blocked("The address cannot be read.") from None
    if parts.scheme not in {"http", "https"}:
        raise Blocked("The address does not begin with http or https.")
    if request.https_only and parts.scheme != "https":
        raise Blocked("The address does not begin with https.")
    if "@" in parts.netloc or not _HOST.fullmatch(parts.hostname or ""):
        raise Blocked("The address names no host.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    default = 443 if parts.scheme == "https" else 80
    return Destination(parts.scheme, parts.hostname or "", default if port is None else port, path)


def header_problem(name: str, value: str) -> str | None:
    """Say why a header cannot go out with a request; None when it can."""
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
        return "The name of a header is not allowed."
    if not _HEADER_VALUE.fullmatch(value):
        return f"The value of the header {name} is not allowed."
    return None


def headers_of(request: Request) -> dict[str, str]:
    """Give the headers of a request by the names that its caller chose, and our own name.

    Raises Blocked when the method or one of them is not allowed.
    """
    if request.method not in _METHODS:
        raise Blocked("The method is not allowed.")
    for name, value in request.headers.items():
        if problem := header_problem(name, value):
            raise Blocked(problem)
    headers = dict(request.headers)
    if "user-agent" not in {name.lower() for name in headers}:
        headers["User-Agent"] = _USER_AGENT
    return headers


def _head_of(request: Request, target: Destination) -> bytes:
    headers = {
        "Host": target.authority,
        "Connection": "close",
        # Nothing is unpacked, so nothing can be a bomb.
        "Accept-Encoding": "identity",
    }
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        headers["Content-Length"] = str(len(request.body))
    headers |= headers_of(request)
    lines = [f"{request.method} {target.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def resolve(host: str, port: int, *, seconds: float, reach: Reach = Reach.LISTED) -> list[str]:
    """Give the addresses of a host, once: whoever connects, connects to one of these.

    Raises Blocked when any of them, or the port, is not allowed; Failed, DeadlineExceeded.
    """
    check_port(host, port, reach=reach)
    addresses = _look_up(host, port, seconds)
    check_addresses(host, port, addresses, reach=reach)
    return addresses


def check_port(host: str, port: int, *, reach: Reach) -> None:
    """Raise Blocked unless the port is the web's, or the settings allow it for the host."""
    if reach is Reach.ANY or port in _PORTS or port in settings.OUTGOING_PORTS:
        return
    if reach is Reach.LISTED and _is_listed(host, port):
        return
    raise Blocked("The port is not allowed.")


def check_addresses(host: str, port: int, addresses: Iterable[str], *, reach: Reach) -> None:
    """Raise Blocked if any of a host's addresses is not public, unless the settings allow it."""
    if reach is Reach.ANY or not any(map(is_refused, addresses)):
        return
    if reach is Reach.LISTED and (_is_listed(host) or _is_listed(host, port)):
        return
    raise Blocked("The address lies in a network that is not public.")


def _is_listed(host: str, port: int | None = None) -> bool:
    name = host.lower().rstrip(".")
    if port is not None:
        name = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return name in {entry.lower() for entry in settings.OUTGOING_ALLOWED_HOSTS}


# The system's resolver knows no time limit of ours: it is left behind in its thread.
_resolvers = threading.BoundedSemaphore(16)


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    deadline = _Deadline(seconds)
    if not _resolvers.acquire(timeout=seconds):
        raise DeadlineExceeded("The deadline is over: too many names are being looked up.")
    asked = begin_look_up(host, port)
    asked.add_done_callback(lambda _asked: _resolvers.release())
    try:
        return asked.result(deadline.left())
    except TimeoutError:
        raise DeadlineExceeded("The deadline is over: the name could not be looked up.") from None


def begin_look_up(host: str, port: int) -> Future[list[str]]:
    """Ask the system for the addresses of a host, in a thread that nobody has to wait for.

    The future raises Failed. How many such threads there are is the caller's care.
    """
    asked: Future[list[str]] = Future()
    asked.set_running_or_notify_cancel()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError):
            addresses = []
        if addresses:
            asked.set_result(addresses)
        else:
            asked.set_exception(Failed("The name of the host cannot be looked up."))

    try:
        threading.Thread(target=ask, name="resolver", daemon=True).start()
    except RuntimeError:  # the machine has no thread left
        asked.set_exception(Failed("The name of the host cannot be looked up now."))
    return asked


def _connect(target: Destination, addresses: list[str], deadline: _Deadline) -> socket.socket:
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


def _secure(connection: socket.socket, target: Destination, deadline: _Deadline) -> socket.socket:
    try:
        connection.settimeout(deadline.left())
        context = tls(settings.OUTGOING_CA_FILE)
        return context.wrap_socket(connection, server_hostname=target.host)
    except BaseException:
        connection.close()
        raise


@lru_cache(maxsize=4)
def tls(ca_file: str) -> ssl.SSLContext:
    """Give what other sides are verified with: the system's authorities, or those of a file."""
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
    most = HEAD_BYTES + 2 * request.expect_max  # chunks have heads of their own
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
