"""Security counters: exact, also when many come at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from agents.errors import TooManyAttempts
from agents.models import SecurityCounter
from agents.services import counters
from agents.services.counters import Limit, take

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.django_db

THREE = Limit(name="three", most=3, window=timedelta(minutes=5))
FIVE = Limit(name="five", most=5, window=timedelta(minutes=5))


def test_a_limit_holds_for_its_window_and_says_how_long(now: datetime) -> None:
    for _ in range(3):
        take((THREE, "a"), now=now)

    with pytest.raises(TooManyAttempts) as refusal:
        take((THREE, "a"), now=now + timedelta(minutes=4))

    assert refusal.value.facts == {"retry_after": timedelta(minutes=1)}
    take((THREE, "b"), now=now)
    take((THREE, "a"), now=now + timedelta(minutes=5))


def test_one_limit_that_is_reached_leaves_the_others_alone(now: datetime) -> None:
    for _ in range(3):
        take((FIVE, "x"), (THREE, "a"), now=now)
    for _ in range(4):
        with pytest.raises(TooManyAttempts):
            take((FIVE, "x"), (THREE, "a"), now=now)

    assert sorted(SecurityCounter.objects.values_list("count", flat=True)) == [3, 3]


def test_what_is_given_back_was_not_counted(now: datetime) -> None:
    for _ in range(9):
        take((THREE, "a"), now=now).give_back()

    assert SecurityCounter.objects.get().count == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_a_subscriber_has_one_address_or_a_network(address: str, network: str) -> None:
    assert counters.network_of(address) == network


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_no_more_than_the_limit_get_through(now: datetime) -> None:
    together = threading.Barrier(20)
    outcomes: list[bool] = []

    def attempt() -> None:
        try:
            together.wait()
            take((THREE, "a"), now=now)
            outcomes.append(True)
        except TooManyAttempts:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False] * 17 + [True] * 3
