from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from asyncio.selector_events import BaseSelectorEventLoop
from typing import TYPE_CHECKING, Any

import pytest

from config.kernel import outgoing
from config.kernel.http import (
    Answer,
    Blocked,
    DeadlineExceeded,
    Failed,
    OutgoingError,
    Reach,
    Request,
)
from config.kernel.outgoing import Pool
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
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from pytest_django import Settings

    Behave = Callable[[socket.socket, threading.Event], object]

NAME = "desk.example"


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Make receivers; a text is what they answer."""
    with contextlib.ExitStack() as stack:

        def make(behave: bytes | Behave = OK, *, keeps: bool = False) -> Receiver:
            made = Receiver(saying(behave) if isinstance(behave, bytes) else behave, keeps=keeps)
            stack.callback(made.close)
            return made

        yield make


def saying(text: bytes) -> Behave:
    return lambda connection, _over: connection.sendall(text)


def request(url: str, **facts: Any) -> Request:
    return Request(url=url, **{"method": "GET", "deadline": 5, "reach": Reach.ANY, **facts})


def within(work: Callable[[Pool], Awaitable[Any]]) -> Any:
    """Do something with a pool of its own."""

    async def run() -> Any:
        pool = Pool()
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def ask(url: str, **facts: Any) -> Answer:
    answer: Answer = within(lambda pool: pool.send(request(url, **facts)))
    return answer


def in_turn(*requests: Request) -> list[Answer | OutgoingError]:
    """Send one after the other through one pool."""

    async def work(pool: Pool) -> list[Answer | OutgoingError]:
        answers: list[Answer | OutgoingError] = []
        for each in requests:
            try:
                answers.append(await pool.send(each))
            except OutgoingError as error:
                answers.append(error)
        return answers

    answers: list[Answer | OutgoingError] = within(work)
    return answers


def statuses(answers: list[Answer | OutgoingError]) -> list[int | type[OutgoingError]]:
    return [each.status if isinstance(each, Answer) else type(each) for each in answers]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let no connection come about, and note where one was tried to."""
    tried: list[Any] = []

    async def sock_connect(_loop: object, _socket: object, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    return tried


def test_a_request_is_sent_as_it_was_given(receiver: Callable[..., Receiver]) -> None:
    there = receiver()

    answer = ask(
        there.url("/hook?a=%20b&c=%2F#d"),
        method="POST",
        headers={"Content-Type": "application/json", "webhook-id": "msg_1"},
        body=b'{"a": 1}',
    )

    assert answer == Answer(status=200, headers={"content-length": "5"}, body=b"fine.")
    assert there.requests == [
        f"POST /hook?a=%20b&c=%2F HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{there.port}\r\n"
        f"Accept-Encoding: identity\r\n"
        f"Content-Type: application/json\r\n"
        f"webhook-id: msg_1\r\n"
        f"User-Agent: Frontdesk\r\n"
        f"Content-Length: 8\r\n"
        f"\r\n"
        f'{{"a": 1}}'.encode()
    ]


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Callable[..., Receiver]) -> None:
    there = receiver(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    )

    assert ask(there.url()).status == 302
    assert there.connections == 1


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (HEAD + b"\r\nuntil the end", b"until the end"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"fine."),
    ],
)
def test_a_body_is_read_however_its_end_is_told(
    receiver: Callable[..., Receiver], text: bytes, body: bytes
) -> None:
    assert ask(receiver(text).url()).body == body


