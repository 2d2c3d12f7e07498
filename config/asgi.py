"""The one local port: CometD beside Django, and the rest to the WSGI application of production."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from a2wsgi import WSGIMiddleware

from config.push import Push, cometd
from config.wsgi import application as django

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from a2wsgi.wsgi_typing import WSGIApp

    from agents.cometd.asgi import CometD, Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The threads stay, and with them their database connections. Under ASGI proper, Django would
# open a new one for each request.
_THREADS = 8


def beside_django(cometd: CometD, pages: object) -> Application:
    """Give an application that answers what desktops are told, and has Django answer the rest."""
    push = Push(cometd)
    rest = WSGIMiddleware(cast("WSGIApp", pages), workers=_THREADS)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or cometd.serves(scope["path"]):
            await push(scope, receive, send)
        else:
            await rest(scope, receive, send)  # type: ignore[arg-type]  # a2wsgi has types of its own

    return application


application = beside_django(cometd, django)
