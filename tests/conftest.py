"""What every test has: fast passwords, real servers of its own, and reasons for what is skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import redis as redis_client
from django.conf import settings as django_settings
from django.utils import timezone

from tests.contract.client import ApiClient
from tests.mailbox import Mailbox
from tests.programs import NEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from pytest_django import Settings


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the machine cannot run, by name and reason; with CI set that is a failure."""
    for mark, (program, reason) in NEEDED.items():
        if item.get_closest_marker(mark) and not program:
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _own_redis_database(request: pytest.FixtureRequest) -> None:
    """Give every xdist worker a Redis database of its own, beside the one of the environment."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not worker:
        return
    server, _, number = django_settings.REDIS_URL.rpartition("/")
    url = f"{server}/{int(number) + 1 + int(worker)}"
    if django_settings.CELERY_BROKER_URL == django_settings.REDIS_URL:
        django_settings.CELERY_BROKER_URL = url
    django_settings.REDIS_URL = url


@pytest.fixture
def redis() -> Iterator[redis_client.Redis]:
    """Give a client of this worker's Redis database, which is empty before and after."""
    with redis_client.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(autouse=True)
def _fast_passwords_and_no_stray_mail(request: pytest.FixtureRequest, settings: Settings) -> None:
    # Argon2 takes a tenth of a second on purpose; tests of passwords themselves ask for it.
    if "slow_passwords" not in request.fixturenames:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Django's test environment swaps in memory for SMTP. We want the real backend, and nobody at
    # the other end unless a test asks for `mailbox`: port 9 is refused at once.
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""


@pytest.fixture
def slow_passwords() -> None:
    """Keep the password hashers of production."""


@pytest.fixture(scope="session")
def _smtp_server() -> Iterator[Mailbox]:
    box = Mailbox()
    with box.listening():
        yield box


@pytest.fixture
def mailbox(
    _smtp_server: Mailbox, _fast_passwords_and_no_stray_mail: None, settings: Settings
) -> Mailbox:
    """Give a real SMTP server, empty and in a good mood, to which all mail of the test goes."""
    _smtp_server.forget()
    settings.EMAIL_HOST, settings.EMAIL_PORT = _smtp_server.host, _smtp_server.port
    return _smtp_server


@pytest.fixture
def now() -> datetime:
    """Give this moment, in whole seconds: tokens are judged by the real clock."""
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def api() -> Callable[..., ApiClient]:
    """Make clients whose every answer is held against the contract: ``api(token).get(…)``."""
    return ApiClient
