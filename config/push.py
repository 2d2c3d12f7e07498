"""The push process of production: what desktops are told, over CometD, and nothing else.

The proxy in front sends /api/v2/notifications and what is below it here, the rest to `web`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# Models can be imported from here on.
from agents.cometd.asgi import CometD  # noqa: E402

if TYPE_CHECKING:
    from agents.cometd.asgi import Receive, Scope, Send

_ENDS = (signal.SIGTERM, signal.SIGINT)


class Push:
    """The endpoint with the life of its process: whatever is held is answered when that ends."""

    def __init__(self, cometd: CometD) -> None:
        self._cometd = cometd
        self._is_heard = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hear how the process fares."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._hear_the_end()
        if self._cometd.serves(scope["path"]):
            await self._cometd(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                self._hear_the_end()
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self._cometd.end()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _hear_the_end(self) -> None:
        """Answer what is held when the process is told to end: servers wait for it before they say.

        The server's own handler does the rest.
        """
        if self._is_heard or threading.current_thread() is not threading.main_thread():
            return
        self._is_heard = True
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            self._chain(number, loop)

    def _chain(self, number: signal.Signals, loop: asyncio.AbstractEventLoop) -> None:
        former: Any = signal.getsignal(number)

        def handle(signum: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._cometd.stop)
            if callable(former):
                former(signum, frame)

        if callable(former):
            signal.signal(number, handle)


cometd = CometD()
application = Push(cometd)
