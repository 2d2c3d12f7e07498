"""The short form of the drill: desktops that lose nothing while processes are killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gates.desks import Plan, play
from tests.make import make_organization

if TYPE_CHECKING:
    import redis as redis_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("cc.cometd.protocol.r46", "cc.cometd.protocol.r48", "cc.cometd.protocol.r54")
def test_each_desktop_hears_each_event_once_and_in_order(redis: redis_client.Redis) -> None:
    plan = Plan(members=20, events=400, seconds=8, kill_every=2)

    found = play(make_organization(), plan)

    assert found.wrong == []
    assert found.kills >= 2
    assert found.flushes == 1
