from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.local.home import Home
from config.local.leftovers import Roll, is_alive, processes, works_in
from config.local.redis import Redis
from config.local.supervisor import Supervisor


@contextmanager
def running(server: Redis) -> Iterator[redis_client.Redis]:
    roll = Roll(server.home.path / "children.json")
    with Supervisor(roll, output=io.StringIO()) as supervisor:
        supervisor.start_and_wait(server.program(), is_ready=server.is_ready)
        with redis_client.Redis.from_url(server.url) as client:
            yield client


def process_of(server: Redis) -> psutil.Process:
    names = frozenset({"redis-server", "valkey-server"})
    (process,) = (found for found in processes(names) if works_in(found, server.data))
    return process


@pytest.fixture
def server(home: Home) -> Redis:
    return Redis.of(home)


def test_keys_are_there_again_after_a_stop_and_after_a_kill(server: Redis) -> None:
    with running(server) as client:
        client.set("stopped", "kept")
        stopped = process_of(server)
    assert not stopped.is_running()

    # What a command has been answered for is in the file; the disk may wait, the process not.
    with running(server) as client:
        client.set("killed", "kept")
        process_of(server).kill()
    with running(server) as client:
        assert client.mget("stopped", "killed") == [b"kept", b"kept"]


def test_a_server_of_a_killed_run_is_ended_before_the_next_one_starts(
    server: Redis, supervisor: Supervisor
) -> None:
    # A supervisor that is no longer looking, on a system where its children outlive it.
    supervisor.start_and_wait(server.program(), is_ready=server.is_ready)
    orphan = process_of(server)

    with running(server):
        assert not is_alive(orphan)
        assert process_of(server).pid != orphan.pid


def test_nobody_comes_in_without_the_password(server: Redis) -> None:
    with (
        running(server),
        redis_client.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis_client.AuthenticationError),
    ):
        stranger.ping()