def test_nothing_is_unpacked(receiver: Callable[..., Receiver]) -> None:
    packed = b"\x1f\x8b\x08\x00" + b"\x00" * 60
    there = receiver(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 64\r\n\r\n" + packed)

    assert ask(there.url()).body == packed
    assert there.headers()["accept-encoding"] == "identity"


def test_headers_that_occur_twice_are_joined(receiver: Callable[..., Receiver]) -> None:
    there = receiver(HEAD + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")

    assert ask(there.url()).headers == {"x-a": "1, 2", "content-length": "0"}


@pytest.mark.parametrize(
    "text",
    [
        HEAD + b"\r\n",
        HEAD + b"Content-Length: 900000000\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n",
    ],
)
def test_a_large_body_is_cut(receiver: Callable[..., Receiver], text: bytes) -> None:
    answer = ask(receiver(text + b"a" * 5_000_000).url())

    assert (answer.status, len(answer.body), answer.is_cut) == (200, 65_536, True)


def test_a_body_of_just_the_size_is_whole(receiver: Callable[..., Receiver]) -> None:
    answer = ask(receiver(HEAD + b"\r\n" + b"a" * 10).url(), expect_max=10)

    assert (answer.body, answer.is_cut) == (b"a" * 10, False)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(lambda _connection, over: over.wait(10), id="silent"),
        pytest.param(forever(b"H", start=b"HTTP/1.1 200 ", pause=0.02), id="drips-status"),
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
        pytest.param(
            lambda connection, over: (
                connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"),
                over.wait(10),
            ),
            id="stops-in-the-head",
        ),
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


def test_a_receiver_that_does_not_read_is_left_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def work() -> None:
            with pytest.raises(DeadlineExceeded):
                # A body of a mebibyte or more would be worth a warning of aiohttp.
                ask(url, method="POST", body=b"a" * 1_000_000, headers=PADDING, deadline=0.3)

        assert took(work) < 1.3


# More than the buffers of a connection hold that nobody reads.
PADDING = {f"X-{number}": "a" * 60_000 for number in range(100)}


def test_an_answer_to_what_was_not_read_is_taken_and_the_connection_closed(
    receiver: Callable[..., Receiver],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = threading.Thread(target=answer_unread, args=(listener,))
        heard.start()

        answer = ask(
            f"http://127.0.0.1:{listener.getsockname()[1]}/",
            method="POST",
            body=b"a" * 1_000_000,
            headers=PADDING,
        )

        heard.join(10)
    assert answer.status == 200
    assert not heard.is_alive()


def answer_unread(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ConnectionError):
        connection.settimeout(10)
        connection.recv(10)
        connection.sendall(OK)
        # Whoever has gone does not say so to what was not read, but to what is.
        while connection.recv(65_536):
            pass


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(forever(b"H" * 4096), id="status"),
        pytest.param(forever(b"X: y\r\n" * 100, start=HEAD), id="headers"),
        pytest.param(forever(b"X: " + b"y" * 100_000, start=HEAD), id="header"),
        pytest.param(forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), id="continue"),
        pytest.param(
            forever(b"0" * 4096, start=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
            id="chunk-size",
        ),
        pytest.param(
            forever(b";a" * 2048, start=HEAD + b"Transfer-Encoding: chunked\r\n\r\n1"),
            id="chunk-extension",
        ),
        pytest.param(
            forever(b"X: y\r\n" * 100, start=HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
            id="trailers",
        ),
    ],
)
def test_a_receiver_without_end_is_left_after_some_bytes(
    receiver: Callable[..., Receiver], behave: Any
) -> None:
    def work() -> None:
        with pytest.raises(Failed):
            ask(receiver(behave).url(), deadline=20)

    assert took(work) < 5


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nshort",
        HEAD + b"Content-Length: 9\r\n\r\nshort",
    ],
)
def test_what_is_no_http_is_a_failure(receiver: Callable[..., Receiver], text: bytes) -> None:
    with pytest.raises(Failed):
        ask(receiver(text).url())


def test_what_the_receiver_said_is_not_repeated(receiver: Callable[..., Receiver]) -> None:
    with pytest.raises(Failed) as failure:
        ask(receiver(b"HTTP/1.1 200 ada@example.org\r\nada@example.org\r\n\r\n").url())

    assert "ada" not in failure.value.reason


def test_a_closed_port_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Failed, match="ConnectionRefusedError"):
        ask(f"http://127.0.0.1:{port}/")


def test_a_connection_is_kept_and_used_again(receiver: Callable[..., Receiver]) -> None:
    there = receiver(keeps=True)

    answers = in_turn(*[request(there.url(), method="POST", body=b"x")] * 5)

    assert statuses(answers) == [200] * 5
    assert (len(there.requests), there.connections) == (5, 1)


