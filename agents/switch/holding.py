"""The calls, parties and devices that a command holds, locked in one order for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.models import Call, Device, Leg, LegState, MonitoringKind
from agents.switch import rows
from agents.switch.state import ACTIVE, SILENT
from config.kernel import prepared

_LEG, _DEVICE = Leg._meta.db_table, Device._meta.db_table
_CALLS_ON = f"""
    SELECT call_id FROM {_LEG} WHERE device_id = ANY(%s) AND released_at IS NULL
"""  # noqa: S608  # the name of our own table
_DEVICES_OF_CALLS = f"""
    SELECT device.id, device.monitored_by_id
    FROM {_LEG} AS leg JOIN {_DEVICE} AS device ON device.id = leg.device_id
    WHERE leg.call_id = ANY(%s) AND leg.released_at IS NULL
"""  # noqa: S608  # the names of our own tables
# Every command of a telephone asks these.
_CALLS, _DEVICES = object(), object()
# Without their queues: of what is joined, a row that was waited for shows the former one.
_LOCKED_CALLS = prepared.Kept(
    lambda ids: (
        Call.objects.select_for_update(no_key=True)
        .extra(where=["id = ANY(%s) AND ended_at IS NULL"], params=[ids])
        .order_by("id")
    ),
    _CALLS,
)
# Keys that point to a device may be checked meanwhile: it stays the one that it is.
_LOCKED_DEVICES = prepared.Kept(
    lambda ids: (
        Device.objects.select_for_update(no_key=True)
        .extra(where=["id = ANY(%s)"], params=[ids])
        .order_by("id")
    ),
    _DEVICES,
)
_LIVE_LEGS = prepared.Kept(
    lambda calls, devices: (
        Leg.objects.filter(released_at__isnull=True)
        .extra(
            where=["(agents_leg.call_id = ANY(%s) OR agents_leg.device_id = ANY(%s))"],
            params=[calls, devices],
        )
        .select_related("call")
        .order_by("id")
    ),
    _CALLS,
    _DEVICES,
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a party's desktop was told last."""

    state: str
    is_muted: bool
    participants: tuple[str, ...]


