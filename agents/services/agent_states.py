"""Commands about the states that an organisation names for itself (contract, Agent States)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.agent_states import Descriptor, Descriptors
from agents.errors import NotForYourRole
from agents.errors_desk import (
    AgentStateNotFound,
    AgentStateTaken,
    InvalidAgentState,
    ReadOnly,
)
from agents.models import AgentState, WorkMode, WorkState
from agents.services.intervals import record_next
from config.kernel import limits
from config.kernel.actors import Actor, Role
from config.kernel.database import lock_keys

# What /me and /me/channels/{id} have besides states (cc.settings.agent_states.create.r8).
RESERVED = frozenset(
    {
        "DoNotDisturbOn",
        "DoNotDisturbOff",
        "StartContactCenterSession",
        "EndContactCenterSession",
        "ChangePassword",
        "ResetPassword",
    }
)
_MODES = {
    WorkState.READY: (WorkMode.MANUAL_IN, WorkMode.AUTO_IN, WorkMode.RETURN_BACK),
    WorkState.NOT_READY: (
        WorkMode.AFTER_CALL_WORK,
        WorkMode.AUX_WORK,
        WorkMode.LEGAL_GUARD,
        WorkMode.NO_CALL_DISCONNECT,
        WorkMode.WALK_AWAY,
    ),
}


@dataclass(frozen=True, kw_only=True)
class StateChanges:
    """What is to become of a state; None leaves it as it is, an empty text takes it away."""

    display_name: str | None = None
    state: str | None = None
    work_mode: str | None = None
    reason: str | None = None


@transaction.atomic
def create_agent_state(
    operation_name: str,
    display_name: str,
    *,
    state: str,
    work_mode: str = "",
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> AgentState:
    """Name a state that agents can be set to from now on.

    Raises NotForYourRole, InvalidAgentState, AgentStateTaken.
    """
    organization_id = _lock(actor)
    row = AgentState(
        organization_id=organization_id,
        operation_name=operation_name,
        display_name=display_name,
        state=state,
        work_mode=work_mode,
        reason=reason,
    )
    known = Descriptors.of(organization_id)
    if operation_name in RESERVED or known.named(operation_name) is not None:
        raise AgentStateTaken(what="operationName")
    _check(row, known)
    row.save(force_insert=True)
    _record("created", row, actor=actor, now=now, after=_facts_of(row))
    return row


@transaction.atomic
def change_agent_state(
    operation_name: str, changes: StateChanges, *, actor: Actor, now: datetime
) -> AgentState:
    """Change a state that the organisation has named; whoever is in it stays as it is.

    Raises NotForYourRole, AgentStateNotFound, ReadOnly, InvalidAgentState, AgentStateTaken.
    """
    organization_id = _lock(actor)
    row = _own(operation_name, organization_id)
    before = _facts_of(row)
    for name in ("display_name", "state", "work_mode", "reason"):
        if (wanted := getattr(changes, name)) is not None:
            setattr(row, name, wanted)
    _check(row, Descriptors.of(organization_id))
    row.save()
    if _facts_of(row) != before:
        _record("changed", row, actor=actor, now=now, before=before, after=_facts_of(row))
    return row


@transaction.atomic
def delete_agent_state(operation_name: str, *, actor: Actor, now: datetime) -> None:
    """Take a state away; whoever is in it keeps state, mode and reason.

    Raises NotForYourRole, AgentStateNotFound, ReadOnly.
    """
    row = _own(operation_name, _lock(actor))
    _record("deleted", row, actor=actor, now=now, before=_facts_of(row))
    row.delete()


def descriptor_of_id(known: Descriptors, state_id: str) -> Descriptor:
    """Give the state of an id, in any mix of upper and lower case. Raises AgentStateNotFound."""
    for one in known.all:
        if one.id.lower() == state_id.lower():
            return one
    raise AgentStateNotFound


def _lock(actor: Actor) -> UUID:
    """Let one administrator at a time change the states of an organisation."""
    if actor.organization_id is None or not actor.has(Role.ADMIN):
        raise NotForYourRole
    # What a state means is unique over the built-in ones too: no constraint sees those.
    lock_keys(f"agent states {actor.organization_id}")
    return actor.organization_id


def _own(operation_name: str, organization_id: UUID) -> AgentState:
    found = Descriptors.of(organization_id).named(operation_name)
    if found is None:
        raise AgentStateNotFound
    if found.is_built_in:
        raise ReadOnly(what="A built-in agent state")
    return AgentState.objects.get(organization_id=organization_id, operation_name=operation_name)


def _check(row: AgentState, known: Descriptors) -> None:
    others = [one for one in known.all if one.id != str(row.pk)]
    _check_words(row)
    if row.state not in _MODES:
        raise InvalidAgentState(errors={"state": ["It is Ready or NotReady."]})
    modes = [mode.value for mode in _MODES[WorkState(row.state)]]
    if row.work_mode and row.work_mode not in modes:
        words = f"With state {row.state} it is one of {', '.join(modes)}."
        raise InvalidAgentState(errors={"workMode": [words]})
    if row.reason and any(one.reason == row.reason for one in others):
        raise AgentStateTaken(what="reason")
    meaning = _meaning_of(row)
    if any(one.meaning == meaning for one in others):
        raise AgentStateTaken(what="combination of state, workMode and reason")


def _check_words(row: AgentState) -> None:
    texts = {
        "operationName": row.operation_name,
        "displayName": row.display_name,
        "reason": row.reason,
    }
    for name, text in texts.items():
        if len(text) > limits.NAME_LENGTH:
            words = f"It has at most {limits.NAME_LENGTH} characters."
            raise InvalidAgentState(errors={name: [words]})
        if name != "reason" and not text.strip():
            raise InvalidAgentState(errors={name: ["It is empty."]})


def _meaning_of(row: AgentState) -> tuple[str, str, str]:
    return row.state, row.work_mode, row.reason


def _facts_of(row: AgentState) -> dict[str, str]:
    return {
        "operationName": row.operation_name,
        "displayName": row.display_name,
        "state": row.state,
        "workMode": row.work_mode,
        "reason": row.reason,
    }


def _record(
    what: str,
    row: AgentState,
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    record_next(
        f"agent_state.{what}",
        row.pk,
        row.organization_id,
        actor=actor,
        now=now,
        before=before,
        after=after,
    )