def test_a_connection_that_was_hung_up_meanwhile_is_not_used_again(
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver()
    one = request(there.url(), method="POST", body=b"x", is_repeatable=True)

    assert statuses(in_turn(one, one, one)) == [200, 200, 200]
    assert there.connections == 3


def dying(connection: socket.socket, number: list[int]) -> None:
    """Answer the first request of all; hang up on the second without an answer."""
    number.append(0)
    if len(number) == 2:
        connection.shutdown(socket.SHUT_RDWR)
    else:
        connection.sendall(OK)


@pytest.mark.parametrize(
    ("is_repeatable", "expected", "received"), [(True, [200, 200], 3), (False, [200, Failed], 2)]
)
def test_a_kept_connection_that_is_dead_is_replaced_if_the_request_may_be_repeated(
    receiver: Callable[..., Receiver], is_repeatable: bool, expected: list[Any], received: int
) -> None:
    count: list[int] = []
    there = receiver(lambda connection, _over: dying(connection, count), keeps=True)
    one = request(there.url(), method="POST", body=b"x", is_repeatable=is_repeatable)

    assert statuses(in_turn(one, one)) == expected
    assert len(there.requests) == received


def test_a_new_connection_that_is_hung_up_is_a_failure_at_once(
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver(lambda _connection, _over: None)

    with pytest.raises(Failed):
        ask(there.url(), method="POST", body=b"x", is_repeatable=True)
    assert len(there.requests) == 1


def test_what_comes_unasked_is_no_answer_to_the_next_request(
    receiver: Callable[..., Receiver],
) -> None:
    there = receiver(OK + HEAD + b"X-Stale: 1\r\nContent-Length: 0\r\n\r\n", keeps=True)

    answers = in_turn(*[request(there.url())] * 2)

    assert [each.body for each in answers if isinstance(each, Answer)] == [b"fine."] * 2
    assert there.connections == 2


def test_cookies_are_not_kept(receiver: Callable[..., Receiver]) -> None:
    there = receiver(HEAD + b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", keeps=True)

    in_turn(*[request(there.url())] * 2)

    assert "cookie" not in there.headers()


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
    assert "authorization" not in there.headers()


def test_slow_receivers_do_not_hold_up_the_others(receiver: Callable[..., Receiver]) -> None:
    slow = receiver(lambda _connection, over: over.wait(10))
    flood = receiver(forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000))
    good = receiver(keeps=True)

    async def work(pool: Pool) -> list[bool]:
        hanging, flooded = (
            [asyncio.create_task(pool.send(request(bad.url(), deadline=30))) for _ in range(20)]
            for bad in (slow, flood)
        )
        await asyncio.gather(*[pool.send(request(good.url())) for _ in range(100)])
        is_over = [task.done() for task in hanging]
        for task in hanging:
            task.cancel()
        results = await asyncio.gather(*hanging, *flooded, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError, Failed}
        return is_over

    assert within(work) == [False] * 20
    assert len(good.requests) == 100


HOSTILE: list[tuple[str, list[str]]] = [
    *[(url, ["1.1.1.1"]) for url in NO_WEB_ADDRESSES],
    *[(f"https://{host}/", ["127.0.0.1"]) for host in OWN_NAMES],
    *[(f"https://1.1.1.1:{port}/", []) for port in OTHER_PORTS],
    *[(f"https://name.example:{port}/", ["1.1.1.1"]) for port in OTHER_PORTS],
    *[(f"https://[{each}]/" if ":" in each else f"https://{each}/", []) for each in REFUSED],
    *[("https://name.example/", [each]) for each in REFUSED],
    *[("https://name.example/", ["1.1.1.1", each]) for each in REFUSED],
]


@pytest.mark.parametrize(("url", "addresses"), HOSTILE)
def test_no_connection_is_opened_to_what_is_not_public(
    monkeypatch: pytest.MonkeyPatch, connected: list[Any], url: str, addresses: list[str]
) -> None:
    resolving_to(monkeypatch, *addresses, port=443)

    with pytest.raises((Blocked, Failed)):
        ask(url, reach=Reach.LISTED)
    assert connected == []


def test_there_are_more_than_enough_hostile_targets() -> None:
    assert len(HOSTILE) > 110


def test_where_only_https_will_do_nothing_else_is_sent(connected: list[Any]) -> None:
    with pytest.raises(Blocked, match="https"):
        ask("http://1.1.1.1/", reach=Reach.LISTED, https_only=True)
    assert connected == []


def test_a_public_host_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    resolving_to(monkeypatch, "1.1.1.1")

    with pytest.raises(Failed, match="ConnectionRefusedError"):
        ask("https://name.example/", reach=Reach.LISTED)
    assert connected == [("1.1.1.1", 443)]


def test_a_name_that_changes_its_mind_is_connected_to_as_it_was_looked_at(
    monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    answers = iter(["1.1.1.1", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with pytest.raises(Failed):
        ask("https://rebinding.example/", reach=Reach.LISTED)
    assert (asked, connected) == (["rebinding.example"], [("1.1.1.1", 443)])


def test_a_kept_connection_is_no_way_around_the_look_at_its_address(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    there = receiver(keeps=True)
    settings.OUTGOING_PORTS = [there.port]
    resolving_to(monkeypatch, "127.0.0.1")
    url = f"http://{NAME}:{there.port}/"

    answers = in_turn(request(url), request(url, reach=Reach.LISTED), request(url))

    assert statuses(answers) == [200, Blocked, 200]
    assert len(there.requests) == 2


def test_a_listed_host_is_allowed_by_its_name(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    there = receiver()
    settings.OUTGOING_ALLOWED_HOSTS = [f"{NAME}:{there.port}"]
    asked = resolving_to(monkeypatch, "127.0.0.1")

    answer = ask(f"http://{NAME}:{there.port}/", reach=Reach.LISTED)

    assert answer.status == 200
    assert [name for name, *_ in asked] == [NAME]
    assert there.headers()["host"] == f"{NAME}:{there.port}"
    with pytest.raises(Blocked):
        ask(there.url(), reach=Reach.LISTED)


def test_a_dead_address_leaves_time_for_the_next(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = receiver()
    resolving_to(monkeypatch, "127.0.0.9", "127.0.0.1")

    assert ask(f"http://{NAME}:{there.port}/").status == 200


def test_a_name_is_looked_up_once_for_all_who_ask(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = receiver()
    asked = resolving_to(monkeypatch, "127.0.0.1")
    url = f"http://{NAME}:{there.port}/"

    async def work(pool: Pool) -> None:
        await asyncio.gather(*[pool.send(request(url)) for _ in range(10)])
        await pool.send(request(url))

    within(work)

    assert (len(asked), len(there.requests)) == (1, 11)


def test_names_that_hang_hold_up_neither_the_loop_nor_the_names_that_are_known(
    receiver: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = receiver()
    over = threading.Event()

    def getaddrinfo(host: str, port: int, *_rest: Any, **_more: Any) -> list[Any]:
        if host.startswith("hanging"):
            over.wait(10)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    async def work(pool: Pool) -> tuple[list[Any], Answer, int]:
        await pool.send(request(f"http://{NAME}:{there.port}/"))
        hanging = [
            asyncio.create_task(pool.send(request(f"http://hanging{n}.example/", deadline=0.5)))
            for n in range(100)
        ]
        answer = await pool.send(request(f"http://{NAME}:{there.port}/", deadline=0.4))
        threads = sum(each.name == "resolver" for each in threading.enumerate())
        return await asyncio.gather(*hanging, return_exceptions=True), answer, threads

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(outgoing, "_NAME_SECONDS", -1.0)
    try:
        failures, answer, threads = within(work)
    finally:
        over.set()

    assert {type(each) for each in failures} == {DeadlineExceeded}
    assert answer.status == 200
    assert threads < 100


@pytest.mark.parametrize("name", ["Host", "Transfer-Encoding", "content-length", "X Y", "X\r\nY"])
def test_a_header_that_changes_the_message_is_blocked(connected: list[Any], name: str) -> None:
    with pytest.raises(Blocked, match="header"):
        ask("http://127.0.0.1/", headers={name: "x"})
    assert connected == []


@pytest.fixture
def secure(
    receiver: Callable[..., Receiver],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Receiver:
    """Give a receiver that proves itself as desk.example."""
    there = receiver(keeps=True)
    file = make_certificate(tmp_path, name=NAME)
    there.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.tls.load_cert_chain(file)
    settings.OUTGOING_CA_FILE = str(file)
    resolving_to(monkeypatch, "127.0.0.1", port=there.port)
    return there


def test_tls_is_spoken_with_a_host_that_proves_its_name(secure: Receiver) -> None:
    url = f"https://{NAME}:{secure.port}/"

    assert statuses(in_turn(request(url), request(url))) == [200, 200]
    assert secure.connections == 1


def test_a_host_that_proves_another_name_is_not_spoken_to(secure: Receiver) -> None:
    with pytest.raises(Failed, match="SSLCertVerificationError"):
        ask(f"https://other.example:{secure.port}/", method="POST", body=b"secret")

    assert secure.requests == []


@pytest.mark.parametrize("pause", [None, 0.02])
def test_a_drip_or_a_hanging_handshake_of_tls_is_left_at_the_deadline(
    secure: Receiver, pause: float | None
) -> None:
    if pause is None:
        secure.tls = None
    secure.behave = forever(b"a", start=HEAD + b"\r\n", pause=pause or 10)

    def work() -> None:
        with pytest.raises(DeadlineExceeded):
            ask(f"https://{NAME}:{secure.port}/", deadline=0.4)

    assert took(work) < 1.4


def test_connections_of_the_names_of_one_host_are_told_apart_by_what_is_proven(
    secure: Receiver,
) -> None:
    first = request(f"https://{NAME}:{secure.port}/")
    other = request(f"https://other.example:{secure.port}/")

    assert statuses(in_turn(first, other)) == [200, Failed]
