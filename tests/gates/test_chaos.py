"""The short form of `make chaos`: reminders by three channels, while their workers have trouble."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from config.local.home import LOCALHOST, Home, is_free
from notifications.models import Notification
from notifications.transports.webhooks.signing import new_secret
from tests.gates.chaos import CLOCK, TWO_HOURS
from tests.gates.mixed import Outside, Plan, found, plan_mixed
from tests.gates.receiver import Requests, environment_of
from tests.gates.sink import Arrivals
from tests.mailbox import Mailbox
from tests.notifications.ledger import make_application
from tests.notifications.workers import ROOT, WorkerProcess, wait_until

if TYPE_CHECKING:
    import redis as redis_client

pytestmark = pytest.mark.django_db(transaction=True)

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def _mail_port(tmp_path: Path) -> int:
    return Home.at(str(tmp_path)).port("mail")


@pytest.fixture
def outside(tmp_path: Path, _mail_port: int) -> Iterator[Outside]:
    """Run a mail server, a receiver of webhooks and a gateway for SMS, which write down all."""
    port, secret = Home.at(str(tmp_path)).port("receiver"), new_secret()
    mails, requests = tmp_path / "mails", tmp_path / "requests"
    commands = [
        ["tests.gates.sink", str(mails), str(_mail_port)],
        ["tests.gates.receiver", str(requests), str(port), secret],
    ]
    with ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT)
            stack.enter_context(process)
            stack.callback(process.kill)
        wait_until(lambda: not (is_free(LOCALHOST, port) or is_free(LOCALHOST, _mail_port)))
        yield Outside(secret=secret, port=port, mails=Arrivals(mails), requests=Requests(requests))


@pytest.fixture
def start_worker(outside: Outside, _mail_port: int) -> Iterator[StartWorker]:
    """Give what starts workers that send there."""
    mailbox = Mailbox(host=LOCALHOST, port=_mail_port)
    with ExitStack() as stack:

        def start(**env: str) -> WorkerProcess:
            return stack.enter_context(
                WorkerProcess(mailbox, **environment_of(outside.port), **env)
            )

        yield start


def planned(outside: Outside, count: int = 200, *, seconds: int = 2) -> Plan:
    return plan_mixed(make_application(), outside, count, seconds=seconds)


def wrong(plan: Plan, outside: Outside, *, hard_ends: int = 0) -> list[str]:
    """Wait until nothing is to come; give what is not as it was promised."""
    open_ = Notification.objects.filter(due_at__isnull=False).exclude(pk__in=plan.later)
    wait_until(lambda: not open_.exists(), within=40)
    checks = found(plan, outside, hard_ends=hard_ends)
    return [check.text for check in checks if check.is_met is False]


def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    outside: Outside, start_worker: StartWorker
) -> None:
    plan = planned(outside, 400, seconds=6)
    elder, younger = start_worker(), start_worker()

    for kill in range(1, 3):
        enough = plan.count * kill // 4
        wait_until(lambda enough=enough: outside.count() >= enough)  # type: ignore[misc]  # a default
        elder.kill()
        elder, younger = younger, start_worker()

    assert wrong(plan, outside, hard_ends=2) == []


def test_a_broker_that_is_emptied_and_connections_that_are_cut_lose_nothing(
    outside: Outside, start_worker: StartWorker, redis: redis_client.Redis
) -> None:
    plan = planned(outside, seconds=4)
    start_worker()
    start_worker()

    for part in (1, 2, 3):
        wait_until(lambda part=part: outside.count() >= plan.count * part // 4)  # type: ignore[misc]  # a default
        redis.flushdb()
        cut_connections()

    assert wrong(plan, outside, hard_ends=2 * 3) == []


@pytest.mark.parametrize("off_by", [TWO_HOURS, -TWO_HOURS], ids=["ahead", "behind"])
def test_a_worker_whose_clock_is_two_hours_off_is_punctual(
    outside: Outside, start_worker: StartWorker, off_by: int
) -> None:
    plan = planned(outside, 100)

    start_worker(PYTHONPATH=str(CLOCK), CLOCK_OFF_BY=str(off_by))

    assert wrong(plan, outside) == []


def cut_connections() -> None:
    """Cut every other connection to the database, as its restart does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [connection.settings_dict["NAME"]],
        )
