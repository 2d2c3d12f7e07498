"""/healthz and /readyz."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config import views

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

OK = {"status": "ok"}
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.mark.rule("frontdesk.health.live.r1")
@pytest.mark.django_db
def test_healthz_asks_no_server(
    client: Client, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REDIS_URL = NOWHERE

    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, OK)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.rule("frontdesk.health.ready.r1")
@pytest.mark.django_db(transaction=True)
def test_readyz_is_content_with_servers_that_answer(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, OK)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.rule("frontdesk.health.ready.r2")
@pytest.mark.django_db(transaction=True)
def test_readyz_names_every_server_that_is_away_and_no_more(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = NOWHERE
    parameters = connection.get_connection_params()
    monkeypatch.setattr(
        connections["default"], "get_connection_params", lambda: parameters | {"port": 9}
    )

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert answer.json() == {
        "code": "NOT_READY",
        "message": "Requests cannot be served at the moment.",
        "errors": {"database": ["It does not answer."], "redis": ["It does not answer."]},
    }


@pytest.mark.rule("frontdesk.health.ready.r2")
@pytest.mark.django_db(transaction=True)
def test_readyz_waits_for_migrations(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = frozenset({*MigrationRecorder(connection).applied_migrations(), ("agents", "9999_new")})
    monkeypatch.setattr(views, "_migrations", lambda: newer)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["errors"] == {"migrations": ["1 are not applied."]}


@pytest.mark.rule("frontdesk.health.ready.r3")
def test_readyz_tells_nobody_where_its_servers_are(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://user:secret-word@127.0.0.1:9/0"
    parameters = connection.get_connection_params() | {"port": 9, "password": "secret-word"}
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: parameters)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    for word in (b"secret-word", b"127.0.0.1", b"user", b"postgres"):
        assert word not in answer.content


def test_a_probe_answers_get_alone(client: Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.post(path).status_code == 405
