"""Whether the process lives, and whether it can serve: for load balancers and supervisors."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import make_conninfo
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.response import Response
from rest_framework.views import APIView

from config.kernel.errors import DomainError, Kind

if TYPE_CHECKING:
    from rest_framework.request import Request

logger = logging.getLogger(__name__)

# Seconds. A probe that hangs says less than one that fails.
_PATIENCE = 2
_OK = {"status": "ok"}


class NotReady(DomainError):
    kind: ClassVar[Kind] = "unavailable"
    message = "Requests cannot be served at the moment."


class _Probe(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Give what every answer says: it is true for this moment only."""
        return {"Allow": "GET, HEAD", "Cache-Control": "no-store"}


class Health(_Probe):
    """Whether the process lives; no server is asked."""

    def get(self, request: Request) -> Response:
        """Say so."""
        return Response(_OK)


class Readiness(_Probe):
    """Whether requests can be served."""

    def get(self, request: Request) -> Response:
        """Say so.

        Raises NotReady with each server that is away, and without a word about where it is.
        """
        errors = _database_problems() | _redis_problems()
        if errors:
            raise NotReady(errors=errors, retry_after=_PATIENCE)
        return Response(_OK)


healthz = Health.as_view()
readyz = Readiness.as_view()


def _database_problems() -> dict[str, list[str]]:
    # A connection of its own: the kept one would say how the database was a moment ago.
    parameters = connection.get_connection_params()
    wanted = {
        **{key: parameters.get(key) for key in ("host", "port", "user", "password", "dbname")},
        "connect_timeout": _PATIENCE,
        "options": f"-c statement_timeout={_PATIENCE}s",
        "application_name": "frontdesk readyz",
    }
    try:
        with psycopg.connect(make_conninfo("", **wanted)) as fresh:
            applied = set(fresh.execute("SELECT app, name FROM django_migrations").fetchall())
    except psycopg.errors.UndefinedTable:
        applied = set()
    except psycopg.Error as error:
        logger.warning("The database does not answer: %s.", type(error).__name__)
        return {"database": ["It does not answer."]}
    missing = len(_migrations() - applied)
    return {"migrations": [f"{missing} are not applied."]} if missing else {}


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations or ())


def _redis_problems() -> dict[str, list[str]]:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with client:
            client.ping()
    except RedisError as error:
        logger.warning("Redis does not answer: %s.", type(error).__name__)
        return {"redis": ["It does not answer."]}
    return {}
