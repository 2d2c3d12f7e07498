"""Where one drill plays: a new database with the demonstration data, a mail server, processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import redis
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from agents.models import ApiClient, Application, User
from agents.services.demo import load_demo
from config.local.environment import ROOT
from config.local.mail import MailCatcher
from config.local.programs import Program
from notifications.models import Heartbeat, Notification, Status
from tests.bench.databases import connected, url_of
from tests.bench.progress import say
from tests.gates.house import House, Part, from_procfile
from tests.gates.http import Web
from tests.gates.sink import Arrivals
from tests.make import token_for
from tests.notifications.ledger import make_notifications
from tests.notifications.workers import wait_until

_TEMPLATE = "frontdesk"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One gate's own part of the house. The first organisation of the demonstration plays."""

    name: str
    house: House
    environment: dict[str, str]
    arrivals: Arrivals

    def start(self, name: str) -> Part:
        """Start a process of the Procfile."""
        return self._start(from_procfile(name, self.environment))

    def _start(self, program: Program, *, is_ready: Callable[[], bool] = lambda: True) -> Part:
        log = self.house.home.log(f"{self.name}-{program.name}")
        return self.house.start(replace(program, output=log), is_ready=is_ready)

    def start_worker(self) -> Part:
        """Start the worker and wait until it is at work."""
        now = timezone.now()
        worker = self.start("worker")
        noted = Heartbeat.objects.filter(name__startswith="worker", seen_at__gte=now)
        wait_until(noted.exists, within=60)
        return worker

    def start_web(self, token: str = "", **more: str) -> Web:
        """Start the web server of production, wait until it answers, and give a client of it."""
        port = self.house.home.port("web")
        web = Web(port, token)
        program = from_procfile("web", {**self.environment, "PORT": str(port), **more})
        self._start(program, is_ready=lambda: web.get("/healthz").status == 200)
        return web

    def start_local_web(self, token: str = "") -> Web:
        """Start the web server of `make run` beside it, in the same way."""
        port = self.house.home.port("local web")
        web = Web(port, token)
        program = Program(
            name="local-web",
            command=(
                *(sys.executable, "-m", "config.local.web"),
                *("--host", "127.0.0.1", "--port", str(port)),
            ),
            environment={**self.environment, "PORT": str(port)},
            directory=ROOT,
        )
        self._start(program, is_ready=lambda: web.get("/healthz").status == 200)
        return web

    def errors(self) -> int:
        """Count the lines of the product's logs that speak of a bug."""
        logs = self.house.home.directory("log").glob(f"{self.name}-*.log")
        return sum(log.read_text(errors="replace").count(" ERROR ") for log in logs)


@contextmanager
def stage_for(house: House, name: str) -> Iterator[Stage]:
    """Give a stage that nobody has played on; its processes end with the block."""
    database = f"gate_{name}"
    execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    execute(f'CREATE DATABASE "{database}" TEMPLATE "{_TEMPLATE}"')
    with redis.Redis.from_url(house.redis.url) as client:
        client.flushall()
    catcher = MailCatcher.of(house.home)
    environment = {
        **os.environ,
        "DATABASE_URL": url_of(database),
        "EMAIL_URL": catcher.url,
        "FRONTDESK_HOME": str(house.home.path),
    }
    house.home.directory("beat")
    for log in house.home.directory("log").glob(f"{name}-*"):
        log.unlink()
    path = house.home.log(f"{name}-mail")
    try:
        house.start(
            Program(
                name="mail",
                command=(sys.executable, "-m", "tests.gates.sink", str(path), str(catcher.port)),
                environment=environment,
                directory=ROOT,
            ),
            is_ready=catcher.is_ready,
        )
        with connected(database):
            load_demo()
            yield Stage(name=name, house=house, environment=environment, arrivals=Arrivals(path))
    finally:
        house.end_applications()


def execute(statement: str) -> list[tuple[Any, ...]]:
    """Carry out a statement of the drill's own, without the product's time limit."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def care() -> Application:
    """Give the application of Northwind Care, which lets appointments overlap."""
    return _application(prevent_overlaps=False)


def bank() -> Application:
    """Give the application of Contoso Bank, in which an agent has one appointment at a time."""
    return _application(prevent_overlaps=True)


def _application(**fields: object) -> Application:
    return Application.objects.select_related("organization").get(**fields)


def client_token(application: Application) -> str:
    """Give a token of the API client of the application's organisation."""
    return token_for(ApiClient.objects.get(organization=application.organization_id))


def an_agent(application: Application) -> User:
    """Give one of its agents."""
    agents = User.objects.agents().filter(organization=application.organization_id)
    agent: User = agents.order_by("username")[0]
    return agent


def plan(application: Application, count: int, *, seconds: float, ahead: float = 0) -> list[str]:
    """Plan reminders, due at random moments within so many seconds; give their addresses."""
    first: datetime = timezone.now() + timedelta(seconds=ahead)
    # Not due before all of them have their moment.
    rows = make_notifications(application, count=count, due_at=timezone.now() + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_notification AS n SET due_at = given.at, scheduled_for = given.at"
            " FROM (SELECT id, %s + random() * %s * interval '1 second' AS at"
            " FROM unnest(%s::uuid[]) AS id) AS given WHERE n.id = given.id",
            [first, seconds, [row.id for row in rows]],
        )
    return [row.content.address for row in rows]


def due_by_address() -> dict[str, float]:
    """Give when each reminder was to be sent, by the clock of the database."""
    rows = Notification.objects.filter(scheduled_for__isnull=False).values_list(
        "content__address", "scheduled_for"
    )
    return {address: at.timestamp() for address, at in rows if at}


def lost() -> int:
    """Count the messages that were due and are not delivered."""
    undelivered = Notification.objects.exclude(status=Status.DELIVERED)
    return undelivered.exclude(status=Status.INITIALIZED, due_at__gt=Now()).count()


def wait_for_all(*, within: float, name: str) -> None:
    """Wait until every message is delivered; what is left after that time is lost.

    The database may be away meanwhile.
    """
    until, said_at = time.monotonic() + within, time.monotonic()
    while (left := asked(lost)) != 0 and time.monotonic() < until:
        if time.monotonic() - said_at > 5:
            say(f"{name}: {left} to come …")
            said_at = time.monotonic()
        time.sleep(0.2)


def asked(question: Callable[[], int]) -> int:
    """Give the answer of the database; wait for one that has been away."""
    answers: list[int] = []

    def ask() -> bool:
        try:
            answers.append(question())
        except OperationalError:
            connection.close()
            return False
        return True

    wait_until(ask, within=60)
    return answers[-1]
