"""Four agents do whatever comes to their minds: the tables hold, and every desktop knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from agents.call_wire import call_as_seen
from agents.models import (
    Call,
    Device,
    Leg,
    LegState,
    MonitoringKind,
    MonitoringMode,
    MonitoringScope,
    PushMessage,
    User,
    WorkState,
)
from agents.services import (
    call_data,
    calls,
    calls_seen,
    desk_monitoring,
    outside_calls,
    waiting_calls,
)
from agents.services.desk_monitoring import Monitoring
from agents.switch.state import ACTIVE, OFFERED, TURNS, Operation
from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError
from tests.agents.desk.desk import make_active_device, make_agent, make_house, make_queue
from tests.make import actor_for

Run = Callable[..., None]
Json = dict[str, Any]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OUTSIDE = "+4930123456"
PLAIN: dict[Operation, Run] = {
    Operation.ANSWER: calls.answer_call,
    Operation.HANGUP: calls.hang_up,
    Operation.HOLD: calls.hold_call,
    Operation.RETRIEVE: calls.retrieve_call,
    Operation.MUTE: calls.mute_call,
    Operation.UNMUTE: calls.unmute_call,
}
TO_SOMEBODY: dict[Operation, Run] = {
    Operation.SINGLE_STEP_TRANSFER: calls.transfer_at_once,
    Operation.SINGLE_STEP_CONFERENCE: calls.add_at_once,
    Operation.INITIATE_TRANSFER: calls.ask_before_transfer,
    Operation.INITIATE_CONFERENCE: calls.ask_before_conference,
}
WITH_ANOTHER: dict[Operation, Run] = {
    Operation.COMPLETE_TRANSFER: calls.complete_transfer,
    Operation.COMPLETE_CONFERENCE: calls.complete_conference,
    Operation.SWAP: calls.swap_calls,
    Operation.MERGE: calls.merge_calls,
}
DATA: dict[Operation, Run] = {
    Operation.ATTACH_USER_DATA: partial(call_data.attach_user_data, user_data={"a": 1}),
    Operation.UPDATE_USER_DATA: partial(call_data.update_user_data, user_data={"a": 2}),
    Operation.DELETE_USER_DATA: partial(call_data.delete_user_data, keys=None),
    Operation.DELETE_USER_DATA_PAIR: partial(call_data.delete_user_data_pair, key="a"),
    Operation.SEND_DTMF: partial(calls.send_tones, digits="1"),
}


class Telephones(RuleBasedStateMachine):
    """Four agents on a telephone each; the last one supervises, the first two answer a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.around = transaction.atomic()
        self.around.__enter__()
        self.now = NOON

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.around.__exit__(None, None, None)

    @initialize()
    def log_in(self) -> None:
        house = make_house()
        self.people: list[User] = [
            make_agent(house, (Role.SUPERVISOR,) if last else (Role.AGENT,))
            for last in (False, False, False, True)
        ]
        self.devices: list[Device] = [
            make_active_device(one, WorkState.READY) for one in self.people
        ]
        self.actors: list[Actor] = [actor_for(one) for one in self.people]
        self.queue = make_queue(*self.people[:2])
        self.numbers = [
            *(one.phone_number for one in self.devices),
            self.queue.phone_number,
            OUTSIDE,
        ]
        self.legs: dict[Any, str] = {}
        self.shown: dict[tuple[Any, str], Json] = {}

    # --- What can happen ---------------------------------------------------------------------

    @rule(who=st.integers(0, 3), whom=st.integers(0, 5))
    def dial(self, who: int, whom: int) -> None:
        device = self.devices[who]
        busy = Leg.objects.filter(device=device, state__in=sorted(ACTIVE)).exists()
        run = partial(calls.dial, device.pk, self.numbers[whom])
        assert self._is_taken(run, who) == (not busy and who != whom)

    @rule(
        who=st.integers(0, 3),
        which=st.integers(0, 2),
        operation=st.sampled_from(list(Operation)),
        whom=st.integers(0, 5),
    )
    def ask(self, who: int, which: int, operation: Operation, whom: int) -> None:
        mine = self._calls_of(who)
        if not mine:
            return
        call = mine[which % len(mine)]
        offered = operation in call["capabilities"]
        assert self._can(who, call, operation, self.numbers[whom]) == offered

    # Half of what people do is one of these: walks of mere chance hang up before they talk.
    @rule(who=st.integers(0, 3), operation=st.sampled_from(["Answer", "Hold", "Retrieve"]))
    def go_on(self, who: int, operation: str) -> None:
        for call in self._calls_of(who):
            if operation in call["capabilities"]:
                assert self._can(who, call, Operation(operation), "")
                return

    @rule(
        watched=st.integers(0, 2),
        kind=st.sampled_from(MonitoringKind),
        mode=st.sampled_from(MonitoringMode),
        scope=st.sampled_from(MonitoringScope),
    )
    def monitor(
        self, watched: int, kind: MonitoringKind, mode: MonitoringMode, scope: MonitoringScope
    ) -> None:
        how = Monitoring(kind=kind, mode=mode, scope=scope)
        assert self._is_taken(partial(desk_monitoring.monitor, self.devices[watched].pk, how), 3)

    @rule(watched=st.integers(0, 2))
    def cancel(self, watched: int) -> None:
        monitored = Device.objects.filter(pk=self.devices[watched].pk, monitored_by__isnull=False)
        expected = monitored.exists()
        run = partial(desk_monitoring.cancel_monitoring, self.devices[watched].pk)
        assert self._is_taken(run, 3) == expected

    @rule(whom=st.integers(0, 4))
    def call_in(self, whom: int) -> None:
        house = self.queue.organization_id
        outside_calls.take_in_call(house, self.numbers[whom], caller=OUTSIDE, now=self.now)

    @rule()
    def outside_hangs_up(self) -> None:
        legs = Leg.objects.filter(device__isnull=True, released_at__isnull=True)
        for leg in legs.select_related("call")[:1]:
            outside_calls.outside_released(leg.organization_id, leg.call.number, now=self.now)

    @rule(seconds=st.sampled_from([1, 31]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        waiting_calls.end_unanswered(now=self.now)
        waiting_calls.offer_waiting(now=self.now)

    def _calls_of(self, who: int) -> list[Json]:
        views = calls_seen.calls_seen_by(self.actors[who], everybody=False, now=self.now)
        return [call_as_seen(view) for view in views]

    def _can(self, who: int, call: Json, operation: Operation, destination: str) -> bool:
        """Tell whether an operation is taken, with one of the other calls or parties that fit."""
        number = call["id"]
        if operation in PLAIN or operation in DATA:
            run = (PLAIN | DATA)[operation]
            return self._is_taken(partial(run, number), who)
        if operation in TO_SOMEBODY:
            return self._is_taken(partial(TO_SOMEBODY[operation], number, destination), who)
        if operation in WITH_ANOTHER:
            others: list[str] = [one["id"] for one in self._calls_of(who)]
            run = WITH_ANOTHER[operation]
        else:
            others, run = call["participants"] or ["0"], calls.remove_participant
        return any(self._is_taken(partial(run, number, other), who) for other in others)

    def _is_taken(self, run: Run, who: int) -> bool:
        before = self._everything()
        try:
            run(actor=self.actors[who], now=self.now)
        except DomainError:
            assert self._everything() == before
            return False
        return True

    def _everything(self) -> list[Any]:
        return [
            list(Leg.objects.order_by("id").values_list("id", "state", "is_muted")),
            list(Call.objects.order_by("id").values_list("id", "user_data", "event_count")),
            PushMessage.objects.count(),
        ]

    # --- What is always true ------------------------------------------------------------------

    @invariant()
    def every_leg_went_where_the_tables_say(self) -> None:
        for id_, state in Leg.objects.values_list("id", "state"):
            before = self.legs.get(id_)
            # One command may take several steps: dialled, and answered at once or busy.
            assert before == state or _reaches(before, state), (before, state)
            self.legs[id_] = state

    @invariant()
    def calls_and_legs_end_together(self) -> None:
        for call in Call.objects.filter(ended_at__isnull=True):
            live = list(call.legs.filter(released_at__isnull=True))
            parties = [leg for leg in live if leg.monitoring_kind in ("", "BargeIn")]
            assert len(parties) + (call.waits_in_id is not None) >= 2
        over = Leg.objects.filter(released_at__isnull=True, call__ended_at__isnull=False)
        assert not over.exists()

    @invariant()
    def a_telephone_has_one_conversation(self) -> None:
        active = Leg.objects.filter(state__in=sorted(ACTIVE), device__isnull=False)
        assert all(n == 1 for n in Counter(active.values_list("device_id", flat=True)).values())

    @invariant()
    def each_desktop_shows_what_there_is(self) -> None:
        rows = list(PushMessage.objects.filter(topic="/v2/me/calls").order_by("sequence"))
        PushMessage.objects.all().delete()
        for one in rows:
            self.shown[one.user_id, one.data["call"]["id"]] = one.data["call"]
        said = [(row.user_id, *_gist(row.data)) for row in rows]
        assert all(n == 1 for n in Counter(said).values()), said
        for who, user in enumerate(self.people):
            now = {call["id"]: _lasting(call) for call in self._calls_of(who)}
            told = {
                id_: _lasting(call)
                for (user_id, id_), call in self.shown.items()
                if user_id == user.pk and call["state"] != "Released"
            }
            assert told == now


def _reaches(before: str | None, state: str) -> bool:
    first = TURNS[LegState(before) if before else None]
    return state in first or any(state in TURNS[one] for one in first)


def _gist(data: Json) -> tuple[Any, ...]:
    call = data["call"]
    about = (call["id"], call["state"], call["mute"], *call["participants"])
    return (data["notificationType"], *about)


def _lasting(call: Json) -> tuple[Any, ...]:
    """Give what a desktop that only listens must know: capabilities also depend on other calls."""
    assert set(call["capabilities"]) - OFFERED[LegState(call["state"])] <= {
        "SwapCalls",
        "MergeWithOtherCall",
        "CompleteTransfer",
        "CompleteConference",
        "RemoveParticipantFromConference",
        "UnmuteCall",
    }
    return (call["state"], call["mute"], call["participants"], call["userData"])


@pytest.mark.rule("cc.lifecycle.call.r1", "cc.lifecycle.call.r2")
@pytest.mark.django_db
def test_whatever_agents_do_the_tables_hold_and_every_desktop_knows() -> None:
    run_state_machine_as_test(
        Telephones,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
