from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.http import (
    Answer,
    Blocked,
    DeadlineExceeded,
    Failed,
    OutgoingError,
    Reach,
    Request,
    fetch,
)
from config.kernel.networks import is_refused
from tests.kernel.receivers import (
    HEAD,
    NO_WEB_ADDRESSES,
    OK,
    OTHER_PORTS,
    OWN_NAMES,
    REFUSED,
    Receiver,
    forever,
    make_certificate,
    resolving_to,
    took,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django import Settings


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Callable[..., Receiver]]:
    """Make receivers that the settings allow; a text is what they answer."""
    with contextlib.ExitStack() as stack:

        def make(
            behave: bytes | Callable[[socket.socket, threading.Event], object] = OK,
            *,
            allowed: bool = True,
        ) -> Receiver:
            if isinstance(behave, bytes):
                text = behave
                made = Receiver(lambda connection, _over: connection.sendall(text))
            else:
                made = Receiver(behave)
            stack.callback(made.close)
            settings.OUTGOING_ALLOWED_HOSTS = [f"127.0.0.1:{made.port}"] if allowed else []
            settings.OUTGOING_PORTS = [made.port]
            return made

        yield make


def ask(url: str, *, method: str = "GET", deadline: float = 5, **facts: Any) -> Answer:
    return fetch(Request(method=method, url=url, deadline=deadline, **facts))


def test_a_request_is_sent_as_it_was_given(receiver: Callable[..., Receiver]) -> None:
    there = receiver()

    answer = ask(
        there.url("/hook?a=%20b#c"),
        method="POST",
        headers={"Content-Type": "application/json", "webhook-id": "msg_1"},
        body=b'{"a": 1}',
    )

    assert answer == Answer(status=200, headers={"content-length": "5"}, body=b"fine.")
    assert there.requests == [
        f"POST /hook?a=%20b HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{there.port}\r\n"
        f"Connection: close\r\n"
        f"Accept-Encoding: identity\r\n"
        f"Content-Length: 8\r\n"
        f"Content-Type: application/json\r\n"
        f"webhook-id: msg_1\r\n"
        f"User-Agent: Frontdesk\r\n"
        f"\r\n"
        f'{{"a": 1}}'.encode()
    ]


def test_a_get_has_no_body_and_names_itself(receiver: Callable[..., Receiver]) -> None:
    there = receiver()

    ask(f"http://127.0.0.1:{there.port}?a=b", headers={"User-Agent": "Desk/2"})

    assert there.requests == [
        f"GET /?a=b HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{there.port}\r\n"
        f"Connection: close\r\n"
        f"Accept-Encoding: identity\r\n"
        f"User-Agent: Desk/2\r\n"
        f"\r\n".encode()
    ]


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Callable[..., Receiver]) -> None:
    there = receiver(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    )

    answer = ask(there.url())

    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")
    assert there.connections == 1


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"fine."),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08", b"\x1f\x8b\x08"),
    ],
)
def test_a_body_is_read_however_its_end_is_told(
    receiver: Callable[..., Receiver], text: bytes, body: bytes
) -> None:
    assert ask(receiver(text).url()).body == body


def test_headers_that_occur_twice_are_joined(receiver: Callable[..., Receiver]) -> None:
    there = receiver(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")

    assert ask(there.url()).headers == {"x-a": "1, 2", "content-length": "0"}


def test_a_large_body_is_cut(receiver: Callable[..., Receiver]) -> None:
    there = receiver(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 100_000)

    answer = ask(there.url())

    assert (len(answer.body), answer.is_cut) == (65_536, True)


def test_a_body_of_just_the_size_is_whole(receiver: Callable[..., Receiver]) -> None:
    there = receiver(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 10)

    answer = ask(there.url(), expect_max=10)

    assert (answer.body, answer.is_cut) == (b"a" * 10, False)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda _connection, over: over.wait(10), id="silent"),
        pytest.param(forever(b"H", pause=0.02), id="drips-status"),
        pytest.param(forever(b"X: y\r\n", start=HEAD, pause=0.05), id="drips-headers"),
        pytest.param(
            forever(b"a", start=HEAD + b"Content-Length: 50000\r\n\r\n", pause=0.02),
            id="drips-body",
        ),
        pytest.param(
            forever(b"1\r\na\r\n", start=HEAD + b"Transfer-Encoding: chunked\r\n\r\n", pause=0.02),
            id="drips-chunks",
        ),
        pytest.param(forever(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.02), id="drips-continue"),
    ],
)
def test_a_receiver_that_takes_too_long_is_left_at_the_deadline(
    receiver: Callable[..., Receiver], behave: Any
) -> None:
    there = receiver(behave)

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            ask(there.url(), deadline=0.3)

    assert 0.25 < took(work) < 1.3


