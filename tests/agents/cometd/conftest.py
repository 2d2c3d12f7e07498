"""One endpoint, and people whose desktops are told things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.kernel.actors import Role
from tests.agents.cometd.serving import Client, Served, basic, serving
from tests.make import make_organization, make_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis as redis_client

    from agents.models import User


@pytest.fixture
def served(redis: redis_client.Redis, transactional_db: None) -> Iterator[Served]:
    """Run the endpoint on an empty Redis."""
    with serving() as running:
        yield running


@pytest.fixture
def agent(transactional_db: None) -> User:
    """Give an agent."""
    return make_user(make_organization())


@pytest.fixture
def supervisor(agent: User) -> User:
    """Give a supervisor of the agent's organisation."""
    return make_user(agent.organization, [Role.SUPERVISOR])


@pytest.fixture
def desktop_of(served: Served) -> Callable[[User], Client]:
    """Give what makes desktops of people who prove themselves by their password."""
    return lambda user: Client(served.port, basic(user.username))


@pytest.fixture
def desktop(desktop_of: Callable[[User], Client], agent: User) -> Client:
    """Give a desktop of the agent, before anything was said."""
    return desktop_of(agent)
