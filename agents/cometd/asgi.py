"""The endpoint over HTTP: long-polling, and callback-polling where it is switched on.

It stands beside Django: under it, each held poll would keep a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from agents.cometd import protocol
from agents.cometd.callers import Credentials
from agents.cometd.endpoint import Answer, Endpoint, Sender
from agents.cometd.options import PATH, Options
from agents.cometd.protocol import Unreadable
from agents.services import desk_cookies
from config.kernel import limits
from config.kernel.throttling import client_address

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BROWSER_COOKIE = "BAYEUX_BROWSER"
_CALLBACK = re.compile(r"[A-Za-z0-9_.$]{1,128}")
_BROWSER = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_JSON, _SCRIPT = b"application/json", b"text/javascript"


class ClientGone(Exception):
    """Nobody waits for an answer any more."""


@dataclass(frozen=True, kw_only=True)
class _Request:
    scope: Scope
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, scope: Scope) -> _Request:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            joint = "; " if key == "cookie" else ", "
            text = value.decode("latin-1")
            headers[key] = f"{headers[key]}{joint}{text}" if key in headers else text
        return cls(scope=scope, headers=headers)

    def sender(self, gone: Callable[[], Awaitable[None]]) -> Sender:
        cookies = parse_cookie(self.headers.get("cookie", ""))
        browser = cookies.get(BROWSER_COOKIE, "")
        return Sender(
            credentials=Credentials(
                authorization=self.headers.get("authorization", ""),
                cookie=cookies.get(desk_cookies.NAME, ""),
                csrf_token=self.headers.get(desk_cookies.CSRF_HEADER.lower(), ""),
                address_of=self._address,
            ),
            browser=browser if _BROWSER.fullmatch(browser) else "",
            gone=gone,
        )

    def _address(self) -> str:
        request = HttpRequest()
        request.META = {
            "REMOTE_ADDR": (self.scope.get("client") or ("",))[0],
            "HTTP_X_FORWARDED_FOR": self.headers.get("x-forwarded-for", ""),
        }
        return client_address(request)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The messages of a request, and the callback that wants the answer."""

    messages: list[protocol.Message]
    callback: str = ""


class CometD:
    """The ASGI application of the endpoint; it belongs to the event loop that asks first."""

    def __init__(self, options: Options | None = None, *, url: str = "") -> None:
        self._options = options
        self._url = url
        self._endpoint: Endpoint | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a WebSocket is refused at once."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        try:
            await self._answer(scope, receive, send)
        except Unreadable as unreadable:
            await _send(send, unreadable.status)
        except ClientGone:
            return

    def serves(self, path: str) -> bool:
        """Tell whether a path is the endpoint's."""
        return path == PATH or path.startswith(f"{PATH}/")

    def stop(self) -> None:
        """Answer every held poll at once, so that clients come back to another process."""
        if self._endpoint is not None:
            self._endpoint.stop()

    async def end(self) -> None:
        """Let go of Redis and the database."""
        if self._endpoint is not None:
            await self._endpoint.end()
            self._endpoint = None

    def _ready(self) -> Endpoint:
        if self._endpoint is None:
            options = self._options or Options.of_settings()
            self._endpoint = Endpoint(self._url or settings.REDIS_URL, options)
        return self._endpoint

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._ready()
        request = _Request.of(scope)
        asked = await _asked(request, receive, endpoint.options)
        answer = await endpoint.answer(asked.messages, request.sender(lambda: _gone(receive)))
        if not answer.replies:
            raise ClientGone
        body, kind = protocol.body_of(answer.replies), _JSON
        if asked.callback:
            body, kind = b"%s(%s)" % (asked.callback.encode(), body), _SCRIPT
        await _send(send, HTTPStatus.OK, body, kind=kind, cookies=_cookies(answer))


async def _asked(request: _Request, receive: Receive, options: Options) -> _Asked:
    match request.scope["method"]:
        case "POST":
            body = await _body(request, receive)
            kind = request.headers.get("content-type", "")
            return _Asked(messages=protocol.parse(body, kind, most=options.max_messages))
        case "GET" if options.has_callback_polling:
            return _asked_by_query(request, options)
        case "GET":
            raise Unreadable
    raise Unreadable(HTTPStatus.METHOD_NOT_ALLOWED)


def _asked_by_query(request: _Request, options: Options) -> _Asked:
    try:
        query = parse_qs(request.scope["query_string"].decode(), max_num_fields=100)
    except ValueError:
        raise Unreadable from None
    callback = query.get("jsonp", ["jsonpcallback"])[0]
    texts = [text.encode("utf-8", "surrogatepass") for text in query.get("message", [])]
    if not _CALLBACK.fullmatch(callback):
        raise Unreadable
    messages = protocol.messages_in(texts, most=options.max_messages)
    return _Asked(messages=messages, callback=callback)


async def _body(request: _Request, receive: Receive) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.BODY_BYTES:
        raise Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        body += bytes(event.get("body", b""))
        if len(body) > limits.BODY_BYTES:
            raise Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not event.get("more_body"):
            return body


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        # A server that says the same again must not keep the loop busy.
        await asyncio.sleep(0)


def _cookies(answer: Answer) -> list[bytes]:
    secure = "; Secure" if settings.SECURE else ""
    cookies = (
        (BROWSER_COOKIE, answer.browser_to_set),
        (desk_cookies.NAME, answer.cookie_to_set),
    )
    return [
        f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()
        for name, value in cookies
        if value
    ]


async def _send(
    send: Send,
    status: int,
    body: bytes = b"",
    *,
    kind: bytes = b"text/plain; charset=utf-8",
    cookies: list[bytes] | None = None,
) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *((b"set-cookie", cookie) for cookie in cookies or ()),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