def test_a_receiver_that_does_not_read_is_left_too(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings.OUTGOING_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]

        def work() -> None:
            with pytest.raises(DeadlineExceeded):
                ask(
                    f"http://127.0.0.1:{port}/", method="POST", body=b"a" * 30_000_000, deadline=0.3
                )

        assert took(work) < 1.3


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(forever(b"H" * 4096), id="status"),
        pytest.param(forever(b"X: y\r\n" * 100, start=HEAD), id="headers"),
        pytest.param(forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), id="continue"),
        pytest.param(
            forever(b"0" * 4096, start=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
            id="chunk-size",
        ),
    ],
)
def test_a_receiver_without_end_is_left_after_some_bytes(
    receiver: Callable[..., Receiver], behave: Any
) -> None:
    with pytest.raises(Failed):
        ask(receiver(behave).url(), deadline=5)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort",
    ],
)
def test_what_is_no_http_is_a_failure(receiver: Callable[..., Receiver], text: bytes) -> None:
    with pytest.raises(Failed):
        ask(receiver(text).url())


def test_a_closed_port_is_a_failure(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.OUTGOING_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]

    with pytest.raises(Failed, match="ConnectionRefusedError"):
        ask(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", OWN_NAMES)
def test_no_name_of_this_machine_is_connected_to(
    receiver: Callable[..., Receiver], host: str
) -> None:
    there = receiver(allowed=False)

    with pytest.raises((Blocked, Failed)):
        ask(f"http://{host}:{there.port}/")

    assert there.connections == 0


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize(
    "address",
    [
        *["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
        *["172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "223.255.255.255"],
        *["2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "2001:200::1"],
    ],
)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert not is_refused(address)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_let_through(address: Any) -> None:
    if not address.is_global or address.is_multicast:
        assert is_refused(str(address))


@given(st.ip_addresses(v=4))
def test_no_address_of_version_4_is_reached_in_disguise(address: ipaddress.IPv4Address) -> None:
    number = int(address)

    for base in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "2606:4700::5efe:0:0"):
        assert is_refused(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(base)) | number)))


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "fe80::1%eth0"])
def test_one_inner_address_among_several_is_enough_to_refuse_a_name(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolving_to(monkeypatch, "1.1.1.1", address)

    with pytest.raises(Blocked, match="not public"):
        ask("https://rebinding.example/")


def test_a_name_is_looked_up_once_and_its_address_connected_to(
    monkeypatch: pytest.MonkeyPatch, receiver: Callable[..., Receiver], settings: Settings
) -> None:
    there = receiver()
    settings.OUTGOING_ALLOWED_HOSTS = [f"desk.example:{there.port}"]
    asked = resolving_to(monkeypatch, "127.0.0.1", port=there.port)

    answer = ask(f"http://desk.example:{there.port}/")

    assert answer.status == 200
    assert [name for name, *_ in asked] == ["desk.example"]
    assert b"Host: desk.example:%d\r\n" % there.port in there.requests[0]


def test_a_dead_address_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch, receiver: Callable[..., Receiver], settings: Settings
) -> None:
    there = receiver()
    settings.OUTGOING_ALLOWED_HOSTS = [f"desk.example:{there.port}"]
    resolving_to(monkeypatch, "127.0.0.9", "127.0.0.1", port=there.port)

    assert ask(f"http://desk.example:{there.port}/").status == 200


def test_a_name_server_that_does_not_answer_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def getaddrinfo(*_asked: Any, **_more: Any) -> list[Any]:
        over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            ask("https://slow.example/", deadline=0.2)

    try:
        assert took(work) < 1.2
    finally:
        over.set()


@pytest.mark.parametrize("url", NO_WEB_ADDRESSES)
def test_an_address_that_is_no_plain_web_address_is_blocked(url: str) -> None:
    with pytest.raises(Blocked):
        ask(url)


@pytest.mark.parametrize("port", OTHER_PORTS)
def test_only_the_ports_of_the_web_are_open(port: int) -> None:
    with pytest.raises(Blocked, match="port"):
        ask(f"http://1.1.1.1:{port}/")


