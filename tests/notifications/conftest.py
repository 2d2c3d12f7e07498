"""What the tests of the webhooks start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.kernel.receivers import Receiver
from tests.notifications.ledger import make_application
from tests.notifications.webhooks import receivers

if TYPE_CHECKING:
    from pytest_django import Settings

    from agents.models import Application

MakeReceiver = Callable[..., Receiver]


@pytest.fixture
def application() -> Application:
    return make_application()


@pytest.fixture
def receiver_of(settings: Settings) -> Iterator[MakeReceiver]:
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True
    with receivers() as make:
        yield make
