"""What a command does to calls: how they change, who is told of it, and what is written down."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents import call_wire
from agents.models import Call, CallType, Device, Leg, LegState, Queue
from agents.services.push import Told
from agents.switch import rows
from agents.switch.capabilities import capabilities_of
from agents.switch.holding import Holding, Seen
from agents.switch.state import TURNS
from config.kernel.actors import Actor
from notifications import outbox

_TOPIC = "/v2/me/calls"
_LETTERS = string.ascii_uppercase + string.digits
# What a person is told of first when one command changes two of its calls.
_ORDER = {
    LegState.RELEASED: 0,
    LegState.HELD: 1,
    LegState.DIALING: 2,
    LegState.RINGING: 3,
    LegState.ESTABLISHED: 4,
}


@dataclass(kw_only=True)
class _News:
    """What desktops are to hear beside what follows from the rows."""

    status: set[UUID] = field(default_factory=set)
    participants: set[UUID] = field(default_factory=set)
    user_data: set[UUID] = field(default_factory=set)
    errors: dict[UUID, str] = field(default_factory=dict)


class Exchange(Holding):
    """Calls as one command sees and changes them; nobody else can meanwhile."""

    def __init__(self, *, organization_id: UUID, actor: Actor, now: datetime) -> None:
        super().__init__()
        self.organization_id = organization_id
        self.actor = actor
        self.now = now
        self.told: list[Told] = []
        self._new: set[UUID] = set()
        self._news = _News()
        self._events: dict[UUID, tuple[str, dict[str, Any]]] = {}

    # --- Changing ----------------------------------------------------------------------------

    def new_call(
        self,
        type_: CallType,
        *,
        ani: str,
        dnis: str,
        user_data: Mapping[str, object] | None = None,
        consults: Call | None = None,
        purpose: str = "",
    ) -> Call:
        """Begin a call without parties."""
        call = Call(
            organization_id=self.organization_id,
            number=secrets.token_hex(8),
            uuid="".join(secrets.choice(_LETTERS) for _ in range(32)),
            type=type_,
            ani=ani,
            dnis=dnis,
            user_data=dict(user_data or {}),
            consults=consults,
            consult_purpose=purpose,
            began_at=self.now,
        )
        self.calls[call.id] = call
        self._new.add(call.id)
        return call

    def new_leg(
        self,
        call: Call,
        state: LegState,
        *,
        device: Device | None = None,
        number: str = "",
        monitoring_kind: str = "",
        established_at: datetime | None = None,
    ) -> Leg:
        """Let a device or a number outside take part in a call."""
        if state == LegState.ESTABLISHED:
            established_at = established_at or self.now
        leg = Leg(
            organization_id=self.organization_id,
            call=call,
            device=device,
            user_id=device.user_id if device else None,
            phone_number=device.phone_number if device else number,
            state=state,
            monitoring_kind=monitoring_kind,
            began_at=self.now,
            established_at=established_at,
        )
        self.legs.append(leg)
        self._new.add(leg.id)
        return leg

    def turn(self, leg: Leg, state: LegState) -> None:
        """Bring a party into another state.

        Raises ValueError for what the tables do not have: that is a bug of the switch.
        """
        if state not in TURNS[LegState(leg.state)]:
            raise ValueError(f"A call cannot go from {leg.state} to {state}.")
        leg.state = state
        if state == LegState.ESTABLISHED:
            leg.established_at = leg.established_at or self.now
        if state == LegState.RELEASED:
            leg.released_at = self.now
            leg.is_muted = False

    def wait_in(self, call: Call, queue: Queue | None) -> None:
        """Let a call wait until somebody of a queue is free, or no longer."""
        call.waits_in = queue

    # --- Telling -----------------------------------------------------------------------------

    def insist_on_status(self, leg: Leg) -> None:
        """Tell a party how its call stands even though that did not change."""
        self._news.status.add(leg.id)

    def insist_on_participants(self, legs: Iterable[Leg]) -> None:
        """Tell parties who takes part even though they know, or hear of their state besides."""
        self._news.participants.update(leg.id for leg in legs)

    def user_data_changed(self, call: Call) -> None:
        """Tell everybody in a call that its attached data changed."""
        self._news.user_data.add(call.id)

    def explain(self, leg: Leg, message: str) -> None:
        """Say with the next state of a party what went wrong."""
        self._news.errors[leg.id] = message

    def tell(self) -> None:
        """Note for each desktop what has changed since it was told last, once for each change."""
        news, self._news = self._news, _News()
        status: list[tuple[int, Told]] = []
        updated: dict[tuple[UUID, UUID], Told] = {}
        data: dict[tuple[UUID, UUID], Told] = {}
        for leg in self.legs:
            if leg.call_id not in self.calls:
                continue
            before, after = self.seen.get(leg.id), self.as_seen(leg)
            self.seen[leg.id] = after
            if leg.user_id is None:
                continue
            key = (leg.user_id, leg.call_id)
            is_status = leg.id in news.status or before is None or _differ(before, after)
            if is_status:
                error = news.errors.get(leg.id, "")
                kind = call_wire.Change.STATUS
                status.append((_ORDER[LegState(leg.state)], self._told(leg, kind, error)))
            if leg.id in news.participants or (
                not is_status and before is not None and before.participants != after.participants
            ):
                updated.setdefault(key, self._told(leg, call_wire.Change.PARTICIPANTS))
            if leg.call_id in news.user_data and leg.released_at is None:
                data.setdefault(key, self._told(leg, call_wire.Change.USER_DATA))
        status.sort(key=lambda one: one[0])
        self.told += [*(one for _, one in status), *updated.values(), *data.values()]

    def dtmf_sent(self, leg: Leg) -> None:
        """Tell a party that its tones were sent."""
        if leg.user_id is not None:
            self.told.append(self._told(leg, call_wire.Change.DTMF))

    def failed(self, leg: Leg, message: str) -> None:
        """Tell a party that what it asked for could not be done; nothing else has changed."""
        if leg.user_id is not None:
            self.told.append(self._told(leg, call_wire.Change.STATUS, message))

    def note(self, type_: str, call: Call, **facts: object) -> None:
        """Have one event of a call recorded; the last of several tells what became of it."""
        self._events[call.id] = (type_, facts)

    def _told(self, leg: Leg, change: call_wire.Change, error: str = "") -> Told:
        if leg.user_id is None:
            raise ValueError("Nobody is told of a party outside.")
        data = call_wire.notification(self.view(leg), change, error=error)
        return Told(user_id=leg.user_id, topic=_TOPIC, data=data)

    def view(self, leg: Leg, *, takes_part: bool = True) -> call_wire.View:
        """Give a call as one of its parties sees it now, or somebody who only watches it."""
        return call_wire.View(
            call=leg.call,
            leg=leg,
            participants=self.participants(leg),
            capabilities=tuple(capabilities_of(leg, self)) if takes_part else (),
            now=self.now,
        )

    # --- Keeping -----------------------------------------------------------------------------

    def save(self) -> None:
        """Write down what has changed, and one event for each call of which one was noted."""
        for call in self.calls.values():
            call.event_count += call.id in self._events
            if call.waits_in is None and not self.legs_of(call):
                call.ended_at = call.ended_at or self.now
        mine = [leg for leg in self.legs if leg.call_id in self.calls]
        rows.write(calls=list(self.calls.values()), legs=mine, stored=self.stored, new=self._new)
        for call_id, (type_, facts) in self._events.items():
            call = self.calls[call_id]
            outbox.record(
                type_,
                organization_id=self.organization_id,
                application_id=None,
                subject_type="call",
                subject_id=call.id,
                sequence=call.event_count,
                actor=self.actor,
                now=self.now,
                subject=call,
                facts={"type": call.type, "parties": self._parties_noted(call), **facts},
            )

    def _parties_noted(self, call: Call) -> list[dict[str, str | None]]:
        """Give who took part and how it stands; of those outside only that they are there."""
        return [
            {
                "deviceId": str(leg.device_id) if leg.device_id else None,
                "userId": str(leg.user_id) if leg.user_id else None,
                "state": leg.state,
                "monitoring": leg.monitoring_kind,
            }
            for leg in self.legs
            if leg.call_id == call.id
        ]


def _differ(before: Seen, after: Seen) -> bool:
    return before.state != after.state or (
        before.is_muted != after.is_muted and after.state != LegState.RELEASED
    )
