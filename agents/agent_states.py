"""The states that agents can be in, by name: five that are built in, and an organisation's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.models import AgentState, WorkMode, WorkState


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A state with a name; `id` is written as the contract writes it, one letter of it small."""

    id: str
    operation_name: str
    display_name: str
    state: WorkState
    work_mode: str = ""
    reason: str = ""
    is_built_in: bool = False

    @property
    def meaning(self) -> tuple[str, str, str]:
        """Give what a state of somebody is compared by: one descriptor has it at most."""
        return self.state, self.work_mode, self.reason


def _built_in(
    name: str, id_: str, state: WorkState, *, shown: str = "", mode: str = ""
) -> Descriptor:
    return Descriptor(
        id=id_,
        operation_name=name,
        display_name=shown or name,
        state=state,
        work_mode=mode,
        is_built_in=True,
    )


AFTER_CALL_WORK = _built_in(
    "AfterCallWork",
    "D3663509-3D82-4DD3-A82E-2EA8EFA02AEF",
    WorkState.NOT_READY,
    mode=WorkMode.AFTER_CALL_WORK,
)
AUX_WORK = _built_in(
    "AuxWork",
    "2B36138D-C564-4562-A8CB-3C32D564F296",
    WorkState.NOT_READY,
    mode=WorkMode.AUX_WORK,
)
NOT_READY = _built_in(
    "NotReady", "900D55CC-2BB0-431F-8BF9-D3525B383BE6", WorkState.NOT_READY, shown="Not Ready"
)
OFFLINE = _built_in("Offline", "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB", WorkState.LOGOUT)
READY = _built_in("Ready", "9430250E-0A1B-421F-B372-F29E69366DED", WorkState.READY)
# In the order in which they are listed.
BUILT_IN = (AFTER_CALL_WORK, AUX_WORK, NOT_READY, OFFLINE, READY)


def descriptor_of(row: AgentState) -> Descriptor:
    """Give an organisation's own state as a descriptor."""
    return Descriptor(
        id=str(row.pk),
        operation_name=row.operation_name,
        display_name=row.display_name,
        state=WorkState(row.state),
        work_mode=row.work_mode,
        reason=row.reason,
    )


class Descriptors:
    """All states of one organisation, found by name or by what they mean."""

    def __init__(self, rows: Iterable[AgentState] = ()) -> None:
        self.all = (*BUILT_IN, *map(descriptor_of, rows))
        self._by_name = {one.operation_name: one for one in reversed(self.all)}
        self._by_meaning = {one.meaning: one for one in reversed(self.all)}

    @classmethod
    def of(cls, organization_id: UUID) -> Descriptors:
        """Give the built-in states and those of an organisation."""
        rows = AgentState.objects.filter(organization_id=organization_id)
        return cls(rows.order_by("operation_name"))

    def named(self, operation_name: str) -> Descriptor | None:
        """Give the state that is set by an operation, compared exactly."""
        return self._by_name.get(operation_name)

    def meant_by(self, state: str, work_mode: str, reason: str) -> Descriptor | None:
        """Give the one whose state, mode and reason all match (cc.lifecycle.user_state.r2)."""
        return self._by_meaning.get((state, work_mode, reason))
