"""Pages and CometD behind one port, as they run locally: what the desk needs to be alive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections

from agents.cometd.asgi import CometD
from agents.cometd.options import Options
from config.asgi import beside_django
from config.wsgi import application as django_application
from tests.notifications.workers import wait_until

if TYPE_CHECKING:
    import redis as redis_client

# A page learns by its next poll that nobody is signed in any more.
_QUICK = Options(timeout=2_000)
_with_static_files = StaticFilesHandler(django_application)


@pytest.fixture
def server_url(redis: redis_client.Redis, transactional_db: None) -> Iterator[str]:
    """Serve everything on a free port, on an empty Redis."""
    with _serving() as url:
        yield url


@contextmanager
def _serving() -> Iterator[str]:
    cometd = CometD(_QUICK)
    config = uvicorn.Config(
        beside_django(cometd, _pages),
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="desk-server")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        cometd.stop()
        server.should_exit = True
        thread.join(20)


def _pages(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Serve a request as production does, and keep no connection for the next test."""
    answer = _with_static_files(environ, start_response)
    try:
        yield from answer
    finally:
        # Files are open until then.
        answer.close()
        connections.close_all()
