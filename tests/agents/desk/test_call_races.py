"""Two who act on one call at the same moment: one order, which both see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.db import connection

from agents.errors_calls import CallNotFound, DeviceBusy, NotPossibleNow
from agents.models import Call, Leg, PushMessage, User, WorkState
from agents.services import call_data, calls, waiting_calls
from agents.switch.embedded import EmbeddedSwitch
from agents.switch.exchange import Exchange
from notifications.models import OutboxEvent
from tests.agents.desk.desk import make_queue, stored
from tests.agents.desk.telephony import Phone, confer, connect, make_phones
from tests.appointments.races import run_together
from tests.make import actor_for

pytestmark = pytest.mark.django_db(transaction=True)


def _by(run: Callable[..., None], phone: Phone, now: datetime, *args: object) -> Callable[[], None]:
    return partial(run, *args, actor=actor_for(phone.user), now=now)


def _refusals(outcomes: list[Exception | None]) -> list[type]:
    return sorted((type(one) for one in outcomes if one is not None), key=lambda one: one.__name__)


def _told_in_order(user: User) -> bool:
    numbers = list(
        PushMessage.objects.filter(user=user)
        .order_by("sequence")
        .values_list("sequence", flat=True)
    )
    return numbers == list(range(1, len(numbers) + 1))


@pytest.mark.rule("cc.lifecycle.switch.r8")
def test_one_of_many_holds_a_call(now: datetime) -> None:
    ada, bob = make_phones(2)
    call = connect(ada, bob)

    outcomes = run_together([_by(calls.hold_call, ada, now, call)] * 6)

    assert _refusals(outcomes) == [NotPossibleNow] * 5
    assert len(ada.messages()) == 1


@pytest.mark.rule("cc.lifecycle.switch.r8")
def test_who_hangs_up_and_who_hangs_up_too_are_told_once(now: datetime) -> None:
    ada, bob = make_phones(2)
    call = connect(ada, bob)

    outcomes = run_together([_by(calls.hang_up, one, now, call) for one in (ada, bob) * 3])

    assert _refusals(outcomes) == [CallNotFound] * 5
    assert ada.heard() == bob.heard() == [("StatusChange", call, "Released")]
    assert OutboxEvent.objects.filter(type="call.released").count() == 1


def test_a_telephone_rings_for_one_of_many_callers(now: datetime) -> None:
    called, *callers = make_phones(6)

    run_together([_by(calls.dial, one, now, one.device.pk, called.number) for one in callers])

    assert len(called.calls()) == 1
    ends = Counter(one.heard()[-1][2] for one in callers)
    assert ends == {"Dialing": 1, "Released": 4}


def test_two_who_call_each_other_are_busy_or_ring(now: datetime) -> None:
    ada, bob = make_phones(2)

    outcomes = run_together(
        [
            _by(calls.dial, ada, now, ada.device.pk, bob.number),
            _by(calls.dial, bob, now, bob.device.pk, ada.number),
        ]
    )

    # Whoever comes second has a telephone that rings, and cannot dial.
    assert _refusals(outcomes) == [DeviceBusy]
    assert Call.objects.filter(ended_at__isnull=True).count() == 1


def test_a_queue_gives_each_of_many_callers_another_agent(now: datetime) -> None:
    agents = make_phones(4, state=WorkState.READY)
    house = agents[0].user.organization
    queue = make_queue(*(one.user for one in agents))
    callers = [Phone(house) for _ in range(5)]

    outcomes = run_together(
        [_by(calls.dial, one, now, one.device.pk, queue.phone_number) for one in callers]
    )

    assert _refusals(outcomes) == []
    assert [len(one.calls()) for one in agents] == [1, 1, 1, 1]
    assert Call.objects.filter(waits_in__isnull=False).count() == 1


def test_waiting_calls_are_offered_once_by_many_sweeps(now: datetime) -> None:
    [agent] = make_phones(1)
    queue = make_queue(agent.user)
    callers = [Phone(agent.user.organization) for _ in range(3)]
    for one in callers:
        one.dial(queue.phone_number)
    agent.desktop.post("/me", "Ready")

    run_together([partial(waiting_calls.offer_waiting, now=now)] * 4)

    assert len(agent.calls()) == 1
    assert Call.objects.filter(waits_in__isnull=False).count() == 2


def test_data_of_many_is_all_there(now: datetime) -> None:
    ada, bob = make_phones(2)
    call = connect(ada, bob)

    outcomes = run_together(
        [
            _by(call_data.attach_user_data, (ada, bob)[n % 2], now, call, {f"key{n}": n})
            for n in range(8)
        ]
    )

    assert _refusals(outcomes) == []
    assert ada.call()["userData"] == {f"key{n}": n for n in range(8)}
    assert _told_in_order(ada.user)
    assert _told_in_order(bob.user)


def test_a_conference_in_which_everybody_does_something_stays_whole(now: datetime) -> None:
    ada, bob, cleo = make_phones(3)
    call = confer(ada, bob, cleo)
    dan = Phone(ada.user.organization)

    outcomes = run_together(
        [
            _by(calls.hang_up, ada, now, call),
            _by(calls.remove_participant, bob, now, call, cleo.number),
            _by(calls.add_at_once, cleo, now, call, dan.number),
            _by(calls.hold_call, bob, now, call),
        ]
    )

    assert not [
        one for one in outcomes if one and not isinstance(one, CallNotFound | NotPossibleNow)
    ]
    for live in Call.objects.filter(ended_at__isnull=True):
        assert live.legs.filter(released_at__isnull=True).count() >= 2
    assert not Leg.objects.filter(released_at__isnull=True, call__ended_at__isnull=False).exists()
    assert all(_told_in_order(one.user) for one in (ada, bob, cleo, dan))


@pytest.mark.rule("cc.lifecycle.switch.r9")
@pytest.mark.parametrize("where", ["switch", "told"])
def test_a_crash_leaves_neither_a_change_nor_a_message(
    monkeypatch: pytest.MonkeyPatch, now: datetime, where: str
) -> None:
    ada, bob = make_phones(2)
    call = connect(ada, bob)
    before = stored()
    hold = EmbeddedSwitch.hold

    def crash_after_holding(self: EmbeddedSwitch, exchange: Exchange, leg: Leg) -> None:
        hold(self, exchange, leg)
        raise ZeroDivisionError

    def crash(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    if where == "switch":
        monkeypatch.setattr(EmbeddedSwitch, "hold", crash_after_holding)
    else:
        monkeypatch.setattr("agents.services.push._take", crash)
    with pytest.raises(ZeroDivisionError):
        calls.hold_call(call, actor=actor_for(ada.user), now=now)

    assert stored() == before


@pytest.mark.rule("cc.lifecycle.switch.r10")
def test_a_call_survives_whoever_began_it(now: datetime) -> None:
    ada, bob = make_phones(2)
    call = connect(ada, bob)

    # Nothing of a call is in the process: a new connection goes on with it.
    connection.close()
    calls.hold_call(call, actor=actor_for(ada.user), now=now)

    assert ada.call()["state"] == "Held"