def test_an_allowed_host_is_allowed_by_the_name_in_the_address_only(
    receiver: Callable[..., Receiver], settings: Settings
) -> None:
    there = receiver()
    settings.OUTGOING_ALLOWED_HOSTS = ["127.0.0.1"]

    assert ask(there.url()).status == 200
    with pytest.raises(Blocked):
        ask(f"http://2130706433:{there.port}/")
    settings.OUTGOING_PORTS = []
    with pytest.raises(Blocked):
        ask(there.url())


def test_where_only_https_will_do_nothing_else_is_sent(receiver: Callable[..., Receiver]) -> None:
    there = receiver()

    with pytest.raises(Blocked, match="https"):
        ask(there.url(), https_only=True)
    assert there.connections == 0


def test_a_request_may_be_allowed_to_go_anywhere(
    receiver: Callable[..., Receiver], settings: Settings
) -> None:
    there = receiver(allowed=False)
    settings.OUTGOING_PORTS = []

    assert ask(there.url(), reach=Reach.ANY).status == 200


@pytest.mark.parametrize(
    "name",
    [
        *["Host", "host", "Transfer-Encoding", "Content-Length", "Connection", "TE", "Upgrade"],
        *["Expect", "Accept-Encoding", "Proxy-Authorization", "", "X Y", "X:", "X\r\nY", "Xä"],
    ],
)
def test_a_header_that_changes_the_message_is_blocked(
    receiver: Callable[..., Receiver], name: str
) -> None:
    there = receiver()

    with pytest.raises(Blocked, match="header"):
        ask(there.url(), headers={name: "x"})
    assert there.connections == 0


@pytest.mark.parametrize("value", ["a\r\nHost: b", "a\nb", "a\x00", "\x7f", "ä"])
def test_a_header_value_with_control_characters_is_blocked(
    receiver: Callable[..., Receiver], value: str
) -> None:
    with pytest.raises(Blocked, match="X-Note"):
        ask(receiver().url(), headers={"X-Note": value})


@pytest.mark.parametrize("method", ["", "get", "CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y\r\n"])
def test_another_method_is_blocked(receiver: Callable[..., Receiver], method: str) -> None:
    with pytest.raises(Blocked, match="method"):
        ask(receiver().url(), method=method)


def test_proxies_and_credentials_of_the_environment_are_not_used(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = receiver()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login desk password geheim")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert ask(there.url()).status == 200
    assert b"Authorization" not in there.requests[0]


@pytest.fixture
def secure(
    receiver: Callable[..., Receiver],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Receiver:
    """Give a receiver that proves itself as desk.example."""
    there = receiver()
    file = make_certificate(tmp_path, name="desk.example")
    there.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.tls.load_cert_chain(file)
    settings.OUTGOING_CA_FILE = str(file)
    settings.OUTGOING_ALLOWED_HOSTS = [
        f"{name}:{there.port}" for name in ("desk.example", "other.example")
    ]
    resolving_to(monkeypatch, "127.0.0.1", port=there.port)
    return there


def test_tls_is_spoken_with_a_host_that_proves_its_name(secure: Receiver) -> None:
    assert ask(f"https://desk.example:{secure.port}/").body == b"fine."


def test_a_host_that_proves_another_name_is_not_spoken_to(secure: Receiver) -> None:
    with pytest.raises(Failed, match="SSLCertVerificationError"):
        ask(f"https://other.example:{secure.port}/", method="POST", body=b"secret")

    assert secure.requests == []


def test_a_host_that_nobody_vouches_for_is_not_spoken_to(
    secure: Receiver, settings: Settings
) -> None:
    settings.OUTGOING_CA_FILE = ""

    with pytest.raises(Failed, match="SSLCertVerificationError"):
        ask(f"https://desk.example:{secure.port}/")


def test_a_handshake_that_hangs_is_left_at_the_deadline(secure: Receiver) -> None:
    secure.tls = None
    secure.behave = lambda _connection, over: over.wait(10)

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            ask(f"https://desk.example:{secure.port}/", deadline=0.3)

    assert took(work) < 1.3


def test_a_drip_inside_tls_is_left_at_the_deadline(secure: Receiver) -> None:
    secure.behave = forever(b"a", start=HEAD + b"\r\n", pause=0.02)

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            ask(f"https://desk.example:{secure.port}/", deadline=0.4)

    assert took(work) < 1.4


def test_every_failure_has_a_reason_and_one_parent() -> None:
    for failure in (Blocked("a"), Failed("a"), DeadlineExceeded("a")):
        assert isinstance(failure, OutgoingError)
        assert failure.reason == str(failure) == "a"
