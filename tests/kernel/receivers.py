"""Receivers of outgoing requests, good and bad, and what no request may go to."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine."
HEAD = b"HTTP/1.1 200 OK\r\n"

# This machine, by all its names.
OWN_NAMES = [
    *["127.0.0.1", "127.1", "127.255.255.254", "2130706433", "0x7f000001", "0177.0.0.1"],
    *["0x7f.1", "0", "0.0.0.0", "localhost", "LOCALHOST", "[::1]", "[::]", "[0:0::1]"],
    *["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"],
]
# Addresses that are no public host.
REFUSED = [
    *["0.0.0.1", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "168.63.129.16"],
    *["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"],
    *["192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"],
    *["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::8.8.8.8"],
    *["::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1"],
    *["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1"],
    *["2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "5f00::1"],
    *["fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"],
    *["2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:10.0.0.1", "nonsense", ""],
]
# What cannot be read as a web address, or hides something.
NO_WEB_ADDRESSES = [
    *["", "desk.example", "//desk.example/", "ftp://desk.example/", "file:///etc/passwd"],
    *["gopher://desk.example/", "http://", "http:///path", "http://user@desk.example/"],
    *["http://user:pw@desk.example/", "http://@desk.example/", "http://desk.example:x/"],
    *["http://desk.example:99999/", "http://desk.example:/\\@evil.example/", "http://a b/"],
    *["http://desk.example/\r\nX: y", "http://desk.example/\x00", "http://dësk.example/"],
    *["http://[::1", "http://[fe80::1%25eth0]/", "http://desk.example/" + "a" * 2_048],
    *["http://desk.example%00.evil/", "http://desk%2eexample/", "\thttp://desk.example/"],
]
OTHER_PORTS = [0, 22, 25, 6379, 8080, 65535]


class Receiver:
    """A server on 127.0.0.1 that reads a request and then does what it is told.

    After that it hangs up, unless it `keeps` connections for further requests.
    """

    def __init__(
        self,
        behave: Callable[[socket.socket, threading.Event], object],
        *,
        keeps: bool = False,
    ) -> None:
        self.keeps = keeps
        self.behave = behave
        self.requests: list[bytes] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _serve(self) -> None:
        while not self.over.is_set():
            connection, _ = self.listener.accept()
            if self.over.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                while message := self._read(connection):
                    self.requests.append(message)
                    self.behave(connection, self.over)
                    if not self.keeps:
                        break

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        message = b""
        while b"\r\n\r\n" not in message:
            piece = connection.recv(65536)
            if not piece:
                return message
            message += piece
        head, _, body = message.partition(b"\r\n\r\n")
        length = next(
            (
                int(line[15:])
                for line in head.split(b"\r\n")
                if line[:15].lower() == b"content-length:"
            ),
            0,
        )
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        return head + b"\r\n\r\n" + body

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of the requests so far."""
        return [message.partition(b"\r\n\r\n")[2] for message in self.requests]

    def headers(self, number: int = -1) -> dict[str, str]:
        """Give the headers of a request by lower-case name."""
        lines = self.requests[number].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        for thread in self.threads:
            thread.join(10)
        self.listener.close()


def took(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def forever(piece: bytes, *, start: bytes = b"", pause: float = 0) -> Any:
    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(pause):
            connection.sendall(piece)

    return behave


def resolving_to(
    monkeypatch: pytest.MonkeyPatch, *addresses: str, port: int = 80
) -> list[tuple[Any, ...]]:
    """Let every name lead to the addresses, and note who asks."""
    asked: list[tuple[Any, ...]] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> list[Any]:
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            return list(real(host, *rest, **more))
        asked.append((host, *rest))
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def make_certificate(folder: Path, *, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
