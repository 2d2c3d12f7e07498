"""The one local port: everything goes to the WSGI application that production runs.

CometD's long polls will be answered here, beside Django: there, each of them would keep a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from a2wsgi import WSGIMiddleware

from config.wsgi import application as django

if TYPE_CHECKING:
    from a2wsgi.wsgi_typing import WSGIApp

# The threads stay, and with them their database connections. Under ASGI proper, Django would
# open a new one for each request.
_THREADS = 8

application = WSGIMiddleware(cast("WSGIApp", django), workers=_THREADS)