class Holding:
    """Calls under way, read under locks or without, and what can be asked about them.

    Locks are taken in one order: calls by their ids, then devices by theirs, then the streams of
    those who are told. What is on a device changes under the lock of the device only.
    """

    def __init__(self) -> None:
        self.calls: dict[UUID, Call] = {}
        self.devices: dict[UUID, Device] = {}
        # In the order in which they began: those that are not over, and those that this
        # command has ended.
        self.legs: list[Leg] = []
        self.stored: dict[UUID, rows.Stored] = {}
        self.seen: dict[UUID, Seen] = {}

    # --- Taking ------------------------------------------------------------------------------

    def hold(
        self,
        *,
        calls: Iterable[UUID] = (),
        on: Iterable[UUID] = (),
        devices: Iterable[UUID] = (),
    ) -> None:
        """Lock calls, all calls on some devices, and the devices of all their parties.

        Whoever has looked up what is on these devices names it as calls.
        """
        acting, wanted, also = set(on), set(calls), set(devices)
        wanted = wanted or self._calls_on(acting)
        while True:
            # What has come up while we waited is locked out of turn. That is rare; where it
            # collides PostgreSQL gives one of the two up, and the command starts again.
            self._lock_calls(wanted - self.calls.keys())
            also |= acting | self._devices_of_calls()
            self._lock_devices(also - self.devices.keys())
            self._load_legs()
            missing = {
                leg.call_id for leg in self.legs if leg.device_id in acting
            } - self.calls.keys()
            also |= self._supervisors()
            if not missing and also <= self.devices.keys() | self._gone(also):
                break
            wanted |= missing
        self._remember()

    def look(self, calls: Iterable[UUID]) -> None:
        """Read calls as they are, without a lock, for somebody who only wants to see them."""
        for call in Call.objects.select_related("waits_in").filter(
            id__in=list(calls), ended_at__isnull=True
        ):
            self.calls[call.id] = call
        ids = self._devices_of_calls()
        self.devices = Device.objects.in_bulk(list(ids))
        self._load_legs()

    def _calls_on(self, devices: set[UUID]) -> set[UUID]:
        if not devices:
            return set()
        return {call_id for (call_id,) in prepared.fetch(_CALLS_ON, [list(devices)])}

    def _lock_calls(self, ids: set[UUID]) -> None:
        if not ids:
            return
        for call in _LOCKED_CALLS.fetch(list(ids)):
            self.calls[call.id] = call
            self.stored[call.id] = rows.stored_call(call)

    def _devices_of_calls(self) -> set[UUID]:
        if not self.calls:
            return set()
        found = prepared.fetch(_DEVICES_OF_CALLS, [list(self.calls)])
        return {one for pair in found for one in pair if one}

    def _lock_devices(self, ids: set[UUID]) -> None:
        if not ids:
            return
        for device in _LOCKED_DEVICES.fetch(list(ids)):
            self.devices[device.id] = device

    def _supervisors(self) -> set[UUID]:
        return {one.monitored_by_id for one in self.devices.values() if one.monitored_by_id}

    def _gone(self, ids: set[UUID]) -> set[UUID]:
        """Give those of some devices that do not exist any more."""
        unlocked = ids - self.devices.keys()
        if not unlocked:
            return set()
        return unlocked - set(Device.objects.filter(id__in=unlocked).values_list("id", flat=True))

    def _load_legs(self) -> None:
        found = _LIVE_LEGS.fetch(list(self.calls), list(self.devices))
        # Those that are at hand stay the same objects: whoever holds one goes on with it.
        known = {leg.id: leg for leg in self.legs}
        self.legs = [known.get(leg.id, leg) for leg in found]
        for leg in self.legs:
            if leg.call_id in self.calls:
                leg.call = self.calls[leg.call_id]

    def _remember(self) -> None:
        for leg in self.legs:
            if leg.call_id in self.calls:
                self.stored[leg.id] = rows.stored_leg(leg)
                self.seen[leg.id] = self.as_seen(leg)

    # --- Looking -----------------------------------------------------------------------------

    def legs_of(self, call: Call) -> list[Leg]:
        """Give the parties of a call that have not left it, supervisors who listen included."""
        return [leg for leg in self.legs if leg.call_id == call.id and leg.released_at is None]

    def parties(self, call: Call) -> list[Leg]:
        """Give those of a call whom everybody in it hears, or will."""
        return [leg for leg in self.legs_of(call) if leg.monitoring_kind not in SILENT]

    def others(self, leg: Leg) -> list[Leg]:
        """Give the other parties of a leg's call."""
        return [other for other in self.parties(leg.call) if other is not leg]

    def beside(self, leg: Leg) -> list[Leg]:
        """Give what else is on the device of a leg."""
        if leg.device_id is None:
            return []
        return [other for other in self.on_device(leg.device_id) if other is not leg]

    def on_device(self, device_id: UUID) -> list[Leg]:
        """Give what is on a device and not over."""
        return [leg for leg in self.legs if leg.device_id == device_id and leg.released_at is None]

    def is_busy(self, device_id: UUID) -> bool:
        """Tell whether something is dialled, rings or goes on on a device."""
        return any(leg.state in ACTIVE for leg in self.on_device(device_id))

    def device_of(self, leg: Leg) -> Device | None:
        """Give the device of a leg; None for a party outside."""
        return self.devices.get(leg.device_id) if leg.device_id else None

    def has_begun(self, leg: Leg) -> bool:
        """Tell whether it is by this command that somebody talks in a call."""
        stored = self.stored.get(leg.id)
        return leg.established_at is not None and (stored is None or stored[2] is None)

    def participants(self, leg: Leg) -> tuple[str, ...]:
        """Give the numbers of those whom a party has before it.

        Who rings is shown while nobody else is there: a conference hears of it when it answers
        (cc.me.calls.SingleStepConference.r3).
        """
        if leg.state == LegState.RELEASED and leg.id in self.seen:
            return self.seen[leg.id].participants
        shown = [one for one in self.legs_of(leg.call) if one is not leg and self._sees(leg, one)]
        there = [one for one in shown if one.state != LegState.RINGING] or shown
        numbers = tuple(one.phone_number for one in there)
        if numbers:
            return numbers
        if leg.call.waits_in is not None:
            return (leg.call.waits_in.phone_number,)
        return (leg.call.dnis,) if leg.state == LegState.DIALING else ()

    def _sees(self, viewer: Leg, other: Leg) -> bool:
        if other.monitoring_kind == MonitoringKind.COACH:
            device = self.device_of(viewer)
            return device is not None and device.monitored_by_id == other.device_id
        return other.monitoring_kind != MonitoringKind.LISTEN_IN

    def as_seen(self, leg: Leg) -> Seen:
        """Give what a party's desktop shows of a call that can change."""
        return Seen(state=leg.state, is_muted=leg.is_muted, participants=self.participants(leg))
