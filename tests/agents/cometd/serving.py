"""The endpoint behind a real HTTP server, and a plain client that says what it is told to."""

from __future__ import annotations

import http.client
import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis
import uvicorn
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from agents.cometd.asgi import CometD
from agents.cometd.names import PREFIX
from agents.cometd.options import PATH, Options
from agents.models import User
from agents.services import push
from agents.services.push import Told
from config.asgi import beside_django
from config.push import Push
from config.wsgi import application as django_application
from tests.make import PASSWORD
from tests.notifications.workers import wait_until

# So short that a test can wait for the end of it, so long that a slow machine gets a word in.
QUICK = Options(timeout=2_000, max_interval=3_000)
Message = dict[str, Any]


@dataclass
class Served:
    """A server that runs in a thread of this process."""

    port: int
    cometd: CometD
    server: uvicorn.Server


@contextmanager
def serving(options: Options = QUICK, *, with_django: bool = False) -> Iterator[Served]:
    """Run the endpoint, alone or with everything else, on a free port until the block ends."""
    cometd = CometD(options)
    config = uvicorn.Config(
        beside_django(cometd, _pages) if with_django else Push(cometd),
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="cometd-server")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(port=port, cometd=cometd, server=server)
    finally:
        cometd.stop()
        server.should_exit = True
        thread.join(20)


def _pages(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Serve a request as production does, and keep no connection for the next test."""
    try:
        yield from django_application(environ, start_response)
    finally:
        connections.close_all()


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def cookies(self) -> list[str]:
        return [value for key, value in self.headers if key.lower() == "set-cookie"]


def basic(username: str, password: str = PASSWORD) -> str:
    """Give the header of HTTP Basic."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


@dataclass
class Client:
    """A desktop without manners: it sends what the test says, and keeps no cookies."""

    port: int
    authorization: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    id: str = ""

    def request(
        self,
        body: bytes | str | None,
        *,
        path: str = PATH,
        method: str = "POST",
        kind: str = "application/json",
        **headers: str,
    ) -> Reply:
        """Send a request and give the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {"Content-Type": kind, **self.headers, **headers}
            if self.authorization:
                sent["Authorization"] = self.authorization
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.getheaders(), body=answer.read())
        finally:
            connection.close()

    def post(self, *messages: Message, path: str = PATH, **headers: str) -> list[Message]:
        """Send messages and give what is answered."""
        reply = self.request(json.dumps(messages), path=path, **headers)
        assert reply.status == 200, reply
        answered: list[Message] = reply.json
        return answered

    def say(self, channel: str, **members: Any) -> Message:
        """Give a message of this client."""
        return {"channel": channel, "clientId": self.id, **members}

    def handshake(self, **members: Any) -> Message:
        """Shake hands and give the reply."""
        asked = {
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            **members,
        }
        (reply,) = self.post(asked)
        self.id = reply.get("clientId", "")
        return reply

    def subscribe(self, *topics: str, **members: Any) -> Message:
        """Subscribe to one topic, or to several at once."""
        wanted = topics[0] if len(topics) == 1 else list(topics)
        (reply,) = self.post(self.say("/meta/subscribe", subscription=wanted, **members))
        return reply

    def connect(self, **members: Any) -> list[Message]:
        """Poll, and give events and reply."""
        return self.post(self.say("/meta/connect", connectionType="long-polling", **members))

    def hear(self, **members: Any) -> list[Message]:
        """Poll, and give the events alone."""
        return [one for one in self.connect(**members) if "data" in one]

    def ready(self, *topics: str, **members: Any) -> Client:
        """Shake hands, subscribe, and have the first poll behind it."""
        assert self.handshake(**members)["successful"]
        for topic in topics:
            assert self.subscribe(topic)["successful"]
        self.connect()
        return self

    def leave_while_polling(self) -> Callable[[], None]:
        """Poll; give what cuts the connection once the poll is held."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps([self.say("/meta/connect", connectionType="long-polling")])
        sent = {"Content-Type": "application/json", "Authorization": self.authorization}
        connection.request("POST", PATH, body=body, headers=sent)
        wait_until(lambda: is_held(self.id), within=10)
        return connection.close

    @contextmanager
    def polling(self, **members: Any) -> Iterator[Future[list[Message]]]:
        """Poll in the background, and go on once the poll is held."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.connect, **members)
            wait_until(lambda: future.done() or is_held(self.id), within=10)
            yield future
            with suppress(TimeoutError):
                future.result(10)


def is_held(client: str) -> bool:
    """Tell whether a poll of the client is held by somebody."""
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        return bool(store.hget(f"{PREFIX}s:{client}", "hold"))


def tell(user: User, *data: Any, topic: str = "/v2/me/calls") -> None:
    """Tell somebody something, as a command does, and commit it."""
    with transaction.atomic():
        push.tell(
            [told(user.pk, one, topic=topic) for one in data],
            organization_id=user.organization_id,  # type: ignore[arg-type]  # nobody here operates
            now=timezone.now(),
        )


def told(user_id: UUID, data: Any, *, topic: str = "/v2/me/calls") -> Told:
    """Give one thing that somebody is told."""
    return Told(user_id=user_id, topic=topic, data=data if isinstance(data, dict) else {"n": data})


def numbers(events: list[Message]) -> list[Any]:
    """Give what `tell` was given, as it came."""
    return [event["data"].get("n") for event in events]
